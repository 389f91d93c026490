//! Changes of one name in a folder's upper layer, by the rules of overlayfs: what the base has is hidden, never touched.

use super::{
    Result, copy,
    layers::{Folder, Layer, is_folder, is_whiteout, kind, open_folder, stat},
    listing, xattr,
};
use nix::{
    errno::Errno,
    fcntl::{AtFlags, OFlag, RenameFlags, openat, renameat, renameat2},
    libc::dev_t,
    sys::{
        stat::{FchmodatFlags, FileStat, Mode, SFlag, UtimensatFlags, fchmodat, mkdirat, mknodat, utimensat},
        time::TimeSpec,
    },
    unistd::{Gid, Uid, UnlinkatFlags, fchownat, symlinkat, unlinkat},
};
use std::{
    ffi::{OsStr, OsString},
    os::fd::OwnedFd,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

/// A moment to set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// The server's present.
    Now,
    /// Seconds and nanoseconds since 1970.
    At(i64, i64),
}

/// What is to become other about a file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Changes {
    /// The lower twelve bits.
    pub mode: Option<u32>,
    /// Its owner.
    pub uid: Option<u32>,
    /// Its group.
    pub gid: Option<u32>,
    /// Bytes, of a regular file.
    pub size: Option<u64>,
    /// When it was last read.
    pub atime: Option<When>,
    /// When it was last written.
    pub mtime: Option<When>,
}

/// What is made under a new name.
#[derive(Clone, Debug)]
pub enum Kind {
    /// An empty file.
    File,
    /// An empty folder.
    Folder,
    /// A link to this.
    Link(OsString),
    /// A device, a pipe or a socket.
    Special(SFlag, dev_t),
}

/// The folder `work`, where things are made before they get their name.
#[derive(Debug)]
pub struct Workshop {
    /// Open; on the same file system as the upper layer.
    pub folder: OwnedFd,
    serial: AtomicU64,
}

impl Workshop {
    /// On this folder.
    pub fn new(folder: OwnedFd) -> Workshop {
        Workshop { folder, serial: AtomicU64::new(0) }
    }

    /// A name that nothing has.
    pub fn spare(&self) -> OsString {
        format!("px{}-{}", std::process::id(), self.serial.fetch_add(1, Relaxed)).into()
    }

    /// Deletes what was not finished: a file, or a folder with marks of removed names in it.
    pub fn discard(&self, name: &OsStr) {
        if unlinkat(&self.folder, name, UnlinkatFlags::NoRemoveDir).is_err()
            && let Ok(folder) = open_folder(&self.folder, name)
        {
            let _ = copy::clean(&folder);
            let _ = unlinkat(&self.folder, name, UnlinkatFlags::RemoveDir);
        }
    }
}

/// Gives `name` of `at` the owner, mode and times of `found`.
pub fn restore(at: &OwnedFd, name: &OsStr, found: &FileStat) -> Result<()> {
    let (uid, gid) = (Some(Uid::from_raw(found.st_uid)), Some(Gid::from_raw(found.st_gid)));
    fchownat(at, name, uid, gid, AtFlags::AT_SYMLINK_NOFOLLOW)?;
    if kind(found) != SFlag::S_IFLNK {
        // After the owner, for a change of owner takes the set-user-ID bit away.
        fchmodat(at, name, copy::mode_of(found), FchmodatFlags::NoFollowSymlink)?;
    }
    stamp(at, name, found)
}

/// Gives `name` of `at` the times of `found`.
pub fn stamp(at: &OwnedFd, name: &OsStr, found: &FileStat) -> Result<()> {
    let accessed = TimeSpec::new(found.st_atime, found.st_atime_nsec);
    let written = TimeSpec::new(found.st_mtime, found.st_mtime_nsec);
    utimensat(at, name, &accessed, &written, UtimensatFlags::NoFollowSymlink)
}

