//! Files that only their owner may read. What they hold is in no mistake, no event and no screen.

use super::{Login, read::Reader, value};
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

/// Bits of the mode that let others in.
const OTHERS: u32 = 0o077;

/// `text` without the user and password that a URL may hold, whether it makes sense or not.
pub fn masked(text: &str) -> String {
    let begin = text.find("://").map_or(0, |at| at + 3);
    match text[begin..].rfind('@') {
        Some(at) => format!("{}…{}", &text[..begin], &text[begin + at..]),
        None => text.to_owned(),
    }
}

impl Reader<'_> {
    /// `user:password` of a file that may be missing. One that others can read is a mistake, and not used.
    pub fn login(&mut self, path: &Path, last: Option<Login>) -> Option<Login> {
        let mode = fs::metadata(self.dir.join(path)).ok()?.permissions().mode() & 0o777;
        if mode & OTHERS != 0 {
            self.mistake(path, &format!("mode {mode:04o}"), "for its owner alone: chmod 600 it");
            return None;
        }
        self.optional(path, value::login, last)
    }
}
