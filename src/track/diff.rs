//! Diffs and blame. What git does not keep (modes, owners, links) is told in words before the lines of contents.

use super::{
    Kind, Repository, Result, TrackError, commit, compare,
    git::Git,
    names,
    questions::{below, entries, hexadecimal, inventory},
    record::stored,
};
use jiff::Timestamp;

/// git's name of nothing: what is before the first commit.
const EMPTY: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
/// Lines of words at most.
const WORDS: usize = 1000;

impl Repository {
    /// What a commit changed, as a unified diff; of one machine's folder and one path where these are given. `.meta` is told
    /// in words: `mode 0644 -> 0600`.
    pub fn diff(&self, commit: &str, host: Option<&str>, path: Option<&str>) -> Result<String> {
        let hash = self.commit(commit)?;
        let git = self.git_of(commit)?;
        let parent = format!("{hash}^");
        let has_parent = git.succeeds(&["rev-parse", "--verify", "-q", "--end-of-options", &parent])?;
        let from = if has_parent { parent.as_str() } else { EMPTY };
        let own = match host {
            Some(host) => Some(host.to_owned()),
            None => {
                let text = git.ask(&["log", "-1", "--format=tformat:%H%n%at%n%B", &hash])?;
                commit::parse(&String::from_utf8_lossy(&text)).map(|(commit, _)| commit.host)
            }
        };
        match own {
            Some(host) => between(git, &host, from, &hash, path),
            // Of no machine: a recovery document.
            None => text(git.ask(&words(&[], from, &hash))?),
        }
    }

    /// A unified diff of a path between two commits of a machine.
    pub fn between(&self, host: &str, from: &str, to: &str, path: Option<&str>) -> Result<String> {
        let git = self.git_of(host)?;
        between(git, host, &self.commit(from)?, &self.commit(to)?, path)
    }

    /// Each line of a text file with the commit that it is from and its time.
    pub fn blame(&self, host: &str, path: &str) -> Result<Vec<(String, Timestamp, String)>> {
        let git = self.git_of(host)?;
        let path = names::typed(path);
        let nothing = |what: &str| TrackError::Nothing { what: format!("{what} {} of {host}", names::shown(&path)) };
        let all = entries(git, host, "refs/heads/main")?.ok_or_else(|| nothing("a file"))?;
        let entry = all.iter().find(|entry| entry.path == path).ok_or_else(|| nothing("a file"))?;
        match entry.kind {
            Kind::File { .. } => {}
            Kind::Secret { .. } => return Err(nothing("lines, but a secret")),
            _ => return Err(nothing("lines, but a name without content")),
        }
        let name = [host.as_bytes(), b"/", &path].concat();
        let name = std::ffi::OsString::from_vec(name);
        let mut command: Vec<std::ffi::OsString> =
            ["blame", "--line-porcelain", "--no-progress", "refs/heads/main", "--"].map(Into::into).into();
        command.push(name);
        Ok(blamed(&String::from_utf8_lossy(&git.ask(&command)?)))
    }
}

use std::os::unix::ffi::OsStringExt;

/// Reads `git blame --line-porcelain`.
fn blamed(text: &str) -> Vec<(String, Timestamp, String)> {
    let mut lines = Vec::new();
    let (mut commit, mut time) = (None, Timestamp::UNIX_EPOCH);
    for line in text.split('\n') {
        if let Some(content) = line.strip_prefix('\t') {
            lines.extend(commit.take().map(|commit| (commit, time, content.trim_end_matches('\r').to_owned())));
        } else if let Some(seconds) = line.strip_prefix("author-time ") {
            time = seconds.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok()).unwrap_or(time);
        } else if commit.is_none() {
            let hash = line.split(' ').next().unwrap_or_default();
            commit = (hash.len() >= 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| hash.to_owned());
        }
    }
    lines
}

fn words<'a>(more: &[&'a str], from: &'a str, to: &'a str) -> Vec<&'a str> {
    let mut words = vec!["diff", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames"];
    words.extend(more);
    words.extend([from, to, "--"]);
    words
}

fn text(bytes: Vec<u8>) -> Result<String> {
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn between(git: Git, host: &str, from: &str, to: &str, path: Option<&str>) -> Result<String> {
    hexadecimal(from)?;
    let (before, now) = (entries(git, host, from)?.unwrap_or_default(), entries(git, host, to)?.unwrap_or_default());
    let path = path.map(names::typed).filter(|path| !path.is_empty());
    let differences: Vec<_> = compare::differences(&before, &now)
        .into_iter()
        .filter(|(before, now)| {
            let own = now.or(*before).map(|entry| entry.path.as_slice()).unwrap_or_default();
            path.as_ref().is_none_or(|path| names::is_in(own, path))
        })
        .collect();
    let mut told: Vec<String> = Vec::new();
    for pair in &differences {
        let is_plain =
            |entry: Option<&super::Entry>| entry.is_some_and(|entry| matches!(entry.kind, Kind::File { .. }));
        // git tells of a file that is gone.
        if !(is_plain(pair.0) && pair.1.is_none()) {
            told.extend(compare::of_entry(pair));
        }
    }
    if path.is_none() {
        told.extend(compare::of_inventory(&inventory(git, host, from)?, &inventory(git, host, to)?));
    }
    let count = told.len();
    told.truncate(WORDS);
    let mut all: String = told.iter().map(|line| format!("{line}\n")).collect();
    if count > WORDS {
        all.push_str(&format!("… and {} more\n", count - WORDS));
    }
    let relative = format!("--relative={host}/");
    let mut command: Vec<std::ffi::OsString> = words(&[&relative], from, to).into_iter().map(Into::into).collect();
    match &path {
        None => {
            command.push(below(host).into());
            command.extend([".meta", ".inventory"].map(|own| format!(":(exclude,literal){host}/{own}").into()));
        }
        Some(path) => {
            // A path that was a secret at one of the two has its content under another name.
            let mut names: Vec<Vec<u8>> = vec![path.clone()];
            names.extend(differences.iter().flat_map(|(a, b)| [*a, *b]).flatten().filter_map(stored));
            names.sort();
            names.dedup();
            let is_many = names.len() > 200;
            for name in names.into_iter().take(if is_many { 1 } else { 200 }) {
                let word = [b":(literal)", host.as_bytes(), b"/", &name].concat();
                command.push(std::ffi::OsString::from_vec(word));
            }
        }
    }
    all.push_str(&text(git.ask(&command)?)?);
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_their_commits() {
        let (one, two) = ("ab".repeat(20), "cd".repeat(20));
        let text = format!(
            "{one} 1 1 1\nauthor web1\nauthor-time 1732440005\nsummary x\nfilename web1/etc/motd\n\thello\n\
             {two} 2 2 1\nauthor web1\nauthor-time 1732450005\nfilename web1/etc/motd\n\t\n"
        );
        let lines = blamed(&text);
        let seconds = |at: usize| lines[at].1.as_second();
        assert_eq!((lines.len(), seconds(0), seconds(1)), (2, 1_732_440_005, 1_732_450_005));
        assert_eq!((lines[0].0.as_str(), lines[0].2.as_str(), lines[1].2.as_str()), (one.as_str(), "hello", ""));
    }
}
