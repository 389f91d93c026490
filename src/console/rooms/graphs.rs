//! What was measured in the course of time: of whom, which family, how long. Pure, but for the look at what was answered.

use super::Room;
use crate::{
    console::{
        curves::{Answered, Asked, Curves},
        keys::Wish,
        lines::current,
        model::Model,
        update::Effect,
    },
    sample::Of,
    state::State,
    trend::name,
};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// Spans that can be shown, in minutes.
const SPANS: [i64; 14] =
    [10, 30, 60, 180, 360, 720, 1440, 3 * 1440, 7 * 1440, 14 * 1440, 30 * 1440, 91 * 1440, 365 * 1440, 730 * 1440];
/// An hour.
const FIRST: usize = 2;
/// Values a line: some more than a wide screen has dots.
const POINTS: usize = 400;
/// How often new values are asked for: they come so often.
const ANEW: SignedDuration = SignedDuration::from_secs(10);

/// Where the operator is.
#[derive(Clone, Debug, PartialEq)]
pub struct Graphs {
    /// What can be shown, with what it is called.
    pub all: Vec<(Of, String)>,
    /// The one that is shown.
    pub at: usize,
    /// The families that it has.
    pub families: Vec<String>,
    /// The one that is wanted, or was before.
    pub family: Option<String>,
    /// The end of what is shown; none for now.
    pub until: Option<Timestamp>,
    /// What was answered last about it; none while it is read.
    pub answered: Option<Arc<Answered>>,
    zoom: usize,
    asked: Option<(Asked, Timestamp)>,
}

/// Opens the room, from a machine with its graphs.
pub fn enter(model: &mut Model, state: &State) {
    let chosen = model.machine(state).filter(|machine| machine.in_conf).and_then(|machine| machine.address);
    let own = current(state).filter(|(_, segment)| !segment.remote);
    let mut all = Vec::new();
    for (server, segment) in own {
        all.push((Of::Segment(server), format!("segment {server}")));
        let machines = segment.machines.values().filter(|machine| machine.in_conf);
        let mut machines: Vec<_> = machines.filter_map(|machine| Some((machine.address?, machine.name()))).collect();
        machines.sort();
        all.extend(machines.into_iter().map(|(at, name)| (Of::Machine(server, at), name)));
    }
    all.push((Of::Program, name(Of::Program)));
    let is_it = |(of, _): &(Of, String)| matches!(of, Of::Machine(_, at) if Some(*at) == chosen);
    let at = all.iter().position(is_it).unwrap_or(0);
    model.room = Some(Room::Graphs(Box::new(Graphs {
        all,
        at,
        families: Vec::new(),
        family: None,
        until: None,
        answered: None,
        zoom: FIRST,
        asked: None,
    })));
}

/// What a wish changes here.
pub fn follow(model: &mut Model, wish: Wish) -> Option<Effect> {
    let now = model.now;
    let Some(Room::Graphs(room)) = &mut model.room else { return None };
    match wish {
        Wish::Down => room.step(1),
        Wish::Up => room.step(-1),
        Wish::PageDown | Wish::Last => room.step(isize::MAX / 2),
        Wish::PageUp | Wish::First => room.step(isize::MIN / 2),
        Wish::NextGraphed => room.turn(1),
        Wish::GraphedBefore => room.turn(room.all.len().saturating_sub(1)),
        Wish::ZoomIn => room.zoom = room.zoom.saturating_sub(1),
        Wish::ZoomOut => room.zoom = (room.zoom + 1).min(SPANS.len() - 1),
        Wish::Earlier => room.pan(-1, now),
        Wish::Later => room.pan(1, now),
        Wish::LatestValues => room.until = None,
        _ => return None,
    }
    Some(Effect::None)
}

impl Graphs {
    /// Who is shown.
    pub fn whose(&self) -> &str {
        self.all.get(self.at).map_or("", |(_, name)| name)
    }

    /// How long a time is shown.
    pub fn span(&self) -> SignedDuration {
        SignedDuration::from_mins(SPANS[self.zoom])
    }

    /// The selected line: a family.
    pub fn selected(&self) -> usize {
        let wanted = self.family.as_ref();
        self.families.iter().position(|family| Some(family) == wanted).unwrap_or(0)
    }

    /// Moves by so many lines.
    pub fn step(&mut self, by: isize) {
        self.choose(self.selected().saturating_add_signed(by));
    }

    /// Selects a line.
    pub fn choose(&mut self, line: usize) {
        let last = self.families.len().saturating_sub(1);
        if let Some(family) = self.families.get(line.min(last)) {
            self.family = Some(family.clone());
        }
    }

    fn turn(&mut self, by: usize) {
        self.at = (self.at + by) % self.all.len().max(1);
        (self.families, self.answered) = (Vec::new(), None);
    }

    /// By half of what is shown; what is to come cannot be.
    fn pan(&mut self, by: i32, now: Timestamp) {
        let until = self.until.unwrap_or(now);
        let to = until.saturating_add(self.span().saturating_mul(by) / 2).unwrap_or(until);
        self.until = Some(to).filter(|to| *to < now);
    }

    /// Asks where something else is wanted or new values are there, and takes over what was answered.
    pub fn look(&mut self, curves: &Curves, now: Timestamp) {
        let Some((of, _)) = self.all.get(self.at) else { return };
        let to = self.until.unwrap_or(now);
        let from = to.saturating_sub(self.span()).unwrap_or(to);
        let wanted = Asked { of: *of, family: self.family.clone(), from, to, points: POINTS };
        let is_same = |asked: &Asked| {
            let others = (asked.of, &asked.family, asked.to.duration_since(asked.from), self.until.is_none());
            others == (wanted.of, &wanted.family, self.span(), self.until.is_none())
                && (self.until.is_none() || asked.to == wanted.to)
        };
        let is_due = match &self.asked {
            Some((asked, at)) => !is_same(asked) || now.duration_since(*at) >= ANEW || now < *at,
            None => true,
        };
        if is_due && curves.ask(wanted.clone()) {
            self.asked = Some((wanted, now));
        }
        if let Some(answered) = curves.answer().filter(|answered| answered.asked.of == *of) {
            self.families.clone_from(&answered.families);
            self.answered = Some(answered);
        }
    }
}
