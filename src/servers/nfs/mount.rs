//! The mount protocol (RFC 1813, appendix I) for one machine: it has one root, and that is all it can ask for.

use super::{files::Files, vfs::handle};
use crate::roots::{self, Id, NoOverlay, ROOT, Tree};
use nfs_mamont::{
    auth::Credential,
    mount::{
        ExportEntry, HostName, dump, export,
        mnt::{self, Fail, Success},
        umnt, umntall,
    },
    vfs::file::Path,
};
use nix::{errno::Errno, sys::stat::SFlag};
use std::{ffi::OsStr, net::SocketAddr, sync::Arc};

/// The machine's root under the names that it may call it by.
pub struct Door(pub Arc<Files>);

impl Door {
    fn is_root(&self, path: &str) -> bool {
        let path = path.trim_matches('/');
        path.is_empty() || path.strip_prefix("roots/").unwrap_or(path) == self.0.place().base
    }
}

/// A folder of the tree; by no link.
fn find(tree: &Tree, path: &str) -> roots::Result<Id> {
    let mut at = ROOT;
    for name in path.split('/').filter(|name| !name.is_empty() && *name != ".") {
        let (id, stat) = tree.lookup(at, OsStr::new(name))?;
        if SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT != SFlag::S_IFDIR {
            return Err(Errno::ENOTDIR);
        }
        at = id;
    }
    Ok(at)
}

impl mnt::Mnt for Door {
    async fn mnt(&self, args: mnt::Args, _: SocketAddr, _: &Credential) -> Result<Success, Fail> {
        let path = args.dirpath.as_path().to_string_lossy().into_owned();
        let shown = crate::event::printable(&path, 200);
        let files = self.0.clone();
        let below = if self.is_root(&path) { String::new() } else { path };
        let mounted = tokio::task::spawn_blocking(move || {
            let overlay = files.mount()?;
            Ok::<_, NoOverlay>((overlay.tree.generation(), find(&overlay.tree, &below)))
        });
        match mounted.await {
            Ok(Ok((generation, Ok(id)))) => Ok(Success {
                file_handle: handle(generation, id),
                // None is named: clients then take AUTH_SYS, and nfs-mamont does not let its names be written.
                auth_flavors: Vec::new(),
            }),
            Ok(Ok((_, Err(error)))) => {
                let reason = format!("{}; its root is /, and /roots/{}", error.desc(), self.0.place().base);
                self.0.refuse(shown, reason);
                Err(if error == Errno::ENOTDIR { Fail::NoDir } else { Fail::NoEnt })
            }
            Ok(Err(error)) => {
                self.0.refuse(shown, error.to_string());
                Err(Fail::Access)
            }
            Err(_) => Err(Fail::ServerFault),
        }
    }
}

impl umnt::Umnt for Door {
    async fn umnt(&self, _: umnt::Args, _: SocketAddr, _: &Credential) {
        self.0.unmount();
    }
}

impl umntall::Umntall for Door {
    async fn umntall(&self, _: SocketAddr, _: &Credential) {
        self.0.unmount();
    }
}

impl export::Export for Door {
    async fn export(&self, _: &Credential) -> export::Success {
        let name = HostName::new(self.0.place().machine.to_string());
        let entry = Path::new("/".to_owned()).ok().zip(name.ok());
        let entry = entry.map(|(directory, name)| ExportEntry { directory, names: vec![name] });
        export::Success { exports: entry.into_iter().collect() }
    }
}

impl dump::Dump for Door {
    async fn dump(&self, _: &Credential) -> dump::Success {
        dump::Success { mount_list: Vec::new() }
    }
}
