//! A document of a machine to which everything was done.

use super::{commands::steps, *};
use crate::{
    conf::{Machine, Segment, Track},
    net::Mac,
    track::{Entry, Inventory, Kind},
};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use std::{collections::BTreeMap, net::Ipv4Addr, sync::Arc};

fn file(path: &[u8], content: &[u8]) -> Shown {
    let size = u64::try_from(content.len()).unwrap();
    let now = Entry::plain(path, Kind::File { size, blob: "b10b".to_owned() });
    Shown { before: None, now, content: Some(content.to_owned()), diff: None, brought: false }
}

fn other(path: &[u8], kind: Kind) -> Shown {
    Shown { before: None, now: Entry::plain(path, kind), content: None, diff: None, brought: false }
}

fn track(paths: &[&str], without: &[&str]) -> Track {
    let owned = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect();
    let every = std::time::Duration::from_secs(3600);
    Track { paths: owned(paths), without: owned(without), secrets: Vec::new(), every, largest: 1 << 20 }
}

fn inventory(packages: &[(&str, &str)], manual: &[&str]) -> Inventory {
    Inventory {
        system: BTreeMap::from([
            ("cpu".to_owned(), "Intel <i7> | x".to_owned()),
            ("memory".to_owned(), "8589934592".to_owned()),
            ("disk sda".to_owned(), "512110190592 SAMSUNG".to_owned()),
        ]),
        packages: packages.iter().map(|(name, version)| ((*name).to_owned(), (*version).to_owned())).collect(),
        manual: manual.iter().map(|name| (*name).to_owned()).collect(),
        ..Inventory::default()
    }
}

/// web1, to which everything was done.
fn web1() -> Known {
    let mut machine = Machine::new(Ipv4Addr::new(10, 77, 0, 60), Mac([0x52, 0x54, 0, 0x77, 0, 60]), "web1");
    machine.boot = Some("kiosk".to_owned());
    machine.track = Some(track(&["/etc", "/srv"], &[]));
    let mut segment = Segment::new(Ipv4Addr::new(10, 77, 0, 1));
    segment.machines.insert(machine.address, Arc::new(machine.clone()));
    let at = |text: &str| text.parse().unwrap();
    let passwd = "root:x:0:0:root:/root:/bin/bash\n";
    let mut script = file(b"srv/run", b"#!/bin/sh\ncat <<'END'\n```\n````sh\nrm -rf /\n````\nEND\n");
    (script.now.mode, script.now.uid, script.now.gid) = (0o4750, 1500, 1500);
    let mut motd = file(b"etc/motd", b"hello `you`\n");
    motd.before = Some(Entry::plain(b"etc/motd", Kind::File { size: 0, blob: "e".to_owned() }));
    motd.diff = Some("--- a/etc/motd\n+++ b/etc/motd\n@@ -0,0 +1 @@\n+hello `you`\n".to_owned());
    let mut rights = file(b"etc/rights", b"as it was\n");
    rights.before = Some(rights.now.clone());
    rights.now.mode = 0o600;
    let mut twin = file(b"etc/twin", b"hello `you`\n");
    twin.now.same_as = Some(b"etc/motd".to_vec());
    let mut big = other(b"srv/big", Kind::File { size: 1 << 20, blob: "b16".to_owned() });
    big.now.attributes.insert(b"security.capability".to_vec(), vec![1, 0, 255]);
    Known {
        host: "web1".to_owned(),
        segment: Arc::new(segment),
        machine: Arc::new(machine),
        container: None,
        conf: vec![
            ("about".to_owned(), "Serves the *shop*.\n".to_owned()),
            ("boot".to_owned(), "kiosk\n".to_owned()),
            ("mac".to_owned(), "52:54:00:77:00:3c\n".to_owned()),
        ],
        before: Before::Commit("f1257f1257f1257".to_owned(), at("2026-11-01T10:00:00Z")),
        now: ("0123456789abcdef".to_owned(), at("2026-11-24T09:20:00Z")),
        base: Some("trixie".to_owned()),
        files: vec![
            motd,
            rights,
            twin,
            big,
            script,
            file(b"etc/apt/sources.list.d/own.list", b"deb http://10.77.0.1/own ./\n"),
            file(b"etc/od\xffd\nname", b"\0\x01"),
            file(b"etc/hostname", b"web1\n"),
            file(b"etc/ssh/ssh_host_ed25519_key", b"PRIVATE\n"),
            file(b"var/lib/dpkg/status", b"Package: x\n"),
            other(b"srv", Kind::Folder),
            other(b"etc/own", Kind::Link { target: b"/srv/o'wn".to_vec() }),
            other(
                b"etc/systemd/system/multi-user.target.wants/shop.service",
                Kind::Link { target: b"/etc/systemd/system/shop.service".to_vec() },
            ),
            other(b"etc/key", Kind::Secret { digest: "d".to_owned() }),
            other(b"srv/null", Kind::Character(1, 3)),
            other(b"srv/pipe", Kind::Pipe),
        ],
        removed: vec![
            Entry::plain(b"etc/gone", Kind::Folder),
            Entry::plain(b"etc/gone/x", Kind::Folder),
            Entry::plain(b"etc/passwd-", Kind::Folder),
        ],
        inventory: (
            inventory(&[("base", "1"), ("nano", "7")], &[]),
            inventory(&[("base", "2"), ("nginx", "1.26"), ("libx", "3")], &["nginx"]),
        ),
        accounts: Accounts {
            passwd: (passwd.to_owned(), format!("{passwd}deploy:x:1500:1500::/srv/deploy:/bin/sh\n")),
            group: ("root:x:0:\n".to_owned(), "root:x:0:\ndeploy:x:1500:\n".to_owned()),
        },
        recipes: vec![Had { name: "shop".to_owned(), title: Some("The <shop>".to_owned()), applied: None }],
        boots: vec![(at("2026-11-20T08:00:00Z"), "up after 31 s".to_owned())],
        containers: vec!["db@web1".to_owned()],
    }
}

