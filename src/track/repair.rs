//! The repository kept in order: the files in `hosts/` as the newest commit has them, loose things packed, a broken one begun anew.

use super::{
    Note, Repository, Result, Source, TrackError, cache,
    git::{Git, MAIN, UNASKED},
};
use jiff::Timestamp;
use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// Loose objects in one of git's 256 folders from which on they are packed: as many as `git gc --auto` takes.
const LOOSE: usize = 27;
/// A lock of git's index that is as old belongs to nobody.
const STALE: Duration = Duration::from_secs(60);
/// Packs from which on they are made fewer.
const PACKS: usize = 40;
impl Repository {
    /// Goes through the repository; where it is broken, keeps it aside and begins a new one from the mirrors. Gives where the
    /// broken one is, and what was wrong with it.
    pub fn repair(&self) -> Result<Option<(PathBuf, String)>> {
        let Some(git) = self.git()? else { return Ok(None) };
        let error = match self.check(git) {
            Ok(()) => return Ok(None),
            Err(TrackError::Broken { error, .. }) => error,
            Err(error) => return Err(error),
        };
        let kept = {
            let _lock = self.lock()?;
            let kept = free(&self.dir, &format!(".git-broken-{}", stamp()));
            let from = self.dir.join(".git");
            fs::rename(&from, &kept).map_err(|source| TrackError::File { path: from, source })?;
            self.begin()?;
            kept
        };
        for (host, address) in self.mirrors() {
            let text = fs::read_to_string(self.dir.join(&host).join(".inventory")).ok();
            let note = Note {
                time: Timestamp::now(),
                cause: Some("the repository was broken and begun anew".to_owned()),
                inventory: text.filter(|text| super::Inventory::parse(text, &host).is_ok()),
                recipients: None,
                address,
                host,
            };
            self.record(&Source::Mirror(self.mirror(&note.host)), None, &note)?;
        }
        Ok(Some((kept, error)))
    }

    /// Reads all that is in it.
    fn check(&self, git: Git) -> Result<()> {
        git.tip()?;
        let mut command = git.command();
        for unasked in UNASKED {
            command.args(["-c", &format!("fsck.{unasked}=ignore")]);
        }
        command.args(["fsck", "--full", "--no-dangling", "--no-progress"]);
        let output = command.output().map_err(|error| git.not_run(error))?;
        if output.status.success() {
            return Ok(());
        }
        let said = [output.stderr, output.stdout].concat();
        match git.trouble("fsck", &said) {
            // Whatever it finds, it finds in there.
            TrackError::Git { error, .. } => Err(TrackError::Broken { dir: self.dir.clone(), error }),
            error => Err(error),
        }
    }

    /// Machines that were pulled, with the addresses they had.
    fn mirrors(&self) -> Vec<(String, String)> {
        let mirror = |entry: fs::DirEntry| {
            let host = entry.file_name().into_string().ok().filter(|host| !host.starts_with('.'))?;
            entry.file_type().ok().filter(fs::FileType::is_dir)?;
            let address = cache::read(&self.run, &host).address;
            Some((host, address.unwrap_or_else(|| "localhost".to_owned())))
        };
        let mut all: Vec<(String, String)> =
            fs::read_dir(&self.run).into_iter().flatten().flatten().filter_map(mirror).collect();
        all.sort();
        all
    }

    /// Brings the files in `hosts/` to what the newest commit says, and packs what is loose where there is much of it. What was
    /// changed by hand is kept as `refs/pxelator/hand/<time>`, which is the result.
    pub fn tidy(&self) -> Result<Option<String>> {
        let Some(git) = self.git()? else { return Ok(None) };
        let _lock = self.lock()?;
        let index = self.dir.join(".git/index");
        // Left by a git that was killed. That of one who works there by hand is younger.
        let lock = self.dir.join(".git/index.lock");
        let age = fs::symlink_metadata(&lock).and_then(|meta| meta.modified()).ok().and_then(|at| at.elapsed().ok());
        if age.is_some_and(|age| age > STALE) {
            let _ = fs::remove_file(&lock);
        }
        let changed = match self.by_hand(git) {
            Err(TrackError::Broken { .. } | TrackError::Git { .. }) if index.exists() => {
                // It can be made anew, unlike all else.
                fs::remove_file(&index).map_err(|source| TrackError::File { path: index.clone(), source })?;
                self.by_hand(git)?
            }
            other => other?,
        };
        let kept = if changed { Some(self.keep(git)?) } else { None };
        git.ask(&["read-tree", "--reset", "-u", MAIN])?;
        // With the new times, so that the next look at it is quick.
        git.succeeds(&["update-index", "-q", "--refresh"])?;
        self.pack(git)?;
        Ok(kept)
    }

