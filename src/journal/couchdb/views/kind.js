function (doc) {
  if (!doc.kinds) return;
  Object.keys(doc.kinds).forEach(function (kind) { emit([doc.service, kind, doc.second], doc.kinds[kind]); });
}
