//! Switching machines: one module a way, behind one trait. Knows nothing of the console.

pub mod alarms;
mod amt;
mod ipmi;
pub mod ladder;
mod qemu;
mod redfish;
mod web;

mod wol;

pub use crate::event::Alarm;

use crate::{
    command::Place,
    conf::{Logins, Machine, Rung, Segment},
    event::{Action, Fact, Manner, PowerState},
    net::Interface,
};
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// A change of power that did not come about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct PowerError {
    /// What went wrong, in words.
    pub error: String,
    /// What the operator can do.
    pub next_step: String,
}

impl PowerError {
    fn new(error: impl ToString, next_step: impl ToString) -> PowerError {
        PowerError { error: error.to_string(), next_step: next_step.to_string() }
    }
}

/// The machine to be switched, and where it is.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its segment.
    pub segment: std::sync::Arc<Segment>,
    /// Itself.
    pub machine: std::sync::Arc<Machine>,
    /// The interface of the segment.
    pub interface: Interface,
    /// Where running virtual machines are kept track of.
    pub run: PathBuf,
    /// Where the disks of virtual machines are.
    pub vms: PathBuf,
    /// User and group of the operator, where those are not this program's: the serial console is his.
    pub owner: Option<(u32, u32)>,
}

impl Target {
    /// The machine by its segment's server address and its own.
    pub fn place(&self) -> Place {
        (self.segment.server, self.machine.address)
    }
}

/// A way to switch one machine. It keeps what it learned of it (a session, a nonce) as long as conf says the same.
#[async_trait::async_trait]
pub trait Power: Send + Sync {
    /// The first word of its line in `power`.
    fn method(&self) -> &'static str;

    /// Switches it. With `gently` a system that can be asked to shut down is asked, and [`Manner::Gently`] is the answer;
    /// without, or where it cannot be asked, its power is taken at once. `gently` matters for [`Action::Off`] alone.
    async fn switch(&self, target: &Target, action: Action, gently: bool) -> Result<Manner, PowerError>;

    /// Whether it has power; none where this way cannot tell.
    async fn observe(&self, target: &Target) -> Result<Option<PowerState>, PowerError>;

    /// Goes through all that must be right for this way, a step after the other, to the first that is wrong.
    async fn examine(&self, target: &Target, steps: &mut Steps) -> Result<(), Ill>;

    /// How often its state is asked: often where that costs nothing.
    fn pace(&self) -> Duration;

    /// Its alarm clock, of one that has such.
    fn alarms(&self) -> Option<&dyn Alarms> {
        None
    }
}

/// An alarm clock that switches its machine on by itself.
#[async_trait::async_trait]
pub trait Alarms: Send + Sync {
    /// All that are set, also those of others.
    async fn list(&self, target: &Target) -> Result<Vec<Alarm>, PowerError>;
    /// Sets one of ours, which goes off once.
    async fn add(&self, target: &Target, alarm: &Alarm) -> Result<(), PowerError>;
    /// Takes one out.
    async fn remove(&self, target: &Target, name: &str) -> Result<(), PowerError>;
}

/// A step of an examination went wrong; it is told in the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ill;

/// What an examination found, told as it goes.
pub struct Steps<'a> {
    method: &'static str,
    tell: &'a mut (dyn FnMut(Fact) + Send),
}

impl Steps<'_> {
    /// Steps of one way, each handed to `tell` as [`Fact::PowerExamined`].
    pub fn new<'a>(method: &'static str, tell: &'a mut (dyn FnMut(Fact) + Send)) -> Steps<'a> {
        Steps { method, tell }
    }

    /// Tells what came of a step; the value goes on to the next. `words` says it of a good one.
    pub fn step<T>(
        &mut self,
        step: &str,
        found: Result<T, PowerError>,
        words: impl FnOnce(&T) -> String,
    ) -> Result<T, Ill> {
        let (words, next_step) = match &found {
            Ok(found) => (words(found), None),
            Err(PowerError { error, next_step }) => (error.clone(), Some(next_step.clone())),
        };
        (self.tell)(Fact::PowerExamined { method: self.method.to_owned(), step: step.to_owned(), words, next_step });
        found.map_err(|_| Ill)
    }
}

/// The socket of a machine's serial console, of one that has one here. It is there while the machine is on.
pub fn serial_console(machine: &Machine, run: &Path) -> Option<PathBuf> {
    let is_virtual = machine.power.iter().any(|rung| matches!(rung, Rung::Qemu(_)));
    is_virtual.then(|| qemu::serial_console(machine, run))
}

/// The ways to switch all machines, kept from one use to the next.
#[derive(Clone, Default)]
pub struct Ways {
    kept: Arc<Mutex<BTreeMap<Place, Kept>>>,
}

/// The ladder of one machine, with what it was made from.
struct Kept {
    machine: Arc<Machine>,
    logins: Logins,
    ladder: Vec<Arc<dyn Power>>,
}

impl Ways {
    /// The ladder of a machine, the best way first; empty where conf names none.
    pub fn of(&self, target: &Target) -> Vec<Arc<dyn Power>> {
        let place = target.place();
        let mut kept = self.kept.lock();
        match kept.get(&place) {
            Some(kept) if kept.machine == target.machine && kept.logins == target.segment.logins => kept.ladder.clone(),
            _ => {
                let ladder: Vec<_> = target.machine.power.iter().map(|rung| way(target, rung)).collect();
                let (machine, logins) = (target.machine.clone(), target.segment.logins.clone());
                kept.insert(place, Kept { machine, logins, ladder: ladder.clone() });
                ladder
            }
        }
    }
}

/// The certificate that what switches a machine shows, trusted or not: SHA-256 in hexadecimal. `method` is `amt` or `redfish`.
pub async fn certificate(target: &Target, method: &str) -> Result<String, PowerError> {
    let url = target.machine.power.iter().find(|rung| rung.method() == method).and_then(|rung| match rung {
        Rung::Amt(amt) => Some(("amt", amt::url(target, amt))),
        Rung::Redfish(redfish) => Some(("redfish", Ok(redfish.url.clone()))),
        _ => None,
    });
    let (method, url) = url.ok_or_else(|| no_tls(method))?;
    let web = web::Web::of(target, method, &url?, web::Scheme::Basic);
    web.certificate().await.map_err(|error| web.told(&error))
}

fn no_tls(method: &str) -> PowerError {
    PowerError::new(
        format!("its {method} is not asked by TLS, so there is no certificate to trust"),
        "see its `power`: amt tls, or redfish https://…",
    )
}

fn way(target: &Target, rung: &Rung) -> Arc<dyn Power> {
    match rung {
        Rung::Amt(amt) => Arc::new(amt::Amt::new(target, amt)),
        Rung::Redfish(redfish) => Arc::new(redfish::Redfish::new(target, redfish)),
        Rung::Ipmi(ipmi) => Arc::new(ipmi::Ipmi::new(target, ipmi)),
        Rung::Wol(wol) => Arc::new(wol::WakeOnLan::new(wol)),
        Rung::Qemu(qemu) => Arc::new(qemu::Qemu::new(qemu)),
    }
}
