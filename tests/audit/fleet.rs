//! Two programs that write to one database see each other's machines, live.

use crate::support::{Couch, Program, Proxy, Screen, Segment, can_run, couch::POUCHDB, replica};
use std::{fs, time::Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_pxelator");

/// A segment whose server is 10.78.0.1, with a machine db1.
fn elsewhere() -> Segment {
    let segment = Segment::new("elsewhere");
    let words = "ip address flush dev br0; ip address add 10.78.0.1/24 dev br0";
    let moved = segment.command("sh").args(["-c", words]).output().unwrap();
    assert!(moved.status.success(), "{moved:?}");
    fs::remove_dir_all(segment.conf_dir().join("10.77.0.1")).unwrap();
    segment.conf("10.78.0.1/domain", "lab.lan");
    segment.conf("10.78.0.1/10.78.0.70/mac", "52:54:00:78:00:70");
    segment.conf("10.78.0.1/10.78.0.70/hostname", "db1");
    segment
}

#[test]
fn two_programs_show_each_others_machines() {
    if !can_run(&["tmux", POUCHDB]) {
        return;
    }
    for couch in Couch::all() {
        let (here, there) = (Segment::with_web1("here").0, elsewhere());
        let ways = [&here, &there].map(|segment| Proxy::start(couch.address(), Some(segment)));
        replica::configure(here.folder.path(), &couch.url_at(ways[0].address()), couch.login().as_deref());
        let conf = tempfile::tempdir().unwrap();
        replica::configure(conf.path(), &couch.url_at(ways[1].address()), couch.login().as_deref());
        for file in fs::read_dir(conf.path().join("conf/10.77.0.1")).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), there.conf_dir().join("10.78.0.1").join(file.file_name())).unwrap();
        }
        let screen = Screen::open(&here, 100, 30, &format!("{PROGRAM} run"));
        screen.wait("web1");
        // One that was there before the other began, and what happens from then on.
        let program = Program::launch(&there, &[]);
        program.wait("it is in the database", |event| event.kind() == "audit.begun");
        screen.wait("s: 1 more");
        screen.keys(&["m"]);
        let shown = screen.wait_until("machines of both", |shown| shown.contains("db1") && shown.contains("web1"));
        assert!(shown.contains("10.78.0.1") && shown.contains("of all segments"), "{shown}");
        let began = Instant::now();
        there.conf("10.78.0.1/10.78.0.71/hostname", "db2");
        there.conf("10.78.0.1/10.78.0.71/mac", "52:54:00:78:00:71");
        screen.wait("db2");
        println!("{}: the other's new machine was shown after {:?}", couch.name, began.elapsed());
        // Its messages too, in its own panes; and it is switched there, not here.
        screen.keys(&["G"]);
        screen.wait("lab.lan remote");
        screen.keys(&["o"]);
        screen.wait("another PXElator serves 10.78.0.1");
        let host = there.host("db1", "52:54:00:78:00:70");
        host.address("10.78.0.70");
        let said = host.sh("logger -n 10.78.0.1 -P 514 -d -t test said elsewhere");
        assert!(said.status.success(), "{said:?}");
        screen.keys(&["Tab"]);
        screen.wait("said elsewhere");
        // Neither has the other's events in its journal.
        assert!(replica::journaled(here.folder.path()).iter().all(|event| event["segment"] != "10.78.0.1"));
    }
}
