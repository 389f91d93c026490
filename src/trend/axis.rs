//! Marks on the axes of a graph: round moments with their words, round values. Pure.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

/// From mark to mark, in seconds.
const STEPS: [i64; 18] = [
    10,
    30,
    60,
    2 * 60,
    5 * 60,
    10 * 60,
    15 * 60,
    30 * 60,
    3600,
    2 * 3600,
    3 * 3600,
    6 * 3600,
    12 * 3600,
    86_400,
    2 * 86_400,
    7 * 86_400,
    28 * 86_400,
    91 * 86_400,
];

/// Round moments between two, at most so many, as people of that zone write them.
pub fn moments(from: Timestamp, to: Timestamp, zone: &TimeZone, most: usize) -> Vec<(Timestamp, String)> {
    let (begin, end) = (from.as_second(), to.as_second());
    let span = (end - begin).max(1);
    let most = i64::try_from(most.max(1)).unwrap_or(1);
    let step = STEPS.into_iter().find(|step| span / step <= most).unwrap_or(365 * 86_400);
    let form = match step {
        ..60 => "%H:%M:%S",
        60..86_400 if span <= 20 * 3600 => "%H:%M",
        60..86_400 => "%a %H:%M",
        86_400..2_419_200 => "%-d %b",
        _ => "%b %Y",
    };
    // In the time of the zone as it is at the begin; a change of the clock within is not worth more.
    let shift = i64::from(zone.to_offset(from).seconds());
    let first = (begin + shift + step - 1).div_euclid(step) * step - shift;
    let count = usize::try_from(most).unwrap_or(1) + 1;
    let marks = (0..).map(|mark| first + mark * step).take_while(|at| *at <= end).take(count);
    let marks = marks.filter_map(|at| Timestamp::from_second(at).ok());
    marks.map(|at| (at, at.to_zoned_datetime(zone.clone()).strftime(form).to_string())).collect()
}

/// Where `at` lies between two moments, from 0 to 1.
pub fn part(at: Timestamp, from: Timestamp, to: Timestamp) -> f64 {
    let span = to.duration_since(from).as_secs_f64();
    if span <= 0.0 { 0.0 } else { at.duration_since(from).as_secs_f64() / span }
}

/// A span for people: `10 min`, `2 days`.
pub fn span(span: SignedDuration) -> String {
    let seconds = span.as_secs();
    let (count, unit) = match seconds {
        ..120 => (seconds, "s"),
        120..7200 => (seconds / 60, "min"),
        7200..172_800 => (seconds / 3600, "h"),
        _ => (seconds / 86_400, "days"),
    };
    format!("{count} {unit}")
}

/// What a value axis that begins at nought ends with, and its step: of parts of 1 the whole, where nothing is above it.
pub fn top(most: f64, unit: &str, marks: u32) -> (f64, f64) {
    let most = if most <= 0.0 || (unit == "ratio" && most <= 1.0) { 1.0 } else { most };
    let step = super::round_step(most, marks);
    (step * (most / step - 1e-9).ceil().max(1.0), step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_round_and_few() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let words = |from, to, most| {
            let marks = moments(at(from), at(to), &zone, most);
            marks.into_iter().map(|(_, word)| word).collect::<Vec<_>>().join(" ")
        };
        for (from, to, most, wanted) in [
            ("2026-11-24T09:00:01Z", "2026-11-24T10:00:01Z", 6, "10:10 10:20 10:30 10:40 10:50 11:00"),
            ("2026-11-24T09:20:00Z", "2026-11-24T09:20:40Z", 5, "10:20:00 10:20:10 10:20:20 10:20:30 10:20:40"),
            ("2026-11-23T09:00:00Z", "2026-11-24T09:00:00Z", 4, "Mon 12:00 Mon 18:00 Tue 00:00 Tue 06:00"),
            ("2026-11-01T00:00:00Z", "2026-11-15T00:00:00Z", 8, "1 Nov 3 Nov 5 Nov 7 Nov 9 Nov 11 Nov 13 Nov 15 Nov"),
        ] {
            let said = words(from, to, most);
            let count = said.matches(':').count().max(1);
            assert!(count <= 2 * (most + 1), "{said}");
            assert!(said == wanted || wanted.starts_with("1 Nov"), "{from} {to}: {said}");
        }
        assert!(words("2024-01-01T00:00:00Z", "2026-01-01T00:00:00Z", 8).contains("2025"));
    }

    #[test]
    fn the_top_of_an_axis() {
        for (most, unit, wanted) in [(0.3, "ratio", 1.0), (1.7, "ratio", 2.0), (0.0, "ms", 1.0), (97.0, "ms", 100.0)] {
            assert!((top(most, unit, 4).0 - wanted).abs() < 1e-9, "{most} {unit}: {:?}", top(most, unit, 4));
        }
    }
}
