//! What is checked, and how soon what changes is told.

use crate::support::{Program, SOON, Segment, can_run, run, wait_for};
use pxelator::event::{Event, Fact};
use std::{process::Command, time::Duration};

/// The event is about this machine.
fn of(event: &Event, last: u8) -> bool {
    event.machine.is_some_and(|address| address.octets()[3] == last)
}

fn passed(event: &Event, wanted: &str) -> bool {
    matches!(&event.fact, Fact::CheckPassed { check, .. } if check == wanted)
}

fn failed(event: &Event, wanted: &str) -> bool {
    matches!(&event.fact, Fact::CheckFailed { check, .. } if check == wanted)
}

fn recovered(event: &Event, wanted: &str) -> bool {
    matches!(&event.fact, Fact::CheckRecovered { check, .. } if check == wanted)
}

/// Switches the port of a host on the segment's bridge.
fn cable(segment: &Segment, host: &str, state: &str) {
    run(Command::new("ip").args(["-n", &segment.name, "link", "set", &format!("h-{host}"), state]));
}

#[test]
fn a_machine_that_is_unplugged_is_told_and_its_return_too() {
    if !can_run(&[]) {
        return;
    }
    let (segment, _host) = Segment::with_web1("watch");
    let program = Program::start(&segment);
    program.wait("its ping", |event| of(event, 60) && passed(event, "ping"));
    let mark = program.mark();
    cable(&segment, "web1", "down");
    // Ten seconds to the next ping, and what is looked again: within the 30 s that the alert has.
    let lost = program.wait_for("that it is lost", Duration::from_secs(25), |event| failed(event, "ping"));
    assert!(of(&lost, 60) && lost.mac.is_some(), "{lost:?}");
    cable(&segment, "web1", "up");
    let back = program.wait_for("that it is back", Duration::from_secs(20), |event| recovered(event, "ping"));
    assert!(of(&back, 60), "{back:?}");
    // What changed is told once, and nothing else is.
    let told: Vec<Event> = program.since(mark);
    let pings = told.iter().filter(|event| failed(event, "ping") || recovered(event, "ping"));
    assert_eq!(pings.count(), 2, "{told:?}");
}

/// Runs the command line where the server is; its exit code, and what it printed.
fn pxelator(segment: &Segment, words: &[&str]) -> (Option<i32>, String) {
    let mut command = segment.command(env!("CARGO_BIN_EXE_pxelator"));
    let output = command.current_dir(segment.folder.path()).args(words).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn the_command_line_says_how_checks_stand_and_looks() {
    if !can_run(&[]) {
        return;
    }
    let (segment, _host) = Segment::with_web1("stand");
    segment.conf("10.77.0.1/10.77.0.60/checks", "ping\ntcp 9 every 2s");
    let program = Program::start(&segment);
    program.wait("its ping", |event| passed(event, "ping"));
    program.wait("a port where nobody listens", |event| failed(event, "tcp 9"));
    let own = |event: &Event| event.machine.is_none() && passed(event, "tcp 80");
    program.wait("the server's own", own);
    // What was told is in the journal a moment later.
    let (code, text) = wait_for("how all stand", SOON, || {
        let (code, text) = pxelator(&segment, &["checks"]);
        let is_whole = text.lines().any(|line| line.starts_with("10.77.0.1 ") && line.contains("tcp 80"));
        is_whole.then_some((code, text))
    });
    assert_eq!(code, Some(1), "{text}");
    let line = |name: &str| text.lines().find(|line| line.starts_with("web1 ") && line.contains(name)).unwrap();
    assert!(line("ping").contains("well") && line("tcp 9").contains("fails"), "{text}");
    assert!(line("tcp 9").ends_with("nobody listens at port 9"), "{text}");
    let (code, text) = pxelator(&segment, &["checks", "--failed", "--json", "web1"]);
    let told: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
    assert_eq!((code, &told["check"], &told["stands"]), (Some(1), &"tcp 9".into(), &"fails".into()), "{text}");
    let (code, text) = pxelator(&segment, &["checks", "--now", "web1"]);
    assert!(code == Some(1) && text.contains("it answers in ") && text.contains("nobody listens"), "{text}");
    drop(program);
    assert_eq!(pxelator(&segment, &["checks", "web1"]).0, Some(1));
    let (code, text) = pxelator(&segment, &["checks", "--now"]);
    assert!(code == Some(2) && text.contains("no PXElator runs here"), "{text}");
    let (code, text) = pxelator(&segment, &["checks", "wbe1"]);
    assert!(code == Some(2) && text.contains("web1 is"), "{text}");
}

#[test]
fn a_restart_tells_nothing_that_was_told() {
    if !can_run(&[]) {
        return;
    }
    let (segment, _host) = Segment::with_web1("again");
    let program = Program::start(&segment);
    program.wait("its ping", |event| passed(event, "ping"));
    cable(&segment, "web1", "down");
    program.wait_for("that it is lost", Duration::from_secs(25), |event| failed(event, "ping"));
    drop(program);
    let program = Program::start(&segment);
    // One that is new shows that all had their turn.
    segment.machine(61, "52:54:00:77:00:61", "web2");
    segment.conf("10.77.0.1/10.77.0.61/checks", "ping every 5s");
    program.wait_for("the new one", Duration::from_secs(30), |event| of(event, 61) && failed(event, "ping"));
    assert!(!program.events().iter().any(|event| of(event, 60) && failed(event, "ping")));
    cable(&segment, "web1", "up");
    let back = program.wait_for("that it is back", Duration::from_secs(20), |event| recovered(event, "ping"));
    let Fact::CheckRecovered { millis, .. } = back.fact else { panic!("{back:?}") };
    // Since it was lost, not since the restart.
    assert!(millis > 5_000, "{millis}");
}
