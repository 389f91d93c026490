//! A journal that cannot be written, is broken, or is cut off by a crash: nothing that was stored or waits is lost.

use crate::support::{Client, Program, SOON, Segment, can_run, wait_for};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use pxelator::{
    event::{Event, Fact},
    journal::{Journal, Query},
};
use std::{
    collections::BTreeSet,
    fs,
    net::{Ipv4Addr, UdpSocket},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
};

/// A small disk of the test's own.
struct Disk(PathBuf);

impl Disk {
    fn new(at: PathBuf, size: &str) -> Disk {
        fs::create_dir(&at).unwrap();
        mount(Some("tmpfs"), &at, Some("tmpfs"), MsFlags::empty(), Some(format!("size={size}").as_str())).unwrap();
        Disk(at)
    }

    /// Takes up all room that is left.
    fn fill(&self) -> PathBuf {
        let filler = self.0.join("filler");
        let mut file = fs::File::create(&filler).unwrap();
        let block = [0; 4096];
        while std::io::Write::write_all(&mut file, &block).is_ok() {}
        filler
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = umount2(&self.0, MntFlags::MNT_DETACH);
    }
}

/// The numbered messages that the journal has.
fn messages(journal: &Path) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    let take = |event: Event| {
        if let Fact::SyslogReceived { text, .. } = &event.fact {
            found.extend(text.strip_prefix("number ").and_then(|number| number.parse::<u32>().ok()));
        }
    };
    Journal::read(journal).unwrap().select(&Query::default(), take).unwrap();
    found
}

fn log(socket: &UdpSocket, number: u32) {
    socket.send_to(format!("<13>number {number}").as_bytes(), "10.77.0.1:514").unwrap();
}

#[test]
fn a_full_disk_is_told_and_nothing_that_waited_is_lost() {
    if !can_run(&[]) {
        return;
    }
    let segment = Segment::new("diskfull");
    segment.machine(60, "02:00:00:00:00:60", "known");
    let disk = Disk::new(segment.folder.path().join("disk"), "8m");
    let journal = disk.0.join("journal.sqlite");
    let program = Program::launch(&segment, &["--journal", journal.to_str().unwrap()]);
    program.wait("DHCP listens", |event| event.kind() == "service.started" && event.fact.to_string().contains("67"));
    let host = segment.host("known", "02:00:00:00:00:60");
    host.address("10.77.0.60");
    let (socket, client) = (host.udp(0), Client::new(&host));
    let filler = disk.fill();
    // A log that has room left takes some more.
    let mut sent = 0;
    let failed = wait_for("the journal fails", SOON, || {
        (0..50).for_each(|_| {
            log(&socket, sent);
            sent += 1;
        });
        program.events().into_iter().find(|event| event.kind() == "journal.failed")
    });
    let Fact::JournalFailed { next_step, .. } = &failed.fact else { panic!("{failed:?}") };
    assert_eq!(next_step, "make room on its disk; it goes on by itself");
    assert_eq!(client.lease([2, 0, 0, 0, 0, 0x60], 1), Ipv4Addr::new(10, 77, 0, 60), "machines boot all the same");
    program.wait(
        "every message is heard",
        |event| matches!(&event.fact, Fact::SyslogReceived { text, .. } if *text == format!("number {}", sent - 1)),
    );
    fs::remove_file(filler).unwrap();
    let recovered = program.wait("the journal recovers", |event| event.kind() == "journal.recovered");
    let Fact::JournalRecovered { waiting } = recovered.fact else { panic!("{recovered:?}") };
    assert!(waiting > 0);
    let heard = program.events().into_iter().filter(|event| event.kind() == "syslog.received").count();
    assert_eq!(messages(&journal).len(), heard, "nothing that waited is lost");
    let mut leases = Vec::new();
    let take = |event: Event| leases.extend(Some(event).filter(|event| event.kind() == "dhcp.acknowledged"));
    Journal::read(&journal).unwrap().select(&Query::default(), take).unwrap();
    assert_eq!(leases.len(), 1, "the lease is kept");
}

#[test]
fn a_crash_in_a_flood_loses_nothing_that_was_stored() {
    if !can_run(&[]) {
        return;
    }
    let segment = Segment::new("crash");
    let host = segment.host("noisy", "02:00:00:00:00:09");
    host.address("10.77.0.9");
    let program = Program::start(&segment);
    let (socket, journal) = (host.udp(0), segment.journal());
    let crashed = AtomicBool::new(false);
    let stored = thread::scope(|scope| {
        scope.spawn(|| {
            // A port that nobody listens on any longer is an error of the sender's, and the end of this.
            let _ = (0..).take_while(|_| !crashed.load(Relaxed)).try_for_each(|number: u32| {
                socket.send_to(format!("<13>number {number}").as_bytes(), "10.77.0.1:514").map(drop)
            });
        });
        let stored = wait_for("a thousand messages are stored", SOON, || {
            Some(messages(&journal)).filter(|stored| stored.len() > 1000)
        });
        program.kill();
        crashed.store(true, Relaxed);
        stored
    });
    let after = messages(&journal);
    assert!(after.is_superset(&stored), "{} were stored, {} are left of them", stored.len(), after.len());
    let again = Program::start(&segment);
    assert!(messages(&journal).is_superset(&after));
    log(&socket, 4_000_000_000);
    wait_for("it is written on", SOON, || messages(&journal).contains(&4_000_000_000).then_some(()));
    drop(again);
    let whole: String = rusqlite::Connection::open(&journal)
        .unwrap()
        .query_row("pragma integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(whole, "ok");
}

#[test]
fn a_journal_that_cannot_be_used_is_told_with_the_next_step() {
    if !can_run(&[]) {
        return;
    }
    let segment = Segment::new("badjournal");
    let first = Program::start(&segment);
    let refused = |why: &str| {
        let mut program = Program::launch(&segment, &[]);
        assert_eq!(program.end(), Some(1), "{why}");
        let words = wait_for("words", SOON, || Some(program.words()).filter(|words| !words.is_empty()));
        assert!(words.contains(why), "{words}");
    };
    refused("is being written by another PXElator; end that one, or use another --journal");
    drop(first);
    let journal = segment.journal();
    let whole = fs::read(&journal).unwrap();
    rusqlite::Connection::open(&journal).unwrap().pragma_update(None, "user_version", 99).unwrap();
    refused("has schema 99, this version knows 2; use the newer PXElator, or another --journal");
    // The schema's page stays, everything after is noise.
    let mut broken = whole.clone();
    broken[4096..].fill(0xa5);
    fs::write(&journal, &broken).unwrap();
    refused("move the file aside and start again");
    fs::write(&journal, "no database at all, and longer than a header ".repeat(50)).unwrap();
    refused("move the file aside and start again");
    fs::remove_file(&journal).unwrap();
    fs::create_dir(&journal).unwrap();
    refused("see that its folder is there and writable, or name another file with --journal");
    fs::remove_dir(&journal).unwrap();
    fs::write(&journal, whole).unwrap();
    drop(Program::start(&segment));
}
