//! One machine's packets: those of the last seconds, those of the recording, and the events on their way to them. Pure.

use super::traffic::{ACKNOWLEDGEMENT, DISCOVER, Dhcp, OFFER, REFUSAL};
use crate::{
    event::{Action, Event, Fact},
    packet::Frame,
};
use jiff::{SignedDuration, Timestamp};
use std::{collections::VecDeque, net::Ipv4Addr};

/// A packet is written so long after it came: by then what happened with it is known, and whether it begins the next boot.
pub const DELAY: SignedDuration = SignedDuration::from_millis(1_500);
/// An event finds its packet so long after it happened: by then the system has handed it over.
pub const SETTLE: SignedDuration = SignedDuration::from_millis(600);
/// What is kept of a machine that does not boot: if it does the next moment, this is its beginning.
const BEFORE: SignedDuration = SignedDuration::from_secs(5);
/// The last packet waits so long for an event, as a verdict that comes after a silence.
const LAST: SignedDuration = SignedDuration::from_secs(90);
/// Events wait so long for the first packet of a boot.
const PATIENCE: SignedDuration = SignedDuration::from_secs(60);
/// Packets and events that wait, of one machine.
const MOST: usize = 4_096;
const EVENTS: usize = 256;
/// From so many bytes on, only control packets are kept, and from so many on none.
pub const SOFT: usize = 8 << 20;
pub const HARD: usize = 12 << 20;
/// What a packet takes in a file beside its bytes and comments.
const BLOCK: usize = 48;

/// A packet that is not written yet.
#[derive(Clone, Debug)]
pub struct Held {
    pub frame: Frame,
    pub bulk: bool,
    pub dhcp: Option<Dhcp>,
}

/// An event that has not found its packet.
#[derive(Clone, Debug)]
struct Told {
    time: Timestamp,
    /// The packet that it is about: transaction and kind.
    about: Option<Dhcp>,
    /// It is of what comes after it: power.
    begins: bool,
    words: String,
}

/// A boot whose packets are to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Which boot.
    pub began: Timestamp,
    /// It began by being switched on, else by a packet.
    pub powered: bool,
    /// The machine's name, where conf says one.
    pub hostname: Option<String>,
    /// Its address, where it has one.
    pub address: Option<Ipv4Addr>,
}

/// A recording under way.
#[derive(Clone, Debug)]
pub struct Active {
    pub began: Timestamp,
    pub bytes: usize,
    /// When it is over, unless the boot goes on, and how the boot stands.
    pub ends: Option<(Timestamp, String)>,
    /// It was said that it is full.
    full: bool,
    left_out: u64,
}

impl Active {
    pub fn new(began: Timestamp) -> Active {
        Active { began, bytes: 0, ends: None, full: false, left_out: 0 }
    }
}

/// A machine as the recorder has it.
#[derive(Clone, Debug, Default)]
pub struct Track {
    recent: VecDeque<Held>,
    events: VecDeque<Told>,
    pub active: Option<Active>,
    /// The boot that is to be recorded next, since when.
    pub next: Option<(Timestamp, Subject)>,
    /// The boot that was recorded last.
    pub last: Option<Timestamp>,
    /// When it looked for a server last: perhaps a boot begins.
    looked: Option<Timestamp>,
}

impl Track {
    /// True where nothing is lost with it.
    pub fn is_idle(&self) -> bool {
        self.recent.is_empty() && self.events.is_empty() && self.active.is_none() && self.next.is_none()
    }

    /// Pieces of files matter only while a boot is recorded, and where one may just have begun: the state learns of it a little later.
    pub fn wants(&self, bulk: bool, time: Timestamp) -> bool {
        let may_have_begun = || self.looked.is_some_and(|looked| time.duration_since(looked) <= BEFORE);
        !bulk || self.active.is_some() || self.next.is_some() || may_have_begun()
    }

    /// Takes a packet in that it wants.
    pub fn hold(&mut self, held: Held) {
        if held.dhcp.is_some_and(|message| message.kind == DISCOVER) {
            self.looked = Some(held.frame.time);
        }
        if self.active.is_none() && self.recent.len() >= MOST {
            // What the boot began with is worth more than one more piece of a file.
            if held.bulk {
                return;
            }
            self.recent.pop_front();
        }
        self.recent.push_back(held);
    }

    /// Takes an event in.
    pub fn tell(&mut self, event: &Event) {
        if self.events.len() == EVENTS {
            self.events.pop_front();
        }
        let words = format!("{}: {}", event.kind(), event.fact);
        let (time, about, begins) = (event.time, message_of(&event.fact), gives_power(&event.fact));
        self.events.push_back(Told { time, about, begins, words });
    }

