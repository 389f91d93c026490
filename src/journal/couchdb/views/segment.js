function (doc) {
  if (doc.events) emit([doc.segment, doc.second], null);
}
