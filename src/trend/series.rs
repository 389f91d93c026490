//! What was measured in the course of time, as numbers. Pure.

use jiff::{SignedDuration, Timestamp};

/// Values at moments that are equally far from each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// `ping`.
    pub family: String,
    /// The moment of the first value.
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
    /// `ms`, `bytes/s`; empty where it is a count.
    pub unit: String,
    /// A value a moment; none is a hole.
    pub values: Vec<Option<f64>>,
}
