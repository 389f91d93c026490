//! Power in the console: the menu, marks, a change of many machines, the doctor, trust, and what the list and the page say.

use super::story::{SERVER, Story, mac};
use crate::{
    command::Command,
    conf,
    console::{
        lock,
        model::{Dialog, Pane},
        mouse,
        plain::talk::Talk,
        update::Effect,
    },
    event::*,
};
use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use std::{fs, net::Ipv4Addr, sync::Arc, time::Duration};

fn at(last: u8) -> (Ipv4Addr, Ipv4Addr) {
    (SERVER, Ipv4Addr::new(10, 77, 0, last))
}

fn many(machines: &[u8], action: Action) -> Effect {
    let machines = machines.iter().map(|last| at(*last)).collect();
    Effect::Send(Command::Power { machines, action, stagger: Duration::from_secs(2), by: Asker::Operator })
}

fn one(last: u8, action: Action) -> Effect {
    Effect::Send(Command::Power { machines: vec![at(last)], action, stagger: Duration::ZERO, by: Asker::Operator })
}

fn requested(action: Action, method: &str) -> Fact {
    Fact::PowerRequested { action, method: method.into(), by: Asker::Operator }
}

fn accepted(action: Action, method: &str, manner: Manner) -> Fact {
    Fact::PowerAccepted { action, method: method.into(), manner }
}

fn failed(action: Action, method: &str, error: &str) -> Fact {
    let next_step = "see that it has a cable".to_owned();
    Fact::PowerFailed { action, method: method.into(), error: error.into(), next_step }
}

fn unconfirmed(action: Action) -> Fact {
    let tried = [("amt", "it cannot be reached: Connection refused"), ("wol", "nothing was heard of it for 60 s")];
    let tried = tried.map(|(method, said)| Tried { method: method.into(), said: said.into() }).to_vec();
    Fact::PowerUnconfirmed { action, tried, next_step: "`pxelator power doctor uefi1` goes through it".into() }
}

/// The three machines in conf, with ladders and schedules.
fn with_conf() -> (Story, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let machine = |last: u8, name: &str| {
        [("mac", mac(last).to_string()), ("hostname", name.to_owned())]
            .map(|(file, value)| (format!("10.77.0.1/10.77.0.{last}/{file}"), value))
    };
    let files = [machine(60, "bios1"), machine(61, "uefi1"), machine(62, "broken1")].concat().into_iter().chain([
        ("10.77.0.1/timezone".to_owned(), "UTC".to_owned()),
        ("10.77.0.1/10.77.0.60/power".to_owned(), "qemu".to_owned()),
        ("10.77.0.1/10.77.0.61/power".to_owned(), "amt tls 10.77.0.200\nwol".to_owned()),
        ("10.77.0.1/10.77.0.62/power".to_owned(), "wol".to_owned()),
        ("10.77.0.1/10.77.0.61/schedule".to_owned(), "on 07:30 Mon-Fri\noff 20:30".to_owned()),
    ]);
    for (path, value) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, value).unwrap();
    }
    let mut story = Story::of_three();
    story.conf = conf::read(folder.path(), None).conf;
    assert_eq!(story.conf.segments[&SERVER].machines.len(), 3);
    (story, folder)
}

#[test]
fn every_change_has_its_letter_and_what_destroys_is_asked_for() {
    for (keys, effects) in [
        ("po", vec![one(60, Action::On)]),
        ("pf", vec![]),
        ("pfy", vec![one(60, Action::Off)]),
        ("pry", vec![one(60, Action::Reset)]),
        ("pcy", vec![one(60, Action::Cycle)]),
        ("pn", vec![]),
        ("pny", vec![one(60, Action::Pxe)]),
        ("psn", vec![]),
        ("psy", vec![one(60, Action::Setup)]),
        ("pl", vec![Effect::Send(Command::Look { machines: vec![at(60)] })]),
        ("pd", vec![Effect::Send(Command::Examine { machine: at(60) })]),
        ("pk<enter>", vec![Effect::Send(Command::Examine { machine: at(60) })]),
        // Nothing is scheduled, and no certificate was shown.
        ("px", vec![]),
        ("pt", vec![]),
    ] {
        assert_eq!(Story::of_three().types(keys), effects, "{keys}");
    }
    let mut story = Story::of_three();
    story.tell(0, Some(60), Fact::PowerObserved { state: PowerState::Off, method: "qemu".into() });
    assert_eq!(story.types("pn"), [one(60, Action::Pxe)], "what is off loses nothing");
    let (error, next_step) = ("Connection refused".to_owned(), "see that it has a cable".to_owned());
    story.tell(0, Some(60), Fact::PowerUnobserved { method: "amt".into(), error, next_step });
    assert_eq!(story.types("pn"), [], "what may be on is asked for");
    assert!(story.screen(80, 24).contains("It may run"), "{}", story.screen(80, 24));
}

