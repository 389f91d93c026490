//! The folders of one machine's root: found or made, locked, and where the host allows it mounted as the kernel's overlayfs.

use super::{
    change::{Workshop, restore},
    index::Index,
    layers::Folder,
    tree::Tree,
};
use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg, OFlag, open},
    mount::{MntFlags, MsFlags, mount, umount2},
    sys::stat::{Mode, fstat},
};
use std::{
    ffi::OsStr,
    fs::{self, DirBuilder},
    io,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::fs::{DirBuilderExt, MetadataExt},
    },
    path::{Component, Path, PathBuf},
};

/// Why a machine has no root to work on.
#[derive(Debug, thiserror::Error)]
pub enum NoOverlay {
    /// The profile's `root` is no plain name.
    #[error("{0:?} is not the name of a base: expected the name of a folder in roots, without /")]
    Name(String),
    /// The base is not there.
    #[error("there is no base {}; make it: pxelator root new {name}", folder.display())]
    NoBase {
        /// Where it should be.
        folder: PathBuf,
        /// Its name.
        name: String,
    },
    /// What the machine changed, it changed over another base.
    #[error("what is in {} belongs to the base {was}, and the profile says {is}; let the machine begin anew: pxelator root reset {machine}", folder.display())]
    OtherBase {
        /// The machine's folder.
        folder: PathBuf,
        /// What `upper` was made over.
        was: String,
        /// What it is to be over now.
        is: String,
        /// The machine.
        machine: String,
    },
    /// Another program works on it.
    #[error("{} is in use by another program: perhaps a second pxelator, or a kernel that mounts it", .0.display())]
    InUse(PathBuf),
    /// The disk says no.
    #[error("{}: {source}; see that the folder's disk has room and can be written", path.display())]
    Disk {
        /// What was tried on.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

fn disk(path: &Path) -> impl FnOnce(io::Error) -> NoOverlay {
    let path = path.to_owned();
    move |source| NoOverlay::Disk { path, source }
}

fn folder(path: &Path) -> Result<OwnedFd, NoOverlay> {
    open(path, OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())
        .map_err(|error| disk(path)(error.into()))
}

/// A machine's root, open. Dropped, it is unmounted and unlocked.
pub struct Overlay {
    /// Its files.
    pub tree: Tree,
    /// `overlay/<machine>`.
    pub folder: PathBuf,
    /// The kernel's overlayfs shows it, not this program's own union.
    pub by_kernel: bool,
    upper: (u64, u64),
    merged: Option<PathBuf>,
    _lock: Flock<OwnedFd>,
}

impl Overlay {
    /// Opens the root of `machine` over `roots/<base>`, making its folders in `overlay` where they are missing. With `kernel`
    /// the kernel's overlayfs is tried first; that is for threads with a mount namespace of their own.
    pub fn open(roots: &Path, base: &str, overlay: &Path, machine: &str, kernel: bool) -> Result<Overlay, NoOverlay> {
        let plain = |name: &str| {
            let mut parts = Path::new(name).components();
            matches!((parts.next(), parts.next()), (Some(Component::Normal(one)), None) if one == OsStr::new(name))
        };
        if !plain(base) {
            return Err(NoOverlay::Name(base.to_owned()));
        }
        let below = roots.join(base);
        if !below.is_dir() {
            return Err(NoOverlay::NoBase { folder: below, name: base.to_owned() });
        }
        let lower = folder(&below)?;
        // The machine's passwords are in there.
        let make = |path: &Path| DirBuilder::new().mode(0o700).recursive(true).create(path).map_err(disk(path));
        make(overlay)?;
        let own = overlay.join(machine);
        let new = !own.join("upper").is_dir();
        make(&own)?;
        let lock = Flock::lock(folder(&own)?, FlockArg::LockExclusiveNonblock).map_err(|(_, error)| match error {
            Errno::EWOULDBLOCK => NoOverlay::InUse(own.clone()),
            other => disk(&own)(other.into()),
        })?;
        let note = own.join("base");
        match fs::read_to_string(&note) {
            Ok(was) if was.trim() != base && !new => {
                let (was, is, machine) = (was.trim().to_owned(), base.to_owned(), machine.to_owned());
                return Err(NoOverlay::OtherBase { folder: own, was, is, machine });
            }
            Ok(was) if was.trim() == base => {}
            _ => fs::write(&note, format!("{base}\n")).map_err(disk(&note))?,
        }
        for name in ["upper", "work", "merged"] {
            make(&own.join(name))?;
        }
        let upper = folder(&own.join("upper"))?;
        let failed = |path: PathBuf| move |error: Errno| disk(&path)(error.into());
        if new {
            let found = fstat(&lower).map_err(failed(below.clone()))?;
            restore(&upper, OsStr::new("."), &found).map_err(failed(own.join("upper")))?;
        }
        let work = folder(&own.join("work"))?;
        sweep(&own.join("work"));
        let meta = fs::metadata(own.join("upper")).map_err(disk(&own))?;
        let index = Index::open(&own.join("index")).map_err(disk(&own.join("index")))?;

        let merged = own.join("merged");
        let mounted = kernel && fstat(&lower).is_ok_and(|low| low.st_dev == meta.dev()) && {
            let at = |fd: &OwnedFd| format!("/proc/self/fd/{}", fd.as_raw_fd());
            let layers = format!("lowerdir={},upperdir={},workdir={}", at(&lower), at(&upper), at(&work));
            let flags = MsFlags::MS_NODEV | MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC | MsFlags::MS_NOATIME;
            // Nothing of it may need more than a plain mount to be seen again.
            let words = format!("{layers},index=off,metacopy=off,redirect_dir=off");
            mount(Some("overlay"), &merged, Some("overlay"), flags, Some(words.as_str())).is_ok()
        };
        let top = if mounted {
            Folder { upper: Some(folder(&merged)?), lower: None }
        } else {
            Folder { upper: Some(upper), lower: Some(folder(&below)?) }
        };
        let tree = Tree::new(top, lower, Workshop::new(work), index);
        let merged = mounted.then_some(merged);
        let upper = (meta.dev(), meta.ino());
        Ok(Overlay { tree, folder: own, by_kernel: mounted, upper, merged, _lock: lock })
    }

    /// False once the folder was renamed, deleted or replaced: the machine was reset.
    pub fn is_current(&self) -> bool {
        fs::metadata(self.folder.join("upper")).is_ok_and(|meta| (meta.dev(), meta.ino()) == self.upper)
    }
}

impl Drop for Overlay {
    fn drop(&mut self) {
        if let Some(merged) = &self.merged {
            self.tree.close();
            let _ = umount2(merged, MntFlags::MNT_DETACH);
        }
    }
}

/// Deletes what an earlier program did not finish.
fn sweep(work: &Path) {
    let Ok(entries) = fs::read_dir(work) else { return };
    for entry in entries.flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(b"px") {
            let path = entry.path();
            let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
        }
    }
}
