//! A machine's files by their numbers, for a server: every question blocks for as long as the disk takes.

mod changes;
mod raise;

use super::{
    Result,
    change::Workshop,
    index::{Id, Index, ROOT},
    kept::Kept,
    layers::{Folder, Layer, is_folder},
    links::Links,
    listing::{self, Named},
    log::Key,
};
use nix::{
    errno::Errno,
    fcntl::readlinkat,
    sys::{
        stat::FileStat,
        statvfs::{Statvfs, fstatvfs},
    },
};
use parking_lot::{Mutex, RwLock};
use std::{
    ffi::{OsStr, OsString},
    fs::File,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    sync::{Arc, OnceLock},
};

/// Folders and files of a machine that stay open.
const FOLDERS: usize = 128;
const FILES: usize = 64;
/// Listings that clients are in the middle of.
const LISTINGS: usize = 16;

/// A machine's tree.
pub struct Tree {
    top: Arc<Folder>,
    base: OwnedFd,
    /// Looked for when first a file of several names is changed.
    links: OnceLock<Links>,
    work: Workshop,
    index: Mutex<Index>,
    folders: Mutex<Kept<Folder>>,
    files: Mutex<Kept<Open>>,
    listings: Mutex<Kept<Vec<(u64, OsString)>>>,
    /// Who looks at names has it for reading, who changes them for writing.
    names: RwLock<()>,
}

/// A regular file that is open.
#[derive(Debug)]
pub struct Open {
    /// The file.
    pub file: File,
    writable: bool,
}

/// What came of a change in a folder, and how the folder was before and after.
pub struct Changed<T> {
    /// Before.
    pub before: Option<FileStat>,
    /// After.
    pub after: Option<FileStat>,
    /// What came of it.
    pub value: Result<T>,
}

fn checked(name: &OsStr) -> Result<()> {
    match name.as_bytes() {
        b"" | b"." | b".." => Err(Errno::EINVAL),
        name if name.len() > 255 => Err(Errno::ENAMETOOLONG),
        name if name.contains(&b'/') || name.contains(&0) => Err(Errno::EINVAL),
        _ => Ok(()),
    }
}

fn key(layer: Layer, found: &FileStat) -> Key {
    (!is_folder(found)).then_some((layer, found.st_ino))
}

/// The folder has parts of both layers, or may come to: the number of its folders is not known, which 1 says.
fn counted(mut found: FileStat, union: bool) -> FileStat {
    if union && is_folder(&found) {
        found.st_nlink = 1;
    }
    found
}

/// A name of a folder, and what it names.
pub type Entry = Named<(Id, FileStat)>;

impl Tree {
    /// Of these layers, over this base.
    pub fn new(top: Folder, base: OwnedFd, work: Workshop, index: Index) -> Tree {
        Tree {
            top: Arc::new(top),
            base,
            links: OnceLock::new(),
            work,
            index: Mutex::new(index),
            folders: Mutex::new(Kept::new(FOLDERS)),
            files: Mutex::new(Kept::new(FILES)),
            listings: Mutex::new(Kept::new(LISTINGS)),
            names: RwLock::new(()),
        }
    }

    /// Told with each handle.
    pub fn generation(&self) -> u32 {
        self.index.lock().generation()
    }

    /// Closes what is kept open, so that it can be unmounted.
    pub fn close(&self) {
        self.folders.lock().clear();
        self.files.lock().clear();
    }

    fn is_union(&self) -> bool {
        self.top.lower.is_some()
    }

    /// Folder and name of a file; of `ROOT` none.
    fn place(&self, id: Id) -> Result<(Id, OsString)> {
        let (parent, name) = self.index.lock().place(id).ok_or(Errno::ESTALE)?;
        Ok((parent, OsStr::from_bytes(&name).to_owned()))
    }

    /// Opens a folder by its number. Not by recursion: a machine may nest folders as deep as it likes.
    fn folder(&self, id: Id) -> Result<Arc<Folder>> {
        let mut way = Vec::new();
        let mut at = id;
        let mut folder = loop {
            if at == ROOT {
                break self.top.clone();
            }
            if let Some(folder) = self.folders.lock().get(at) {
                break folder;
            }
            let (parent, name) = self.place(at)?;
            way.push((at, name));
            at = parent;
        };
        while let Some((id, name)) = way.pop() {
            let opened = folder.descend(&name).map_err(|error| match error {
                // Removed behind our back; where the handle asked for is itself no folder, that is another matter.
                Errno::ENOENT => Errno::ESTALE,
                Errno::ENOTDIR if !way.is_empty() => Errno::ESTALE,
                other => other,
            });
            folder = Arc::new(opened?);
            self.folders.lock().put(id, folder.clone());
        }
        Ok(folder)
    }

