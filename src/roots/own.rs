//! A machine's folder in `overlay`, as the operator looks after it: in use or not, reset, kept in snapshots.

use super::{
    Copied, Trouble, graft,
    trouble::{check_name, disk},
};
use jiff::Timestamp;
use nix::{
    errno::Errno,
    fcntl::{AT_FDCWD, Flock, FlockArg, RenameFlags, renameat2},
};
use serde::Serialize;
use std::{
    fs::{self, DirBuilder},
    io,
    net::Ipv4Addr,
    os::{
        fd::OwnedFd,
        unix::fs::{DirBuilderExt, MetadataExt},
    },
    path::{Path, PathBuf},
};

/// What belongs to a layer, and goes with it: the layer itself is the last, so that what is left half is found out.
const LAYER: [&str; 4] = ["index", "index.new", "base", "upper"];

/// A copy of a machine's layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// Its name.
    pub name: String,
    /// The base that it belongs to.
    pub base: String,
    /// When it was made.
    pub made: Timestamp,
}

/// `overlay/<machine>`, whether it is there or not.
#[derive(Clone, Debug)]
pub struct Own {
    /// The machine's address.
    pub address: Ipv4Addr,
    /// What it is called where something is told.
    pub machine: String,
    /// The folder.
    pub folder: PathBuf,
}

/// The machines that have a folder in `overlay`, by address. None where `overlay` is not there yet.
pub fn owns(overlay: &Path) -> Result<Vec<Own>, Trouble> {
    let entries = match fs::read_dir(overlay) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(disk(overlay))?,
    };
    let address = |entry: fs::DirEntry| entry.file_name().to_str().and_then(|name| name.parse().ok());
    let mut found: Vec<Ipv4Addr> = entries.flatten().filter_map(address).collect();
    found.sort_unstable();
    Ok(found.into_iter().map(|address| Own::new(overlay, address, &address.to_string())).collect())
}

impl Own {
    /// That of the machine at `address`.
    pub fn new(overlay: &Path, address: Ipv4Addr, machine: &str) -> Own {
        Own { address, machine: machine.to_owned(), folder: overlay.join(address.to_string()) }
    }

    /// The layer.
    pub fn upper(&self) -> PathBuf {
        self.folder.join("upper")
    }

    /// The base that the layer belongs to; an error where there is no layer.
    pub fn base(&self) -> Result<String, Trouble> {
        match self.upper().is_dir().then(|| fs::read_to_string(self.folder.join("base"))) {
            Some(Ok(base)) if !base.trim().is_empty() => Ok(base.trim().to_owned()),
            _ => Err(Trouble::NoLayer { machine: self.machine.clone(), folder: self.upper() }),
        }
    }

    /// Whether a server has it open: the machine has its root mounted, or had it a moment ago.
    pub fn is_in_use(&self) -> bool {
        matches!(self.lock(), Err(Trouble::InUse { .. }))
    }

    /// Keeps servers out until it is dropped.
    fn lock(&self) -> Result<Option<Flock<OwnedFd>>, Trouble> {
        if !self.folder.is_dir() {
            return Ok(None);
        }
        match Flock::lock(super::trouble::open(&self.folder)?, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Ok(Some(lock)),
            Err((_, Errno::EWOULDBLOCK)) => {
                Err(Trouble::InUse { machine: self.machine.clone(), folder: self.folder.clone() })
            }
            Err((_, error)) => Err(disk(&self.folder)(error)),
        }
    }

