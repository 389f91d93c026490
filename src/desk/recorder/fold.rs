//! Decides which packets are of which boot, when a recording begins and ends, and what stands beside them. Pure: no clock,
//! no file, no interface.
//!
//! Where a boot begins is not decided anew: it is what [`crate::state`] says.

use super::{
    track::{Active, DELAY, Held, SETTLE, Subject, Track},
    traffic::Traffic,
};
use crate::{
    event::{Event, Fact},
    net::Mac,
    packet::Frame,
    state::{Boot, Machine, Outcome, Segment, Stage},
};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::{BTreeMap, HashMap},
    net::Ipv4Addr,
};

/// After the system is up: what it asks for next.
const UP: SignedDuration = SignedDuration::from_secs(5);
/// After a boot stands still: whether it tries again.
const STALLED: SignedDuration = SignedDuration::from_secs(10);
/// Stations and addresses remembered.
const MOST: usize = 4_096;
/// A machine that something was heard of is looked at so long: the state may learn of it a little later.
const HEARD: SignedDuration = SignedDuration::from_secs(3);

/// What is to be done with a machine's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// The recording of a boot begins, or goes on.
    Begin {
        /// Whose.
        mac: Mac,
        /// Of which boot.
        subject: Subject,
    },
    /// A packet of it.
    Packet {
        /// Whose.
        mac: Mac,
        /// With the events that belong to it.
        frame: Frame,
    },
    /// It ends.
    End {
        /// Whose.
        mac: Mac,
        /// How the boot stands, and what else is to be said.
        words: Vec<String>,
    },
}

/// The recorder of one segment.
#[derive(Debug)]
pub struct Recorder {
    own: Option<Mac>,
    started: Timestamp,
    tracks: BTreeMap<Mac, Track>,
    addresses: HashMap<Ipv4Addr, Mac>,
    heard: BTreeMap<Mac, Timestamp>,
}

impl Recorder {
    /// Of a segment whose server has the hardware address `own`.
    pub fn new(own: Option<Mac>, started: Timestamp) -> Recorder {
        Recorder { own, started, tracks: BTreeMap::new(), addresses: HashMap::new(), heard: BTreeMap::new() }
    }

    /// Takes a frame in.
    pub fn frame(&mut self, time: Timestamp, length: u32, data: &[u8]) {
        let traffic = Traffic::of(data, self.own);
        let asked = traffic.asked.and_then(|address| self.addresses.get(&address).copied());
        let mut of = traffic.stations.clone();
        of.extend(asked);
        if traffic.for_all {
            of.extend(self.tracks.iter().filter(|(_, track)| track.active.is_some()).map(|(mac, _)| *mac));
        }
        for mac in of {
            let Some(track) = self.track(mac) else { continue };
            if !track.wants(traffic.bulk, time) {
                continue;
            }
            let data = Bytes::copy_from_slice(&data[..traffic.kept(data.len())]);
            let frame = Frame { time, length, data, comments: Vec::new() };
            track.hold(Held { frame, bulk: traffic.bulk, dhcp: traffic.dhcp });
        }
    }

    /// Takes an event of the segment in.
    pub fn event(&mut self, event: &Event) {
        let known = event.machine.and_then(|address| self.addresses.get(&address).copied());
        let Some(mac) = event.mac.or(known) else { return };
        if let (Some(address), true) = (event.machine, self.addresses.len() < MOST || known.is_some()) {
            self.addresses.insert(address, mac);
        }
        if matches!(
            event.fact,
            Fact::BootRecorded { .. }
                | Fact::BootUnrecorded { .. }
                | Fact::BootDiscarded { .. }
                | Fact::DhcpConflicted { .. }
        ) {
            return;
        }
        self.heard.insert(mac, event.time + HEARD);
        // How far a transfer is and what a machine logs, its packets tell.
        let is_news = !matches!(
            event.fact,
            Fact::TftpProgressed { .. } | Fact::HttpProgressed { .. } | Fact::SyslogReceived { .. }
        );
        if let (Some(track), true) = (self.track(mac), is_news) {
            track.tell(event);
        }
    }

    fn track(&mut self, mac: Mac) -> Option<&mut Track> {
        if self.tracks.len() >= MOST && !self.tracks.contains_key(&mac) {
            self.tracks.retain(|_, track| !track.is_idle());
            if self.tracks.len() >= MOST {
                return None;
            }
        }
        Some(self.tracks.entry(mac).or_default())
    }

