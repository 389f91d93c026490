//! `pxelator changes` and `pxelator restore` as somebody uses them: on a record with a journal beside it, on a real Debian that runs, and
//! on the layer of a machine that is off.

use crate::support::{Debian, Segment, can_run, debian};
use pxelator::{
    bus::Bus,
    event::{Came, Event, Fact, RecipeManner},
    journal::Journal,
    track::{Note, Repository, Source},
};
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    process::{Output, Stdio},
};

/// Runs it in the segment's folder: its output, its words on the side, its exit code.
fn pxelator(segment: &Segment, words: &[&str]) -> (String, String, Option<i32>) {
    let mut command = segment.command(env!("CARGO_BIN_EXE_pxelator"));
    command.current_dir(segment.folder.path()).args(words).stdin(Stdio::null());
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(stdout), text(stderr), status.code())
}

fn note(host: &str, time: &str) -> Note {
    Note {
        host: host.to_owned(),
        address: "10.77.0.60".to_owned(),
        time: time.parse().unwrap(),
        cause: None,
        inventory: None,
        recipients: None,
    }
}

/// Journals events of web1, as the program does it.
fn journal(segment: &Segment, events: Vec<(&str, Fact)>) {
    let journal = Journal::open(&segment.journal()).unwrap();
    let bus = Bus::default();
    let written = journal.write(bus.subscribe_durable("journal", 64), bus.clone()).unwrap();
    for (time, fact) in events {
        let mut event = Event::new("10.77.0.1".parse().ok(), fact).about("10.77.0.60".parse().ok(), None);
        event.time = time.parse().unwrap();
        bus.publish(event);
    }
    bus.close();
    drop(bus);
    written.join().unwrap();
}

fn ended(recipe: &str) -> Fact {
    Fact::RecipeEnded {
        recipe: recipe.into(),
        container: None,
        manner: RecipeManner::Apply,
        came: Came::Applied,
        digest: "0".repeat(64),
        changed: vec!["etc/motd".into()],
        commit: None,
        millis: 1,
    }
}

