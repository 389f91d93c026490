//! rsync(1) as a child: its words, what it prints, and what its exit codes mean.

use super::{Reach, ReachError, Result, run::not_started};
use crate::event::printable;
use std::{
    ffi::{OsStr, OsString},
    path::Path,
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::Command,
};

/// Seconds without a byte after which it gives up.
const SILENCE: u64 = 120;
/// What it may print at most.
const MOST: u64 = 8 << 20;
/// What its output gets to come to its end when it has ended: a shared connection may still hold it open.
const REST: Duration = Duration::from_millis(500);

/// What helps where the disk of this host is full.
pub(super) const ROOM: &str = "make room; the next look goes on by itself";

/// What it printed, and how it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ran {
    pub out: Vec<u8>,
    /// What was not given or not taken; without its last words.
    pub errors: Vec<String>,
}

impl Reach {
    /// Runs it with these words and this on its standard input. An error where it did not come through; that single files
    /// did not is none.
    pub(super) async fn rsync(&self, words: &[OsString], input: &[u8]) -> Result<Ran> {
        let options = self.options().map_err(|error| {
            let folder = self.run.join("ssh");
            ReachError::new(format!("cannot write {}: {error}", folder.display()), "see its rights and its disk")
        })?;
        let mut command = Command::new("rsync");
        command.arg("-aHXAS").args(["--numeric-ids", &format!("--timeout={SILENCE}"), "-e"]).arg(shell(&options));
        if !self.exec.is_empty() {
            command.arg(format!("--rsync-path={} rsync", self.exec.join(" ")));
        }
        command.args(words).env("LC_ALL", "C").env("SSH_ASKPASS_REQUIRE", "never").kill_on_drop(true);
        for old in ["RSYNC_OLD_ARGS", "RSYNC_PROTECT_ARGS", "RSYNC_PARTIAL_DIR", "RSYNC_RSH"] {
            command.env_remove(old);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| not_started("rsync", "rsync", &error))?;
        let (stdin, out, err) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let feed = async move {
            if let Some(mut stdin) = stdin {
                let _ = stdin.write_all(input).await;
            }
        };
        let (mut said, mut told) = (Vec::new(), Vec::new());
        let status = {
            let streams = async { tokio::join!(feed, read(out, &mut said), read(err, &mut told)) };
            tokio::pin!(streams);
            let mut is_read = false;
            loop {
                tokio::select! {
                    _ = &mut streams, if !is_read => is_read = true,
                    ended = child.wait() => {
                        if !is_read {
                            let _ = tokio::time::timeout(REST, &mut streams).await;
                        }
                        break ended.map_err(|error| not_started("rsync", "rsync", &error))?;
                    }
                }
            }
        };
        let told: Vec<String> = String::from_utf8_lossy(&told).lines().map(str::to_owned).collect();
        match status.code() {
            Some(0) => Ok(Ran { out: said, errors: Vec::new() }),
            Some(23 | 24) => Ok(Ran { out: said, errors: told.iter().filter_map(|line| of_file(line)).collect() }),
            code => Err(self.failed(code, &told)),
        }
    }

    /// Where rsync looks for the machine's root.
    pub(super) fn root(&self) -> String {
        let address = self.address();
        if address.contains(':') { format!("[{address}]:/") } else { format!("{address}:/") }
    }

    fn failed(&self, code: Option<i32>, told: &[String]) -> ReachError {
        let login = format!("ssh {}@{}", self.user(), self.address());
        let all = told.join("\n");
        let is_own = |line: &&String| !line.starts_with("rsync error:") && !line.trim().is_empty();
        let last = told.iter().rev().find(is_own).map_or("it said nothing", |line| line.trim());
        let no_rsync =
            ["rsync: command not found", "rsync: not found", "executable file not found", "failed to run command"];
        let (error, step) = if no_rsync.iter().any(|known| all.contains(known)) || code == Some(127) {
            let there = self.container.as_ref().map_or(String::new(), |name| format!(", into container {name}"));
            ("rsync is not installed there".to_owned(), format!("install it on the machine{there}: apt install rsync"))
        } else if all.contains("No space left on device") || all.contains("Disk quota exceeded") {
            let folder = self.run.canonicalize().unwrap_or_else(|_| self.run.clone());
            let error = format!("the disk of {} is full", folder.display());
            (error, ROOM.to_owned())
        } else if matches!(code, Some(30 | 35)) {
            (format!("nothing came for {SILENCE} s"), format!("see what holds it up: {login}"))
        } else if all.contains("connection unexpectedly closed") || matches!(code, Some(10 | 12 | 20 | 255) | None) {
            let lines: Vec<String> = told.iter().filter(|line| !line.starts_with("rsync")).cloned().collect();
            if !lines.is_empty() && !ReachError::is_broken(&lines) {
                return ReachError::of_ssh(self, &lines);
            }
            let last = lines.last().map_or(last, |line| line.trim());
            let error = format!("the transfer broke off: {last}");
            (error, "what came is kept; the next look goes on from there".to_owned())
        } else {
            let code = code.unwrap_or_default();
            (format!("rsync ended with {code}: {last}"), "its exit codes are told in rsync(1)".to_owned())
        };
        ReachError::new(printable(&error, 500), step)
    }
}

