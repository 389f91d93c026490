//! Packets for the operator: captured live, kept in a bounded ring for the console, or passed on to Wireshark.

mod feed;
mod filter;
mod live;
mod pane;
mod rates;
mod ring;
mod wireshark;

pub use pane::{Page, Pane, View};
pub use rates::Rates;
pub use ring::{Cursor, Kept, Row};

use super::{Desk, Packets};
use parking_lot::Mutex;
use rates::Watch;
use std::sync::Arc;

/// What is looked at inside the console: at most one pane, and the rates.
#[derive(Debug, Default)]
pub struct Captures {
    pane: Mutex<Option<Arc<Pane>>>,
    watch: Mutex<Option<Watch>>,
}

impl Captures {
    fn pane(&self) -> Option<Arc<Pane>> {
        self.pane.lock().clone()
    }
}

impl Desk {
    /// The pane of these packets; another that was open is left. Never waits.
    pub fn packets(&self, packets: &Packets) -> Arc<Pane> {
        let mut open = self.captures.pane.lock();
        match open.as_ref().filter(|pane| pane.packets == *packets) {
            Some(pane) => pane.clone(),
            None => {
                let desk = self.clone();
                let pane = Arc::new(Pane::open(packets.clone(), move || desk.touch()));
                *open = Some(pane.clone());
                pane
            }
        }
    }

    /// Ends the capture that a pane showed.
    pub fn leave_packets(&self) {
        self.captures.pane.lock().take();
    }

    /// How much goes through the interfaces. Never waits.
    pub fn rates(&self) -> Rates {
        let mut watch = self.captures.watch.lock();
        let desk = self.clone();
        watch.get_or_insert_with(|| Watch::begin(move || desk.touch())).rates()
    }

    /// Nobody wants to know the rates any more.
    pub fn leave_rates(&self) {
        self.captures.watch.lock().take();
    }
}
