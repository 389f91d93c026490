//! Keeps what lies in a mirror or in an overlay's upper layer: compares, and makes a commit where something is other.

use super::{Repository, Result};
use crate::conf::Track;
use jiff::Timestamp;
use std::path::{Path, PathBuf};

/// Where a machine's files lie.
#[derive(Clone, Debug)]
pub enum Source {
    /// A mirror that was pulled: all that is in it.
    Mirror(PathBuf),
    /// The upper layer of a root over NFS: marks of overlayfs are removals. What packages brought unchanged, caches, logs and
    /// what is made anew at each boot is left out, unless `track` says what is wanted.
    Layer(PathBuf),
}

/// What is known of a look at a machine.
#[derive(Clone, Debug)]
pub struct Note {
    /// The machine's folder in the record: `web1`, `db@web1`.
    pub host: String,
    /// Its address, for the commit's author.
    pub address: String,
    /// When it was looked at.
    pub time: Timestamp,
    /// What made the changes: `recipe nginx`, where that is known.
    pub cause: Option<String>,
    /// What `reach/probe.sh` printed; none keeps what was there.
    pub inventory: Option<String>,
    /// `conf/age.recipients`, where it is there: for whom secrets are encrypted.
    pub recipients: Option<PathBuf>,
}

/// Files that are not kept, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The first twenty, printable.
    pub paths: Vec<String>,
    /// How many there are.
    pub count: u64,
    /// `they hold private keys`, `they are larger than 16 MiB`.
    pub reason: String,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// The new commit; none where nothing was other.
    pub commit: Option<String>,
    /// Its first line without the machine's name: `etc/motd changed, etc/hosts added`.
    pub subject: String,
    /// Files that are new, printable, without a leading `/`.
    pub added: Vec<String>,
    /// Files that are other.
    pub changed: Vec<String>,
    /// Files that are gone.
    pub removed: Vec<String>,
    /// Files that are kept now.
    pub files: u64,
    /// What is left out, by reason.
    pub left: Vec<Left>,
}

impl Repository {
    /// Keeps what is there now. Calls for several machines may run at the same time, also of several processes; those of one
    /// machine must not.
    pub fn record(&self, _source: &Source, _track: Option<&Track>, _note: &Note) -> Result<Recorded> {
        todo!()
    }

    /// Writes a machine's recovery document beside its folder; none where it is as it was.
    pub fn document(&self, _host: &str, _markdown: &str, _html: &str) -> Result<Option<String>> {
        todo!()
    }

    /// Builds the files below `paths` (any bytes, no leading `/`; a folder means all in it) as they were at `commit` in the
    /// empty folder `into`, with owners, modes, links, times and attributes, so that rsync brings them onto the machine as
    /// they were. What was encrypted is left out and named in the result.
    pub fn export(&self, _host: &str, _commit: &str, _paths: &[Vec<u8>], _into: &Path) -> Result<Vec<String>> {
        todo!()
    }
}
