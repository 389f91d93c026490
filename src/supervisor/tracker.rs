//! Looks at the files of machines in their pace, and keeps what is other.

use super::segments::Shared;
use crate::command::Place;

/// Looks until shutdown.
pub async fn keep(shared: Shared) {
    shared.shutdown.cancelled().await;
}

/// Looks at these machines and their containers now.
pub async fn pull_all(_shared: &Shared, _machines: Vec<Place>, _cause: Option<String>) {}
