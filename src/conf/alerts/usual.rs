//! The rules that are there by default: what everybody wants to be told.

use super::{Rule, rule};

/// Their names, and their lines as a file of `alerts/` has them.
pub const USUAL: [(&str, &str); 17] = [
    // A machine is told within half a minute, so it does not wait for long. Who switches it off knows it.
    (
        "down",
        "when kind=check.failed check=ping,arp
         clear kind=check.recovered,check.passed,check.paused check=ping,arp
         for 2s
         unless kind=power.requested action=off,reset,cycle,pxe,setup
         within 5m
         severity crit",
    ),
    // Longer than what shows that its machine is down.
    (
        "service",
        "when kind=check.failed not check=ping,arp,disk,load,pool,syslog,certificate*
         clear kind=check.recovered,check.passed,check.paused not check=ping,arp,disk,load,pool,syslog,certificate*
         by check
         for 15s
         unless kind=power.requested action=off,reset,cycle,pxe,setup
         within 5m",
    ),
    (
        "health",
        "when kind=check.failed check=load,syslog,certificate*
         clear kind=check.recovered,check.passed,check.paused check=load,syslog,certificate*
         by check
         for 1m
         severity warning",
    ),
    ("disk", "when kind=check.failed check=disk\nclear kind=check.recovered,check.passed,check.paused check=disk"),
    ("pool", "when kind=check.failed check=pool\nclear kind=check.recovered,check.passed,check.paused check=pool"),
    ("flapping", "when kind=check.failed\nby check\ncount 5\nwithin 30m\nafter 30m\nseverity warning"),
    (
        "boot-stalled",
        "when kind=boot.stalled
         clear kind=boot.completed,dhcp.acknowledged,tftp.completed,http.completed,nfs.mounted
         clear kind=power.requested,power.confirmed
         after 2h",
    ),
    ("boot-looped", "when kind=boot.looped\nclear kind=boot.completed,power.requested,power.confirmed\nafter 2h"),
    ("rogue-dhcp", "when kind=rival.found\nclear kind=rival.gone\nseverity crit"),
    ("address-conflict", "when kind=address.contested\nclear kind=address.settled\nby address"),
    ("address-in-use", "when kind=dhcp.declined,dhcp.conflicted\nby address\nafter 1h\nseverity warning"),
    ("schedule-missed", "when kind=schedule.missed late=false\nclear kind=power.confirmed\nafter 6h\nseverity warning"),
    ("power", "when kind=power.unconfirmed,power.refused\nclear kind=power.confirmed\nafter 1h\nseverity warning"),
    ("server", "when kind=service.failed\nclear kind=service.started,service.stopped\nby service\nfor 10s"),
    ("couchdb", "when kind=audit.failed\nclear kind=audit.recovered\nby database\nfor 2m\nseverity warning"),
    ("journal", "when kind=journal.failed\nclear kind=journal.recovered\nseverity crit"),
    ("events-dropped", "when kind=events.dropped\nby reader\nafter 10m\nseverity warning"),
];

/// The rule of this name that is there by default.
pub fn usual(name: &str) -> Option<Rule> {
    let (_, lines) = USUAL.iter().find(|(known, _)| *known == name)?;
    rule(lines, None).ok()
}