    /// Gives events to their packets: to the DHCP message that they are about, else to the last packet before them, else
    /// to the first after them.
    pub fn settle(&mut self, now: Timestamp) {
        for told in std::mem::take(&mut self.events) {
            if now.duration_since(told.time) < SETTLE {
                self.events.push_back(told);
                continue;
            }
            let before = self.recent.iter().rposition(|held| held.frame.time <= told.time);
            let about = told.about.and_then(|about| self.recent.iter().rposition(|held| held.dhcp == Some(about)));
            let after = self.recent.iter().position(|held| held.frame.time > told.time);
            // With all packets before it written, the next one is it.
            match about.or(before.filter(|_| !told.begins)).or(after) {
                Some(at) => self.recent[at].frame.comments.push(told.words),
                None => self.events.push_back(told),
            }
        }
    }

    /// When the packets of a boot begin: with the power, or with the DHCPDISCOVER that the boot began with.
    pub fn beginning(&self, subject: &Subject) -> Timestamp {
        let is_first = |held: &&Held| {
            held.frame.time <= subject.began && held.dhcp.is_some_and(|message| message.kind == DISCOVER)
        };
        match self.recent.iter().rfind(is_first) {
            Some(held) if !subject.powered => held.frame.time,
            _ => subject.began,
        }
    }

    /// Forgets what was before a boot that begins, and no recording is of.
    pub fn forget_before(&mut self, start: Timestamp) {
        self.recent.retain(|held| held.frame.time >= start);
        self.events.retain(|told| told.time >= start);
    }

    /// Forgets what no boot began with.
    pub fn forget(&mut self, now: Timestamp) {
        while self.recent.front().is_some_and(|held| now.duration_since(held.frame.time) > BEFORE) {
            self.recent.pop_front();
        }
        self.events.retain(|told| now.duration_since(told.time) < PATIENCE);
    }

    /// The packets until `until` that the recording has room for. The very last waits for what will be said of it.
    pub fn due(&mut self, now: Timestamp, until: Timestamp) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(held) = self.recent.front().filter(|held| held.frame.time < until) {
            if self.recent.len() == 1 && until < now && now.duration_since(held.frame.time) < LAST {
                break;
            }
            if let Some(held) = self.recent.pop_front() {
                frames.extend(self.active.as_mut().and_then(|active| active.fit(held)));
            }
        }
        frames
    }

    /// What was not said with a packet, for the end of the recording.
    pub fn leftover(&mut self, until: Timestamp) -> Vec<String> {
        let (mine, rest): (Vec<_>, Vec<_>) = self.events.drain(..).partition(|told| told.time < until);
        self.events = rest.into();
        let left_out = self.active.as_ref().map_or(0, |active| active.left_out);
        let mut words: Vec<_> = mine.into_iter().map(|told| told.words).collect();
        if left_out > 0 {
            words.push(format!("{left_out} packets are left out: the recording was full"));
        }
        words
    }
}

impl Active {
    /// The packet as it is written; none where there is no room for it.
    fn fit(&mut self, held: Held) -> Option<Frame> {
        let Held { mut frame, bulk, .. } = held;
        let size = BLOCK + frame.data.len() + frame.comments.iter().map(|comment| comment.len() + 8).sum::<usize>();
        let room = if bulk && frame.comments.is_empty() { SOFT } else { HARD };
        if self.bytes + size > room {
            self.left_out += 1;
            return None;
        }
        if !self.full && self.left_out > 0 {
            self.full = true;
            frame.comments.push(format!("recording: {} MiB are full; from here on only control packets", SOFT >> 20));
        }
        self.bytes += size;
        Some(frame)
    }
}

/// Power that is given begins a boot; that of before has nothing to do with it.
fn gives_power(fact: &Fact) -> bool {
    let action = match fact {
        Fact::PowerRequested { action, .. } | Fact::PowerAccepted { action, .. } => *action,
        _ => return false,
    };
    action != Action::Off
}

/// The DHCP message that a fact tells of.
fn message_of(fact: &Fact) -> Option<Dhcp> {
    let (xid, kind) = match fact {
        Fact::DhcpDiscovered { xid, .. } => (xid, DISCOVER),
        Fact::DhcpOffered { xid, .. } => (xid, OFFER),
        Fact::DhcpAcknowledged { xid, .. } => (xid, ACKNOWLEDGEMENT),
        Fact::DhcpRefused { xid, .. } => (xid, REFUSAL),
        _ => return None,
    };
    Some(Dhcp { xid: *xid, kind })
}
