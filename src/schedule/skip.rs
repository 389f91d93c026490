//! A `skip` file: the moments of scheduled changes that are passed over. Pure.

use super::{Expected, Zone, moment::moment};
use jiff::{
    Timestamp,
    civil::DateTime,
    tz::{Offset, TimeZone},
};

/// Scheduled changes that are passed over. Those of the past mean nothing any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skip {
    moments: Vec<Moment>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    Exact(Timestamp),
    /// In the segment's zone.
    Local(DateTime),
}

/// A `skip` file, a moment a line: `2026-11-26T07:30:00+01:00` as the program writes it, or `2026-11-26 07:30`.
pub fn skip(text: &str) -> Result<Skip, Expected> {
    let line = |(number, text): (usize, &str)| {
        let exact = text.trim().parse().map(Moment::Exact);
        exact.or_else(|_| text.trim().parse().map(Moment::Local)).map_err(|_| {
            format!("the moment of a scheduled change as 2026-11-26 07:30: line {number}: {text:?} is no such moment")
        })
    };
    (1..).zip(text.lines()).map(line).collect::<Result<_, _>>().map(|moments| Skip { moments })
}

impl Skip {
    /// What is due then is passed over.
    pub fn is_at(&self, due: Timestamp, zone: &TimeZone) -> bool {
        self.moments.iter().any(|moment| moment.at(zone) == Some(due))
    }

    /// The text of a file that also passes over what is due at `due`; what is before `now` is left out.
    pub fn with(before: Option<&Skip>, due: Timestamp, now: Timestamp, zone: Option<&Zone>) -> String {
        let zone = zone.map_or_else(TimeZone::system, |zone| zone.0.clone());
        let kept = before.map(|skip| skip.moments.as_slice()).unwrap_or_default();
        let kept = kept.iter().filter_map(|moment| moment.at(&zone)).filter(|at| *at > now && *at != due);
        let written = |at: Timestamp| {
            let offset: Offset = zone.to_offset(at);
            format!("{}\n", at.display_with_offset(offset))
        };
        kept.chain([due]).map(written).collect()
    }
}

impl Moment {
    fn at(self, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Moment::Exact(at) => Some(at),
            Moment::Local(local) => moment(local, zone),
        }
    }
}
