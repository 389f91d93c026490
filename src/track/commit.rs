//! A commit's words, written and read: what changed, when, by what. Pure.

use super::names;
use jiff::Timestamp;

/// Files that are listed in a commit; of more it is told how many.
pub const LISTED: usize = 1000;
/// Changes of packages that are.
const LISTED_PACKAGES: usize = 200;

/// How a file is other after a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is new.
    Added,
    /// It is other.
    Changed,
    /// It is gone.
    Removed,
}

impl Status {
    /// As in commits.
    pub fn word(self) -> &'static str {
        match self {
            Status::Added => "added",
            Status::Changed => "changed",
            Status::Removed => "removed",
        }
    }
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

/// The words of a commit: `web1: etc/motd changed`, a line a file, and what is known of it.
pub fn message(commit: &Commit, packages: &[String]) -> String {
    let mut text = format!("{}: {}\n\n", commit.host, commit.subject);
    for (status, path) in commit.files.iter().take(LISTED) {
        text.push_str(&format!("{} {path}\n", status.word()));
    }
    if commit.files.len() > LISTED {
        text.push_str(&format!("… and {} more\n", commit.files.len() - LISTED));
    }
    for package in packages.iter().take(LISTED_PACKAGES) {
        text.push_str(&format!("* {}\n", package.replace('\n', " ")));
    }
    text.push_str(&format!("\nMachine: {}\n", commit.host));
    if let Some(cause) = &commit.cause {
        text.push_str(&format!("Cause: {}\n", crate::event::printable(cause, 200)));
    }
    if let Some(before) = commit.before {
        text.push_str(&format!("Looked-before: {before}\n"));
    }
    text.push_str(&format!("Looked: {}\n", commit.time));
    text
}

/// Reads `HASH\nSECONDS\nMESSAGE`; none of a commit that is of no machine. Whether all of its files are listed.
pub fn parse(text: &str) -> Option<(Commit, bool)> {
    let mut lines = text.lines();
    let hash = lines.next()?.trim().to_owned();
    let time = lines.next()?.trim().parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok())?;
    let first = lines.next()?;
    let mut commit = Commit {
        hash,
        time,
        before: None,
        host: String::new(),
        subject: String::new(),
        cause: None,
        files: Vec::new(),
    };
    let mut is_whole = true;
    for line in lines {
        let Some((word, rest)) = line.split_once(' ') else { continue };
        let status = match word {
            "added" => Status::Added,
            "changed" => Status::Changed,
            "removed" => Status::Removed,
            "…" => {
                is_whole = false;
                continue;
            }
            "Machine:" => {
                rest.clone_into(&mut commit.host);
                continue;
            }
            "Cause:" => {
                commit.cause = Some(rest.to_owned());
                continue;
            }
            "Looked-before:" => {
                commit.before = rest.parse().ok();
                continue;
            }
            // Finer than git's own time.
            "Looked:" => {
                let exact: Option<Timestamp> = rest.parse().ok();
                commit.time = exact.filter(|exact| exact.as_second() == commit.time.as_second()).unwrap_or(commit.time);
                continue;
            }
            _ => continue,
        };
        commit.files.push((status, rest.to_owned()));
    }
    let subject = first.strip_prefix(&format!("{}: ", commit.host));
    commit.subject = subject.unwrap_or(first).to_owned();
    (!commit.host.is_empty()).then_some((commit, is_whole))
}

/// Whether a commit changed this path or something in it.
pub fn touches(commit: &Commit, path: &[u8]) -> bool {
    commit.files.iter().any(|(_, file)| {
        let file = names::of_shown(file);
        names::is_in(&file, path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(files: usize) -> Commit {
        Commit {
            hash: "ab".repeat(20),
            time: "2026-11-24T09:20:05.25Z".parse().unwrap(),
            before: Some("2026-11-23T09:20:05Z".parse().unwrap()),
            host: "db@web1".to_owned(),
            subject: "etc/motd changed, etc/a: b added".to_owned(),
            cause: Some("recipe nginx".to_owned()),
            files: (0..files).map(|at| (Status::Changed, format!("etc/{at}"))).collect(),
        }
    }

    #[test]
    fn there_and_back() {
        for (count, is_whole) in [(0, true), (2, true), (LISTED, true), (LISTED + 1, false)] {
            let commit = commit(count);
            let message = message(&commit, &["nginx 1.22 installed".to_owned()]);
            let text = format!("{}\n{}\n{message}", commit.hash, commit.time.as_second());
            let (read, whole) = parse(&text).unwrap();
            assert_eq!((whole, read.files.len()), (is_whole, count.min(LISTED)));
            assert_eq!(Commit { files: commit.files.clone(), ..read }, commit);
        }
        assert!(parse("ab\n1\nBegin\n\nall\n").is_none());
    }

    #[test]
    fn what_it_touches() {
        let commit = commit(2);
        assert!(touches(&commit, b"etc/1") && touches(&commit, b"etc") && touches(&commit, b""));
        assert!(!touches(&commit, b"etc/2") && !touches(&commit, b"et"));
    }
}
