//! Schedules: when machines are switched. Pure: knows no clock, no file and no machine.
//!
//! A line is `ACTION HH:MM [DAYS] [late DURATION] [holidays]`: `on 07:30 Mon-Fri`, `off 20:30`, `reset 03:00 Sun late 30m`.

use crate::event::Action;
use jiff::{
    Timestamp,
    civil::{Date, Time},
    tz::TimeZone,
};
use std::{collections::BTreeSet, time::Duration};

/// What was expected, to stand after "is not".
pub type Expected = String;

/// All lines of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// In the order of the file; none for `none`.
    pub lines: Vec<Line>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What is done.
    pub action: Action,
    /// At this time of day.
    pub time: Time,
    /// On these days of the week: bit 0 is Monday.
    pub days: u8,
    /// It is done late, at most so long after its time, where the program did not run then.
    pub late: Option<Duration>,
    /// It is also done on holidays.
    pub holidays: bool,
    /// As written, with single blanks.
    pub text: String,
}

/// A time zone by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(pub TimeZone);

/// Days on which schedules rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holidays {
    days: BTreeSet<Date>,
}

/// A scheduled change that is passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skip {
    /// When it is due.
    pub due: Timestamp,
}

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

/// A `schedule` file.
pub fn parse(_text: &str) -> Result<Schedule, Expected> {
    Err("implemented".to_owned())
}

/// A `timezone` file.
pub fn zone(_text: &str) -> Result<Zone, Expected> {
    Err("implemented".to_owned())
}

/// A `holidays` file.
pub fn holidays(_text: &str) -> Result<Holidays, Expected> {
    Err("implemented".to_owned())
}

/// A `skip` file.
pub fn skip(_text: &str) -> Result<Skip, Expected> {
    Err("implemented".to_owned())
}

impl Schedule {
    /// All changes after `from`, in order, without end where there are lines.
    pub fn after(
        &self,
        _from: Timestamp,
        _zone: Option<&Zone>,
        _holidays: &Holidays,
        _skip: Option<&Skip>,
    ) -> impl Iterator<Item = Change> {
        std::iter::empty()
    }
}
