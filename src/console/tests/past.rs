//! The timeline: how the past looks, and what its keys ask for.

use super::story::{Story, mac};
use crate::{
    command::Command,
    console::{
        model::{Dialog, Pane},
        theme::Abilities,
        update::Effect,
    },
    state::past::Go,
};
use jiff::SignedDuration;
use ratatui::style::{Color, Modifier};

fn story() -> Story {
    let mut story = Story::of_three();
    story.look_back(false);
    story
}

#[test]
fn the_past_at_80x24() {
    insta::assert_snapshot!(story().screen(80, 24));
}

#[test]
fn the_past_is_played_at_140x45() {
    let mut story = Story::of_three();
    story.look_back(true);
    insta::assert_snapshot!(story.screen(140, 45));
}

#[test]
fn the_help_of_the_past() {
    let mut story = story();
    story.types("?");
    insta::assert_snapshot!(story.screen(80, 24));
}

#[test]
fn a_moment_is_asked_for() {
    let mut story = story();
    assert_eq!(story.types("@-2x<back>h"), []);
    insta::assert_snapshot!(story.screen(80, 24));
    assert_eq!(story.types("<enter>"), [Effect::At("-2h".to_owned())]);
    assert_eq!(story.model.dialog, None);
    assert_eq!(story.types("@09<esc>"), []);
    assert_eq!(story.model.dialog, None);
}

#[test]
fn the_past_is_seen_without_colours_and_beyond_ascii() {
    let mut story = story();
    story.abilities = Abilities { colours: false, unicode: false };
    let terminal = story.terminal(80, 24);
    let buffer = terminal.backend().buffer();
    assert!(buffer.content().iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    let screen = terminal.backend().to_string();
    assert!(screen.is_ascii(), "{screen}");
    let past = (0..80).filter(|x| buffer.cell((*x, 0)).unwrap().modifier.contains(Modifier::REVERSED));
    assert_eq!(past.count(), " PAST 2026-11-24 09:20:23 ".len());
    let cursor = (0..80).filter(|x| buffer.cell((*x, 21)).unwrap().modifier.contains(Modifier::REVERSED));
    assert_eq!(cursor.count(), 1);
    assert!(screen.lines().nth(21).unwrap().contains('!'), "errors are marked: {screen}");
}

#[test]
fn keys_of_the_past() {
    let minutes = |minutes| Go::Jump(SignedDuration::from_mins(minutes));
    for (keys, expected) in [
        ("<left>,", vec![Go::Step(-1), Go::Step(-1)]),
        ("<right>.", vec![Go::Step(1), Go::Step(1)]),
        ("[]{}", vec![minutes(-1), minutes(1), minutes(-60), minutes(60)]),
        ("<home><end>", vec![Go::Begin, Go::End]),
        (" +-=", vec![Go::Play, Go::Speed(1), Go::Speed(-1), Go::Speed(1)]),
        ("r", vec![Go::Close]),
        ("<esc>", vec![Go::Close]),
        // First out of the page, and out of the filter.
        ("<enter><esc><esc>", vec![Go::Close]),
        ("/uefi<enter><esc><esc>", vec![Go::Close]),
        ("z<esc><esc>", vec![Go::Close]),
        // On a page too.
        ("<enter><left> ", vec![Go::Step(-1), Go::Play]),
        // These go on as ever.
        ("<tab>lhgG?", vec![]),
    ] {
        let mut story = story();
        assert_eq!(story.types(keys), expected.into_iter().map(Effect::Go).collect::<Vec<_>>(), "{keys}");
    }
}

#[test]
fn the_timeline_is_opened_and_left() {
    let mut story = Story::of_three();
    assert_eq!(story.types("r"), [Effect::Go(Go::Open)]);
    assert!(story.model.travelling && story.model.past.is_none());
    // Who does not want to wait for it.
    assert_eq!(story.types("r"), [Effect::Go(Go::Close)]);
    assert_eq!(story.types("<left>["), [], "the past's keys work in the past alone");
    assert_eq!(story.model.word.as_deref(), Some("no such key here; ? shows those that work"));
    story.look_back(false);
    story.types("r");
    assert!(!story.model.travelling && story.model.past.is_none());
}

#[test]
fn machines_are_not_switched_in_the_past() {
    for keys in ["o", "p", "Ga"] {
        let mut story = story();
        assert_eq!(story.types(keys), [], "{keys}");
        assert_eq!(story.model.dialog, None);
        assert!(story.model.word.as_deref().unwrap().starts_with("this is the past"), "{keys}");
    }
}

#[test]
fn panes_and_keys_are_of_the_past_and_the_end_is_of_the_present() {
    let mut story = Story::of_three();
    story.load(&[(60, "before")]);
    story.look_back(false);
    story.load(&[(60, "after"), (61, "uefi1"), (62, "broken1")]);
    assert!(story.screen(80, 24).contains("before"));
    story.types("<enter>");
    assert_eq!(story.model.page.map(|(mac, _)| mac), Some(mac(60)));
    assert!(story.screen(80, 24).contains(" before "));
    story.types("<esc>");
    // Boots that are under way now are asked about.
    story.types("q");
    assert!(matches!(story.model.dialog, Some(Dialog::Quit { .. })));
    assert_eq!(story.types("y"), [Effect::Send(Command::Quit)]);
    story.types("r");
    let now = story.screen(80, 24);
    assert!(now.contains("after") && !now.contains("before") && !now.contains("PAST"), "{now}");
}

#[test]
fn what_is_chosen_stays_chosen_when_the_past_is_read_anew() {
    let mut story = story();
    story.types("<tab><tab><tab>kk");
    let chosen = |story: &Story| story.model.selected(&story.model.past.as_ref().unwrap().state, Pane::Audit);
    let line = chosen(&story);
    let mut past = (**story.model.past.as_ref().unwrap()).clone();
    let mut state = (*past.state).clone();
    for segment in state.segments.values_mut() {
        segment.events.iter_mut().for_each(|event| *event = std::sync::Arc::new((**event).clone()));
        segment.events.pop_front();
    }
    past.state = std::sync::Arc::new(state);
    story.model.past = Some(std::sync::Arc::new(past));
    assert_eq!(chosen(&story), line.map(|line| line - 1));
}

#[test]
fn every_size_can_be_drawn_in_the_past() {
    for (width, height) in (1..30).map(|height| (80, height)).chain((1..130).map(|width| (width, 24))) {
        for keys in ["", "<enter>", "?", "@x"] {
            let mut story = story();
            story.types(keys);
            story.screen(width, height);
        }
    }
}
