//! What keys and pasted text mean while a question stands before the panes. Pure.

use super::{
    model::{Adopting, Dialog, Model, Pane},
    obey, palette,
    place::Search,
    power, profiles, recorded, rooms,
    update::Effect,
};
use crate::{command::Command, conf::Conf, event::RecipeManner, state::State};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Folds a key in that answers `dialog`; `live` is the present.
pub fn key(model: &mut Model, live: &State, conf: &Conf, dialog: Dialog, key: KeyEvent) -> Effect {
    let past = model.past.clone();
    let state = past.as_ref().map_or(live, |past| &past.state);
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    if control || key.modifiers.contains(KeyModifiers::ALT) {
        let edited = edit_by_control(model, dialog, key.code, control);
        model.refilter(state);
        model.dialog = Some(edited);
        return Effect::None;
    }
    match (dialog, key.code) {
        (Dialog::Doctor { .. }, KeyCode::Esc | KeyCode::Enter | KeyCode::Char('q')) => {}
        (
            dialog @ (Dialog::Help
            | Dialog::Troubles
            | Dialog::Event(_)
            | Dialog::Packet(_)
            | Dialog::Told(_)
            | Dialog::Doctor { .. }),
            code,
        ) => {
            let most = model.dialog_lines.0.saturating_sub(model.dialog_lines.1);
            let screen = isize::try_from(model.dialog_lines.1).unwrap_or(1);
            let by = match code {
                KeyCode::Down | KeyCode::Char('j') => 1,
                KeyCode::Up | KeyCode::Char('k') => -1,
                KeyCode::PageDown => screen,
                KeyCode::PageUp => -screen,
                // It is not over, maybe.
                _ if matches!(dialog, Dialog::Doctor { .. }) => 0,
                _ => return Effect::None,
            };
            model.scrolled = model.scrolled.min(most).saturating_add_signed(by).min(most);
            model.dialog = Some(dialog);
        }
        (dialog @ Dialog::Filter(_), KeyCode::Enter) if model.place().fault.is_some() => model.dialog = Some(dialog),
        (Dialog::Filter(_), KeyCode::Enter) => return search(model, state),
        (Dialog::Filter(before), KeyCode::Esc) if before == model.place().filter => {}
        (Dialog::Filter(before), KeyCode::Esc) => {
            model.place_mut().filter = before;
            model.refilter(state);
            return search(model, state);
        }
        (Dialog::Filter(before), code) => {
            edit(&mut model.place_mut().filter, code);
            model.refilter(state);
            model.dialog = Some(Dialog::Filter(before));
        }
        (Dialog::Palette(palette), code) => return palette::key(model, live, conf, palette, code),
        (Dialog::Moment(..), KeyCode::Esc) => {}
        (Dialog::Moment(text, _), KeyCode::Enter) => return Effect::At(text),
        (Dialog::Moment(mut text, _), code) => {
            edit(&mut text, code);
            model.dialog = Some(Dialog::Moment(text, None));
        }
        (Dialog::Sure { whom, action }, KeyCode::Char('y')) => return power::confirmed(model, state, &whom, action),
        (Dialog::Trust { who, certificate }, KeyCode::Char('y')) => return power::trust(state, who, certificate),
        (Dialog::Recipe { whom, recipe }, KeyCode::Char('y')) => {
            return rooms::recipes::begin(model, state, &whom, recipe, RecipeManner::Apply);
        }
        (Dialog::Sure { .. } | Dialog::Trust { .. } | Dialog::Recipe { .. }, _) => {}
        (Dialog::Quit { .. }, KeyCode::Char('y')) => return Effect::Send(Command::Quit),
        (Dialog::Quit { .. }, _) => {}
        (Dialog::Power { whom, choice }, code) => return power::answer(model, state, conf, (whom, choice), code),
        (Dialog::Recorded { mac, choice }, code) => return recorded::answer(model, state, mac, choice, code),
        (Dialog::Profile { who, choice }, code) => return profiles::answer(model, state, conf, (who, choice), code),
        (Dialog::Adopt(adopting), code) => return adopting_key(model, state, conf, adopting, code),
    }
    Effect::None
}

