//! Who may read and act by the page, its interface for programs, and `--server`: the real program with curl, schemathesis and the
//! program itself as a client from another host.

mod access;
mod described;
mod listeners;
mod login;
mod server;
#[path = "../support/mod.rs"]
mod support;

use std::{
    io::Write,
    process::{Command, Stdio},
};
use support::{Host, Segment};

/// What curl got.
#[derive(Debug)]
struct Got {
    status: u16,
    /// In lower case.
    head: String,
    body: String,
}

impl Got {
    /// A field of the head.
    fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).map(str::trim)
    }
}

/// Runs curl with these words.
fn curl(mut command: Command, words: &[&str]) -> Got {
    let output = command.args(["-sS", "-i", "--max-time", "30"]).args(words).stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "curl {words:?}: {}\n{text}", String::from_utf8_lossy(&output.stderr));
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split_whitespace().nth(1).unwrap().parse().unwrap();
    Got { status, head: head.to_lowercase(), body: body.to_owned() }
}

/// From the host itself.
fn here(segment: &Segment, words: &[&str]) -> Got {
    curl(segment.command("curl"), words)
}

/// From a machine of the segment.
fn there(host: &Host, words: &[&str]) -> Got {
    curl(host.command("curl"), words)
}

/// Runs `pxelator` where the tree is, with this on its standard input.
fn pxelator(segment: &Segment, words: &[&str], said: &str) -> String {
    let mut command = segment.command(env!("CARGO_BIN_EXE_pxelator"));
    command.current_dir(segment.folder.path()).args(words);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(said.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Makes a user with a token, and gives the token.
fn token(segment: &Segment, words: &[&str]) -> String {
    pxelator(segment, &[&["user", "add", "--token"], words].concat(), "").trim().to_owned()
}

/// Writes `page`; it is in force soon.
fn page(segment: &Segment, text: &str) {
    segment.conf("page", text);
}
