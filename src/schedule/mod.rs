//! Schedules: when machines are switched. Pure: knows no clock, no file and no machine.
//!
//! A line is `ACTION HH:MM [DAYS] [late DURATION] [holidays]`: `on 07:30 Mon-Fri`, `off 20:30`, `reset 03:00 Sun late 30m`.
//!
//! - On holidays lines rest, but for those that end in `holidays`, and but for `off`: what was left on is to go off.
//! - Each line is due once on each of its days. A time of day that daylight saving leaves out is the first moment after
//!   the gap, one that comes twice is the first of both. A day that a zone leaves out as a whole has nothing due.
//! - Of lines that are due at one moment the last of the file is done, the others are passed over.

mod change;
mod holidays;
mod line;
mod moment;
mod skip;
#[cfg(test)]
mod tests;
mod zone;

pub use change::Change;
pub use holidays::{Holidays, holidays};
pub use line::{Line, parse};
pub use skip::{Skip, skip};
pub use zone::{Zone, zone};

/// What was expected, to stand after "is not".
pub type Expected = String;

/// All lines of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// In the order of the file; none for `none`.
    pub lines: Vec<Line>,
}
