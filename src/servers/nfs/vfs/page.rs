//! Procedures that list folders, a page at a time.

use super::{
    At, Procedures,
    answer::{BAD_COOKIE, TOO_SMALL, attr, handle, status},
    who,
};
use crate::{
    roots::{Id, Result},
    servers::nfs::access::{READ, Who},
};
use nfs_mamont::{
    auth::Credential,
    vfs::{
        file::{Attr, Handle, Name},
        read_dir::{self, Cookie, CookieVerifier},
        read_dir_plus,
    },
};
use nix::{errno::Errno, sys::stat::FileStat};
use std::ffi::OsStr;

/// Where to go on after `.` and `..`, which no disk is asked for.
const OWN: u64 = 1;
const PARENT: u64 = 2;
/// Bytes of an answer without its entries: head, folder, verifier, end.
const HEAD: u32 = 24 + 4 + 4 + 84 + 8 + 8;
/// Bytes of an entry without its name: that there is one, number, length, cookie.
const ENTRY: u32 = 4 + 8 + 4 + 8;
/// Bytes of what a file is, and of its handle.
const IS: u32 = 4 + 84 + 4 + 4 + 12;

/// What a client has room for: all bytes, and those that are no attributes and handles.
#[derive(Clone, Copy)]
struct Room {
    all: u32,
    names: u32,
}

impl Room {
    /// Takes the room for one more entry; false where there is none.
    fn take(&mut self, name: &OsStr, plus: bool) -> bool {
        let length = u32::try_from(name.len()).unwrap_or(u32::MAX).next_multiple_of(4);
        let (all, names) = (ENTRY + length + if plus { IS } else { 0 }, ENTRY + length);
        let left = self.all.checked_sub(all).zip(self.names.checked_sub(names));
        let Some((all, names)) = left else { return false };
        (self.all, self.names) = (all, names);
        true
    }
}

struct Line {
    name: Name,
    cookie: u64,
    id: Id,
    stat: FileStat,
}

struct Page {
    own: Attr,
    verifier: CookieVerifier,
    lines: Vec<Line>,
    eof: bool,
    generation: u32,
}

/// Where a folder goes on, and what for.
struct Wanted {
    dir: Handle,
    cookie: u64,
    verifier: CookieVerifier,
    room: Room,
    plus: bool,
}

fn page(at: &At, who: &Who, wanted: &Wanted) -> Result<Page> {
    let (tree, folder) = (&at.overlay.tree, at.id(&wanted.dir)?);
    let stat = tree.stat(folder)?;
    who.may(&stat, READ)?;
    let mut verifier = [0; 8];
    verifier[..4].copy_from_slice(&at.generation.to_be_bytes());
    verifier[7] = 1;
    let verifier = CookieVerifier::new(verifier);
    if wanted.cookie != 0 && !wanted.verifier.is_zero() && wanted.verifier != verifier {
        return Err(BAD_COOKIE);
    }
    let mut room = wanted.room;
    let mut lines = Vec::new();
    let parent = tree.parent(folder)?;
    for (cookie, name, id) in [(OWN, ".", folder), (PARENT, "..", parent)] {
        if wanted.cookie >= cookie {
            continue;
        }
        if !room.take(OsStr::new(name), wanted.plus) {
            return Err(TOO_SMALL);
        }
        let name = Name::new(name.to_owned()).map_err(|_| Errno::EIO)?;
        lines.push(Line { name, cookie, id, stat: tree.stat(id)? });
    }
    let after = if wanted.cookie <= PARENT { 0 } else { wanted.cookie };
    let (entries, eof) = tree.list(folder, after, |name| room.take(name, wanted.plus))?;
    for entry in entries {
        let (id, stat) = entry.is;
        // A name that is not UTF-8 has no form in nfs-mamont.
        let Some(name) = entry.name.into_string().ok().and_then(|name| Name::new(name).ok()) else { continue };
        lines.push(Line { name, cookie: entry.cookie, id, stat });
    }
    if lines.is_empty() && !eof {
        return Err(TOO_SMALL);
    }
    let own = attr(at.generation, folder, &stat);
    Ok(Page { own, verifier, lines, eof, generation: at.generation })
}

impl read_dir::ReadDir for Procedures {
    async fn read_dir(
        &self,
        args: read_dir::Args,
        cred: &Credential,
    ) -> std::result::Result<read_dir::Success, read_dir::Fail> {
        let who = who(cred);
        let left = args.count.min(super::LARGEST).saturating_sub(HEAD);
        let room = Room { all: left, names: left };
        let wanted =
            Wanted { dir: args.dir, cookie: args.cookie.raw(), verifier: args.cookie_verifier, room, plus: false };
        let page = self.at(move |at| page(at, &who, &wanted)).await;
        let page = page.map_err(|error| read_dir::Fail { error: status(error), dir_attr: None })?;
        let entry = |line: Line| read_dir::Entry {
            file_id: u64::from(line.id),
            file_name: line.name,
            cookie: Cookie::new(line.cookie),
        };
        Ok(read_dir::Success {
            dir_attr: Some(page.own),
            cookie_verifier: page.verifier,
            entries: page.lines.into_iter().map(entry).collect(),
            eof: page.eof,
        })
    }
}

impl read_dir_plus::ReadDirPlus for Procedures {
    async fn read_dir_plus(
        &self,
        args: read_dir_plus::Args,
        cred: &Credential,
    ) -> std::result::Result<read_dir_plus::Success, read_dir_plus::Fail> {
        let who = who(cred);
        let left = |count: u32| count.min(super::LARGEST).saturating_sub(HEAD);
        // Some clients have no wish for the second.
        let names = if args.dir_count == 0 { args.max_count } else { args.dir_count.max(1024) };
        let room = Room { all: left(args.max_count), names: left(names) };
        let wanted =
            Wanted { dir: args.dir, cookie: args.cookie.raw(), verifier: args.cookie_verifier, room, plus: true };
        let page = self.at(move |at| page(at, &who, &wanted)).await;
        let page = page.map_err(|error| read_dir_plus::Fail { error: status(error), dir_attr: None })?;
        let entry = |line: Line| read_dir_plus::Entry {
            file_id: u64::from(line.id),
            file_name: line.name,
            cookie: Cookie::new(line.cookie),
            file_attr: Some(attr(page.generation, line.id, &line.stat)),
            file_handle: Some(handle(page.generation, line.id)),
        };
        Ok(read_dir_plus::Success {
            dir_attr: Some(page.own),
            cookie_verifier: page.verifier,
            entries: page.lines.into_iter().map(entry).collect(),
            eof: page.eof,
        })
    }
}