/// The blocks of a language, as who reads Markdown finds them.
fn blocks(markdown: &str, language: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut within = false;
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(kind))) if &*kind == language => {
                within = true;
                found.push(String::new());
            }
            Event::End(TagEnd::CodeBlock) => within = false,
            Event::Text(text) if within => found.last_mut().unwrap().push_str(&text),
            Event::Html(html) | Event::InlineHtml(html) => panic!("html: {html}"),
            _ => {}
        }
    }
    found
}

#[test]
fn everything_is_told() {
    insta::assert_snapshot!("everything", document(&web1()));
}

#[test]
fn a_reader_finds_the_commands_as_they_were_meant() {
    let known = web1();
    let wanted: Vec<String> = steps(&known).into_iter().map(|step| step.script).collect();
    let page = document(&known);
    assert_eq!(blocks(&page, "sh"), wanted, "no content ends its block or begins one");
    let all = wanted.concat();
    for never in ["PRIVATE", "hostname", "ssh_host", "dpkg/status", "passwd-"] {
        assert!(!all.contains(never), "{never}: {all}");
    }
    assert!(page.contains("age -d -i KEY"), "{page}");
    let html = html("web1", &page);
    assert!(!html.contains("<i7>") && html.contains("Intel &lt;i7&gt; | x"), "{html}");
}

#[test]
fn what_is_no_longer_kept_is_not_removed() {
    let mut known = web1();
    assert!(
        known.is_kept(b"etc/motd") && known.is_kept(b"etc") && !known.is_kept(b"etcetera") && !known.is_kept(b"opt/x")
    );
    let mut machine = (*known.machine).clone();
    machine.track = Some(track(&["/opt/*/conf", "/etc"], &["/etc/ssl"]));
    known.machine = Arc::new(machine);
    assert!(known.is_kept(b"opt/a/conf") && !known.is_kept(b"etc/ssl/x") && known.is_kept(b"etc/x"));
}

#[test]
fn a_machine_that_is_as_it_was() {
    let known = web1();
    let (files, removed, inventory, accounts) = (Vec::new(), Vec::new(), Default::default(), Accounts::default());
    let known = Known { files, removed, inventory, accounts, recipes: Vec::new(), ..known };
    let page = document(&known);
    assert_eq!(blocks(&page, "sh"), Vec::<String>::new());
    assert!(page.contains("Nothing is to be done"), "{page}");
}
