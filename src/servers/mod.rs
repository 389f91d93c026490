//! The servers of a segment, one module a protocol. They know neither each other nor the console:
//! what they learn they publish as events, what they need to know they read from conf and state.

pub mod dhcp;
pub mod dns;
mod error;
mod files;
pub mod http;
mod meter;
pub mod nfs;
pub mod radv;
mod rejects;
pub mod syslog;
pub mod tftp;
mod who;

pub use error::ServerError;
pub use files::open_below;
pub use rejects::Rejects;

use crate::{
    boot::TokenKey,
    bus::Bus,
    conf::{Conf, Segment},
    event::{Event, Fact, Service},
    net::Interface,
    state::Shared,
};
use std::{net::Ipv4Addr, path::Path, sync::Arc};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What every server of a segment is given.
#[derive(Clone)]
pub struct Context {
    /// The server's own address, which names the segment.
    pub segment: Ipv4Addr,
    /// The interface it serves.
    pub interface: Interface,
    /// The conf tree as it stands; changes while the server runs.
    pub conf: watch::Receiver<Arc<Conf>>,
    /// The segment as it stands.
    pub state: Shared,
    /// Where events go.
    pub bus: Bus,
    /// What tokens of boots are made with.
    pub key: TokenKey,
    /// The conf tree's folder: scripts that machines may have run are there.
    pub conf_dir: Arc<Path>,
    /// The folder whose files are served.
    pub tftpboot: Arc<Path>,
    /// Bases of root file systems.
    pub roots: Arc<Path>,
    /// What machines changed of them.
    pub overlay: Arc<Path>,
    /// The journal's file.
    pub journal: Arc<Path>,
    /// The page in the browser, which has some paths of HTTP.
    pub page: axum::Router,
    /// The paths that are the page's.
    pub is_page: fn(&str) -> bool,
    /// Cancelled when the server is to end.
    pub shutdown: CancellationToken,
}

impl Context {
    /// The segment's conf of this moment; none where it was taken out of the tree.
    pub fn segment(&self) -> Option<Arc<Segment>> {
        self.conf.borrow().segments.get(&self.segment).cloned()
    }

    /// Publishes a fact of this segment that is about no machine.
    pub fn tell(&self, fact: Fact) {
        self.bus.publish(Event::new(Some(self.segment), fact));
    }

    /// Publishes that `service` listens on `address`.
    pub fn started(&self, service: Service, address: impl ToString) {
        self.tell(Fact::ServiceStarted { service, address: address.to_string() });
    }
}
