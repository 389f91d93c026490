//! What lies in a tree: each name with all but its bytes. Never follows a link, also not one that comes in the way meanwhile: the
//! tree may be a machine's that runs.

use super::{Entry, Kind};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Stat, openat2, statat};
use std::{
    collections::{BTreeMap, HashMap},
    ffi::{CString, OsStr},
    fs::File,
    io,
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
};

/// Marks of overlayfs: where it may write `trusted.`, and where not.
const OVERLAY: [&[u8]; 2] = [b"trusted.overlay.", b"user.overlay."];
/// An attribute of this name in the record says that a folder of a layer hides all that the base has in it.
pub const OPAQUE: &[u8] = b"overlay.opaque";

/// By what a file is known to be the same as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Bytes.
    pub size: u64,
    /// Its number in the file system.
    pub inode: u64,
    /// When it was written.
    pub mtime: (i64, u32),
    /// When anything of it was changed.
    pub ctime: (i64, u32),
}

/// An entry that was found; a file's `blob` is empty yet.
#[derive(Clone, Debug)]
pub struct Found {
    /// What it is.
    pub entry: Entry,
    /// By what it is known again.
    pub signature: Signature,
}

/// A tree on the disk.
pub struct Tree {
    root: OwnedFd,
}

/// What a walk found.
#[derive(Debug, Default)]
pub struct Walk {
    /// By path.
    pub found: Vec<Found>,
    /// What could not be read, with why.
    pub unread: Vec<Vec<u8>>,
    /// Names that mean something to git or to the record itself.
    pub reserved: Vec<Vec<u8>>,
}

impl Tree {
    /// Opens its root.
    pub fn open(root: &Path) -> io::Result<Tree> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Tree { root: rustix::fs::open(root, flags, Mode::empty())? })
    }

    fn open_below(&self, path: &[u8], flags: OFlags) -> io::Result<OwnedFd> {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let path = if path.is_empty() { b"." } else { path };
        let flags = flags | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(openat2(&self.root, OsStr::from_bytes(path), flags, Mode::empty(), resolve)?)
    }

    /// A file of it, to be read, with what it is known by now.
    pub fn file(&self, path: &[u8]) -> io::Result<(File, Signature)> {
        // A pipe that came in its place would keep who opens it waiting.
        let file = self.open_below(path, OFlags::NONBLOCK)?;
        let stat = rustix::fs::fstat(&file)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok((File::from(file), signature(&stat)))
    }

    /// The names in a folder of it.
    pub fn names(&self, folder: &[u8]) -> io::Result<Vec<Vec<u8>>> {
        let fd = self.open_below(folder, OFlags::DIRECTORY)?;
        let names = Dir::read_from(&fd)?.map(|entry| entry.map(|entry| entry.file_name().to_bytes().to_vec()));
        Ok(names.collect::<rustix::io::Result<Vec<_>>>()?)
    }

    /// Goes through it. `enters` says of each path, and whether it is a folder, if it is wanted; what is in a folder that is
    /// not is not looked at.
    pub fn walk(&self, enters: &dyn Fn(&[u8], bool) -> bool) -> io::Result<Walk> {
        let mut walk = Walk::default();
        let mut folders = vec![Vec::new()];
        let mut links: HashMap<(u64, u64), Vec<usize>> = HashMap::new();
        while let Some(folder) = folders.pop() {
            let listed = self.open_below(&folder, OFlags::DIRECTORY).and_then(|fd| {
                let names = Dir::read_from(&fd)?.map(|entry| entry.map(|entry| entry.file_name().to_owned()));
                let names = names.collect::<rustix::io::Result<Vec<CString>>>()?;
                Ok((fd, names))
            });
            let (fd, names) = match listed {
                Ok(listed) => listed,
                Err(error) if folder.is_empty() => return Err(error),
                // Gone meanwhile, or another thing by now.
                Err(error) if is_gone(&error) => continue,
                Err(_) => {
                    walk.unread.push(folder);
                    continue;
                }
            };
            for name in names {
                let name = name.as_bytes();
                if matches!(name, b"." | b"..") {
                    continue;
                }
                let mut path = folder.clone();
                if !path.is_empty() {
                    path.push(b'/');
                }
                path.extend_from_slice(name);
                let stat = match statat(&fd, OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(stat) => stat,
                    Err(rustix::io::Errno::NOENT) => continue,
                    Err(_) => {
                        walk.unread.push(path);
                        continue;
                    }
                };
                let is_folder = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
                if !enters(&path, is_folder) {
                    continue;
                }
                if is_reserved(&path, name) {
                    walk.reserved.push(path);
                    continue;
                }
                match entry(&fd, name, path.clone(), &stat) {
                    Ok(entry) => {
                        if stat.st_nlink > 1 && matches!(entry.kind, Kind::File { .. }) {
                            links.entry((stat.st_dev, stat.st_ino)).or_default().push(walk.found.len());
                        }
                        walk.found.push(Found { entry, signature: signature(&stat) });
                        if is_folder {
                            folders.push(path);
                        }
                    }
                    Err(error) if is_gone(&error) => {}
                    Err(_) => walk.unread.push(path),
                }
            }
        }
        for names in links.into_values() {
            let mut paths: Vec<(Vec<u8>, usize)> =
                names.into_iter().filter_map(|at| Some((walk.found.get(at)?.entry.path.clone(), at))).collect();
            paths.sort_unstable();
            let mut paths = paths.into_iter();
            let Some((first, _)) = paths.next() else { continue };
            for (_, at) in paths {
                if let Some(found) = walk.found.get_mut(at) {
                    found.entry.same_as = Some(first.clone());
                }
            }
        }
        walk.found.sort_unstable_by(|a, b| a.entry.path.cmp(&b.entry.path));
        Ok(walk)
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
        || error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

/// git keeps no `.git`, however it is written; the record has two names of its own.
fn is_reserved(path: &[u8], name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b".git") || matches!(path, b".meta" | b".inventory")
}

