//! The palette: an order is typed, what it may mean is listed, and the best of it is done. Pure.

mod candidates;
mod history;

pub use candidates::{Candidate, candidates};
pub use history::History;

use super::{
    answers::edit,
    model::{Dialog, Model},
    obey::obey,
    order::{self, Scope},
    update::Effect,
};
use crate::{conf::Conf, state::State};
use crossterm::event::KeyCode;

/// An order as it is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Palette {
    pub typed: String,
    /// The candidate that is chosen, where one was; the first until then.
    pub choice: Option<usize>,
    /// The line of the history that is shown, counted from the newest.
    recalled: Option<usize>,
    /// Why it is no order.
    pub error: Option<String>,
}

impl Palette {
    /// The text was changed: what was chosen before means nothing.
    pub fn edited(self) -> Palette {
        Palette { typed: self.typed, ..Palette::default() }
    }
}

/// Folds a key in.
pub fn key(model: &mut Model, live: &State, conf: &Conf, mut palette: Palette, code: KeyCode) -> Effect {
    let past = model.past.clone();
    let state = past.as_ref().map_or(live, |past| &past.state);
    let found = candidates(model, state, &palette.typed);
    let chosen = found.get(palette.choice.unwrap_or(0));
    match code {
        KeyCode::Esc => return Effect::None,
        KeyCode::Backspace if palette.typed.is_empty() => return Effect::None,
        KeyCode::Up if palette.recalled.is_some() || palette.typed.is_empty() && palette.choice.is_none() => {
            palette = recall(model, palette, 1);
        }
        KeyCode::Down if palette.recalled.is_some() => palette = recall(model, palette, -1),
        KeyCode::Up => palette.choice = Some(palette.choice.unwrap_or(0).saturating_sub(1)),
        KeyCode::Down => {
            let next = palette.choice.map_or(1, |choice| choice + 1).min(found.len().saturating_sub(1));
            palette.choice = Some(next);
        }
        KeyCode::Tab => {
            if let Some(candidate) = chosen {
                palette = Palette { typed: candidate.completed(), ..Palette::default() };
            }
        }
        KeyCode::Enter => {
            let segment = model.segment(state).map(|(at, _)| at);
            let parsed = |text: &str| order::parse(text, Scope { state, segment });
            let order = match (palette.choice.and(chosen), parsed(&palette.typed)) {
                // What is typed in full is meant, unless another line was chosen.
                (None, Ok(order)) => Ok((palette.typed.clone(), order)),
                (None, Err(_)) if palette.typed.trim().is_empty() => return Effect::None,
                (None, Err(error)) if chosen.is_none() => Err(error),
                (_, _) => match chosen {
                    Some(candidate) if candidate.open => {
                        palette = Palette { typed: candidate.completed(), ..Palette::default() };
                        model.dialog = Some(Dialog::Palette(palette));
                        return Effect::None;
                    }
                    Some(candidate) => parsed(&candidate.text).map(|order| (candidate.text.clone(), order)),
                    None => return Effect::None,
                },
            };
            match order {
                Ok((text, order)) => {
                    model.history.typed(text);
                    return obey(model, live, conf, order);
                }
                Err(error) => palette.error = Some(error.to_string()),
            }
        }
        code => {
            edit(&mut palette.typed, code);
            palette = palette.edited();
        }
    }
    model.dialog = Some(Dialog::Palette(palette));
    Effect::None
}

/// Goes so many lines back in what was typed before.
fn recall(model: &Model, palette: Palette, by: isize) -> Palette {
    let next = match palette.recalled {
        None => Some(0),
        Some(0) if by < 0 => None,
        Some(line) => Some(line.saturating_add_signed(by)),
    };
    match next {
        None => Palette::default(),
        Some(line) => match model.history.back(line) {
            Some(typed) => Palette { typed: typed.to_owned(), recalled: next, ..Palette::default() },
            None => palette,
        },
    }
}
