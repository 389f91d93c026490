//! The hard links of a base: files of several names, all of which a machine changes when it changes one. Overlayfs by itself
//! copies only the name that is used; here the others follow.

use super::{
    Result,
    layers::{is_folder, is_whiteout, open_folder, stat},
};
use nix::dir::Dir;
use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
};

/// A path from the base's root, name by name.
pub type Path = Vec<OsString>;

/// The names of each file that has several, by its inode.
#[derive(Debug, Default)]
pub struct Links(HashMap<u64, Vec<Path>>);

impl Links {
    /// Looks through the whole base: some seconds where it is large and was not read before.
    pub fn of(base: &OwnedFd) -> Result<Links> {
        let mut links = Links::default();
        let mut left: Vec<Path> = vec![Vec::new()];
        while let Some(path) = left.pop() {
            let mut folder = open_folder(base, OsStr::new("."))?;
            for name in &path {
                folder = open_folder(&folder, name)?;
            }
            let mut listing = Dir::from_fd(open_folder(&folder, OsStr::new("."))?)?;
            for entry in listing.iter() {
                let entry = entry?;
                let name = OsStr::from_bytes(entry.file_name().to_bytes());
                if name == "." || name == ".." {
                    continue;
                }
                let Some(found) = stat(&folder, name)? else { continue };
                let here = || path.iter().cloned().chain([name.to_owned()]).collect();
                if is_folder(&found) {
                    left.push(here());
                } else if found.st_nlink > 1 && !is_whiteout(&found) {
                    links.0.entry(found.st_ino).or_default().push(here());
                }
            }
        }
        links.0.retain(|_, names| names.len() > 1);
        Ok(links)
    }

    /// All names of this file, where it has several.
    pub fn names(&self, inode: u64) -> &[Path] {
        self.0.get(&inode).map_or(&[], Vec::as_slice)
    }
}