#[test]
fn marked_machines_are_switched_together_after_a_question() {
    let mut story = Story::of_three();
    story.types("  ");
    insta::assert_snapshot!("marked", story.screen(80, 24));
    story.types("/broken<enter>");
    assert_eq!(story.model.marked(&story.state), [(SERVER, mac(60)), (SERVER, mac(61))], "a filter hides, no more");
    story.types("<esc>");
    assert_eq!(story.types("p"), []);
    insta::assert_snapshot!("power_of_many", story.screen(80, 24));
    assert_eq!(story.types("f"), []);
    insta::assert_snapshot!("sure_of_many", story.screen(80, 24));
    assert_eq!(story.types("n"), []);
    assert_eq!(story.model.marks.len(), 2, "they stay marked");
    assert_eq!(story.types("o"), [], "also what destroys nothing is asked for, of many");
    assert_eq!(story.types("y"), [many(&[60, 61], Action::On)]);
    assert!(story.model.marks.is_empty());
    // All, but no strangers; and none again.
    story.types("*");
    assert_eq!(story.model.marks.len(), 3);
    story.types("*");
    assert_eq!(story.model.marks.len(), 0);
    story.types("G ");
    assert!(story.model.word.as_deref().unwrap().contains("only machines of conf can be marked"));
    story.types("*<esc>");
    assert_eq!((story.model.marks.len(), story.model.batch.is_some()), (3, false), "the panel goes first");
    story.types("<esc>");
    assert_eq!(story.model.marks.len(), 0);
    // On a page its machine is meant.
    story.types("g j<enter>");
    assert_eq!(story.types("o"), [one(62, Action::On)]);
}

#[test]
fn many_are_followed_to_the_end_of_each() {
    let mut story = Story::of_three();
    assert_eq!(story.types("*oy"), [many(&[60, 61, 62], Action::On)]);
    let counts = |story: &Story| {
        let tally = story.model.batch.as_ref().unwrap().tally(&story.state);
        (tally.waiting, tally.asked, tally.accepted, tally.seen, tally.failed)
    };
    assert_eq!(counts(&story), (3, 0, 0, 0, 0), "the changes of before are others");
    story.tell(10, Some(60), requested(Action::On, "qemu"));
    assert_eq!(counts(&story), (2, 1, 0, 0, 0));
    story.tell(200, Some(60), accepted(Action::On, "qemu", Manner::Done));
    story.tell(1_800, Some(61), requested(Action::On, "amt"));
    insta::assert_snapshot!("batch_underway", story.screen(80, 24));
    let evidence = Evidence::Discover;
    story.tell(
        900,
        Some(60),
        Fact::PowerConfirmed { action: Action::On, method: "qemu".into(), evidence, millis: 2_900 },
    );
    story.tell(10, Some(61), failed(Action::On, "amt", "it cannot be reached: Connection refused"));
    assert_eq!(counts(&story), (1, 1, 0, 1, 0), "the next way is asked");
    story.tell(10, Some(61), requested(Action::On, "wol"));
    story.tell(10, Some(61), accepted(Action::On, "wol", Manner::Done));
    let (error, next_step) = ("another change of its power is under way".to_owned(), "wait for that".to_owned());
    story.tell(10, Some(62), Fact::PowerRefused { action: Action::On, error, next_step });
    story.tell(60_000, Some(61), unconfirmed(Action::On));
    assert_eq!(counts(&story), (0, 0, 0, 1, 2));
    insta::assert_snapshot!("batch_over", story.screen(80, 24));
    insta::assert_snapshot!("batch_over_wide", story.screen(140, 45));
    story.types("<esc>");
    assert!(story.model.batch.is_none());
}

#[test]
fn the_mouse_marks() {
    let mut story = Story::of_three();
    story.screen(80, 24);
    let rows = story.sight.rows[Pane::Machines as usize].unwrap();
    let click = |button, modifiers, line: u16| MouseEvent {
        kind: MouseEventKind::Down(button),
        column: rows.x + 2,
        row: rows.y + line,
        modifiers,
    };
    let mut press = |button, modifiers, line| {
        mouse::mouse(&mut story.model, &story.state, &story.sight, click(button, modifiers, line));
        story.model.marked(&story.state).iter().map(|(_, mac)| mac.0[5]).collect::<Vec<_>>()
    };
    assert_eq!(press(MouseButton::Right, KeyModifiers::NONE, 1), [61]);
    assert_eq!(press(MouseButton::Left, KeyModifiers::CONTROL, 0), [60, 61]);
    assert_eq!(press(MouseButton::Right, KeyModifiers::NONE, 1), [60]);
    assert_eq!(press(MouseButton::Left, KeyModifiers::NONE, 2), [60], "a click chooses a line");
}

