//! Changes of a tree: what is said of a file, and which names a folder has.

use super::{Changed, Tree, checked, key};
use crate::roots::{
    Result,
    change::{self, Changes, Kind},
    copy,
    index::{Id, ROOT},
    layers::is_folder,
    listing,
};
use nix::{
    errno::Errno,
    fcntl::{AtFlags, renameat},
    sys::stat::FileStat,
    unistd::linkat,
};
use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

impl Tree {
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
            if self.is_union() {
                // Over the mark of a removed name, if there is one.
                let spare = self.work.spare();
                linkat(from.writable()?, &*called, &self.work.folder, &*spare, AtFlags::empty())?;
                renameat(&self.work.folder, &*spare, to.writable()?, name)
                    .inspect_err(|_| self.work.discard(&spare))?;
            } else {
                linkat(from.writable()?, &*called, to.writable()?, name, AtFlags::empty())?;
                // The kernel may have copied it only now.
                self.note(id, &from, &called)?;
            }
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
}