    /// Names and bytes on the disk of the layer; zero where there is none.
    pub fn size(&self) -> Copied {
        fn add(folder: &Path, sum: &mut Copied) {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                // That of a link is its own.
                let Ok(meta) = entry.metadata() else { continue };
                *sum = Copied { files: sum.files + 1, bytes: sum.bytes + meta.blocks() * 512 };
                if meta.is_dir() {
                    add(&entry.path(), sum);
                }
            }
        }
        let mut sum = Copied::default();
        add(&self.upper(), &mut sum);
        sum
    }

    /// Its snapshots, the oldest first.
    pub fn snapshots(&self) -> Vec<Snapshot> {
        let entries = fs::read_dir(self.folder.join("snapshots")).into_iter().flatten().flatten();
        let mut found: Vec<Snapshot> = entries
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok().filter(|name| check_name("snapshot", name).is_ok())?;
                let note = entry.path().join("base");
                let base = fs::read_to_string(&note).ok()?.trim().to_owned();
                let made = fs::metadata(&note).and_then(|meta| meta.modified()).ok()?;
                Some(Snapshot { name, base, made: Timestamp::try_from(made).ok()? })
            })
            .collect();
        found.sort_by(|a, b| (a.made, &a.name).cmp(&(b.made, &b.name)));
        found
    }

    /// Copies the layer to a snapshot; a machine that runs may change it meanwhile. What is not copied whole is not there.
    pub fn snapshot(&self, name: &str) -> Result<Copied, Trouble> {
        check_name("snapshot", name)?;
        let base = self.base()?;
        let all = self.folder.join("snapshots");
        let place = all.join(name);
        if place.exists() {
            return Err(Trouble::Exists { what: "snapshot", name: name.to_owned(), folder: place });
        }
        make(&all)?;
        sweep(&all);
        let new = Spare::new(all.join(format!(".new-{}", std::process::id())))?;
        let upper = new.0.join("upper");
        make(&upper)?;
        let copied = graft::layer(&self.upper(), &upper)?;
        let note = new.0.join("base");
        fs::write(&note, format!("{base}\n")).map_err(disk(&note))?;
        match renameat2(AT_FDCWD, &new.0, AT_FDCWD, &place, RenameFlags::RENAME_NOREPLACE) {
            Err(Errno::EEXIST) => Err(Trouble::Exists { what: "snapshot", name: name.to_owned(), folder: place }),
            other => other.map(|()| copied).map_err(disk(&place)),
        }
    }

    /// Takes all away that the machine changed, or puts what a snapshot has in its place. `force`: also while it is mounted.
    /// The machine's root is the old one or the new one at each moment.
    pub fn reset(&self, to: Option<&str>, force: bool) -> Result<(), Trouble> {
        let _lock = match self.lock() {
            Err(Trouble::InUse { .. }) if force => None,
            other => other?,
        };
        let kept = to.map(|name| self.find(name)).transpose()?;
        if kept.is_none() {
            // Nothing to take away is an error of its own: perhaps another machine was meant.
            self.base()?;
        }
        sweep(&self.folder);
        let old = Spare::new(self.folder.join(format!(".old-{}", std::process::id())))?;
        if let Some(snapshot) = &kept {
            let from = self.folder.join("snapshots").join(&snapshot.name).join("upper");
            let upper = old.0.join("upper");
            make(&upper)?;
            graft::layer(&from, &upper)?;
        }
        for name in LAYER {
            let (from, to) = (self.folder.join(name), old.0.join(name));
            match (name, &kept) {
                ("upper", Some(_)) if from.exists() => {
                    renameat2(AT_FDCWD, &from, AT_FDCWD, &to, RenameFlags::RENAME_EXCHANGE).map_err(disk(&from))?;
                }
                ("upper", Some(_)) => fs::rename(&to, &from).map_err(disk(&from))?,
                ("base", Some(snapshot)) => {
                    let new = old.0.join("base.new");
                    fs::write(&new, format!("{}\n", snapshot.base)).map_err(disk(&new))?;
                    fs::rename(&new, &from).map_err(disk(&from))?;
                }
                _ => match fs::rename(&from, &to) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(disk(&from)(error)),
                    _ => {}
                },
            }
        }
        Ok(())
    }

    fn find(&self, name: &str) -> Result<Snapshot, Trouble> {
        let all = self.snapshots();
        let known = all.iter().map(|snapshot| snapshot.name.clone()).collect();
        let found = all.into_iter().find(|snapshot| snapshot.name == name);
        found.ok_or(Trouble::NoSnapshot { machine: self.machine.clone(), name: name.to_owned(), known })
    }

    /// Keeps servers out while `work` reads the layer; with `force` they may write meanwhile.
    pub fn at_rest<T>(&self, force: bool, work: impl FnOnce() -> Result<T, Trouble>) -> Result<T, Trouble> {
        let _lock = match self.lock() {
            Err(Trouble::InUse { .. }) if force => None,
            other => other?,
        };
        work()
    }
}

/// Machines' passwords are in these folders.
fn make(path: &Path) -> Result<(), Trouble> {
    DirBuilder::new().mode(0o700).recursive(true).create(path).map_err(disk(path))
}

/// A folder on its way in or out; what is still in it at the end is deleted.
pub struct Spare(pub PathBuf);

impl Spare {
    /// Makes it.
    pub fn new(path: PathBuf) -> Result<Spare, Trouble> {
        let _ = fs::remove_dir_all(&path);
        make(&path)?;
        Ok(Spare(path))
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Deletes what commands that were killed have left in `folder`: `.new-…-PID` and `.old-…-PID` of processes that are gone.
pub fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let process = name.rsplit('-').next().unwrap_or_default();
        let is_spare = name.starts_with(".new-") || name.starts_with(".old-");
        if is_spare && process.parse::<u32>().is_ok() && !Path::new("/proc").join(process).exists() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