#[test]
fn how_far_a_change_is() {
    let (mut story, _folder) = with_conf();
    story.types("j");
    let line = |story: &mut Story| {
        let screen = story.screen(140, 45);
        screen.lines().find(|line| line.contains("uefi1   10.77.0.61")).unwrap().to_owned()
    };
    for (fact, column, word) in [
        (requested(Action::On, "amt"), "asked", "power on asked of amt"),
        (failed(Action::On, "amt", "Connection refused"), "next way", "power on: amt: Connection refused"),
        (requested(Action::On, "wol"), "asked", "power on asked of wol"),
        (accepted(Action::On, "wol", Manner::Done), "accepted", "power on accepted by wol; not seen yet"),
        (unconfirmed(Action::On), "on", "power on was not followed: amt: it cannot be"),
        (requested(Action::Off, "amt"), "asked", "power off asked of amt"),
        (accepted(Action::Off, "amt", Manner::Gently), "shutting", "its system shuts down"),
        (
            Fact::PowerConfirmed { action: Action::Off, method: "amt".into(), evidence: Evidence::State, millis: 900 },
            "off",
            "power off by amt seen after 0.9 s: what",
        ),
        (
            Fact::PowerUnobserved { method: "amt".into(), error: "it is silent".into(), next_step: "wait".into() },
            "?",
            "amt does not tell whether it is on",
        ),
    ] {
        story.tell(100, Some(61), fact.clone());
        let line = line(&mut story);
        let shown = line.contains(&format!(" {column:<8} ")) && line.contains(word);
        assert!(shown, "{fact:?}: expected {column} and {word} in {line}");
    }
}

#[test]
fn the_page_tells_ways_steps_next_changes_and_alarms() {
    let (mut story, _folder) = with_conf();
    story.tell(0, Some(61), requested(Action::On, "amt"));
    story.tell(400, Some(61), failed(Action::On, "amt", "it cannot be reached: Connection refused"));
    story.tell(10, Some(61), requested(Action::On, "wol"));
    story.tell(1, Some(61), accepted(Action::On, "wol", Manner::Done));
    story.tell(60_000, Some(61), unconfirmed(Action::On));
    let due = "2026-11-25T07:30:00Z".parse().unwrap();
    story.tell(0, Some(61), Fact::AlarmSet { due, method: "amt".into() });
    story.types("j<enter>");
    insta::assert_snapshot!("page_power", story.screen(80, 24));
    insta::assert_snapshot!("page_power_wide", story.screen(140, 45));
    let (mut story, _folder) = with_conf();
    insta::assert_snapshot!("list_power_wide", story.screen(140, 45));
    story.types(":power<enter>");
    insta::assert_snapshot!("power_list", story.screen(80, 24));
}

#[test]
fn the_next_scheduled_change_is_skipped() {
    let (mut story, _folder) = with_conf();
    story.types("jp");
    let screen = story.screen(80, 24);
    assert!(screen.contains("x  pass over off 20:30 today (off 20:30)"), "{screen}");
    assert_eq!(story.types("x"), [Effect::Send(Command::Skip { machine: at(61), skip: true })]);
    assert_eq!(story.types(":unskip uefi1<enter>"), [Effect::Send(Command::Skip { machine: at(61), skip: false })]);
}

#[test]
fn the_doctor_is_followed() {
    let mut story = Story::of_three();
    let examined = |step: &str, words: &str, next: Option<&str>| Fact::PowerExamined {
        method: "amt".into(),
        step: step.into(),
        words: words.into(),
        next_step: next.map(ToOwned::to_owned),
    };
    story.tell(0, Some(61), examined("port", "of an earlier time", None));
    story.tell(5, None, Fact::ServiceStopped { service: Service::Radv });
    assert_eq!(story.types("jpd"), [Effect::Send(Command::Examine { machine: at(61) })]);
    story.tell(5, Some(61), examined("name", "10.77.0.200", None));
    story.tell(5, Some(61), examined("port", "16993 takes connections", None));
    let next = "write the right name and password into 10.77.0.61/amt.secret";
    story.tell(5, Some(61), examined("Digest", "it refuses the name or the password", Some(next)));
    insta::assert_snapshot!("doctor_underway", story.screen(80, 24));
    story.tell(5, Some(61), Fact::PowerDiagnosed { well: 0, ill: 1 });
    story.types("x");
    insta::assert_snapshot!("doctor_over", story.screen(80, 24));
    assert!(!story.screen(80, 24).contains("of an earlier time"));
    story.types("<esc>");
    assert_eq!(story.model.dialog, None);
}

