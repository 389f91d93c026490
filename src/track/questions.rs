//! What is asked of the record: which machines, commits, files.

use super::{
    Commit, Delta, Entry, Inventory, Kind, Repository, Result, TrackError, commit, compare, git::Git, meta, names,
};
use jiff::Timestamp;
use std::io::{BufRead, BufReader, Read};

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

/// git's words for a machine's folder: nothing in its name means anything else.
pub(super) fn below(host: &str) -> String {
    format!(":(literal){host}")
}

impl Repository {
    /// The machines of which something is kept.
    pub fn hosts(&self) -> Result<Vec<String>> {
        let Some(git) = self.git()? else { return Ok(Vec::new()) };
        let names = git.ask(&["ls-tree", "-z", "-d", "--name-only", "refs/heads/main"])?;
        let names = names.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        Ok(names.map(|name| String::from_utf8_lossy(name).into_owned()).collect())
    }

    /// Commits, the newest first.
    pub fn log(&self, wanted: &Wanted) -> Result<Vec<Commit>> {
        let Some(git) = self.git()? else { return Ok(Vec::new()) };
        let path = wanted.path.as_deref().map(names::typed);
        let mut found = Vec::new();
        let most = wanted.limit.unwrap_or(usize::MAX);
        if most == 0 {
            return Ok(found);
        }
        each(git, "%H%n%at%n%B", wanted.host.as_deref(), &mut |text| {
            let Some((mut commit, is_whole)) = commit::parse(text) else { return Ok(true) };
            let is_late = wanted.until.is_some_and(|until| commit.time > until);
            let is_early = wanted.since.is_some_and(|since| commit.time < since);
            if is_late || is_early || wanted.host.as_ref().is_some_and(|host| *host != commit.host) {
                return Ok(true);
            }
            if !is_whole {
                commit.files = self.files_of(git, &commit)?;
            }
            if path.as_ref().is_none_or(|path| commit::touches(&commit, path)) {
                found.push(commit);
            }
            Ok(found.len() < most)
        })?;
        Ok(found)
    }

    /// What a commit changed that changed more than it lists.
    fn files_of(&self, git: Git, commit: &Commit) -> Result<Vec<(commit::Status, String)>> {
        let now = entries(git, &commit.host, &commit.hash)?.unwrap_or_default();
        let before = entries(git, &commit.host, &format!("{}^", commit.hash))?.unwrap_or_default();
        Ok(compare::told(&compare::differences(&before, &now)))
    }

    /// The commit of a machine that was in force at a moment: its newest that is not later.
    pub fn at(&self, host: &str, moment: Timestamp) -> Result<Option<String>> {
        self.find(host, &|time| time <= moment, false)
    }

    /// The first commit of a machine: what it was at first.
    pub fn first(&self, host: &str) -> Result<Option<String>> {
        self.find(host, &|_| true, true)
    }

    /// The newest commit of a machine.
    pub fn newest(&self, host: &str) -> Result<Option<String>> {
        self.find(host, &|_| true, false)
    }

    /// The newest commit whose time fits, or the oldest.
    fn find(&self, host: &str, fits: &dyn Fn(Timestamp) -> bool, is_oldest: bool) -> Result<Option<String>> {
        let Some(git) = self.git()? else { return Ok(None) };
        let mut found = None;
        each(git, "%H%n%at%n%B", Some(host), &mut |text| {
            let Some((commit, _)) = commit::parse(text) else { return Ok(true) };
            if commit.host == host && fits(commit.time) {
                found = Some(commit.hash);
            }
            Ok(found.is_none() || is_oldest)
        })?;
        Ok(found)
    }

    /// The full name of a commit that somebody typed.
    pub fn commit(&self, typed: &str) -> Result<String> {
        let nothing = || TrackError::Nothing { what: format!("a commit {typed}") };
        let git = self.git_of(&format!("a commit {typed}"))?;
        let typed = hexadecimal(typed)?;
        let words = ["rev-parse", "--verify", "-q", "--end-of-options", &format!("{typed}^{{commit}}")];
        match git.ask(&words) {
            Ok(hash) => Ok(String::from_utf8_lossy(&hash).trim().to_owned()),
            Err(TrackError::Git { .. }) => Err(nothing()),
            Err(error) => Err(error),
        }
    }

    /// A machine's files at a commit, by path.
    pub fn entries(&self, host: &str, commit: &str) -> Result<Vec<Entry>> {
        let nothing = || TrackError::Nothing { what: format!("{host} at {commit}") };
        let git = self.git_of(host)?;
        entries(git, host, hexadecimal(commit)?)?.ok_or_else(nothing)
    }

