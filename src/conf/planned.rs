//! What the schedules of the tree ask for. Pure.

use super::{Machine, Segment};
use crate::schedule::Change;
use jiff::Timestamp;

impl Segment {
    /// The next scheduled change of a machine after `now`; none where nothing is scheduled. One that will be passed over
    /// is told too, with the reason.
    pub fn next_change(&self, machine: &Machine, now: Timestamp) -> Option<Change> {
        self.changes(machine, now).next()
    }

    /// All scheduled changes of a machine after `from`, in order, without end.
    pub fn changes<'a>(&'a self, machine: &'a Machine, from: Timestamp) -> Box<dyn Iterator<Item = Change> + 'a> {
        let Some(schedule) = machine.schedule.as_ref().or(self.schedule.as_ref()) else {
            return Box::new(std::iter::empty());
        };
        Box::new(schedule.after(from, self.timezone.as_ref(), &self.holidays, machine.skip.as_ref()))
    }
}
