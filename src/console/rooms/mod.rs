//! What stands in the place of the panes when it is opened: terminals, interfaces, packets. One file a room.

pub mod terminals;

use super::{keys::Wish, model::Model, update::Effect};
use crate::state::State;
use crossterm::event::KeyEvent;

/// A room, and where the operator is in it.
#[derive(Clone, Debug, PartialEq)]
pub enum Room {
    /// Terminals inside the console.
    Terminals(terminals::Terminals),
}

/// Which room: some keys work in one of them only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code)] // the rooms to come
pub enum Kind {
    Terminals,
    Interfaces,
    Packets,
}

impl Room {
    /// Which it is.
    pub fn kind(&self) -> Kind {
        match self {
            Room::Terminals(_) => Kind::Terminals,
        }
    }
}

/// What a key changes in a room that takes keys as they are, before any of the console's: a terminal's are its own. None
/// where the room takes none.
pub fn key(model: &mut Model, _state: &State, key: KeyEvent) -> Option<Effect> {
    match model.room.clone()? {
        Room::Terminals(room) => Some(terminals::key(model, room, key)),
    }
}

/// What a wish changes in the room that is open; none where the room leaves it to the console (help, quit, back).
pub fn follow(model: &mut Model, _state: &State, _wish: Wish) -> Option<Effect> {
    match model.room.as_ref()? {
        // It has had its keys already.
        Room::Terminals(_) => None,
    }
}
