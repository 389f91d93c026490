//! Recipes on real Debians, over a real sshd. One program, so that its tests run beside each other.

#[path = "../support/mod.rs"]
mod support;

mod apply;
mod from;

use pxelator::event::{Came, Event, Fact};
use std::{
    fs,
    path::PathBuf,
    process::{Output, Stdio},
};
use support::{Debian, Segment};

/// What a run of `pxelator` came to.
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

fn ran(segment: &Segment, words: &[&str]) -> Ran {
    let mut command = segment.command(env!("CARGO_BIN_EXE_pxelator"));
    command.current_dir(segment.folder.path()).env("NO_COLOR", "1").args(words);
    let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: status.code(), out: text(stdout), err: text(stderr) }
}

/// The same for one that has to end so.
fn does(segment: &Segment, words: &[&str], code: i32) -> String {
    let ran = ran(segment, words);
    assert_eq!(ran.code, Some(code), "{words:?}: {}{}", ran.out, ran.err);
    format!("{}{}", ran.out, ran.err)
}

/// Writes a file below `conf/recipes`.
fn recipe(segment: &Segment, path: &str, text: &str) -> PathBuf {
    let path = segment.conf_dir().join("recipes").join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path
}

/// When files were last written and changed, their modes and owners: whoever touched one is seen.
fn stat(machine: &Debian, paths: &str) -> String {
    machine.does(&format!("stat -c '%n %y %z %a %u:%g' {paths}"))
}

/// What came of the last end of a recipe in the output of `--json`.
fn ended(out: &str) -> (Came, Vec<String>) {
    let mut ended =
        out.lines().filter_map(|line| serde_json::from_str::<Event>(line).ok()).filter_map(|e| match e.fact {
            Fact::RecipeEnded { came, changed, .. } => Some((came, changed)),
            _ => None,
        });
    ended.next_back().unwrap_or_else(|| panic!("nothing ended: {out}"))
}
