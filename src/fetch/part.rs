//! A file on its way: `NAME.part` with what came, `NAME.part.of` with what it is a part of. Knows files, no HTTP.

use super::FetchError;
use crate::conf::Download;
use sha2::{Digest, Sha256};
use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Component, Path, PathBuf},
};
use tokio::task::spawn_blocking;

/// Bytes that are read at once.
const AT_ONCE: usize = 1 << 20;

/// What came of a file so far. Kept when it is dropped.
pub struct Part {
    place: PathBuf,
    sha256: String,
    file: File,
    digest: Sha256,
    length: u64,
    validator: Option<String>,
}

/// The place of `path` below `root`.
pub fn place(root: &Path, path: &str) -> Result<PathBuf, FetchError> {
    let below = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    if path.is_empty() || !below {
        return Err(FetchError::Place { place: path.to_owned(), words: "it is not below tftpboot".to_owned() });
    }
    Ok(root.join(path))
}

/// True where `file` is at `place` already, whole and with its digest.
pub async fn is_right(place: &Path, file: &Download) -> Result<bool, FetchError> {
    let (place, size, expected) = (place.to_owned(), file.size, file.sha256.clone());
    let failed = FetchError::Place { place: place.display().to_string(), words: "it cannot be read".to_owned() };
    let look = move || -> io::Result<bool> {
        // What is no plain file is no file of ours, and a FIFO would be waited for.
        let there = match fs::metadata(&place) {
            Ok(meta) if meta.is_file() => meta.len(),
            Ok(_) => return Err(io::Error::other("there is something that is not a file")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        if size.is_some_and(|size| size != there) {
            return Ok(false);
        }
        let (digest, _) = digest_of(&mut File::open(&place)?)?;
        Ok(hex::encode(digest.finalize()) == expected)
    };
    match spawn_blocking(look).await {
        Ok(Ok(is_right)) => Ok(is_right),
        Ok(Err(error)) => match failed {
            FetchError::Place { place, .. } => Err(FetchError::Place { place, words: error.to_string() }),
            other => Err(other),
        },
        Err(_) => Err(failed),
    }
}

fn digest_of(file: &mut File) -> io::Result<(Sha256, u64)> {
    let (mut digest, mut length, mut bytes) = (Sha256::new(), 0, vec![0; AT_ONCE]);
    loop {
        match file.read(&mut bytes)? {
            0 => return Ok((digest, length)),
            count => {
                digest.update(&bytes[..count]);
                length += count as u64;
            }
        }
    }
}

fn beside(place: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(place);
    name.push(ending);
    name.into()
}

impl Part {
    /// Opens what is there of `file`, or begins it. Only one at a time has it.
    pub async fn open(place: &Path, file: &Download) -> Result<Part, FetchError> {
        let (owned, file) = (place.to_owned(), file.clone());
        let opened = spawn_blocking(move || Part::open_now(owned, &file)).await;
        opened.unwrap_or_else(|_| {
            Err(FetchError::Place { place: place.display().to_string(), words: "it cannot be opened".to_owned() })
        })
    }

    fn open_now(place: PathBuf, wanted: &Download) -> Result<Part, FetchError> {
        let path = beside(&place, ".part");
        let failed = |error: &io::Error| FetchError::of_file(error, &path, wanted.size.unwrap_or(0));
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder).map_err(|error| FetchError::of_file(&error, folder, 0))?;
        }
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).custom_flags(nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK);
        let mut file = options.open(&path).map_err(|error| failed(&error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(FetchError::Taken),
            Err(TryLockError::Error(error)) => return Err(failed(&error)),
        }
        // It may have got its name between opening and locking: then this is no part any more, and another takes its place.
        let is_still = |file: &File| -> io::Result<bool> {
            use std::os::unix::fs::MetadataExt;
            let (open, named) = (file.metadata()?, fs::symlink_metadata(&path)?);
            Ok((open.dev(), open.ino()) == (named.dev(), named.ino()))
        };
        if !is_still(&file).unwrap_or(false) {
            return Err(FetchError::Taken);
        }
        let of = fs::read_to_string(beside(&place, ".part.of")).unwrap_or_default();
        let mut lines = of.lines();
        let is_of_this = lines.next() == Some(&wanted.sha256) && lines.next() == Some(wanted.url.as_str());
        let validator = lines.next().filter(|named| is_of_this && !named.is_empty()).map(str::to_owned);
        if !is_of_this {
            file.set_len(0).map_err(|error| failed(&error))?;
        }
        let (digest, length) = digest_of(&mut file).map_err(|error| failed(&error))?;
        Ok(Part { place, sha256: wanted.sha256.clone(), file, digest, length, validator })
    }

    /// Bytes that are there.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// What `If-Range` names the version by that this is a part of.
    pub fn validator(&self) -> Option<&str> {
        self.validator.as_deref()
    }

    /// What comes from now on is of this version of `wanted`.
    pub fn is_of(&mut self, wanted: &Download, validator: Option<String>) -> io::Result<()> {
        let of = format!("{}\n{}\n{}\n", wanted.sha256, wanted.url, validator.as_deref().unwrap_or_default());
        self.validator = validator.filter(|validator| !validator.is_empty());
        fs::write(beside(&self.place, ".part.of"), of)
    }

    /// Begins anew.
    pub fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        (self.digest, self.length, self.validator) = (Sha256::new(), 0, None);
        Ok(())
    }

    /// Bytes that its disk has room for; none where that is not told.
    pub fn room(&self) -> Option<u64> {
        let disk = nix::sys::statvfs::fstatvfs(&self.file).ok()?;
        Some(disk.blocks_available().saturating_mul(disk.fragment_size()))
    }

    /// Takes bytes. They are few enough to be written where they came.
    pub fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes).inspect_err(|_| {
            // What was written of them counts as little as the rest.
            let _ = self.file.set_len(self.length);
        })?;
        self.digest.update(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// SHA-256 of what is there, in hexadecimal.
    pub fn sha256(&self) -> String {
        hex::encode(self.digest.clone().finalize())
    }

    /// Gives it its name: on the disk first, so that a crash leaves no half of it either.
    pub async fn finish(self) -> Result<(), FetchError> {
        debug_assert_eq!(self.sha256(), self.sha256);
        let place = self.place.clone();
        let finish = move || -> io::Result<()> {
            self.file.sync_all()?;
            fs::rename(beside(&self.place, ".part"), &self.place)?;
            let _ = fs::remove_file(beside(&self.place, ".part.of"));
            if let Some(folder) = self.place.parent() {
                let _ = File::open(folder).and_then(|folder| folder.sync_all());
            }
            Ok(())
        };
        match spawn_blocking(finish).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(FetchError::of_file(&error, &place, 0)),
            Err(_) => {
                Err(FetchError::Place { place: place.display().to_string(), words: "it cannot be renamed".to_owned() })
            }
        }
    }

    /// Takes it off the disk.
    pub fn discard(self) {
        Part::remove(&self.place);
    }

    /// Takes what an earlier fetch left beside a file that is right off the disk, unless somebody has it.
    pub fn sweep(place: &Path) {
        if let Ok(file) = File::open(beside(place, ".part"))
            && file.try_lock().is_ok()
        {
            Part::remove(place);
            let _ = file.unlock();
        }
    }

    fn remove(place: &Path) {
        let _ = fs::remove_file(beside(place, ".part"));
        let _ = fs::remove_file(beside(place, ".part.of"));
    }

    /// Bytes of the file at `place` that are kept for the next time.
    pub fn kept(place: &Path) -> u64 {
        fs::metadata(beside(place, ".part")).map_or(0, |meta| meta.len())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Closing it is not enough: a child that was begun just now has the lock too until it runs its program.
        let _ = self.file.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(content: &[u8]) -> Download {
        Download {
            path: "a/file".into(),
            url: url::Url::parse("http://files.test/file").unwrap(),
            sha256: hex::encode(Sha256::digest(content)),
            size: None,
        }
    }

    #[test]
    fn places_are_below() {
        let root = Path::new("tftpboot");
        assert_eq!(place(root, "a/b").unwrap(), Path::new("tftpboot/a/b"));
        for bad in ["", "/etc/passwd", "../a", "a/../../b", "./a"] {
            assert!(place(root, bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_part_goes_on_only_as_a_part_of_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("a/file");
        let file = wanted(b"0123456789");
        let mut part = Part::open(&place, &file).await.unwrap();
        part.is_of(&file, Some("\"v1\"".to_owned())).unwrap();
        part.take(b"01234").unwrap();
        assert!(matches!(Part::open(&place, &file).await, Err(FetchError::Taken)), "only one at a time");
        drop(part);
        assert_eq!(Part::kept(&place), 5);
        let mut part = Part::open(&place, &file).await.unwrap();
        assert_eq!((part.length(), part.validator()), (5, Some("\"v1\"")));
        part.take(b"56789").unwrap();
        assert_eq!(part.sha256(), file.sha256);
        assert!(!is_right(&place, &file).await.unwrap(), "it has no name yet");
        part.finish().await.unwrap();
        assert!(is_right(&place, &file).await.unwrap());
        assert_eq!(fs::read_dir(place.parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");

        // Another digest in `files`: what is there is a part of nothing.
        let mut part = Part::open(&place, &file).await.unwrap();
        part.is_of(&file, None).unwrap();
        part.take(b"01").unwrap();
        drop(part);
        assert_eq!(Part::open(&place, &wanted(b"other")).await.unwrap().length(), 0);
        assert!(!is_right(&place, &wanted(b"other")).await.unwrap());
        assert!(!is_right(&place, &Download { size: Some(9), ..file }).await.unwrap());
        Part::sweep(&place);
        assert_eq!(fs::read_dir(place.parent().unwrap()).unwrap().count(), 1);
    }
}
