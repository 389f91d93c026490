//! What a machine is made of beside its files: packages, services, hardware. Read from what a script on it prints (`reach/probe.sh`),
//! which is also how the record keeps it. Pure.

use super::{Entry, Result};
use std::collections::{BTreeMap, BTreeSet};

/// `hosts/web1/.inventory`: sections in brackets, sorted lines of words in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// `[system]`: `os`, `kernel`, `architecture`, `product`, `cpu`, `cpus`, `memory` (bytes), `disk NAME` (bytes and model),
    /// `interface NAME` (its MAC), `hostname`, `init`. What changes from hour to hour is not here.
    pub system: BTreeMap<String, String>,
    /// `[packages]`: version by name.
    pub packages: BTreeMap<String, String>,
    /// `[manual]`: packages that were asked for, not brought by others.
    pub manual: BTreeSet<String>,
    /// `[services]`: `enabled`, `disabled`, `masked` by the name of a unit, where it is other than its preset says.
    pub services: BTreeMap<String, String>,
    /// `[conffiles]`: MD5 by path (no leading `/`), as the package brought it.
    pub conffiles: BTreeMap<String, String>,
    /// `[large]`: files that `track` names and that are too large: bytes by path.
    pub large: BTreeMap<String, u64>,
}

impl Inventory {
    /// Reads it; `what` names it in errors.
    pub fn parse(_text: &str, _what: &str) -> Result<Inventory> {
        todo!()
    }
}

/// How a machine differs between two commits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Delta {
    /// Files that are new or other: the entry before, where there was one, and now.
    pub changed: Vec<(Option<Entry>, Entry)>,
    /// Files that are gone.
    pub removed: Vec<Entry>,
    /// The inventory before and now.
    pub inventory: (Inventory, Inventory),
}