/// Changes `name` of `at`, which is in the upper layer and is `found`.
pub fn change(at: &OwnedFd, name: &OsStr, found: &FileStat, changes: &Changes) -> Result<()> {
    if let Some(size) = changes.size {
        match kind(found) {
            SFlag::S_IFREG => {
                let flags = OFlag::O_WRONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
                let file = openat(at, name, flags, Mode::empty())?;
                nix::unistd::ftruncate(&file, i64::try_from(size).map_err(|_| Errno::EFBIG)?)?;
            }
            SFlag::S_IFDIR => return Err(Errno::EISDIR),
            _ => return Err(Errno::EINVAL),
        }
    }
    if changes.uid.is_some() || changes.gid.is_some() {
        let (uid, gid) = (changes.uid.map(Uid::from_raw), changes.gid.map(Gid::from_raw));
        fchownat(at, name, uid, gid, AtFlags::AT_SYMLINK_NOFOLLOW)?;
    }
    if let Some(mode) = changes.mode
        && kind(found) != SFlag::S_IFLNK
    {
        fchmodat(at, name, Mode::from_bits_truncate(mode & 0o7777), FchmodatFlags::NoFollowSymlink)?;
    }
    if changes.atime.is_some() || changes.mtime.is_some() {
        let spec = |when: Option<When>| match when {
            None => TimeSpec::UTIME_OMIT,
            Some(When::Now) => TimeSpec::UTIME_NOW,
            Some(When::At(seconds, nanoseconds)) => TimeSpec::new(seconds, nanoseconds),
        };
        let (accessed, written) = (spec(changes.atime), spec(changes.mtime));
        utimensat(at, name, &accessed, &written, UtimensatFlags::NoFollowSymlink)?;
    }
    Ok(())
}

/// Makes `name` in `folder`, which is raised. EEXIST where there is something of that name.
pub fn make(work: &Workshop, folder: &Folder, name: &OsStr, kind: &Kind, changes: &Changes) -> Result<()> {
    let upper = folder.writable()?;
    match stat(upper, name)? {
        Some(found) if is_whiteout(&found) => {
            let spare = work.spare();
            let placed = bare(&work.folder, &spare, kind, changes).and_then(|()| match kind {
                Kind::Folder => {
                    xattr::set_opaque(open_folder(&work.folder, &spare)?)?;
                    // A folder cannot be moved over a file: they change places.
                    renameat2(&work.folder, &*spare, upper, name, RenameFlags::RENAME_EXCHANGE)?;
                    unlinkat(&work.folder, &*spare, UnlinkatFlags::NoRemoveDir)
                }
                _ => renameat(&work.folder, &*spare, upper, name),
            });
            if placed.is_err() {
                work.discard(&spare);
            }
            placed
        }
        Some(_) => Err(Errno::EEXIST),
        None if folder.covered(name)?.is_some() => Err(Errno::EEXIST),
        None => {
            let made = bare(upper, name, kind, changes);
            // Half of it is worse than nothing; what was there before is not it.
            if let Err(error) = made
                && error != Errno::EEXIST
            {
                let how =
                    if matches!(kind, Kind::Folder) { UnlinkatFlags::RemoveDir } else { UnlinkatFlags::NoRemoveDir };
                let _ = unlinkat(upper, name, how);
            }
            made
        }
    }
}

fn bare(at: &OwnedFd, name: &OsStr, kind: &Kind, changes: &Changes) -> Result<()> {
    let mode = Mode::from_bits_truncate(changes.mode.unwrap_or(0o600) & 0o777);
    match kind {
        Kind::File => {
            let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
            openat(at, name, flags, mode).map(drop)?;
        }
        Kind::Folder => mkdirat(at, name, mode)?,
        Kind::Link(target) => symlinkat(&**target, at, name)?,
        // It would be read as the mark of a removed name.
        Kind::Special(SFlag::S_IFCHR, 0) => return Err(Errno::EPERM),
        Kind::Special(special, device) => mknodat(at, name, *special, mode, *device)?,
    }
    let found = stat(at, name)?.ok_or(Errno::EIO)?;
    change(at, name, &found, changes)
}

