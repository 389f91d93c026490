//! Writes single values of the tree.

use std::{fs, io, path::Path};

/// Writes the value `name` of a folder. The file appears whole, so that no watcher reads half of it.
pub fn value(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    let new = folder.join(format!(".{name}.new"));
    let written = fs::write(&new, text).and_then(|()| fs::rename(&new, folder.join(name)));
    written.inspect_err(|_| drop(fs::remove_file(&new)))
}
