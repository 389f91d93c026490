//! What is asked for of the power of machines: the menu, the questions before what destroys, and the commands. Pure.

use super::{
    batch::Batch,
    certificate::{Certificate, certificate},
    keys::Wish,
    marks::Who,
    model::{Dialog, Model},
    update::{Effect, ask},
    view::switching,
};
use crate::{
    command::{Command, Place},
    conf::Conf,
    event::{Action, Asker, PowerState},
    schedule::Change,
    state::{Machine, State},
};
use crossterm::event::KeyCode;
use jiff::{Timestamp, tz::TimeZone};
use std::time::Duration;

/// Of many machines one is switched so long after the other.
pub const STAGGER: Duration = Duration::from_secs(2);
/// Scheduled changes that are looked through for one that can be skipped.
const AHEAD: usize = 60;

/// What the power menu offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    Switch(Action),
    Look,
    Examine,
    /// Pass the next scheduled change over, or do not after all.
    Skip(bool),
    Trust(Certificate),
}

/// A line of the power menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub key: char,
    pub choice: Choice,
    pub words: String,
}

/// The machine that is meant.
pub fn machine(state: &State, (at, mac): Who) -> Option<&Machine> {
    state.machine(at, mac)
}

pub fn place(state: &State, who: Who) -> Option<Place> {
    Some((who.0, machine(state, who)?.address?))
}

/// The power menu of these machines.
pub fn menu(state: &State, conf: &Conf, whom: &[Who], now: Timestamp, zone: &TimeZone) -> Vec<Item> {
    let item = |key, choice, words: &str| Item { key, choice, words: words.to_owned() };
    let mut items: Vec<Item> = Action::ALL
        .into_iter()
        .map(|action| item(letter(action), Choice::Switch(action), switching::action(action)))
        .collect();
    items.push(item('l', Choice::Look, "look now whether it is on"));
    let [who] = whom else { return items };
    items.push(item('d', Choice::Examine, "doctor: go through what switches it"));
    if let Some((change, skip)) = skippable(state, conf, *who, now) {
        let begin = if skip { "pass over" } else { "do not pass over" };
        items.push(item('x', Choice::Skip(skip), &format!("{begin} {}", switching::change(&change, now, zone))));
    }
    if let Some(certificate) = certificate(state, *who) {
        let words = format!("trust the certificate of its {}", certificate.method);
        items.push(item('t', Choice::Trust(certificate), &words));
    }
    items
}

/// The letter of an action; it stays the same for good.
fn letter(action: Action) -> char {
    match action {
        Action::On => 'o',
        Action::Off => 'f',
        Action::Reset => 'r',
        Action::Cycle => 'c',
        Action::Pxe => 'n',
        Action::Setup => 's',
    }
}

/// The next scheduled change that is not passed over for a holiday, and whether it is yet to be skipped.
pub fn skippable(state: &State, conf: &Conf, who: Who, now: Timestamp) -> Option<(Change, bool)> {
    let (segment, machine) = place(state, who)?;
    let segment = conf.segments.get(&segment)?;
    let mut ahead = segment.changes(segment.machines.get(&machine)?, now).take(AHEAD);
    let change = ahead.find(|change| change.skipped.as_deref().is_none_or(|reason| reason.starts_with("skip")))?;
    let skip = change.skipped.is_none();
    Some((change, skip))
}

/// Opens the menu of the marked machines, or of the one that is selected.
pub fn open(model: &mut Model, state: &State) {
    if let Some(whom) = whom(model, state) {
        model.dialog = Some(Dialog::Power { whom, choice: 0 });
    }
}

/// The machines that keys act on; none, with a word, where that is none that can be switched.
pub fn whom(model: &mut Model, state: &State) -> Option<Vec<Who>> {
    let marked = model.marked_here(state);
    if !marked.is_empty() {
        return Some(marked);
    }
    let at = model.segment(state).map(|(at, _)| at);
    match (at, model.machine(state)) {
        (Some(at), Some(machine)) if machine.in_conf => {
            let who = (at, machine.mac);
            (!is_elsewhere(model, state, &[who])).then(|| vec![who])
        }
        _ => {
            let adopt = model.keys.of(Wish::Adopt);
            model.word = Some(format!("only a machine of conf can be switched; adopt it with {adopt}"));
            None
        }
    }
}

/// True, with a word, where one of them is another server's.
pub fn is_elsewhere(model: &mut Model, state: &State, whom: &[Who]) -> bool {
    let remote = whom.iter().find(|(at, _)| state.segments.get(at).is_some_and(|segment| segment.remote));
    if let Some((server, _)) = remote {
        model.word = Some(format!("another PXElator serves {server}: switch its machines there"));
    }
    remote.is_some()
}

