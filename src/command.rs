//! What the operator asks for. The console and the command line send the same commands; the answers come back as events.

use crate::{
    event::{Action, Asker, Event, Fact, RecipeManner, Service, Severity},
    net::Mac,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, net::Ipv4Addr, sync::Arc, time::Duration};

/// A machine of conf: its segment's server address and its own.
pub type Place = (Ipv4Addr, Ipv4Addr);

/// Which alert: one of a rule, about one thing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AlertKey {
    /// The segment's server address; none for what is about the whole program.
    pub segment: Option<Ipv4Addr>,
    /// The machine's hardware address; none for what is about the segment.
    pub mac: Option<Mac>,
    /// The rule: a name of `alerts`.
    pub rule: String,
    /// What of the machine, or of the segment; empty where it is the whole.
    pub subject: String,
}

/// A wish of the operator, carried out by the supervisor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Command {
    /// Switch machines. Each tells `power.confirmed`, `power.unconfirmed` or `power.refused` at last.
    Power {
        /// Which, in this order.
        machines: Vec<Place>,
        /// What is done.
        action: Action,
        /// One so long after the other.
        stagger: Duration,
        /// Who asks.
        by: Asker,
    },
    /// Look now whether machines are on. Each tells `power.observed` or `power.unobserved`, also where that is no news.
    Look {
        /// Which.
        machines: Vec<Place>,
    },
    /// List the alarms of machines' own clocks. Each tells `alarm.listed` or `alarm.unlisted`.
    Alarms {
        /// Which.
        machines: Vec<Place>,
    },
    /// Go through what switches a machine, step by step: `power.examined` each, `power.diagnosed` at last.
    Examine {
        /// Which.
        machine: Place,
    },
    /// Take the certificate of what switches a machine into conf: `power.trusted`.
    Trust {
        /// Which.
        machine: Place,
        /// `amt`, `redfish`.
        method: String,
        /// SHA-256 in hexadecimal, as it was shown to who trusts it.
        fingerprint: String,
    },
    /// Pass over the next scheduled change of a machine, or do not after all.
    Skip {
        /// Which.
        machine: Place,
        /// Pass it over.
        skip: bool,
    },
    /// Arm a machine with a profile that it boots until there is evidence that it is done (`boot.armed`), also anew; or
    /// disarm it (`boot.disarmed`).
    Arm {
        /// Which.
        machine: Place,
        /// With what; none to disarm it.
        profile: Option<String>,
        /// What it boots afterwards; `local` unless given.
        then: Option<String>,
    },
    /// What a machine boots from now on: its `boot` is written, or taken away, so that its segment's counts.
    Assign {
        /// Which.
        machine: Place,
        /// A profile; none for what the segment says.
        profile: Option<String>,
    },
    /// Write a machine that was only seen into the conf tree. Tells `conf.adopted` or `conf.unwritten`.
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
    /// What the command line did by itself, for screen and journal: of virtual machines. It comes back as it is, when what
    /// it says of conf is in force.
    Tell {
        /// What it was.
        event: Box<Event>,
    },
    /// Bring in the files that a profile names. Tells `fetch.ended` or `fetch.refused` at last.
    Fetch {
        /// Which.
        profile: String,
    },
    /// Look at the files of machines and of their containers now, and keep what is other. Each tells `track.looked`,
    /// `track.changed` or `track.failed` at last.
    Pull {
        /// Which.
        machines: Vec<Place>,
        /// What made the changes, where that is known: `recipe nginx`.
        cause: Option<String>,
    },
    /// Carry a recipe through. Each machine tells `recipe.ended` or `recipe.failed` at last.
    Recipe {
        /// Which machines.
        machines: Vec<Place>,
        /// A container of theirs, rather than themselves.
        container: Option<String>,
        /// A name of `conf/recipes`.
        recipe: String,
        /// How far.
        manner: RecipeManner,
        /// Who asks.
        by: Asker,
    },
    /// Do the checks of machines now; of the segment's own services where there are none.
    Check {
        /// The segment's server address.
        segment: Ipv4Addr,
        /// Which machines, by address.
        machines: Vec<Ipv4Addr>,
    },
    /// Somebody looks after alerts: they are told no more until they are over. Each tells `alert.acknowledged`.
    Acknowledge {
        /// Which.
        alerts: Vec<AlertKey>,
        /// What they say to it.
        note: Option<String>,
        /// Who asks.
        by: Asker,
    },
    /// Tell no alerts that are like this, until then (`alert.silenced`); none ends such a silence (`alert.unsilenced`).
    Silence {
        /// The segment's server address.
        segment: Option<Ipv4Addr>,
        /// The machine's hardware address; none for the whole segment.
        mac: Option<Mac>,
        /// A name of `alerts`; none for all.
        rule: Option<String>,
        /// What of the machine; none for all.
        subject: Option<String>,
        /// Until then.
        until: Option<Timestamp>,
        /// Who asks.
        by: Asker,
    },
    /// Tell this receiver something, to see whether it comes (`alert.delivered`, `alert.undelivered`).
    Ring {
        /// The segment's server address.
        segment: Ipv4Addr,
        /// A name of `receivers`.
        receiver: String,
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

impl Command {
    /// As in its JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Command::Power { .. } => "power",
            Command::Look { .. } => "look",
            Command::Alarms { .. } => "alarms",
            Command::Examine { .. } => "examine",
            Command::Trust { .. } => "trust",
            Command::Skip { .. } => "skip",
            Command::Arm { .. } => "arm",
            Command::Assign { .. } => "assign",
            Command::Adopt { .. } => "adopt",
            Command::Find { .. } => "find",
            Command::Tell { .. } => "tell",
            Command::Fetch { .. } => "fetch",
            Command::Pull { .. } => "pull",
            Command::Check { .. } => "check",
            Command::Acknowledge { .. } => "acknowledge",
            Command::Silence { .. } => "silence",
            Command::Ring { .. } => "ring",
            Command::Recipe { .. } => "recipe",
            Command::Quit => "quit",
        }
    }

    /// The machines that it is about.
    pub fn machines(&self) -> Vec<Place> {
        match self {
            Command::Power { machines, .. }
            | Command::Look { machines }
            | Command::Alarms { machines }
            | Command::Pull { machines, .. }
            | Command::Recipe { machines, .. } => machines.clone(),
            Command::Examine { machine }
            | Command::Trust { machine, .. }
            | Command::Skip { machine, .. }
            | Command::Arm { machine, .. }
            | Command::Assign { machine, .. } => vec![*machine],
            Command::Tell { event } => event.segment.zip(event.machine).into_iter().collect(),
            Command::Check { segment, machines } => machines.iter().map(|machine| (*segment, *machine)).collect(),
            Command::Adopt { .. }
            | Command::Find { .. }
            | Command::Fetch { .. }
            | Command::Acknowledge { .. }
            | Command::Silence { .. }
            | Command::Ring { .. }
            | Command::Quit => Vec::new(),
        }
    }
}

