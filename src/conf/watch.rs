//! stub: follows changes of the tree.

use super::Conf;
use crate::bus::Bus;
use std::{path::PathBuf, sync::Arc};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Follows the tree in `dir` until `shutdown`: each change that makes sense is sent to `sender`, and told as events.
pub async fn watch(dir: PathBuf, sender: watch::Sender<Arc<Conf>>, bus: Bus, shutdown: CancellationToken) {
    let _ = (dir, sender, bus);
    shutdown.cancelled().await;
}
