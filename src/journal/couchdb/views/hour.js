function (doc) {
  if (!doc.events) return;
  emit([doc.second.substring(0, 13), doc.segment, doc.service], doc.count);
}
