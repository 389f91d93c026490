//! What schedules ask for at a moment, and what of it is done, told as missed, or passed over. Pure.

use crate::{
    command::Place,
    conf::{Conf, Machine, Segment},
    event::{Action, Event, Fact},
    schedule::Change,
};
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
};

/// What is looked at so long after its time is on time; later, the clock was set forward or the host slept.
const PUNCTUAL: SignedDuration = SignedDuration::from_secs(60);
/// Each line is due once in that time; nobody is to be told of more.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(8 * 24);

/// What is behind.
#[derive(Debug)]
pub struct Agenda {
    /// All that was due until then was seen to.
    until: Timestamp,
    /// What was due before could not be done in time.
    since: Timestamp,
    /// What was done or passed over: not to be done again when the clock is set back.
    done: BTreeSet<(Timestamp, Place, String)>,
}

/// What is to be done now.
#[derive(Debug, Default)]
pub struct Due {
    /// What was missed or is passed over.
    pub told: Vec<Event>,
    /// Machines to be switched, by what is done and by which line.
    pub wishes: BTreeMap<(Action, String), Vec<Place>>,
}

impl Agenda {
    /// Of a program that begins `now` and did something at `last`, if it ever ran before.
    pub fn new(last: Option<Timestamp>, now: Timestamp) -> Agenda {
        let until = last.unwrap_or(now).clamp(now - LOOK_BACK, now);
        Agenda { until, since: now, done: BTreeSet::new() }
    }

    /// When something is due next.
    pub fn next(&self, conf: &Conf) -> Option<Timestamp> {
        let first = |(segment, machine): (&Segment, &Machine)| Some(segment.next_change(machine, self.until)?.due);
        machines(conf).filter_map(first).min()
    }

    /// Takes the time of day into account: true where the clock was set back.
    pub fn turned_back(&mut self, now: Timestamp) -> bool {
        let back = now < self.until;
        if back {
            self.until = now;
            self.since = self.since.min(now);
        }
        back
    }

    /// Nothing was due until `now` but what is at or after `next`: a line that is new does not count for the time before.
    pub fn pass(&mut self, now: Timestamp, next: Option<Timestamp>) {
        let before_next = next.map_or(now, |next| (next - SignedDuration::from_nanos(1)).min(now));
        self.until = self.until.max(before_next);
    }

    /// All that became due until `now` on segments that are `served` here.
    pub fn due(&mut self, conf: &Conf, served: &BTreeSet<Ipv4Addr>, now: Timestamp) -> Due {
        self.turned_back(now);
        let mut due = Due::default();
        let from = self.until.max(now - LOOK_BACK);
        for (segment, machine) in machines(conf).filter(|(segment, _)| served.contains(&segment.server)) {
            let place = (segment.server, machine.address);
            let changes = segment.changes(machine, from).take_while(|change| change.due <= now);
            let changes =
                changes.filter(|change| !self.done.contains(&(change.due, place, change.line.clone()))).collect();
            self.machine(&mut due, machine, place, changes, now);
        }
        self.until = now;
        self.done.retain(|(at, ..)| *at > now - LOOK_BACK);
        due
    }

    /// Of all that became due for a machine only the newest is done: it is not to go on and off again.
    fn machine(&mut self, due: &mut Due, machine: &Machine, place: Place, changes: Vec<Change>, now: Timestamp) {
        let event = |fact| Event::new(Some(place.0), fact).about(Some(place.1), Some(machine.mac));
        let newest = changes.iter().rposition(|change| change.skipped.is_none());
        let mut missed: BTreeMap<String, Fact> = BTreeMap::new();
        for (at, change) in changes.into_iter().enumerate() {
            let Change { due: when, action, line, late, skipped } = change;
            let passed = now.duration_since(when);
            let on_time = when > self.since && passed <= PUNCTUAL;
            if let Some(reason) = skipped {
                if on_time {
                    self.done.insert((when, place, line.clone()));
                    due.told.push(event(Fact::ScheduleSkipped { action, line, due: when, reason }));
                }
                continue;
            }
            let may_be_late = late.is_some_and(|late| passed <= SignedDuration::try_from(late).unwrap_or_default());
            let done = Some(at) == newest && (on_time || may_be_late);
            if !(done && on_time) {
                // Of each line the newest alone is told.
                missed.insert(line.clone(), Fact::ScheduleMissed { action, line: line.clone(), due: when, late: done });
            }
            if done {
                self.done.insert((when, place, line.clone()));
                due.wishes.entry((action, line)).or_default().push(place);
            }
        }
        let mut missed: Vec<Fact> = missed.into_values().collect();
        missed.sort_by_key(|fact| match fact {
            Fact::ScheduleMissed { due, .. } => Some(*due),
            _ => None,
        });
        due.told.extend(missed.into_iter().map(event));
    }
}

fn machines(conf: &Conf) -> impl Iterator<Item = (&Segment, &Machine)> {
    conf.segments.values().flat_map(|segment| segment.machines.values().map(move |machine| (&**segment, &**machine)))
}

#[cfg(test)]
mod tests;
