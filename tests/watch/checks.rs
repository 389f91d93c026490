//! What is checked, and how soon what changes is told.

use crate::support::{Program, Segment, can_run, run};
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
