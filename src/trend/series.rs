//! What was measured in the course of time, as numbers. Pure.

use super::family;
use jiff::{SignedDuration, Timestamp};

/// Values at moments that are equally far from each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// `ping`.
    pub family: String,
    /// The moment of the first value, which is of the step before it.
    pub from: Timestamp,
    /// How far moments are from each other.
    pub step: SignedDuration,
    /// A line a value of the family: `rtt`, `loss`.
    pub lines: Vec<Line>,
}

/// One value in the course of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// `rtt`.
    pub name: String,
    /// `ms`, `bytes/s`, `ratio` (parts of 1); empty where it is a count.
    pub unit: String,
    /// A value a moment; none is a hole.
    pub values: Vec<Option<f64>>,
}

impl Series {
    /// The moment of the value at this place.
    pub fn at(&self, place: usize) -> Timestamp {
        let place = i32::try_from(place).unwrap_or(i32::MAX);
        self.from.saturating_add(self.step.saturating_mul(place)).unwrap_or(self.from)
    }

    /// How many moments there are.
    pub fn len(&self) -> usize {
        self.lines.first().map_or(0, |line| line.values.len())
    }

    /// There is no moment.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The lines that can share an axis: by unit, in the order of the lines.
    pub fn panels(&self) -> Vec<(&str, Vec<&Line>)> {
        let mut panels: Vec<(&str, Vec<&Line>)> = Vec::new();
        for line in &self.lines {
            match panels.iter_mut().find(|(unit, _)| *unit == line.unit) {
                Some((_, lines)) => lines.push(line),
                None => panels.push((&line.unit, vec![line])),
            }
        }
        panels
    }

    /// How many hours a value that is 1 or 0 was 1.
    pub fn hours(&self, line: &str) -> Option<f64> {
        let line = self.lines.iter().find(|known| known.name == line)?;
        let steps: f64 = line.values.iter().flatten().sum();
        Some(steps * self.step.as_secs_f64() / 3600.0)
    }

    /// Where nothing was measured though there were values before and after it: first and last moment of each hole. Only
    /// where values come steadily; between those that come seldom there is no hole.
    pub fn holes(&self) -> Vec<(Timestamp, Timestamp)> {
        if family::is_sparse(&self.family) {
            return Vec::new();
        }
        let Some(line) = self.lines.first() else { return Vec::new() };
        let (mut holes, mut begin, mut known) = (Vec::new(), None, false);
        for (place, value) in line.values.iter().enumerate() {
            match (value, begin) {
                (None, None) if known => begin = Some(place),
                (Some(_), Some(first)) => {
                    holes.push((self.at(first), self.at(place - 1)));
                    begin = None;
                }
                _ => {}
            }
            known |= value.is_some();
        }
        holes
    }
}

impl Line {
    /// The least and the greatest value.
    pub fn bounds(&self) -> Option<(f64, f64)> {
        let known = || self.values.iter().flatten().copied();
        let least = known().reduce(f64::min)?;
        Some((least, known().reduce(f64::max)?))
    }

    /// The last value, where the last moments are not a hole.
    pub fn last(&self) -> Option<f64> {
        self.values.iter().rev().take(3).flatten().next().copied()
    }

    /// Stretches without a hole: the place of the first value, and the values.
    pub fn stretches(&self) -> Vec<(usize, Vec<f64>)> {
        let mut stretches: Vec<(usize, Vec<f64>)> = Vec::new();
        let mut goes_on = false;
        for (place, value) in self.values.iter().enumerate() {
            match (value, stretches.last_mut()) {
                (Some(value), Some((_, values))) if goes_on => values.push(*value),
                (Some(value), _) => stretches.push((place, vec![*value])),
                (None, _) => {}
            }
            goes_on = value.is_some();
        }
        stretches
    }
}

/// A round step between marks, so that about `marks` fit below `most`: 1, 2 or 5 with noughts.
pub fn round_step(most: f64, marks: u32) -> f64 {
    let raw = most / f64::from(marks.max(1));
    if !raw.is_finite() || raw <= 0.0 {
        return 1.0;
    }
    let ten = 10_f64.powf(raw.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|by| by * ten).find(|step| *step >= raw * 0.999).unwrap_or(ten * 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: &[&[Option<f64>]]) -> Series {
        let names = [("rtt", "ms"), ("loss", "ratio"), ("worst", "ms")];
        let lines = values.iter().zip(names).map(|(values, (name, unit))| Line {
            name: name.to_owned(),
            unit: unit.to_owned(),
            values: values.to_vec(),
        });
        let from = Timestamp::from_second(1_000_000_000).unwrap();
        Series { family: "ping".into(), from, step: SignedDuration::from_secs(10), lines: lines.collect() }
    }

    #[test]
    fn stretches_and_holes() {
        let some = Some(1.0);
        let read = series(&[&[None, some, Some(3.0), None, None, some, None]]);
        assert_eq!(read.lines[0].stretches(), [(1, vec![1.0, 3.0]), (5, vec![1.0])]);
        assert_eq!(read.holes(), [(read.at(3), read.at(4))], "what comes before all values and after them is no hole");
        assert_eq!(read.lines[0].bounds(), Some((1.0, 3.0)));
        assert_eq!(read.lines[0].last(), some);
        assert_eq!(series(&[&[some, None, None, None]]).lines[0].last(), None);
    }

    #[test]
    fn lines_of_a_unit_share_a_panel() {
        let read = series(&[&[None], &[None], &[None]]);
        let panels: Vec<_> = read.panels().iter().map(|(unit, lines)| (unit.to_string(), lines.len())).collect();
        assert_eq!(panels, [("ms".to_owned(), 2), ("ratio".to_owned(), 1)]);
    }

    #[test]
    fn hours_of_power() {
        let mut read = series(&[&[Some(1.0), None, Some(0.5), Some(1.0)]]);
        read.step = SignedDuration::from_mins(30);
        assert_eq!((read.hours("rtt"), read.hours("on")), (Some(1.25), None));
    }

    #[test]
    fn round_steps() {
        for (most, marks, step) in [(10.0, 5, 2.0), (0.42, 4, 0.2), (97.0, 4, 50.0), (1.0, 4, 0.5), (0.0, 4, 1.0)] {
            assert!((round_step(most, marks) - step).abs() < 1e-9, "{most} {marks}: {}", round_step(most, marks));
        }
    }
}
