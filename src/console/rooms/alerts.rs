//! The alerts: what fires, what waits, what was; somebody looks after one, or it is not told for a while. Pure.

use super::Room;
use crate::{
    command::{AlertKey, Command},
    console::{keys::Wish, marks::Who, model::Model, update::Effect, view::list},
    event::Asker,
    state::{
        State,
        alerts::{Alert, Phase},
    },
};
use crossterm::event::{KeyCode, KeyEvent};
use jiff::{SignedDuration, Timestamp};

/// Alerts that are over and shown.
const OVER: usize = 200;

/// For how long something is not told: in words, minutes, and whether it is all of the machine.
pub const SPANS: [(&str, i64, bool); 7] = [
    ("this alert for half an hour", 30, false),
    ("this alert for 2 hours", 120, false),
    ("this alert for 8 hours", 480, false),
    ("this alert for a day", 1440, false),
    ("this alert for a week", 7 * 1440, false),
    ("all of its machine for 2 hours", 120, true),
    ("all of its machine for a day", 1440, true),
];

/// One line: an alert, and since when it is so.
pub type Listed = (AlertKey, Timestamp);

/// Where the operator is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alerts {
    /// The alert that is selected, since lines come and go.
    pub chosen: Option<Listed>,
    /// All of it is shown, in the place of the list.
    pub whole: bool,
    /// For how long it is to be silenced: the choice of [`SPANS`], or beyond them to tell it again.
    pub choosing: Option<usize>,
    /// Lines on the screen.
    pub height: usize,
    /// The first line shown.
    pub offset: usize,
    /// The lines.
    listed: Vec<Listed>,
    /// Where the selection was, for when its alert is gone.
    at: usize,
}

/// Opens the room.
pub fn enter(model: &mut Model) {
    model.room = Some(Room::Alerts(Alerts { height: model.height.max(5), ..Alerts::default() }));
}

/// The lines: loud ones first, then what somebody looks after, what is silenced, what waits, and what is over.
pub fn lines(state: &State, now: Timestamp) -> Vec<(&AlertKey, &Alert)> {
    let alerts = &state.alerts;
    let rank = |(key, alert): &(&AlertKey, &Alert)| {
        let quiet = alert.acknowledged.is_some() || alerts.silence_of(key, now).is_some();
        (alert.phase != Phase::Firing, quiet, alert.severity, alert.since)
    };
    let mut lines: Vec<_> = alerts.open.iter().collect();
    lines.sort_by_key(rank);
    lines.extend(alerts.over.iter().rev().take(OVER).map(|(key, alert)| (key, alert)));
    lines
}

/// The alert that a room has selected.
pub fn selected<'a>(room: &Alerts, lines: &[(&'a AlertKey, &'a Alert)]) -> Option<usize> {
    let is_it = |chosen: &Listed| lines.iter().position(|(key, alert)| (*key, alert.since) == (&chosen.0, chosen.1));
    let same = room.chosen.as_ref().and_then(is_it);
    same.or_else(|| lines.len().checked_sub(1).map(|last| room.at.min(last)))
}

/// Takes the keys while it is asked for how long.
pub fn key(model: &mut Model, state: &State, key: KeyEvent) -> Option<Effect> {
    let now = model.now;
    let Some(Room::Alerts(room)) = &mut model.room else { return None };
    let choice = room.choosing?;
    let number = |c: char| c.to_digit(10).and_then(|number| (number as usize).checked_sub(1));
    match key.code {
        KeyCode::Down | KeyCode::Char('j') => room.choosing = Some((choice + 1).min(SPANS.len())),
        KeyCode::Up | KeyCode::Char('k') => room.choosing = Some(choice.saturating_sub(1)),
        KeyCode::Enter => {
            room.choosing = None;
            return Some(silence(room, state, now, choice));
        }
        KeyCode::Char(c) if number(c).is_some_and(|at| at <= SPANS.len()) => {
            room.choosing = None;
            return Some(silence(room, state, now, number(c).unwrap_or(0)));
        }
        _ => room.choosing = None,
    }
    Some(Effect::None)
}

fn silence(room: &Alerts, state: &State, now: Timestamp, choice: usize) -> Effect {
    let lines = lines(state, now);
    let Some((key, _)) = selected(room, &lines).and_then(|at| lines.get(at)) else { return Effect::None };
    let by = Asker::Operator;
    let (rule, subject) = (Some(key.rule.clone()), Some(key.subject.clone()));
    Effect::Send(match SPANS.get(choice) {
        Some((_, minutes, all)) => {
            let until = now.checked_add(SignedDuration::from_mins(*minutes)).ok();
            let (rule, subject) = if *all { (None, None) } else { (rule, subject) };
            Command::Silence { segment: key.segment, mac: key.mac, rule, subject, until, by }
        }
        // Whatever silences it ends.
        None => match state.alerts.silence_of(key, now).cloned() {
            Some(silence) => Command::Silence {
                segment: silence.segment,
                mac: silence.mac,
                rule: silence.rule,
                subject: silence.subject,
                until: None,
                by,
            },
            None => return Effect::None,
        },
    })
}

