//! What a key changes in the model, and which commands come of it. Pure.

use super::{
    answers,
    keys::{ACTIONS, Chord, Wish, works},
    lines::current,
    lock, marks,
    model::{Adopting, Dialog, Model, Pane},
    palette::Palette,
    power, profiles, recorded,
    rooms::{self, Room, alerts, changes, graphs, interfaces, recipes, terminals},
    timeline,
};
use crate::{
    command::Command,
    conf::{Conf, suggest},
    desk::{
        Wanted, What,
        inside::{Act, Id},
    },
    event::Action,
    state::{Outcome, State, past::Go},
};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::collections::BTreeSet;

/// What is to be done outside the model.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    None,
    Send(Command),
    NextTheme,
    /// Colours by name.
    Theme(String),
    /// Something that is opened for the operator.
    Desk(Wanted),
    /// What the operator does with a terminal inside the console.
    Inside(Id, Act),
    /// The session that a terminal shows is to be ended.
    EndSession(Id),
    /// The session of this name is.
    EndNamed(String),
    /// A session that runs is to be shown.
    OpenSession(String),
    /// Which sessions run?
    Sessions,
    /// Another moment of the past, or the present.
    Go(Go),
    /// The moment of the past that this text means.
    At(String),
}

/// Folds a key in; `state` is the present.
pub fn key(model: &mut Model, state: &State, conf: &Conf, key: KeyEvent) -> Effect {
    let effect = pressed(model, state, conf, key);
    held_back(model, effect)
}

/// What would change something does not leave a console that is read-only.
pub fn held_back(model: &mut Model, effect: Effect) -> Effect {
    if model.read_only && lock::is_change(&effect) {
        model.word = Some(lock::REFUSED.to_owned());
        return Effect::None;
    }
    effect
}

fn pressed(model: &mut Model, state: &State, conf: &Conf, key: KeyEvent) -> Effect {
    model.word = None;
    let past = model.past.clone();
    let live = state;
    let state = past.as_ref().map_or(live, |past| &past.state);
    model.follow_selection(state);
    if model.dialog.is_none()
        && let Some(effect) = rooms::key(model, state, key)
    {
        return effect;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
        model.dialog = None;
        return follow(model, live, conf, Wish::Quit);
    }
    match model.dialog.take() {
        Some(dialog) => answers::key(model, live, conf, dialog, key),
        None => match model.keys.wish(Chord::from(key), model) {
            Some(wish) => follow(model, live, conf, wish),
            None if model.keys.is_for_now(Chord::from(key), model) => {
                let back = model.keys.of(Wish::Timeline);
                let word =
                    format!("this is the past: machines are switched, adopted and opened now; {back} goes there");
                model.word = Some(word);
                Effect::None
            }
            None if model.read_only && model.keys.changes(Chord::from(key)) => {
                model.word = Some(lock::REFUSED.to_owned());
                Effect::None
            }
            // With alt or control it is another key than the one meant.
            None if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => Effect::None,
            None => {
                model.word = Some(format!("no such key here; {} shows those that work", model.keys.of(Wish::Help)));
                Effect::None
            }
        },
    }
}

/// Follows a wish that was named rather than asked for by its key.
pub fn wished(model: &mut Model, live: &State, conf: &Conf, wish: Wish) -> Effect {
    if ACTIONS.iter().any(|action| action.wish == wish && works(action, model)) {
        return follow(model, live, conf, wish);
    }
    let refused = match (model.read_only && lock::changes(wish), model.past.is_some()) {
        (true, _) => lock::REFUSED,
        (false, true) if lock::changes(wish) => "this is the past: machines are switched, adopted and opened now",
        _ => "that means nothing here",
    };
    model.word = Some(refused.to_owned());
    Effect::None
}

