//! Writes a recipe from what was changed on a machine: packages, users and groups, services, files. Pure: who calls it reads the record.

mod accounts;
mod left;
mod script;

use super::{Content, escape};
use crate::track::{Delta, Entry, Kind};
use accounts::{Accounts, Group, User};
pub use left::left_out;
use std::collections::{BTreeMap, BTreeSet};

/// Bytes of a file that a recipe takes along.
const LARGEST: usize = 16 << 20;

/// Before or after the changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// As it was.
    Before,
    /// As it is.
    Now,
}

/// The bytes of a file of the machine, before or after the changes.
pub type Read<'a> = dyn Fn(When, &[u8]) -> Option<Vec<u8>> + 'a;

/// What of it is known elsewhere.
pub struct Sources<'a> {
    /// The bytes of a file of the machine.
    pub content: &'a Read<'a>,
    /// MD5 in hexadecimal, as packages tell it of their files.
    pub md5: &'a dyn Fn(&[u8]) -> Option<String>,
}

/// A recipe that was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Its text.
    pub script: String,
    /// Its files, below its folder, without a leading `/`, with their modes on the machine.
    pub files: Vec<(Vec<u8>, Content, u32)>,
    /// Paths that it leaves out though they were changed, printable, and why.
    pub left: Vec<(String, &'static str)>,
    /// Nothing is in it.
    pub is_empty: bool,
}

/// What goes into the script.
#[derive(Debug, Default)]
struct Parts {
    packages: BTreeSet<String>,
    packages_gone: BTreeSet<String>,
    groups: Vec<Group>,
    users: Vec<User>,
    /// Users that came to groups that there were: group and user.
    members: Vec<(String, String)>,
    enabled: BTreeSet<String>,
    disabled: BTreeSet<String>,
    masked: BTreeSet<String>,
    unmasked: BTreeSet<String>,
    files: Vec<(Entry, Content, String)>,
    gone: Vec<Vec<u8>>,
}

/// Writes it. `title` and `about` are its head's.
pub fn from(delta: &Delta, title: &str, about: &str, sources: &Sources<'_>) -> Written {
    let mut parts = Parts::default();
    let mut left = Vec::new();
    packages(delta, &mut parts);
    let read =
        |when, path: &[u8]| String::from_utf8_lossy(&(sources.content)(when, path).unwrap_or_default()).into_owned();
    let accounts = |when| Accounts::read(&read(when, b"etc/passwd"), &read(when, b"etc/group"));
    let (before, now) = (accounts(When::Before), accounts(When::Now));
    (parts.groups, parts.users, parts.members) = now.since(&before);
    services(delta, &mut parts);
    for (old, entry) in &delta.changed {
        if entry.kind == Kind::Removed {
            remove(&mut parts, &mut left, &entry.path);
            continue;
        }
        if let Some(unit) = wanted_unit(&entry.path) {
            // `systemctl enable` makes the link.
            parts.enabled.insert(unit);
            continue;
        }
        let mut leave = |why| left.push((shown(&entry.path), why));
        if let Some(why) = left_out(&entry.path, !parts.packages.is_empty()) {
            leave(why);
            continue;
        }
        let content = match &entry.kind {
            Kind::File { size, .. } if usize::try_from(*size).is_ok_and(|size| size <= LARGEST) => {
                let Some(bytes) = (sources.content)(When::Now, &entry.path) else {
                    leave("the record has not its content");
                    continue;
                };
                let path = String::from_utf8_lossy(&entry.path);
                let brought = delta.inventory.1.conffiles.get(path.as_ref());
                if brought.is_some() && brought == (sources.md5)(&bytes).as_ref() {
                    leave("a package brought it so");
                    continue;
                }
                Content::File(bytes)
            }
            Kind::File { .. } => {
                leave("it is too large for a recipe");
                continue;
            }
            Kind::Secret { .. } => {
                leave("it is kept encrypted; put it there yourself");
                continue;
            }
            Kind::Link { target } => Content::Link(target.clone()),
            // What lies in it brings it along, unless there is something to it.
            Kind::Folder if old.is_none() && entry.mode == 0o755 && (entry.uid, entry.gid) == (0, 0) => continue,
            Kind::Folder => Content::Folder,
            Kind::Character(..) | Kind::Block(..) | Kind::Pipe | Kind::Socket => {
                leave("it is a special file");
                continue;
            }
            Kind::Removed => continue,
        };
        let owners = format!("{}:{}", now.user(entry.uid), now.group(entry.gid));
        parts.files.push((entry.clone(), content, owners));
    }
    for entry in &delta.removed {
        remove(&mut parts, &mut left, &entry.path);
    }
    let is_empty = parts.is_empty();
    let script = script::script(&parts, title, about, &left);
    let files = parts.files.into_iter().map(|(entry, content, _)| (entry.path, content, entry.mode)).collect();
    Written { script, files, left, is_empty }
}

