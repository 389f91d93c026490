//! Switching machines: one module a way, behind one trait. Knows nothing of the console.

mod qemu;
mod wol;

use crate::{
    conf::{Machine, Segment},
    event::{Action, PowerState},
    net::Interface,
};
use std::path::{Path, PathBuf};

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
    /// User and group of the operator, where those are not this program's: the serial console is his.
    pub owner: Option<(u32, u32)>,
}

/// A way to switch machines.
#[async_trait::async_trait]
pub trait Power: Send + Sync {
    /// The first word of a machine's `power` file.
    fn method(&self) -> &'static str;
    /// Switches it.
    async fn switch(&self, target: &Target, action: Action) -> Result<(), PowerError>;
    /// Whether it has power; none where this way cannot tell.
    async fn observe(&self, target: &Target) -> Option<PowerState>;
}

/// The socket of a machine's serial console, of one that has one here. It is there while the machine is on.
pub fn serial_console(machine: &Machine, run: &Path) -> Option<PathBuf> {
    let written = machine.power.as_deref().unwrap_or_default();
    (written.split_whitespace().next() == Some("qemu")).then(|| qemu::serial_console(machine, run))
}

/// The way that a machine's `power` names, or why there is none.
pub fn of(machine: &Machine) -> Result<Box<dyn Power>, PowerError> {
    let written = machine.power.as_deref().unwrap_or_default();
    match written.split_whitespace().next() {
        Some("qemu") => Ok(Box::new(qemu::Qemu)),
        Some("wol") => Ok(Box::new(wol::WakeOnLan)),
        Some(other) => Err(PowerError::new(
            format!("{other:?} is no way to switch a machine"),
            format!("write qemu or wol into the `power` file of {}", machine.address),
        )),
        None => Err(PowerError::new(
            "conf does not say how it is switched",
            format!("write qemu or wol into the `power` file of {}", machine.address),
        )),
    }
}
