//! A change of power of many machines, from the wish to the end of each. Pure.

use super::marks::Who;
use crate::{
    event::Action,
    state::{PressStage, State, words::said},
};
use jiff::Timestamp;

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Of each.
    pub action: Action,
    /// In the order in which they are switched.
    pub machines: Vec<Who>,
    /// When.
    pub asked: Timestamp,
}

/// How far one machine is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Its turn has not come.
    Waits,
    /// What switches it was asked.
    Asked,
    /// It accepted.
    Accepted,
    /// The machine was seen to follow.
    Seen,
    /// It did not; why, and what to do.
    Failed(String),
}

/// How many are how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub all: usize,
    pub waiting: usize,
    pub asked: usize,
    pub accepted: usize,
    pub seen: usize,
    pub failed: usize,
}

impl Batch {
    /// How far each is.
    pub fn steps(&self, state: &State) -> Vec<(Who, Step)> {
        self.machines.iter().map(|who| (*who, self.step(state, *who))).collect()
    }

    fn step(&self, state: &State, (at, mac): Who) -> Step {
        let Some(machine) = state.machine(at, mac) else {
            return Step::Failed("it is gone from conf".to_owned());
        };
        let ours = machine.press.as_ref().filter(|press| press.asked >= self.asked && press.action == self.action);
        let refused = machine.refused.as_ref().filter(|(time, _)| *time >= self.asked);
        match (ours.map(|press| &press.stage), refused) {
            (Some(PressStage::Asked | PressStage::Failed), _) => Step::Asked,
            (Some(PressStage::Accepted(_)), _) => Step::Accepted,
            (Some(PressStage::Confirmed { .. }), _) => Step::Seen,
            (Some(PressStage::Unconfirmed { error, next_step }), _) => {
                let tried = ours.map(|press| said(&press.tried)).unwrap_or_default();
                let why = if error.is_empty() { tried } else { error.clone() };
                Step::Failed(format!("{why}; {next_step}"))
            }
            (None, Some((_, error))) => Step::Failed(error.clone()),
            (None, None) => Step::Waits,
        }
    }

    /// How many are how far.
    pub fn tally(&self, state: &State) -> Tally {
        let mut tally = Tally { all: self.machines.len(), ..Tally::default() };
        for (_, step) in self.steps(state) {
            match step {
                Step::Waits => tally.waiting += 1,
                Step::Asked => tally.asked += 1,
                Step::Accepted => tally.accepted += 1,
                Step::Seen => tally.seen += 1,
                Step::Failed(_) => tally.failed += 1,
            }
        }
        tally
    }

    /// Those that failed, by name, and why.
    pub fn failed(&self, state: &State) -> Vec<(String, String)> {
        let failed = self.steps(state).into_iter().filter_map(|(who, step)| match step {
            Step::Failed(why) => Some((name(state, who), why)),
            _ => None,
        });
        failed.collect()
    }
}

impl Tally {
    /// All have come to an end.
    pub fn is_over(&self) -> bool {
        self.seen + self.failed == self.all
    }

    /// `3 of 10 seen, 2 accepted, 1 failed`.
    pub fn words(&self) -> String {
        let rest =
            [(self.accepted, "accepted"), (self.asked, "asked"), (self.waiting, "waiting"), (self.failed, "failed")];
        let rest = rest.into_iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!(", {count} {word}"));
        format!("{} of {} seen{}", self.seen, self.all, rest.collect::<String>())
    }
}

/// What a machine is called.
pub fn name(state: &State, (at, mac): Who) -> String {
    state.machine(at, mac).map_or_else(|| mac.to_string(), crate::state::Machine::name)
}
