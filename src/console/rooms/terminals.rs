//! The terminals inside the console: which one is before the operator, and what keys and mouse mean there. Pure: what
//! is typed goes out as an effect.

pub use super::listed::{Listed, all};

use super::Room;
use crate::{
    console::{
        model::{Dialog, Model},
        update::Effect,
        view::Sight,
    },
    desk::inside::{Act, Id, picture::Spot},
};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

/// Lines that a turn of the wheel moves.
const WHEEL: isize = 3;

/// Where the operator is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terminals {
    /// The terminal that has the keys; none for the list.
    pub shown: Option<Id>,
    /// The selected line of the list.
    pub choice: usize,
    /// The machines are listed above it.
    pub half: bool,
    /// The prefix was typed: the next key is the console's.
    pub prefix: bool,
    /// The session is to be ended, if the next key is y.
    pub question: bool,
    /// What was there is looked at.
    pub looking: Option<Looking>,
}

/// A look at lines that stand still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looking {
    /// How far the last line shown is above the last line.
    pub bottom: usize,
    pub spot: Spot,
    /// Where what is to be copied begins.
    pub mark: Option<Spot>,
    /// The mouse does it: when its button is let go it is copied.
    pub by_mouse: bool,
}

/// What of a terminal is on the screen, as it was drawn last.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    pub area: Rect,
    /// Its program asked for the mouse.
    pub mouse: bool,
    /// All lines of the still picture.
    pub lines: usize,
}

/// The keys after the prefix, with a word for the last line.
pub const PREFIXED: [(&str, &str, &str); 12] = [
    ("esc", "console", "back to the console"),
    ("l", "list", "all terminals"),
    ("n", "next", "the next terminal"),
    ("p", "before", "the terminal before"),
    ("[", "look back", "look back, and copy"),
    ("z", "half", "half the screen; the whole"),
    ("v", "paste", "paste what was copied"),
    ("d", "detach", "close; its session goes on"),
    ("x", "end", "end its session; it asks"),
    ("r", "again", "attach anew"),
    ("?", "help", "this help"),
    ("^]", "send it", "ctrl-] for the program"),
];

/// The keys of the list.
pub const LIST: [(&str, &str, &str); 5] = [
    ("enter", "open", "open it here"),
    ("d", "detach", "close; its session goes on"),
    ("x", "end", "end its session; it asks"),
    ("?", "help", "this help"),
    ("esc", "console", "back to the console"),
];

/// The keys while looking back.
pub const LOOKING: [(&str, &str, &str); 6] = [
    ("↑↓←→", "move", "move; h j k l too"),
    ("pgup", "back", "a screen back; pgdn on"),
    ("g G", "ends", "oldest line; newest"),
    ("v", "mark", "a copy begins here"),
    ("y", "copy", "copy; unmarked: the line"),
    ("esc", "back", "back to what is there now"),
];

impl Terminals {
    /// One terminal.
    pub fn showing(id: Id, before: Option<&Room>) -> Terminals {
        let half = matches!(before, Some(Room::Terminals(room)) if room.half);
        Terminals { shown: Some(id), half, ..Terminals::listing() }
    }

    /// Selects the line of the list that is so many on, or back.
    pub fn step(&mut self, by: isize, count: usize) {
        self.choice = self.choice.saturating_add_signed(by).min(count.saturating_sub(1));
    }

    /// Selects a line of the list as it is shown, `height` lines of it.
    pub fn choose(&mut self, line: usize, height: usize, listed: &[Listed]) {
        let last = listed.len().saturating_sub(1);
        self.choice = (self.first(height, listed.len()) + line).min(last);
    }

    /// The first of `count` terminals that a list of `height` lines shows.
    pub fn first(&self, height: usize, count: usize) -> usize {
        (self.choice.min(count.saturating_sub(1)) + 1).saturating_sub(height.max(1))
    }

    /// The list.
    pub fn listing() -> Terminals {
        Terminals { shown: None, choice: 0, half: false, prefix: false, question: false, looking: None }
    }
}

/// The keys that work here.
pub fn help(room: &Terminals, unicode: bool) -> Vec<(String, &'static str)> {
    let keys: &[(&str, &str, &str)] = match room.shown {
        Some(_) if room.looking.is_some() => &LOOKING,
        Some(_) => &PREFIXED,
        None => &LIST,
    };
    let before = if room.shown.is_some() && room.looking.is_none() { "^] " } else { "" };
    keys.iter().map(|(key, _, words)| (format!("{before}{}", spelled(key, unicode)), *words)).collect()
}

