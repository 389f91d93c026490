//! Terminals inside the console: what keys and mouse do there, and how it looks.

use super::story::{SERVER, Story};
use crate::{
    console::{
        model::Depth,
        mouse,
        rooms::{
            Room,
            terminals::{Listed, Seen},
        },
        update::{self, Effect},
    },
    desk::{
        CommandLine, Plan, Wanted, What,
        inside::{Act, Id, picture::Spot},
    },
};
use crossterm::event::{
    KeyCode::{self, Char, Enter, Esc, PageUp},
    KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use ratatui::layout::Rect;
use std::{net::Ipv4Addr, sync::Arc, time::Duration};

fn listed(id: Option<Id>, last: u8) -> Listed {
    let machine = Ipv4Addr::new(10, 77, 0, last);
    Listed {
        id,
        session: format!("px-10-77-0-{last}-ssh"),
        title: format!("{machine} ssh"),
        what: Some(What::Machine { segment: SERVER, machine, way: None }),
        since: id.map(|_| "2026-11-24T09:00:00Z".parse().unwrap()),
        ended: None,
        bell: false,
        attached: id.is_some(),
    }
}

/// Three terminals, of which the second is shown, and a session that is not.
fn story() -> Story {
    let mut story = Story::of_three();
    story.model.terminals = vec![listed(Some(1), 60), listed(Some(4), 61), listed(Some(7), 62), listed(None, 63)];
    story.model.show_terminal(4);
    story.model.seen = Seen { area: Rect::new(0, 3, 80, 20), mouse: false, lines: 100 };
    story
}

fn press(story: &mut Story, code: KeyCode, held: KeyModifiers) -> Effect {
    update::key(&mut story.model, &story.state, &story.conf, KeyEvent::new(code, held))
}

fn prefixed(story: &mut Story, code: KeyCode) -> Effect {
    // Terminals send control-] as control-5.
    assert_eq!(press(story, Char('5'), KeyModifiers::CONTROL), Effect::None);
    press(story, code, KeyModifiers::NONE)
}

fn typed(code: KeyCode) -> Effect {
    Effect::Inside(4, Act::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

#[test]
fn all_keys_are_the_programs_but_the_prefix() {
    let mut story = story();
    for code in [Char('q'), Char('?'), Char('t'), Esc, Enter, KeyCode::Tab, KeyCode::F(10)] {
        assert_eq!(press(&mut story, code, KeyModifiers::NONE), typed(code));
    }
    let control_c = KeyEvent::new(Char('c'), KeyModifiers::CONTROL);
    assert_eq!(press(&mut story, Char('c'), KeyModifiers::CONTROL), Effect::Inside(4, Act::Key(control_c)));
    press(&mut story, Char(']'), KeyModifiers::CONTROL);
    let prefix = KeyEvent::new(Char(']'), KeyModifiers::CONTROL);
    assert_eq!(press(&mut story, Char(']'), KeyModifiers::CONTROL), Effect::Inside(4, Act::Key(prefix)));
    assert_eq!(press(&mut story, Char('n'), KeyModifiers::NONE), typed(Char('n')), "the prefix is for one key");

    for (code, shown) in [(Char('n'), 7), (Char('n'), 1), (Char('p'), 7), (Char('p'), 4)] {
        assert_eq!(prefixed(&mut story, code), Effect::None);
        assert_eq!(story.model.shown_terminal(), Some(shown));
    }
    assert_eq!(prefixed(&mut story, Char('v')), Effect::Inside(4, Act::PasteCopied));
    assert_eq!(prefixed(&mut story, Char('w')), Effect::None);
    assert!(story.model.word.as_ref().is_some_and(|word| word.contains("ctrl-] ?")));
    assert_eq!(prefixed(&mut story, Char('x')), Effect::None);
    assert_eq!(press(&mut story, Char('n'), KeyModifiers::NONE), Effect::None, "only y ends it");
    prefixed(&mut story, Char('x'));
    assert_eq!(press(&mut story, Char('y'), KeyModifiers::NONE), Effect::EndSession(4));
    prefixed(&mut story, Esc);
    assert_eq!(story.model.room, None);
    assert!(matches!(story.types("t")[..], [Effect::Desk(Wanted::Terminal(_))]));
}

#[test]
fn the_list_opens_what_is_open_and_what_only_runs() {
    let mut story = story();
    assert_eq!(prefixed(&mut story, Char('l')), Effect::Sessions);
    assert_eq!(press(&mut story, Enter, KeyModifiers::NONE), Effect::None);
    assert_eq!(story.model.shown_terminal(), Some(4), "the list begins at the one that was shown");
    prefixed(&mut story, Char('l'));
    story.types("G");
    assert_eq!(press(&mut story, Enter, KeyModifiers::NONE), Effect::OpenSession("px-10-77-0-63-ssh".to_owned()));
    assert_eq!(story.types("d"), [], "it is not open");
    assert_eq!(story.types("xn"), []);
    assert_eq!(story.types("xy"), [Effect::EndNamed("px-10-77-0-63-ssh".to_owned())]);
    story.types("<esc>");
    assert_eq!(story.model.room, None);
    assert_eq!(story.types("e"), [Effect::Sessions]);
    insta::assert_snapshot!("terminals_list", story.screen(80, 24));
}

#[test]
fn one_that_ended_is_opened_again_or_closed() {
    let mut story = story();
    story.model.terminals[1].ended = Some("ended".to_owned());
    assert_eq!(press(&mut story, Char('a'), KeyModifiers::NONE), Effect::None);
    assert!(story.model.word.is_some());
    assert_eq!(press(&mut story, Enter, KeyModifiers::NONE), Effect::Inside(4, Act::Again));
    assert_eq!(press(&mut story, Esc, KeyModifiers::NONE), Effect::Inside(4, Act::Close));
    assert_eq!(story.model.shown_terminal(), None);
}

#[test]
fn looking_back_and_copying_with_keys() {
    let mut story = story();
    assert_eq!(press(&mut story, PageUp, KeyModifiers::SHIFT), Effect::Inside(4, Act::Freeze));
    let looking = |story: &Story| match &story.model.room {
        Some(Room::Terminals(room)) => room.looking,
        _ => None,
    };
    assert_eq!(looking(&story).unwrap().bottom, 19);
    story.types("gj");
    assert_eq!(looking(&story).unwrap().spot, Spot { up: 98, column: 0 });
    assert_eq!(looking(&story).unwrap().bottom, 80, "no further than the first line");
    story.types("llvj$");
    let copied = story.types("y");
    let (from, to) = (Spot { up: 98, column: 2 }, Spot { up: 97, column: 79 });
    assert_eq!(copied, [Effect::Inside(4, Act::Copy(from, to))]);
    assert_eq!(looking(&story), None);
    assert_eq!(prefixed(&mut story, Char('[')), Effect::Inside(4, Act::Freeze));
    assert_eq!(press(&mut story, Esc, KeyModifiers::NONE), Effect::Inside(4, Act::Thaw));
    assert_eq!(press(&mut story, Esc, KeyModifiers::NONE), typed(Esc));
}

#[test]
fn the_mouse_is_the_programs_where_it_asked_for_it_else_it_copies() {
    let mut story = story();
    let mut point = |kind, column, row, asked| {
        story.model.seen.mouse = asked;
        let event = MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
        mouse::mouse(&mut story.model, &story.state, &story.sight, event)
    };
    let (down, drag, up) = (
        MouseEventKind::Down(MouseButton::Left),
        MouseEventKind::Drag(MouseButton::Left),
        MouseEventKind::Up(MouseButton::Left),
    );
    let within = MouseEvent { kind: down, column: 5, row: 2, modifiers: KeyModifiers::NONE };
    assert_eq!(point(down, 5, 5, true), Effect::Inside(4, Act::Mouse(within)));
    assert_eq!(point(down, 5, 0, true), Effect::None, "above it");
    assert_eq!(point(down, 5, 5, false), Effect::Inside(4, Act::Freeze));
    assert_eq!(point(drag, 9, 5, false), Effect::None);
    assert_eq!(point(drag, 9, 90, false), Effect::None, "beyond the edge is at the edge");
    let (from, to) = (Spot { up: 17, column: 5 }, Spot { up: 0, column: 9 });
    assert_eq!(point(up, 9, 90, false), Effect::Inside(4, Act::Copy(from, to)));
    assert_eq!(point(down, 5, 5, false), Effect::Inside(4, Act::Freeze));
    assert_eq!(point(up, 5, 5, false), Effect::Inside(4, Act::Thaw), "a click copies nothing");
    assert_eq!(point(MouseEventKind::ScrollDown, 5, 5, false), Effect::None);
    assert_eq!(point(MouseEventKind::ScrollUp, 5, 5, false), Effect::Inside(4, Act::Freeze));
    assert_eq!(point(MouseEventKind::ScrollUp, 5, 5, false), Effect::None);
    assert_eq!(point(MouseEventKind::ScrollDown, 5, 5, false), Effect::None);
    assert_eq!(point(MouseEventKind::ScrollDown, 5, 5, false), Effect::Inside(4, Act::Thaw));
}

/// A terminal whose program has written `text` and ended.
fn drawn(text: &str) -> Story {
    let mut story = Story::of_three();
    let line = CommandLine::new(["printf", "%b", text]);
    let plan = Plan {
        session: "px-10-77-0-60-ssh".to_owned(),
        title: "bios1 10.77.0.60 ssh".to_owned(),
        background: (16, 32, 64),
        foreground: (238, 238, 238),
        command: line.clone(),
        log: "/nonexistent".into(),
        attach: line,
    };
    let what = What::Machine { segment: SERVER, machine: Ipv4Addr::new(10, 77, 0, 60), way: None };
    let at_end = Arc::new(|_: &Plan, how: &str| how.to_owned());
    let id = story.desk.terminals().open(plan, Some(what), None, at_end).unwrap();
    let terminal = story.desk.terminals().get(id).unwrap();
    let began = std::time::Instant::now();
    while terminal.ended().is_none() {
        assert!(began.elapsed() < Duration::from_secs(20), "it does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
    story.model.show_terminal(id);
    story.model.list_terminals(&story.desk);
    story
}

const TEXT: &str = r"\033[1;31mred\033[0m \033[38;2;10;200;30mgreen\033[0m \0342\0224\0214\0342\0224\0200\0342\0224\0220 \0303\0244\r\nlast words";

#[test]
fn a_terminal_at_both_sizes() {
    let mut story = drawn(TEXT);
    insta::assert_snapshot!("terminal_80x24", story.screen(80, 24));
    press(&mut story, Char(']'), KeyModifiers::CONTROL);
    press(&mut story, Char('z'), KeyModifiers::NONE);
    press(&mut story, Char(']'), KeyModifiers::CONTROL);
    insta::assert_snapshot!("terminal_half_140x45", story.screen(140, 45));
    press(&mut story, Char('?'), KeyModifiers::NONE);
    insta::assert_snapshot!("terminal_help", story.screen(80, 24));
}

#[test]
fn colours_are_those_that_the_operators_terminal_shows() {
    let mut story = drawn(TEXT);
    for (depth, red, green, paper) in [
        (Depth::True, "Indexed(1)", "Rgb(10, 200, 30)", ["Rgb(16, 32, 64)", "Rgb(16, 32, 64)"]),
        (Depth::Indexed, "Indexed(1)", "Indexed(40)", ["Indexed(235)", "Indexed(24)"]),
        (Depth::None, "Reset", "Reset", ["Reset", "Reset"]),
    ] {
        story.model.depth = depth;
        let terminal = story.terminal(80, 24);
        let buffer = terminal.backend().buffer();
        let of = |colour: ratatui::style::Color| format!("{colour:?}").replace("Color::", "");
        assert_eq!(of(buffer[(0, 3)].fg), red, "{depth:?}");
        assert_eq!(of(buffer[(4, 3)].fg), green, "{depth:?}");
        assert_eq!([of(buffer[(40, 10)].bg), of(buffer[(0, 2)].bg)], paper, "{depth:?}");
        assert!(buffer[(0, 3)].modifier.contains(ratatui::style::Modifier::BOLD));
    }
    story.abilities.unicode = false;
    let shown = story.screen(80, 24);
    assert!(shown.contains("red green +-+ ?"), "{shown}");
}
