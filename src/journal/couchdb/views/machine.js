function (doc) {
  // The machine's address, else the hardware addresses that its events name.
  if (!doc.events) return;
  if (doc.machine) return emit([doc.machine, doc.second], doc.count);
  var macs = {};
  doc.events.forEach(function (event) { if (event.mac) macs[event.mac] = (macs[event.mac] || 0) + 1; });
  Object.keys(macs).forEach(function (mac) { emit([mac, doc.second], macs[mac]); });
}
