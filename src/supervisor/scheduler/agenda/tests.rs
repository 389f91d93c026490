//! Clocks, pauses and lines as tables.

use super::*;
use crate::conf;
use std::fs;

/// Machines .60 (on 07:30 late 30m, off 20:30), .61 (on 07:30, reset 07:40 late 2h) and .62 (holidays), in UTC.
fn tree() -> Conf {
    let dir = tempfile::tempdir().unwrap();
    for (path, value) in [
        ("timezone", "UTC"),
        ("holidays", "2026-11-27 Fair"),
        ("10.77.0.60/schedule", "on 07:30 late 30m holidays\noff 20:30"),
        ("10.77.0.61/schedule", "on 07:30 holidays\nreset 07:40 late 2h holidays"),
        ("10.77.0.62/schedule", "on 07:30"),
    ] {
        let path = dir.path().join("10.77.0.1").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, value).unwrap();
    }
    for last in 60..63 {
        let folder = dir.path().join(format!("10.77.0.1/10.77.0.{last}"));
        fs::write(folder.join("mac"), format!("52:54:00:00:00:{last}")).unwrap();
        fs::write(folder.join("power"), "wol").unwrap();
    }
    let reading = conf::read(dir.path(), None);
    assert_eq!(reading.mistakes, []);
    reading.conf
}

fn at(text: &str) -> Timestamp {
    format!("{text}:00Z").parse().unwrap()
}

fn served() -> BTreeSet<Ipv4Addr> {
    [[10, 77, 0, 1].into()].into()
}

/// Each in a line: `60 does on 07:30`, `60 missed off 20:30 of …`.
fn words(due: Due) -> Vec<String> {
    let told = due.told.into_iter().map(|event| {
        let machine = event.machine.unwrap().octets()[3];
        match event.fact {
            Fact::ScheduleMissed { line, due, late, .. } => {
                format!("{machine} missed {line} of {}{}", due.strftime("%d %H:%M"), if late { ", late" } else { "" })
            }
            Fact::ScheduleSkipped { line, reason, .. } => format!("{machine} skips {line}: {reason}"),
            other => panic!("{other:?}"),
        }
    });
    let does = |((_, line), machines): ((Action, String), Vec<Place>)| {
        machines.into_iter().map(move |(_, machine)| format!("{} does {line}", machine.octets()[3]))
    };
    let mut words: Vec<String> = told.chain(due.wishes.into_iter().flat_map(does)).collect();
    words.sort();
    words
}

#[test]
fn what_is_due_is_done_once() {
    let conf = tree();
    let mut agenda = Agenda::new(None, at("2026-11-26T07:29"));
    assert_eq!(agenda.next(&conf), Some(at("2026-11-26T07:30")));
    let mut due = |now: &str| words(agenda.due(&conf, &served(), at(now)));
    assert_eq!(due("2026-11-26T07:29"), [""; 0]);
    assert_eq!(
        due("2026-11-26T07:30"),
        ["60 does on 07:30 late 30m holidays", "61 does on 07:30 holidays", "62 does on 07:30"]
    );
    assert_eq!(due("2026-11-26T07:30"), [""; 0]);
    assert_eq!(due("2026-11-26T07:41"), ["61 does reset 07:40 late 2h holidays"], "a minute late is on time");
    assert_eq!(due("2026-11-26T20:30"), ["60 does off 20:30"]);
    let next = due("2026-11-27T07:30");
    assert_eq!(next[2], "62 skips on 07:30: holiday: Fair");
    assert_eq!(
        words(Agenda::new(None, at("2026-11-26T07:29")).due(&conf, &BTreeSet::new(), at("2026-11-26T07:30"))),
        [""; 0]
    );
}

#[test]
fn what_was_missed_is_told_and_done_late_where_the_line_says_so() {
    let conf = tree();
    for (last, now, expected) in [
        // Never ran before.
        (None, "2026-11-26T07:40", vec![]),
        (Some("2026-11-26T07:35"), "2026-11-26T07:39", vec![]),
        (
            Some("2026-11-26T07:00"),
            "2026-11-26T07:35",
            vec![
                "60 does on 07:30 late 30m holidays",
                "60 missed on 07:30 late 30m holidays of 26 07:30, late",
                "61 missed on 07:30 holidays of 26 07:30",
                "62 missed on 07:30 of 26 07:30",
            ],
        ),
        (
            // Too late for one; of the other the newest alone.
            Some("2026-11-26T07:00"),
            "2026-11-26T08:01",
            vec![
                "60 missed on 07:30 late 30m holidays of 26 07:30",
                "61 does reset 07:40 late 2h holidays",
                "61 missed on 07:30 holidays of 26 07:30",
                "61 missed reset 07:40 late 2h holidays of 26 07:40, late",
                "62 missed on 07:30 of 26 07:30",
            ],
        ),
        (
            // Long ago: each line once. The holiday is no change that was missed.
            Some("2026-01-01T00:00"),
            "2026-11-28T07:00",
            vec![
                "60 missed off 20:30 of 27 20:30",
                "60 missed on 07:30 late 30m holidays of 27 07:30",
                "61 missed on 07:30 holidays of 27 07:30",
                "61 missed reset 07:40 late 2h holidays of 27 07:40",
                "62 missed on 07:30 of 26 07:30",
            ],
        ),
        // The journal is of the future: the clock was set back since.
        (Some("2027-01-01T00:00"), "2026-11-26T07:40", vec![]),
    ] {
        let mut agenda = Agenda::new(last.map(at), at(now));
        assert_eq!(words(agenda.due(&conf, &served(), at(now))), expected, "{last:?} {now}");
        assert_eq!(words(agenda.due(&conf, &served(), at(now))), [""; 0], "told once");
    }
}

#[test]
fn a_clock_that_is_set_does_nothing_twice_and_loses_nothing() {
    let conf = tree();
    let mut agenda = Agenda::new(None, at("2026-11-26T07:00"));
    let mut due = |now: &str| words(agenda.due(&conf, &served(), at(now)));
    assert_eq!(due("2026-11-26T07:30").len(), 3);
    // Back: 07:30 comes again.
    assert_eq!(due("2026-11-26T07:10"), [""; 0]);
    assert_eq!(due("2026-11-26T07:30"), [""; 0]);
    assert_eq!(due("2026-11-26T07:40"), ["61 does reset 07:40 late 2h holidays"]);
    // Forward, as after a sleep: like missed.
    assert_eq!(due("2026-11-26T21:30"), ["60 missed off 20:30 of 26 20:30"]);
    // Back again: what was only missed is done at its time.
    assert_eq!(due("2026-11-26T20:00"), [""; 0]);
    assert_eq!(due("2026-11-26T20:30"), ["60 does off 20:30"]);
    // Before the program began.
    assert_eq!(due("2026-11-25T20:00"), [""; 0]);
    assert_eq!(due("2026-11-25T20:30"), ["60 does off 20:30"]);
}

#[test]
fn a_new_line_does_not_count_for_the_time_before_it() {
    let conf = tree();
    let mut agenda = Agenda::new(None, at("2026-11-26T07:00"));
    // Nothing was scheduled until 07:35.
    agenda.pass(at("2026-11-26T07:35"), None);
    assert_eq!(agenda.next(&conf), Some(at("2026-11-26T07:40")));
    // What is due at the moment of another edit is done all the same.
    agenda.pass(at("2026-11-26T07:40"), Some(at("2026-11-26T07:40")));
    assert_eq!(words(agenda.due(&conf, &served(), at("2026-11-26T07:40"))), ["61 does reset 07:40 late 2h holidays"]);
}