    /// Where a file is: its folder, its name there, and what it is. Stale where it is another file than it was.
    fn find(&self, id: Id) -> Result<(Id, Arc<Folder>, OsString, Layer, FileStat)> {
        let (names, known) = {
            let index = self.index.lock();
            (index.names(id), index.key(id).ok_or(Errno::ESTALE)?)
        };
        for (parent, name) in names {
            let name = OsStr::from_bytes(&name).to_owned();
            let folder = match self.folder(parent) {
                Ok(folder) => folder,
                Err(Errno::ESTALE | Errno::ENOENT | Errno::ENOTDIR) => continue,
                Err(error) => return Err(error),
            };
            match folder.find(&name)? {
                Some((layer, found)) if key(layer, &found) == known => {
                    return Ok((parent, folder, name, layer, found));
                }
                // Removed or replaced behind our back.
                _ => {
                    let mut index = self.index.lock();
                    index.unbind(parent, name.as_bytes());
                    index.flush();
                }
            }
        }
        Err(Errno::ESTALE)
    }

    /// What a file is.
    pub fn stat(&self, id: Id) -> Result<FileStat> {
        let _names = self.names.read();
        self.stat_now(id)
    }

    fn stat_now(&self, id: Id) -> Result<FileStat> {
        let found = if id == ROOT { self.top.own()? } else { self.find(id)?.4 };
        Ok(counted(found, self.is_union()))
    }

    /// The file that `name` of a folder is.
    pub fn lookup(&self, folder: Id, name: &OsStr) -> Result<(Id, FileStat)> {
        let _names = self.names.read();
        match name.as_bytes() {
            b"." => return Ok((folder, self.stat_folder(folder)?)),
            b".." => {
                self.stat_folder(folder)?;
                let parent = if folder == ROOT { ROOT } else { self.place(folder)?.0 };
                return Ok((parent, self.stat_now(parent)?));
            }
            _ => checked(name)?,
        }
        self.look(folder, name)
    }

    fn stat_folder(&self, id: Id) -> Result<FileStat> {
        let found = self.stat_now(id)?;
        if is_folder(&found) { Ok(found) } else { Err(Errno::ENOTDIR) }
    }

    fn look(&self, parent: Id, name: &OsStr) -> Result<(Id, FileStat)> {
        let found = self.folder(parent)?.find(name)?;
        let mut index = self.index.lock();
        let looked = match found {
            Some((layer, found)) => {
                let many = found.st_nlink > 1 && !is_folder(&found);
                let (id, _) = index.bind(parent, name.as_bytes(), key(layer, &found), many);
                Ok((id, counted(found, self.is_union())))
            }
            None => {
                index.unbind(parent, name.as_bytes());
                Err(Errno::ENOENT)
            }
        };
        index.flush();
        looked
    }

    /// The folder that a folder is in; the root is in itself.
    pub fn parent(&self, folder: Id) -> Result<Id> {
        if folder == ROOT { Ok(ROOT) } else { Ok(self.place(folder)?.0) }
    }

    /// What a folder has after `cookie`, for as long as `room` says that one more fits; and whether that was all.
    pub fn list(&self, folder: Id, cookie: u64, mut room: impl FnMut(&OsStr) -> bool) -> Result<(Vec<Entry>, bool)> {
        let _names = self.names.read();
        let opened = self.folder(folder)?;
        let kept = if cookie == 0 { None } else { self.listings.lock().get(folder) };
        let all = match kept {
            Some(all) => all,
            None => {
                let all = Arc::new(self.in_order(folder, &opened)?);
                self.listings.lock().put(folder, all.clone());
                all
            }
        };
        let begin = all.partition_point(|(serial, _)| *serial <= cookie);
        let mut entries = Vec::new();
        for (serial, name) in all.get(begin..).unwrap_or_default() {
            if !room(name) {
                return Ok((entries, false));
            }
            match self.look(folder, name) {
                Ok(is) => entries.push(Named { name: name.clone(), cookie: *serial, is }),
                Err(Errno::ENOENT) => {}
                Err(error) => return Err(error),
            }
        }
        Ok((entries, true))
    }

    /// All names of a folder in the order in which they got their numbers, so that a cookie holds for ever.
    fn in_order(&self, id: Id, folder: &Folder) -> Result<Vec<(u64, OsString)>> {
        let mut all = Vec::new();
        for name in listing::names(folder)? {
            let known = self.index.lock().serial(id, name.as_bytes());
            let serial = match known {
                Some(serial) => serial,
                None => match folder.find(&name)? {
                    Some((layer, found)) => {
                        let many = found.st_nlink > 1 && !is_folder(&found);
                        self.index.lock().bind(id, name.as_bytes(), key(layer, &found), many).1
                    }
                    None => continue,
                },
            };
            all.push((u64::from(serial), name));
        }
        self.index.lock().flush();
        all.sort_unstable();
        Ok(all)
    }

    /// Where a link leads, in its own words.
    pub fn target(&self, id: Id) -> Result<OsString> {
        let _names = self.names.read();
        if id == ROOT {
            return Err(Errno::EINVAL);
        }
        let (_, folder, name, layer, _) = self.find(id)?;
        readlinkat(folder.at(layer)?, &*name)
    }

    /// How much room there is for the machine's changes.
    pub fn room(&self) -> Result<Statvfs> {
        fstatvfs(&self.work.folder)
    }
}