/// `live` is the present.
fn follow(model: &mut Model, live: &State, conf: &Conf, wish: Wish) -> Effect {
    let past = model.past.clone();
    // Quitting is about the boots that are under way now.
    let state = past.as_ref().filter(|_| wish != Wish::Quit).map_or(live, |past| &past.state);
    if let Some(effect) = rooms::follow(model, state, wish) {
        return effect;
    }
    let screen = isize::try_from(model.height.max(2) - 1).unwrap_or(1);
    match wish {
        Wish::Down => step(model, state, 1),
        Wish::Up => step(model, state, -1),
        Wish::PageDown => step(model, state, screen),
        Wish::PageUp => step(model, state, -screen),
        Wish::First => step(model, state, isize::MIN / 2),
        Wish::Last => step(model, state, isize::MAX / 2),
        Wish::NextPane => turn(model, 1),
        Wish::PreviousPane => turn(model, Pane::ALL.len() - 1),
        Wish::Open => open(model, state),
        Wish::Back if model.room.is_some() => model.room = None,
        Wish::Back if model.page.is_some() => model.page = None,
        Wish::Back if model.batch.is_some() && model.past.is_none() => model.batch = None,
        Wish::Back if !model.place().filter.is_empty() => {
            model.place_mut().filter.clear();
            model.refilter(state);
        }
        Wish::Back if !model.marks.is_empty() && model.past.is_none() => model.marks.clear(),
        Wish::Back if model.zoomed => model.zoomed = false,
        Wish::Back if model.past.is_some() => return timeline::leave(model),
        Wish::Back => {}
        Wish::Zoom => model.zoomed ^= true,
        Wish::Troubles => ask(model, Dialog::Troubles),
        Wish::Power => power::open(model, state),
        Wish::PowerOn => {
            if let Some(whom) = power::whom(model, state) {
                return power::switch(model, state, whom, Action::On);
            }
        }
        Wish::Mark => {
            marks::toggle(model, state);
            step(model, state, 1);
        }
        Wish::MarkAll => marks::toggle_all(model, state),
        Wish::Adopt => adopt(model, state, conf),
        Wish::Filter => model.dialog = Some(Dialog::Filter(model.place().filter.clone())),
        Wish::View => {
            if let Some(event) = model.event(state).cloned() {
                ask(model, Dialog::Event(event));
            }
        }
        Wish::Follow if model.place().follow => model.choose(state, model.lines(state).saturating_sub(1)),
        Wish::Follow => model.place_mut().follow = true,
        Wish::Pause => {
            let frozen = match model.place().frozen {
                Some(_) => None,
                None => Some(model.events(state, model.pane).into_iter().cloned().collect()),
            };
            model.place_mut().frozen = frozen;
        }
        Wish::Segment => {
            let all: Vec<_> = current(state).map(|(address, _)| address).collect();
            let at = model.segment(state).and_then(|(now, _)| all.iter().position(|a| *a == now));
            if let Some(at) = at.filter(|_| all.len() > 1) {
                model.show_segment(all[(at + 1) % all.len()]);
            }
        }
        Wish::Fleet => {
            let line = model.selected_machine(state).map(|(at, machine)| (at, machine.mac));
            model.fleet ^= true;
            model.pane = Pane::Machines;
            let machines = model.machines(state);
            let same = line.and_then(|line| machines.iter().position(|(at, machine)| (*at, machine.mac) == line));
            model.choose(state, same.unwrap_or(0));
        }
        Wish::Interfaces => interfaces::enter(model, state),
        Wish::Alerts => alerts::enter(model),
        Wish::Changes => changes::enter(model, state),
        Wish::Graphs => graphs::enter(model, state),
        Wish::Recipes => recipes::enter(model, state),
        Wish::Terminal => return terminal(model, state),
        Wish::Profile => profiles::open(model, state, conf),
        Wish::Recorded => return recorded::open(model, state),
        Wish::Logs => return Effect::Desk(Wanted::Logs),
        Wish::Terminals => {
            model.room = Some(Room::Terminals(terminals::Terminals::listing()));
            return Effect::Sessions;
        }
        Wish::Theme => return Effect::NextTheme,
        Wish::Palette => model.dialog = Some(Dialog::Palette(Palette::default())),
        Wish::Help => ask(model, Dialog::Help),
        Wish::Quit => match boots_under_way(state) {
            0 => return Effect::Send(Command::Quit),
            boots => model.dialog = Some(Dialog::Quit { boots }),
        },
        wish => return timeline::follow(model, wish),
    }
    Effect::None
}

