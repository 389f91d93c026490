//! What a machine is to boot: which profiles there are, and which of them is chosen. Pure.

use super::{
    marks::Who,
    model::{Dialog, Model},
    power::{machine, place},
    update::{Effect, ask, is_elsewhere},
};
use crate::{boot, command::Command, conf::Conf, state::State};
use crossterm::event::KeyCode;

/// The profiles that a machine can boot, by name; `local` is always there.
pub fn names(conf: &Conf) -> Vec<&str> {
    let bootable = conf.profiles.values().filter(|profile| !profile.texts.is_empty());
    let mut names: Vec<&str> = bootable.map(|profile| profile.name.as_str()).collect();
    if let Err(at) = names.binary_search(&"local") {
        names.insert(at, "local");
    }
    names
}

/// Asks what the selected machine is to boot; what it boots now is chosen first.
pub fn open(model: &mut Model, state: &State, conf: &Conf) {
    if is_elsewhere(model, state, "choose what to boot for") {
        return;
    }
    let at = model.segment(state).map(|(at, _)| at);
    let (Some(at), Some(machine)) = (at, model.machine(state).filter(|machine| machine.in_conf)) else {
        model.word = Some("only a machine of conf is told what to boot; adopt it first".to_owned());
        return;
    };
    let boots = |name: &&str| machine.profile.as_deref() == Some(*name);
    let choice = names(conf).iter().position(boots).unwrap_or(0);
    let who = (at, machine.mac);
    ask(model, Dialog::Profile { who, choice });
}

/// A key while it is asked.
pub fn answer(model: &mut Model, state: &State, conf: &Conf, (who, choice): (Who, usize), code: KeyCode) -> Effect {
    let names = names(conf);
    let last = names.len().saturating_sub(1);
    // One may have gone from conf meanwhile.
    let choice = choice.min(last);
    let chosen = names.get(choice).map(|name| (*name).to_owned());
    let choice = match code {
        KeyCode::Esc | KeyCode::Char('q') => return Effect::None,
        KeyCode::Enter | KeyCode::Char('s') => {
            let Some(machine) = place(state, who) else { return Effect::None };
            let profile = chosen.filter(|_| code == KeyCode::Enter);
            return Effect::Send(Command::Assign { machine, profile });
        }
        // Asked once more while it goes on it says so.
        KeyCode::Char('f') => {
            model.dialog = Some(Dialog::Profile { who, choice });
            return chosen.map_or(Effect::None, |profile| Effect::Send(Command::Fetch { profile }));
        }
        KeyCode::Down | KeyCode::Char('j') => (choice + 1).min(last),
        KeyCode::Up | KeyCode::Char('k') => choice.saturating_sub(1),
        KeyCode::Home => 0,
        KeyCode::End => last,
        // The first of those that begin with it, after the one that is chosen.
        KeyCode::Char(letter) => {
            let begins = |at: &usize| names[*at].starts_with(letter);
            let found = (choice + 1..names.len()).chain(0..choice).find(begins);
            found.unwrap_or(choice)
        }
        _ => choice,
    };
    model.dialog = Some(Dialog::Profile { who, choice });
    Effect::None
}

/// What a machine would get, for the dialog.
pub fn shown(state: &State, conf: &Conf, who: Who, name: &str) -> Option<Result<boot::Shown, crate::event::Refusal>> {
    let (segment, of_conf) = conf.machine(place(state, who)?)?;
    Some(boot::shown(conf, segment, of_conf, Some(name), machine(state, who)?.firmware))
}
