//! What a key or a click changes in the model, and which commands come of it. Pure.

use super::{
    keys::{self, Wish},
    model::{ACTIONS, Adopting, Dialog, Model, Pane},
    view::Sight,
};
use crate::{
    command::Command,
    conf::{Conf, fits, suggest},
    event::Action,
    net::Mac,
    state::{Outcome, State},
};
use crossterm::event::{KeyCode, KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use std::collections::BTreeSet;

/// What is to be done outside the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    None,
    Send(Command),
    NextTheme,
}

/// Folds a key in.
pub fn key(model: &mut Model, state: &State, conf: &Conf, key: KeyEvent) -> Effect {
    model.word = None;
    match model.dialog.take() {
        Some(dialog) => answer(model, state, conf, dialog, key),
        None => match keys::wish(key, model) {
            Some(wish) => follow(model, state, conf, wish),
            None => {
                model.word = Some("no such key here; ? shows those that work".to_owned());
                Effect::None
            }
        },
    }
}

/// Lines that a turn of the wheel moves.
const WHEEL: isize = 3;

/// Folds a click or a turn of the wheel in: a click chooses a pane or a line, a second one opens the line.
pub fn mouse(model: &mut Model, state: &State, sight: &Sight, mouse: MouseEvent) {
    if model.dialog.is_some() {
        if matches!(mouse.kind, MouseEventKind::Down(_)) && model.dialog != Some(Dialog::Filter) {
            model.dialog = None;
        }
        return;
    }
    let (column, row) = (mouse.column, mouse.row);
    let hit = sight.line_at(column, row).filter(|_| model.page.is_none());
    match mouse.kind {
        MouseEventKind::Down(MouseButton::Left) => {
            if let Some(pane) = sight.tab_at(column, row) {
                (model.pane, model.page) = (pane, None);
            } else if let Some((pane, line)) = hit {
                let again = model.pane == pane && model.place().line == line && !model.place().follow;
                model.pane = pane;
                let last = model.lines(state).saturating_sub(1);
                let place = model.place_mut();
                (place.line, place.follow) = (line.min(last), false);
                if again {
                    open(model, state);
                }
            }
        }
        MouseEventKind::ScrollDown | MouseEventKind::ScrollUp => {
            model.pane = hit.map_or(model.pane, |(pane, _)| pane);
            step(model, state, if mouse.kind == MouseEventKind::ScrollUp { -WHEEL } else { WHEEL });
        }
        _ => {}
    }
}

fn follow(model: &mut Model, state: &State, conf: &Conf, wish: Wish) -> Effect {
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
        Wish::Back if model.page.is_some() => model.page = None,
        Wish::Back if !model.place().filter.is_empty() => model.place_mut().filter.clear(),
        Wish::Back => model.zoomed = false,
        Wish::Zoom => model.zoomed ^= true,
        Wish::Troubles => model.dialog = Some(Dialog::Troubles),
        Wish::Power => match model.machine(state) {
            Some(machine) if machine.in_conf => model.dialog = Some(Dialog::Power { mac: machine.mac, choice: 0 }),
            _ => model.word = Some("only a machine of conf can be switched; adopt it with a".to_owned()),
        },
        Wish::PowerOn => return switch(model, state, None, Action::On),
        Wish::Adopt => adopt(model, state, conf),
        Wish::Filter => model.dialog = Some(Dialog::Filter),
        Wish::View => model.dialog = model.event(state).cloned().map(Dialog::Event),
        Wish::Follow => model.place_mut().follow ^= true,
        Wish::Pause => {
            let newest = model.events(state, model.pane).last().map(|event| event.time);
            let place = model.place_mut();
            place.frozen = if place.frozen.is_some() { None } else { newest };
        }
        Wish::Segment => {
            let all: Vec<_> = state.segments.keys().copied().collect();
            let at = model.segment(state).and_then(|(now, _)| all.iter().position(|a| *a == now));
            model.segment = at.map(|at| all[(at + 1) % all.len()]);
        }
        Wish::Theme => return Effect::NextTheme,
        Wish::Help => model.dialog = Some(Dialog::Help),
        Wish::Quit => match boots_under_way(state) {
            0 => return Effect::Send(Command::Quit),
            boots => model.dialog = Some(Dialog::Quit { boots }),
        },
    }
    Effect::None
}

fn open(model: &mut Model, state: &State) {
    model.page = model.machine(state).map(|machine| (machine.mac, 0));
    if model.page.is_none() {
        model.word = Some("no machine is behind this line".to_owned());
    }
}

fn boots_under_way(state: &State) -> usize {
    let machines = state.segments.values().flat_map(|segment| segment.machines.values());
    machines.filter(|m| m.boot().is_some_and(|boot| boot.outcome == Outcome::Underway)).count()
}