#[test]
fn what_changed_and_what_happened_then() {
    if !can_run(&["git"]) {
        return;
    }
    let segment = Segment::new("changes");
    segment.machine(60, "52:54:00:77:00:3c", "web1");
    segment.machine(61, "52:54:00:77:00:3d", "web2");
    let place = segment.folder.path();
    let repository = Repository::new(&place.join("hosts"), &place.join("run"));
    let keep = |host: &str, time: &str, motd: &str| {
        let mirror = repository.mirror(host);
        fs::create_dir_all(mirror.join("etc")).unwrap();
        fs::write(mirror.join("etc/motd"), motd).unwrap();
        repository.record(&Source::Mirror(mirror), None, &note(host, time)).unwrap().commit.unwrap()
    };
    keep("web1", "2026-11-20T10:00:00Z", "one\n");
    keep("web2", "2026-11-20T11:00:00Z", "one\n");
    let second = keep("web1", "2026-11-21T10:00:00Z", "one\ntwo\u{1b}[2J\n");
    journal(
        &segment,
        vec![
            ("2026-11-19T10:00:00Z", ended("early")),
            ("2026-11-21T09:00:00Z", ended("nginx")),
            ("2026-11-21T11:00:00Z", ended("late")),
        ],
    );

    let (out, err, code) = pxelator(&segment, &["changes", "web1", "-n", "1"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let lines: Vec<&str> = out.lines().collect();
    let short = &second[..10];
    assert_eq!(lines[..2], [&format!("2026-11-21T10:00:00Z web1 {short} etc/motd changed"), "  ~ etc/motd"], "{out}");
    assert_eq!(lines[2], "  since the look at 2026-11-20T10:00:00Z:");
    assert!(lines[3].starts_with("    2026-11-21T09:00:00Z recipe.ended: ") && lines[3].contains("nginx"), "{out}");
    let hint = lines[4].trim();
    assert_eq!(hint, "pxelator log 'machine=\"web1\" time>2026-11-20T10:00:00Z time<=2026-11-21T10:00:00Z'");
    assert_eq!(lines.len(), 5, "{out}");
    // What it proposes finds what it showed.
    let filter = hint.split('\'').nth(1).unwrap();
    let (log, _, code) = pxelator(&segment, &["log", filter]);
    assert_eq!((code, log.lines().count()), (Some(0), 1), "{log}");

    let (out, ..) = pxelator(&segment, &["changes", "--since", "2026-11-20T10:30:00Z", "--json"]);
    let told: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let hosts: Vec<&str> = told.iter().map(|told| told["host"].as_str().unwrap()).collect();
    assert_eq!(hosts, ["web1", "web2"]);
    assert_eq!((told[0]["around"].as_array().unwrap().len(), told[0]["files"][0][0].as_str()), (1, Some("changed")));
    let (out, ..) = pxelator(&segment, &["changes", "10.77.0.60", "/etc/motd", "--diff", "-n", "1"]);
    assert!(out.contains("@@ -1 +1,2 @@\n one\n+two\u{1b}[2J\n"), "{out}");
    let (out, ..) = pxelator(&segment, &["changes", "web1", "/etc/motd", "--blame"]);
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[1].starts_with(&format!("{short} 2026-11-21T10:00:00Z two")), "{out}");
    let (out, ..) = pxelator(&segment, &["changes", "/etc/motd", "--who"]);
    assert!(out.contains("mode 0644, owner 0:0:\n  web1 since 2026-11-21T10:00:00Z\n"), "{out}");
    assert!(out.contains("  web2 since 2026-11-20T11:00:00Z\n"), "{out}");
    let (out, ..) = pxelator(&segment, &["changes", "/etc/none", "--who"]);
    assert_eq!(out, "not there:\n  web1\n  web2\n");
    for (words, why) in [
        (&["changes", "web3"][..], "pxelator: no machine of conf or of the record is called web3; web1 is\n"),
        (&["changes", "web1", "--since", "soon"], "pxelator: \"soon\" is not a moment"),
        (&["changes", "--blame"], "pxelator: --blame needs a machine and a path"),
    ] {
        let (_, err, code) = pxelator(&segment, words);
        assert!(err.starts_with(why) && code == Some(2), "{words:?}: {code:?} {err}");
    }
}

#[test]
fn a_file_is_put_back_on_a_machine_that_runs() {
    if !can_run(debian::NEEDED) {
        return;
    }
    let segment = Segment::new("restore");
    let mut web1 = Debian::start(&segment, 60, "web1");
    segment.conf("10.77.0.1/10.77.0.60/track", "/etc\n!/etc/ssh");
    web1.does("printf 'one\\n' > /etc/motd; chmod 4640 /etc/motd; chown 5:6 /etc/motd; chmod 4640 /etc/motd; touch -d '2001-02-03 04:05:06' /etc/motd");
    let (out, err, code) = pxelator(&segment, &["track", "pull", "web1"]);
    assert_eq!(code, Some(0), "{out}{err}");
    let repository = Repository::new(&segment.folder.path().join("hosts"), &segment.folder.path().join("run"));
    let first = repository.newest("web1").unwrap().unwrap();
    web1.does(
        "rm /etc/motd; echo two > /etc/motd; mkdir /etc/own.d; echo x > /etc/own.d/new; touch -d 2010-01-01 /etc/hosts",
    );
    let hosts = web1.does("stat -c '%i %Y' /etc/hosts");

    let (out, err, code) = pxelator(&segment, &["restore", "web1", "/etc/motd", "--commit", &first, "--dry-run"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("etc/motd: mode 0644 -> 4640\n") && out.contains("-two\n+one\n"), "{out}");
    assert_eq!(web1.does("cat /etc/motd"), "two\n");
    let (_, err, code) = pxelator(&segment, &["restore", "web1", "/etc/motd", "--commit", &first]);
    assert_eq!(
        (code, err.as_str()),
        (Some(2), "pxelator: nobody is there to be asked; --yes does it without asking\n")
    );
    let (out, err, code) = pxelator(&segment, &["restore", "web1", "/etc/motd", "--commit", &first[..10], "--yes"]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.ends_with("/etc/motd on web1 is as it was then\n"), "{out}");
    assert_eq!(web1.does("cat /etc/motd; stat -c '%a %u %g %Y' /etc/motd"), "one\n4640 5 6 981173106\n");
    // A folder that was not there then goes; what is beside it is not touched.
    let (out, err, code) = pxelator(&segment, &["restore", "web1", "/etc/own.d", "--commit", &first, "--yes"]);
    assert_eq!(code, Some(0), "{out}{err}");
    web1.does("test ! -e /etc/own.d");
    assert_eq!(web1.does("stat -c '%i %Y' /etc/hosts"), hosts);
    let (out, _, code) = pxelator(&segment, &["restore", "web1", "/etc/motd", "--commit", &first, "--yes"]);
    assert_eq!((out.as_str(), code), ("/etc/motd is as it was then\n", Some(0)));
    // The journal has it.
    let (log, ..) = pxelator(&segment, &["log", "kind=track.restored"]);
    assert_eq!(log.lines().count(), 2, "{log}");
    web1.down();
    let (_, err, code) = pxelator(&segment, &["restore", "web1", "/etc/own.d", "--commit", "0123456789", "--yes"]);
    assert_eq!((code, err.contains("nothing is kept of a commit 0123456789")), (Some(2), true), "{err}");
}

#[test]
fn a_file_is_put_back_into_the_layer_of_a_machine_that_is_off() {
    if !can_run(&["git", "rsync"]) {
        return;
    }
    let segment = Segment::new("layer");
    segment.machine(60, "52:54:00:77:00:3c", "web1");
    segment.conf("boot/live/about", "A root over NFS");
    segment.conf("boot/live/root", "debian");
    segment.conf("10.77.0.1/10.77.0.60/boot", "live");
    let place = segment.folder.path();
    let own = place.join("overlay/10.77.0.60");
    let upper = own.join("upper");
    fs::create_dir_all(upper.join("etc")).unwrap();
    fs::write(own.join("base"), "debian\n").unwrap();
    fs::write(upper.join("etc/motd"), "one\n").unwrap();
    fs::set_permissions(upper.join("etc/motd"), fs::Permissions::from_mode(0o600)).unwrap();
    let repository = Repository::new(&place.join("hosts"), &place.join("run"));
    let keep = |time: &str| repository.record(&Source::Layer(upper.clone()), None, &note("web1", time)).unwrap().commit;
    let first = keep("2026-11-20T10:00:00Z").unwrap();
    fs::write(upper.join("etc/motd"), "two\n").unwrap();
    let gone = |path: &Path| {
        use nix::sys::stat::{Mode, SFlag, makedev, mknod};
        mknod(path, SFlag::S_IFCHR, Mode::empty(), makedev(0, 0)).unwrap();
    };
    gone(&upper.join("etc/issue"));
    keep("2026-11-21T10:00:00Z").unwrap();
    let (out, err, code) = pxelator(&segment, &["restore", "web1", "/etc", "--at", "2026-11-20T12:00:00Z", "--yes"]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert_eq!(fs::read_to_string(upper.join("etc/motd")).unwrap(), "one\n");
    assert_eq!(fs::metadata(upper.join("etc/motd")).unwrap().mode() & 0o7777, 0o600);
    assert!(fs::symlink_metadata(upper.join("etc/issue")).is_err(), "what the base has shows again");
    // And hidden again.
    let (out, err, code) =
        pxelator(&segment, &["restore", "web1", "/etc/issue", "--at", "2026-11-21T12:00:00Z", "--yes"]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert_eq!(fs::symlink_metadata(upper.join("etc/issue")).unwrap().rdev(), 0);
    assert_eq!(
        repository.delta("web1", &first, &repository.newest("web1").unwrap().unwrap()).unwrap().changed.len(),
        1
    );
}
