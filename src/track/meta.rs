//! The form of `hosts/<machine>/.meta`: what git does not keep of files. Pure.
//!
//! A line an entry, sorted by path, so that a change is a line of a diff:
//!
//! ```text
//! etc/alternatives/vi link 0777 0 0 1732440000.000000000 /usr/bin/vim.basic
//! etc/cron.d folder 0755 0 0 1732440000.000000000
//! etc/fstab file 0644 0 0 1732440000.000000000 286 3b18e512dba79e4c8300dd08aeb37f8e728b8dad
//! etc/fstab.old file 0644 0 0 1732440000.000000000 286 3b18e512dba79e4c8300dd08aeb37f8e728b8dad same=etc/fstab
//! etc/shadow secret 0640 0 42 1732440000.000000000 5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef
//! usr/bin/ping file 0755 0 0 1732440000.000000000 90568 c1a5… @security.capability=0100000200200000
//! usr/share/doc removed
//! ```
//!
//! Words are separated by single blanks; in paths, targets and names of attributes `%XX` stands for bytes that are no visible
//! ASCII, and for `%`.

use super::{Entry, Kind, Result, TrackError, names};
use std::collections::BTreeMap;

/// The first line.
const HEAD: &str = "# pxelator 1: path kind mode uid gid mtime ...";

/// All lines of it. `entries` are sorted by path.
pub fn print<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> String {
    let mut text = format!("{HEAD}\n");
    for entry in entries {
        text.push_str(&line(entry));
        text.push('\n');
    }
    text
}

fn line(entry: &Entry) -> String {
    let path = names::word(&entry.path);
    let (kind, more) = match &entry.kind {
        Kind::Removed => return format!("{path} removed"),
        Kind::File { size, blob } => ("file", format!(" {size} {blob}")),
        Kind::Secret { digest } => ("secret", format!(" {digest}")),
        Kind::Folder => ("folder", String::new()),
        Kind::Link { target } => ("link", format!(" {}", names::word(target))),
        Kind::Character(major, minor) => ("character", format!(" {major} {minor}")),
        Kind::Block(major, minor) => ("block", format!(" {major} {minor}")),
        Kind::Pipe => ("pipe", String::new()),
        Kind::Socket => ("socket", String::new()),
    };
    let (mode, uid, gid, mtime) = (entry.mode, entry.uid, entry.gid, entry.mtime);
    let mut line = format!("{path} {kind} {mode:04o} {uid} {gid} {}.{:09}{more}", mtime.0, mtime.1);
    if let Some(first) = &entry.same_as {
        line.push_str(&format!(" same={}", names::word(first)));
    }
    for (name, value) in &entry.attributes {
        line.push_str(&format!(" @{}={}", names::key(name), hex::encode(value)));
    }
    line
}

/// Reads it; `what` names it in errors.
pub fn parse(text: &str, what: &str) -> Result<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if line.starts_with("# pxelator") {
            continue;
        }
        let wrong =
            |expected: &str| TrackError::Form { what: what.to_owned(), line: at + 1, expected: expected.to_owned() };
        let entry = entry(line).map_err(wrong)?;
        if entries.last().is_some_and(|last| last.path >= entry.path) {
            return Err(wrong("a path after that of the line before"));
        }
        entries.push(entry);
    }
    Ok(entries)
}

fn entry(line: &str) -> std::result::Result<Entry, &'static str> {
    let mut words = line.split(' ');
    let path = words.next().map(names::of_word).filter(|path| names::is_below(path)).ok_or("a path below the root")?;
    let kind = words.next().ok_or("a kind: file, secret, folder, link …")?;
    let mut entry = Entry {
        path,
        kind: Kind::Removed,
        mode: 0,
        uid: 0,
        gid: 0,
        mtime: (0, 0),
        attributes: BTreeMap::new(),
        same_as: None,
    };
    if kind == "removed" {
        return if words.next().is_none() { Ok(entry) } else { Err("nothing after `removed`") };
    }
    let mode = words.next().and_then(|word| u32::from_str_radix(word, 8).ok());
    entry.mode = mode.filter(|mode| *mode <= 0o7777).ok_or("a mode: 0644")?;
    let mut number = |what| words.next().and_then(|word| word.parse::<u32>().ok()).ok_or(what);
    (entry.uid, entry.gid) = (number("the owner's number")?, number("the group's number")?);
    let time = words.next().and_then(|word| word.split_once('.')).filter(|(_, nanos)| nanos.len() == 9);
    entry.mtime = time
        .and_then(|(seconds, nanos)| seconds.parse().ok().zip(nanos.parse().ok()))
        .ok_or("a time: seconds.nanoseconds")?;
    let mut next = |what| words.next().filter(|word| !word.is_empty()).ok_or(what);
    entry.kind = match kind {
        "file" => {
            let size = next("a size")?.parse().map_err(|_| "a size")?;
            Kind::File {
                size,
                blob: hexadecimal(next("git's name of its content")?).ok_or("git's name of its content")?,
            }
        }
        "secret" => Kind::Secret { digest: hexadecimal(next("a digest")?).ok_or("a digest")? },
        "folder" => Kind::Folder,
        "link" => Kind::Link { target: names::of_word(next("a target")?) },
        "character" | "block" => {
            let mut number = || next("a device's numbers")?.parse().map_err(|_| "a device's numbers");
            let (major, minor) = (number()?, number()?);
            if kind == "block" { Kind::Block(major, minor) } else { Kind::Character(major, minor) }
        }
        "pipe" => Kind::Pipe,
        "socket" => Kind::Socket,
        _ => return Err("a kind: file, secret, folder, link …"),
    };
    for word in words {
        if let Some(first) = word.strip_prefix("same=") {
            entry.same_as = Some(names::of_word(first)).filter(|path| names::is_below(path));
        } else {
            let attribute = word.strip_prefix('@').and_then(|word| word.split_once('='));
            let (name, value) = attribute.ok_or("same=PATH or @NAME=VALUE")?;
            let value = hex::decode(value).map_err(|_| "an attribute's value in hexadecimal")?;
            entry.attributes.insert(names::of_word(name), value);
        }
    }
    Ok(entry)
}

