//! Folds events into the state, judges boots that stand still, and passes events on.

use crate::{
    bus::{Bus, Delivery},
    event::{self, Event},
    state::Shared,
};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{broadcast, mpsc},
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;

/// How many events are folded under one lock; the screen waits as long.
const BATCH: usize = 256;
/// From one batch to the next: less than a client needs from its lease to its first request.
const PAUSE: Duration = Duration::from_millis(1);
const JUDGE_EVERY: Duration = Duration::from_millis(500);
/// What the machines of an earlier run get to show that they go on, or that they are off.
const FIRST_JUDGEMENT: Duration = Duration::from_secs(3);

/// Folds what comes in `queue` until it is closed, or `finished` and empty.
pub async fn fold(mut queue: mpsc::Receiver<Delivery>, state: Shared, finished: CancellationToken) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        tokio::select! {
            biased;
            count = queue.recv_many(&mut batch, BATCH) => if count == 0 { return },
            () = finished.cancelled() => return,
        }
        {
            let mut state = state.write();
            for delivery in batch.drain(..) {
                if let Delivery::Event(event) = delivery {
                    state.apply(&event);
                }
            }
        }
        // Under load, being woken by each event is more work than to fold it.
        if queue.is_empty() && !finished.is_cancelled() {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Passes what comes in `queue` on to those that may miss some, until it is closed, or `finished`.
pub async fn pass_on(
    mut queue: mpsc::Receiver<Delivery>,
    to: broadcast::Sender<Arc<Event>>,
    finished: CancellationToken,
) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        tokio::select! {
            biased;
            count = queue.recv_many(&mut batch, BATCH) => if count == 0 { return },
            () = finished.cancelled() => return,
        }
        for delivery in batch.drain(..) {
            if let Delivery::Event(event) = delivery {
                // With nothing to record nobody listens.
                let _ = to.send(event);
            }
        }
    }
}

/// Twice a second, tells which boots have come to an end or stand still.
pub async fn judge(state: Shared, bus: Bus, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval_at(Instant::now() + FIRST_JUDGEMENT, JUDGE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let due = state.read().due(event::now());
        due.into_iter().for_each(|event| bus.publish(event));
    }
}
