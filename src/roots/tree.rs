//! A machine's files by their numbers, for a server: every question blocks for as long as the disk takes.

use super::{
    Result,
    change::{self, Changes, Kind, Workshop},
    copy,
    index::{Id, Index, ROOT},
    kept::Kept,
    layers::{Folder, Layer, is_folder, kind},
    listing::{self, Named},
    log::Key,
};
use nix::{
    errno::Errno,
    fcntl::{AtFlags, OFlag, openat, readlinkat, renameat},
    sys::{
        stat::{FileStat, Mode, SFlag},
        statvfs::{Statvfs, fstatvfs},
    },
    unistd::linkat,
};
use parking_lot::{Mutex, RwLock};
use std::{
    ffi::{OsStr, OsString},
    fs::File,
    os::unix::ffi::OsStrExt,
    sync::Arc,
};

/// Folders and files of a machine that stay open.
const FOLDERS: usize = 128;
const FILES: usize = 64;
/// Listings that clients are in the middle of.
const LISTINGS: usize = 16;

/// A machine's tree.
pub struct Tree {
    top: Arc<Folder>,
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

impl Tree {
    /// Of these layers.
    pub fn new(top: Folder, work: Workshop, index: Index) -> Tree {
        Tree {
            top: Arc::new(top),
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

    /// Opens a folder for changes: where only the base has it, it is made in the machine's layer.
    fn raised(&self, id: Id) -> Result<Arc<Folder>> {
        let mut way = Vec::new();
        let mut at = id;
        let mut folder = loop {
            let folder = self.folder(at)?;
            if folder.upper.is_some() {
                break folder;
            }
            let (parent, name) = self.place(at)?;
            way.push((at, name));
            at = parent;
        };
        while let Some((id, name)) = way.pop() {
            let lower = folder.lower.as_ref().ok_or(Errno::ESTALE)?;
            copy::folder(&self.work, lower, folder.writable()?, &name)?;
            folder = Arc::new(folder.descend(&name)?);
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
    pub fn list(
        &self,
        folder: Id,
        cookie: u64,
        mut room: impl FnMut(&OsStr) -> bool,
    ) -> Result<(Vec<Named<(Id, FileStat)>>, bool)> {
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
        let at = match layer {
            Layer::Upper => &folder.upper,
            Layer::Lower => &folder.lower,
        };
        readlinkat(at.as_ref().ok_or(Errno::ESTALE)?, &*name)
    }

    /// Opens a regular file; to write, it is copied into the machine's layer first.
    pub fn open(&self, id: Id, write: bool) -> Result<Arc<Open>> {
        if let Some(open) = self.files.lock().get(id)
            && (open.writable || !write)
        {
            return Ok(open);
        }
        let usable = |found: &FileStat| match kind(found) {
            SFlag::S_IFREG => Ok(()),
            SFlag::S_IFDIR => Err(Errno::EISDIR),
            _ => Err(Errno::EINVAL),
        };
        if id == ROOT {
            return Err(Errno::EISDIR);
        }
        let open = if write {
            let _names = self.names.write();
            usable(&self.find(id)?.4)?;
            let (folder, name) = self.raise(id, None)?;
            let flags = OFlag::O_RDWR | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
            let file = File::from(openat(folder.writable()?, &*name, flags, Mode::empty())?);
            self.note(id, &folder, &name)?;
            Arc::new(Open { file, writable: true })
        } else {
            let _names = self.names.read();
            let (_, folder, name, layer, found) = self.find(id)?;
            usable(&found)?;
            let at = match layer {
                Layer::Upper => &folder.upper,
                Layer::Lower => &folder.lower,
            };
            let file = copy::open_to_read(at.as_ref().ok_or(Errno::ESTALE)?, &name)?;
            Arc::new(Open { file, writable: false })
        };
        let mut files = self.files.lock();
        // Meanwhile another may have opened it for writing; what that one sees is newer.
        if !write && let Some(other) = files.get(id) {
            return Ok(other);
        }
        files.put(id, open.clone());
        Ok(open)
    }

    /// Has the file in the machine's layer; of one that is copied, `keep` bytes. Its folder, raised, and its name there.
    fn raise(&self, id: Id, keep: Option<u64>) -> Result<(Arc<Folder>, OsString)> {
        let (parent, _, name, layer, found) = self.find(id)?;
        if is_folder(&found) {
            self.raised(id)?;
            return Ok((self.folder(parent)?, name));
        }
        let folder = self.raised(parent)?;
        if layer == Layer::Lower {
            let lower = folder.lower.as_ref().ok_or(Errno::ESTALE)?;
            copy::file(&self.work, lower, folder.writable()?, &name, keep)?;
            self.files.lock().forget(id);
            self.note(id, &folder, &name)?;
        }
        Ok((folder, name))
    }

    /// Writes down what the file is on the disk now.
    fn note(&self, id: Id, folder: &Folder, name: &OsStr) -> Result<()> {
        let (layer, found) = folder.find(name)?.ok_or(Errno::ESTALE)?;
        let mut index = self.index.lock();
        index.rekey(id, key(layer, &found));
        index.flush();
        Ok(())
    }

    /// Changes what is said of a file, where `allowed` says so.
    pub fn change(&self, id: Id, changes: &Changes, allowed: impl FnOnce(&FileStat) -> Result<()>) -> Changed<()> {
        let _names = self.names.write();
        let before = match self.stat_now(id) {
            Ok(before) => before,
            Err(error) => return Changed { before: None, after: None, value: Err(error) },
        };
        let value = allowed(&before).and_then(|()| {
            if id == ROOT {
                return change::change(self.top.writable()?, OsStr::new("."), &before, changes);
            }
            let (folder, name) = self.raise(id, changes.size)?;
            change::change(folder.writable()?, &name, &before, changes)?;
            self.note(id, &folder, &name)
        });
        // A file may be open that only shows the base.
        self.files.lock().forget(id);
        Changed { before: Some(before), after: self.stat_now(id).ok(), value }
    }

    /// Changes something in a folder.
    fn within<T>(&self, folder: Id, work: impl FnOnce(&FileStat) -> Result<T>) -> Changed<T> {
        let before = self.stat_folder(folder);
        let value = before.and_then(|before| work(&before));
        self.listings.lock().forget(folder);
        Changed { before: before.ok(), after: self.stat_now(folder).ok(), value }
    }

    /// Makes `name` in a folder, where `allowed` says so of the folder.
    pub fn make(
        &self,
        folder: Id,
        name: &OsStr,
        kind: &Kind,
        changes: &Changes,
        allowed: impl FnOnce(&FileStat) -> Result<()>,
    ) -> Changed<(Id, FileStat)> {
        let _names = self.names.write();
        self.within(folder, |before| {
            checked(name)?;
            allowed(before)?;
            let opened = self.raised(folder)?;
            change::make(&self.work, &opened, name, kind, changes)?;
            // A new file of an old number's inode is another file.
            self.index.lock().unbind(folder, name.as_bytes());
            self.look(folder, name)
        })
    }

    /// Gives a file one more name.
    pub fn link(
        &self,
        id: Id,
        folder: Id,
        name: &OsStr,
        allowed: impl FnOnce(&FileStat) -> Result<()>,
    ) -> Changed<FileStat> {
        let _names = self.names.write();
        self.within(folder, |before| {
            checked(name)?;
            allowed(before)?;
            if is_folder(&self.stat_now(id)?) {
                return Err(Errno::EISDIR);
            }
            let to = self.raised(folder)?;
            if to.find(name)?.is_some() {
                return Err(Errno::EEXIST);
            }
            let (from, called) = self.raise(id, None)?;
            let spare = self.work.spare();
            linkat(from.writable()?, &*called, &self.work.folder, &*spare, AtFlags::empty())?;
            // Over the mark of a removed name, if there is one.
            renameat(&self.work.folder, &*spare, to.writable()?, name).inspect_err(|_| self.work.discard(&spare))?;
            let mut index = self.index.lock();
            index.link(id, folder, name.as_bytes());
            index.flush();
            drop(index);
            self.stat_now(id)
        })
    }

    /// Removes `name`, a folder or not as `of_folder` says, where `allowed` says so of folder and file.
    pub fn remove(
        &self,
        folder: Id,
        name: &OsStr,
        of_folder: bool,
        allowed: impl FnOnce(&FileStat, &FileStat) -> Result<()>,
    ) -> Changed<()> {
        let _names = self.names.write();
        self.within(folder, |before| {
            checked(name)?;
            let (id, found) = self.look(folder, name)?;
            allowed(before, &found)?;
            match (of_folder, is_folder(&found)) {
                (true, false) => return Err(Errno::ENOTDIR),
                (false, true) => return Err(Errno::EISDIR),
                _ => {}
            }
            let opened = self.raised(folder)?;
            if of_folder {
                change::remove_folder(&self.work, &opened, name)?;
                self.folders.lock().forget(id);
                self.listings.lock().forget(id);
            } else {
                change::remove(&self.work, &opened, name)?;
            }
            self.forget(folder, name, id);
            Ok(())
        })
    }

    /// A name is gone; of its file nothing stays open, unless it has other names.
    fn forget(&self, folder: Id, name: &OsStr, id: Id) {
        let mut index = self.index.lock();
        index.unbind(folder, name.as_bytes());
        index.flush();
        if index.key(id).is_none() {
            self.files.lock().forget(id);
        }
    }

    /// Moves `from` to `to`, each a folder and a name. What came of it is told with the second folder.
    pub fn rename(
        &self,
        from: (Id, &OsStr),
        to: (Id, &OsStr),
        allowed: impl FnOnce([&FileStat; 3], Option<&FileStat>) -> Result<()>,
    ) -> [Changed<()>; 2] {
        let _names = self.names.write();
        let mut source = None;
        let target = self.within(to.0, |into| {
            checked(from.1)?;
            checked(to.1)?;
            let out_of = self.stat_folder(from.0)?;
            source = Some(out_of);
            let (id, found) = self.look(from.0, from.1)?;
            let there = match self.look(to.0, to.1) {
                Ok(there) => Some(there),
                Err(Errno::ENOENT) => None,
                Err(error) => return Err(error),
            };
            allowed([&out_of, into, &found], there.as_ref().map(|(_, found)| found))?;
            if there.is_some_and(|(other, _)| other == id) {
                return Ok(());
            }
            self.move_to(from, to, id, &found)?;
            let mut index = self.index.lock();
            index.rename((from.0, from.1.as_bytes()), (to.0, to.1.as_bytes()));
            index.flush();
            drop(index);
            if let Some((other, _)) = there {
                self.folders.lock().forget(other);
                self.files.lock().forget(other);
            }
            Ok(())
        });
        self.listings.lock().forget(from.0);
        let after = self.stat_now(from.0).ok();
        [Changed { before: source.or(target.before), after, value: Ok(()) }, target]
    }

    fn move_to(&self, from: (Id, &OsStr), to: (Id, &OsStr), id: Id, found: &FileStat) -> Result<()> {
        if !is_folder(found) {
            self.raise(id, None)?;
            let (source, target) = (self.raised(from.0)?, self.raised(to.0)?);
            return change::rename(&self.work, (&source, from.1), (&target, to.1));
        }
        let mut above = to.0;
        while above != ROOT {
            if above == id {
                return Err(Errno::EINVAL);
            }
            above = self.place(above)?.0;
        }
        let (source, target) = (self.raised(from.0)?, self.raised(to.0)?);
        if source.descend(from.1)?.lower.is_some() {
            if let Some((_, there)) = target.find(to.1)? {
                if !is_folder(&there) {
                    return Err(Errno::ENOTDIR);
                }
                if !listing::names(&target.descend(to.1)?)?.is_empty() {
                    return Err(Errno::ENOTEMPTY);
                }
            }
            copy::whole(&self.work, &source, from.1)?;
            self.close();
            self.note_below(id)?;
        }
        match change::rename(&self.work, (&source, from.1), (&target, to.1)) {
            // The kernel's overlayfs moves no folder of the base.
            Err(Errno::EXDEV) => {
                copy::move_apart((source.writable()?, from.1), (target.writable()?, to.1))?;
            }
            other => other?,
        }
        self.close();
        Ok(())
    }

    /// Writes down what all known files below a folder are on the disk now.
    fn note_below(&self, id: Id) -> Result<()> {
        let mut left = vec![id];
        while let Some(id) = left.pop() {
            let inside = self.index.lock().inside(id);
            if inside.is_empty() {
                continue;
            }
            let folder = self.folder(id)?;
            for (child, name) in inside {
                if let Some((layer, found)) = folder.find(OsStr::from_bytes(&name))? {
                    self.index.lock().rekey(child, key(layer, &found));
                    if is_folder(&found) {
                        left.push(child);
                    }
                }
            }
        }
        self.index.lock().flush();
        Ok(())
    }

    /// How much room there is for the machine's changes.
    pub fn room(&self) -> Result<Statvfs> {
        fstatvfs(&self.work.folder)
    }
}
