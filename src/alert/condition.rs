//! What is so, whether it is told or not: raised by an event and not ended yet. Pure.

use crate::{
    event::{Event, Fact},
    net::Mac,
};
use jiff::{SignedDuration, Timestamp};
use std::{collections::VecDeque, net::Ipv4Addr};

/// Something is so.
#[derive(Clone, Debug)]
pub struct Condition {
    /// The machine's address, where it is about one.
    pub machine: Option<Ipv4Addr>,
    /// When it was last raised.
    pub last: Timestamp,
    /// When it was ended, where that is only believed when it stays so.
    pub cleared: Option<Timestamp>,
    /// Since when nothing else explains it; none while something does.
    pub free: Option<Timestamp>,
    /// In words.
    pub text: String,
    /// The machine is not reached at all.
    pub unreachable: bool,
    /// It may come from a machine that is not reached.
    pub by_reach: bool,
}

impl Condition {
    /// Raised by an event.
    pub fn new(event: &Event, machine: Option<Ipv4Addr>, text: String) -> Condition {
        let Event { time, fact, .. } = event;
        let unreachable = matches!(fact, Fact::CheckFailed { check, .. } if matches!(check.as_str(), "ping" | "arp"));
        let by_reach = matches!(
            fact,
            Fact::CheckFailed { .. }
                | Fact::BootStalled { .. }
                | Fact::BootLooped { .. }
                | Fact::PowerUnconfirmed { .. }
        );
        Condition { machine, last: *time, cleared: None, free: Some(*time), text, unreachable, by_reach }
    }

    /// True where it is so now.
    pub fn holds(&self) -> bool {
        self.cleared.is_none()
    }
}

/// When something happened, as far as that is still of interest.
#[derive(Clone, Debug, Default)]
pub struct Times(VecDeque<Timestamp>);

impl Times {
    /// Takes one in and says how many there are within `span` until then.
    pub fn add(&mut self, at: Timestamp, span: SignedDuration) -> usize {
        // What is told again of the past counts once.
        if self.0.back() != Some(&at) {
            self.0.push_back(at);
        }
        self.within(at, span)
    }

    /// How many there are within `span` until then; the older are forgotten.
    pub fn within(&mut self, at: Timestamp, span: SignedDuration) -> usize {
        while self.0.front().is_some_and(|first| at.duration_since(*first) > span) {
            self.0.pop_front();
        }
        self.0.len()
    }

    /// None is of interest any more.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What explains alerts of a rule: of this machine, or of the segment.
pub type Explained = (String, Option<Ipv4Addr>, Option<Mac>);
