//! What the record remembers of its last look at a machine, in `run/track`: only to be quick and to tell times. All of it may be
//! deleted.

use super::{Entry, Kind, Result, TrackError, names, scan::Signature};
use jiff::Timestamp;
use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
};

/// A file that was changed so shortly before it was looked at may have been changed again with the same times: file systems
/// count in ticks.
const TICK: i128 = 100_000_000;
/// The same where times are whole seconds.
const COARSE: i128 = 2_000_000_000;

/// What a file was when it was last looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// By what it is known again.
    pub signature: Signature,
    /// git's name of its content, or `packaged` of a file that is as its package brought it.
    pub blob: String,
}

/// A file as its package brought it.
pub const PACKAGED: &str = "packaged";

/// What is remembered of a machine.
#[derive(Debug, Default)]
pub struct Memory {
    /// Files by path.
    pub files: HashMap<Vec<u8>, Seen>,
    /// When it was last looked at.
    pub looked: Option<Timestamp>,
    /// Its address then.
    pub address: Option<String>,
}

fn file(run: &Path, host: &str) -> PathBuf {
    run.join(".seen").join(host)
}

/// What is remembered; nothing where it makes no sense.
pub fn read(run: &Path, host: &str) -> Memory {
    let Ok(text) = fs::read_to_string(file(run, host)) else { return Memory::default() };
    let mut memory = Memory::default();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["looked", time] => memory.looked = time.parse().ok(),
            ["address", address] => memory.address = Some((*address).to_owned()),
            [path, numbers @ .., blob] => {
                if let Some(signature) = signature(numbers) {
                    memory.files.insert(names::of_word(path), Seen { signature, blob: (*blob).to_owned() });
                }
            }
            _ => {}
        }
    }
    memory
}

fn signature(words: &[&str]) -> Option<Signature> {
    let [size, inode, written, written_nanos, changed, changed_nanos] = words else { return None };
    Some(Signature {
        size: size.parse().ok()?,
        inode: inode.parse().ok()?,
        mtime: (written.parse().ok()?, written_nanos.parse().ok()?),
        ctime: (changed.parse().ok()?, changed_nanos.parse().ok()?),
    })
}

/// Writes it; `files` are those that may be known again.
pub fn write(run: &Path, host: &str, memory: &Memory) -> Result<()> {
    let mut text = String::new();
    if let Some(looked) = memory.looked {
        text.push_str(&format!("looked {looked}\n"));
    }
    if let Some(address) = memory.address.as_ref().filter(|address| !address.contains(char::is_whitespace)) {
        text.push_str(&format!("address {address}\n"));
    }
    for (path, Seen { signature: sign, blob }) in &memory.files {
        let path = names::word(path);
        let (written, changed) = (sign.mtime, sign.ctime);
        text.push_str(&format!(
            "{path} {} {} {} {} {} {} {blob}\n",
            sign.size, sign.inode, written.0, written.1, changed.0, changed.1
        ));
    }
    let file = file(run, host);
    replace(&file, text.as_bytes())
}

/// Writes a file whole or not at all.
pub fn replace(file: &Path, bytes: &[u8]) -> Result<()> {
    let trouble = |source: io::Error| TrackError::File { path: file.to_owned(), source };
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(trouble)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let new = folder.join(format!(".new-{}-{name}", std::process::id()));
    let written = fs::write(&new, bytes).and_then(|()| fs::rename(&new, file));
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written.map_err(trouble)
}

/// Whether a file that has this signature at `now` can be known again by it.
pub fn is_settled(signature: &Signature, now: Timestamp) -> bool {
    let nanos = |(seconds, nanos): (i64, u32)| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
    let tick = if signature.ctime.1 == 0 { COARSE } else { TICK };
    nanos(signature.ctime) + tick < now.as_nanosecond()
}

/// What git calls the content of this file, if it is the same file as before and the record still has that content of it.
pub fn known<'a>(memory: &'a Memory, path: &[u8], now: &Signature, kept: Option<&Entry>) -> Option<&'a str> {
    let seen = memory.files.get(path).filter(|seen| seen.signature == *now)?;
    let is_kept = match kept.map(|entry| &entry.kind) {
        Some(Kind::File { blob, .. }) => *blob == seen.blob,
        _ => seen.blob == PACKAGED,
    };
    is_kept.then_some(seen.blob.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let folder = tempfile::tempdir().unwrap();
        let signature = Signature { size: 5, inode: 7, mtime: (-3, 4), ctime: (1_732_440_000, 5) };
        let seen = Seen { signature, blob: "ab".repeat(20) };
        let memory = Memory {
            files: HashMap::from([(b"etc/a b\n".to_vec(), seen.clone())]),
            looked: Some(Timestamp::UNIX_EPOCH),
            address: Some("10.77.0.60".to_owned()),
        };
        write(folder.path(), "web1", &memory).unwrap();
        let read = read(folder.path(), "web1");
        assert_eq!(read.files, memory.files);
        assert_eq!((read.looked, read.address), (memory.looked, memory.address));
        assert!(super::read(folder.path(), "web2").files.is_empty());
    }

    #[test]
    fn a_file_of_this_moment_is_not_known_again() {
        let at = |ctime| Signature { size: 0, inode: 0, mtime: (0, 0), ctime };
        let now: Timestamp = "2026-11-24T09:20:05Z".parse().unwrap();
        let second = now.as_second();
        for (ctime, expected) in [
            ((second - 1, 1), true),
            ((second - 1, 950_000_000), false),
            ((second, 1), false),
            ((second - 1, 0), false),
            ((second - 3, 0), true),
        ] {
            assert_eq!(is_settled(&at(ctime), now), expected, "{ctime:?}");
        }
    }
}
