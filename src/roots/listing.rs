//! What is in a folder: names of both layers, without those that were removed.

use super::{
    Result,
    layers::{Folder, is_whiteout, open_folder, stat},
};
use nix::dir::{Dir, Type};
use std::{
    collections::HashSet,
    ffi::{OsStr, OsString},
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
};

/// An entry of a folder as a client is told it.
#[derive(Clone, Debug)]
pub struct Named<T> {
    /// Its name.
    pub name: OsString,
    /// Where to go on after it.
    pub cookie: u64,
    /// What it is.
    pub is: T,
}

/// The names of one layer, removed ones apart: `(names, whiteouts)`.
pub fn layer(folder: &OwnedFd) -> Result<(Vec<OsString>, Vec<OsString>)> {
    // Opened anew: the position in a folder belongs to who opened it.
    let mut listing = Dir::from_fd(open_folder(folder, OsStr::new("."))?)?;
    let (mut names, mut removed) = (Vec::new(), Vec::new());
    for entry in listing.iter() {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name == "." || name == ".." {
            continue;
        }
        let may_be_removed = matches!(entry.file_type(), None | Some(Type::CharacterDevice));
        if may_be_removed && stat(folder, name)?.is_some_and(|found| is_whiteout(&found)) {
            removed.push(name.to_owned());
        } else {
            names.push(name.to_owned());
        }
    }
    Ok((names, removed))
}

/// Every name that `folder` has, in no order.
pub fn names(folder: &Folder) -> Result<Vec<OsString>> {
    let Some(upper) = &folder.upper else {
        return folder.lower.as_ref().map_or(Ok(Vec::new()), |lower| Ok(layer(lower)?.0));
    };
    let (mut names, removed) = layer(upper)?;
    if let Some(lower) = &folder.lower {
        let hidden: HashSet<OsString> = names.iter().chain(&removed).cloned().collect();
        names.extend(layer(lower)?.0.into_iter().filter(|name| !hidden.contains(name)));
    }
    Ok(names)
}

/// The marks of what was removed that the upper layer of `folder` has.
pub fn whiteouts(folder: &OwnedFd) -> Result<Vec<OsString>> {
    Ok(layer(folder)?.1)
}
