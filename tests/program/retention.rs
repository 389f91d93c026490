//! `keep`: the real program lets old events go, at its start and when conf changes, and goes on serving.

use crate::support::{Program, SOON, Segment, can_run, wait_for};
use pxelator::{
    event::{Event, Fact},
    journal::{Journal, Query},
};

fn pruned(event: &Event) -> bool {
    matches!(event.fact, Fact::JournalPruned { .. })
}

/// Makes everything in the journal older; returns how many events that are.
fn age(segment: &Segment, days: i64) -> usize {
    let journal = rusqlite::Connection::open(segment.journal()).unwrap();
    journal.execute("update event set time = time - ?1 * 86400000000", [days]).unwrap()
}

fn stored(segment: &Segment) -> Vec<Event> {
    let mut events = Vec::new();
    Journal::read(&segment.journal()).unwrap().select(&Query::default(), |event| events.push(event)).unwrap();
    events
}

#[test]
fn old_events_go_when_conf_says_so_and_at_the_next_start() {
    if !can_run(&[]) {
        return;
    }
    let segment = Segment::new("keep");
    segment.machine(60, "52:54:00:00:00:60", "web1");
    let mut program = Program::start(&segment);
    program.signal(nix::sys::signal::Signal::SIGTERM);
    program.end();
    let old = age(&segment, 10);
    assert!(old > 5);

    let mut program = Program::start(&segment);
    segment.conf("10.77.0.1/keep", "30");
    segment.conf("10.77.0.1/domain", "month.lan");
    program.wait("conf is read anew", |e| matches!(&e.fact, Fact::ConfLoaded { domain, .. } if domain == "month.lan"));
    assert!(!program.events().iter().any(pruned), "nothing is as old as that");
    // The row with the highest number always stays: here it is to be one of this run.
    let is_of_this_run =
        |event: &Event| matches!(&event.fact, Fact::ConfLoaded { domain, .. } if domain == "month.lan");
    wait_for("the new conf in the journal", SOON, || stored(&segment).iter().any(is_of_this_run).then_some(()));
    segment.conf("10.77.0.1/keep", "7");
    let event = program.wait("old events of the segment go", |e| pruned(e) && e.segment.is_some());
    program.wait("and those of the program", |e| pruned(e) && e.segment.is_none());
    let Fact::JournalPruned { before, .. } = event.fact else { unreachable!() };
    program.signal(nix::sys::signal::Signal::SIGTERM);
    program.end();
    let older: Vec<Event> = stored(&segment).into_iter().filter(|event| event.time < before).collect();
    assert!(older.iter().all(|event| matches!(event.fact, Fact::ConfLoaded { .. })), "{older:?}");
    assert_eq!(older.len(), 1, "what conf was at the horizon");

    age(&segment, 10);
    let program = Program::start(&segment);
    program.wait("what became old meanwhile goes at the start", pruned);
    // And serving goes on, with the conf of now.
    program.wait("the conf", |e| matches!(&e.fact, Fact::ConfLoaded { machines, .. } if machines.len() == 1));
}
