function (doc) {
  if (doc.kinds && doc.kinds['conf.loaded']) emit([doc.segment, doc.second], null);
}