    /// The bytes of a file at a commit.
    pub fn content(&self, host: &str, commit: &str, path: &[u8]) -> Result<Vec<u8>> {
        let shown = || format!("{host}: {} at {commit}", names::shown(path));
        let entries = self.entries(host, commit)?;
        let entry =
            entries.binary_search_by(|entry| entry.path.as_slice().cmp(path)).ok().and_then(|at| entries.get(at));
        match entry.map(|entry| &entry.kind) {
            Some(Kind::File { blob, .. }) => {
                let git = self.git_of(host)?;
                let bytes = git.cat()?.read(blob)?;
                bytes.ok_or_else(|| TrackError::Broken {
                    dir: self.dir.clone(),
                    error: format!("{blob} is missing: {}", shown()),
                })
            }
            Some(Kind::Secret { .. }) => {
                Err(TrackError::Nothing { what: format!("the plain text of {}, which is encrypted", shown()) })
            }
            _ => Err(TrackError::Nothing { what: format!("a file {}", shown()) }),
        }
    }

    /// A machine's inventory at a commit; an empty one where none is kept.
    pub fn inventory(&self, host: &str, commit: &str) -> Result<Inventory> {
        let git = self.git_of(host)?;
        inventory(git, host, hexadecimal(commit)?)
    }

    /// How a machine differs between two commits.
    pub fn delta(&self, host: &str, from: &str, to: &str) -> Result<Delta> {
        let git = self.git_of(host)?;
        let before = entries(git, host, hexadecimal(from)?)?.unwrap_or_default();
        let now = self.entries(host, to)?;
        let mut delta =
            Delta { inventory: (inventory(git, host, from)?, inventory(git, host, to)?), ..Delta::default() };
        for pair in compare::differences(&before, &now) {
            match pair {
                (before, Some(now)) => delta.changed.push((before.cloned(), now.clone())),
                (Some(before), None) => delta.removed.push(before.clone()),
                (None, None) => {}
            }
        }
        Ok(delta)
    }
}

/// What becomes part of git's words: a name of a commit, perhaps short, and nothing else.
pub(super) fn hexadecimal(commit: &str) -> Result<&str> {
    let plain = commit.strip_suffix('^').unwrap_or(commit);
    let is_one = (4..=64).contains(&plain.len()) && plain.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_one.then_some(commit).ok_or_else(|| TrackError::Nothing { what: format!("a commit {commit}") })
}

/// A machine's files at a commit; none where it has none there.
pub(super) fn entries(git: Git, host: &str, commit: &str) -> Result<Option<Vec<Entry>>> {
    let Some(bytes) = git.cat()?.read(&format!("{commit}:{host}/.meta"))? else { return Ok(None) };
    meta::parse(&String::from_utf8_lossy(&bytes), &format!("{host}/.meta at {commit}")).map(Some)
}

pub(super) fn inventory(git: Git, host: &str, commit: &str) -> Result<Inventory> {
    let bytes = git.cat()?.read(&format!("{commit}:{host}/.inventory"))?.unwrap_or_default();
    Inventory::parse(&String::from_utf8_lossy(&bytes), &format!("{host}/.inventory at {commit}"))
}

/// Hands on what git prints of each commit, the newest first, until it is enough.
fn each(git: Git, form: &str, host: Option<&str>, take: &mut dyn FnMut(&str) -> Result<bool>) -> Result<()> {
    let mut command = git.command();
    command.args(["log", "-z", "--no-decorate", &format!("--format=tformat:{form}"), "refs/heads/main", "--"]);
    command.args(host.map(below));
    let mut child = command.spawn().map_err(|error| git.not_run(error))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let mut is_enough = false;
    let mut taken = Ok(());
    if let Some(stdout) = stdout {
        let mut stdout = BufReader::new(stdout);
        let mut text = Vec::new();
        while !is_enough && stdout.read_until(0, &mut text).unwrap_or(0) > 0 {
            match take(String::from_utf8_lossy(text.strip_suffix(&[0]).unwrap_or(&text)).trim_start_matches('\n')) {
                Ok(goes_on) => is_enough = !goes_on,
                Err(error) => (is_enough, taken) = (true, Err(error)),
            }
            text.clear();
        }
    }
    if is_enough {
        let _ = child.kill();
        let _ = child.wait();
        return taken;
    }
    let mut said = Vec::new();
    if let Some(mut stderr) = stderr {
        let _ = stderr.read_to_end(&mut said);
    }
    let status = child.wait().map_err(|error| git.not_run(error))?;
    if status.success() { Ok(()) } else { Err(git.trouble("log", &said)) }
}
