//! Snapshots of whole screens.

use super::story::{SERVER, Story, mac};
use crate::{
    command::{Command, Found},
    console::{model::Pane, theme::Abilities, update::Effect},
    event::*,
    state::Replica,
};
use ratatui::style::{Color, Modifier};
use std::{net::Ipv4Addr, sync::Arc};

#[test]
fn an_empty_segment_says_what_to_do() {
    insta::assert_snapshot!(Story::begin().screen(80, 24));
}

#[test]
fn machines_at_80x24() {
    let mut story = Story::of_three();
    story.types("j");
    insta::assert_snapshot!(story.screen(80, 24));
}

#[test]
fn everything_at_140x45() {
    insta::assert_snapshot!(Story::of_three().screen(140, 45));
}

#[test]
fn a_database_that_is_behind() {
    let mut story = Story::of_three();
    let database = "http://couch.lan:5984/pxelator".to_owned();
    let trouble = Some(("it cannot be reached: Connection refused".to_owned(), "see that CouchDB runs".to_owned()));
    let oldest = Some("2026-11-24T09:17:00Z".parse().unwrap());
    let replica = Replica { database: database.clone(), behind: 12_345, oldest, trouble };
    story.replicas.insert(database, replica);
    story.types("lll");
    insta::assert_snapshot!(story.screen(80, 24));
    story.types("!");
    insta::assert_snapshot!(story.screen(80, 24));
    for replica in story.replicas.values_mut() {
        *replica = Replica { database: replica.database.clone(), ..Replica::default() };
    }
    story.types("<esc>");
    assert!(story.screen(80, 24).contains("couchdb: up to date"));
}

#[test]
fn machines_of_another_server() {
    let mut story = Story::of_three();
    let elsewhere = Ipv4Addr::new(10, 78, 0, 1);
    let db1 = MachineSummary {
        address: Ipv4Addr::new(10, 78, 0, 70),
        mac: mac(60),
        hostname: "db1".to_owned(),
        boot: None,
        armed: None,
        last: None,
        firmware: None,
        power: Some("wol".to_owned()),
    };
    let loaded = Fact::ConfLoaded {
        domain: "lab.lan".to_owned(),
        mode: "authoritative".to_owned(),
        pool: None,
        machines: vec![db1],
    };
    let time = "2026-11-24T09:19:00Z".parse().unwrap();
    story.state.apply_remote(&Arc::new(Event { time, ..Event::new(Some(elsewhere), loaded) }));
    story.types("jm");
    assert_eq!(story.model.selected_machine(&story.state).unwrap().1.name(), "uefi1", "the same stays selected");
    story.types("G");
    insta::assert_snapshot!(story.screen(80, 24));
    assert_eq!(story.types("o"), []);
    assert!(story.screen(80, 24).contains("another PXElator serves 10.78.0.1"), "{}", story.screen(80, 24));
    story.types("kkk");
    assert!(matches!(story.types("o")[..], [Effect::Send(Command::Power { .. })]));
    story.types("s");
    assert!(story.screen(80, 24).contains("10.78.0.1 lab.lan remote"), "{}", story.screen(80, 24));
    assert!(story.state.due("2027-01-01T00:00:00Z".parse().unwrap()).iter().all(|e| e.segment == Some(SERVER)));
}

#[test]
fn the_page_of_a_boot_under_way() {
    let mut story = Story::of_three();
    story.types("j<enter>");
    insta::assert_snapshot!(story.screen(80, 24));
}

#[test]
fn the_page_of_a_boot_that_stands_still() {
    let mut story = Story::of_three();
    story.types("jj<enter>");
    insta::assert_snapshot!(story.screen(80, 24));
}

#[test]
fn the_page_of_a_machine_that_is_up() {
    let mut story = Story::of_three();
    story.types("<enter>");
    insta::assert_snapshot!(story.screen(140, 45));
}

