//! The segments as they stand, folded from events. Pure: knows no socket, no file and no screen.

mod alarms;
pub mod alerts;
mod arming;
mod boot;
mod boots;
pub mod checked;
pub mod fetches;
mod fold;
mod judge;
mod ladder;
mod leases;
mod machine;
mod names;
pub mod past;
mod press;
mod replica;
mod spoken;
#[cfg(test)]
mod tests;
mod tracked;
pub mod troubles;
pub mod words;

pub use alarms::Alarms;
pub use arming::{Arming, Over};
pub use boot::{Boot, Milestone, NoLease, Outcome, Recording, Refused, Stage, Underway};
pub use judge::Verdict;
pub use ladder::{Ladder, Loop, Try};
pub use leases::{Lease, Leases};
pub use machine::Machine;
pub use press::{Press, PressStage};
pub use replica::Replica;
pub use spoken::Spoken;
pub use tracked::{Change, Had, Measured, Run, Tracked};

use crate::{
    event::{Event, Service},
    net::Mac,
};
use jiff::Timestamp;
use parking_lot::RwLock;
use std::{
    collections::{BTreeMap, VecDeque},
    net::Ipv4Addr,
    sync::Arc,
};

/// The one state of a running program: folded by the supervisor, read by all.
pub type Shared = Arc<RwLock<State>>;

/// Everything that is known of all segments.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Segments by the server's own address.
    pub segments: BTreeMap<Ipv4Addr, Segment>,
    /// Events that are about the whole program (no segment), the newest last; bounded.
    pub program: VecDeque<Arc<Event>>,
    /// Files of profiles that are fetched, by profile.
    pub fetches: fetches::Fetches,
    /// What is wrong in the conf tree, by path.
    pub mistakes: BTreeMap<String, Rejected>,
    /// When the program began; what happened before it, it could not hear.
    pub started: Option<Timestamp>,
    /// Why the journal cannot be written; none while it can.
    pub journal_trouble: Option<String>,
    /// Events dropped since the start, by reader.
    pub dropped: BTreeMap<String, u64>,
    /// Grows with each change of the record of machines' files.
    pub changes: u64,
    /// What fires, and what did.
    pub alerts: alerts::Alerts,
    /// Grows with each event; a screen that has drawn this number need not draw again.
    pub generation: u64,
}

impl State {
    /// The machine with this hardware address on the segment of this server.
    pub fn machine(&self, segment: Ipv4Addr, mac: Mac) -> Option<&Machine> {
        self.segments.get(&segment)?.machines.get(&mac)
    }
}

/// What is known of one segment.
#[derive(Clone, Debug, Default)]
pub struct Segment {
    /// It is in the conf tree now; else it is one of an earlier run, or was taken out.
    pub current: bool,
    /// It is another server's: what is known of it came through the database.
    pub remote: bool,
    /// When a remote one was last heard of.
    pub heard: Option<Timestamp>,
    /// `domain` of the conf tree.
    pub domain: String,
    /// `mode` of the conf tree.
    pub mode: String,
    /// First and last address of the pool.
    pub pool: Option<(Ipv4Addr, Ipv4Addr)>,
    /// Machines of the conf tree and those that were only seen, by hardware address. The latter are bounded.
    pub machines: BTreeMap<Mac, Machine>,
    /// How many of the machines are of the conf tree.
    in_conf: usize,
    /// Addresses and who has them.
    pub leases: Leases,
    /// Checks of its own services.
    pub checks: checked::Checks,
    /// Other DHCP servers that answer there, by hardware address: their address and since when.
    pub rivals: BTreeMap<Mac, (Ipv4Addr, Timestamp)>,
    /// What hangs at the other end of its cable, by hardware address, and since when it is said; bounded.
    pub links: BTreeMap<Mac, (Link, Timestamp)>,
    /// How the servers are.
    pub services: BTreeMap<Service, Health>,
    /// Messages of machines, the newest last; bounded.
    pub syslog: VecDeque<Arc<Event>>,
    /// All events but progress, the newest last; bounded.
    pub events: VecDeque<Arc<Event>>,
}

/// The other end of a cable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its name.
    pub system: String,
    /// Its port.
    pub port: String,
}

/// How a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It listens there.
    Running {
        /// Address and port, or interface.
        address: String,
    },
    /// It broke and is tried again.
    Failed {
        /// In words.
        error: String,
        /// What the operator can do.
        next_step: String,
        /// Since when.
        since: Timestamp,
    },
    /// It ended because it was told to.
    Stopped,
}

/// A value of the conf tree that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// What the file holds.
    pub value: String,
    /// What was expected.
    pub expected: String,
}