fn step(model: &mut Model, state: &State, by: isize) {
    if let Some((_, scrolled)) = &mut model.page {
        let most = model.page_lines.saturating_sub(model.height);
        *scrolled = (*scrolled).min(most).saturating_add_signed(by).min(most);
        return;
    }
    let last = model.lines(state).saturating_sub(1);
    let pane = model.pane;
    let place = model.place_mut();
    let from = if place.follow { last } else { place.line.min(last) };
    place.line = from.saturating_add_signed(by).min(last);
    place.follow = pane.grows() && by > 0 && place.line == last;
}

fn turn(model: &mut Model, by: usize) {
    model.pane = Pane::ALL[(model.pane as usize + by) % Pane::ALL.len()];
}

fn switch(model: &mut Model, state: &State, mac: Option<Mac>, action: Action) -> Effect {
    let segment = model.segment(state);
    let machine = match mac {
        Some(mac) => segment.and_then(|(_, segment)| segment.machines.get(&mac)),
        None => model.machine(state),
    };
    let found = machine.filter(|machine| machine.in_conf).and_then(|machine| machine.address);
    match (segment, found) {
        (Some((segment, _)), Some(machine)) => Effect::Send(Command::Power { segment, machine, action }),
        _ => {
            model.word = Some("only a machine of conf can be switched; adopt it with a".to_owned());
            Effect::None
        }
    }
}

fn adopt(model: &mut Model, state: &State, conf: &Conf) {
    let Some(machine) = model.machine(state) else { return };
    if machine.in_conf {
        model.word = Some("it is in conf already".to_owned());
        return;
    }
    let Some((address, segment)) = model.segment(state) else { return };
    let taken: BTreeSet<_> = segment.leases.iter().map(|lease| lease.address).collect();
    let suggested = conf.segments.get(&address).and_then(|segment| suggest(segment, &taken));
    let (address, hostname) = suggested.map(|(a, h)| (a.to_string(), h)).unwrap_or_default();
    let hostname = machine.hostname.clone().unwrap_or(hostname);
    model.dialog = Some(Dialog::Adopt(Adopting { mac: machine.mac, address, hostname, field: 0, error: None }));
}

fn answer(model: &mut Model, state: &State, conf: &Conf, dialog: Dialog, key: KeyEvent) -> Effect {
    match (dialog, key.code) {
        (Dialog::Help | Dialog::Troubles | Dialog::Event(_), _) => {}
        (Dialog::Filter, KeyCode::Enter) => {}
        (Dialog::Filter, KeyCode::Esc) => model.place_mut().filter.clear(),
        (Dialog::Filter, code) => {
            edit(&mut model.place_mut().filter, code);
            model.dialog = Some(Dialog::Filter);
        }
        (Dialog::Quit { .. }, KeyCode::Char('y' | 'q') | KeyCode::Enter) => return Effect::Send(Command::Quit),
        (Dialog::Quit { .. }, _) => {}
        (Dialog::Power { mac, choice }, code) => {
            if let Some((action, _)) = ACTIONS.iter().find(|(_, letter)| code == KeyCode::Char(*letter)) {
                return switch(model, state, Some(mac), *action);
            }
            let choice = match code {
                KeyCode::Esc | KeyCode::Char('q') => return Effect::None,
                KeyCode::Down | KeyCode::Char('j') => (choice + 1) % ACTIONS.len(),
                KeyCode::Up | KeyCode::Char('k') => (choice + ACTIONS.len() - 1) % ACTIONS.len(),
                KeyCode::Enter => return switch(model, state, Some(mac), ACTIONS[choice].0),
                _ => choice,
            };
            model.dialog = Some(Dialog::Power { mac, choice });
        }
        (Dialog::Adopt(adopting), code) => return adopting_key(model, state, conf, adopting, code),
    }
    Effect::None
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
            edit(if adopting.field == 0 { &mut adopting.address } else { &mut adopting.hostname }, code);
            adopting.error = None;
        }
    }
    model.dialog = Some(Dialog::Adopt(adopting));
    Effect::None
}

fn checked(model: &Model, state: &State, conf: &Conf, adopting: &Adopting) -> Result<Command, String> {
    let segment = model.segment(state).and_then(|(address, _)| conf.segments.get(&address)).ok_or("no segment")?;
    let address = adopting.address.trim().parse().map_err(|_| format!("{:?} is not an address", adopting.address))?;
    let hostname = adopting.hostname.trim().to_owned();
    fits(segment, adopting.mac, address, &hostname).map_err(|error| error.to_string())?;
    Ok(Command::Adopt { segment: segment.server, mac: adopting.mac, address, hostname })
}

fn edit(text: &mut String, code: KeyCode) {
    match code {
        KeyCode::Backspace => drop(text.pop()),
        KeyCode::Char(c) if text.len() < 200 => text.push(c),
        _ => {}
    }
}
