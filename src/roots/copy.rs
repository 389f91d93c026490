//! Copies what a machine is about to change from the base into its own layer, with all that belongs to it. A copy is made in
//! `work` and moved into place whole.

use super::{
    Result,
    change::{Workshop, restore, stamp},
    errno,
    layers::{Folder, is_folder, kind, open_folder},
    listing, xattr,
};
use nix::{
    errno::Errno,
    fcntl::{OFlag, openat, readlinkat, renameat},
    sys::stat::{FileStat, Mode, SFlag, fstat, mkdirat, mknodat},
    unistd::symlinkat,
};
use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Read},
    os::fd::OwnedFd,
};

/// Opens the file `name` of `at` for reading, be it what it may: a link is not followed, a pipe not waited for.
pub fn open_to_read(at: &OwnedFd, name: &OsStr) -> Result<File> {
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOATIME | OFlag::O_CLOEXEC;
    match openat(at, name, flags, Mode::empty()) {
        // Only the owner may leave the time of access alone.
        Err(Errno::EPERM) => openat(at, name, flags - OFlag::O_NOATIME, Mode::empty()).map(File::from),
        other => other.map(File::from),
    }
}

/// Copies the file `name` of `from`, which is no folder, into `to`. Of a regular file that is to be cut, only `keep` bytes.
pub fn file(work: &Workshop, from: &OwnedFd, to: &OwnedFd, name: &OsStr, keep: Option<u64>) -> Result<()> {
    let found = super::layers::stat(from, name)?.ok_or(Errno::ENOENT)?;
    let spare = work.spare();
    let made = alike((from, name), &found, (&work.folder, &spare), keep);
    let placed = made.and_then(|()| restore(&work.folder, &spare, &found)).and_then(|()| {
        let before = fstat(to)?;
        renameat(&work.folder, &*spare, to, name)?;
        // To copy is no change of the folder.
        stamp(to, OsStr::new("."), &before)
    });
    if placed.is_err() {
        work.discard(&spare);
    }
    placed
}

/// Makes a file like another, which was found to be no folder; owner, mode and times are restored by who calls. Of a regular
/// file that is to be cut, only `keep` bytes. Shares blocks where the file system can.
pub fn alike(from: (&OwnedFd, &OsStr), found: &FileStat, to: (&OwnedFd, &OsStr), keep: Option<u64>) -> Result<()> {
    match kind(found) {
        SFlag::S_IFREG => regular(from, to, keep),
        SFlag::S_IFLNK => symlinkat(&*readlinkat(from.0, from.1)?, to.0, to.1),
        SFlag::S_IFDIR => Err(Errno::EISDIR),
        special => mknodat(to.0, to.1, special, Mode::from_bits_truncate(0o600), found.st_rdev),
    }
}

fn regular(from: (&OwnedFd, &OsStr), to: (&OwnedFd, &OsStr), keep: Option<u64>) -> Result<()> {
    let source = open_to_read(from.0, from.1)?;
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mut copy = File::from(openat(to.0, to.1, flags, Mode::from_bits_truncate(0o600))?);
    let copied = match keep {
        Some(length) => io::copy(&mut (&source).take(length), &mut copy),
        None if rustix::fs::ioctl_ficlone(&copy, &source).is_ok() => Ok(0),
        None => io::copy(&mut &source, &mut copy),
    };
    copied.map_err(errno)?;
    xattr::copy(&source, &copy)
}

/// Makes the folder `name`, which only the base has, in `to` as well, empty: what is in it shows through.
pub fn folder(work: &Workshop, from: &OwnedFd, to: &OwnedFd, name: &OsStr) -> Result<()> {
    let below = open_folder(from, name)?;
    let spare = work.spare();
    mkdirat(&work.folder, &*spare, Mode::from_bits_truncate(0o700))?;
    let made = open_folder(&work.folder, &spare)
        .and_then(|copy| xattr::copy(&below, &copy))
        .and_then(|()| restore(&work.folder, &spare, &fstat(&below)?))
        .and_then(|()| {
            let before = fstat(to)?;
            renameat(&work.folder, &*spare, to, name)?;
            stamp(to, OsStr::new("."), &before)
        });
    if made.is_err() {
        work.discard(&spare);
    }
    made
}

/// Copies all that shows through the folder `name` of `parent` (which is raised) into the machine's layer, and then hides
/// the base: from here on it can be moved. Each step leaves the tree as it looked.
pub fn whole(work: &Workshop, parent: &Folder, name: &OsStr) -> Result<()> {
    let mut at = parent.descend(name)?;
    if at.upper.is_none() {
        folder(work, parent.lower.as_ref().ok_or(Errno::ENOENT)?, parent.writable()?, name)?;
        at = parent.descend(name)?;
    }
    let (upper, Some(lower)) = (at.writable()?, &at.lower) else { return Ok(()) };
    let before = fstat(upper)?;
    for child in listing::names(&at)? {
        match at.find(&child)? {
            Some((_, found)) if is_folder(&found) => whole(work, &at, &child)?,
            Some((super::layers::Layer::Lower, _)) => file(work, lower, upper, &child, None)?,
            _ => {}
        }
    }
    xattr::set_opaque(upper)?;
    clean(upper)?;
    stamp(upper, OsStr::new("."), &before)
}

/// Takes the marks of removed names out of a folder that hides the base anyway.
pub fn clean(upper: &OwnedFd) -> Result<()> {
    for name in listing::whiteouts(upper)? {
        nix::unistd::unlinkat(upper, &*name, nix::unistd::UnlinkatFlags::NoRemoveDir)?;
    }
    Ok(())
}

/// The attributes of a file as they were, for what was made anew.
pub fn mode_of(found: &FileStat) -> Mode {
    Mode::from_bits_truncate(found.st_mode & 0o7777)
}

/// Moves a folder by making it anew and moving what is in it: for the kernel's overlayfs, which does not move what is in the
/// base. What is there by that name is at most an empty folder.
pub fn move_apart(from: (&OwnedFd, &OsStr), to: (&OwnedFd, &OsStr)) -> Result<()> {
    let source = open_folder(from.0, from.1)?;
    let found = fstat(&source)?;
    match mkdirat(to.0, to.1, Mode::from_bits_truncate(0o700)) {
        Err(Errno::EEXIST) if is_folder(&fstat(&open_folder(to.0, to.1)?)?) => {}
        other => other?,
    }
    let target = open_folder(to.0, to.1)?;
    let inside = Folder { upper: Some(open_folder(from.0, from.1)?), lower: None };
    for name in listing::names(&inside)? {
        match renameat(&source, &*name, &target, &*name) {
            Err(Errno::EXDEV) => move_apart((&source, &name), (&target, &name))?,
            other => other?,
        }
    }
    xattr::copy(&source, &target)?;
    restore(to.0, to.1, &found)?;
    nix::unistd::unlinkat(from.0, from.1, nix::unistd::UnlinkatFlags::RemoveDir)
}
