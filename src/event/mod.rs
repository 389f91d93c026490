//! What happened. The one vocabulary that servers, state, journal and console share; knows nothing else but addresses.
//!
//! An [`Event`] is who and when; its [`Fact`] is what. As JSON an event is one flat object with the
//! fact's fields under `details`:
//!
//! `{"time":"2026-11-24T09:20:05.123456Z","segment":"10.77.0.1","machine":"10.77.0.60",
//!   "mac":"52:54:00:00:00:01","service":"dhcp","severity":"info","kind":"dhcp.offered","details":{…}}`

mod architecture;
mod fact;
mod fetch;
mod power;
mod printable;
mod role;
mod sentence;
mod severity;
mod terms;
mod track;
mod transfer;
mod watch;

pub use architecture::Architecture;
pub use fact::Fact;
pub use printable::{is_hidden, printable};
pub use role::Role;
pub use severity::Severity;
pub use terms::{
    Action, Alarm, Asker, Evidence, LeaseSource, MachineSummary, Manner, PowerState, Refusal, Silence, Tried,
};
pub use track::{Came, RecipeManner};
pub use transfer::{Step, Transfer};
pub use watch::{Cause, Means, Sighting};

use crate::net::Mac;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, net::Ipv4Addr};

/// The part of the program that an event is about; mostly the first word of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// DHCP and proxyDHCP.
    Dhcp,
    /// Trivial file transfer.
    Tftp,
    /// Boot files over HTTP.
    Http,
    /// Names.
    Dns,
    /// Messages of machines.
    Syslog,
    /// IPv6 router advertisements.
    Radv,
    /// Root file systems.
    Nfs,
    /// Switching machines.
    Power,
    /// Virtual machines' disks and snapshots.
    Vm,
    /// Files fetched for profiles.
    Fetch,
    /// The record of machines' files.
    Track,
    /// Recipes that are applied to machines.
    Recipe,
    /// Checks of machines and services, and who is seen on the segment.
    Watch,
    /// Alerts, and what tells of them.
    Alert,
    /// The page in the browser, and its interface for programs.
    Page,
    /// The conf tree.
    Conf,
    /// Boots as a whole: what no single protocol sees.
    Boot,
    /// The program itself: its bus, its journal, its start and end.
    Program,
}

impl Service {
    /// Every service, in the order in which the console lists them.
    pub const ALL: [Service; 18] = [
        Service::Dhcp,
        Service::Tftp,
        Service::Http,
        Service::Dns,
        Service::Syslog,
        Service::Radv,
        Service::Nfs,
        Service::Power,
        Service::Vm,
        Service::Fetch,
        Service::Track,
        Service::Recipe,
        Service::Watch,
        Service::Alert,
        Service::Page,
        Service::Conf,
        Service::Boot,
        Service::Program,
    ];

    /// The name in kinds, on the command line and on the screen.
    pub fn name(self) -> &'static str {
        match self {
            Service::Dhcp => "dhcp",
            Service::Tftp => "tftp",
            Service::Http => "http",
            Service::Dns => "dns",
            Service::Syslog => "syslog",
            Service::Radv => "radv",
            Service::Nfs => "nfs",
            Service::Power => "power",
            Service::Vm => "vm",
            Service::Fetch => "fetch",
            Service::Track => "track",
            Service::Recipe => "recipe",
            Service::Watch => "watch",
            Service::Alert => "alert",
            Service::Page => "page",
            Service::Conf => "conf",
            Service::Boot => "boot",
            Service::Program => "program",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for Service {
    type Err = String;
    fn from_str(text: &str) -> Result<Service, String> {
        let found = Service::ALL.into_iter().find(|service| service.name() == text);
        found.ok_or_else(|| {
            let names: Vec<_> = Service::ALL.iter().map(|s| s.name()).collect();
            format!("expected one of {}", names.join(", "))
        })
    }
}

/// One thing that happened, at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When, to the microsecond.
    pub time: Timestamp,
    /// The segment, named by the server's own address on it; none for what concerns the whole program.
    pub segment: Option<Ipv4Addr>,
    /// The machine's address, where it is known.
    pub machine: Option<Ipv4Addr>,
    /// The machine's hardware address, where it is known.
    pub mac: Option<Mac>,
    /// What happened.
    pub fact: Fact,
}

impl Event {
    /// An event of now that is about no machine.
    pub fn new(segment: Option<Ipv4Addr>, fact: Fact) -> Event {
        Event { time: now(), segment, machine: None, mac: None, fact }
    }

    /// The same event, about this machine.
    #[must_use]
    pub fn about(mut self, machine: Option<Ipv4Addr>, mac: Option<Mac>) -> Event {
        self.machine = machine;
        self.mac = mac;
        self
    }

    /// Part of the program that this is about.
    pub fn service(&self) -> Service {
        self.fact.service()
    }

    /// Past tense, `service.verb`: `dhcp.offered`.
    pub fn kind(&self) -> &str {
        self.fact.kind()
    }

    /// How much it matters to an operator, on syslog's scale.
    pub fn severity(&self) -> Severity {
        self.fact.severity()
    }
}

/// The present, cut to the microsecond, so that an event is the same after a round trip through the journal.
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

/// The form of an event as JSON. `service` and `severity` are derived from the fact and ignored when read.
#[derive(Serialize, Deserialize)]
struct Flat<F> {
    time: Timestamp,
    segment: Option<Ipv4Addr>,
    machine: Option<Ipv4Addr>,
    mac: Option<Mac>,
    #[serde(skip_deserializing)]
    service: Option<Service>,
    #[serde(skip_deserializing)]
    severity: Option<Severity>,
    #[serde(flatten)]
    fact: F,
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Flat {
            time: self.time,
            segment: self.segment,
            machine: self.machine,
            mac: self.mac,
            service: Some(self.service()),
            severity: Some(self.severity()),
            fact: &self.fact,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Event, D::Error> {
        let flat: Flat<Fact> = Flat::deserialize(deserializer)?;
        Ok(Event { time: flat.time, segment: flat.segment, machine: flat.machine, mac: flat.mac, fact: flat.fact })
    }
}

#[cfg(test)]
mod tests;
