//! Keeps the alerts: hands events and time to the rules, tells what comes of it, and has it delivered.

use super::segments::Shared;
use crate::{command::AlertKey, event::Asker, net::Mac};
use jiff::Timestamp;
use std::net::Ipv4Addr;

/// The alerts.
#[derive(Clone, Default)]
pub struct Alerts {}

/// Keeps them until shutdown.
pub async fn keep(shared: Shared) {
    shared.shutdown.cancelled().await;
}

/// Somebody looks after these.
pub fn acknowledge(_shared: &Shared, _alerts: Vec<AlertKey>, _note: Option<String>, _by: Asker) {}

/// Those that are like this are not told until then, or are again.
#[allow(clippy::too_many_arguments)]
pub fn silence(
    _shared: &Shared,
    _segment: Option<Ipv4Addr>,
    _mac: Option<Mac>,
    _rule: Option<String>,
    _subject: Option<String>,
    _until: Option<Timestamp>,
    _by: Asker,
) {
}

/// Tells a receiver something, to see whether it comes.
pub async fn ring(_shared: &Shared, _segment: Ipv4Addr, _receiver: &str) {}
