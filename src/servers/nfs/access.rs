//! Who may do what with a file: the owner, group and others of Unix, asked by the numbers that a client tells. Pure.

use crate::roots::{Changes, Result, When};
use nix::{errno::Errno, sys::stat::FileStat};

/// To read a file, or to list a folder.
pub const READ: u32 = 4;
/// To write a file, or to change a folder.
pub const WRITE: u32 = 2;
/// To run a file, or to go through a folder.
pub const SEARCH: u32 = 1;

const STICKY: u32 = 0o1000;
const FOLDER: u32 = 0o040_000;
const KIND: u32 = 0o170_000;

/// Who calls, in the machine's own numbers. Its root is root here too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// User.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Its other groups.
    pub gids: Vec<u32>,
}

impl Who {
    /// Who tells nothing.
    pub fn nobody() -> Who {
        Who { uid: 65_534, gid: 65_534, gids: Vec::new() }
    }

    fn is_in(&self, group: u32) -> bool {
        self.gid == group || self.gids.contains(&group)
    }

    /// Which of [`READ`], [`WRITE`] and [`SEARCH`] it has.
    pub fn rights(&self, file: &FileStat) -> u32 {
        if self.uid == 0 {
            let runs = file.st_mode & 0o111 != 0 || file.st_mode & KIND == FOLDER;
            return READ | WRITE | if runs { SEARCH } else { 0 };
        }
        let shift = if self.uid == file.st_uid {
            6
        } else if self.is_in(file.st_gid) {
            3
        } else {
            0
        };
        file.st_mode >> shift & 7
    }

    /// That it has all of `wanted`.
    pub fn may(&self, file: &FileStat, wanted: u32) -> Result<()> {
        if self.rights(file) & wanted == wanted { Ok(()) } else { Err(Errno::EACCES) }
    }

    /// That it may read or write the file's content. The owner always may: it has opened the file when it was allowed to, and
    /// this server does not know of that. Who may run a file may read it, for that is how it is run.
    pub fn may_use(&self, file: &FileStat, wanted: u32) -> Result<()> {
        let rights = self.rights(file);
        let rights = if rights & SEARCH != 0 { rights | READ } else { rights };
        if self.uid == file.st_uid || rights & wanted == wanted { Ok(()) } else { Err(Errno::EACCES) }
    }

    /// That it may take the name of `file` away from `folder`.
    pub fn may_remove(&self, folder: &FileStat, file: &FileStat) -> Result<()> {
        self.may(folder, WRITE | SEARCH)?;
        let sticky = folder.st_mode & STICKY != 0;
        let own = [0, folder.st_uid, file.st_uid].contains(&self.uid);
        if !sticky || own { Ok(()) } else { Err(Errno::EPERM) }
    }

    /// That it may make these changes.
    pub fn may_change(&self, file: &FileStat, changes: &Changes) -> Result<()> {
        if self.uid == 0 {
            return Ok(());
        }
        let own = self.uid == file.st_uid;
        let gives_away = changes.uid.is_some_and(|uid| uid != file.st_uid)
            || changes.gid.is_some_and(|gid| gid != file.st_gid && !(own && self.is_in(gid)));
        let sets = |when: Option<When>| matches!(when, Some(When::At(..)));
        if gives_away || !own && (changes.mode.is_some() || sets(changes.atime) || sets(changes.mtime)) {
            return Err(Errno::EPERM);
        }
        let touches = changes.size.is_some() || changes.atime.is_some() || changes.mtime.is_some();
        if touches { self.may_use(file, WRITE) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(mode: u32, uid: u32, gid: u32) -> FileStat {
        let mut stat = nix::sys::stat::stat("/").unwrap();
        (stat.st_mode, stat.st_uid, stat.st_gid) = (mode, uid, gid);
        stat
    }

    fn who(uid: u32) -> Who {
        Who { uid, gid: 100, gids: vec![4, 27] }
    }

    #[test]
    fn rights() {
        for (uid, mode, owner, group, rights) in [
            (0, 0o100_000, 7, 7, 6),
            (0, 0o100_001, 7, 7, 7),
            (0, 0o040_000, 7, 7, 7),
            (7, 0o100_640, 7, 0, 6),
            (7, 0o100_077, 7, 100, 0),
            (8, 0o100_640, 7, 27, 4),
            (8, 0o100_604, 7, 100, 0),
            (8, 0o100_604, 7, 5, 4),
        ] {
            assert_eq!(who(uid).rights(&file(mode, owner, group)), rights, "{uid} of {mode:o} {owner}:{group}");
        }
    }

    #[test]
    fn changes() {
        let changes = Changes::default();
        let mode = Changes { mode: Some(0o600), ..changes };
        let touch = Changes { mtime: Some(When::Now), ..changes };
        let date = Changes { mtime: Some(When::At(1, 0)), ..changes };
        let give = Changes { uid: Some(9), ..changes };
        let group = Changes { gid: Some(27), ..changes };
        let (own, others) = (file(0o100_444, 7, 100), file(0o100_666, 9, 9));
        for (what, uid, file, changes, ends) in [
            ("root does all", 0, own, give, Ok(())),
            ("mode of its own", 7, own, mode, Ok(())),
            ("mode of another's", 7, others, mode, Err(Errno::EPERM)),
            ("touch what it may write", 7, others, touch, Ok(())),
            ("date what it may write", 7, others, date, Err(Errno::EPERM)),
            ("touch what it may not write", 8, own, touch, Err(Errno::EACCES)),
            ("give away", 7, own, give, Err(Errno::EPERM)),
            ("to a group of its own", 7, own, group, Ok(())),
            ("another's to a group", 7, others, group, Err(Errno::EPERM)),
        ] {
            assert_eq!(who(uid).may_change(&file, &changes), ends, "{what}");
        }
        let tmp = file(0o041_777, 0, 0);
        assert_eq!(who(7).may_remove(&tmp, &own), Ok(()));
        assert_eq!(who(8).may_remove(&tmp, &own), Err(Errno::EPERM));
        assert_eq!(who(8).may_remove(&file(0o040_755, 0, 0), &own), Err(Errno::EACCES));
    }
}
