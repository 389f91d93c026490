//! What the operator asks for. The console and the command line send the same commands; the answers come back as events.

use crate::{event::Action, net::Mac};
use std::net::Ipv4Addr;

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
    /// End the program in good order.
    Quit,
}
