//! Trends: what was measured, kept as RRDtool files by a child `rrdtool -`, and read as series, graphs and OpenMetrics. Knows neither who
//! measures nor who looks.

pub mod axis;
pub mod family;
mod gather;
mod metrics;
mod picture;
pub mod process;
mod rates;
mod read;
mod series;
mod svg;
mod tool;
mod trouble;
mod write;

pub use gather::{Batch, Gather};
pub use metrics::{CONTENT_TYPE, metrics};
pub use picture::{Format, Picture};
pub use rates::{Rates, told};
pub use series::{Line, Series, round_step};
pub use svg::{Drawing, described, svg};
pub use trouble::Trouble;
pub use write::{Outcome, Writer};

use crate::sample::{Of, Sample};
use jiff::Timestamp;
use parking_lot::RwLock;
use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The files, for reading, and the last value of everything; cheap to clone. All that reads files runs `rrdtool` and blocks for some
/// milliseconds.
#[derive(Clone, Debug)]
pub struct Trends {
    folder: PathBuf,
    latest: Arc<RwLock<BTreeMap<(Of, String), Sample>>>,
    totals: Arc<RwLock<Vec<Total>>>,
}

/// What was counted since the program began: of what, family, value, how much.
pub type Total = (Of, &'static str, &'static str, u64);

/// Why there is no trend.
#[derive(Debug, thiserror::Error)]
pub enum TrendError {
    /// Nothing of this family was measured.
    #[error("nothing is known of {family} of {of}; there {}", listed(.there))]
    Missing {
        /// What was asked for.
        family: String,
        /// Of what.
        of: String,
        /// What there is.
        there: Vec<String>,
    },
    /// rrdtool cannot be run, or does not do it.
    #[error("rrdtool: {0}")]
    Tool(String),
}

fn listed(families: &[String]) -> String {
    match families {
        [] => "is nothing yet: values come while the program runs".to_owned(),
        [one] => format!("is {one}"),
        more => format!("are {}", more.join(", ")),
    }
}

impl Trends {
    /// Those below this folder: `rrd/`.
    pub fn new(folder: PathBuf) -> Trends {
        Trends { folder, latest: Arc::default(), totals: Arc::default() }
    }

    /// The folder of all.
    pub fn root(&self) -> &Path {
        &self.folder
    }

    /// The folder of `of`: a machine's address, a segment's, or `pxelator`.
    pub fn folder(&self, of: Of) -> PathBuf {
        self.folder.join(name(of))
    }

    /// The file of a family.
    pub fn file(&self, of: Of, family: &str) -> PathBuf {
        self.folder(of).join(format!("{family}.rrd"))
    }

    /// The families that are kept of it, sorted.
    pub fn families(&self, of: Of) -> Vec<String> {
        let files = std::fs::read_dir(self.folder(of)).into_iter().flatten().flatten();
        let family = |file: std::fs::DirEntry| Some(file.file_name().to_str()?.strip_suffix(".rrd")?.to_owned());
        let mut families: Vec<String> = files.filter_map(family).filter(|name| family::is_name(name)).collect();
        families.sort();
        families
    }

    /// What is kept of a family between two moments, in at most so many points a line.
    pub fn read(
        &self,
        of: Of,
        family: &str,
        from: Timestamp,
        to: Timestamp,
        points: usize,
    ) -> Result<Series, TrendError> {
        read::fetch(&self.there(of, family)?, family, from, to, points)
    }

    /// A picture of a family, drawn by `rrdtool graph`: the bytes of a PNG or an SVG.
    pub fn draw(&self, of: Of, family: &str, picture: &Picture) -> Result<Vec<u8>, TrendError> {
        let file = self.there(of, family)?;
        let last = read::fetch(&file, family, picture.from, picture.to, 1)?;
        let known: Vec<String> = last.lines.iter().map(|line| line.name.clone()).collect();
        let wanted = |name: &String| picture.values.is_empty() || picture.values.contains(name);
        let shown = last.lines.into_iter().filter(|line| wanted(&line.name));
        let mut names: Vec<(String, String)> = shown.map(|line| (line.name, line.unit)).collect();
        // Whether it came through colours the ground behind its time.
        names.sort_by_key(|(name, _)| name == "up");
        if let Some(missing) = picture.values.iter().find(|name| !known.contains(name)) {
            let family = format!("the value {missing} of {family}");
            return Err(TrendError::Missing { family, of: name(of), there: known });
        }
        read::run(&picture.words(&file, &name(of), family, &names))
    }

    fn there(&self, of: Of, family: &str) -> Result<PathBuf, TrendError> {
        let file = self.file(of, family);
        if family::is_name(family) && file.is_file() {
            return Ok(file);
        }
        Err(TrendError::Missing { family: family.to_owned(), of: name(of), there: self.families(of) })
    }

    /// Keeps it as the last value of its family.
    pub fn note(&self, sample: &Sample) {
        self.latest.write().insert((sample.of, sample.family.clone()), sample.clone());
    }

    /// Lets go the last values of what is older than this: it is no longer measured.
    pub fn forget(&self, before: Timestamp) {
        self.latest.write().retain(|(_, family), sample| sample.time >= before || family::is_sparse(family));
    }

    /// The last value of everything that is measured.
    pub fn latest(&self) -> Vec<Sample> {
        self.latest.read().values().cloned().collect()
    }

    /// Keeps what was counted.
    pub fn note_totals(&self, totals: Vec<Total>) {
        *self.totals.write() = totals;
    }

    /// What was counted.
    pub fn totals(&self) -> Vec<Total> {
        self.totals.read().clone()
    }
}

/// As its folder is called.
pub fn name(of: Of) -> String {
    let address = |address: Ipv4Addr| address.to_string();
    match of {
        Of::Machine(_, machine) => address(machine),
        Of::Segment(server) => address(server),
        Of::Program => "pxelator".to_owned(),
    }
}
