function (doc) {
  if (!doc.events || doc.service !== 'boot') return;
  doc.events.forEach(function (event) {
    var name = doc.hostname, details = event.details;
    if (event.kind === 'boot.completed') {
      emit([doc.segment, doc.machine || event.mac, event.time], {outcome: 'up', hostname: name, millis: details.millis});
    }
    if (event.kind === 'boot.stalled') {
      emit([doc.segment, doc.machine || event.mac, event.time],
        {outcome: 'stalled', hostname: name, stage: details.stage, cause: details.cause});
    }
  });
}
