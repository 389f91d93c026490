//! What a machine is made of, and how much of it is in use: one script (`probe.sh`) on the machine tells both.

use super::{Reach, Result};
use crate::conf::Track;

/// How much of a machine is in use, as `track.measured` tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// Processors.
    pub cpus: u32,
    /// Load over a minute, in hundredths of a processor.
    pub load: u32,
    /// Bytes of memory.
    pub memory: u64,
    /// Of them in use.
    pub memory_used: u64,
    /// Bytes of the root file system.
    pub disk: u64,
    /// Of them in use.
    pub disk_used: u64,
}

/// What the script printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probe {
    /// As `hosts/<machine>/.inventory` keeps it.
    pub inventory: String,
    /// How much is in use.
    pub measured: Measured,
}

impl Reach {
    /// Asks the machine; `track` says which files may be too large to be kept.
    pub async fn probe(&self, _track: &Track) -> Result<Probe> {
        todo!()
    }
}
