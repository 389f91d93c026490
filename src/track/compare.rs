//! What is other between two looks at a machine, and the words for it. Pure.

use super::{Entry, Inventory, Kind, Status, names};
use std::collections::{BTreeMap, BTreeSet};

/// Files that are named one by one in a commit's first line; of more it is told how many.
const NAMED: usize = 3;
/// Packages or services that are.
const NAMED_PACKAGES: usize = 3;

/// A path that is other: the entry before and now.
pub type Difference<'a> = (Option<&'a Entry>, Option<&'a Entry>);

/// Whether it has to be kept anew: another time alone is no change.
pub fn is_other(before: &Entry, now: &Entry) -> bool {
    (&before.kind, before.mode, before.uid, before.gid, &before.attributes, &before.same_as)
        != (&now.kind, now.mode, now.uid, now.gid, &now.attributes, &now.same_as)
}

/// What is new, other or gone, by path. Both are sorted.
pub fn differences<'a>(before: &'a [Entry], now: &'a [Entry]) -> Vec<Difference<'a>> {
    let (mut before, mut now) = (before.iter().peekable(), now.iter().peekable());
    let mut found = Vec::new();
    loop {
        let order = match (before.peek(), now.peek()) {
            (None, None) => return found,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(before), Some(now)) => before.path.cmp(&now.path),
        };
        let pair = match order {
            std::cmp::Ordering::Less => (before.next(), None),
            std::cmp::Ordering::Greater => (None, now.next()),
            std::cmp::Ordering::Equal => (before.next(), now.next()),
        };
        if let (Some(before), Some(now)) = pair
            && !is_other(before, now)
        {
            continue;
        }
        found.push(pair);
    }
}

/// The same as people read it. A folder is named only where nothing in it is; what a machine removed of its base is removed.
pub fn told(differences: &[Difference]) -> Vec<(Status, String)> {
    let paths: Vec<&[u8]> =
        differences.iter().filter_map(|(before, now)| now.or(*before)).map(|entry| entry.path.as_slice()).collect();
    let is_folder = |entry: Option<&Entry>| entry.is_none_or(|entry| entry.kind == Kind::Folder);
    let mut told = Vec::new();
    for (at, (before, now)) in differences.iter().enumerate() {
        let Some(path) = paths.get(at) else { continue };
        // They are sorted, but `a-b` comes between `a` and `a/b`.
        let mut after = paths.get(at + 1..).unwrap_or_default().iter().take_while(|other| other.starts_with(path));
        if is_folder(*before) && is_folder(*now) && after.any(|other| names::is_in(other, path)) {
            continue;
        }
        let is_there = |entry: &&Entry| entry.kind != Kind::Removed;
        let status = match (before.filter(is_there), now.filter(is_there), now) {
            (None, Some(_), _) => Status::Added,
            (Some(_), Some(_), _) => Status::Changed,
            // The mark of a removal is gone: what the base has is there again.
            (None, None, None) => Status::Added,
            _ => Status::Removed,
        };
        told.push((status, names::shown(path)));
    }
    told
}

/// A commit's first line, without the machine's name.
pub fn subject(files: &[(Status, String)], packages: &[String], is_first: bool) -> String {
    if is_first {
        let count = files.len();
        return format!("first look, {count} {}", if count == 1 { "file" } else { "files" });
    }
    let mut parts: Vec<String> = if files.len() <= NAMED {
        files.iter().map(|(status, path)| format!("{} {}", short(path), status.word())).collect()
    } else {
        let mut by_folder: BTreeMap<&str, BTreeMap<Status, usize>> = BTreeMap::new();
        for (status, path) in files {
            let top = path.split('/').next().unwrap_or(path);
            *by_folder.entry(top).or_default().entry(*status).or_default() += 1;
        }
        let line = |(top, counts): (&str, BTreeMap<Status, usize>)| {
            let counts: Vec<String> =
                counts.into_iter().map(|(status, count)| format!("{count} {}", status.word())).collect();
            format!("{top}: {}", counts.join(", "))
        };
        let folders = by_folder.len();
        if folders <= NAMED {
            vec![by_folder.into_iter().map(line).collect::<Vec<_>>().join("; ")]
        } else {
            vec![format!("{} files in {folders} folders", files.len())]
        }
    };
    if packages.len() <= NAMED_PACKAGES {
        parts.extend(packages.iter().cloned());
    } else {
        parts.push(format!("{} changes of packages and services", packages.len()));
    }
    parts.join(", ")
}