/// Makes the mark of a removed name in `work`.
fn whiteout(work: &Workshop) -> Result<OsString> {
    let spare = work.spare();
    mknodat(&work.folder, &*spare, SFlag::S_IFCHR, Mode::empty(), 0)?;
    Ok(spare)
}

/// Removes the file `name`, which is no folder, from `folder`, which is raised.
pub fn remove(work: &Workshop, folder: &Folder, name: &OsStr) -> Result<()> {
    let upper = folder.writable()?;
    if folder.covered(name)?.is_none() {
        return unlinkat(upper, name, UnlinkatFlags::NoRemoveDir);
    }
    let mark = whiteout(work)?;
    renameat(&work.folder, &*mark, upper, name).inspect_err(|_| work.discard(&mark))
}

/// Removes the empty folder `name` from `folder`, which is raised.
pub fn remove_folder(work: &Workshop, folder: &Folder, name: &OsStr) -> Result<()> {
    let upper = folder.writable()?;
    if !listing::names(&folder.descend(name)?)?.is_empty() {
        return Err(Errno::ENOTEMPTY);
    }
    let in_upper = stat(upper, name)?.is_some();
    if folder.covered(name)?.is_some() {
        let mark = whiteout(work)?;
        let how = if in_upper { RenameFlags::RENAME_EXCHANGE } else { RenameFlags::empty() };
        renameat2(&work.folder, &*mark, upper, name, how).inspect_err(|_| work.discard(&mark))?;
        if in_upper {
            work.discard(&mark);
        }
        return Ok(());
    }
    match unlinkat(upper, name, UnlinkatFlags::RemoveDir) {
        // What is left are marks of removed names.
        Err(Errno::ENOTEMPTY | Errno::EEXIST) => {
            let spare = work.spare();
            renameat(upper, name, &work.folder, &*spare)?;
            work.discard(&spare);
            Ok(())
        }
        other => other,
    }
}

/// Moves what is `from` (a folder that is raised, and a name that is wholly in its upper layer) to `to` (likewise raised),
/// in place of what is there, which is nothing, a file, or an empty folder in place of a folder.
pub fn rename(work: &Workshop, from: (&Folder, &OsStr), to: (&Folder, &OsStr)) -> Result<()> {
    let (source, target) = (from.0.writable()?, to.0.writable()?);
    let moved = stat(source, from.1)?.ok_or(Errno::ENOENT)?;
    let leaves_mark = from.0.covered(from.1)?.is_some();
    let there = to.0.find(to.1)?;
    if !is_folder(&moved) {
        if there.is_some_and(|(_, found)| is_folder(&found)) {
            return Err(Errno::EISDIR);
        }
        let how = if leaves_mark { RenameFlags::RENAME_WHITEOUT } else { RenameFlags::empty() };
        return renameat2(source, from.1, target, to.1, how);
    }
    if to.0.covered(to.1)?.is_some() {
        xattr::set_opaque(open_folder(source, from.1)?)?;
    }
    match there {
        Some((_, found)) if !is_folder(&found) => return Err(Errno::ENOTDIR),
        // Now there is nothing, or the mark of a removed name.
        Some((Layer::Upper | Layer::Lower, _)) => remove_folder(work, to.0, to.1)?,
        None => {}
    }
    if stat(target, to.1)?.is_some() {
        renameat2(source, from.1, target, to.1, RenameFlags::RENAME_EXCHANGE)?;
        // The mark is now where the folder was.
        return if leaves_mark { Ok(()) } else { unlinkat(source, from.1, UnlinkatFlags::NoRemoveDir) };
    }
    let how = if leaves_mark { RenameFlags::RENAME_WHITEOUT } else { RenameFlags::empty() };
    renameat2(source, from.1, target, to.1, how)
}