/// The words of ssh as the value of `-e`: rsync takes quotes off as its man page says, where a doubled one stands for itself.
fn shell(words: &[OsString]) -> OsString {
    let mut line = OsString::new();
    for word in words {
        line.push(if line.is_empty() { "'" } else { " '" });
        line.push(OsString::from(word.to_string_lossy().replace('\'', "''")));
        line.push("'");
    }
    line
}

/// A complaint about one file, without what says who said it; none of lines that say only how it ended.
fn of_file(line: &str) -> Option<String> {
    if line.starts_with("rsync error:") || line.starts_with("rsync warning:") || line.trim().is_empty() {
        return None;
    }
    let said = line.strip_prefix("rsync: ").unwrap_or(line);
    let said = said.strip_prefix('[').and_then(|rest| rest.split_once("] ")).map_or(said, |(_, rest)| rest);
    Some(printable(said, 300))
}

async fn read<T: AsyncRead + Unpin>(stream: Option<T>, into: &mut Vec<u8>) {
    let Some(stream) = stream else { return };
    let mut stream = stream.take(MOST);
    let _ = stream.read_to_end(into).await;
    // What is beyond is not kept, and is no reason to hold it up.
    let _ = tokio::io::copy(&mut stream.into_inner(), &mut tokio::io::sink()).await;
}

/// A name as rsync prints it: what is not printable as `\#` and three octal digits.
pub(super) fn name(printed: &[u8]) -> Vec<u8> {
    let mut name = Vec::with_capacity(printed.len());
    let mut rest = printed;
    while let Some((first, more)) = rest.split_first() {
        let octal = rest
            .strip_prefix(b"\\#")
            .and_then(|rest| rest.get(..3))
            .filter(|d| d.iter().all(|d| (b'0'..=b'7').contains(d)));
        match octal {
            Some(digits) => {
                let byte = digits.iter().fold(0_u32, |sum, digit| sum * 8 + u32::from(digit - b'0'));
                name.push(u8::try_from(byte & 0xff).unwrap_or_default());
                rest = rest.get(5..).unwrap_or_default();
            }
            None => {
                name.push(*first);
                rest = more;
            }
        }
    }
    name
}

/// A path as a word, with the slash that lets rsync mean what is in it.
pub(super) fn contents(folder: &Path) -> OsString {
    let mut word = OsString::from(folder.as_os_str());
    word.push(OsStr::new("/"));
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_words() {
        for (printed, expected) in [
            (&b"etc/a b"[..], &b"etc/a b"[..]),
            (b"a\\#012b", b"a\nb"),
            (b"\\#377\\#9", b"\xff\\#9"),
            (b"\\#1", b"\\#1"),
        ] {
            assert_eq!(name(printed), expected);
        }
        let words = ["ssh", "-o", "ProxyCommand='ssh' -W '[%h]:%p' 'gate'"].map(OsString::from);
        assert_eq!(shell(&words), "'ssh' '-o' 'ProxyCommand=''ssh'' -W ''[%h]:%p'' ''gate'''");
    }

    #[test]
    fn complaints_about_files() {
        for (line, expected) in [
            (r#"file has vanished: "/etc/x""#, Some(r#"file has vanished: "/etc/x""#)),
            (
                r#"rsync: [sender] send_files failed to open "/etc/x": Permission denied (13)"#,
                Some(r#"send_files failed to open "/etc/x": Permission denied (13)"#),
            ),
            ("rsync error: some files could not be transferred (code 23) at main.c(1861)", None),
            ("rsync warning: some files vanished before they could be transferred (code 24)", None),
        ] {
            assert_eq!(of_file(line).as_deref(), expected);
        }
    }
}
