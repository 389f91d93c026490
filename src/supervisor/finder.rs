//! Looks in the journal for what the console's filter wants, on a thread of its own: a long journal holds up nothing.

use super::segments::Shared;
use crate::{
    command::{FOUND, Found},
    filter::{Filter, Here},
    journal::{Journal, Query},
};
use jiff::{Timestamp, tz::TimeZone};
use std::{net::Ipv4Addr, sync::Arc};

/// Looks, and tells what was found unless something else was asked meanwhile.
pub async fn find(shared: &Shared, segment: Ipv4Addr, filter: String, asked: Timestamp) {
    // Who asks anew gives the question before up.
    let is_newest = shared.asked.send_if_modified(|newest| {
        let is_newer = asked > *newest;
        *newest = asked.max(*newest);
        is_newer
    });
    if !is_newest {
        return;
    }
    let here = shared.clone();
    let looking = tokio::task::spawn_blocking(move || look(&here, segment, &filter, asked));
    let events = match looking.await {
        Ok(Ok(None)) => return,
        Ok(Ok(Some(events))) => Ok(events),
        Ok(Err(error)) => Err(error),
        Err(broken) => Err(broken.to_string()),
    };
    shared.found.send_if_modified(|found| {
        let is_newer = asked > found.asked;
        if is_newer {
            *found = Arc::new(Found { asked, events });
        }
        is_newer
    });
}

/// None where nobody waits for the answer any more.
fn look(
    shared: &Shared,
    segment: Ipv4Addr,
    filter: &str,
    asked: Timestamp,
) -> Result<Option<Vec<Arc<crate::event::Event>>>, String> {
    let mut journal = Journal::read(&shared.options.journal).map_err(|error| error.to_string())?;
    let (newest, shutdown) = (shared.asked.clone(), shared.shutdown.clone());
    let given_up = move || *newest.borrow() != asked || shutdown.is_cancelled();
    journal.give_up_when(given_up.clone()).map_err(|error| error.to_string())?;
    let parse = |text: &str| {
        let state = shared.state.read();
        let here = Here { now: asked, zone: &TimeZone::system(), names: &*state };
        Filter::parse(text, &here).map_err(|error| error.to_string())
    };
    let filter = parse(filter)?.and(parse(&format!("segment={segment} or not segment=*"))?);
    let mut events = Vec::new();
    let query = Query { filter, after: 0, limit: Some(FOUND) };
    let looked = journal.select(&query, |event| events.push(Arc::new(event)));
    if given_up() {
        return Ok(None);
    }
    looked.map(|_| Some(events)).map_err(|error| error.to_string())
}
