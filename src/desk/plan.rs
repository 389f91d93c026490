//! What can be opened in a terminal, and how. Pure.

use super::CommandLine;
use crate::{event::Service, net::Mac};
use std::{net::Ipv4Addr, path::PathBuf};

/// What the operator wants to have before him.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum What {
    /// A machine of conf, in the way that it or its defaults say.
    Machine {
        /// The segment's server address.
        segment: Ipv4Addr,
        /// The machine's address.
        machine: Ipv4Addr,
        /// How; none for the machine's own way.
        way: Option<Way>,
    },
    /// What a service of this program tells, as it happens.
    Log(Service),
}

/// How a machine is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Way {
    /// ssh(1) to its address.
    Ssh,
    /// Its serial console.
    Serial,
    /// A shell on this host, with the machine's values in its environment.
    Shell,
}

/// A terminal to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The name of the session that screen or tmux holds: the same for the same thing.
    pub session: String,
    /// What stands above it.
    pub title: String,
    /// Its background: red, green and blue.
    pub background: (u8, u8, u8),
    /// Its text's colour, which can be read on it.
    pub foreground: (u8, u8, u8),
    /// What runs in the session.
    pub command: CommandLine,
    /// Where all that is shown is written to.
    pub log: PathBuf,
    /// Starts the session where it does not run yet, and attaches this terminal to it.
    pub attach: CommandLine,
}

/// The packets that the operator wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packets {
    /// Those of an interface as they come; of one machine only, and only what boots need.
    Live {
        /// The interface's name.
        interface: String,
        /// The machine's hardware address.
        machine: Option<Mac>,
        /// Only what boots need: DHCP, TFTP, DNS, ARP, HTTP, ICMPv6, syslog.
        boot: bool,
    },
    /// Those of a recorded boot.
    Recorded {
        /// The pcapng file.
        file: PathBuf,
    },
}
