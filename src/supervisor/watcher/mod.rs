//! Decides what is checked when, has it looked at, and tells what came of it. Listens on each segment who is there.

use super::segments::Shared;
use std::net::Ipv4Addr;

/// The checks that are under way.
#[derive(Clone, Default)]
pub struct Watches {}

/// Checks until shutdown.
pub async fn keep(shared: Shared) {
    shared.shutdown.cancelled().await;
}

/// Does the checks of these machines now; of the segment's own services where there are none.
pub async fn check(_shared: &Shared, _segment: Ipv4Addr, _machines: Vec<Ipv4Addr>) {}
