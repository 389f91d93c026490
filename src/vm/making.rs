//! A file that is being made: under a hidden name beside its place, until it is whole. Knows nothing of images.

use super::VmError;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A file under its hidden name. It is gone with this, unless it was put in place.
pub struct Making {
    path: PathBuf,
    place: PathBuf,
}

impl Making {
    /// A name for what will be at `place`. What earlier ones left that were killed is cleaned up.
    pub fn of(place: &Path) -> Making {
        let folder = place.parent().unwrap_or(Path::new("/"));
        sweep(folder);
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        Making { path: folder.join(format!(".{name}.{}.new", std::process::id())), place: place.to_owned() }
    }

    /// Where it is being made.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts it in place, unless something is there by now; `of` says what it is.
    pub fn put(self, name: &str, of: &'static str) -> Result<(), VmError> {
        match fs::hard_link(&self.path, &self.place) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(VmError::Taken { name: name.to_owned(), of, path: self.place.clone() })
            }
            // A file system without links. Who is quicker by a moment is overwritten there.
            Err(_) => fs::rename(&self.path, &self.place).map_err(VmError::io(&self.place)),
        }
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Removes what processes left that are gone.
fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name.to_str().filter(|name| name.starts_with('.')).and_then(|name| {
            let (_, process) = name.strip_suffix(".new")?.rsplit_once('.')?;
            process.parse::<u32>().ok()
        });
        if process.is_some_and(|process| !Path::new("/proc").join(process.to_string()).exists()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("web1.qcow2");
        // Above any process's number.
        let left = folder.path().join(".web0.qcow2.4294967295.new");
        fs::write(&left, "").unwrap();
        let making = Making::of(&place);
        assert!(!left.exists());
        fs::write(making.path(), "first").unwrap();
        making.put("web1", "disk").unwrap();
        let late = Making::of(&place);
        fs::write(late.path(), "second").unwrap();
        assert!(matches!(late.put("web1", "disk"), Err(VmError::Taken { .. })));
        let given_up = Making::of(&folder.path().join("web2.qcow2"));
        fs::write(given_up.path(), "half").unwrap();
        drop(given_up);
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(left, ["web1.qcow2"]);
        assert_eq!(fs::read_to_string(&place).unwrap(), "first");
    }
}
