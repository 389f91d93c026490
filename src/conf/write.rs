//! Writes single values of the tree.

use std::{
    fs::{self, File},
    io::{self, Write},
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