fn hexadecimal(word: &str) -> Option<String> {
    (word.len() >= 40 && word.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::btree_map, option, prelude::*};

    #[test]
    fn what_makes_no_sense_is_told() {
        for (line, expected) in [
            ("/etc file", "a path below the root"),
            ("a/../b folder 0755 0 0 1.000000000", "a path below the root"),
            ("etc", "a kind"),
            ("etc thing 0755 0 0 1.000000000", "a kind"),
            ("etc folder 9 0 0 1.000000000", "a mode"),
            ("etc folder 0755 root 0 1.000000000", "the owner's number"),
            ("etc folder 0755 0 0 1", "a time"),
            ("etc file 0755 0 0 1.000000000 5", "git's name"),
            ("etc link 0777 0 0 1.000000000", "a target"),
            ("etc folder 0755 0 0 1.000000000 x", "same=PATH"),
            ("etc removed now", "nothing after"),
        ] {
            let error = parse(&format!("{HEAD}\n{line}\n"), "web1/.meta").unwrap_err().to_string();
            assert!(error.starts_with("web1/.meta, line 2: ") && error.contains(expected), "{line}: {error}");
        }
        let twice = parse("b removed\na removed\n", "x").unwrap_err().to_string();
        assert!(twice.contains("line 2"), "{twice}");
    }

    fn kind() -> impl Strategy<Value = Kind> {
        let bytes = prop::collection::vec(1u8.., 1..12);
        prop_oneof![
            (any::<u64>(), "[0-9a-f]{40}").prop_map(|(size, blob)| Kind::File { size, blob }),
            "[0-9a-f]{64}".prop_map(|digest| Kind::Secret { digest }),
            bytes.prop_map(|target| Kind::Link { target }),
            (any::<u32>(), any::<u32>()).prop_map(|(major, minor)| Kind::Character(major, minor)),
            (any::<u32>(), any::<u32>()).prop_map(|(major, minor)| Kind::Block(major, minor)),
            Just(Kind::Folder),
            Just(Kind::Pipe),
            Just(Kind::Socket),
        ]
    }

    fn path() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(1u8.., 1..20).prop_filter("below the root", |path| names::is_below(path))
    }

    prop_compose! {
        fn any_entry()(
            (kind, mode, uid, gid) in (kind(), 0u32..0o10000, any::<u32>(), any::<u32>()),
            (seconds, nanos) in (any::<i64>(), 0u32..1_000_000_000),
            attributes in btree_map(prop::collection::vec(1u8.., 1..8), any::<Vec<u8>>(), 0..3),
            (path, same_as) in (path(), option::of(path())),
        ) -> Entry {
            Entry { path, kind, mode, uid, gid, mtime: (seconds, nanos), attributes, same_as }
        }
    }

    proptest! {
        #[test]
        fn there_and_back(entries in prop::collection::vec(any_entry(), 0..8)) {
            let sorted: BTreeMap<Vec<u8>, Entry> = entries.into_iter().map(|entry| (entry.path.clone(), entry)).collect();
            let sorted: Vec<Entry> = sorted.into_values().collect();
            let text = print(&sorted);
            prop_assert_eq!(text.lines().count(), sorted.len() + 1);
            prop_assert_eq!(parse(&text, "x").unwrap(), sorted);
        }

        #[test]
        fn nothing_breaks_it(text: String) {
            let _ = parse(&text, "x");
        }
    }
}
