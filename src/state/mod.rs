//! The segments as they stand, folded from events. Pure: knows no socket, no file and no screen.

mod leases;

pub use leases::{Lease, Leases};

use crate::event::Event;
use parking_lot::RwLock;
use std::{collections::BTreeMap, net::Ipv4Addr, sync::Arc};

/// The one state of a running program: folded by the supervisor, read by all.
pub type Shared = Arc<RwLock<State>>;

/// Everything that is known of all segments.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Segments by the server's own address.
    pub segments: BTreeMap<Ipv4Addr, Segment>,
    /// Grows with each event; a screen that has drawn this number need not draw again.
    pub generation: u64,
}

/// What is known of one segment.
#[derive(Clone, Debug, Default)]
pub struct Segment {
    /// Addresses and who has them.
    pub leases: Leases,
}

impl State {
    /// Folds one event in. Replaying a journal into an empty state gives the state of that moment.
    pub fn apply(&mut self, event: &Event) {
        self.generation += 1;
        if let Some(address) = event.segment {
            self.segments.entry(address).or_default().leases.apply(event);
        }
    }
}