/// What a wish changes here.
pub fn follow(model: &mut Model, state: &State, wish: Wish) -> Option<Effect> {
    let now = model.now;
    let Some(Room::Alerts(room)) = &mut model.room else { return None };
    room.look(state, now);
    let lines = lines(state, now);
    let at = selected(room, &lines);
    let screen = isize::try_from(room.height.max(2)).unwrap_or(1) - 1;
    match wish {
        Wish::Down => room.step(1),
        Wish::Up => room.step(-1),
        Wish::PageDown => room.step(screen),
        Wish::PageUp => room.step(-screen),
        Wish::First => room.step(isize::MIN / 2),
        Wish::Last => room.step(isize::MAX / 2),
        Wish::Back if room.whole => room.whole = false,
        Wish::Open if at.is_some() => {
            // Which one it is stays the same while it is read.
            room.chosen = at.and_then(|at| room.listed.get(at)).cloned();
            room.whole ^= true;
        }
        Wish::Acknowledge | Wish::Silence => {
            let Some((key, alert)) = at.and_then(|at| lines.get(at)) else { return Some(Effect::None) };
            if alert.phase == Phase::Resolved {
                model.word = Some("it is over already".to_owned());
                return Some(Effect::None);
            }
            if wish == Wish::Silence {
                room.chosen = Some(((*key).clone(), alert.since));
                room.choosing = Some(1);
                return Some(Effect::None);
            }
            if alert.phase == Phase::Pending {
                model.word = Some("it does not fire yet; it can be silenced".to_owned());
                return Some(Effect::None);
            }
            let alerts = vec![(*key).clone()];
            return Some(Effect::Send(Command::Acknowledge { alerts, note: None, by: Asker::Operator }));
        }
        _ => return None,
    }
    Some(Effect::None)
}

/// Somebody looks after all that fires of these machines.
pub fn acknowledge(model: &mut Model, state: &State, whom: &[Who]) -> Effect {
    let is_meant = |(key, alert): &(&AlertKey, &Alert)| {
        let place = key.segment.zip(key.mac);
        alert.phase == Phase::Firing && place.is_some_and(|place| whom.contains(&place))
    };
    let alerts: Vec<AlertKey> = state.alerts.open.iter().filter(is_meant).map(|(key, _)| key.clone()).collect();
    if alerts.is_empty() {
        model.word = Some("nothing of it fires".to_owned());
        return Effect::None;
    }
    Effect::Send(Command::Acknowledge { alerts, note: None, by: Asker::Operator })
}

/// All of this machine is not told for a while, or is again.
pub fn silence_machine(now: Timestamp, (segment, mac): Who, minutes: Option<i64>) -> Effect {
    let until = minutes.and_then(|minutes| now.checked_add(SignedDuration::from_mins(minutes)).ok());
    let (segment, mac, by) = (Some(segment), Some(mac), Asker::Operator);
    Effect::Send(Command::Silence { segment, mac, rule: None, subject: None, until, by })
}

impl Alerts {
    /// Takes over which there are.
    pub fn look(&mut self, state: &State, now: Timestamp) {
        self.listed = lines(state, now).into_iter().map(|(key, alert)| (key.clone(), alert.since)).collect();
    }

    /// The selected line.
    fn selected(&self) -> usize {
        let same = self.chosen.as_ref().and_then(|chosen| self.listed.iter().position(|listed| listed == chosen));
        same.unwrap_or(self.at).min(self.listed.len().saturating_sub(1))
    }

    /// Moves by so many lines.
    pub fn step(&mut self, by: isize) {
        let last = self.listed.len().saturating_sub(1);
        self.at = self.selected().saturating_add_signed(by).min(last);
        self.chosen = self.listed.get(self.at).cloned();
    }

    /// Selects a line that is shown, by its number on the screen.
    pub fn choose(&mut self, line: usize) {
        if let Some(listed) = self.listed.get(self.offset + line).filter(|_| !self.whole) {
            (self.at, self.chosen) = (self.offset + line, Some(listed.clone()));
        }
    }

    /// The room has so many lines on the screen.
    pub fn fit(&mut self, height: usize) {
        self.height = height;
        self.offset = list::first(self.listed.len(), self.selected(), height, self.offset);
    }
}