/// A long path keeps its end.
fn short(path: &str) -> String {
    const MOST: usize = 60;
    let length = path.chars().count();
    if length <= MOST {
        path.to_owned()
    } else {
        format!("…{}", path.chars().skip(length - MOST).collect::<String>())
    }
}

/// What is other of packages, services and hardware, in words: `nginx 1.22 installed`.
pub fn of_inventory(before: &Inventory, now: &Inventory) -> Vec<String> {
    let mut told = Vec::new();
    for (name, before, now) in both(&before.packages, &now.packages) {
        told.push(match (before, now) {
            (None, Some(version)) => format!("{name} {version} installed"),
            (Some(before), Some(now)) => format!("{name} {before} -> {now}"),
            _ => format!("{name} removed"),
        });
    }
    for (name, _, now) in both(&before.services, &now.services) {
        told.push(now.map_or(format!("{name} as its preset says"), |now| format!("{name} {now}")));
    }
    for (name, before, now) in both(&before.system, &now.system) {
        told.push(match (before, now) {
            (Some(before), Some(now)) => format!("{name} {before} -> {now}"),
            (None, Some(now)) => format!("{name} {now}"),
            _ => format!("{name} is gone"),
        });
    }
    told
}

fn both<'a>(
    before: &'a BTreeMap<String, String>,
    now: &'a BTreeMap<String, String>,
) -> Vec<(&'a str, Option<&'a str>, Option<&'a str>)> {
    let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let all = names
        .into_iter()
        .map(|name| (name.as_str(), before.get(name).map(String::as_str), now.get(name).map(String::as_str)));
    all.filter(|(_, before, now)| before != now).collect()
}

/// What a diff of contents does not show, in words.
pub fn of_entry((before, now): &Difference) -> Vec<String> {
    let path = names::shown(now.or(*before).map(|entry| entry.path.as_slice()).unwrap_or_default());
    let mut words = Vec::new();
    match (before, now) {
        (None, Some(now)) => words.push(match &now.kind {
            Kind::File { .. } => format!("new, mode {:04o}, owner {}:{}", now.mode, now.uid, now.gid),
            Kind::Removed => "removed, the base has it".to_owned(),
            kind => format!("new {}, mode {:04o}, owner {}:{}", describe(kind), now.mode, now.uid, now.gid),
        }),
        (Some(before), None) => words.push(match &before.kind {
            Kind::Removed => "as the base has it".to_owned(),
            kind => format!("{} removed", describe(kind)),
        }),
        (Some(before), Some(now)) => {
            let (was, is) = (describe(&before.kind), describe(&now.kind));
            match (&before.kind, &now.kind) {
                (Kind::Secret { .. }, Kind::Secret { .. }) if before.kind != now.kind => {
                    words.push("secret changed".to_owned())
                }
                _ if was != is => words.push(format!("{was} -> {is}")),
                _ => {}
            }
            if now.kind != Kind::Removed && before.kind != Kind::Removed {
                if before.mode != now.mode {
                    words.push(format!("mode {:04o} -> {:04o}", before.mode, now.mode));
                }
                if (before.uid, before.gid) != (now.uid, now.gid) {
                    words.push(format!("owner {}:{} -> {}:{}", before.uid, before.gid, now.uid, now.gid));
                }
                if before.same_as != now.same_as {
                    words.push(match &now.same_as {
                        Some(first) => format!("the same file as {}", names::shown(first)),
                        None => "a file of its own".to_owned(),
                    });
                }
                let attributes: BTreeSet<&Vec<u8>> = before.attributes.keys().chain(now.attributes.keys()).collect();
                for name in attributes {
                    let shown = names::shown(name);
                    match (before.attributes.get(name), now.attributes.get(name)) {
                        (was, is) if was == is => {}
                        (_, None) => words.push(format!("attribute {shown} removed")),
                        (None, Some(_)) => words.push(format!("attribute {shown} set")),
                        _ => words.push(format!("attribute {shown} changed")),
                    }
                }
            }
        }
        (None, None) => {}
    }
    words.into_iter().map(|word| format!("{path}: {word}")).collect()
}

