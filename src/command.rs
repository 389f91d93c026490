//! What the operator asks for. The console and the command line send the same commands; the answers come back as events.

use crate::{
    event::{Action, Event},
    net::Mac,
};
use jiff::Timestamp;
use std::{net::Ipv4Addr, sync::Arc};

/// A wish of the operator, carried out by the supervisor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Switch a machine.
    Power {
        /// The segment's server address.
        segment: Ipv4Addr,
        /// The machine's address.
        machine: Ipv4Addr,
        /// On, off or reset.
        action: Action,
    },
    /// Write a machine that was only seen into the conf tree.
    Adopt {
        /// The segment's server address.
        segment: Ipv4Addr,
        /// The machine's hardware address.
        mac: Mac,
        /// Its address from now on.
        address: Ipv4Addr,
        /// Its name from now on.
        hostname: String,
    },
    /// Look in the journal for events that a filter wants, also those that are long past. The answer is a [`Found`].
    Find {
        /// The segment's server address; events of the whole program are found too.
        segment: Ipv4Addr,
        /// The filter.
        filter: String,
        /// When it was asked: tells the answer from others.
        asked: Timestamp,
    },
    /// End the program in good order.
    Quit,
}

/// Events at most that a [`Command::Find`] finds, the newest.
pub const FOUND: usize = 5_000;

/// The answer to a [`Command::Find`].
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// When it was asked.
    pub asked: Timestamp,
    /// The newest [`FOUND`] events, the oldest first; or why there are none.
    pub events: Result<Vec<Arc<Event>>, String>,
}

impl Default for Found {
    fn default() -> Found {
        Found { asked: Timestamp::UNIX_EPOCH, events: Ok(Vec::new()) }
    }
}