/// A key while the menu is open.
pub fn answer(
    model: &mut Model,
    state: &State,
    conf: &Conf,
    (whom, choice): (Vec<Who>, usize),
    code: KeyCode,
) -> Effect {
    let mut items = menu(state, conf, &whom, model.now, &model.zone);
    let choice = choice.min(items.len().saturating_sub(1));
    let chosen = match code {
        KeyCode::Esc | KeyCode::Char('q') => return Effect::None,
        KeyCode::Enter => Some(choice),
        code => items.iter().position(|item| code == KeyCode::Char(item.key)),
    };
    if let Some(chosen) = chosen {
        return choose(model, state, whom, items.swap_remove(chosen).choice);
    }
    let choice = match code {
        KeyCode::Down | KeyCode::Char('j') => (choice + 1) % items.len(),
        KeyCode::Up | KeyCode::Char('k') => (choice + items.len() - 1) % items.len(),
        _ => choice,
    };
    model.dialog = Some(Dialog::Power { whom, choice });
    Effect::None
}

fn choose(model: &mut Model, state: &State, whom: Vec<Who>, choice: Choice) -> Effect {
    match (choice, whom.first()) {
        (Choice::Switch(action), _) => switch(model, state, whom, action),
        (Choice::Look, _) => look(model, state, &whom),
        (_, None) => Effect::None,
        (Choice::Examine, Some(who)) => examine(model, state, *who),
        (Choice::Skip(skip), Some(who)) => self::skip(model, state, *who, skip),
        (Choice::Trust(certificate), Some(who)) => {
            ask(model, Dialog::Trust { who: *who, certificate });
            Effect::None
        }
    }
}

/// A change of power: at once where nothing is lost by it, else after a question. Of many it is always asked.
pub fn switch(model: &mut Model, state: &State, whom: Vec<Who>, action: Action) -> Effect {
    if is_elsewhere(model, state, &whom) {
        return Effect::None;
    }
    // What cannot be told may be on.
    let may_run = |who: &Who| machine(state, *who).is_some_and(|machine| machine.power != Some(PowerState::Off));
    if whom.len() > 1 || action != Action::On && whom.iter().any(may_run) {
        ask(model, Dialog::Sure { whom, action });
        return Effect::None;
    }
    confirmed(model, state, &whom, action)
}

/// The same, without a question.
pub fn confirmed(model: &mut Model, state: &State, whom: &[Who], action: Action) -> Effect {
    let there: Vec<(Who, Place)> = whom.iter().filter_map(|who| Some((*who, place(state, *who)?))).collect();
    if there.is_empty() {
        return Effect::None;
    }
    let is_many = there.len() > 1;
    if is_many && !model.read_only {
        let machines = there.iter().map(|(who, _)| *who).collect();
        model.batch = Some(Batch { action, machines, asked: model.now });
        model.marks.clear();
    } else if !is_many {
        // One that was marked alone.
        model.marks.retain(|mark| !whom.contains(mark));
    }
    let stagger = if is_many { STAGGER } else { Duration::ZERO };
    let machines = there.into_iter().map(|(_, place)| place).collect();
    Effect::Send(Command::Power { machines, action, stagger, by: Asker::Operator })
}

/// Asks what switches them whether they are on.
pub fn look(model: &mut Model, state: &State, whom: &[Who]) -> Effect {
    if is_elsewhere(model, state, whom) {
        return Effect::None;
    }
    model.word = Some("asked whether it is on; the column of power tells".to_owned());
    Effect::Send(Command::Look { machines: whom.iter().filter_map(|who| place(state, *who)).collect() })
}

/// Begins an examination, and shows it as it goes.
pub fn examine(model: &mut Model, state: &State, who: Who) -> Effect {
    if is_elsewhere(model, state, &[who]) {
        return Effect::None;
    }
    let Some(machine) = place(state, who) else { return Effect::None };
    let since = model.now;
    ask(model, Dialog::Doctor { who, since });
    Effect::Send(Command::Examine { machine })
}

/// Passes the next scheduled change over, or does not after all.
pub fn skip(model: &mut Model, state: &State, who: Who, skip: bool) -> Effect {
    if is_elsewhere(model, state, &[who]) {
        return Effect::None;
    }
    let Some(machine) = place(state, who) else { return Effect::None };
    Effect::Send(Command::Skip { machine, skip })
}

/// The certificate is trusted from now on.
pub fn trust(state: &State, who: Who, certificate: Certificate) -> Effect {
    let Some(machine) = place(state, who) else { return Effect::None };
    let Certificate { method, fingerprint } = certificate;
    Effect::Send(Command::Trust { machine, method, fingerprint })
}
