//! A long backlog, and a database that is killed again and again while it is sent.

use crate::support::{Couch, Program, Proxy, SOON, Segment, can_run, couch::POUCHDB, replica, story::Story, wait_for};
use std::time::Duration;

const EVENTS: usize = 100_000;
const KILLS: u64 = 20;

#[test]
fn a_backlog_outlives_a_database_that_is_killed_twenty_times() {
    if !can_run(&[POUCHDB]) {
        return;
    }
    let segment = Segment::new("backlog");
    let mut couch = Couch::start();
    let proxy = Proxy::start(couch.address(), Some(&segment));
    replica::configure(segment.folder.path(), &couch.url_at(proxy.address()), None);
    replica::write_journal(segment.folder.path(), Story::new().take(EVENTS));
    let events = replica::journaled(segment.folder.path());
    let documents = replica::documents(&events) as u64;
    let program = Program::start(&segment);
    let mut random = 0x2545_f491_4f6c_dd1d_u64 ^ u64::from(std::process::id());
    println!("random from {random:#x}");
    for kill in 0..KILLS {
        // Spread over the whole of it, each at a moment of its own.
        wait_for("it is sent on", 6 * SOON, || couch.count().filter(|there| *there >= documents * kill / (KILLS + 1)));
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        std::thread::sleep(Duration::from_millis(random % 400));
        couch.kill();
        couch.restart();
        let there = couch.count().unwrap_or_default();
        println!("killed at {there} of {documents} documents");
    }
    replica::wait_until_whole("killed twenty times", &couch, segment.folder.path(), 12 * SOON);
    let failed = program.events().iter().filter(|event| event.kind() == "audit.failed").count();
    assert!(failed > 0, "the program noticed none of it");
}
