//! A machine's files of some moment, built in a folder exactly as they were.

use super::{Entry, Kind, Repository, Result, TrackError, git::Cat, names, scan};
use rustix::fs::{AtFlags, CWD, Mode, Timespec, Timestamps, XattrFlags};
use std::{
    collections::HashMap,
    ffi::OsStr,
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, OpenOptionsExt, lchown, symlink},
    },
    path::{Path, PathBuf},
};

impl Repository {
    /// Builds the files below `paths` (any bytes, no leading `/`; a folder means all in it) as they were at `commit` in the
    /// empty folder `into`, with owners, modes, links, times and attributes, so that rsync brings them onto the machine as
    /// they were. What was encrypted is left out and named in the result.
    pub fn export(&self, host: &str, commit: &str, paths: &[Vec<u8>], into: &Path) -> Result<Vec<String>> {
        let entries = self.entries(host, commit)?;
        let mut cat = self.git_of(host)?.cat()?;
        let mut build = Build { into, entries: &entries, made: HashMap::new(), folders: Vec::new() };
        let mut secrets = Vec::new();
        for entry in &entries {
            let is_asked = paths.iter().any(|path| names::is_in(&entry.path, path));
            if !is_asked || entry.kind == Kind::Removed {
                continue;
            }
            if let Kind::Secret { .. } = entry.kind {
                secrets.push(names::shown(&entry.path));
                continue;
            }
            let at = build.place(entry);
            let trouble = |source| TrackError::File { path: at.clone(), source };
            build.parents(&entry.path).map_err(trouble)?;
            build.entry(entry, &at, &mut cat, &self.dir)?;
        }
        build.finish()?;
        Ok(secrets)
    }
}

struct Build<'a> {
    into: &'a Path,
    entries: &'a [Entry],
    /// Files that are there by now, by their first name.
    made: HashMap<&'a [u8], PathBuf>,
    /// Folders whose times are set when all in them is done.
    folders: Vec<(&'a Entry, PathBuf)>,
}

impl<'a> Build<'a> {
    fn place(&self, entry: &Entry) -> PathBuf {
        self.into.join(OsStr::from_bytes(&entry.path))
    }

    /// The folders that it is in, as they were. Folders only: nothing is built through a link.
    fn parents(&mut self, path: &[u8]) -> io::Result<()> {
        for (end, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
            let parent = path.get(..end).unwrap_or_default();
            let at = self.into.join(OsStr::from_bytes(parent));
            match fs::symlink_metadata(&at) {
                Ok(meta) if meta.is_dir() => continue,
                Ok(_) => return Err(io::ErrorKind::NotADirectory.into()),
                Err(_) => DirBuilder::new().mode(0o755).create(&at)?,
            }
            let known = self.entries.binary_search_by(|entry| entry.path.as_slice().cmp(parent)).ok();
            if let Some(entry) = known.and_then(|at| self.entries.get(at)).filter(|entry| entry.kind == Kind::Folder) {
                self.folders.push((entry, at));
            }
        }
        Ok(())
    }

    fn entry(&mut self, entry: &'a Entry, at: &Path, cat: &mut Cat, dir: &Path) -> Result<()> {
        let trouble = |source: io::Error| TrackError::File { path: at.to_owned(), source };
        let device = |major, minor| rustix::fs::makedev(major, minor);
        let node = |kind, device| {
            let made = rustix::fs::mknodat(CWD, at, kind, Mode::from_raw_mode(0o600), device);
            made.map_err(|error| trouble(error.into()))
        };
        match &entry.kind {
            Kind::File { blob, size } => {
                let first = entry.same_as.as_deref().unwrap_or(&entry.path);
                if let Some(made) = self.made.get(first) {
                    fs::hard_link(made, at).map_err(trouble)?;
                    return Ok(());
                }
                self.file(blob, *size, at, cat, dir)?;
                self.made.insert(first, at.to_owned());
            }
            Kind::Folder => {
                match DirBuilder::new().mode(0o700).create(at) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(trouble(error)),
                    _ => {}
                }
                self.folders.push((entry, at.to_owned()));
                return Ok(());
            }
            Kind::Link { target } => symlink(OsStr::from_bytes(target), at).map_err(trouble)?,
            Kind::Character(major, minor) => node(rustix::fs::FileType::CharacterDevice, device(*major, *minor))?,
            Kind::Block(major, minor) => node(rustix::fs::FileType::BlockDevice, device(*major, *minor))?,
            Kind::Pipe => node(rustix::fs::FileType::Fifo, 0)?,
            Kind::Socket => node(rustix::fs::FileType::Socket, 0)?,
            Kind::Secret { .. } | Kind::Removed => return Ok(()),
        }
        adorn(entry, at).map_err(trouble)
    }

    /// Its bytes, with holes where a run of them is zero.
    fn file(&self, blob: &str, size: u64, at: &Path, cat: &mut Cat, dir: &Path) -> Result<()> {
        const HOLE: usize = 4096;
        let trouble = |source: io::Error| TrackError::File { path: at.to_owned(), source };
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(at).map_err(trouble)?;
        let is_there = cat.copy(blob, &mut |part| {
            if part.len() >= HOLE && part.iter().all(|byte| *byte == 0) {
                return file.seek(SeekFrom::Current(i64::try_from(part.len()).unwrap_or(0))).map(|_| ());
            }
            file.write_all(part)
        });
        match is_there {
            Ok(true) => file.set_len(size).map_err(trouble),
            Ok(false) => Err(TrackError::Broken { dir: dir.to_owned(), error: format!("{blob} is missing") }),
            Err(TrackError::File { source, .. }) => Err(trouble(source)),
            Err(error) => Err(error),
        }
    }

    fn finish(self) -> Result<()> {
        // The innermost first: what is done in a folder changes its time.
        for (entry, at) in self.folders.iter().rev() {
            adorn(entry, at).map_err(|source| TrackError::File { path: at.clone(), source })?;
        }
        Ok(())
    }
}

/// Owner, mode, attributes, times; in this order, since each takes away of what comes after it.
fn adorn(entry: &Entry, at: &Path) -> io::Result<()> {
    lchown(at, Some(entry.uid), Some(entry.gid))?;
    if !matches!(entry.kind, Kind::Link { .. }) {
        rustix::fs::chmod(at, Mode::from_raw_mode(entry.mode))?;
    }
    for (name, value) in entry.attributes.iter().filter(|(name, _)| name.as_slice() != scan::OPAQUE) {
        rustix::fs::lsetxattr(at, OsStr::from_bytes(name), value, XattrFlags::empty())?;
    }
    let time = Timespec { tv_sec: entry.mtime.0, tv_nsec: entry.mtime.1.into() };
    let times = Timestamps { last_access: time, last_modification: time };
    rustix::fs::utimensat(CWD, at, &times, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(())
}