    /// Whether something in `hosts/` is other than what was last put there.
    fn by_hand(&self, git: Git) -> Result<bool> {
        let index = self.dir.join(".git/index");
        if !index.exists() {
            // As if nothing was put there yet: what is in the way of the newest commit is somebody's, unless it is the same.
            git.ask(&["read-tree", "--empty"])?;
        }
        git.succeeds(&["update-index", "-q", "--refresh"])?;
        if !git.ask(&["diff-files", "--name-only", "-z"])?.is_empty() {
            return Ok(true);
        }
        let others = git.ask(&["ls-files", "-o", "-z"])?;
        if others.is_empty() {
            return Ok(false);
        }
        let known = git.ask(&["ls-tree", "-r", "-z", "--name-only", MAIN])?;
        let known: HashSet<&[u8]> = known.split(|byte| *byte == 0).collect();
        let mut in_the_way = others.split(|byte| *byte == 0).filter(|path| !path.is_empty() && known.contains(path));
        if in_the_way.next().is_none() {
            return Ok(false);
        }
        // The same bytes are in nobody's way.
        let beside = self.dir.join(".git/index-hand");
        let is_other = (|| {
            git.ask_with_index(&beside, &["read-tree", MAIN])?;
            let _ = git.ask_with_index(&beside, &["update-index", "-q", "--refresh"]);
            let other = git.ask_with_index(&beside, &["diff-files", "--name-only", "--diff-filter=M", "-z"])?;
            Ok(!other.is_empty())
        })();
        let _ = fs::remove_file(&beside);
        is_other
    }

    /// Keeps the files as they are as a commit beside the branch.
    fn keep(&self, git: Git) -> Result<String> {
        let beside = self.dir.join(".git/index-hand");
        let name = format!("refs/pxelator/hand/{}", stamp());
        let kept = (|| {
            git.ask_with_index(&beside, &["read-tree", MAIN])?;
            git.ask_with_index(&beside, &["add", "-A", "-f", "--ignore-errors", "."])?;
            let tree = git.ask_with_index(&beside, &["write-tree"])?;
            let tree = String::from_utf8_lossy(&tree).trim().to_owned();
            let identity = ["-c", "user.name=PXElator", "-c", "user.email=pxelator@localhost"];
            let words =
                [identity.as_slice(), &["commit-tree", &tree, "-p", MAIN, "-m", "Changed by hand in hosts/"]].concat();
            let commit = git.ask(&words)?;
            let commit = String::from_utf8_lossy(&commit).trim().to_owned();
            git.ask(&["update-ref", &name, &commit])?;
            Ok(name)
        })();
        let _ = fs::remove_file(&beside);
        kept
    }

    /// Packs what is loose, where there is much of it, and lets git find paths in commits quickly.
    fn pack(&self, git: Git) -> Result<()> {
        let objects = self.dir.join(".git/objects");
        let count = |folder: &Path, end: &str| {
            let names = fs::read_dir(folder).into_iter().flatten().flatten();
            names.filter(|entry| entry.file_name().to_string_lossy().ends_with(end)).count()
        };
        // Names are spread evenly: one folder tells of all.
        if count(&objects.join("17"), "") > LOOSE || count(&objects.join("pack"), ".pack") > PACKS {
            git.ask(&["repack", "-d", "-l", "-q", "--geometric=2"])?;
            git.ask(&["prune", "--expire=2.days.ago"])?;
            git.ask(&["commit-graph", "write", "--reachable", "--changed-paths", "--no-progress"])?;
        }
        Ok(())
    }
}

fn stamp() -> String {
    Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// A name that is not taken.
fn free(dir: &Path, name: &str) -> PathBuf {
    let more = (2..).map(|at| dir.join(format!("{name}-{at}")));
    let mut all = std::iter::once(dir.join(name)).chain(more);
    all.find(|path| fs::symlink_metadata(path).is_err()).unwrap_or_else(|| dir.join(name))
}