    /// Looks at how the boots stand: of the machines that something was heard of, and of those that are recorded.
    pub fn look(&mut self, segment: &Segment, now: Timestamp) {
        self.heard.retain(|_, until| *until >= now);
        let recorded = self.tracks.iter().filter(|(_, track)| track.active.is_some()).map(|(mac, _)| *mac);
        let mut all: Vec<Mac> = recorded.chain(self.heard.keys().copied()).collect();
        all.sort_unstable();
        all.dedup();
        let started = self.started;
        for mac in all {
            let Some(machine) = segment.machines.get(&mac) else { continue };
            if let (Some(boot), Some(track)) = (machine.boot(), self.track(mac)) {
                consider(track, machine, boot, started, now);
            }
        }
    }

    /// What is due at this time.
    pub fn advance(&mut self, now: Timestamp) -> Vec<Act> {
        let mut acts = Vec::new();
        for (mac, track) in &mut self.tracks {
            track.settle(now);
            if let Some((_, subject)) = track.next.take_if(|(since, _)| now.duration_since(*since) >= SETTLE) {
                let start = track.beginning(&subject);
                end(&mut acts, *mac, track, now, start, "the next boot began");
                track.forget_before(start);
                (track.active, track.last) = (Some(Active::new(subject.began)), Some(subject.began));
                acts.push(Act::Begin { mac: *mac, subject });
            }
            match track.active.as_ref().map(|active| active.ends.clone()) {
                None if track.next.is_none() => track.forget(now),
                None => {}
                Some(Some((until, words))) if until <= now => end(&mut acts, *mac, track, now, now, &words),
                Some(_) => {
                    let due = track.due(now, now - DELAY);
                    acts.extend(due.into_iter().map(|frame| Act::Packet { mac: *mac, frame }));
                }
            }
        }
        self.tracks.retain(|_, track| !track.is_idle() || track.last.is_some());
        acts
    }

    /// Nothing comes any more: all that waits is written.
    pub fn finish(&mut self, now: Timestamp, words: &str) -> Vec<Act> {
        // Who comes next begins what is about to begin. What is told has come.
        self.tracks.values_mut().for_each(|track| track.next = None);
        let mut acts = self.advance(now + SETTLE);
        for (mac, track) in &mut self.tracks {
            let words = match track.active.as_ref().and_then(|active| active.ends.clone()) {
                Some((_, standing)) => format!("{standing}; {words}"),
                None => words.to_owned(),
            };
            end(&mut acts, *mac, track, now, Timestamp::MAX, &words);
        }
        acts
    }
}

/// Whether the machine's last boot is to be recorded, and until when.
fn consider(track: &mut Track, machine: &Machine, boot: &Boot, started: Timestamp, now: Timestamp) {
    let goes_on = boot.outcome == Outcome::Underway;
    if let Some(active) = track.active.as_mut().filter(|active| active.began == boot.began) {
        let grace = match &boot.outcome {
            Outcome::Underway => None,
            Outcome::Up(_) => Some(UP),
            Outcome::Stalled(_) => Some(STALLED),
            Outcome::Ended => Some(DELAY),
        };
        let words = standing(boot);
        // It is over so long after the first look that saw it stand like this.
        active.ends = grace.map(|grace| match active.ends.take() {
            Some(known) if known.1 == words => known,
            _ => (now + grace, words),
        });
        return;
    }
    // A boot of an earlier run, or one that stood still, is recorded where it goes on.
    let is_new = track.last.is_none_or(|last| boot.began > last) && boot.began >= started;
    let is_next = track.next.as_ref().is_some_and(|(_, next)| next.began == boot.began);
    if (is_new || goes_on) && !is_next {
        let subject = Subject {
            began: boot.began,
            powered: boot.milestones.contains_key(&Stage::PoweredOn),
            hostname: machine.hostname.clone().filter(|_| machine.in_conf),
            address: machine.address,
        };
        track.next = Some((now, subject));
    }
}

/// How a boot stands, in words.
fn standing(boot: &Boot) -> String {
    match &boot.outcome {
        Outcome::Underway => "under way".to_owned(),
        Outcome::Up(since) => {
            let up = boot.milestones.get(&Stage::Up).map_or(*since, |milestone| milestone.at);
            format!("up after {:.1} s", up.duration_since(boot.began).as_secs_f64())
        }
        Outcome::Stalled(verdict) => {
            format!("stands still at {}: {}", verdict.stage.map_or("nothing", Stage::name), verdict.cause)
        }
        Outcome::Ended => "the machine was switched off or booted anew".to_owned(),
    }
}

/// Ends the recording, if there is one, with the packets before `until`.
fn end(acts: &mut Vec<Act>, mac: Mac, track: &mut Track, now: Timestamp, until: Timestamp, words: &str) {
    if track.active.is_none() {
        return;
    }
    // Nothing more will be said of the last packet.
    let now = now.min(until);
    acts.extend(track.due(now, until).into_iter().map(|frame| Act::Packet { mac, frame }));
    let words = std::iter::once(words.to_owned()).chain(track.leftover(until)).collect();
    track.active = None;
    acts.push(Act::End { mac, words });
}
