//! The words that facts are made of: why something was left out or refused, where an address comes from, power.

use super::{Architecture, Role};
use crate::net::Mac;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{fmt, net::Ipv4Addr};

/// Why a DHCP message was left unanswered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum Silence {
    /// The machine is not in the conf tree, and the segment has no pool.
    NotInConf,
    /// No address of the pool is free.
    PoolExhausted,
    /// The segment's mode is `proxy` and the client does not boot from the network.
    NotPxe,
    /// The segment's mode is `off`.
    Off,
    /// The client asks to keep an address that this server knows nothing of (RFC 2131, section 4.3.2).
    UnknownLease,
    /// The message came by a relay of another subnet.
    ForeignRelay {
        /// giaddr.
        relay: Ipv4Addr,
    },
    /// The client chose another server's offer.
    OtherServer {
        /// Option 54.
        server: Ipv4Addr,
    },
}

/// Where a leased address comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LeaseSource {
    /// The machine is in the conf tree under this address.
    Reservation,
    /// The segment's pool.
    Pool,
}

/// Why a file was not given. The same for every protocol: `boot` decides it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum Refusal {
    /// There is no such file.
    Missing {
        /// Where it was looked for.
        path: String,
    },
    /// The path leaves `tftpboot`, by itself or by a link.
    Outside,
    /// It is a directory or a device.
    NotAFile,
    /// The file is there but cannot be read.
    Unreadable {
        /// The system's error.
        error: String,
    },
    /// A generated file was asked for by an address that is no machine of the segment.
    UnknownMachine,
    /// Neither the machine nor its segment says what to boot.
    NoProfile,
    /// The profile is not in `conf/boot/`.
    UnknownProfile {
        /// Its name.
        profile: String,
    },
    /// The profile or its template is wrong.
    BrokenProfile {
        /// Its name.
        profile: String,
        /// What, where and what was expected.
        error: String,
    },
    /// It holds a secret, which is told once, and it was.
    Told {
        /// The answer file.
        file: String,
    },
    /// It holds a secret, which only an armed machine gets.
    Unarmed {
        /// The answer file.
        file: String,
    },
    /// It loads loader after loader and comes to nothing, so it gets none for a while.
    Looped,
    /// The request itself is not allowed: a write, an unknown mode or method.
    NotAllowed {
        /// What was asked.
        request: String,
    },
}

/// A machine as the conf tree has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineSummary {
    /// Its address.
    pub address: Ipv4Addr,
    /// Its hardware address.
    pub mac: Mac,
    /// Its name, without the domain.
    pub hostname: String,
    /// The profile it boots: its own or the segment's.
    pub boot: Option<String>,
    /// What it boots once before that.
    #[serde(default)]
    pub armed: Option<String>,
    /// What is the last that it is given: its script, where its disk, a menu or a command line comes then, or its kernel,
    /// where that is a firmware program. None where a system is to be heard of.
    #[serde(default)]
    pub last: Option<Role>,
    /// What its firmware is, where conf says it.
    pub firmware: Option<Architecture>,
    /// How it is switched: the first word of `power`, of a ladder its first rung.
    pub power: Option<String>,
}

/// A change of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// On.
    On,
    /// Off: it is asked to shut down where it can be, else and after that its power is taken away.
    Off,
    /// A hard reset.
    Reset,
    /// Off at once, and on again.
    Cycle,
    /// Once from the network: on, or a reset where it is on.
    Pxe,
    /// Once into the set-up of its firmware: on, or a reset where it is on.
    Setup,
}

impl Action {
    /// All of them, in the order of menus.
    pub const ALL: [Action; 6] = [Action::On, Action::Off, Action::Reset, Action::Cycle, Action::Pxe, Action::Setup];

    /// `on`, `off`, `reset`, `cycle`, `pxe`, `setup`.
    pub fn name(self) -> &'static str {
        match self {
            Action::On => "on",
            Action::Off => "off",
            Action::Reset => "reset",
            Action::Cycle => "cycle",
            Action::Pxe => "pxe",
            Action::Setup => "setup",
        }
    }
}

impl std::str::FromStr for Action {
    type Err = String;
    fn from_str(text: &str) -> Result<Action, String> {
        let found = Action::ALL.into_iter().find(|action| action.name() == text);
        found.ok_or_else(|| format!("one of {}", Action::ALL.map(Action::name).join(", ")))
    }
}

/// Who asked for a change of power.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Asker {
    /// Somebody at the console or on the command line.
    #[default]
    Operator,
    /// This line of a `schedule`.
    Schedule(String),
    /// This user of the page, or of a token.
    User(String),
}

impl fmt::Display for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Asker::Operator => f.pad("the operator"),
            Asker::Schedule(line) => write!(f, "the schedule ({line})"),
            Asker::User(name) => f.pad(name),
        }
    }
}

/// How a change of power was accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Manner {
    /// It is being done.
    #[default]
    Done,
    /// The system was asked to shut down; whether it does shows.
    Gently,
    /// There was nothing to do: it was so already.
    Already,
}

/// What shows that a machine followed a change of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Evidence {
    /// What switches it says that it is on, or off.
    State,
    /// A first frame of its network card.
    Link,
    /// It looked for an address (DHCPDISCOVER).
    Discover,
    /// It asked for a file or a name.
    Request,
    /// Its system logged.
    Syslog,
}

/// One way of switching a machine that was tried, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// `amt`, `wol`.
    pub method: String,
    /// In words.
    pub said: String,
}

/// An alarm in a machine's own clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// Its name, by which it is known.
    pub name: String,
    /// When it goes off.
    pub due: Timestamp,
}

/// Whether a machine has power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PowerState {
    /// It runs.
    On,
    /// It does not.
    Off,
}

impl PowerState {
    /// `on`, `off`.
    pub fn name(self) -> &'static str {
        match self {
            PowerState::On => "on",
            PowerState::Off => "off",
        }
    }
}
