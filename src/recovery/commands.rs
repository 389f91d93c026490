//! The commands of a recovery document: those that make a fresh Debian like the machine was, in the order in which they are run.
//! Plain sh(1), each block by itself, each again without harm. Pure.

use super::{
    accounts::{self, Told},
    known::{Known, SMALL, Shown},
    sh::{self, Word, fed},
    sort::Class,
};
use crate::{
    sh::quoted,
    track::{Entry, Kind, accounts::name_of},
};
use std::collections::{BTreeMap, BTreeSet};

/// Where it is told what is not in the commands.
const ELSEWHERE: &str = "see \"Files that are not on this page\".";

/// A step of several commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it is for.
    pub title: String,
    /// What is to be known before.
    pub words: Option<String>,
    /// Lines of sh.
    pub script: String,
}

/// All steps, without those that would do nothing.
pub fn steps(known: &Known) -> Vec<Step> {
    let of = |wanted: Class| move |file: &&Shown| known.class(&file.now.path) == wanted && !file.brought;
    let sources: Vec<&Shown> = known.files.iter().filter(of(Class::Source)).collect();
    let plain: Vec<&Shown> = known.files.iter().filter(of(Class::Plain)).collect();
    let mut steps = Vec::new();
    let mut add = |title: &str, words: Option<&str>, script: String| {
        if !script.is_empty() {
            steps.push(Step { title: title.to_owned(), words: words.map(ToOwned::to_owned), script });
        }
    };
    add("Where packages come from", None, files(known, &sources));
    add(
        "Users and groups",
        Some("Before packages, so that these find their users with the same numbers."),
        lines(&users(known).commands),
    );
    add(
        "Packages",
        Some("One that no archive has any more fails here: install what takes its place."),
        packages(known),
    );
    add("Files", None, files(known, &plain));
    add("Files that are gone", None, removed(known));
    add("Services", None, services(known));
    steps
}