/// What somebody has sent commands about: the events that they are told.
#[derive(Clone, Debug, Default)]
pub struct Interest {
    machines: BTreeSet<Place>,
    profiles: BTreeSet<String>,
    /// The segments of which checks were asked for.
    segments: BTreeSet<Ipv4Addr>,
    alerts: bool,
}

impl Interest {
    /// This command was sent.
    pub fn note(&mut self, command: &Command) {
        self.machines.extend(command.machines());
        match command {
            Command::Fetch { profile } => drop(self.profiles.insert(profile.clone())),
            Command::Check { segment, .. } => drop(self.segments.insert(*segment)),
            Command::Adopt { segment, address, .. } => drop(self.machines.insert((*segment, *address))),
            Command::Acknowledge { .. } | Command::Silence { .. } | Command::Ring { .. } => self.alerts = true,
            _ => {}
        }
    }

    /// Nothing was sent yet.
    pub fn is_empty(&self) -> bool {
        self.machines.is_empty() && self.profiles.is_empty() && self.segments.is_empty() && !self.alerts
    }

    /// The event is about something that was asked about.
    pub fn wants(&self, event: &Event) -> bool {
        if let Some(profile) = event.fact.fetched_for() {
            return self.profiles.contains(profile);
        }
        match event.service() {
            Service::Alert => return self.alerts,
            // Who asked sees also those that are no news.
            Service::Watch if event.segment.is_some_and(|segment| self.segments.contains(&segment)) => return true,
            _ => {}
        }
        let is_kind = matches!(
            event.service(),
            Service::Power | Service::Boot | Service::Vm | Service::Nfs | Service::Track | Service::Recipe
        ) || matches!(event.fact, Fact::ConfUnwritten { .. } | Fact::ConfAdopted { .. });
        let is_asked = matches!(event.fact, Fact::TrackLooked { .. } | Fact::RecipeSaid { .. });
        let place = event.segment.zip(event.machine);
        (is_kind && event.severity() != Severity::Debug || is_asked)
            && place.is_some_and(|place| self.machines.contains(&place))
    }
}
