//! Trends: what was measured, kept as RRDtool files by a child `rrdtool -`, and read as series, graphs and OpenMetrics. Knows neither who
//! measures nor who looks.

mod series;

pub use series::{Line, Series};

use crate::sample::Of;
use jiff::Timestamp;
use std::{net::Ipv4Addr, path::PathBuf};

/// The files, for reading; cheap to clone. All that reads runs `rrdtool` and blocks for some milliseconds.
#[derive(Clone, Debug)]
pub struct Trends {
    folder: PathBuf,
}

/// Why there is no trend.
#[derive(Debug, thiserror::Error)]
pub enum TrendError {
    /// Nothing of this family was measured.
    #[error("nothing is known of {family} of {of}; there are {there}")]
    Missing {
        /// What was asked for.
        family: String,
        /// Of what.
        of: String,
        /// What there is.
        there: String,
    },
    /// rrdtool cannot be run, or does not do it.
    #[error("rrdtool: {0}")]
    Tool(String),
}

impl Trends {
    /// Those below this folder: `rrd/`.
    pub fn new(folder: PathBuf) -> Trends {
        Trends { folder }
    }

    /// The folder of `of`: a machine's address, a segment's, or `pxelator`.
    pub fn folder(&self, of: Of) -> PathBuf {
        let name = |address: Ipv4Addr| address.to_string();
        self.folder.join(match of {
            Of::Machine(_, machine) => name(machine),
            Of::Segment(server) => name(server),
            Of::Program => "pxelator".to_owned(),
        })
    }

    /// The families that are kept of it, sorted.
    pub fn families(&self, _of: Of) -> Vec<String> {
        Vec::new()
    }

    /// What is kept of a family between two moments, in about so many points.
    pub fn read(
        &self,
        of: Of,
        family: &str,
        _from: Timestamp,
        _to: Timestamp,
        _points: usize,
    ) -> Result<Series, TrendError> {
        let there = self.families(of).join(", ");
        Err(TrendError::Missing { family: family.to_owned(), of: format!("{of:?}"), there })
    }
}
