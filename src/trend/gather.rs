//! Samples on their way into files, brought to the archives' steps. Pure: knows no clock and no file.

use super::family;
use crate::sample::{Of, Sample};
use std::collections::BTreeMap;

/// The step of the finest archive, in seconds.
pub const STEP: i64 = 10;
/// Rows of a file that wait at most: an hour.
const ROWS: usize = 360;
/// Rows that wait at most, of all files.
const ALL_ROWS: usize = 1 << 17;

/// What a file is of: the first is its folder, the second its name.
pub type File = (Of, String);

/// The values of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The end of the step, in seconds since 1970.
    pub at: i64,
    /// A value a name of the batch.
    pub values: Vec<Option<f64>>,
}

/// Rows of one file, the oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The file.
    pub file: File,
    /// The names of the values.
    pub names: Vec<&'static str>,
    /// The rows.
    pub rows: Vec<Row>,
}

/// Samples of the same step become one row: the mean of those that have a value.
#[derive(Debug, Default)]
pub struct Gather {
    files: BTreeMap<File, Waiting>,
    rows: usize,
    lost: u64,
}

#[derive(Debug)]
struct Waiting {
    names: Vec<&'static str>,
    rows: BTreeMap<i64, Vec<(f64, u32)>>,
}

impl Gather {
    /// Takes a sample in; one whose names make no file is lost.
    pub fn take(&mut self, sample: &Sample) {
        let Sample { time, of, family, values } = sample;
        let names = || values.iter().map(|(name, _)| *name);
        if !family::is_name(family) || values.is_empty() || !names().all(family::is_value) {
            self.lost += values.len() as u64;
            return;
        }
        let at = (time.as_second() + i64::from(time.subsec_nanosecond() > 0) + STEP - 1).div_euclid(STEP) * STEP;
        let known = values.iter().map(|(_, value)| value.filter(|value| value.is_finite()));
        let sums: Vec<(f64, u32)> = known.map(|value| value.map_or((0.0, 0), |value| (value, 1))).collect();
        self.add((*of, family.clone()), names().collect(), at, sums);
    }

    /// Takes rows that could not be written.
    pub fn put_back(&mut self, batch: Batch) {
        for Row { at, values } in batch.rows {
            let sums = values.into_iter().map(|value| value.map_or((0.0, 0), |value| (value, 1))).collect();
            self.add(batch.file.clone(), batch.names.clone(), at, sums);
        }
    }

    fn add(&mut self, file: File, names: Vec<&'static str>, at: i64, sums: Vec<(f64, u32)>) {
        if self.rows >= ALL_ROWS {
            self.lost += sums.len() as u64;
            return;
        }
        let waiting = self.files.entry(file).or_insert_with(|| Waiting { names: names.clone(), rows: BTreeMap::new() });
        if waiting.names != names {
            // What was measured otherwise before is another thing.
            self.lost += (waiting.rows.len() * waiting.names.len()) as u64;
            self.rows -= waiting.rows.len();
            *waiting = Waiting { names, rows: BTreeMap::new() };
        }
        match waiting.rows.get_mut(&at) {
            Some(row) => row.iter_mut().zip(sums).for_each(|(have, new)| *have = (have.0 + new.0, have.1 + new.1)),
            None => {
                waiting.rows.insert(at, sums);
                self.rows += 1;
            }
        }
        if waiting.rows.len() > ROWS && waiting.rows.pop_first().is_some() {
            self.rows -= 1;
            self.lost += waiting.names.len() as u64;
        }
    }

    /// The rows whose step was over at `until`, in seconds since 1970. They are no longer here.
    pub fn ready(&mut self, until: i64) -> Vec<Batch> {
        let mut batches = Vec::new();
        self.files.retain(|file, waiting| {
            let later = waiting.rows.split_off(&(until + 1));
            let ready = std::mem::replace(&mut waiting.rows, later);
            if !ready.is_empty() {
                self.rows -= ready.len();
                let row = |(at, sums): (i64, Vec<(f64, u32)>)| Row {
                    at,
                    values: sums.into_iter().map(|(sum, known)| (known > 0).then(|| sum / f64::from(known))).collect(),
                };
                let rows = ready.into_iter().map(row).collect();
                batches.push(Batch { file: file.clone(), names: waiting.names.clone(), rows });
            }
            !waiting.rows.is_empty()
        });
        batches
    }

    /// Values that were lost here since this was asked last.
    pub fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn sample(millis: i64, rtt: Option<f64>) -> Sample {
        let time = Timestamp::from_millisecond(1_000_000_000_000 + millis).unwrap();
        Sample { time, of: Of::Program, family: "ping".into(), values: vec![("rtt", rtt), ("loss", Some(0.5))] }
    }

    #[test]
    fn samples_of_a_step_are_one_row() {
        let mut gather = Gather::default();
        for (millis, rtt) in [(1, Some(2.0)), (10_000, Some(4.0)), (9_000, None), (10_001, None), (30_000, Some(1.0))] {
            gather.take(&sample(millis, rtt));
        }
        let batches = gather.ready(1_000_000_020);
        let [Batch { rows, names, .. }] = batches.as_slice() else { panic!("{batches:?}") };
        assert_eq!(names, &["rtt", "loss"]);
        let row = |at: i64, values: [Option<f64>; 2]| Row { at: 1_000_000_000 + at, values: values.to_vec() };
        assert_eq!(rows, &[row(10, [Some(3.0), Some(0.5)]), row(20, [None, Some(0.5)])]);
        assert_eq!(gather.ready(1_000_000_029), [], "its step is not over");
        let last = gather.ready(1_000_000_030);
        assert_eq!(last[0].rows, [row(30, [Some(1.0), Some(0.5)])]);
        gather.put_back(last[0].clone());
        assert_eq!(gather.ready(1_000_000_030), last, "what could not be written comes again");
        assert_eq!((gather.rows, gather.take_lost()), (0, 0));
    }

    #[test]
    fn what_waits_is_bounded_and_the_oldest_goes() {
        let mut gather = Gather::default();
        (0..400).for_each(|step| gather.take(&sample(step * 10_000, None)));
        let rows = &gather.ready(i64::MAX - 1)[0].rows;
        assert_eq!((rows.len(), rows[0].at), (ROWS, 1_000_000_000 + 40 * STEP));
        assert_eq!((gather.take_lost(), gather.take_lost()), (80, 0));
    }

    #[test]
    fn names_that_make_no_file_are_lost() {
        let mut gather = Gather::default();
        for family in ["../../etc/passwd", "", "a b"] {
            gather.take(&Sample { family: family.into(), ..sample(1, None) });
        }
        assert_eq!((gather.ready(i64::MAX - 1), gather.take_lost()), (vec![], 6));
    }

    #[test]
    fn numbers_that_are_none_are_holes() {
        let mut gather = Gather::default();
        gather.take(&sample(1, Some(f64::NAN)));
        gather.take(&sample(11_000, Some(f64::INFINITY)));
        let rows = &gather.ready(i64::MAX - 1)[0].rows;
        assert!(rows.iter().all(|row| row.values[0].is_none()), "{rows:?}");
    }
}