/// The audit also has what is older than the state remembers: the journal is asked for it.
pub fn search(model: &mut Model, state: &State) -> Effect {
    let segment = model.segment(state).map(|(segment, _)| segment);
    let asked = model.now;
    let place = &mut model.places[Pane::Audit as usize];
    match segment.filter(|_| model.pane == Pane::Audit && !place.wanted.is_everything()) {
        Some(segment) => {
            place.search = Some(Search::Underway(asked));
            Effect::Send(Command::Find { segment, filter: place.filter.clone(), asked })
        }
        None => Effect::None,
    }
}

/// Folds pasted text in: into the field that is being typed; elsewhere it is no row of keys.
pub fn paste(model: &mut Model, state: &State, text: &str) -> Effect {
    let into = |field: &mut String| text.chars().for_each(|c| edit(field, KeyCode::Char(c)));
    match model.dialog.take() {
        Some(Dialog::Adopt(mut adopting)) => {
            into(adopting.typed());
            model.dialog = Some(Dialog::Adopt(adopting));
        }
        Some(dialog @ Dialog::Filter(_)) => {
            into(&mut model.place_mut().filter);
            model.refilter(state);
            model.dialog = Some(dialog);
        }
        Some(Dialog::Palette(mut palette)) => {
            into(&mut palette.typed);
            model.dialog = Some(Dialog::Palette(palette.edited()));
        }
        Some(Dialog::Moment(mut text, _)) => {
            into(&mut text);
            model.dialog = Some(Dialog::Moment(text, None));
        }
        other => {
            if other.is_none()
                && let Some(effect) = rooms::paste(model, text)
            {
                return effect;
            }
            model.dialog = other;
        }
    }
    Effect::None
}

/// Control-U empties the field that is being typed, control-W takes its last word.
fn edit_by_control(model: &mut Model, dialog: Dialog, code: KeyCode, control: bool) -> Dialog {
    let change = |field: &mut String| match code {
        KeyCode::Char('u') if control => field.clear(),
        KeyCode::Char('w') if control => {
            let kept = field.trim_end().rfind(' ').map_or(0, |at| at + 1);
            field.truncate(kept);
        }
        _ => {}
    };
    match dialog {
        Dialog::Adopt(mut adopting) => {
            change(adopting.typed());
            Dialog::Adopt(adopting)
        }
        Dialog::Filter(before) => {
            change(&mut model.place_mut().filter);
            Dialog::Filter(before)
        }
        Dialog::Palette(mut palette) => {
            change(&mut palette.typed);
            Dialog::Palette(palette.edited())
        }
        Dialog::Moment(mut text, _) => {
            change(&mut text);
            Dialog::Moment(text, None)
        }
        other => other,
    }
}

fn adopting_key(model: &mut Model, state: &State, conf: &Conf, mut adopting: Adopting, code: KeyCode) -> Effect {
    match code {
        KeyCode::Esc => return Effect::None,
        KeyCode::Tab | KeyCode::BackTab | KeyCode::Down | KeyCode::Up => adopting.field ^= 1,
        KeyCode::Enter => match checked(model, state, conf, &adopting) {
            Ok(command) => return Effect::Send(command),
            Err(error) => adopting.error = Some(error),
        },
        code => {
            edit(adopting.typed(), code);
            adopting.error = None;
        }
    }
    model.dialog = Some(Dialog::Adopt(adopting));
    Effect::None
}

fn checked(model: &Model, state: &State, conf: &Conf, adopting: &Adopting) -> Result<Command, String> {
    let (segment, _) = model.segment(state).ok_or("no segment")?;
    obey::adopt(conf, segment, adopting.mac, &adopting.address, &adopting.hostname)
}

pub fn edit(text: &mut String, code: KeyCode) {
    match code {
        KeyCode::Backspace => drop(text.pop()),
        KeyCode::Char(c) if text.len() < 200 && !c.is_control() => text.push(c),
        _ => {}
    }
}
