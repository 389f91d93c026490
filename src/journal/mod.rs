//! stub: the store of events.

use crate::{
    bus::{Bus, Delivery},
    event::Event,
};
use std::{net::Ipv4Addr, path::Path};
use tokio::sync::mpsc;

/// A journal that cannot be opened or read.
#[derive(Debug, thiserror::Error)]
#[error("stub")]
pub struct JournalError;

/// An open journal.
pub struct Journal;

impl Journal {
    /// Opens or makes the journal at `path`.
    pub fn open(path: &Path) -> Result<Journal, JournalError> {
        let _ = path;
        Ok(Journal)
    }

    /// The last lease event of each address of a segment, the oldest first.
    pub fn lease_events(&self, segment: Ipv4Addr) -> Result<Vec<Event>, JournalError> {
        let _ = segment;
        Ok(Vec::new())
    }

    /// The newest `limit` events, the oldest first.
    pub fn newest(&self, limit: usize) -> Result<Vec<Event>, JournalError> {
        let _ = limit;
        Ok(Vec::new())
    }

    /// Stores what comes in `queue` until all senders are gone, on a thread of its own.
    /// Troubles are published on `bus`.
    pub fn write(self, mut queue: mpsc::Receiver<Delivery>, bus: Bus) -> std::thread::JoinHandle<()> {
        let _ = bus;
        std::thread::spawn(move || {
            while let Some(delivery) = queue.blocking_recv() {
                if let Delivery::Barrier(done) = delivery {
                    let _ = done.send(());
                }
            }
        })
    }
}
