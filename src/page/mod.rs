//! The page in the browser and its interface for programs. Knows no socket and no store beside the journal: it sees the state and sends commands,
//! as the console does.

use crate::{
    bus::Bus,
    command::Command,
    conf::Conf,
    event::Event,
    state::{Replica, Shared},
    trend::Trends,
};
use axum::Router;
use std::{collections::BTreeMap, path::Path, sync::Arc};
use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;

/// What the page shows, and whom it tells what its users want.
#[derive(Clone)]
pub struct Source {
    /// The segments as they stand.
    pub state: Shared,
    /// The conf tree as it stands.
    pub conf: watch::Receiver<Arc<Conf>>,
    /// How far the databases are behind, by URL.
    pub replicas: watch::Receiver<BTreeMap<String, Replica>>,
    /// The journal's file.
    pub journal: Arc<Path>,
    /// The repository of machines' files.
    pub hosts: Arc<Path>,
    /// What was measured.
    pub trends: Trends,
    /// Takes the users' wishes.
    pub commands: mpsc::Sender<Command>,
    /// Each event as it comes; a reader that lags misses some.
    pub events: broadcast::Sender<Arc<Event>>,
    /// Where what users do is told.
    pub bus: Bus,
    /// Cancelled when the program ends.
    pub shutdown: CancellationToken,
}

/// Paths that are the page's, on a port that serves boot files too.
pub fn is_mine(path: &str) -> bool {
    let below = |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    path == "/" || path == "/metrics" || below("/pxelator") || below("/api")
}

/// All of it. Every request has an extension `axum::extract::ConnectInfo<SocketAddr>`, or comes by a Unix socket.
pub fn router(_source: Source) -> Router {
    Router::new()
}

#[cfg(test)]
mod tests {
    #[test]
    fn paths() {
        for (path, mine) in
            [("/", true), ("/metrics", true), ("/pxelator", true), ("/pxelator/machines", true), ("/api/v1/x", true)]
        {
            assert_eq!(super::is_mine(path), mine, "{path}");
        }
        for path in ["/pxelator.efi", "/debian/linux", "/apix", "/metrics.cfg"] {
            assert!(!super::is_mine(path), "{path}");
        }
    }
}
