//! A machine's tree as nfs-mamont wants it: each procedure of NFS version 3 (RFC 1813), done by a thread that may wait for
//! disks. Knows no sockets.

mod answer;
mod ask;
mod content;
mod make;
mod page;

use super::{access::Who, files::Files};
use crate::roots::{Changed, Id, Overlay, Result};
use answer::attr;
use nfs_mamont::{
    auth::Credential,
    vfs::file::{Attr, Handle},
};
use nix::errno::Errno;
use std::sync::Arc;

pub use answer::handle;

/// The most bytes of one read or write.
pub const LARGEST: u32 = 1 << 20;

/// The procedures.
pub struct Procedures(pub Arc<Files>);

/// What a procedure works with.
struct At {
    overlay: Arc<Overlay>,
    generation: u32,
}

impl At {
    /// The file that a handle is.
    fn id(&self, handle: &Handle) -> Result<Id> {
        let [a, b, c, d, e, f, g, h] = handle.payload();
        let ours = handle.backend_id() == 0 && u32::from_be_bytes([a, b, c, d]) == self.generation;
        if ours { Ok(u32::from_be_bytes([e, f, g, h])) } else { Err(Errno::ESTALE) }
    }

    /// The file that a handle is, and what it is.
    fn known(&self, handle: &Handle) -> Result<(Id, Attr)> {
        let id = self.id(handle)?;
        Ok((id, attr(self.generation, id, &self.overlay.tree.stat(id)?)))
    }
}

/// Who calls, from what it tells.
fn who(credential: &Credential) -> Who {
    match credential {
        Credential::Sys(told) => Who { uid: told.uid, gid: told.gid, gids: told.gids.clone() },
        Credential::None => Who::nobody(),
    }
}

impl Procedures {
    /// Does `work` where it may block.
    async fn at<T: Send + 'static>(&self, work: impl FnOnce(&At) -> Result<T> + Send + 'static) -> Result<T> {
        let files = self.0.clone();
        let done = tokio::task::spawn_blocking(move || {
            let overlay = files.overlay()?;
            let at = At { generation: overlay.tree.generation(), overlay };
            let done = work(&at);
            files.note(done.as_ref().err().copied());
            done
        });
        done.await.unwrap_or(Err(Errno::EIO))
    }

    /// Likewise, for what changes a folder or a file.
    async fn changed<T: Send + 'static>(
        &self,
        work: impl FnOnce(&At) -> Result<Changed<T>> + Send + 'static,
    ) -> Changed<T> {
        let done = self.at(work).await;
        match done {
            Ok(changed) => {
                self.0.note(changed.value.as_ref().err().copied());
                changed
            }
            Err(error) => Changed { before: None, after: None, value: Err(error) },
        }
    }
}
