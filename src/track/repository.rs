//! The repository: opening, mending, and what is asked of it. git(1) does the work.

use super::{Delta, Entry, Inventory, Result};
use jiff::Timestamp;
use std::path::{Path, PathBuf};

/// `hosts/`. Cheap to clone; each call opens what it needs.
#[derive(Clone, Debug)]
pub struct Repository {
    dir: PathBuf,
    /// `run/track`: mirrors, locks, the key of digests of secrets.
    run: PathBuf,
}

/// Which commits are wanted, the newest first.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Of this machine's folder only.
    pub host: Option<String>,
    /// Not older.
    pub since: Option<Timestamp>,
    /// Not newer.
    pub until: Option<Timestamp>,
    /// Those that changed this path (below the machine's root, or of all machines).
    pub path: Option<String>,
    /// At most so many.
    pub limit: Option<usize>,
}

/// How a file is other after a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is new.
    Added,
    /// It is other.
    Changed,
    /// It is gone.
    Removed,
}

/// A commit of the record.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Commit {
    /// git's name of it, in full.
    pub hash: String,
    /// When the machine was looked at.
    pub time: Timestamp,
    /// When it was looked at before: what changed, changed in between.
    pub before: Option<Timestamp>,
    /// The machine's folder.
    pub host: String,
    /// The first line without the machine's name.
    pub subject: String,
    /// What made the changes, where that is known.
    pub cause: Option<String>,
    /// Which files (printable, below the machine's root), without `.meta`.
    pub files: Vec<(Status, String)>,
}

impl Repository {
    /// `dir` is `hosts`, `run` the program's run folder. Nothing is touched yet.
    pub fn new(dir: &Path, run: &Path) -> Repository {
        Repository { dir: dir.to_owned(), run: run.join("track") }
    }

    /// Where files of a machine are pulled to: only root can look into it.
    pub fn mirror(&self, host: &str) -> PathBuf {
        self.run.join(host)
    }

    /// The machines of which something is kept.
    pub fn hosts(&self) -> Result<Vec<String>> {
        todo!()
    }

    /// Commits, the newest first.
    pub fn log(&self, _wanted: &Wanted) -> Result<Vec<Commit>> {
        todo!()
    }

    /// What a commit changed, as a unified diff; of one machine's folder and one path where these are given. `.meta` is told
    /// in words: `mode 0644 -> 0600`.
    pub fn diff(&self, _commit: &str, _host: Option<&str>, _path: Option<&str>) -> Result<String> {
        todo!()
    }

    /// A unified diff of a path between two commits of a machine.
    pub fn between(&self, _host: &str, _from: &str, _to: &str, _path: Option<&str>) -> Result<String> {
        todo!()
    }

    /// Each line of a text file with the commit that it is from and its time.
    pub fn blame(&self, _host: &str, _path: &str) -> Result<Vec<(String, Timestamp, String)>> {
        todo!()
    }

    /// The commit of a machine that was in force at a moment: its newest that is not later.
    pub fn at(&self, _host: &str, _moment: Timestamp) -> Result<Option<String>> {
        todo!()
    }

    /// The first commit of a machine: what it was at first.
    pub fn first(&self, _host: &str) -> Result<Option<String>> {
        todo!()
    }

    /// The newest commit of a machine.
    pub fn newest(&self, _host: &str) -> Result<Option<String>> {
        todo!()
    }

    /// A machine's files at a commit, by path.
    pub fn entries(&self, _host: &str, _commit: &str) -> Result<Vec<Entry>> {
        todo!()
    }

    /// The bytes of a file at a commit.
    pub fn content(&self, _host: &str, _commit: &str, _path: &[u8]) -> Result<Vec<u8>> {
        todo!()
    }

    /// A machine's inventory at a commit; an empty one where none is kept.
    pub fn inventory(&self, _host: &str, _commit: &str) -> Result<Inventory> {
        todo!()
    }

    /// How a machine differs between two commits.
    pub fn delta(&self, _host: &str, _from: &str, _to: &str) -> Result<Delta> {
        todo!()
    }

    /// Goes through the repository; where it is broken, keeps it aside and begins a new one from the mirrors. Gives where the
    /// broken one is, and what was wrong with it.
    pub fn repair(&self) -> Result<Option<(PathBuf, String)>> {
        todo!()
    }

    /// Brings the files in `hosts/` to what the newest commit says, and packs what is loose where there is much of it. What was
    /// changed by hand is kept as `refs/pxelator/hand/<time>`.
    pub fn tidy(&self) -> Result<()> {
        todo!()
    }

    /// `hosts`.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}
