//! Writes single values of the tree.

use std::{fs, io, net::Ipv4Addr, path::Path};

/// Writes the value `name` of a folder. The file appears whole, so that no watcher reads half of it.
pub fn value(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    let new = folder.join(format!(".{name}.new"));
    let written = fs::write(&new, text).and_then(|()| fs::rename(&new, folder.join(name)));
    written.inspect_err(|_| drop(fs::remove_file(&new)))
}

/// Writes what a machine (its segment's server and its own address) boots, or takes it away, so that the segment's counts.
pub fn assign(dir: &Path, (segment, machine): (Ipv4Addr, Ipv4Addr), profile: Option<&str>) -> io::Result<()> {
    let folder = dir.join(segment.to_string()).join(machine.to_string());
    match profile {
        Some(profile) => value(&folder, "boot", &format!("{profile}\n")),
        None => match fs::remove_file(folder.join("boot")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        },
    }
}
