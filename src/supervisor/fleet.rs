//! Folds what other PXElators write to the same database into the state: their segments, beside those served here.

use super::segments::Shared;
use crate::{conf::Database, journal::couchdb::Changes};
use std::{net::Ipv4Addr, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// After an error; what is wrong is told by who sends.
const RETRY: Duration = Duration::from_secs(2);
/// Where the password is wrong: a try of the sender is enough to find that it is right by now.
const RETRY_LOGIN: Duration = Duration::from_secs(300);
/// How many events are folded under one lock; the screen waits as long.
const BATCH: usize = 256;

/// Reads along until `stop`.
pub async fn follow(shared: Shared, database: Database, own: Vec<Ipv4Addr>, stop: CancellationToken) {
    let Ok(mut changes) = Changes::new(&database, &own) else { return };
    loop {
        let next = tokio::select! {
            () = stop.cancelled() => return,
            next = changes.next() => next,
        };
        match next {
            Ok(events) => {
                let events: Vec<_> = events.into_iter().map(Arc::new).collect();
                for batch in events.chunks(BATCH) {
                    let mut state = shared.state.write();
                    batch.iter().for_each(|event| state.apply_remote(event));
                }
            }
            Err(error) => {
                let pause = if error.is_of_login() { RETRY_LOGIN } else { RETRY };
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(pause) => {}
                }
            }
        }
    }
}
