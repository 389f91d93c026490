//! Writing with the real rrdtool, and what goes wrong with it.

use super::*;
use crate::sample::Of;
use crate::trend::gather::Row;
use jiff::Timestamp;
use std::net::Ipv4Addr;

const NOW: i64 = 1_700_000_000;
const WEB1: Of = Of::Machine(Ipv4Addr::new(10, 77, 0, 1), Ipv4Addr::new(10, 77, 0, 60));

fn batch(rows: &[(i64, Option<f64>)]) -> Batch {
    let rows = rows.iter().map(|(at, value)| Row { at: NOW + at, values: vec![*value, Some(0.0)] });
    Batch { file: (WEB1, "ping".into()), names: vec!["rtt", "loss"], rows: rows.collect() }
}

struct Case {
    _folder: tempfile::TempDir,
    trends: Trends,
    writer: Writer,
}

impl Case {
    fn new() -> Case {
        let folder = tempfile::tempdir().unwrap();
        let trends = Trends::new(folder.path().join("rrd"));
        Case { _folder: folder, writer: Writer::new(trends.clone()), trends }
    }

    async fn write(&mut self, rows: &[(i64, Option<f64>)]) -> Outcome {
        let now = NOW + rows.last().map_or(0, |(at, _)| *at);
        self.writer.write(vec![batch(rows)], now).await
    }

    fn rtt(&self, from: i64, to: i64) -> Vec<Option<f64>> {
        let at = |at| Timestamp::from_second(NOW + at).unwrap();
        self.trends.read(WEB1, "ping", at(from), at(to), 1000).unwrap().lines[0].values.clone()
    }

    fn file(&self) -> PathBuf {
        self.trends.file(WEB1, "ping")
    }
}

#[tokio::test]
async fn a_machine_that_was_down_is_a_hole() {
    let mut case = Case::new();
    let outcome = case.write(&[(10, Some(1.0)), (40, Some(2.0)), (70, None), (100, None)]).await;
    assert_eq!((outcome.written, outcome.trouble, outcome.lost), (4, None, 0));
    case.write(&[(110, Some(4.0))]).await;
    let two = Some(2.0);
    let wanted = [Some(1.0), two, two, two, None, None, None, None, None, None, Some(4.0)];
    assert_eq!(case.rtt(1, 110), wanted, "a value stands for the time since the last");
    assert_eq!(case.trends.families(WEB1), ["ping"]);
}

#[tokio::test]
async fn a_long_silence_is_a_hole_too() {
    let mut case = Case::new();
    case.write(&[(10, Some(1.0))]).await;
    // By another run of the program, that has to find out how far the file is.
    case.writer = Writer::new(case.trends.clone());
    case.write(&[(500, Some(2.0))]).await;
    let values = case.rtt(1, 500);
    assert_eq!((values.first(), values.last()), (Some(&Some(1.0)), Some(&Some(2.0))));
    assert!(values[1..values.len() - 1].iter().all(Option::is_none), "{values:?}");
}

#[tokio::test]
async fn what_comes_steadily_but_seldom_has_no_holes() {
    let mut case = Case::new();
    for step in 1..=4 {
        case.write(&[(step * 300, Some(step as f64))]).await;
    }
    let values = case.rtt(1, 1200);
    // The pace is known from the third value on.
    assert_eq!(values[60..], [vec![Some(3.0); 30], vec![Some(4.0); 30]].concat());
    assert_eq!(values[30..59], vec![None; 29]);
}

#[tokio::test]
async fn a_clock_that_goes_back_loses_what_is_written_already() {
    let mut case = Case::new();
    case.write(&[(10, Some(1.0)), (100, Some(2.0))]).await;
    let outcome = case.write(&[(20, Some(9.0)), (30, Some(9.0))]).await;
    assert_eq!((outcome.written, outcome.lost), (0, 4));
    assert!(outcome.trouble.unwrap().0.contains("70 s behind"));
    let outcome = case.write(&[(110, Some(3.0))]).await;
    assert_eq!((outcome.written, outcome.lost, outcome.trouble), (1, 0, None));
    assert_eq!(case.rtt(91, 110), [Some(2.0), Some(3.0)]);
}

#[tokio::test]
async fn a_clock_that_goes_far_back_begins_a_new_file() {
    let mut case = Case::new();
    case.write(&[(100_000, Some(1.0))]).await;
    let outcome = case.write(&[(10, Some(2.0))]).await;
    let (error, next_step) = outcome.trouble.unwrap();
    assert!(error.contains("which is to come") && next_step.contains("ping.until-1700100000"), "{error}; {next_step}");
    assert_eq!((outcome.written, outcome.lost), (1, 0));
    assert_eq!(case.rtt(1, 10), [Some(2.0)]);
    assert!(case.file().with_extension("until-1700100000").exists());
    assert_eq!(case.write(&[(20, Some(2.0))]).await.trouble, None);
}

#[tokio::test]
async fn files_that_are_removed_or_spoiled() {
    let mut case = Case::new();
    case.write(&[(10, Some(1.0))]).await;
    fs::remove_dir_all(case.trends.folder(WEB1)).unwrap();
    let outcome = case.write(&[(20, Some(2.0))]).await;
    assert_eq!((outcome.trouble.as_ref(), outcome.left.len()), (None, 1), "it is tried again");
    let outcome = case.writer.write(outcome.left, NOW + 20).await;
    assert_eq!((outcome.written, outcome.trouble), (1, None));

    fs::write(case.file(), "not of rrdtool").unwrap();
    let outcome = case.write(&[(30, Some(3.0))]).await;
    let (error, next_step) = outcome.trouble.unwrap();
    assert!(next_step.contains("mv ") && !error.is_empty(), "{error}; {next_step}");
    fs::remove_file(case.file()).unwrap();
    let outcome = case.writer.write(outcome.left, NOW + 30).await;
    assert_eq!((outcome.written, outcome.trouble), (1, None), "what waited is not lost");
    assert_eq!(case.rtt(21, 30), [Some(3.0)]);
}

#[tokio::test]
async fn other_names_than_those_of_the_file() {
    let mut case = Case::new();
    case.write(&[(10, Some(1.0))]).await;
    let other = Batch { names: vec!["worst", "best"], ..batch(&[(20, Some(1.0))]) };
    let outcome = case.writer.write(vec![other], NOW + 20).await;
    let (error, next_step) = outcome.trouble.unwrap();
    assert!(error.contains("worst") && next_step.contains("mv "), "{error}; {next_step}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_made() {
    let mut case = Case::new();
    fs::write(case.trends.root(), "a file").unwrap();
    let outcome = case.write(&[(10, Some(1.0))]).await;
    assert!(outcome.trouble.unwrap().1.contains("--rrd"));
    fs::remove_file(case.trends.root()).unwrap();
    let outcome = case.writer.write(outcome.left, NOW + 10).await;
    assert_eq!((outcome.written, outcome.trouble), (1, None));
}

#[tokio::test]
async fn many_new_files_are_made_some_at_a_time() {
    let mut case = Case::new();
    let of = |name: usize| Batch { file: (WEB1, format!("check-{name}")), ..batch(&[(10, Some(1.0))]) };
    let outcome = case.writer.write((0..NEW + 3).map(of).collect(), NOW + 10).await;
    assert_eq!((outcome.written, outcome.left.len(), outcome.trouble), (NEW as u64, 3, None));
    let outcome = case.writer.write(outcome.left, NOW + 20).await;
    assert_eq!((outcome.written, outcome.left.len()), (3, 0));
    assert_eq!(case.trends.families(WEB1).len(), NEW + 3);
}
