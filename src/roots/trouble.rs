//! What can go wrong with bases and layers, in words for who asked.

use nix::{fcntl::OFlag, sys::stat::Mode};
use std::{
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

/// Why a base or a machine's layer was left as it is.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// No plain name.
    #[error("{name:?} is no name for a {what}: expected letters, digits, - _ and ., beginning with a letter or digit")]
    Name {
        /// `base`, `snapshot`.
        what: &'static str,
        /// What was given.
        name: String,
    },
    /// It is there already, and would be written over.
    #[error("there is a {what} {name} already: {}; take another name, or delete that folder first", folder.display())]
    Exists {
        /// `base`, `snapshot`.
        what: &'static str,
        /// Its name.
        name: String,
        /// Where it is.
        folder: PathBuf,
    },
    /// It is not there.
    #[error("there is no base {name} in {}{}", roots.display(), near(known))]
    NoBase {
        /// Its name.
        name: String,
        /// Where bases are.
        roots: PathBuf,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The machine has no such snapshot.
    #[error("{machine} has no snapshot {name}{}", near(known))]
    NoSnapshot {
        /// The machine.
        machine: String,
        /// The name.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The machine never had a root of ours.
    #[error("{machine} has changed nothing: there is no {}, which is made when it first mounts its root", folder.display())]
    NoLayer {
        /// The machine.
        machine: String,
        /// Where it would be.
        folder: PathBuf,
    },
    /// Its root is served.
    #[error("{machine} has its root mounted, or had it since this program began ({} is in use): shut it down, then say --force, which takes the root from under a machine that runs", folder.display())]
    InUse {
        /// The machine.
        machine: String,
        /// Its folder.
        folder: PathBuf,
    },
    /// A tree that no machine could boot.
    #[error("{} has no kernel with an initrd: expected boot/vmlinuz-VERSION and boot/initrd.img-VERSION; include a kernel's package, such as linux-image-amd64", .0.display())]
    NoKernel(PathBuf),
    /// The disk says no.
    #[error("{}: {source}", path.display())]
    Disk {
        /// What was tried on.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

fn near(known: &[String]) -> String {
    if known.is_empty() { "; there is none at all".to_owned() } else { format!("; there is {}", known.join(", ")) }
}

/// An error of the disk on `path`.
pub fn disk<E: Into<io::Error>>(path: &Path) -> impl FnOnce(E) -> Trouble {
    let path = path.to_owned();
    move |error| Trouble::Disk { path, source: error.into() }
}

/// Refuses what is no plain name: it becomes a folder's, and a word in a machine's boot line.
pub fn check_name(what: &'static str, name: &str) -> Result<(), Trouble> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(plain) && name.len() <= 64 {
        true => Ok(()),
        false => Err(Trouble::Name { what, name: name.to_owned() }),
    }
}

/// Opens a folder; a link in its place is followed, since the operator made it.
pub fn open(path: &Path) -> Result<OwnedFd, Trouble> {
    nix::fcntl::open(path, OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty()).map_err(disk(path))
}
