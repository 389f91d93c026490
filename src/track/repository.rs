//! The repository: found, begun, and locked for the moment of a commit. git(1) does the work.

use super::{
    Result, TrackError, cache,
    fast_import::{Draft, FastImport},
    git::{Git, UNASKED},
};
use jiff::Timestamp;
use nix::fcntl::{Flock, FlockArg};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Wins over every `.gitattributes` that a machine has: contents are kept and shown byte by byte.
const ATTRIBUTES: &str = "* -text -filter -ident !eol !diff !merge !working-tree-encoding !export-subst !export-ignore !whitespace !conflict-marker-size\n";
/// For who runs git in it by hand.
const CONFIG: &str = "[core]\n\tquotePath = false\n\tfileMode = false\n\tprotectHFS = false\n\tprotectNTFS = false\n\tignoreCase = false\n\
    [gc]\n\tauto = 0\n[commitGraph]\n\tchangedPaths = true\n[diff]\n\trenames = false\n";

/// `hosts/`. Cheap to clone; each call opens what it needs.
#[derive(Clone, Debug)]
pub struct Repository {
    pub(super) dir: PathBuf,
    /// `run/track`: mirrors, locks, the key of digests of secrets.
    pub(super) run: PathBuf,
}

impl Repository {
    /// `dir` is `hosts`, `run` the program's run folder. Nothing is touched yet.
    pub fn new(dir: &Path, run: &Path) -> Repository {
        Repository { dir: dir.to_owned(), run: run.join("track") }
    }

    /// `hosts`.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where files of a machine are pulled to: only root can look into it.
    pub fn mirror(&self, host: &str) -> PathBuf {
        self.run.join(host)
    }

    /// When a machine was last looked at, whether something was other or not.
    pub fn looked(&self, host: &str) -> Option<Timestamp> {
        cache::read(&self.run, host).looked
    }

    /// git on it; none where nothing was ever kept.
    pub(super) fn git(&self) -> Result<Option<Git<'_>>> {
        let there = self.dir.join(".git").try_exists();
        let there = there.map_err(|source| TrackError::File { path: self.dir.clone(), source })?;
        Ok(there.then_some(Git { dir: &self.dir }))
    }

    /// The same; an error where nothing was ever kept of `what`.
    pub(super) fn git_of(&self, what: &str) -> Result<Git<'_>> {
        self.git()?.ok_or_else(|| TrackError::Nothing { what: what.to_owned() })
    }

    /// git on it, which is begun where it is not there.
    pub(super) fn begun(&self) -> Result<Git<'_>> {
        if let Some(git) = self.git()? {
            return Ok(git);
        }
        let _lock = self.lock()?;
        self.begin()
    }

    /// Begins it where it is not there; whole or not at all. The lock is held.
    pub(super) fn begin(&self) -> Result<Git<'_>> {
        if let Some(git) = self.git()? {
            return Ok(git);
        }
        // Files of machines that only their root may read are here for all to read who come in.
        private(&self.dir)?;
        let beside = self.dir.join(format!(".new-{}", std::process::id()));
        let _ = fs::remove_dir_all(&beside);
        private(&beside)?;
        let made = (|| {
            let git = Git { dir: &beside };
            git.ask(&["init", "-q", "--template=", "-b", "main"])?;
            let inner = beside.join(".git");
            let trouble = |source| TrackError::File { path: inner.clone(), source };
            fs::create_dir_all(inner.join("info")).map_err(trouble)?;
            fs::write(inner.join("info/attributes"), ATTRIBUTES).map_err(trouble)?;
            let config = inner.join("config");
            let unasked: String = UNASKED.iter().map(|name| format!("\t{name} = ignore\n")).collect();
            let text = fs::read_to_string(&config).map_err(trouble)? + CONFIG + "[fsck]\n" + &unasked;
            fs::write(&config, text).map_err(trouble)?;
            // So that there is always a commit to go on from.
            FastImport::start(git)?.commit(&Draft {
                from: None,
                author: ("PXElator", "pxelator@localhost"),
                time: Timestamp::now().as_second(),
                message: "Begin the record of machines' files\n",
                remove: Vec::new(),
                put: Vec::new(),
            })?;
            fs::rename(&inner, self.dir.join(".git")).map_err(trouble)
        })();
        let _ = fs::remove_dir_all(&beside);
        made.map(|()| Git { dir: &self.dir })
    }

    /// Keeps others out, of this process and of others, until it is dropped.
    pub(super) fn lock(&self) -> Result<Flock<File>> {
        private(&self.run)?;
        let path = self.run.join(".lock");
        let trouble = |source| TrackError::File { path: path.clone(), source };
        let file =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(trouble)?;
        Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, error)| trouble(error.into()))
    }
}

/// A folder for root alone, where it is not there yet.
pub(super) fn private(folder: &Path) -> Result<()> {
    let made = DirBuilder::new().mode(0o700).recursive(true).create(folder);
    made.map_err(|source| TrackError::File { path: folder.to_owned(), source })
}
