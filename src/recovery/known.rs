//! What a recovery document is made of. Pure.

use super::sort::{Class, class};
use crate::{
    conf::{Machine, Segment, Track},
    track::{Entry, Inventory, Kind},
};
use jiff::Timestamp;
use std::sync::Arc;

/// Content up to this many bytes stands on the page.
pub const SMALL: u64 = 64 << 10;

/// All that is known of a machine, or of a container of one.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its folder in the record: `web1`, `db@web1`.
    pub host: String,
    /// Its segment.
    pub segment: Arc<Segment>,
    /// The machine; of a container the one that it runs on.
    pub machine: Arc<Machine>,
    /// The container, where it is one.
    pub container: Option<String>,
    /// The files of its folder in conf that are no secret: name and text, by name.
    pub conf: Vec<(String, String)>,
    /// The commit that it is compared with, and its time.
    pub before: Before,
    /// The newest commit of it, and its time.
    pub now: (String, Timestamp),
    /// The base of its root over NFS.
    pub base: Option<String>,
    /// Files that are new or other.
    pub files: Vec<Shown>,
    /// Files that are gone.
    pub removed: Vec<Entry>,
    /// What it was made of, and is.
    pub inventory: (Inventory, Inventory),
    /// Its users and groups.
    pub accounts: Accounts,
    /// Recipes that it has.
    pub recipes: Vec<Had>,
    /// The newest first: when a boot began, and how it went.
    pub boots: Vec<(Timestamp, String)>,
    /// Its containers that are kept: their folders in the record.
    pub containers: Vec<String>,
}

/// What the machine is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Before {
    /// An earlier commit of it: the first one, or one that was asked for.
    Commit(String, Timestamp),
    /// The base of its root over NFS, by its name.
    Base(String),
    /// Nothing: all that is kept of it is told.
    Nothing,
}

/// A file that is new or other.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// As it was.
    pub before: Option<Entry>,
    /// As it is.
    pub now: Entry,
    /// Its bytes, where it is a file of at most [`SMALL`] bytes.
    pub content: Option<Vec<u8>>,
    /// How it differs, as a unified diff, where both are text.
    pub diff: Option<String>,
    /// A package brought it, and nobody changed it.
    pub brought: bool,
}

/// `etc/passwd` and `etc/group`, before and now; empty where they are not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    /// `etc/passwd`.
    pub passwd: (String, String),
    /// `etc/group`.
    pub group: (String, String),
}

/// A recipe that a machine has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Had {
    /// Its name in `conf/recipes`.
    pub name: String,
    /// Its title, where the recipe is still there.
    pub title: Option<String>,
    /// When it was last applied.
    pub applied: Option<Timestamp>,
}

impl Known {
    /// What of it is kept, as conf says now.
    pub fn track(&self) -> Option<&Track> {
        match &self.container {
            Some(name) => self.machine.containers.get(name)?.track.as_ref(),
            None => self.segment.track_of(&self.machine),
        }
    }

    /// What is gone and was no program's: paths in the order in which they can be taken away, and whether each may be a folder.
    pub fn gone(&self) -> Vec<(&[u8], bool)> {
        let gone = self.removed.iter().map(|entry| (entry.path.as_slice(), entry.kind == Kind::Folder));
        // A mark in an overlay does not say what was there.
        let marked = self.files.iter().filter(|file| file.now.kind == Kind::Removed);
        let marked = marked.map(|file| (file.now.path.as_slice(), true));
        let told = |(path, _): &(&[u8], bool)| self.is_told(path) && self.is_kept(path);
        let mut gone: Vec<_> = gone.chain(marked).filter(told).collect();
        gone.sort_by(|a, b| b.0.cmp(a.0));
        gone
    }

    /// What a file is for who makes a machine like it.
    pub fn class(&self, path: &[u8]) -> Class {
        let (before, now) = &self.inventory;
        class(path, before.packages.keys().ne(now.packages.keys()))
    }

    /// Somebody wrote it.
    pub fn is_told(&self, path: &[u8]) -> bool {
        !matches!(self.class(path), Class::Left(_))
    }

    /// True where conf says now that a path (below the root) is kept: what is gone since it no longer is, may be there still.
    pub fn is_kept(&self, path: &[u8]) -> bool {
        let Some(track) = self.track() else { return true };
        let within = |known: &String| {
            let known = known.trim_start_matches('/');
            // Up to the first pattern.
            let fixed = known.find(['*', '?', '[']).map_or(known, |at| &known[..at]);
            let is_pattern = fixed.len() < known.len();
            let rest = path.strip_prefix(fixed.as_bytes());
            rest.is_some_and(|rest| is_pattern || fixed.is_empty() || rest.is_empty() || rest.starts_with(b"/"))
        };
        track.paths.iter().any(within) && !track.without.iter().any(within)
    }
}
