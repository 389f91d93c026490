//! Reads a family's values with `rrdtool fetch`, from the finest archive that goes back far enough. Knows nothing of writing.

use super::{Line, Series, TrendError, family};
use jiff::{SignedDuration, Timestamp};
use std::{
    path::Path,
    process::{Command, Stdio},
};

/// Steps of the finest archive.
const STEP: i64 = 10;

/// The end of a step in seconds since 1970, and a value a name.
type Row = (i64, Vec<Option<f64>>);

/// What `rrdtool` with these words prints; its own words where it does not do it.
pub fn run(words: &[String]) -> Result<Vec<u8>, TrendError> {
    let output = Command::new("rrdtool").args(words).env("LC_ALL", "C").stdin(Stdio::null()).output();
    let output = output.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            TrendError::Tool("it is not there; install it: apt-get install rrdtool".to_owned())
        }
        _ => TrendError::Tool(error.to_string()),
    })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(TrendError::Tool(said.trim().trim_start_matches("ERROR: ").to_owned()))
}

/// Reads this file between two moments, in at most `points` values a line.
pub fn fetch(file: &Path, family: &str, from: Timestamp, to: Timestamp, points: usize) -> Result<Series, TrendError> {
    let (from, to) = (from.as_second(), to.as_second().max(from.as_second() + 1));
    let words = ["fetch".to_owned(), file.display().to_string(), "AVERAGE".to_owned()];
    let span = [("--start", from), ("--end", to), ("--resolution", STEP)];
    let span = span.iter().flat_map(|(name, value)| [(*name).to_owned(), value.to_string()]);
    let text = run(&words.into_iter().chain(span).collect::<Vec<_>>())?;
    let read = parse(&String::from_utf8_lossy(&text));
    let (names, mut rows) =
        read.ok_or_else(|| TrendError::Tool(format!("{} cannot be made sense of", file.display())))?;
    // A row is of the time before its moment.
    let step = rows.windows(2).map(|pair| pair[1].0 - pair[0].0).next().unwrap_or(STEP);
    rows.retain(|(at, _)| *at > from && *at - step < to);
    Ok(series(family, &names, &rows, (from, to), points))
}

/// A line of names, an empty one, and lines as `1000000010: 5.0e+00 -nan`; see rrdfetch(1).
fn parse(text: &str) -> Option<(Vec<String>, Vec<Row>)> {
    let mut lines = text.lines();
    let names: Vec<String> = lines.next()?.split_whitespace().map(str::to_owned).collect();
    let row = |line: &str| {
        let (at, values) = line.split_once(':')?;
        let value = |word: &str| word.parse::<f64>().ok().filter(|value| value.is_finite());
        let values: Vec<Option<f64>> = values.split_whitespace().map(value).collect();
        (values.len() == names.len()).then_some((at.trim().parse().ok()?, values))
    };
    let rows = lines.filter(|line| !line.trim().is_empty()).map_while(row).collect();
    (!names.is_empty()).then_some((names, rows))
}

/// Rows made fewer, in groups that lie at the same moments whenever it is read.
fn series(family: &str, names: &[String], rows: &[Row], (from, to): (i64, i64), points: usize) -> Series {
    let step = rows.windows(2).map(|pair| pair[1].0 - pair[0].0).next().unwrap_or(STEP).max(1);
    let group = i64::try_from(rows.len().div_ceil(points.max(1)).max(1)).unwrap_or(1) * step;
    let place = |at: i64| (at - 1).div_euclid(group);
    let (first, last) = match (rows.first(), rows.last()) {
        (Some(first), Some(last)) => (place(first.0), place(last.0)),
        _ => (place(from), place(to)),
    };
    let count = usize::try_from(last - first + 1).unwrap_or(0);
    let mut sums = vec![vec![(0.0, 0_u32, 0_u32); count]; names.len()];
    for (at, values) in rows {
        let place = usize::try_from(place(*at) - first).unwrap_or(0);
        for (sums, value) in sums.iter_mut().zip(values) {
            let (sum, known, all) = &mut sums[place];
            *all += 1;
            if let Some(value) = value {
                (*sum, *known) = (*sum + value, *known + 1);
            }
        }
    }
    // A moment of which less than half is known is a hole, as in the archives (rrdcreate(1), xff).
    let is_known = |known: u32, all: u32| known > 0 && (family::is_sparse(family) || known * 2 >= all);
    let mean = |(sum, known, all): (f64, u32, u32)| is_known(known, all).then(|| sum / f64::from(known));
    let lines = names.iter().zip(sums).map(|(name, sums)| Line {
        name: name.clone(),
        unit: family::unit(family, name).to_owned(),
        values: sums.into_iter().map(mean).collect(),
    });
    let from = Timestamp::from_second((first + 1) * group).unwrap_or(Timestamp::UNIX_EPOCH);
    Series { family: family.to_owned(), from, step: SignedDuration::from_secs(group), lines: lines.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FETCHED: &str = "                            rtt                loss

1000000010: 5.0000000000e+00 0.0000000000e+00
1000000020: 6.0000000000e+00 0.0000000000e+00
1000000030: -nan 1.0000000000e+00
1000000040: nan 1.0000000000e+00
";

    #[test]
    fn what_rrdtool_prints() {
        let (names, rows) = parse(FETCHED).unwrap();
        assert_eq!(names, ["rtt", "loss"]);
        assert_eq!(rows.len(), 4);
        assert_eq!(rows[1], (1_000_000_020, vec![Some(6.0), Some(0.0)]));
        assert_eq!(rows[3].1, [None, Some(1.0)]);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn fewer_points_keep_holes() {
        let (names, rows) = parse(FETCHED).unwrap();
        let span = (1_000_000_000, 1_000_000_040);
        let all = series("ping", &names, &rows, span, 100);
        assert_eq!((all.step.as_secs(), all.from.as_second(), all.len()), (10, 1_000_000_010, 4));
        let half = series("ping", &names, &rows, span, 2);
        assert_eq!((half.step.as_secs(), half.from.as_second()), (20, 1_000_000_020));
        assert_eq!(half.lines[0].values, [Some(5.5), None]);
        assert_eq!((half.lines[0].unit.as_str(), half.lines[1].unit.as_str()), ("ms", "ratio"));
        let none = series("ping", &names, &[], span, 2);
        assert!(none.lines.iter().all(|line| line.values.iter().all(Option::is_none)));
    }

    #[test]
    fn what_comes_seldom_is_not_lost_among_holes() {
        let rows: Vec<_> = (1..=30).map(|at| (at * 10, vec![(at == 7).then_some(42.0)])).collect();
        let read = |family| series(family, &["up".to_owned()], &rows, (0, 300), 1).lines[0].values.clone();
        assert_eq!((read("check-disk"), read("ping")), (vec![Some(42.0)], vec![None]));
    }
}
