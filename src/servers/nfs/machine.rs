//! The server of one machine's files: nfs-mamont on a port of loopback that only this service's own threads can reach.

use super::{
    files::{Files, Place, Tell},
    mount::Door,
    vfs::Procedures,
};
use crate::roots::NoOverlay;
use nfs_mamont::{Impl, ServerContext, service::nlm::NlmService};
use std::{
    net::{Ipv4Addr, SocketAddr},
    num::NonZeroUsize,
    sync::Arc,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// Bytes of a buffer, and how many of them a machine has: what it reads and writes at one time.
const BUFFER: NonZeroUsize = NonZeroUsize::new(128 << 10).unwrap();
const BUFFERS: NonZeroUsize = NonZeroUsize::new(96).unwrap();
/// Procedures of a machine that are done at one time.
const AT_ONCE: NonZeroUsize = NonZeroUsize::new(8).unwrap();

/// Why a machine's files are not served.
#[derive(Debug, thiserror::Error)]
pub enum NotServed {
    /// There is no root for it.
    #[error(transparent)]
    NoOverlay(#[from] NoOverlay),
    /// The system does not give what is needed.
    #[error("cannot serve its files: {0}")]
    Io(#[from] std::io::Error),
}

/// The server. Dropped, it ends.
pub struct Machine {
    /// Its files.
    pub files: Arc<Files>,
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Machine {
    /// Opens the files and serves them.
    pub async fn serve(place: Place, tell: Tell) -> Result<Machine, NotServed> {
        let opened = tokio::task::spawn_blocking(move || Files::open(place, tell)).await;
        let files = Arc::new(opened.map_err(std::io::Error::other)??);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let context = ServerContext::new(Arc::new(Impl::new(BUFFER, BUFFERS)), AT_ONCE);
        // The first has number 0, which is in all handles.
        context.add_backend(Arc::new(Procedures(files.clone())));
        let door = Arc::new(Door(files.clone()));
        let task = tokio::spawn(async move {
            let _ = nfs_mamont::handle_forever(listener, context, door, Arc::new(NlmService::new())).await;
        });
        Ok(Machine { files, address, task })
    }

    /// True where it ended by itself, as it does at SIGINT.
    pub fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    /// A new connection to it.
    pub async fn connect(&self) -> std::io::Result<TcpStream> {
        TcpStream::connect(self.address).await
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.task.abort();
    }
}