#[test]
fn a_certificate_is_trusted_after_its_fingerprint_was_shown() {
    let print = "3f".repeat(32);
    let mut story = Story::of_three();
    let error = format!("its certificate changed: {} was trusted, it shows {print}", "aa".repeat(32));
    story.tell(10, Some(61), failed(Action::On, "amt", &error));
    assert_eq!(story.types("jpt"), []);
    insta::assert_snapshot!("trust", story.screen(80, 24));
    let trusted = Command::Trust { machine: at(61), method: "amt".into(), fingerprint: print.clone() };
    assert_eq!(story.types("y"), [Effect::Send(trusted.clone())]);
    assert_eq!(story.types(":trust uefi1<enter>n"), []);
    assert_eq!(story.types(":trust uefi1<enter>y"), [Effect::Send(trusted)]);
    story.tell(10, Some(61), Fact::PowerTrusted { method: "amt".into(), fingerprint: print });
    assert_eq!(story.types("pt<esc>:trust uefi1<enter>"), []);
    assert!(story.model.word.as_deref().unwrap().contains("no"), "{:?}", story.model.word);
    assert!(!matches!(story.model.dialog, Some(Dialog::Trust { .. })));
}

#[test]
fn nothing_of_it_is_done_read_only() {
    for keys in [" ", "*", "*p", "p", ":power cycle all<enter>", ":skip uefi1<enter>", ":trust uefi1<enter>"] {
        let mut story = Story::of_three();
        story.model.read_only = true;
        assert_eq!(story.types(keys), [], "{keys}");
        assert_eq!(story.model.word.as_deref(), Some(lock::REFUSED), "{keys}");
        assert!(story.model.marks.is_empty() && story.model.batch.is_none() && story.model.dialog.is_none(), "{keys}");
    }
    let mut story = Story::of_three();
    story.model.read_only = true;
    assert_eq!(story.types(":doctor uefi1<enter>"), [Effect::Send(Command::Examine { machine: at(61) })]);
    assert_eq!(story.types("<esc>:look all<enter>").len(), 1, "looking changes nothing");
}

#[test]
fn many_are_told_in_lines() {
    let mut story = Story::of_three();
    let mut talk = Talk::new(None, false);
    let (lines, effect) = talk.line(story.world(), "power off bios1 u* broken1");
    assert_eq!(effect, Effect::None);
    assert_eq!(
        lines,
        [
            "Switch off 3 machines, one every 2 s? 3 of them run, or may. bios1, uefi1, broken1 y does it, anything else leaves it."
        ]
    );
    let (_, effect) = talk.line(story.world(), "y");
    assert_eq!(effect, many(&[60, 61, 62], Action::Off));
    assert_eq!(talk.progress(story.world()), [""; 0]);
    for last in [60, 61, 62] {
        story.tell(10, Some(last), requested(Action::Off, "qemu"));
        story.tell(10, Some(last), accepted(Action::Off, "qemu", Manner::Gently));
    }
    let confirmed =
        || Fact::PowerConfirmed { action: Action::Off, method: "qemu".into(), evidence: Evidence::State, millis: 900 };
    story.tell(10, Some(60), confirmed());
    assert_eq!(talk.progress(story.world()), ["power off: 1 of 3 seen, 2 accepted"]);
    assert_eq!(talk.progress(story.world()), [""; 0], "told once");
    story.tell(10, Some(61), unconfirmed(Action::Off));
    story.tell(10, Some(62), confirmed());
    let lines = talk.progress(story.world());
    assert_eq!(lines[0], "power off: 2 of 3 seen, 1 failed; that is all");
    assert!(lines[1].starts_with("uefi1: amt: it cannot be reached"), "{lines:?}");
    assert_eq!(talk.progress(story.world()), [""; 0]);
    let (lines, _) = talk.line(story.world(), "power");
    assert_eq!(lines[0], "Power: 3");
    let (lines, effect) = talk.line(story.world(), "doctor uefi1");
    assert_eq!(effect, Effect::Send(Command::Examine { machine: at(61) }));
    assert!(!talk.is_asking() && lines.concat().contains("events"), "{lines:?}");
}

#[test]
fn machines_that_come_from_nowhere_are_drawn() {
    let (mut story, _folder) = with_conf();
    story.types("*oy");
    story.state.segments.get_mut(&SERVER).unwrap().machines.remove(&mac(61));
    story.tell(1, Some(99), Fact::ServiceStopped { service: Service::Dns });
    let sizes = (1..60).map(|height| (80, height)).chain((1..150).map(|width| (width, 24)));
    for (width, height) in sizes {
        story.screen(width, height);
    }
    let event = Event::new(Some(SERVER), unconfirmed(Action::On));
    story.state.apply(&Arc::new(event.about(None, Some(mac(62)))));
    let screen = story.screen(80, 24);
    assert!(screen.contains("it is gone from conf"), "{screen}");
}
