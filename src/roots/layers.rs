//! A folder in its two layers, and what a name in it is, by the rules of overlayfs. Follows no link, ever.

use super::{Result, xattr};
use nix::{
    errno::Errno,
    fcntl::{AtFlags, OFlag, openat},
    sys::stat::{FileStat, Mode, SFlag, fstat, fstatat},
};
use std::{ffi::OsStr, os::fd::OwnedFd};

/// The layer that a file is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layer {
    /// The machine's own.
    Upper,
    /// The base.
    Lower,
}

/// A folder, open in the layers that it is in.
#[derive(Debug)]
pub struct Folder {
    /// None until something in it is changed.
    pub upper: Option<OwnedFd>,
    /// None where the base has no such folder, or it is hidden.
    pub lower: Option<OwnedFd>,
}

/// The type bits of `stat`.
pub fn kind(stat: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT
}

/// True of a folder.
pub fn is_folder(stat: &FileStat) -> bool {
    kind(stat) == SFlag::S_IFDIR
}

/// True of the mark that says: removed.
pub fn is_whiteout(stat: &FileStat) -> bool {
    kind(stat) == SFlag::S_IFCHR && stat.st_rdev == 0
}

/// What `name` is in the folder `at`, a link being itself; none where it is nothing.
pub fn stat(at: &OwnedFd, name: &OsStr) -> Result<Option<FileStat>> {
    match fstatat(at, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::ENOENT | Errno::ENOTDIR) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens the folder `name` of `at`, never by a link.
pub fn open_folder(at: &OwnedFd, name: &OsStr) -> Result<OwnedFd> {
    openat(at, name, OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC, Mode::empty())
}

impl Folder {
    /// What `name` is here, and in which layer.
    pub fn find(&self, name: &OsStr) -> Result<Option<(Layer, FileStat)>> {
        if let Some(upper) = &self.upper
            && let Some(found) = stat(upper, name)?
        {
            return Ok((!is_whiteout(&found)).then_some((Layer::Upper, found)));
        }
        let Some(lower) = &self.lower else { return Ok(None) };
        // A whiteout of the base itself, which may be another's upper layer, counts as one.
        Ok(stat(lower, name)?.filter(|found| !is_whiteout(found)).map(|found| (Layer::Lower, found)))
    }

    /// What the base has under this name, hidden or not.
    pub fn covered(&self, name: &OsStr) -> Result<Option<FileStat>> {
        let Some(lower) = &self.lower else { return Ok(None) };
        Ok(stat(lower, name)?.filter(|found| !is_whiteout(found)))
    }

    /// Opens the folder `name` of this one.
    pub fn descend(&self, name: &OsStr) -> Result<Folder> {
        let upper = match &self.upper {
            Some(upper) => stat(upper, name)?.map(|found| (upper, found)),
            None => None,
        };
        let upper = match upper {
            Some((_, found)) if is_whiteout(&found) => return Err(Errno::ENOENT),
            Some((_, found)) if !is_folder(&found) => return Err(Errno::ENOTDIR),
            Some((upper, _)) => Some(open_folder(upper, name)?),
            None => None,
        };
        let hides = match &upper {
            Some(folder) if self.lower.is_some() => xattr::is_opaque(folder)?,
            _ => false,
        };
        let lower = match &self.lower {
            Some(lower) if !hides => match stat(lower, name)? {
                Some(found) if is_folder(&found) => Some(open_folder(lower, name)?),
                Some(found) if upper.is_none() && !is_whiteout(&found) => return Err(Errno::ENOTDIR),
                _ => None,
            },
            _ => None,
        };
        if upper.is_none() && lower.is_none() { Err(Errno::ENOENT) } else { Ok(Folder { upper, lower }) }
    }

    /// The folder's own attributes.
    pub fn own(&self) -> Result<FileStat> {
        match (&self.upper, &self.lower) {
            (Some(folder), _) | (None, Some(folder)) => fstat(folder),
            (None, None) => Err(Errno::ENOENT),
        }
    }

    /// This folder in one of the layers; where it is not there, what is known of it is old.
    pub fn at(&self, layer: Layer) -> Result<&OwnedFd> {
        let at = match layer {
            Layer::Upper => &self.upper,
            Layer::Lower => &self.lower,
        };
        at.as_ref().ok_or(Errno::ESTALE)
    }

    /// Where changes go; it is an error to ask before the folder was raised.
    pub fn writable(&self) -> Result<&OwnedFd> {
        self.upper.as_ref().ok_or(Errno::EROFS)
    }
}
