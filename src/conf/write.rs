//! Writes single values of the tree.

use std::{
    fs::{self, File},
    io::{self, Write},
    net::Ipv4Addr,
    path::Path,
};

/// Writes the value `name` of a folder. The file appears whole, so that no watcher reads half of it.
pub fn value(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    let new = folder.join(format!(".{name}.new"));
    let write = || {
        let mut file = File::create(&new)?;
        file.write_all(text.as_bytes())?;
        // Else a crash could leave an empty file under its name.
        file.sync_all()?;
        fs::rename(&new, folder.join(name))
    };
    let written = write();
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
