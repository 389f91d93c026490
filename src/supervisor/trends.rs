//! Has what is measured written, and measures what nobody else does: rates of events, of interfaces, of virtual machines.

use super::segments::Shared;
use crate::sample::Sample;
use tokio::sync::mpsc;

/// Writes until shutdown.
pub async fn keep(shared: Shared, mut samples: mpsc::Receiver<Sample>) {
    loop {
        tokio::select! {
            () = shared.shutdown.cancelled() => return,
            sample = samples.recv() => if sample.is_none() { return },
        }
    }
}
