//! The recorded boots of a machine: which there are, and which of them is opened. Pure.

use super::{
    model::{Dialog, Model},
    rooms::packets,
    update::Effect,
};
use crate::{
    desk::Packets,
    net::Mac,
    state::{Boot, Machine, Recording, State},
};
use crossterm::event::KeyCode;

/// The boots whose packets are kept, the newest first.
pub fn recorded(machine: &Machine) -> Vec<(&Boot, &Recording)> {
    machine.boots.iter().rev().filter_map(|boot| Some((boot, boot.recording.as_ref()?))).collect()
}

/// Opens the packets of the one recorded boot, or asks of which of them.
pub fn open(model: &mut Model, state: &State) -> Effect {
    if let Some((server, _)) = model.segment(state).filter(|(_, segment)| segment.remote) {
        model.word = Some(format!("another PXElator serves {server}, and has the packets of its boots"));
        return Effect::None;
    }
    let Some(machine) = model.machine(state) else {
        model.word = Some("no machine is behind this line".to_owned());
        return Effect::None;
    };
    match recorded(machine).as_slice() {
        [] => {
            let words = "of no boot of it are packets kept; those to come are, where the segment's `record` is not off";
            model.word = Some(words.to_owned());
            Effect::None
        }
        [(_, recording)] => {
            let (file, name) = (recording.file.clone(), machine.name());
            show(model, &file, name)
        }
        _ => {
            model.dialog = Some(Dialog::Recorded { mac: machine.mac, choice: 0 });
            Effect::None
        }
    }
}

/// A key while it is asked of which boot.
pub fn answer(model: &mut Model, state: &State, mac: Mac, choice: usize, code: KeyCode) -> Effect {
    let machine = model.segment(state).and_then(|(_, segment)| segment.machines.get(&mac));
    let all = machine.map(recorded).unwrap_or_default();
    let last = all.len().saturating_sub(1);
    // One may have been let go meanwhile.
    let choice = choice.min(last);
    let choice = match code {
        KeyCode::Esc | KeyCode::Char('q') => return Effect::None,
        KeyCode::Enter => {
            let chosen = all.get(choice).map(|(_, recording)| recording.file.clone());
            let name = machine.map_or_else(|| mac.to_string(), Machine::name);
            return chosen.map_or(Effect::None, |file| show(model, &file, name));
        }
        KeyCode::Down | KeyCode::Char('j') => (choice + 1).min(last),
        KeyCode::Up | KeyCode::Char('k') => choice.saturating_sub(1),
        _ => choice,
    };
    model.dialog = Some(Dialog::Recorded { mac, choice });
    Effect::None
}

fn show(model: &mut Model, file: &str, name: String) -> Effect {
    packets::open(model, Packets::Recorded { file: file.into() }, Some(name), false)
}
