//! Parts machines whose turns would fall together. Pure.

use std::hash::{DefaultHasher, Hash, Hasher};

/// From 0 to 1: another for each thing, the same for the same.
pub fn part(of: impl Hash) -> f64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    f64::from(u32::try_from(hasher.finish() >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}
