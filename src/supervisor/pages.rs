//! The page in the browser beside port 80 of the segments: where `conf/page` says.

use super::segments::Shared;

/// Serves it until shutdown, as conf changes.
pub async fn keep(shared: Shared) {
    shared.shutdown.cancelled().await;
}