#[test]
fn each_pane_alone() {
    for pane in [Pane::Syslog, Pane::Leases, Pane::Audit] {
        let mut story = Story::of_three();
        story.model.pane = pane;
        insta::assert_snapshot!(format!("{pane:?}"), story.screen(80, 24));
    }
}

#[test]
fn questions_and_answers() {
    for (name, keys) in [
        ("help", "?"),
        ("power", "jp"),
        ("quit", "q"),
        ("sure", "pr"),
        ("filter", "/vml"),
        ("event", "<tab><tab><tab>v"),
    ] {
        let mut story = Story::of_three();
        story.screen(80, 24);
        story.types(keys);
        insta::assert_snapshot!(name, story.screen(80, 24));
    }
}

#[test]
fn a_filter_of_events_is_typed() {
    for (name, keys, (width, height)) in [
        ("filter_syntax", "/vml", (80, 24)),
        ("filter_fault", "/panic severity<=", (80, 24)),
        ("filter_fault_wide", "/machine=web1", (140, 45)),
        ("filter_searching", "/kind=boot.*<enter>", (80, 24)),
    ] {
        let mut story = Story::of_three();
        story.model.pane = Pane::Audit;
        story.types(keys);
        insta::assert_snapshot!(name, story.screen(width, height));
    }
}

#[test]
fn what_was_found_in_the_journal() {
    let mut story = Story::of_three();
    story.model.pane = Pane::Audit;
    story.types("/kind=boot.completed<enter>");
    let known = Event::clone(story.model.events(&story.state, Pane::Audit)[0]);
    let older = Event { time: known.time - jiff::SignedDuration::from_hours(48), ..known.clone() };
    let asked = story.model.now;
    story.model.found(&Found { asked, events: Ok(vec![older.into(), known.into()]) });
    insta::assert_snapshot!(story.screen(80, 24));
}

#[test]
fn what_is_wrong() {
    let mut story = Story::of_three();
    let (service, error) = (Service::Dhcp, "UDP port 67 of br0: Address already in use".to_owned());
    let next_step = "another program has that port: find it with `ss -tulpn` and stop it".to_owned();
    story.tell(0, None, Fact::ServiceFailed { service, error, next_step, retry: 1000 });
    let path = "10.77.0.1/lease".to_owned();
    let expected = "a duration of at least a minute, as 30m, 1h or 86400".to_owned();
    story.tell(0, None, Fact::ConfRejected { path, value: "soon".into(), expected });
    story.types("!");
    insta::assert_snapshot!(story.screen(80, 24));
}

#[test]
fn without_colours_and_beyond_ascii() {
    let mut story = Story::of_three();
    story.abilities = Abilities { colours: false, unicode: false };
    let terminal = story.terminal(80, 24);
    let screen = terminal.backend().to_string();
    let colours =
        terminal.backend().buffer().content().iter().filter(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset);
    assert_eq!(colours.count(), 0);
    let selected = terminal.backend().buffer().cell((2, 4)).unwrap();
    assert!(selected.modifier.contains(Modifier::REVERSED), "the selected line is seen without colour");
    let beyond: Vec<char> = screen.chars().filter(|c| !c.is_ascii()).collect();
    assert!(beyond.is_empty(), "{beyond:?} in\n{screen}");
}

#[test]
fn every_size_can_be_drawn() {
    let sizes = (1..60).map(|height| (80, height)).chain((1..130).map(|width| (width, 24)));
    for (width, height) in sizes.chain([(1, 1), (109, 19), (110, 29), (110, 32), (300, 100)]) {
        for keys in [
            "",
            "<enter>",
            "?",
            "!",
            "p",
            "pf",
            "<tab>",
            "<tab><tab><tab>v",
            "/x",
            "z",
            ":",
            ":po u",
            ":servers<enter>",
        ] {
            let mut story = Story::of_three();
            story.types(keys);
            story.screen(width, height);
        }
    }
}
