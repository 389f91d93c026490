//! What is looked at of a machine and of a segment: as conf says, else what is sensible. Pure.

use super::{Key, Subject};
use crate::conf::{
    Machine, Segment,
    checks::{Check, What},
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// A server that breaks tells it itself: this is for one that hangs.
const OWN: Duration = Duration::from_secs(60);

/// A check that is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// What, and how often.
    pub check: Check,
    /// Conf names it. What is only sensible is no trouble where it never was there.
    pub wanted: bool,
}

/// Those of a machine: its own, else its segment's for machines, else what is sensible.
pub fn of_machine(segment: &Segment, machine: &Machine, plan: &mut BTreeMap<Key, Planned>) {
    let subject = Subject { segment: segment.server, machine: Some((machine.address, machine.mac)) };
    let said = machine.checks.as_ref().or(segment.checks.as_ref());
    if said.is_some_and(|said| said.off) {
        return;
    }
    let of_machine = said.into_iter().flat_map(|said| &said.checks).filter(|check| !is_of_segment(check));
    let wanted: Vec<Check> = of_machine.cloned().collect();
    if wanted.is_empty() {
        usual().into_iter().for_each(|what| add(plan, subject, Check::new(what), false));
    } else {
        wanted.into_iter().for_each(|check| add(plan, subject, check, true));
    }
}

/// Those of a segment's own services.
pub fn of_segment(segment: &Segment, plan: &mut BTreeMap<Key, Planned>) {
    let subject = Subject { segment: segment.server, machine: None };
    if segment.checks.as_ref().is_some_and(|checks| checks.off) {
        return;
    }
    if segment.pool.is_some() {
        let said = segment.checks.iter().flat_map(|said| &said.checks).find(|check| is_of_segment(check));
        add(plan, subject, said.cloned().unwrap_or(Check::new(What::Pool(90))), true);
    }
    let name = segment.domain.clone();
    for what in [What::Dns { name, address: Some(segment.server) }, What::Tcp(80)] {
        add(plan, subject, Check { every: OWN, ..Check::new(what) }, true);
    }
}

/// Without a word of conf: whether it is there, and what answers there once.
fn usual() -> [What; 4] {
    let http = What::Http { url: "/".to_owned(), status: None, text: None };
    [What::Ping, What::Ssh(22), http, What::Certificate { port: 443, days: 14 }]
}

fn is_of_segment(check: &Check) -> bool {
    matches!(check.what, What::Pool(_))
}

fn add(plan: &mut BTreeMap<Key, Planned>, subject: Subject, check: Check, wanted: bool) {
    plan.insert(Key { subject, name: Arc::from(check.name()) }, Planned { check, wanted });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        conf::{Pool, checks::checks},
        net::Mac,
    };
    use std::net::Ipv4Addr;

    /// The names of what is looked at: of the machine, and of the segment.
    fn names(of_segment_says: Option<&str>, machine_says: Option<&str>) -> (Vec<String>, Vec<String>) {
        let mut segment = Segment::new(Ipv4Addr::new(10, 77, 0, 1));
        segment.pool = Some(Pool { first: Ipv4Addr::new(10, 77, 0, 100), last: Ipv4Addr::new(10, 77, 0, 200) });
        segment.checks = of_segment_says.map(|text| checks(text).unwrap());
        let mut machine = Machine::new(Ipv4Addr::new(10, 77, 0, 60), Mac([2, 0, 0, 0, 0, 1]), "web1");
        machine.checks = machine_says.map(|text| checks(text).unwrap());
        let mut plan = BTreeMap::new();
        of_segment(&segment, &mut plan);
        super::of_machine(&segment, &machine, &mut plan);
        let (of_machine, own): (Vec<_>, Vec<_>) = plan.into_iter().partition(|(key, _)| key.subject.machine.is_some());
        let words = |all: Vec<(Key, Planned)>| {
            let words =
                all.into_iter().map(|(key, planned)| format!("{}{}", key.name, if planned.wanted { "" } else { "?" }));
            words.collect::<Vec<String>>()
        };
        (words(of_machine), words(own))
    }

    #[test]
    fn who_says_what_is_looked_at() {
        let usual = ["certificate 443?", "http /?", "ping?", "ssh?"];
        let own = ["dns lan", "pool", "tcp 80"];
        for (segment, machine, of_machine, of_segment) in [
            (None, None, &usual[..], &own[..]),
            (Some("ping\npool 50"), None, &["ping"], &own),
            (Some("pool 50"), None, &usual, &own),
            (Some("ping"), Some("arp\nssh"), &["arp", "ssh"], &own),
            (None, Some("off"), &[], &own),
            (Some("off"), None, &[], &[]),
            (Some("off"), Some("ping"), &["ping"], &[]),
        ] {
            let (found, own) = names(segment, machine);
            assert_eq!(
                (&found[..], &own[..]),
                (&strings(of_machine)[..], &strings(of_segment)[..]),
                "{segment:?} {machine:?}"
            );
        }
    }

    fn strings(words: &[&str]) -> Vec<String> {
        words.iter().map(ToString::to_string).collect()
    }
}