/// A key as the operator's terminal can show it.
pub fn spelled(key: &'static str, unicode: bool) -> &'static str {
    if unicode || key.is_ascii() { key } else { "arrows" }
}

/// Folds a key in.
pub fn key(model: &mut Model, mut room: Terminals, key: KeyEvent) -> Effect {
    model.word = None;
    let Some(id) = room.shown else { return listed(model, room, key) };
    let height = usize::from(model.seen.area.height.max(1));
    let effect = if room.question {
        room.question = false;
        match key.code {
            KeyCode::Char('y') => Effect::EndSession(id),
            _ => Effect::None,
        }
    } else if room.prefix {
        room.prefix = false;
        return prefixed(model, room, id, key);
    } else if is_prefix(key) {
        room.prefix = true;
        Effect::None
    } else if let Some(looking) = room.looking {
        looked(model, &mut room, looking, id, key)
    } else if key.modifiers == KeyModifiers::SHIFT && key.code == KeyCode::PageUp {
        room.looking = Some(look(model, height - 1));
        Effect::Inside(id, Act::Freeze)
    } else if ended(model, id) {
        match key.code {
            KeyCode::Enter => Effect::Inside(id, Act::Again),
            KeyCode::Esc => {
                model.room = Some(Room::Terminals(Terminals::listing()));
                return Effect::Inside(id, Act::Close);
            }
            _ => {
                model.word = Some("it has ended: enter opens it once more, esc closes it".to_owned());
                Effect::None
            }
        }
    } else {
        Effect::Inside(id, Act::Key(key))
    };
    model.room = Some(Room::Terminals(room));
    effect
}

/// Control-], which terminals send as control-5 too.
fn is_prefix(key: KeyEvent) -> bool {
    key.modifiers.contains(KeyModifiers::CONTROL) && matches!(key.code, KeyCode::Char(']' | '5'))
}

fn ended(model: &Model, id: Id) -> bool {
    model.terminals.iter().any(|listed| listed.id == Some(id) && listed.ended.is_some())
}

fn prefixed(model: &mut Model, mut room: Terminals, id: Id, key: KeyEvent) -> Effect {
    let looking = room.looking.take();
    let thaw = if looking.is_some() { Effect::Inside(id, Act::Thaw) } else { Effect::None };
    let mut effect = thaw.clone();
    match key.code {
        _ if is_prefix(key) => effect = Effect::Inside(id, Act::Key(key)),
        KeyCode::Esc | KeyCode::Char(']' | 'q') => {
            model.room = None;
            return thaw;
        }
        KeyCode::Char('l') => {
            room.choice = model.terminals.iter().position(|listed| listed.id == Some(id)).unwrap_or(0);
            room.shown = None;
            effect = Effect::Sessions;
        }
        KeyCode::Char('n') | KeyCode::Tab => room.shown = next(model, id, 1),
        KeyCode::Char('p') | KeyCode::BackTab => room.shown = next(model, id, -1),
        KeyCode::Char('[') | KeyCode::PageUp => {
            let page = usize::from(model.seen.area.height.max(1)) - 1;
            room.looking = Some(look(model, if key.code == KeyCode::PageUp { page } else { 0 }));
            effect = Effect::Inside(id, Act::Freeze);
        }
        KeyCode::Char('z') => room.half ^= true,
        KeyCode::Char('v') => effect = Effect::Inside(id, Act::PasteCopied),
        KeyCode::Char('d') => {
            room.shown = next(model, id, 1).filter(|other| *other != id);
            effect = Effect::Inside(id, Act::Close);
        }
        KeyCode::Char('x') => room.question = true,
        KeyCode::Char('r') => effect = Effect::Inside(id, Act::Again),
        KeyCode::Char('?') => (model.dialog, model.scrolled) = (Some(Dialog::Help), 0),
        _ => model.word = Some("ctrl-] and that key do nothing; ctrl-] ? shows what does".to_owned()),
    }
    model.room = Some(Room::Terminals(room));
    effect
}

/// The open terminal so many places on.
fn next(model: &Model, id: Id, by: isize) -> Option<Id> {
    let open: Vec<Id> = model.terminals.iter().filter_map(|listed| listed.id).collect();
    let at = open.iter().position(|other| *other == id).unwrap_or(0);
    let count = isize::try_from(open.len()).ok().filter(|count| *count > 0)?;
    let at = (isize::try_from(at).ok()? + by).rem_euclid(count);
    open.get(usize::try_from(at).ok()?).copied()
}

fn listed(model: &mut Model, mut room: Terminals, key: KeyEvent) -> Effect {
    let last = model.terminals.len().saturating_sub(1);
    room.choice = room.choice.min(last);
    let chosen = model.terminals.get(room.choice).cloned();
    let page = model.height.max(2) - 1;
    let mut effect = Effect::None;
    if room.question {
        room.question = false;
        if let (KeyCode::Char('y'), Some(listed)) = (key.code, &chosen) {
            effect = Effect::EndNamed(listed.session.clone());
        }
        model.room = Some(Room::Terminals(room));
        return effect;
    }
    match key.code {
        KeyCode::Esc | KeyCode::Char('q') => {
            model.room = None;
            return Effect::None;
        }
        KeyCode::Down | KeyCode::Char('j') => room.choice = (room.choice + 1).min(last),
        KeyCode::Up | KeyCode::Char('k') => room.choice = room.choice.saturating_sub(1),
        KeyCode::PageDown => room.choice = (room.choice + page).min(last),
        KeyCode::PageUp => room.choice = room.choice.saturating_sub(page),
        KeyCode::Home | KeyCode::Char('g') => room.choice = 0,
        KeyCode::End | KeyCode::Char('G') => room.choice = last,
        KeyCode::Char('?') => (model.dialog, model.scrolled) = (Some(Dialog::Help), 0),
        KeyCode::Enter => match chosen {
            Some(Listed { id: Some(id), ended, .. }) => {
                room.shown = Some(id);
                effect = if ended.is_some() { Effect::Inside(id, Act::Again) } else { Effect::None };
            }
            Some(Listed { session, .. }) => effect = Effect::OpenSession(session),
            None => model.word = Some("no terminal is open: t on a machine opens one".to_owned()),
        },
        KeyCode::Char('d') => match chosen.and_then(|listed| listed.id) {
            Some(id) => effect = Effect::Inside(id, Act::Close),
            None => model.word = Some("it is not open here".to_owned()),
        },
        KeyCode::Char('x') if chosen.is_some() => room.question = true,
        _ => model.word = Some("no such key here; ? shows those that work".to_owned()),
    }
    model.room = Some(Room::Terminals(room));
    effect
}

fn look(model: &Model, back: usize) -> Looking {
    let height = usize::from(model.seen.area.height);
    // The top line, when looking starts with a screen back; else the last.
    let up = if back > 0 { back + height.saturating_sub(1) } else { 0 };
    Looking { bottom: back, spot: Spot { up, column: 0 }, mark: None, by_mouse: false }
}

fn looked(model: &mut Model, room: &mut Terminals, mut looking: Looking, id: Id, key: KeyEvent) -> Effect {
    let Seen { area, lines, .. } = model.seen;
    let (page, columns) = (usize::from(area.height.max(2)) - 1, usize::from(area.width.max(1)));
    let last = lines.saturating_sub(1);
    let spot = &mut looking.spot;
    spot.up = spot.up.min(last);
    match key.code {
        KeyCode::Up | KeyCode::Char('k') => spot.up = (spot.up + 1).min(last),
        KeyCode::Down | KeyCode::Char('j') => spot.up = spot.up.saturating_sub(1),
        KeyCode::Left | KeyCode::Char('h') => spot.column = spot.column.saturating_sub(1),
        KeyCode::Right | KeyCode::Char('l') => spot.column = (spot.column + 1).min(columns - 1),
        KeyCode::Char('0') => spot.column = 0,
        KeyCode::Char('$') => spot.column = columns - 1,
        KeyCode::PageUp => {
            (spot.up, looking.bottom) = ((spot.up + page).min(last), looking.bottom.saturating_add(page).min(last));
        }
        KeyCode::PageDown => {
            (spot.up, looking.bottom) = (spot.up.saturating_sub(page), looking.bottom.saturating_sub(page));
        }
        KeyCode::Home | KeyCode::Char('g') => spot.up = last,
        KeyCode::End | KeyCode::Char('G') => spot.up = 0,
        KeyCode::Char('v' | ' ') => {
            looking.mark = if looking.mark.is_some() { None } else { Some(looking.spot) };
        }
        KeyCode::Char('y') | KeyCode::Enter => {
            room.looking = None;
            let whole = (Spot { column: 0, ..looking.spot }, Spot { column: columns - 1, ..looking.spot });
            let (from, to) = looking.mark.map_or(whole, |mark| (mark, looking.spot));
            return Effect::Inside(id, Act::Copy(from, to));
        }
        KeyCode::Esc | KeyCode::Char('q') => {
            room.looking = None;
            return Effect::Inside(id, Act::Thaw);
        }
        _ => model.word = Some("looking back: esc goes back to what is there now".to_owned()),
    }
    // The line of the cursor is among those shown.
    let up = looking.spot.up;
    looking.bottom = looking.bottom.clamp(up.saturating_sub(page), up);
    room.looking = Some(looking);
    Effect::None
}

/// Folds in what the mouse did.
pub fn mouse(model: &mut Model, mut room: Terminals, sight: &Sight, event: MouseEvent) -> Effect {
    let Some(id) = room.shown else { return Effect::None };
    let Seen { area, mouse, lines } = model.seen;
    let at = Position::new(event.column, event.row);
    if let (Some(pane), MouseEventKind::Down(_)) = (sight.tab_at(event.column, event.row), event.kind) {
        (model.pane, model.page, model.room) = (pane, None, None);
        return if room.looking.is_some() { Effect::Inside(id, Act::Thaw) } else { Effect::None };
    }
    let dragging = room.looking.is_some_and(|looking| looking.by_mouse);
    if area.is_empty() || !area.contains(at) && !dragging {
        return Effect::None;
    }
    let column = event.column.clamp(area.x, area.right() - 1) - area.x;
    let row = event.row.clamp(area.y, area.bottom() - 1) - area.y;
    if mouse && room.looking.is_none() {
        return Effect::Inside(id, Act::Mouse(MouseEvent { column, row, ..event }));
    }
    let bottom = room.looking.map_or(0, |looking| looking.bottom);
    let spot = Spot { up: bottom + usize::from(area.height - 1 - row), column: usize::from(column) };
    let begun = room.looking.is_none();
    let effect = match event.kind {
        MouseEventKind::Down(MouseButton::Left) => {
            room.looking = Some(Looking { bottom, spot, mark: Some(spot), by_mouse: true });
            if begun { Effect::Inside(id, Act::Freeze) } else { Effect::None }
        }
        MouseEventKind::Drag(MouseButton::Left) if dragging => {
            room.looking = room.looking.map(|looking| Looking { spot, ..looking });
            Effect::None
        }
        MouseEventKind::Up(MouseButton::Left) if dragging => {
            let moved = room.looking.and_then(|looking| looking.mark).filter(|mark| *mark != spot);
            match moved {
                Some(mark) => {
                    room.looking = None;
                    Effect::Inside(id, Act::Copy(mark, spot))
                }
                // A click selects nothing; while looking back it only moves the cursor.
                None if bottom == 0 => {
                    room.looking = None;
                    Effect::Inside(id, Act::Thaw)
                }
                None => {
                    room.looking = Some(Looking { bottom, spot, mark: None, by_mouse: false });
                    Effect::None
                }
            }
        }
        MouseEventKind::ScrollUp | MouseEventKind::ScrollDown => {
            let by = if event.kind == MouseEventKind::ScrollUp { WHEEL } else { -WHEEL };
            let most = if begun { usize::MAX } else { lines.saturating_sub(usize::from(area.height)) };
            let bottom = bottom.min(most).saturating_add_signed(by).min(most);
            let mark = room.looking.and_then(|looking| looking.mark);
            if bottom == 0 && mark.is_none() {
                room.looking = None;
                if begun { Effect::None } else { Effect::Inside(id, Act::Thaw) }
            } else {
                let spot = room.looking.map_or(Spot { up: bottom, column: 0 }, |looking| looking.spot);
                let page = usize::from(area.height - 1);
                let spot = Spot { up: spot.up.clamp(bottom, bottom + page), ..spot };
                room.looking = Some(Looking { bottom, spot, mark, by_mouse: dragging });
                if begun { Effect::Inside(id, Act::Freeze) } else { Effect::None }
            }
        }
        _ => Effect::None,
    };
    model.room = Some(Room::Terminals(room));
    effect
}
