//! What keys and clicks change, and which commands come of them.

use super::story::{SERVER, Story, mac};
use crate::{
    command::{Command, Found},
    conf::{self, Conf},
    console::{
        answers,
        model::{Dialog, Pane},
        mouse,
        update::{self, Effect},
    },
    event::{Action, Asker, Event, Evidence, Fact, Manner},
};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use std::time::Duration;
use std::{fs, net::Ipv4Addr, sync::Arc};

fn power(last: u8, action: Action) -> Effect {
    Effect::Send(Command::Power {
        machines: vec![(SERVER, Ipv4Addr::new(10, 77, 0, last))],
        action,
        stagger: Duration::ZERO,
        by: Asker::Operator,
    })
}

#[test]
fn power_keys() {
    for (keys, effects) in [
        ("o", vec![power(60, Action::On)]),
        ("jo", vec![power(61, Action::On)]),
        ("jp<enter>", vec![power(61, Action::On)]),
        ("jpj<enter>y", vec![power(61, Action::Off)]),
        ("pfy", vec![power(60, Action::Off)]),
        ("jj<enter>pry", vec![power(62, Action::Reset)]),
        // Nothing running is cut off without a question.
        ("pf", vec![]),
        ("pr<enter>", vec![]),
        ("p<esc>", vec![]),
        // A stranger cannot be switched.
        ("Go", vec![]),
    ] {
        assert_eq!(Story::of_three().types(keys), effects, "{keys}");
    }
}

#[test]
fn quitting_asks_while_machines_boot() {
    let mut story = Story::of_three();
    assert_eq!(story.types("q"), []);
    assert_eq!(story.model.dialog, Some(Dialog::Quit { boots: 2 }), "the stranger's counts too");
    assert_eq!(story.types("n"), []);
    assert_eq!(story.types("qy"), [Effect::Send(Command::Quit)]);
    assert_eq!(Story::begin().types("q"), [Effect::Send(Command::Quit)]);
}

#[test]
fn a_filter_is_typed_kept_and_cleared() {
    let mut story = Story::of_three();
    story.types("/UEFI<enter>");
    let names = |story: &Story| -> Vec<String> {
        story.model.machines(&story.state).iter().map(|(_, m)| m.hostname.clone().unwrap_or_default()).collect()
    };
    assert_eq!(names(&story), ["uefi1"]);
    story.types("/x<back>1<enter>");
    assert_eq!(names(&story), ["uefi1"], "words are added to the filter: UEFI1");
    story.types("/zzz<esc>");
    assert_eq!(names(&story), ["uefi1"], "leaving restores it");
    story.types("<esc>");
    assert_eq!(names(&story).len(), 4);
    story.types("<tab>/no host key<enter>");
    assert_eq!(story.model.events(&story.state, Pane::Syslog).len(), 1);
}

#[test]
fn a_stream_is_paused_and_followed() {
    let mut story = Story::of_three();
    story.types("<tab> ");
    let count = |story: &Story| story.model.events(&story.state, Pane::Syslog).len();
    let (before, event) = (count(&story), story.model.events(&story.state, Pane::Syslog)[0].clone());
    story.tell(1, Some(60), event.fact.clone());
    assert_eq!(count(&story), before, "what comes while it is paused is not shown");
    story.types(" ");
    assert_eq!(count(&story), before + 1);
    story.types("k");
    assert!(!story.model.place().follow);
    story.types("f");
    assert!(story.model.place().follow);
}

#[test]
fn a_page_opens_from_every_pane_and_goes_back() {
    for (keys, last) in
        [("jj<enter>", 62), ("<tab><enter>", 60), ("<tab><tab><enter>", 60), ("<tab><tab><tab>Gk<enter>", 99)]
    {
        let mut story = Story::of_three();
        story.types(keys);
        assert_eq!(story.model.page.map(|(mac, _)| mac), Some(mac(last)), "{keys}");
        story.types("<esc>");
        assert_eq!(story.model.page, None);
    }
}

#[test]
fn a_page_scrolls_no_further_than_its_end() {
    let mut story = Story::of_three();
    story.types("<enter>");
    story.screen(80, 24);
    story.types("<pgdn><pgdn><pgdn><pgdn><pgdn><pgdn>");
    let end = story.model.page.unwrap().1;
    assert_eq!(end, story.model.page_lines - story.model.height);
    story.types("k");
    assert_eq!(story.model.page.unwrap().1, end - 1);
}

