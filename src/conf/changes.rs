//! What changed between two readings of the tree, as facts. Pure.

use super::{Conf, Machine, Mistake, Reading, Segment};
use crate::{
    boot,
    event::{Event, Fact, MachineSummary, Role},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
    path::{Component, Path, PathBuf},
};

/// What the tree says at the start.
pub fn at_start(now: &Reading) -> Vec<Event> {
    between(&Reading::default(), &BTreeMap::new(), now, &BTreeMap::new())
}

/// What changed from `before` to `now`; the fingerprints tell which files did.
pub fn between(
    before: &Reading,
    files_before: &BTreeMap<PathBuf, u64>,
    now: &Reading,
    files_now: &BTreeMap<PathBuf, u64>,
) -> Vec<Event> {
    let mut events = Vec::new();
    let paths: BTreeSet<_> = files_before.keys().chain(files_now.keys()).collect();
    for path in paths.into_iter().filter(|path| files_before.get(*path) != files_now.get(*path)) {
        events.push(about(path, Fact::ConfChanged { path: path.display().to_string() }));
        events.extend(armed(path, now));
    }
    for mistake in now.mistakes.iter().filter(|mistake| !before.mistakes.contains(mistake)) {
        let Mistake { path, value, expected } = mistake.clone();
        let fact = Fact::ConfRejected { path: path.display().to_string(), value, expected };
        events.push(about(&path, fact));
    }
    let wrong_now: BTreeSet<_> = now.mistakes.iter().map(|mistake| &mistake.path).collect();
    let wrong_before: BTreeSet<_> = before.mistakes.iter().map(|mistake| &mistake.path).collect();
    for path in wrong_before.difference(&wrong_now) {
        events.push(about(path, Fact::ConfMended { path: path.display().to_string() }));
    }
    for (server, segment) in &now.conf.segments {
        // What a machine is given last is said by its profile.
        let is_new = before.conf.segments.get(server) != Some(segment);
        if is_new || loaded(&before.conf, segment) != loaded(&now.conf, segment) {
            events.push(Event::new(Some(*server), loaded(&now.conf, segment)));
        }
    }
    for (server, segment) in &before.conf.segments {
        if !now.conf.segments.contains_key(server) {
            events.push(Event::new(Some(*server), Fact::ConfRemoved { machines: segment.machines.len() }));
        }
    }
    events
}

/// An event about the segment and machine that a path of the tree belongs to.
fn about(path: &Path, fact: Fact) -> Event {
    let mut addresses = path.components().map_while(|part| match part {
        Component::Normal(name) => name.to_str()?.parse::<Ipv4Addr>().ok(),
        _ => None,
    });
    let segment = addresses.next();
    Event::new(segment, fact).about(addresses.next(), None)
}

/// A machine is armed whenever its file is written, also with what it was armed with before; never by a file that makes no
/// sense, which leaves what was in force.
fn armed(path: &Path, now: &Reading) -> Option<Event> {
    if now.mistakes.iter().any(|mistake| mistake.path == path) {
        return None;
    }
    let mut parts = path.to_str()?.split('/');
    let (segment, machine) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let (_, machine) = now.conf.machine((segment, machine))?;
    let once = machine.boot_once.clone().filter(|_| parts.next() == Some("boot-once"))?;
    let armed = Event::new(Some(segment), Fact::BootArmed { profile: once.profile, then: once.then });
    Some(armed.about(Some(machine.address), Some(machine.mac)))
}

/// What is the last that a machine is given, where nothing is to be heard of a system.
fn last(conf: &Conf, segment: &Segment, machine: &Machine) -> Option<Role> {
    let once = machine.boot_once.as_ref().map(|once| once.profile.as_str());
    let name = once.or_else(|| segment.profile_of(Some(machine)))?;
    match boot::find(conf, name)?.kind(machine.firmware) {
        Some("action" | "menu") => Some(Role::Script),
        Some("program") => Some(Role::Kernel),
        _ => None,
    }
}

fn loaded(conf: &Conf, segment: &Segment) -> Fact {
    let summary = |machine: &Machine| MachineSummary {
        address: machine.address,
        mac: machine.mac,
        hostname: machine.hostname.clone(),
        boot: segment.profile_of(Some(machine)).map(str::to_owned),
        armed: machine.boot_once.as_ref().map(|once| once.profile.clone()),
        last: last(conf, segment, machine),
        firmware: machine.firmware,
        power: machine.power.first().map(|rung| rung.method().to_owned()),
    };
    Fact::ConfLoaded {
        domain: segment.domain.clone(),
        mode: segment.mode.name().to_owned(),
        pool: segment.pool.map(|pool| (pool.first, pool.last)),
        machines: segment.machines.values().map(|machine| summary(machine)).collect(),
    }
}
