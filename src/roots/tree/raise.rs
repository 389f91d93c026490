//! Brings what is to be changed into the machine's layer, with all its names.

use super::{Open, Tree, key};
use crate::roots::{
    Result, change, copy,
    index::{Id, ROOT},
    layers::{Folder, Layer, is_folder, kind},
    links::{Links, Path},
};
use nix::{
    errno::Errno,
    fcntl::{AtFlags, OFlag, openat, renameat},
    sys::stat::{FileStat, Mode, SFlag, fstat},
    unistd::{UnlinkatFlags, linkat, unlinkat},
};
use std::{
    ffi::{OsStr, OsString},
    fs::File,
    os::fd::OwnedFd,
    sync::Arc,
};

fn open_to_write(at: &OwnedFd, name: &OsStr) -> Result<File> {
    let flags = OFlag::O_RDWR | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    openat(at, name, flags, Mode::empty()).map(File::from)
}

impl Tree {
    /// Opens a folder for changes: where only the base has it, it is made in the machine's layer.
    pub(super) fn raised(&self, id: Id) -> Result<Arc<Folder>> {
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
            Arc::new(Open { file: open_to_write(folder.writable()?, &name)?, writable: true })
        } else {
            let _names = self.names.read();
            let (_, folder, name, layer, found) = self.find(id)?;
            usable(&found)?;
            let file = copy::open_to_read(folder.at(layer)?, &name)?;
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
    pub(super) fn raise(&self, id: Id, keep: Option<u64>) -> Result<(Arc<Folder>, OsString)> {
        let (parent, _, name, layer, found) = self.find(id)?;
        if is_folder(&found) {
            self.raised(id)?;
            return Ok((self.folder(parent)?, name));
        }
        let folder = self.raised(parent)?;
        let shared = found.st_nlink > 1 && !self.names_below(&found).is_empty();
        if layer == Layer::Lower {
            let lower = folder.lower.as_ref().ok_or(Errno::ESTALE)?;
            copy::file(&self.work, lower, folder.writable()?, &name, keep)?;
        } else if shared && kind(&found) == SFlag::S_IFREG {
            // The kernel's overlayfs copies what is opened to be written.
            drop(open_to_write(folder.writable()?, &name)?);
        } else {
            return Ok((folder, name));
        }
        self.files.lock().forget(id);
        self.note(id, &folder, &name)?;
        if shared {
            self.carry(&folder, &name, &found)?;
        }
        Ok((self.raised(parent)?, name))
    }

    /// The names that a file of several has in the base, where it is still the base's.
    fn names_below(&self, found: &FileStat) -> &[Path] {
        let links = match self.links.get() {
            Some(links) => links,
            // Looked for under the lock of names: nobody else does at the same time.
            None => {
                let links = Links::of(&self.base).unwrap_or_default();
                self.links.get_or_init(|| links)
            }
        };
        links.names(found.st_ino)
    }

    /// What was copied from the base has other names there: they become names of the copy.
    fn carry(&self, folder: &Folder, name: &OsStr, was: &FileStat) -> Result<()> {
        for path in self.names_below(was) {
            let Some((last, way)) = path.split_last() else { continue };
            let Some(at) = self.raised_by_name(way, last, was)? else { continue };
            let into = at.writable()?;
            let (room, spare) =
                if self.is_union() { (&self.work.folder, self.work.spare()) } else { (into, self.work.spare()) };
            let before = fstat(into)?;
            linkat(folder.writable()?, name, room, &*spare, AtFlags::empty())?;
            renameat(room, &*spare, into, &**last).inspect_err(|_| {
                let _ = unlinkat(room, &*spare, UnlinkatFlags::NoRemoveDir);
            })?;
            change::stamp(into, OsStr::new("."), &before)?;
        }
        // They may have been opened before they had a part in the upper layer.
        self.folders.lock().clear();
        Ok(())
    }

    /// Opens for changes the folder at a path of the base, if `last` is there still the file that it `was`.
    fn raised_by_name(&self, way: &[OsString], last: &OsStr, was: &FileStat) -> Result<Option<Arc<Folder>>> {
        let mut folders = vec![self.top.clone()];
        for name in way {
            let Some(folder) = folders.last() else { return Ok(None) };
            match folder.descend(name) {
                Ok(folder) => folders.push(Arc::new(folder)),
                Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        let from = if self.is_union() { Layer::Lower } else { Layer::Upper };
        let there = folders.last().map_or(Ok(None), |folder| folder.find(last))?;
        if !there.is_some_and(|(layer, found)| layer == from && found.st_ino == was.st_ino) {
            return Ok(None);
        }
        let mut at = self.top.clone();
        for name in way {
            let mut next = at.descend(name)?;
            if next.upper.is_none() {
                copy::folder(&self.work, at.lower.as_ref().ok_or(Errno::ESTALE)?, at.writable()?, name)?;
                next = at.descend(name)?;
            }
            at = Arc::new(next);
        }
        Ok(Some(at))
    }

    /// Writes down what the file is on the disk now.
    pub(super) fn note(&self, id: Id, folder: &Folder, name: &OsStr) -> Result<()> {
        let (layer, found) = folder.find(name)?.ok_or(Errno::ESTALE)?;
        let mut index = self.index.lock();
        index.rekey(id, key(layer, &found));
        index.flush();
        Ok(())
    }
}