impl Parts {
    fn is_empty(&self) -> bool {
        let services = [&self.enabled, &self.disabled, &self.masked, &self.unmasked];
        self.packages.is_empty()
            && self.packages_gone.is_empty()
            && self.groups.is_empty()
            && self.users.is_empty()
            && self.members.is_empty()
            && services.iter().all(|set| set.is_empty())
            && self.files.is_empty()
            && self.gone.is_empty()
    }
}

/// Those that were asked for, not what they brought along.
fn packages(delta: &Delta, parts: &mut Parts) {
    let (before, now) = &delta.inventory;
    if before.packages.is_empty() {
        return;
    }
    let is_asked = |name: &&String, manual: &BTreeSet<String>| manual.is_empty() || manual.contains(*name);
    let new = now.packages.keys().filter(|name| !before.packages.contains_key(*name));
    parts.packages = new.filter(|name| is_asked(name, &now.manual)).cloned().collect();
    let gone = before.packages.keys().filter(|name| !now.packages.contains_key(*name));
    parts.packages_gone = gone.filter(|name| is_asked(name, &before.manual)).cloned().collect();
}

/// The inventory has units that are other than their preset says: one that is there no more is as its preset says again.
fn services(delta: &Delta, parts: &mut Parts) {
    let (before, now) = (&delta.inventory.0.services, &delta.inventory.1.services);
    let all: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let known = !delta.inventory.0.packages.is_empty() || !before.is_empty();
    for unit in all.into_iter().filter(|unit| known && !unit.contains(['/', ' ', '\''])) {
        let of = |states: &BTreeMap<String, String>| states.get(unit).cloned().unwrap_or_default();
        let set = match (of(before).as_str(), of(now).as_str()) {
            (before, now) if before == now => continue,
            (_, "enabled") | ("disabled", "") => &mut parts.enabled,
            (_, "disabled") | ("enabled", "") => &mut parts.disabled,
            (_, "masked") => &mut parts.masked,
            ("masked", "") => &mut parts.unmasked,
            _ => continue,
        };
        set.insert(unit.clone());
    }
}

fn remove(parts: &mut Parts, left: &mut Vec<(String, &'static str)>, path: &[u8]) {
    match (wanted_unit(path), left_out(path, !parts.packages_gone.is_empty())) {
        (Some(unit), _) => drop(parts.disabled.insert(unit)),
        (None, Some(why)) => left.push((shown(path), why)),
        (None, None) => parts.gone.push(path.to_owned()),
    }
}

/// The unit of a link that `systemctl enable` makes: `etc/systemd/system/multi-user.target.wants/px.service`.
fn wanted_unit(path: &[u8]) -> Option<String> {
    let rest = std::str::from_utf8(path).ok()?.strip_prefix("etc/systemd/system/")?;
    let (by, unit) = rest.split_once('/')?;
    let is_link = (by.ends_with(".wants") || by.ends_with(".requires")) && !unit.contains(['/', ' ', '\'']);
    is_link.then(|| unit.to_owned())
}

/// For people.
fn shown(path: &[u8]) -> String {
    format!("/{}", escape::word(path))
}

#[cfg(test)]
mod tests;
