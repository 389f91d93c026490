//! What the schedules of the tree ask for, and writing down what of it is passed over.

use super::{Machine, Segment, write};
use crate::schedule::{Change, Skip};
use jiff::Timestamp;
use std::{fs, io, path::Path};

/// Why it was not written down that a change is passed over.
#[derive(Debug, thiserror::Error)]
pub enum SkipError {
    /// There is none.
    #[error("nothing is scheduled")]
    NothingScheduled,
    /// The file cannot be written, or taken away.
    #[error("cannot write it: {0}")]
    Write(#[from] io::Error),
}

impl Segment {
    /// The next scheduled change of a machine after `now`; none where nothing is scheduled. One that will be passed over
    /// is told too, with the reason.
    pub fn next_change(&self, machine: &Machine, now: Timestamp) -> Option<Change> {
        self.changes(machine, now).next()
    }

    /// All scheduled changes of a machine after `from`, in order, without end. The segment's schedule is not for machines
    /// that cannot be switched.
    pub fn changes<'a>(&'a self, machine: &'a Machine, from: Timestamp) -> Box<dyn Iterator<Item = Change> + 'a> {
        let of_all = self.schedule.as_ref().filter(|_| !machine.power.is_empty());
        let Some(schedule) = machine.schedule.as_ref().or(of_all) else {
            return Box::new(std::iter::empty());
        };
        Box::new(schedule.after(from, self.timezone.as_ref(), &self.holidays, machine.skip.as_ref()))
    }
}

/// Writes into the tree `dir` that the next change of `machine` that would be done is passed over, or takes away that any
/// is. The file appears whole, so that no watcher reads half of it.
pub fn pass_over(
    dir: &Path,
    segment: &Segment,
    machine: &Machine,
    skip: bool,
    now: Timestamp,
) -> Result<(), SkipError> {
    let folder = dir.join(segment.server.to_string()).join(machine.address.to_string());
    if !skip {
        return match fs::remove_file(folder.join("skip")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        };
    }
    // A year: nothing is done on holidays that never end.
    let next = segment.changes(machine, now).take(366 * 24).find(|change| change.skipped.is_none());
    let next = next.ok_or(SkipError::NothingScheduled)?;
    let text = Skip::with(machine.skip.as_ref(), next.due, now, segment.timezone.as_ref());
    write::value(&folder, "skip", &text).map_err(SkipError::Write)
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    #[test]
    fn what_is_passed_over_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str, value: &str| {
            let path = dir.path().join("10.77.0.1").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, value).unwrap();
        };
        write("schedule", "# all kiosks\non 07:30 Mon-Fri\noff 20:30\n");
        write("timezone", "Europe/Berlin\n");
        write("holidays", "2026-11-27 Fair\n");
        write("10.77.0.60/mac", "52:54:00:00:00:60");
        write("10.77.0.60/power", "wol");
        write("10.77.0.61/mac", "52:54:00:00:00:61");
        write("10.77.0.62/mac", "52:54:00:00:00:62");
        write("10.77.0.62/power", "wol");
        write("10.77.0.62/schedule", "none");
        let now = "2026-11-26T19:30:00Z".parse().unwrap();
        let next = |last: u8, at: usize| {
            let reading = read(dir.path(), None);
            assert_eq!(reading.mistakes, []);
            let segment = reading.conf.segments.values().next().unwrap().clone();
            let machine = segment.machines[&[10, 77, 0, last].into()].clone();
            let change = segment.changes(&machine, now).nth(at);
            (segment, machine, change.map(|change| (change.line, change.skipped)))
        };
        assert_eq!(next(60, 0).2, Some(("on 07:30 Mon-Fri".into(), Some("holiday: Fair".into()))));
        let (segment, machine, second) = next(60, 1);
        assert_eq!(second, Some(("off 20:30".into(), None)));
        pass_over(dir.path(), &segment, &machine, true, now).unwrap();
        let (segment, machine, second) = next(60, 1);
        assert_eq!(second, Some(("off 20:30".into(), Some("skip".into()))), "the first that would be done");
        pass_over(dir.path(), &segment, &machine, false, now).unwrap();
        pass_over(dir.path(), &segment, &machine, false, now).unwrap();
        assert_eq!(next(60, 1).2, Some(("off 20:30".into(), None)));
        let (segment, machine, none) = next(61, 0);
        assert_eq!(none, None, "it cannot be switched");
        let error = pass_over(dir.path(), &segment, &machine, true, now).unwrap_err();
        assert_eq!(error.to_string(), "nothing is scheduled");
        assert_eq!(next(62, 0).2, None, "its own schedule is none");
    }
}
