//! The page in the browser and its interface for programs. Knows no socket and no store beside the journal: it sees the state and sends commands,
//! as the console does.

// Why somebody is not let in is a whole answer, made once a request.
#![allow(clippy::result_large_err)]

pub mod access;
mod act;
mod api;
mod assets;
mod audit;
mod csrf;
mod denied;
pub mod forms;
mod guard;
pub mod layout;
mod limit;
mod live;
mod login;
mod lookup;
mod part;
pub mod password;
mod sessions;
mod show;
mod view;
mod views;
mod wish;

pub use self::{
    access::{Actor, Viewer, Way},
    act::Act,
};

use crate::{
    bus::Bus,
    command::Command,
    conf::Conf,
    event::Event,
    net::Interface,
    state::{Replica, Shared},
    trend::Trends,
};
use axum::{
    Router,
    http::{HeaderMap, StatusCode},
    middleware,
    response::Redirect,
    routing::get,
};
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{Semaphore, broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tower_http::timeout::RequestBodyTimeoutLayer;

/// The host's addresses are asked for so often at most.
const FRESH: Duration = Duration::from_secs(2);
/// Passwords that are checked at the same time.
const CHECKS: usize = 2;
/// Questions to journal, record and trends at the same time.
const READS: usize = 8;
/// Those who follow events at the same time.
const FOLLOWERS: usize = 64;
/// What a client gets to send the next piece of a form or a command.
const PATIENCE: Duration = Duration::from_secs(15);
/// What a proxy puts into a request: it comes from elsewhere then, though the proxy is here.
const PASSED_ON: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

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
    /// The conf tree's folder.
    pub tree: Arc<Path>,
    /// The repository of machines' files.
    pub hosts: Arc<Path>,
    /// The folder that TFTP and HTTP serve.
    pub tftpboot: Arc<Path>,
    /// The run folder.
    pub run: Arc<Path>,
    /// What machines change of their roots over NFS, a folder a machine.
    pub overlay: Arc<Path>,
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

/// The addresses that this host had then.
type Own = (Instant, Vec<Ipv4Addr>);

/// What every handler has: the source, and who may do what.
#[derive(Clone)]
pub struct Site {
    /// What is shown, and who is told.
    pub source: Source,
    key: csrf::Key,
    hostname: Arc<str>,
    sessions: Arc<sessions::Sessions>,
    limits: Arc<limit::Limits>,
    refusals: Arc<audit::Refusals>,
    checking: Arc<Semaphore>,
    reading: Arc<Semaphore>,
    following: Arc<Semaphore>,
    lines: api::Lines,
    own: Arc<Mutex<Option<Own>>>,
    live: Arc<live::Live>,
}

impl Site {
    fn new(source: Source) -> Result<Site, getrandom::Error> {
        let hostname = nix::unistd::gethostname().map(|name| name.to_string_lossy().to_ascii_lowercase());
        Ok(Site {
            live: live::Live::new(source.clone()),
            source,
            key: csrf::Key::new()?,
            hostname: hostname.unwrap_or_default().into(),
            sessions: Arc::default(),
            limits: Arc::default(),
            refusals: Arc::default(),
            checking: Arc::new(Semaphore::new(CHECKS)),
            reading: Arc::new(Semaphore::new(READS)),
            following: Arc::new(Semaphore::new(FOLLOWERS)),
            lines: api::Lines::default(),
            own: Arc::default(),
        })
    }

    /// True for a request of this host itself, that nobody passed on.
    fn is_here(&self, way: Way, headers: &HeaderMap) -> bool {
        if PASSED_ON.iter().any(|name| headers.contains_key(*name)) {
            return false;
        }
        match way {
            Way::Unix => true,
            Way::Tcp { client, .. } if client.is_loopback() => true,
            // The kernel takes no packet of our own address from elsewhere.
            Way::Tcp { client: IpAddr::V4(client), .. } => self.has(client),
            Way::Tcp { .. } => false,
        }
    }

    fn has(&self, address: Ipv4Addr) -> bool {
        let mut own = self.own.lock();
        let all = match &*own {
            Some((asked, all)) if asked.elapsed() < FRESH => all,
            _ => {
                let all = Interface::all().unwrap_or_default().into_iter().flat_map(|found| found.addresses).collect();
                &own.insert((Instant::now(), all)).1
            }
        };
        all.contains(&address)
    }
}

/// All of it. Every request has an extension `axum::extract::ConnectInfo<SocketAddr>`, or a [`Way`].
pub fn router(source: Source) -> Router {
    let Ok(site) = Site::new(source) else {
        // Without random numbers nobody can be told from others.
        return Router::new().fallback(|| async { StatusCode::SERVICE_UNAVAILABLE });
    };
    site.refusals.clone().keep_telling(site.source.clone());
    Router::new()
        .route("/", get(|| async { Redirect::to("/pxelator") }))
        .route("/metrics", get(api::metrics))
        .nest("/pxelator", show::routes().merge(login::routes()).merge(act::routes()))
        .nest("/api/v1", api::routes())
        .fallback(login::nothing)
        .layer(middleware::from_fn_with_state(site.clone(), guard::guard))
        // Who sends a form a byte at a time is not waited for.
        .layer(RequestBodyTimeoutLayer::new(PATIENCE))
        .with_state(site)
}

/// Paths that are the page's, on a port that serves boot files too.
pub fn is_mine(path: &str) -> bool {
    let below = |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    path == "/" || path == "/metrics" || below("/pxelator") || below("/api")
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
