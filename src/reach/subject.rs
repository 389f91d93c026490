//! What is kept in the record: machines and containers whose files are tracked, and how each is looked at.

use super::Reach;
use crate::{
    command::Place,
    conf::{Conf, Machine, Segment, Track},
    net::Mac,
    roots::Own,
    track::looked::{Looked, Standing},
};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

/// How often a root over NFS is looked at: nobody has to be asked for it.
const OVERLAY: Duration = Duration::from_secs(600);
/// And while its machine is off.
const AT_REST: Duration = Duration::from_secs(24 * 3600);

/// A machine, or a container of one.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// The machine.
    pub place: Place,
    /// Its hardware address.
    pub mac: Mac,
    /// The container, where it is one.
    pub container: Option<String>,
    /// Its folder in the record: `web1`, `db@web1`.
    pub host: String,
    /// What of it is kept.
    pub track: Option<Track>,
    /// Where its files are.
    pub source: Files,
}

/// Where files are.
#[derive(Clone, Debug, PartialEq)]
pub enum Files {
    /// On the machine.
    There(Reach),
    /// In the upper layer of its root over NFS; where conf says how it is reached, it is asked what it is made of.
    Here {
        /// `overlay/<machine>/upper`.
        upper: PathBuf,
        /// The way to the machine.
        reach: Option<Reach>,
    },
}

impl Subject {
    /// How often it is looked at.
    pub fn every(&self, is_off: bool) -> Duration {
        match (&self.source, &self.track) {
            (Files::Here { .. }, _) => {
                if is_off {
                    AT_REST
                } else {
                    OVERLAY
                }
            }
            (Files::There(_), track) => track.as_ref().map_or(AT_REST, |track| track.every),
        }
    }
}

/// Folders that say where files are, and how a machine is reached.
#[derive(Clone, Copy, Debug)]
pub struct Folders<'a> {
    /// The run folder.
    pub run: &'a Path,
    /// What machines change of their roots over NFS, a folder a machine.
    pub overlay: &'a Path,
}

/// What of a machine of conf is kept: itself first, then its containers. Empty where nothing is. `through` are words before ssh, so
/// that it runs as the operator.
pub fn subjects(conf: &Conf, folders: Folders<'_>, through: &[OsString], place: Place) -> Vec<Subject> {
    let Some((segment, machine)) = conf.machine(place) else { return Vec::new() };
    let of = |container: Option<&str>, track: Option<&Track>, source: Files| Subject {
        place,
        mac: machine.mac,
        container: container.map(str::to_owned),
        host: container.map_or_else(|| machine.hostname.clone(), |name| format!("{name}@{}", machine.hostname)),
        track: track.cloned(),
        source,
    };
    let reach = |container: Option<&str>| Reach::of((segment, machine), container, folders.run, through);
    let mut found = Vec::new();
    let track = segment.track_of(machine);
    if has_root(conf, segment, machine) {
        let upper = Own::new(folders.overlay, machine.address, &machine.hostname).upper();
        let is_said = machine.ssh.is_some() || segment.ssh.is_some() || !machine.keys.is_empty();
        let reach = if is_said { reach(None) } else { None };
        found.push(of(None, track, Files::Here { upper, reach }));
    } else if let (Some(track), Some(reach)) = (track, reach(None)) {
        found.push(of(None, Some(track), Files::There(reach)));
    }
    for (name, container) in &machine.containers {
        if let (Some(track), Some(reach)) = (&container.track, reach(Some(name))) {
            found.push(of(Some(name), Some(track), Files::There(reach)));
        }
    }
    found
}

/// All that is kept, of all machines of conf.
pub fn all_subjects(conf: &Conf, folders: Folders<'_>, through: &[OsString]) -> impl Iterator<Item = Subject> {
    let segments = conf.segments.values();
    let places = segments.flat_map(|s| s.machines.keys().map(move |machine| (s.server, *machine)));
    places.flat_map(move |place| subjects(conf, folders, through, place))
}

/// All that is kept, and what came of the looks at it; read from what these left, so that nobody is asked.
pub fn standing(conf: &Conf, folders: Folders<'_>) -> Vec<Standing> {
    let stands = all_subjects(conf, folders, &[]).map(|subject| {
        let Looked { time, files, changed, trouble, .. } = Looked::read(folders.run, &subject.host);
        Standing {
            every: subject.every(false).as_secs(),
            segment: subject.place.0,
            address: subject.place.1,
            machine: subject.host,
            container: subject.container,
            looked: time,
            files,
            changed,
            trouble,
        }
    });
    stands.collect()
}

/// Its root is served from here.
fn has_root(conf: &Conf, segment: &Segment, machine: &Machine) -> bool {
    let profile = segment.profile_of(Some(machine)).and_then(|name| conf.profiles.get(name));
    profile.is_some_and(|profile| profile.root_of(Some(machine)).is_some())
}

/// Another machine of conf has the same name, so that one folder would be both: the one with the lower address has it.
pub fn namesake(conf: &Conf, place: Place) -> Option<Place> {
    let (_, machine) = conf.machine(place)?;
    let all = conf.segments.values().flat_map(|s| s.machines.values().map(move |machine| (s.server, machine)));
    let mut same = all.filter(|(_, other)| other.hostname == machine.hostname).map(|(s, other)| (s, other.address));
    same.find(|other| *other < place)
}