fn signature(stat: &Stat) -> Signature {
    let nanos = |nanos| u32::try_from(nanos).unwrap_or(0);
    Signature {
        size: u64::try_from(stat.st_size).unwrap_or(0),
        inode: stat.st_ino,
        mtime: (stat.st_mtime, nanos(stat.st_mtime_nsec)),
        ctime: (stat.st_ctime, nanos(stat.st_ctime_nsec)),
    }
}

fn entry(folder: impl AsFd, name: &[u8], path: Vec<u8>, stat: &Stat) -> io::Result<Entry> {
    let device = (rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev));
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Kind::File { size: u64::try_from(stat.st_size).unwrap_or(0), blob: String::new() },
        FileType::Directory => Kind::Folder,
        FileType::Symlink => {
            let target = rustix::fs::readlinkat(&folder, OsStr::from_bytes(name), Vec::new())?;
            Kind::Link { target: target.into_bytes() }
        }
        FileType::CharacterDevice if device == (0, 0) => Kind::Removed,
        FileType::CharacterDevice => Kind::Character(device.0, device.1),
        FileType::BlockDevice => Kind::Block(device.0, device.1),
        FileType::Fifo => Kind::Pipe,
        FileType::Socket => Kind::Socket,
        FileType::Unknown => return Err(io::ErrorKind::Unsupported.into()),
    };
    let mut entry =
        Entry { path, kind, mode: 0, uid: 0, gid: 0, mtime: (0, 0), attributes: BTreeMap::new(), same_as: None };
    if entry.kind != Kind::Removed {
        entry.mode = stat.st_mode & 0o7777;
        (entry.uid, entry.gid) = (stat.st_uid, stat.st_gid);
        entry.mtime = (stat.st_mtime, u32::try_from(stat.st_mtime_nsec).unwrap_or(0));
        entry.attributes = attributes(folder, name)?;
    }
    Ok(entry)
}

/// Of a name in an open folder, itself, where it is a link too.
fn attributes(folder: impl AsFd, name: &[u8]) -> io::Result<BTreeMap<Vec<u8>, Vec<u8>>> {
    let mut path = format!("/proc/self/fd/{}/", folder.as_fd().as_raw_fd()).into_bytes();
    path.extend_from_slice(name);
    let path = OsStr::from_bytes(&path);
    // Most have none.
    let length = match rustix::fs::llistxattr_query(path) {
        Ok(0) => return Ok(BTreeMap::new()),
        Ok(length) => length,
        Err(rustix::io::Errno::OPNOTSUPP) => return Ok(BTreeMap::new()),
        Err(error) => return Err(error.into()),
    };
    let mut names = vec![0u8; length];
    let length = match rustix::fs::llistxattr(path, &mut names[..]) {
        // One came meanwhile: there will be another look.
        Err(rustix::io::Errno::RANGE) => length,
        other => other?,
    };
    let mut attributes = BTreeMap::new();
    for name in names.get(..length).unwrap_or_default().split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let of_overlay = OVERLAY.iter().find_map(|begin| name.strip_prefix(*begin));
        let mut value = vec![0u8; 64 << 10];
        let Ok(length) = rustix::fs::lgetxattr(path, name, &mut value[..]) else { continue };
        value.truncate(length);
        match of_overlay {
            Some(b"opaque") if value == b"y" => _ = attributes.insert(OPAQUE.to_vec(), value),
            Some(_) => {}
            None => _ = attributes.insert(name.to_vec(), value),
        }
    }
    Ok(attributes)
}
