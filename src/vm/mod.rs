//! Virtual machines as files: the folder of their disks, the snapshots that these hang on, and the traces of those that run.
//! Knows QEMU's own sockets, and no server or screen.
//!
//! ```text
//! vm/web1.qcow2                  a machine's disk: what it wrote since its snapshot
//! vm/web1.vars                   what its UEFI keeps, if it has one
//! vm/snapshots/night.qcow2       read-only; new disks are layers upon it
//! vm/snapshots/night.toml        of which machine, when (`Note`)
//! ```
//!
//! Everything is made under a hidden name beside its place and put there whole. What hangs on what is written with paths from
//! file to file, so that the folder can be moved.

mod backup;
mod create;
mod error;
mod image;
mod list;
mod making;
mod note;
mod qmp;
mod remove;
mod snapshot;
mod traces;

pub use create::{Made, Source, Wish, create, known, power_of};
pub use error::VmError;
pub use image::Image;
pub use list::{Disks, Listing, Snapshots, disk_of, list};
pub use note::{Note, Stillness};
pub use qmp::Qmp;
pub use remove::{Doomed, find, remove};
pub use snapshot::{Taken, snapshot};
pub use traces::Traces;

use crate::conf::{self, power::Disk};
use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

/// What QEMU calls the disk.
pub const NODE: &str = "disk0";

/// The folder of disks.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// The folder at this path, which need not be there yet.
    pub fn new(folder: &Path) -> Store {
        // QEMU works in another folder.
        Store { folder: std::path::absolute(folder).unwrap_or(folder.to_owned()) }
    }

    /// Its path.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The disk of this name.
    pub fn disk(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.qcow2"))
    }

    /// The snapshot of this name.
    pub fn snapshot(&self, name: &str) -> PathBuf {
        self.folder.join("snapshots").join(format!("{name}.qcow2"))
    }

    /// What is written down of the snapshot.
    pub fn note(&self, name: &str) -> PathBuf {
        self.snapshot(name).with_extension("toml")
    }

    /// File and format of a machine's disk.
    pub fn disk_of(&self, disk: &Disk) -> (PathBuf, &'static str) {
        let path = match disk {
            Disk::Named(name) => self.disk(name),
            Disk::File(path) => std::path::absolute(path).unwrap_or(path.clone()),
        };
        let format = image::format_of(&path);
        (path, format)
    }

    /// The file of a machine's disk, if that and all that it hangs on are there.
    pub fn bootable(&self, disk: &Disk) -> Result<PathBuf, VmError> {
        let (path, _) = self.disk_of(disk);
        if !path.exists() {
            return Err(VmError::Missing(path));
        }
        match image::chain(&path) {
            // To run it, QEMU alone is enough.
            Err(VmError::NoTool(_)) => Ok(path),
            Err(error) => Err(error),
            Ok(_) => Ok(path),
        }
    }

    /// The disks, or the snapshots, by name.
    pub fn names(&self, snapshots: bool) -> Result<Vec<String>, VmError> {
        let folder = if snapshots { self.folder.join("snapshots") } else { self.folder.clone() };
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(VmError::io(folder)(error)),
        };
        let name = |entry: fs::DirEntry| {
            let name = entry.file_name().into_string().ok()?;
            name.strip_suffix(".qcow2").filter(|name| !name.starts_with('.')).map(str::to_owned)
        };
        let mut names: Vec<String> = entries.flatten().filter_map(name).collect();
        names.sort();
        Ok(names)
    }

    /// A name for something new: nothing here is called so.
    fn free(&self, name: &str) -> Result<(), VmError> {
        let unfit = |expected| VmError::Unfit { value: name.to_owned(), expected };
        match name {
            "" => return Err(unfit("a name".to_owned())),
            name => conf::value::name(name).map_err(unfit)?,
        };
        for (of, path) in [("disk", self.disk(name)), ("snapshot", self.snapshot(name))] {
            if path.exists() {
                return Err(VmError::Taken { name: name.to_owned(), of, path });
            }
        }
        Ok(())
    }

    /// Makes the folder where it is not there, and holds it while something is made or, `alone`, removed.
    fn hold(&self, alone: bool) -> Result<Flock<File>, VmError> {
        let snapshots = self.folder.join("snapshots");
        fs::create_dir_all(&snapshots).map_err(VmError::io(&snapshots))?;
        let path = self.folder.join(".lock");
        let file = File::options().create(true).append(true).open(&path).map_err(VmError::io(&path))?;
        let how = if alone { FlockArg::LockExclusiveNonblock } else { FlockArg::LockSharedNonblock };
        Flock::lock(file, how).map_err(|(_, error)| match error {
            Errno::EWOULDBLOCK => VmError::Busy(self.folder.clone()),
            other => VmError::io(path)(other.into()),
        })
    }
}

/// Where the variables of UEFI are kept, beside a machine's disk.
pub fn variables_of(disk: &Path) -> PathBuf {
    disk.with_extension("vars")
}

/// The path to `to` for a file in `folder`.
fn path_from(folder: &Path, to: &Path) -> PathBuf {
    let (mut here, mut there) = (folder.components().peekable(), to.components().peekable());
    while here.peek().is_some() && here.peek() == there.peek() {
        here.next();
        there.next();
    }
    here.map(|_| PathBuf::from("..")).chain(there.map(|part| PathBuf::from(part.as_os_str()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_from_file_to_file() {
        for (folder, to, path) in [
            ("/srv/vm", "/srv/vm/snapshots/night.qcow2", "snapshots/night.qcow2"),
            ("/srv/vm/snapshots", "/srv/vm/snapshots/night.qcow2", "night.qcow2"),
            ("/srv/vm/snapshots", "/srv/images/debian.qcow2", "../../images/debian.qcow2"),
        ] {
            assert_eq!(path_from(Path::new(folder), Path::new(to)), Path::new(path), "{folder} {to}");
        }
    }

    #[test]
    fn names_and_where_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path());
        let held = store.hold(false).unwrap();
        assert!(store.hold(false).is_ok(), "two may make something");
        assert!(matches!(store.hold(true), Err(VmError::Busy(_))), "and nobody removes meanwhile");
        drop(held);
        assert!(store.hold(true).is_ok());
        for file in ["web1.qcow2", ".web2.7.new", "web1.vars", "snapshots/night.qcow2", "snapshots/night.toml"] {
            fs::write(folder.path().join(file), "").unwrap();
        }
        assert_eq!(
            (store.names(false).unwrap(), store.names(true).unwrap()),
            (vec!["web1".into()], vec!["night".into()])
        );
        for (name, told) in [
            ("web1", "web1 is the name of a disk already"),
            ("night", "night is the name of a snapshot already"),
            ("../x", "../x is not a name of letters"),
            ("", " is not"),
        ] {
            let error = store.free(name).unwrap_err().to_string();
            assert!(error.starts_with(told), "{name}: {error}");
        }
        assert!(store.free("web2").is_ok());
        let (file, format) = store.disk_of(&Disk::Named("web1".into()));
        assert_eq!((file, format), (store.folder().join("web1.qcow2"), "qcow2"));
        assert_eq!(store.disk_of(&Disk::File("/dev/sdb".into())).1, "raw");
    }
}
