//! What the journal knows of recipes on machines.

use super::{Had, Key, fold};
use crate::{
    event::{Event, now},
    filter::{Filter, Here, Names},
    journal::{Journal, Query},
};
use jiff::tz::TimeZone;
use std::{collections::BTreeMap, path::Path};

/// Events that are looked at, the newest.
const LIMIT: usize = 100_000;

/// Reads it from the journal's file; nothing where there is no journal yet.
pub fn known(journal: &Path) -> Result<BTreeMap<Key, Had>, String> {
    if !journal.exists() {
        return Ok(BTreeMap::new());
    }
    let journal = Journal::read(journal).map_err(|error| error.to_string())?;
    let here = Here { now: now(), zone: &TimeZone::UTC, names: &Names(Vec::new()) };
    let filter = Filter::parse("kind=recipe.ended or kind=recipe.failed", &here).map_err(|error| error.to_string())?;
    let mut events: Vec<Event> = Vec::new();
    let query = Query { filter, after: 0, limit: Some(LIMIT) };
    journal.select(&query, |event| events.push(event)).map_err(|error| error.to_string())?;
    Ok(fold(&events))
}