fn lines(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// What was done to users and groups.
pub fn users(known: &Known) -> Told {
    let folders = known.files.iter().filter(|file| file.now.kind == Kind::Folder);
    let homes: BTreeSet<Vec<u8>> = folders.map(|file| file.now.path.clone()).collect();
    let track = known.track();
    // A home that would be kept and is not, was not there.
    let is_kept = |home: &str| {
        let paths = track.map(|track| track.paths.as_slice()).unwrap_or_default();
        paths
            .iter()
            .any(|path| path == "/" || home.strip_prefix(path.as_str()).is_some_and(|rest| rest.starts_with('/')))
    };
    accounts::told(&known.accounts, &homes, |home| !is_kept(home))
}

/// Packages that were asked for and that the base had not.
pub fn asked_for(known: &Known) -> Vec<&str> {
    let (before, now) = &known.inventory;
    let new = now.packages.keys().filter(|name| !before.packages.contains_key(*name));
    new.filter(|name| now.manual.contains(*name)).map(String::as_str).collect()
}

/// Packages that the base had and that are gone.
pub fn let_go(known: &Known) -> Vec<&str> {
    let (before, now) = &known.inventory;
    let gone = |name: &&String| !now.packages.is_empty() && !now.packages.contains_key(*name);
    before.packages.keys().filter(gone).map(String::as_str).collect()
}

fn packages(known: &Known) -> String {
    let names = |names: &[&str]| names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(" ");
    let mut script = String::new();
    let wanted = asked_for(known);
    if !wanted.is_empty() {
        script.push_str("apt-get update\n");
        // What is here already is what the next step puts anew.
        script.push_str(&format!(
            "DEBIAN_FRONTEND=noninteractive apt-get install --yes -o Dpkg::Options::=--force-confold {}\n",
            names(&wanted)
        ));
    }
    let gone = let_go(known);
    if !gone.is_empty() {
        script.push_str(&format!("DEBIAN_FRONTEND=noninteractive apt-get remove --yes {}\n", names(&gone)));
    }
    script
}

fn services(known: &Known) -> String {
    let mut words: BTreeMap<String, &str> = BTreeMap::new();
    for unit in enabled(known) {
        words.insert(unit, "enable");
    }
    let (before, now) = &known.inventory;
    for (unit, how) in now.services.iter().filter(|(unit, how)| before.services.get(*unit) != Some(how)) {
        let word = match how.as_str() {
            "enabled" => "enable",
            "disabled" => "disable",
            "masked" => "mask",
            _ => continue,
        };
        words.insert(unit.clone(), word);
    }
    let back = before.services.iter().filter(|(unit, how)| *how == "masked" && !now.services.contains_key(*unit));
    words.extend(back.map(|(unit, _)| (unit.clone(), "unmask")));
    let script: String = words.iter().map(|(unit, word)| format!("systemctl {word} {}\n", quoted(unit))).collect();
    if script.is_empty() {
        script
    } else {
        format!("{script}# They run after the next boot, or now: systemctl start NAME\n")
    }
}

/// Units that links in `/etc/systemd/system` enable which were not there.
pub fn enabled(known: &Known) -> BTreeSet<String> {
    let new = known.files.iter().filter(|file| file.before.is_none() && matches!(file.now.kind, Kind::Link { .. }));
    new.filter_map(|file| {
        let path = std::str::from_utf8(&file.now.path).ok()?;
        let (folder, unit) = path.strip_prefix("etc/systemd/system/")?.split_once('/')?;
        let is_wish = folder.ends_with(".wants") || folder.ends_with(".requires");
        let is_unit = !unit.is_empty() && !unit.contains('/') && !unit.starts_with('-');
        (is_wish && is_unit).then(|| unit.to_owned())
    })
    .collect()
}

fn removed(known: &Known) -> String {
    let mut script = String::new();
    for (path, is_folder) in known.gone() {
        let path = sh::path(path, "name");
        before(&mut script, &path);
        script.push_str(&format!("rm -{}f {}\n", if is_folder { "r" } else { "" }, path.word));
    }
    script
}

/// Files in the order of their paths: folders before what is in them.
fn files(known: &Known, files: &[&Shown]) -> String {
    let mut files: Vec<&Shown> = files.to_vec();
    files.sort_by(|a, b| (a.now.same_as.is_some(), &a.now.path).cmp(&(b.now.same_as.is_some(), &b.now.path)));
    files.into_iter().map(|file| of_file(known, file)).collect()
}

fn before(script: &mut String, word: &Word) {
    if let Some(line) = &word.before {
        script.push_str(line);
        script.push('\n');
    }
}

fn of_file(known: &Known, file: &Shown) -> String {
    let entry = &file.now;
    let mut script = String::new();
    let path = sh::path(&entry.path, "name");
    before(&mut script, &path);
    let at = &path.word;
    let (user, group) = owner(known, entry);
    let mode = format!("{:04o}", entry.mode & 0o7777);
    let rights = format!("-m {mode} -o {user} -g {group}");
    if let Some(same) = &entry.same_as {
        let same = sh::path(same, "other");
        before(&mut script, &same);
        script.push_str(&format!("ln -f {} {at}\n", same.word));
        return script;
    }
    let own = format!("chown -h {user}:{group} {at}\n");
    match &entry.kind {
        Kind::File { size, .. } => match &file.content {
            _ if is_same_content(file) => script.push_str(&format!("chown {user}:{group} {at}\nchmod {mode} {at}\n")),
            Some(content) => script.push_str(&fed(&format!("install -D {rights} /dev/stdin {at}"), content)),
            None => {
                script.push_str(&format!(
                    "# {at} is too large for this page ({size} bytes, {SMALL} are shown): {ELSEWHERE}\n"
                ));
                return script;
            }
        },
        Kind::Secret { .. } => {
            script.push_str(&format!("# {at} is a secret: {ELSEWHERE}\n"));
            return script;
        }
        Kind::Folder => script.push_str(&format!("install -d {rights} {at}\n")),
        Kind::Link { target } => {
            let target = sh::word(target, "target");
            before(&mut script, &target);
            // What is in its place is no folder to put it into.
            script.push_str(&format!("ln -sfn -- {} {at}\n", target.word));
            if (entry.uid, entry.gid) != (0, 0) {
                script.push_str(&own);
            }
        }
        Kind::Character(major, minor) | Kind::Block(major, minor) => {
            let kind = if matches!(entry.kind, Kind::Character(..)) { 'c' } else { 'b' };
            script.push_str(&format!("rm -f {at}; mknod -m {mode} {at} {kind} {major} {minor}\n{own}"));
        }
        Kind::Pipe => script.push_str(&format!("rm -f {at}; mkfifo -m {mode} {at}\n{own}")),
        // Programs make them, and those that are gone are told elsewhere.
        Kind::Socket | Kind::Removed => return String::new(),
    }
    for (name, value) in &entry.attributes {
        let name = sh::word(name, "attribute");
        before(&mut script, &name);
        script.push_str(&format!("setfattr -h -n {} -v 0x{} {at}\n", name.word, hex::encode(value)));
    }
    script
}

/// Only its rights are other.
fn is_same_content(file: &Shown) -> bool {
    matches!(
        (file.before.as_ref().map(|before| &before.kind), &file.now.kind),
        (Some(Kind::File { blob, .. }), Kind::File { blob: now, .. }) if blob == now
    )
}

/// Its owner and group: by name, where the machine had names for them.
pub fn owner(known: &Known, entry: &Entry) -> (String, String) {
    let named = |text: &str, number: u32| name_of(text, number).map_or_else(|| number.to_string(), ToOwned::to_owned);
    (named(&known.accounts.passwd.1, entry.uid), named(&known.accounts.group.1, entry.gid))
}
