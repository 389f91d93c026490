//! Looks at machines and services, and listens who is on a segment. Knows no rule of alerts, no trend and no screen: what it finds are
//! events and samples.

mod excuse;
pub mod listen;
mod plan;
pub mod probe;
mod rounds;
mod turn;

pub use excuse::{Excuse, excuse};
pub use plan::{Planned, of_machine, of_segment};
pub use rounds::{Due, Rounds, Told};
pub use turn::Look;

use crate::net::Mac;
use std::{net::Ipv4Addr, sync::Arc};

/// What is looked at: a machine of conf, or a segment's own services where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// The segment's server address.
    pub segment: Ipv4Addr,
    /// The machine's address, and its hardware address.
    pub machine: Option<(Ipv4Addr, Mac)>,
}

/// A check of something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Of what.
    pub subject: Subject,
    /// Its name: `ping`, `tcp 22`.
    pub name: Arc<str>,
}
