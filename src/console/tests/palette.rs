//! The palette, the operator's own keys, and a console that changes nothing.

use super::story::{SERVER, Story, mac};
use crate::event::Asker;
use crate::{
    command::Command,
    console::{
        keys, lock,
        model::{Dialog, Pane},
        palette::candidates,
        rooms::Room,
        update::Effect,
    },
    desk::{Wanted, Way, What},
    event::Action,
    state::past::Go,
};
use std::time::Duration;
use std::{net::Ipv4Addr, sync::Arc};

const UEFI1: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 61);

fn power(last: u8, action: Action) -> Effect {
    Effect::Send(Command::Power {
        machines: vec![(SERVER, Ipv4Addr::new(10, 77, 0, last))],
        action,
        stagger: Duration::ZERO,
        by: Asker::Operator,
    })
}

#[test]
fn the_likeliest_is_the_first() {
    let story = Story::of_three();
    for (typed, first) in [
        ("power on uefi1", "power on uefi1"),
        ("pon ue", "power on uefi1"),
        ("uefi1 off", "power off uefi1"),
        ("res bios", "reset bios1"),
        ("page br", "page broken1"),
        ("ser uefi", "serial uefi1"),
        ("nextp", "next-pane"),
        ("zoom", "zoom"),
        ("QUIT", "quit"),
        ("aud", "audit"),
        ("theme", "theme"),
        ("seg 10", "segment 10.77.0.1"),
        // What it does is searched where no name fits.
        ("wrong", "troubles"),
    ] {
        let found = candidates(&story.model, &story.state, typed);
        assert_eq!(
            found.first().map(|found| found.text.as_str()),
            Some(first),
            "{typed}: {:?}",
            &found[..found.len().min(3)]
        );
    }
    assert_eq!(candidates(&story.model, &story.state, "xyzzy"), []);
}

#[test]
fn orders_are_done() {
    for (keys, effects) in [
        (":power on uefi1<enter>", vec![power(61, Action::On)]),
        (":pon uef<enter>", vec![power(61, Action::On)]),
        (":power off uefi1<enter>y", vec![power(61, Action::Off)]),
        (":reset bios1<enter>y", vec![power(60, Action::Reset)]),
        // Nothing running is cut off without a question.
        (":power off uefi1<enter>", vec![]),
        (":power off uefi1<enter>n", vec![]),
        (":quit<enter>", vec![]),
        (":quit<enter>y", vec![Effect::Send(Command::Quit)]),
        (":theme light<enter>", vec![Effect::Theme("light".to_owned())]),
        (":go to -2h<enter>", vec![Effect::At("-2h".to_owned())]),
        (":timeline<enter>", vec![Effect::Go(Go::Open)]),
        (":esc<esc>", vec![]),
        (":<enter>", vec![]),
        // Chosen with the arrows; completed with tab.
        (":power on<down><enter>", vec![power(61, Action::On)]),
        (":pon uef<tab><enter>", vec![power(61, Action::On)]),
    ] {
        assert_eq!(Story::of_three().types(keys), effects, "{keys}");
    }
    let terminal = |way| Effect::Desk(Wanted::Terminal(What::Machine { segment: SERVER, machine: UEFI1, way }));
    for (order, way) in
        [("terminal", None), ("ssh", Some(Way::Ssh)), ("serial", Some(Way::Serial)), ("shell", Some(Way::Shell))]
    {
        assert_eq!(Story::of_three().types(&format!(":{order} uefi1<enter>")), [terminal(way)]);
    }
}

#[test]
fn orders_change_what_is_shown() {
    let mut story = Story::of_three();
    story.types(":page uefi1<enter>");
    assert_eq!(story.model.page, Some((mac(61), 0)));
    story.types(":pane audit<enter>");
    assert_eq!((story.model.page, story.model.pane), (None, Pane::Audit));
    story.types(":syslog host key<enter>");
    assert_eq!(story.model.pane, Pane::Syslog);
    assert_eq!(story.model.events(&story.state, Pane::Syslog).len(), 1);
    story.types(":filter severity<=<enter>");
    assert_eq!(story.model.place().filter, "host key", "one that makes no sense changes nothing");
    assert!(story.model.word.as_deref().unwrap().starts_with("filter, column"), "{:?}", story.model.word);
    story.types(":next-pane<enter>");
    assert_eq!(story.model.pane, Pane::Leases);
    story.types(":view<enter>");
    assert_eq!(story.model.word.as_deref(), Some("that means nothing here"));
    let mut story = Story::of_three();
    story.look_back(false);
    story.types(":power on uefi1<enter>");
    assert!(story.model.word.as_deref().unwrap().contains("this is the past"), "{:?}", story.model.word);
    assert_eq!(story.types(":now<enter>"), [Effect::Go(Go::Close)]);
}

