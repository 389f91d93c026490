//! The packets of an interface as they come, or those of a recorded boot. Pure, but for the look at what came.

use super::{Room, interfaces::Interfaces, typed::Typed};
use crate::{
    console::{
        keys::Wish,
        model::{Dialog, Model},
        update::Effect,
    },
    desk::{
        self, Desk, Wanted,
        capture::{Cursor, Page, View},
    },
};
use crossterm::event::KeyEvent;
use std::sync::Arc;

/// Where the operator is.
#[derive(Clone, Debug, PartialEq)]
pub struct Packets {
    /// Which packets.
    pub packets: desk::Packets,
    /// The name of the machine whose they are.
    pub name: Option<String>,
    /// What is to be seen of them.
    pub view: View,
    /// The filter.
    pub filter: Typed,
    /// Where he is among them.
    pub cursor: Cursor,
    /// Lines to move by at the next look.
    by: isize,
    /// The selected packet is wanted as a whole.
    wanted: bool,
    /// What is seen.
    pub page: Page,
    /// Where he came from.
    from: Option<Interfaces>,
}

/// Opens packets: in a window where those are opened and the operator does not want them in here.
pub fn open(model: &mut Model, packets: desk::Packets, name: Option<String>, inside: bool) -> Effect {
    if model.windows && !inside {
        return Effect::Desk(Wanted::Packets(packets));
    }
    let from = match model.room.take() {
        Some(Room::Interfaces(room)) => Some(room),
        _ => None,
    };
    let cursor = Cursor { follow: matches!(packets, desk::Packets::Live { .. }), ..Cursor::default() };
    let view = View { height: model.height.max(10), ..View::default() };
    let room = Packets {
        packets,
        name,
        view,
        filter: Typed::default(),
        cursor,
        by: 0,
        wanted: false,
        page: Page::default(),
        from,
    };
    model.room = Some(Room::Packets(Box::new(room)));
    Effect::None
}

/// What a wish changes here.
pub fn follow(model: &mut Model, wish: Wish) -> Option<Effect> {
    let Some(Room::Packets(room)) = &mut model.room else { return None };
    let screen = isize::try_from(room.view.height.max(2) - 1).unwrap_or(1);
    match wish {
        Wish::Down => room.step(1),
        Wish::Up => room.step(-1),
        Wish::PageDown => room.step(screen),
        Wish::PageUp => room.step(-screen),
        Wish::First => room.step(isize::MIN / 2),
        Wish::Last => room.step(isize::MAX / 2),
        Wish::Follow => room.cursor.follow ^= true,
        Wish::Pause => room.view.paused ^= true,
        Wish::Filter => room.filter.begin(),
        Wish::Open | Wish::View => {
            room.wanted = true;
            // Where it was moved since the last look, the packet is not known yet.
            if room.by == 0 {
                show_wanted(model);
            }
        }
        Wish::Export => return Some(Effect::Desk(Wanted::Kept)),
        Wish::Back if !room.view.filter.is_empty() => {
            room.filter.text.clear();
            room.view.filter.clear();
        }
        Wish::Back => model.room = room.from.take().map(Room::Interfaces),
        _ => return None,
    }
    Some(Effect::None)
}

/// Opens the selected packet, where it is wanted.
pub fn show_wanted(model: &mut Model) {
    let Some(Room::Packets(room)) = &mut model.room else { return };
    if !std::mem::take(&mut room.wanted) {
        return;
    }
    match &room.page.picked {
        Some(picked) => (model.dialog, model.scrolled) = (Some(Dialog::Packet(Arc::new(picked.clone()))), 0),
        None => model.word = Some("there is no packet".to_owned()),
    }
}

impl Packets {
    /// Moves by so many lines.
    pub fn step(&mut self, by: isize) {
        self.by = self.by.saturating_add(by);
    }

    /// Selects a line that is shown.
    pub fn choose(&mut self, line: usize) {
        let (line, from) = (isize::try_from(line), isize::try_from(self.page.selected.unwrap_or(0)));
        if let (Ok(line), Ok(from)) = (line, from) {
            self.step(line - from);
        }
    }

    /// Takes a key of the filter that is being typed; false where none is.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        let taken = self.filter.key(key);
        self.view.filter.clone_from(&self.filter.text);
        taken
    }

    /// Folds pasted text in.
    pub fn paste(&mut self, text: &str) {
        self.filter.paste(text);
        self.view.filter.clone_from(&self.filter.text);
    }

    /// Takes over what is to be seen now.
    pub fn look(&mut self, desk: &Desk) {
        let by = std::mem::take(&mut self.by);
        self.page = desk.packets(&self.packets).look(&self.view, &mut self.cursor, by);
    }
}
