//! Reads the folders, and says what in them names something that is not there.

use super::{Receiver, Rule, Way, is_clear, receiver, rule, usual};
use crate::{
    conf::{Conf, Machine, Mistake, Segment, read::Reader, value},
    filter::{Filter, Here, Known, Names},
};
use jiff::{Timestamp, tz::TimeZone};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// A rule's or receiver's name.
const NAME: &str = "a name of letters, digits, hyphens and dots, without an ending";

impl Reader<'_> {
    /// The rules of a segment's folder `alerts`.
    pub fn alerts(&mut self, segment: &Path, last: Option<&Segment>) -> BTreeMap<String, Rule> {
        let folder = segment.join("alerts");
        let mut rules = BTreeMap::new();
        for name in self.files(&folder) {
            let last = last.and_then(|last| last.alerts.get(&name).cloned());
            if let Some(rule) = self.optional(&folder.join(&name), |text| rule(text, usual(&name)), last) {
                rules.insert(name, rule);
            }
        }
        rules
    }

    /// The receivers of a segment's folder `receivers`, with their secrets.
    pub fn receivers(&mut self, segment: &Path, last: Option<&Segment>) -> BTreeMap<String, Receiver> {
        let folder = segment.join("receivers");
        let mut receivers = BTreeMap::new();
        let files = self.files(&folder);
        for name in files.iter().filter(|name| !name.ends_with(".secret")) {
            let last = last.and_then(|last| last.receivers.get(name).cloned());
            if let Some(mut receiver) = self.optional(&folder.join(name), receiver, last) {
                let secret = format!("{name}.secret");
                if files.contains(&secret) {
                    self.entrust(&mut receiver, &folder.join(name), &folder.join(secret));
                }
                receivers.insert(name.clone(), receiver);
            }
        }
        receivers
    }

    /// Gives a receiver what its `NAME.secret` holds.
    fn entrust(&mut self, receiver: &mut Receiver, file: &Path, secret: &Path) {
        match &mut receiver.way {
            Way::Email { server, .. } if is_clear(server) => self.mistake(
                file,
                server,
                "smtps:// or smtp+starttls://, since all could read the login of NAME.secret on its way: it is not used",
            ),
            Way::Email { login, .. } => *login = self.login(secret, None),
            Way::Webhook { url, .. } if is_clear(url) => {
                self.mistake(file, url, "https://, since all could read what is in NAME.secret on its way: it is not used");
            }
            Way::Webhook { secret: token, .. } => *token = self.secret(secret),
            Way::Command(_) | Way::Desktop | Way::Bell => {}
        }
    }

    /// The files of a folder that need not be there.
    fn files(&mut self, folder: &Path) -> Vec<String> {
        if !self.dir.join(folder).is_dir() {
            return Vec::new();
        }
        let mut files = Vec::new();
        for (name, is_folder) in self.names(folder) {
            if is_folder || value::name(&name).is_err() {
                self.mistake(folder.join(&name), &name, NAME);
            } else {
                files.push(name);
            }
        }
        files
    }
}

/// The names of all machines of conf, for filters.
pub fn names(conf: &Conf) -> Names {
    let known = conf.segments.values().flat_map(|segment| {
        segment.machines.values().map(|machine: &std::sync::Arc<Machine>| Known {
            hostname: machine.hostname.clone(),
            segment: segment.server,
            address: Some(machine.address),
            mac: machine.mac,
        })
    });
    Names(known.collect())
}

/// What rules and machines name that is not there. It stays in force as far as it can be.
pub fn across(conf: &Conf, mistakes: &mut Vec<Mistake>) {
    let names = names(conf);
    for segment in conf.segments.values() {
        let at = |file: String| PathBuf::from(segment.server.to_string()).join(file);
        let mut add = |file: String, value: &str, expected: String| {
            mistakes.push(Mistake { path: at(file), value: value.to_owned(), expected });
        };
        let machines = || "a machine of this segment, by name or address".to_owned();
        for machine in segment.machines.values() {
            for on in machine.depends.iter().filter(|on| segment.machine_called(on).is_none()) {
                add(format!("{}/depends", machine.address), on, machines());
            }
        }
        for (name, rule) in segment.alerts.iter().filter(|(_, rule)| !rule.off) {
            let file = || format!("alerts/{name}");
            for on in rule.depends.iter().filter(|on| segment.machine_called(on).is_none()) {
                add(file(), on, machines());
            }
            for to in rule.to.iter().filter(|to| !segment.receivers.contains_key(*to)) {
                let known = segment.receivers.keys().cloned().collect::<Vec<_>>().join(", ");
                add(file(), to, format!("one of receivers/ (there are: {known})"));
            }
            for text in [Some(&rule.when), rule.clear.as_ref(), rule.unless.as_ref()].into_iter().flatten() {
                let here = Here { now: Timestamp::UNIX_EPOCH, zone: &TimeZone::UTC, names: &names };
                if let Err(error) = Filter::parse(text, &here) {
                    add(file(), text, format!("a filter: at its character {}, {}", error.column, error.fault));
                }
            }
        }
    }
}
