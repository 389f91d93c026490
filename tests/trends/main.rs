//! Trends by the real program and the real rrdtool: what is measured is kept and drawn, and what goes wrong on the way is told and mended.

mod faults;
mod kept;
mod machines;
mod prometheus;
mod seen;
#[path = "../support/mod.rs"]
mod support;

use pxelator::{
    sample::Of,
    trend::{Series, Trends},
};
use std::{
    net::Ipv4Addr,
    path::PathBuf,
    process::{Output, Stdio},
    time::Duration,
};
use support::{Segment, wait_for};

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const WEB1: Of = Of::Machine(SERVER, Ipv4Addr::new(10, 77, 0, 60));

/// Values are written every ten seconds; a busy machine gets more.
const WRITTEN: Duration = Duration::from_secs(60);

/// Where a segment's trends are.
fn trends(segment: &Segment) -> Trends {
    Trends::new(segment.folder.path().join("rrd"))
}

/// The last minutes of a family, once its file is there and has a value that is wanted.
fn wait_until(segment: &Segment, of: Of, family: &str, wanted: impl Fn(&Series) -> bool) -> Series {
    let trends = trends(segment);
    wait_for(&format!("{family} of {of:?}"), WRITTEN, || {
        let now = jiff::Timestamp::now();
        let from = now.saturating_sub(jiff::SignedDuration::from_mins(5)).unwrap();
        trends.read(of, family, from, now, 100).ok().filter(|series| wanted(series))
    })
}

/// All values of a line that are known.
fn known(series: &Series, line: &str) -> Vec<f64> {
    let line = series.lines.iter().find(|known| known.name == line);
    line.unwrap_or_else(|| panic!("{line:?} is not in {series:?}")).values.iter().flatten().copied().collect()
}

/// Runs the command line where the server is, beside its conf.
fn pxelator(segment: &Segment, words: &[&str]) -> Output {
    let mut command = segment.command(env!("CARGO_BIN_EXE_pxelator"));
    command.current_dir(segment.folder.path()).args(words).stdin(Stdio::null()).output().unwrap()
}

/// The same where it has to end with this code; what it printed, standard error included.
fn says(segment: &Segment, code: i32, words: &[&str]) -> String {
    let output = pxelator(segment, words);
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert_eq!(output.status.code(), Some(code), "{words:?}: {text}");
    text
}

/// A file of the segment's trends.
fn file(segment: &Segment, of: Of, family: &str) -> PathBuf {
    trends(segment).file(of, family)
}
