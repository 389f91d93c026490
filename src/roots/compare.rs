//! What a machine's layer makes other than its base. Reads both, changes nothing.

use super::{
    Trouble, copy, errno,
    layers::{is_folder, is_whiteout, kind, open_folder, stat},
    listing,
    trouble::disk,
    xattr,
};
use nix::{
    errno::Errno,
    fcntl::readlinkat,
    sys::stat::{FileStat, SFlag},
};
use serde::Serialize;
use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    io::{BufRead, BufReader},
    os::fd::OwnedFd,
    path::Path,
};

/// How a file is other than in the base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// The base has none.
    Added,
    /// Both have it.
    Changed,
    /// Only the base has it.
    Removed,
}

/// What is changed about a file that both have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Aspect {
    /// A folder became a file, or the like.
    Type,
    /// The bytes, a link's target, a device's numbers.
    Content,
    /// The lower twelve bits.
    Mode,
    /// User or group.
    Owner,
}

/// A file's attributes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attributes {
    /// As `ls` writes it: `-`, `d`, `l`, `c`, `b`, `p`, `s`.
    pub kind: char,
    /// The lower twelve bits.
    pub mode: u32,
    /// Its owner, by the machine's own numbers.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Bytes.
    pub size: u64,
}

/// One file that is other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// How.
    pub change: Change,
    /// Below the root, without a leading `/`. What is no text is shown as well as it can be.
    pub path: String,
    /// What is changed about it.
    pub aspects: Vec<Aspect>,
    /// Its attributes on the machine.
    pub now: Option<Attributes>,
    /// Its attributes in the base.
    pub was: Option<Attributes>,
}

impl From<&FileStat> for Attributes {
    fn from(found: &FileStat) -> Attributes {
        let kind = match kind(found) {
            SFlag::S_IFDIR => 'd',
            SFlag::S_IFLNK => 'l',
            SFlag::S_IFCHR => 'c',
            SFlag::S_IFBLK => 'b',
            SFlag::S_IFIFO => 'p',
            SFlag::S_IFSOCK => 's',
            _ => '-',
        };
        let size = u64::try_from(found.st_size).unwrap_or(0);
        Attributes { kind, mode: found.st_mode & 0o7777, uid: found.st_uid, gid: found.st_gid, size }
    }
}

/// Hands each difference between the layer `upper` and its `base` to `take`, by path. A folder that is removed is told as one.
pub fn compare(upper: &Path, base: &Path, take: &mut dyn FnMut(Difference)) -> Result<(), Trouble> {
    let open = |path: &Path| super::trouble::open(path);
    let (layer, below) = (open(upper)?, open(base)?);
    folder(Path::new(""), &layer, Some(&below), false, take).map_err(disk(upper))
}

/// `hides`: what the base has at this place does not show through.
fn folder(
    at: &Path,
    upper: &OwnedFd,
    base: Option<&OwnedFd>,
    hides: bool,
    take: &mut dyn FnMut(Difference),
) -> super::Result<()> {
    let (have, removed) = listing::layer(upper)?;
    let below = match base {
        Some(base) if hides => listing::layer(base)?.0,
        _ => Vec::new(),
    };
    let have: BTreeSet<OsString> = have.into_iter().collect();
    let names: BTreeSet<&OsString> = have.iter().chain(&removed).chain(&below).collect();
    for name in names {
        // A machine that runs may remove it meanwhile.
        let now = if have.contains(name) { stat(upper, name)? } else { None };
        let was = match base {
            Some(base) => stat(base, name)?.filter(|found| !is_whiteout(found)),
            None => None,
        };
        let path = at.join(name);
        let (change, aspects) = match (&now, &was) {
            (None, None) => continue,
            (Some(_), None) => (Change::Added, Vec::new()),
            (None, Some(_)) => (Change::Removed, Vec::new()),
            (Some(now), Some(was)) => (Change::Changed, aspects((upper, now), (base, was), name)?),
        };
        if change != Change::Changed || !aspects.is_empty() {
            let path = path.to_string_lossy().into_owned();
            take(Difference {
                change,
                path,
                aspects,
                now: now.as_ref().map(Into::into),
                was: was.as_ref().map(Into::into),
            });
        }
        if now.is_some_and(|now| is_folder(&now)) {
            let inner = match open_folder(upper, name) {
                Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => continue,
                other => other?,
            };
            let below = match base.filter(|_| was.is_some_and(|was| is_folder(&was))) {
                Some(base) => Some(open_folder(base, name)?),
                None => None,
            };
            let hides = hides || xattr::is_opaque(&inner)?;
            folder(&path, &inner, below.as_ref(), hides, take)?;
        }
    }
    Ok(())
}

fn aspects(
    (upper, now): (&OwnedFd, &FileStat),
    (base, was): (Option<&OwnedFd>, &FileStat),
    name: &OsStr,
) -> super::Result<Vec<Aspect>> {
    let mut found = Vec::new();
    if kind(now) != kind(was) {
        found.push(Aspect::Type);
    } else if let Some(base) = base {
        let same = match kind(now) {
            SFlag::S_IFREG => now.st_size == was.st_size && same_bytes(upper, base, name)?,
            SFlag::S_IFLNK => readlinkat(upper, name)? == readlinkat(base, name)?,
            SFlag::S_IFCHR | SFlag::S_IFBLK => now.st_rdev == was.st_rdev,
            _ => true,
        };
        if !same {
            found.push(Aspect::Content);
        }
    }
    if now.st_mode & 0o7777 != was.st_mode & 0o7777 && kind(now) != SFlag::S_IFLNK {
        found.push(Aspect::Mode);
    }
    if (now.st_uid, now.st_gid) != (was.st_uid, was.st_gid) {
        found.push(Aspect::Owner);
    }
    Ok(found)
}

fn same_bytes(one: &OwnedFd, other: &OwnedFd, name: &OsStr) -> super::Result<bool> {
    let open = |at| copy::open_to_read(at, name).map(|file| BufReader::with_capacity(64 << 10, file));
    let (mut one, mut other) = (open(one)?, open(other)?);
    loop {
        let (a, b) = (one.fill_buf().map_err(errno)?, other.fill_buf().map_err(errno)?);
        let length = a.len().min(b.len());
        if a.get(..length) != b.get(..length) || (length == 0 && a.len() != b.len()) {
            return Ok(false);
        }
        if length == 0 {
            return Ok(true);
        }
        one.consume(length);
        other.consume(length);
    }
}
