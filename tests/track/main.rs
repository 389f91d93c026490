//! The record of machines' files, by the real program from real machines: in its pace and when asked, and what goes wrong on the way.

mod changes;
mod faults;
mod kept;
mod machines;
mod record;
mod recovery;
mod sources;
mod spoilt;
#[path = "../support/mod.rs"]
mod support;

use std::process::{Output, Stdio};
use support::Segment;

/// Runs the command line where the server is, beside its conf.
fn pxelator(segment: &Segment, words: &[&str]) -> Output {
    let mut command = segment.command(env!("CARGO_BIN_EXE_pxelator"));
    command.current_dir(segment.folder.path()).args(words).stdin(Stdio::null()).output().unwrap()
}

/// The same where it has to end with this code; what it printed, standard error included.
fn says(segment: &Segment, code: i32, words: &[&str]) -> String {
    let output = pxelator(segment, words);
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert_eq!(output.status.code(), Some(code), "{words:?}: {text}");
    text
}

/// What git says of the record.
fn git(segment: &Segment, words: &[&str]) -> String {
    let mut git = std::process::Command::new("git");
    git.arg("-c").arg("safe.directory=*").arg("-C").arg(segment.folder.path().join("hosts")).args(words);
    support::run(&mut git)
}

/// Commits of a machine, the newest first: author and first line.
fn commits(segment: &Segment, host: &str) -> Vec<String> {
    let log = git(segment, &["log", "--format=%an: %s", "--author", &format!("^{host} <")]);
    log.lines().map(str::to_owned).collect()
}
