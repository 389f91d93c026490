//! The changes that a schedule asks for, in their order. Pure.

use super::{
    Holidays, Line, Schedule, Skip, Zone,
    moment::{exists, moment},
};
use crate::event::Action;
use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use std::{iter, time::Duration};

/// A scheduled change of power.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// When it is due.
    pub due: Timestamp,
    /// What is done.
    pub action: Action,
    /// The line, as written.
    pub line: String,
    /// It may be done so long after its time.
    pub late: Option<Duration>,
    /// Why it is passed over: `skip`, `holiday: Christmas`; none for one that is done.
    pub skipped: Option<String>,
}

impl Schedule {
    /// All changes after `from`, in order, without end where there are lines. Those that are passed over are among them.
    pub fn after<'a>(
        &'a self,
        from: Timestamp,
        zone: Option<&Zone>,
        holidays: &'a Holidays,
        skip: Option<&'a Skip>,
    ) -> impl Iterator<Item = Change> + use<'a> {
        let zone = zone.map_or_else(TimeZone::system, |zone| zone.0.clone());
        // A gap of the clock at midnight moves the last times of a day into the next.
        let first = zone.to_datetime(from).date();
        let first = first.yesterday().unwrap_or(first);
        let days = iter::successors(Some(first), |day| day.tomorrow().ok());
        let days = days.take_while(|_| !self.lines.is_empty());
        days.flat_map(move |day| self.of(day, &zone, holidays, skip)).skip_while(move |change| change.due <= from)
    }

    /// The changes of a day, in order.
    fn of(&self, day: Date, zone: &TimeZone, holidays: &Holidays, skip: Option<&Skip>) -> Vec<Change> {
        if !exists(day, zone) {
            return Vec::new();
        }
        let holiday = holidays.on(day);
        let due = |line: &Line| Some((moment(DateTime::from_parts(day, line.time), zone)?, line.time));
        let lines = self.lines.iter().filter(|line| line.is_on(day));
        let mut due: Vec<_> = lines.filter_map(|line| Some((due(line)?, line))).collect();
        // Stable: of one time the lines stay in the order of the file.
        due.sort_by_key(|(due, _)| *due);
        let mut changes: Vec<Change> = Vec::with_capacity(due.len());
        for ((due, _), line) in due {
            let skipped = match &holiday {
                Some(holiday) if !line.holidays => Some(holiday.clone()),
                _ => skip.filter(|skip| skip.is_at(due, zone)).map(|_| "skip".to_owned()),
            };
            if skipped.is_none()
                && let Some(beaten) =
                    changes.iter_mut().rev().take_while(|c| c.due == due).find(|c| c.skipped.is_none())
            {
                beaten.skipped = Some(format!("{} is due at the same time", line.text));
            }
            let (action, text) = (line.action, line.text.clone());
            changes.push(Change { due, action, line: text, late: line.late, skipped });
        }
        changes
    }
}
