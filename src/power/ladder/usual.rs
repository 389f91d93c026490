//! How long a machine usually takes from power to its first sign, learned from its own boots. Pure.

use crate::state::{Boot, Stage};
use std::time::Duration;

/// A virtual machine is there at once; a server tests itself for minutes.
const VIRTUAL: Duration = Duration::from_secs(60);
const REAL: Duration = Duration::from_secs(180);
/// What was learned counts within these.
const LEAST: Duration = Duration::from_secs(20);
const MOST: Duration = Duration::from_secs(1_200);

/// Twice what the slowest of its boots took; a boot without a first sign tells nothing.
pub fn usual<'a>(boots: impl IntoIterator<Item = &'a Boot>, is_virtual: bool) -> Duration {
    let slowest = boots.into_iter().filter_map(silence).max();
    let default = if is_virtual { VIRTUAL } else { REAL };
    slowest.map_or(default, |slowest| (slowest * 2).clamp(LEAST, MOST))
}

/// From power to the first sign.
fn silence(boot: &Boot) -> Option<Duration> {
    let on = boot.milestones.get(&Stage::PoweredOn)?.at;
    let others = boot.milestones.iter().filter(|(stage, _)| **stage != Stage::PoweredOn);
    let first = others.map(|(_, milestone)| milestone.at).min()?;
    Duration::try_from(first.duration_since(on)).ok()
}
