//! What stands in the place of the panes when it is opened: terminals, interfaces, packets, changes, recipes. One file a room.

pub mod alerts;
pub mod changes;
pub mod graphs;
pub mod interfaces;
mod listed;
pub mod packets;
pub mod recipes;
pub mod terminals;
pub mod typed;

use super::{curves::Curves, keys::Wish, model::Model, record::Record, update::Effect, view::list};
use crate::{
    desk::{Desk, inside::Act},
    event::now,
    state::State,
};
use crossterm::event::KeyEvent;

/// A room, and where the operator is in it.
#[derive(Clone, Debug, PartialEq)]
pub enum Room {
    /// What goes through the interfaces.
    Interfaces(interfaces::Interfaces),
    /// The packets of one, or of a recorded boot.
    Packets(Box<packets::Packets>),
    /// Terminals inside the console.
    Terminals(terminals::Terminals),
    /// What fires.
    Alerts(alerts::Alerts),
    /// What changed on machines.
    Changes(Box<changes::Changes>),
    /// What was measured.
    Graphs(Box<graphs::Graphs>),
    /// Recipes, and machines that have them.
    Recipes(Box<recipes::Recipes>),
}

/// Which room: some keys work in one of them only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Alerts,
    Terminals,
    Interfaces,
    Packets,
    Changes,
    Graphs,
    Recipes,
}

impl Room {
    /// Which it is.
    pub fn kind(&self) -> Kind {
        match self {
            Room::Alerts(_) => Kind::Alerts,
            Room::Interfaces(_) => Kind::Interfaces,
            Room::Packets(_) => Kind::Packets,
            Room::Terminals(_) => Kind::Terminals,
            Room::Changes(_) => Kind::Changes,
            Room::Graphs(_) => Kind::Graphs,
            Room::Recipes(_) => Kind::Recipes,
        }
    }
}

/// What a key changes in a room that takes keys as they are, before any of the console's: a terminal's are its own. None
/// where the room takes none.
pub fn key(model: &mut Model, state: &State, key: KeyEvent) -> Option<Effect> {
    match model.room.as_mut()? {
        Room::Interfaces(_) | Room::Graphs(_) | Room::Recipes(_) => None,
        Room::Alerts(_) => alerts::key(model, state, key),
        Room::Changes(room) => room.key(key).then_some(Effect::None),
        Room::Packets(room) => room.key(key).then_some(Effect::None),
        Room::Terminals(room) => {
            let room = room.clone();
            Some(terminals::key(model, room, key))
        }
    }
}

/// Folds pasted text in, where it is typed.
pub fn paste(model: &mut Model, text: &str) -> Option<Effect> {
    if let Some(id) = model.typing_to() {
        return Some(Effect::Inside(id, Act::Paste(text.to_owned())));
    }
    match &mut model.room {
        Some(Room::Packets(room)) => room.paste(text),
        Some(Room::Changes(room)) => room.filter.paste(text),
        _ => {}
    }
    None
}

/// What a wish changes in the room that is open; none where the room leaves it to the console (help, quit, back).
pub fn follow(model: &mut Model, state: &State, wish: Wish) -> Option<Effect> {
    match model.room.as_ref()? {
        Room::Alerts(_) => alerts::follow(model, state, wish),
        Room::Interfaces(_) => interfaces::follow(model, wish),
        Room::Packets(_) => packets::follow(model, wish),
        Room::Changes(_) => changes::follow(model, state, wish),
        Room::Graphs(_) => graphs::follow(model, wish),
        Room::Recipes(_) => recipes::follow(model, state, wish),
        // It has had its keys already.
        Room::Terminals(_) => None,
    }
}

/// Moves by so many lines.
pub fn step(model: &mut Model, by: isize) {
    match &mut model.room {
        Some(Room::Interfaces(room)) => room.step(by),
        Some(Room::Packets(room)) => room.step(by),
        Some(Room::Alerts(room)) => room.step(by),
        Some(Room::Changes(room)) => room.step(by),
        Some(Room::Graphs(room)) => room.step(by),
        Some(Room::Recipes(room)) => room.step(by),
        Some(Room::Terminals(room)) => room.step(by, model.terminals.len()),
        None => {}
    }
}

/// Selects a line that is shown, by its number on the screen, of so many.
pub fn choose(model: &mut Model, line: usize, height: usize) {
    match &mut model.room {
        Some(Room::Interfaces(room)) => room.choose(line),
        Some(Room::Packets(room)) => room.choose(line),
        Some(Room::Alerts(room)) => room.choose(line),
        Some(Room::Changes(room)) => room.choose(line),
        Some(Room::Graphs(room)) => room.choose(line),
        Some(Room::Recipes(room)) => room.choose(line),
        Some(Room::Terminals(room)) => room.choose(line, height, &model.terminals),
        None => {}
    }
}

/// Takes over what is to be seen now; what no room shows is left.
pub fn look(model: &mut Model, desk: &Desk, record: &Record, curves: &Curves, state: &State) {
    match &mut model.room {
        Some(Room::Interfaces(room)) => room.rates = desk.rates(),
        _ => desk.leave_rates(),
    }
    match &mut model.room {
        Some(Room::Packets(room)) => {
            room.look(desk);
            packets::show_wanted(model);
        }
        _ => desk.leave_packets(),
    }
    let past = model.past.clone();
    match &mut model.room {
        Some(Room::Alerts(room)) => match &past {
            Some(past) => room.look(&past.state, past.moment),
            None => room.look(state, now()),
        },
        Some(Room::Changes(room)) => room.look(record, state),
        Some(Room::Graphs(room)) => room.look(curves, now()),
        Some(Room::Recipes(room)) => room.look(record),
        _ => {}
    }
}

/// The room has so many lines on the screen.
pub fn fit(model: &mut Model, height: usize) {
    match &mut model.room {
        Some(Room::Packets(room)) => room.view.height = height,
        Some(Room::Alerts(room)) => room.fit(height),
        Some(Room::Changes(room)) => {
            room.height = height;
            room.offset = list::first(room.lines().len(), room.selected(), height, room.offset);
        }
        Some(Room::Recipes(room)) => {
            room.height = height;
            room.offset = list::first(room.lines().len(), room.selected(), height, room.offset);
        }
        _ => {}
    }
}