fn describe(kind: &Kind) -> String {
    match kind {
        Kind::File { .. } => "file".to_owned(),
        Kind::Secret { .. } => "secret".to_owned(),
        Kind::Folder => "folder".to_owned(),
        Kind::Link { target } => format!("link to {}", names::shown(target)),
        Kind::Character(major, minor) => format!("character device {major}:{minor}"),
        Kind::Block(major, minor) => format!("block device {major}:{minor}"),
        Kind::Pipe => "pipe".to_owned(),
        Kind::Socket => "socket".to_owned(),
        Kind::Removed => "removed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, blob: &str) -> Entry {
        Entry::plain(path, Kind::File { size: 1, blob: blob.to_owned() })
    }

    #[test]
    fn what_is_other() {
        let before = [
            Entry::plain("etc", Kind::Folder),
            file("etc/a", "1"),
            file("etc/b", "1"),
            Entry::plain("usr/x", Kind::Removed),
        ];
        let mut touched = file("etc/b", "1");
        touched.mtime = (2, 0);
        let now = [
            Entry::plain("etc", Kind::Folder),
            file("etc/a", "2"),
            touched,
            Entry::plain("etc/c", Kind::Folder),
            file("etc/c/d", "1"),
        ];
        let found = told(&differences(&before, &now));
        let expected = [(Status::Changed, "etc/a"), (Status::Added, "etc/c/d"), (Status::Added, "usr/x")];
        assert_eq!(found, expected.map(|(status, path)| (status, path.to_owned())));
        assert!(differences(&now, &now).is_empty());
    }

    #[test]
    fn the_first_line() {
        let files = |count: usize, top: &str| -> Vec<(Status, String)> {
            (0..count).map(|at| (Status::Changed, format!("{top}/{at}"))).collect()
        };
        let added = vec![(Status::Added, "etc/hosts".to_owned())];
        for (files, packages, is_first, expected) in [
            ([files(1, "etc"), added.clone()].concat(), vec![], false, "etc/0 changed, etc/hosts added"),
            ([files(12, "etc"), added].concat(), vec![], false, "etc: 1 added, 12 changed"),
            ([files(2, "etc"), files(2, "usr")].concat(), vec![], false, "etc: 2 changed; usr: 2 changed"),
            (files(1, "etc"), vec!["nginx 1.22 installed".to_owned()], false, "etc/0 changed, nginx 1.22 installed"),
            (vec![], vec!["x".to_owned(); 9], false, "9 changes of packages and services"),
            (files(500, "etc"), vec!["x".to_owned()], true, "first look, 500 files"),
        ] {
            assert_eq!(subject(&files, &packages, is_first), expected);
        }
    }

    #[test]
    fn packages_in_words() {
        let before = Inventory::parse("[packages]\na 1\nb 1\n[services]\nx disabled\n", "x").unwrap();
        let now = Inventory::parse("[packages]\nb 2\nc 3\n[services]\nx enabled\n", "x").unwrap();
        assert_eq!(of_inventory(&before, &now), ["a removed", "b 1 -> 2", "c 3 installed", "x enabled"]);
    }

    #[test]
    fn what_no_diff_shows() {
        let mut other = file("etc/a", "2");
        (other.mode, other.uid) = (0o600, 5);
        other.attributes.insert(b"user.x".to_vec(), vec![]);
        let link = |target: &str| Entry::plain("etc/l", Kind::Link { target: target.into() });
        for (before, now, expected) in [
            (
                Some(file("etc/a", "1")),
                Some(other),
                &["etc/a: mode 0644 -> 0600", "etc/a: owner 0:0 -> 5:0", "etc/a: attribute user.x set"][..],
            ),
            (Some(link("x")), Some(link("y")), &["etc/l: link to x -> link to y"]),
            (Some(file("etc/a", "1")), Some(file("etc/a", "2")), &[]),
            (None, Some(link("x")), &["etc/l: new link to x, mode 0644, owner 0:0"]),
            (Some(file("etc/a", "1")), Some(Entry::plain("etc/a", Kind::Removed)), &["etc/a: file -> removed"]),
        ] {
            assert_eq!(of_entry(&(before.as_ref(), now.as_ref())), expected);
        }
    }
}