/// Puts a dialog before the panes.
pub fn ask(model: &mut Model, dialog: Dialog) {
    (model.dialog, model.scrolled) = (Some(dialog), 0);
}

/// Opens the page of the machine behind the selected line.
pub fn open(model: &mut Model, state: &State) {
    model.page = model.machine(state).map(|machine| (machine.mac, 0));
    if model.page.is_none() {
        model.word = Some("no machine is behind this line".to_owned());
    }
}

fn boots_under_way(state: &State) -> usize {
    let own = state.segments.values().filter(|segment| !segment.remote);
    let machines = own.flat_map(|segment| segment.machines.values());
    machines.filter(|m| m.boot().is_some_and(|boot| boot.outcome == Outcome::Underway)).count()
}

/// Moves the selection, or scrolls the open page.
pub fn step(model: &mut Model, state: &State, by: isize) {
    if let Some((_, scrolled)) = &mut model.page {
        let most = model.page_lines.saturating_sub(model.height);
        *scrolled = (*scrolled).min(most).saturating_add_signed(by).min(most);
        return;
    }
    let Some(from) = model.selected(state, model.pane) else { return };
    let last = model.lines(state).saturating_sub(1);
    let line = from.saturating_add_signed(by).min(last);
    model.choose(state, line);
    model.follow_selection(state);
    model.place_mut().follow = model.pane.grows() && by > 0 && line == last;
}

fn turn(model: &mut Model, by: usize) {
    model.pane = Pane::ALL[(model.pane as usize + by) % Pane::ALL.len()];
}

/// True, with a word, where the segment shown is another server's: it is for that one to `act`.
pub fn is_elsewhere(model: &mut Model, state: &State, act: &str) -> bool {
    let server = model.segment(state).filter(|(_, segment)| segment.remote).map(|(server, _)| server);
    if let Some(server) = server {
        model.word = Some(format!("another PXElator serves {server}: {act} its machines there"));
    }
    server.is_some()
}

fn terminal(model: &mut Model, state: &State) -> Effect {
    if is_elsewhere(model, state, "open") {
        return Effect::None;
    }
    let segment = model.segment(state).map(|(segment, _)| segment);
    let machine = model.machine(state).filter(|machine| machine.in_conf).and_then(|machine| machine.address);
    let Some((segment, machine)) = segment.zip(machine) else {
        let adopt = model.keys.of(Wish::Adopt);
        model.word = Some(format!("only a machine of conf has a terminal; adopt it with {adopt}"));
        return Effect::None;
    };
    Effect::Desk(Wanted::Terminal(What::Machine { segment, machine, way: None }))
}

fn adopt(model: &mut Model, state: &State, conf: &Conf) {
    let Some(machine) = model.machine(state) else { return };
    if is_elsewhere(model, state, "adopt") {
        return;
    }
    if machine.in_conf {
        model.word = Some("it is in conf already".to_owned());
        return;
    }
    let Some((address, segment)) = model.segment(state) else { return };
    let taken: BTreeSet<_> = segment.leases.iter().map(|lease| lease.address).collect();
    let there = conf.segments.get(&address);
    let suggested =
        there.and_then(|there| suggest(there, &taken, machine.mac, machine.address, machine.hostname.as_deref()));
    let (address, hostname) = suggested.map(|(address, name)| (address.to_string(), name)).unwrap_or_default();
    model.dialog = Some(Dialog::Adopt(Adopting { mac: machine.mac, address, hostname, field: 0, error: None }));
}
