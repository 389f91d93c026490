//! Lets go, from time to time, what the journal is not to keep.

use super::segments::Shared;
use crate::{
    event::{self, Event, Fact},
    journal,
};
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// How often it is looked for.
const EVERY: Duration = Duration::from_secs(600);

/// At the start, now and then, and when conf changes; until shutdown.
pub async fn keep(shared: Shared) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut conf = shared.conf.clone();
    let mut looked_for = None;
    loop {
        let due = tokio::select! {
            () = shared.shutdown.cancelled() => return,
            _ = ticks.tick() => true,
            changed = conf.changed() => {
                if changed.is_err() {
                    return;
                }
                false
            }
        };
        let tree = conf.borrow_and_update().clone();
        let wanted: Vec<_> =
            tree.segments.iter().map(|(at, s)| (*at, s.keep, s.couchdb.as_ref().map(|d| d.url.clone()))).collect();
        if !due && looked_for.as_ref() == Some(&wanted) {
            continue;
        }
        let (path, shutdown) = (shared.options.journal.clone(), shared.shutdown.clone());
        let may_go_on = move || !shutdown.is_cancelled();
        let worked = tokio::task::spawn_blocking(move || journal::prune(&path, &tree, event::now(), &may_go_on)).await;
        looked_for = Some(wanted);
        // A journal that cannot be written is told by its writer; this is tried again.
        for pruned in worked.into_iter().flatten().flatten() {
            let fact = Fact::JournalPruned { events: pruned.events, before: pruned.before };
            shared.bus.publish(Event::new(pruned.segment, fact));
        }
    }
}