#[test]
fn packets_of_a_machine_are_opened() {
    let mut story = Story::of_three();
    assert_eq!(story.types(":packets uefi1<enter>"), []);
    match &story.model.room {
        Some(Room::Interfaces(room)) => assert_eq!(room.machine, Some((mac(61), "uefi1".to_owned()))),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_typed_comes_back() {
    let mut story = Story::of_three();
    story.types(":page uefi1<enter>:page bios1<enter>:");
    let typed = |story: &Story| match &story.model.dialog {
        Some(Dialog::Palette(palette)) => palette.typed.clone(),
        other => panic!("{other:?}"),
    };
    for (key, expected) in [
        ("<up>", "page bios1"),
        ("<up>", "page uefi1"),
        ("<up>", "page uefi1"),
        ("<down>", "page bios1"),
        ("<down>", ""),
    ] {
        story.types(key);
        assert_eq!(typed(&story), expected);
    }
    story.types("<up><enter>");
    assert_eq!(story.model.page, Some((mac(60), 0)));
    assert_eq!(story.model.history.take_new().as_deref(), Some("page bios1"));
}

#[test]
fn how_it_looks() {
    for (name, keys, (width, height)) in [
        ("palette", ":", (80, 24)),
        ("palette_typed", ":po u", (80, 24)),
        ("palette_typed_wide", ":po u<down>", (140, 45)),
        ("palette_error", ":power on nosuch<enter>", (80, 24)),
        ("palette_servers", ":servers<enter>", (80, 24)),
    ] {
        let mut story = Story::of_three();
        story.types(keys);
        insta::assert_snapshot!(name, story.screen(width, height));
    }
}

#[test]
fn nothing_is_changed_read_only() {
    for keys in [
        "o",
        "jo",
        "p",
        "t",
        "Ga",
        ":power on uefi1<enter>",
        ":adopt 52:54:00:77:00:63 10.77.0.63 x<enter>",
        ":serial uefi1<enter>",
    ] {
        let mut story = Story::of_three();
        story.model.read_only = true;
        assert_eq!(story.types(keys), [], "{keys}");
        assert!(story.model.word.as_deref() == Some(lock::REFUSED), "{keys}: {:?}", story.model.word);
    }
    let mut story = Story::of_three();
    story.model.read_only = true;
    assert_eq!(story.types("T"), [Effect::Desk(Wanted::Logs)]);
    assert_eq!(story.types("r"), [Effect::Go(Go::Open)]);
    let mut story = Story::of_three();
    story.model.read_only = true;
    story.types("?");
    insta::assert_snapshot!("help_read_only", story.screen(80, 24));
    let listed = candidates(&story.model, &story.state, "");
    assert!(
        listed.iter().all(|found| !found.text.starts_with("power ") && !found.text.starts_with("serial")),
        "{listed:?}"
    );
}

#[test]
fn own_keys_are_in_the_help_and_in_the_words() {
    let mut story = Story::of_three();
    let (keys, faults) = keys::read("power-on = ['x', 'f2']\nadopt = 'D'\nhelp = ['?', 'f1']\nzoom = []").unwrap();
    assert_eq!(faults, []);
    story.model.keys = Arc::new(keys);
    assert_eq!(story.types("x"), [power(60, Action::On)]);
    assert_eq!(story.types("o"), []);
    story.types("Gx");
    assert!(story.model.word.as_deref().unwrap().ends_with("adopt it with D"));
    story.types("?");
    insta::assert_snapshot!("help_own_keys", story.screen(140, 45));
}