#[test]
fn adopting_suggests_checks_and_sends() {
    let folder = tempfile::tempdir().unwrap();
    for (path, value) in [("60/mac", "52:54:00:77:00:60"), ("60/hostname", "bios1")] {
        let path = folder.path().join("10.77.0.1").join(format!("10.77.0.{path}"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, value).unwrap();
    }
    let mut story = Story::of_three();
    story.conf = conf::read(folder.path(), None).conf;
    assert_ne!(story.conf, Conf::default());
    story.types("Ga");
    insta::assert_snapshot!("adopt", story.screen(80, 24));
    let (hostname, address) = ("m-10-77-0-63".to_owned(), Ipv4Addr::new(10, 77, 0, 63));
    let adopt = Command::Adopt { segment: SERVER, mac: mac(99), address, hostname };
    assert_eq!(story.types("<enter>"), [Effect::Send(adopt)]);
    // An address that is taken is said to be, and the form stays.
    story.types("Ga<back>0");
    assert_eq!(story.types("<enter>"), []);
    insta::assert_snapshot!("adopt_taken", story.screen(80, 24));
    let mut in_conf = Story::of_three();
    in_conf.types("a");
    assert_eq!(in_conf.model.word.as_deref(), Some("it is in conf already"));
}

#[test]
fn clicks_choose_and_open_and_the_wheel_moves() {
    let mut story = Story::of_three();
    story.screen(80, 24);
    let turn = |story: &mut Story, kind, column, row| {
        let event = MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
        mouse::mouse(&mut story.model, &story.state, &story.sight, event);
    };
    let click = MouseEventKind::Down(MouseButton::Left);
    turn(&mut story, click, 10, 5);
    assert_eq!(story.model.places[0].line, 1);
    turn(&mut story, click, 10, 5);
    assert_eq!(story.model.page.map(|(mac, _)| mac), Some(mac(61)));
    story.types("<esc>");
    turn(&mut story, MouseEventKind::ScrollDown, 10, 5);
    assert_eq!(story.model.places[0].line, 3, "no further than the last line");
    turn(&mut story, click, 13, 1);
    assert_eq!(story.model.pane, Pane::Syslog);
}

#[test]
fn modifiers_and_pasted_text_are_no_keys() {
    let mut story = Story::of_three();
    let press = |story: &mut Story, code, modifiers| {
        update::key(&mut story.model, &story.state, &story.conf, KeyEvent::new(code, modifiers))
    };
    assert_eq!(press(&mut story, KeyCode::Char('o'), KeyModifiers::ALT), Effect::None);
    story.types("p");
    assert_eq!(press(&mut story, KeyCode::Char('r'), KeyModifiers::CONTROL), Effect::None);
    story.types("<esc>");
    answers::paste(&mut story.model, &story.state, "prod");
    assert_eq!(story.model.dialog, None);
    story.types("/a b");
    answers::paste(&mut story.model, &story.state, " c\u{1b}");
    assert_eq!(story.model.place().filter, "a b c");
    press(&mut story, KeyCode::Char('w'), KeyModifiers::CONTROL);
    assert_eq!(story.model.place().filter, "a b ");
    press(&mut story, KeyCode::Char('u'), KeyModifiers::CONTROL);
    assert_eq!(story.model.place().filter, "");
    press(&mut story, KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(story.model.dialog, Some(Dialog::Quit { boots: 2 }));
}

#[test]
fn what_is_chosen_stays_chosen_while_lines_come() {
    let mut story = Story::of_three();
    story.types("jj");
    story.load(&[(50, "first"), (60, "bios1"), (61, "uefi1"), (62, "broken1")]);
    assert_eq!(story.model.machine(&story.state).unwrap().hostname.as_deref(), Some("broken1"));
    story.types("<tab>k");
    let (chosen, fact) =
        (story.model.event(&story.state).unwrap().clone(), story.state.segments[&SERVER].syslog[0].fact.clone());
    (0..6_000).for_each(|_| story.tell(1, Some(60), fact.clone()));
    assert_ne!(story.model.event(&story.state), Some(&chosen), "it is gone from the ring");
    story.types("Gkk");
    let chosen = story.model.event(&story.state).unwrap().clone();
    (0..4_000).for_each(|_| story.tell(1, Some(60), fact.clone()));
    assert!(std::sync::Arc::ptr_eq(story.model.event(&story.state).unwrap(), &chosen));
    story.types("Gf");
    let line = story.model.selected(&story.state, Pane::Syslog);
    assert_eq!(line, Some(4_999), "following ends where it is");
}

#[test]
fn long_dialogs_scroll() {
    let mut story = Story::of_three();
    for n in 0..30 {
        let (path, value, expected) = (format!("10.77.0.1/10.77.0.{n}/mac"), "x".to_owned(), "a MAC".to_owned());
        story.tell(0, None, crate::event::Fact::ConfRejected { path, value, expected });
    }
    story.types("!");
    let before = story.screen(80, 24);
    story.types("<pgdn>jj");
    let after = story.screen(80, 24);
    assert!(before != after && after.contains("What is wrong"), "{after}");
    story.types("x");
    assert_eq!(story.model.dialog, None);
}

#[test]
fn a_key_that_does_nothing_here_says_so() {
    let mut story = Story::of_three();
    assert_eq!(story.types("x"), []);
    assert_eq!(story.model.word.as_deref(), Some("no such key here; ? shows those that work"));
}

#[test]
fn a_filter_of_events_is_checked_as_it_is_typed() {
    let mut story = Story::of_three();
    let count = |story: &Story| story.model.events(&story.state, Pane::Syslog).len();
    story.types("<tab>");
    let all = count(&story);
    story.types("/severity<=err");
    assert_eq!(count(&story), 1);
    story.types("xx<enter>");
    assert!(matches!(story.model.dialog, Some(Dialog::Filter(_))), "a bad filter is not taken");
    assert_eq!((count(&story), story.model.place().fault.as_ref().unwrap().column), (1, 11));
    story.types("<back><back> machine=uefi1<enter>");
    assert_eq!((count(&story), story.model.dialog.clone()), (0, None));
    story.types("/x<esc>");
    assert_eq!((count(&story), story.model.place().filter.as_str()), (0, "severity<=err machine=uefi1"));
    story.types("<esc>");
    assert_eq!(count(&story), all);
}

#[test]
fn the_audit_asks_the_journal_for_what_is_older() {
    let mut story = Story::of_three();
    let count = |story: &Story| story.model.events(&story.state, Pane::Audit).len();
    story.model.pane = Pane::Audit;
    let sent = story.types("/kind=boot.completed<enter>");
    let [Effect::Send(Command::Find { segment: SERVER, filter, asked })] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!((filter.as_str(), count(&story)), ("kind=boot.completed", 1));
    let known = Event::clone(story.model.events(&story.state, Pane::Audit)[0]);
    let older = Event { time: known.time - jiff::SignedDuration::from_hours(48), ..known.clone() };
    let found = Found { asked: *asked, events: Ok(vec![Arc::new(older), Arc::new(known)]) };
    story.model.found(&Found { asked: *asked + jiff::SignedDuration::from_secs(1), ..found.clone() });
    assert_eq!(count(&story), 1, "that was another question");
    story.model.found(&found);
    assert_eq!(count(&story), 2, "what is there already is not shown twice");
    story.tell(10, Some(61), Fact::BootCompleted { millis: 1 });
    assert_eq!(count(&story), 3, "what comes is shown, too");
    assert_eq!(story.types("/ or<enter><esc>").len(), 1, "going back to it asks again");
    assert_eq!(story.types("<esc>/<enter>"), [], "without a filter nothing is asked");
}

/// The packets of the last boot of the machine with this last octet are kept in `file`.
fn record(story: &mut Story, last: u8, file: &str) {
    let machine = &story.state.segments[&SERVER].machines[&mac(last)];
    let began = machine.boot().unwrap().began;
    let fact = Fact::BootRecorded { file: file.to_owned(), began, packets: 214, bytes: 30_000, dropped: 0 };
    story.tell(1, Some(last), fact);
}

#[test]
fn the_packets_of_recorded_boots_are_opened() {
    let opened = |file: &str| {
        vec![Effect::Desk(crate::desk::Wanted::Packets(crate::desk::Packets::Recorded { file: file.into() }))]
    };
    let mut story = Story::of_three();
    story.model.windows = true;
    assert_eq!(story.types("B"), []);
    assert!(
        story.model.word.as_ref().unwrap().starts_with("of no boot of it are packets kept"),
        "{:?}",
        story.model.word
    );
    record(&mut story, 60, "log/bios1/a.pcapng");
    assert_eq!(story.types("B"), opened("log/bios1/a.pcapng"), "the one there is");
    let (action, method) = (Action::On, "qemu".to_owned());
    let confirmed = Fact::PowerConfirmed { action, method: method.clone(), evidence: Evidence::State, millis: 100 };
    story.tell(1, Some(60), confirmed);
    story.tell(5, Some(60), Fact::PowerAccepted { action, method, manner: Manner::Done });
    record(&mut story, 60, "log/bios1/b.pcapng");
    assert_eq!(story.types("B"), []);
    insta::assert_snapshot!(story.screen(80, 24));
    assert_eq!(story.types("<enter>"), opened("log/bios1/b.pcapng"), "the newest first");
    assert_eq!(story.types("<enter>Bj<enter>"), opened("log/bios1/a.pcapng"), "also from the page");
    assert_eq!(story.types("Bk<esc>"), []);
    assert!(story.screen(80, 24).contains(", 214 packets kept"));
    story.tell(9, Some(60), Fact::BootDiscarded { file: "log/bios1/a.pcapng".into() });
    assert_eq!(story.types("B"), opened("log/bios1/b.pcapng"), "what was let go is no choice");
    story.model.windows = false;
    assert_eq!(story.types("B"), [], "without a display in the console");
    assert!(story.model.room.is_some());
}
