//! What is looked at of a machine and of a segment: as conf says, else what is sensible. Pure.

use super::{Key, Subject};
use crate::conf::{
    Machine, Segment,
    checks::{Check, What},
};
use std::{collections::BTreeMap, sync::Arc};

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
    add(plan, subject, Check::new(What::Dns { name, address: Some(segment.server) }), true);
    add(plan, subject, Check::new(What::Tcp(80)), true);
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
