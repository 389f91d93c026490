//! Files from a machine and to it, by rsync(1).

use super::{Reach, Result};
use crate::conf::Track;
use std::path::Path;

/// What came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pulled {
    /// Files that were looked at.
    pub files: u64,
    /// Files that came, since they were other.
    pub transferred: u64,
    /// What the machine did not give: it vanished meanwhile, or may not be read. Printable.
    pub missing: Vec<String>,
}

impl Reach {
    /// Brings the mirror to what the machine has: what `track` names and is no secret, with owners, modes, links, hard links,
    /// attributes and holes. What was broken off goes on at the next call; a file appears whole or not at all.
    pub async fn pull(&self, _track: &Track, _mirror: &Path, _secrets: bool) -> Result<Pulled> {
        todo!()
    }

    /// Puts the files of a folder onto the machine, each with its owner, mode and times; touches nothing else, and not those
    /// that are so already. `remove` are paths below the root (any bytes) that go.
    pub async fn push(&self, _folder: &Path, _remove: &[Vec<u8>]) -> Result<()> {
        todo!()
    }
}
