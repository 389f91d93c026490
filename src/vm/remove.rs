//! Takes a machine with its disk away, or a snapshot: as a whole, and only where nothing hangs on it.

use super::{Listing, Store, VmError, list, list::disk_of, variables_of};
use crate::{
    command::Place,
    conf::{self, Conf},
    nearest::nearest,
    net::Mac,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// What is to be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doomed {
    /// A machine: its folder in conf, and its disk.
    Machine {
        /// Where it is.
        place: Place,
        /// Its hardware address.
        mac: Mac,
        /// Its name.
        hostname: String,
        /// Its disk; none where that is not there.
        disk: Option<PathBuf>,
    },
    /// A disk that no machine has.
    Disk {
        /// Its name.
        name: String,
        /// Its file.
        path: PathBuf,
    },
    /// A snapshot.
    Snapshot {
        /// Its name.
        name: String,
        /// Its file.
        path: PathBuf,
    },
}

impl Doomed {
    /// In words: `machine web1 (10.77.0.60) with its disk`.
    pub fn words(&self) -> String {
        match self {
            Doomed::Machine { place, hostname, disk, .. } => {
                let with = if disk.is_some() { " with its disk" } else { ", whose disk is gone," };
                format!("machine {hostname} ({}){with}", place.1)
            }
            Doomed::Disk { name, .. } => format!("disk {name}, which no machine has"),
            Doomed::Snapshot { name, .. } => format!("snapshot {name}"),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Doomed::Machine { hostname: name, .. } | Doomed::Disk { name, .. } | Doomed::Snapshot { name, .. } => name,
        }
    }
}

/// What is called so, if it may be removed.
pub fn find(store: &Store, run: &Path, conf: &Conf, name: &str) -> Result<Doomed, VmError> {
    let listing = list(store, run, conf)?;
    let mut found = machines(store, conf, name);
    let unused = listing.disks.iter().filter(|disk| disk.name == name && disk.of.is_empty());
    found.extend(unused.map(|disk| Doomed::Disk { name: disk.name.clone(), path: disk.path.clone() }));
    let snapshots = listing.snapshots.iter().filter(|snapshot| snapshot.name == name);
    found.extend(snapshots.map(|s| Doomed::Snapshot { name: s.name.clone(), path: s.path.clone() }));
    match found.as_slice() {
        [] => Err(unknown(&listing, name)),
        [doomed] => may_go(&listing, store, doomed).map(|()| doomed.clone()),
        several => {
            let all: Vec<String> = several.iter().map(Doomed::words).collect();
            Err(VmError::Unfit { value: name.to_owned(), expected: format!("one thing: it is {}", all.join(" and ")) })
        }
    }
}

/// Virtual machines of this name.
fn machines(store: &Store, conf: &Conf, name: &str) -> Vec<Doomed> {
    let all = conf.segments.values().flat_map(|s| s.machines.values().map(move |machine| (s.server, machine)));
    let called = all.filter(|(_, machine)| machine.hostname.eq_ignore_ascii_case(name));
    let with_disk = called.filter_map(|(server, machine)| {
        let (disk, _) = store.disk_of(machine.power.iter().find_map(disk_of)?);
        Some(Doomed::Machine {
            place: (server, machine.address),
            mac: machine.mac,
            hostname: machine.hostname.clone(),
            disk: disk.exists().then_some(disk),
        })
    });
    with_disk.collect()
}

fn unknown(listing: &Listing, name: &str) -> VmError {
    let machines = listing.disks.iter().flat_map(|disk| disk.of.iter().map(|(_, hostname)| hostname));
    let names = machines.chain(listing.disks.iter().map(|disk| &disk.name));
    let names = names.chain(listing.snapshots.iter().map(|snapshot| &snapshot.name)).map(String::as_str);
    let near = nearest(name, names).map_or(String::new(), |near| format!("; {near} is one"));
    VmError::Unfit { value: name.to_owned(), expected: format!("a virtual machine with a disk, nor a snapshot{near}") }
}

fn may_go(listing: &Listing, store: &Store, doomed: &Doomed) -> Result<(), VmError> {
    let path = match doomed {
        Doomed::Machine { disk: None, .. } => return Ok(()),
        Doomed::Machine { disk: Some(path), .. } | Doomed::Disk { path, .. } | Doomed::Snapshot { path, .. } => path,
    };
    let mut on = listing.on(path);
    if let (Some(disk), Doomed::Machine { hostname, .. }) = (listing.disks.iter().find(|d| d.path == *path), doomed) {
        if disk.runs {
            return Err(VmError::Runs(hostname.clone()));
        }
        if path.parent() != Some(store.folder()) {
            let expected =
                format!("in {}: remove it by hand, with the machine's folder in conf", store.folder().display());
            return Err(VmError::Unfit { value: path.display().to_string(), expected });
        }
        on.extend(disk.of.iter().filter(|(_, other)| other != hostname).map(|(_, other)| format!("machine {other}")));
    }
    if on.is_empty() { Ok(()) } else { Err(VmError::Held { name: doomed.name().to_owned(), on }) }
}

/// Removes it, if that may still be; the bytes that are free now. `tree` is the folder of conf.
pub fn remove(store: &Store, run: &Path, tree: &Path, doomed: &Doomed) -> Result<u64, VmError> {
    let _held = store.hold(true)?;
    // Since it was found somebody may have switched it on, or made something of it.
    let now = find(store, run, &conf::read(tree, None).conf, doomed.name())?;
    if now != *doomed {
        return Err(VmError::Unfit {
            value: doomed.words(),
            expected: format!("what it was: it is {} now", now.words()),
        });
    }
    match doomed {
        Doomed::Machine { place: (segment, address), disk, .. } => {
            let segment = tree.join(segment.to_string());
            let (folder, gone) = (segment.join(address.to_string()), segment.join(format!(".{address}.gone")));
            // At once, so that no watcher reads half a machine.
            let _ = fs::remove_dir_all(&gone);
            fs::rename(&folder, &gone).map_err(VmError::io(&folder))?;
            let freed = disk.as_deref().map_or(Ok(0), drop_image).inspect_err(|_| drop(fs::rename(&gone, &folder)))?;
            fs::remove_dir_all(&gone).map_err(VmError::io(&gone))?;
            Ok(freed)
        }
        Doomed::Disk { path, .. } => drop_image(path),
        Doomed::Snapshot { path, .. } => {
            let freed = drop_image(path)?;
            gone(&path.with_extension("toml"))?;
            Ok(freed)
        }
    }
}

/// Removes an image; the bytes that it took up.
fn drop_image(path: &Path) -> Result<u64, VmError> {
    use std::os::unix::fs::MetadataExt;
    let takes = fs::metadata(path).map_or(0, |about| about.blocks() * 512);
    fs::remove_file(path).map_err(VmError::io(path))?;
    gone(&variables_of(path))?;
    Ok(takes)
}

fn gone(path: &Path) -> Result<(), VmError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(VmError::io(path)(error)),
        _ => Ok(()),
    }
}
