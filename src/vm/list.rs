//! What there is: machines with their disks, snapshots, and what hangs on what.

use super::{Image, Note, Store, Traces, VmError, image};
use crate::{
    command::Place,
    conf::{Conf, Rung, power::Disk},
};
use std::path::{Path, PathBuf};

/// A disk, of a machine or of nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disks {
    /// Its name, or its path where it is elsewhere.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// The machines whose `power` names it, by place and name: mostly one.
    pub of: Vec<(Place, String)>,
    /// The machine runs.
    pub runs: bool,
    /// What it is, as far as it can be read.
    pub image: Option<Image>,
    /// What is wrong with it, or with what it hangs on.
    pub fault: Option<String>,
}

/// A snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshots {
    /// Its name.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// What is written down of it, if that is there.
    pub note: Option<Note>,
    /// What it is, as far as it can be read.
    pub image: Option<Image>,
    /// What is wrong with it, or with what it hangs on.
    pub fault: Option<String>,
}

/// All there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Disks: those of the folder, and those that machines have elsewhere.
    pub disks: Vec<Disks>,
    /// Snapshots.
    pub snapshots: Vec<Snapshots>,
}

/// Looks at all of them. An image that is broken is no error: what is wrong stands in its line.
pub fn list(store: &Store, run: &Path, conf: &Conf) -> Result<Listing, VmError> {
    let mut disks: Vec<Disks> = Vec::new();
    let disk = |name: String, path: PathBuf| {
        let (image, fault) = seen(&path);
        Disks { name, path, of: Vec::new(), runs: false, image, fault }
    };
    for name in store.names(false)? {
        let path = store.disk(&name);
        disks.push(disk(name, path));
    }
    for segment in conf.segments.values() {
        for machine in segment.machines.values() {
            for wanted in machine.power.iter().filter_map(disk_of) {
                let (path, _) = store.disk_of(wanted);
                let at = disks.iter().position(|disk| disk.path == path).unwrap_or_else(|| {
                    disks.push(disk(wanted.to_string(), path));
                    disks.len() - 1
                });
                let Some(disk) = disks.get_mut(at) else { continue };
                disk.of.push(((segment.server, machine.address), machine.hostname.clone()));
                disk.runs |= Traces::of(run, machine.address).running().is_some();
            }
        }
    }
    let mut snapshots = Vec::new();
    for name in store.names(true)? {
        let path = store.snapshot(&name);
        let (image, fault) = seen(&path);
        snapshots.push(Snapshots { note: Note::read(&store.note(&name)), name, path, image, fault });
    }
    Ok(Listing { disks, snapshots })
}

/// The disk that a line of `power` names.
pub fn disk_of(rung: &Rung) -> Option<&Disk> {
    match rung {
        Rung::Qemu(qemu) => qemu.disk.as_ref(),
        _ => None,
    }
}

fn seen(path: &Path) -> (Option<Image>, Option<String>) {
    let whole = if path.exists() {
        image::look(path, Some(image::format_of(path)))
    } else {
        Err(VmError::Missing(path.to_owned()))
    };
    match whole {
        Err(error) => (None, Some(error.to_string())),
        Ok(image) => (Some(image), image::chain(path).err().map(|error| error.to_string())),
    }
}

impl Listing {
    /// The names of what hangs on the image at this path, as `disk web1` and `snapshot night`.
    pub fn on(&self, path: &Path) -> Vec<String> {
        let hangs = |image: &Option<Image>| image.as_ref().is_some_and(|image| image.hangs_on.as_deref() == Some(path));
        let disks = self.disks.iter().filter(|disk| hangs(&disk.image)).map(|disk| format!("disk {}", disk.name));
        let snapshots = self.snapshots.iter().filter(|snapshot| hangs(&snapshot.image));
        disks.chain(snapshots.map(|snapshot| format!("snapshot {}", snapshot.name))).collect()
    }

    /// The name of the snapshot or disk at this path; else the path.
    pub fn name_of(&self, path: &Path) -> String {
        let snapshot = self.snapshots.iter().find(|snapshot| snapshot.path == path).map(|snapshot| &snapshot.name);
        let disk = || self.disks.iter().find(|disk| disk.path == path).map(|disk| &disk.name);
        snapshot.or_else(disk).cloned().unwrap_or_else(|| path.display().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hangs_on_what() {
        let image = |path: &str, on: Option<&str>| {
            Some(Image {
                path: path.into(),
                format: "qcow2".into(),
                disk: 1 << 30,
                takes: 4096,
                hangs_on: on.map(PathBuf::from),
            })
        };
        let disk = |name: &str, on| Disks {
            name: name.into(),
            path: format!("/vm/{name}.qcow2").into(),
            of: Vec::new(),
            runs: false,
            image: image(name, on),
            fault: None,
        };
        let snapshot = |name: &str, on| Snapshots {
            name: name.into(),
            path: format!("/vm/snapshots/{name}.qcow2").into(),
            note: None,
            image: image(name, on),
            fault: None,
        };
        let (base, night) = ("/vm/snapshots/base.qcow2", "/vm/snapshots/night.qcow2");
        let mut listing = Listing {
            disks: vec![disk("web1", Some(base)), disk("web2", Some(night)), disk("db1", None)],
            snapshots: vec![snapshot("base", None), snapshot("night", Some(base))],
        };
        listing.disks.push(Disks { image: None, fault: Some("broken".into()), ..disk("old", Some(base)) });
        for (path, on) in
            [(base, &["disk web1", "snapshot night"][..]), (night, &["disk web2"]), ("/vm/db1.qcow2", &[])]
        {
            assert_eq!(listing.on(Path::new(path)), on, "{path}");
        }
        for (path, name) in [(base, "base"), ("/vm/db1.qcow2", "db1"), ("/x.img", "/x.img")] {
            assert_eq!(listing.name_of(Path::new(path)), name);
        }
    }
}
