//! What a click or a turn of the wheel changes in the model. Pure.

use super::{
    lock, marks,
    model::{Dialog, Model, Pane},
    rooms::{self, Room, terminals},
    update::{Effect, open, step},
    view::Sight,
};
use crate::state::State;
use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

/// Lines that a turn of the wheel moves.
const WHEEL: isize = 3;

/// Folds a click or a turn of the wheel in: a click chooses a pane or a line, a second one opens the line.
pub fn mouse(model: &mut Model, state: &State, sight: &Sight, mouse: MouseEvent) -> Effect {
    let past = model.past.clone();
    let state = past.as_ref().map_or(state, |past| &past.state);
    if model.dialog.is_some() {
        if matches!(mouse.kind, MouseEventKind::Down(_))
            && !matches!(model.dialog, Some(Dialog::Filter(_) | Dialog::Moment(..) | Dialog::Palette(_)))
        {
            model.dialog = None;
        }
        if matches!(mouse.kind, MouseEventKind::ScrollDown | MouseEventKind::ScrollUp) {
            let most = model.dialog_lines.0.saturating_sub(model.dialog_lines.1);
            let by = if mouse.kind == MouseEventKind::ScrollUp { -WHEEL } else { WHEEL };
            model.scrolled = model.scrolled.min(most).saturating_add_signed(by).min(most);
        }
        return Effect::None;
    }
    if let Some(Room::Terminals(room)) = model.room.clone().filter(|_| model.shown_terminal().is_some()) {
        return terminals::mouse(model, room, sight, mouse);
    }
    let (column, row) = (mouse.column, mouse.row);
    if model.room.is_some() {
        match mouse.kind {
            MouseEventKind::ScrollDown => rooms::step(model, WHEEL),
            MouseEventKind::ScrollUp => rooms::step(model, -WHEEL),
            MouseEventKind::Down(MouseButton::Left) if sight.room.contains(Position::new(column, row)) => {
                rooms::choose(model, usize::from(row - sight.room.y), usize::from(sight.room.height));
            }
            _ => {}
        }
        return Effect::None;
    }
    let hit = sight.line_at(column, row).filter(|_| model.page.is_none());
    match mouse.kind {
        MouseEventKind::Down(MouseButton::Left) if mouse.modifiers.contains(KeyModifiers::CONTROL) => {
            mark(model, state, hit);
        }
        MouseEventKind::Down(MouseButton::Left) => {
            if let Some(pane) = sight.tab_at(column, row) {
                (model.pane, model.page) = (pane, None);
            } else if let Some((pane, line)) = hit {
                let again = model.pane == pane && model.selected(state, pane) == Some(line) && !model.place().follow;
                model.pane = pane;
                model.choose(state, line.min(model.lines(state).saturating_sub(1)));
                if again {
                    open(model, state);
                }
            }
        }
        // Also a click while control is held: not every terminal hands on the right button.
        MouseEventKind::Down(MouseButton::Right) => mark(model, state, hit),
        MouseEventKind::ScrollDown | MouseEventKind::ScrollUp => {
            model.pane = hit.map_or(model.pane, |(pane, _)| pane);
            step(model, state, if mouse.kind == MouseEventKind::ScrollUp { -WHEEL } else { WHEEL });
        }
        _ => {}
    }
    Effect::None
}

/// Marks the machine of a line, or takes its mark away.
fn mark(model: &mut Model, state: &State, hit: Option<(Pane, usize)>) {
    let Some((Pane::Machines, line)) = hit.filter(|_| model.past.is_none()) else { return };
    if model.read_only {
        model.word = Some(lock::REFUSED.to_owned());
        return;
    }
    model.pane = Pane::Machines;
    model.choose(state, line.min(model.lines(state).saturating_sub(1)));
    marks::toggle(model, state);
}
