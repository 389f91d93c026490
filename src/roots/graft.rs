//! Copies whole trees: a machine's layer as it is, marks and all, or what the machine sees, base and layer together. With
//! owners, modes, times, links and special files; follows no link; shares blocks where the file system can.

use super::{
    Result, Trouble,
    change::restore,
    copy,
    layers::{Folder, is_folder, kind, open_folder, stat},
    listing,
    trouble::{disk, open},
    xattr,
};
use nix::{
    errno::Errno,
    fcntl::AtFlags,
    sys::stat::{FileStat, Mode, SFlag, mkdirat},
    unistd::{linkat, syncfs},
};
use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

/// What a copy has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Names.
    pub files: u64,
    /// Bytes of regular files.
    pub bytes: u64,
}

struct Graft<'a> {
    /// With the marks of what is removed and hidden.
    raw: bool,
    root: &'a OwnedFd,
    /// Files that have several names, by the first that was made.
    linked: HashMap<(u64, u64), PathBuf>,
    copied: Copied,
}

/// Copies the layer `from` into the empty folder `to`, so that it can be put in the place of `from`.
pub fn layer(from: &Path, to: &Path) -> std::result::Result<Copied, Trouble> {
    graft(Folder { upper: Some(open(from)?), lower: None }, to, true)
}

/// Copies what is seen where the layer `upper` lies over `base` into the empty folder `to`.
pub fn merged(upper: &Path, base: &Path, to: &Path) -> std::result::Result<Copied, Trouble> {
    graft(Folder { upper: Some(open(upper)?), lower: Some(open(base)?) }, to, false)
}

fn graft(from: Folder, to: &Path, raw: bool) -> std::result::Result<Copied, Trouble> {
    let root = open(to)?;
    let mut graft = Graft { raw, root: &root, linked: HashMap::new(), copied: Copied::default() };
    let whole = graft.folder(&from, &root, Path::new("")).and_then(|()| restore(&root, OsStr::new("."), &from.own()?));
    // It is given its name when it is on the disk, not before.
    whole.and_then(|()| syncfs(&root)).map_err(disk(to))?;
    Ok(graft.copied)
}

impl Graft<'_> {
    fn folder(&mut self, from: &Folder, to: &OwnedFd, at: &Path) -> Result<()> {
        for name in self.names(from)? {
            let Some((source, found)) = self.find(from, &name)? else { continue };
            self.copied.files += 1;
            let path = at.join(&name);
            if is_folder(&found) {
                let inner = match self.raw {
                    true => Folder { upper: Some(open_folder(source, &name)?), lower: None },
                    false => from.descend(&name)?,
                };
                mkdirat(to, &*name, Mode::from_bits_truncate(0o700))?;
                let copy = open_folder(to, &name)?;
                self.folder(&inner, &copy, &path)?;
                if let Some(top) = inner.upper.as_ref().or(inner.lower.as_ref()) {
                    xattr::copy(top, &copy)?;
                    if self.raw && xattr::is_opaque(top)? {
                        xattr::set_opaque(&copy)?;
                    }
                }
            } else if let Some(first) = self.linked.get(&(found.st_dev, found.st_ino)) {
                linkat(self.root, first, to, &*name, AtFlags::empty())?;
                continue;
            } else {
                match self.file(source, to, &name, &found) {
                    // Removed since it was found, by a machine that runs.
                    Err(Errno::ENOENT) => continue,
                    other => other?,
                }
                if found.st_nlink > 1 {
                    self.linked.insert((found.st_dev, found.st_ino), path);
                }
            }
            // After what is in it, for that changes its times.
            restore(to, &name, &found)?;
        }
        Ok(())
    }

    fn names(&self, from: &Folder) -> Result<Vec<OsString>> {
        match (&from.upper, self.raw) {
            (Some(upper), true) => {
                let (mut names, removed) = listing::layer(upper)?;
                names.extend(removed);
                Ok(names)
            }
            _ => listing::names(from),
        }
    }

    fn find<'f>(&self, from: &'f Folder, name: &OsStr) -> Result<Option<(&'f OwnedFd, FileStat)>> {
        if let (Some(upper), true) = (&from.upper, self.raw) {
            return Ok(stat(upper, name)?.map(|found| (upper, found)));
        }
        let Some((layer, found)) = from.find(name)? else { return Ok(None) };
        Ok(Some((from.at(layer)?, found)))
    }

    fn file(&mut self, from: &OwnedFd, to: &OwnedFd, name: &OsStr, found: &FileStat) -> Result<()> {
        copy::alike((from, name), found, (to, name), None)?;
        if kind(found) == SFlag::S_IFREG {
            let size = stat(to, name)?.map_or(0, |copy| copy.st_size);
            self.copied.bytes += u64::try_from(size).unwrap_or(0);
        }
        Ok(())
    }
}
