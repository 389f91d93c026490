//! Files that only their owner may read. What they hold is in no mistake, no event and no screen.

use super::{
    Login, Secret, Secrets,
    page::{self, Page, User},
    read::{Reader, WITH_LOGIN},
    value,
};
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
    /// The secrets of a folder that are for machines, by name: not those of what switches machines, nor `others`.
    pub fn secrets(&mut self, folder: &Path, last: Option<&Secrets>, others: &[&str]) -> Secrets {
        let mut secrets = Secrets::new();
        for (file, is_folder) in self.names(folder) {
            let Some(name) = file.strip_suffix(".secret").filter(|_| !is_folder) else { continue };
            if others.contains(&name) || WITH_LOGIN.iter().any(|(_, login)| *login == file) {
                continue;
            }
            let path = folder.join(&file);
            let last = last.and_then(|secrets| secrets.get(name)).map(|secret| secret.0.clone());
            if self.is_private(&path)
                && let Some(text) = self.optional(&path, value::line, last)
            {
                secrets.insert(name.to_owned(), Secret(text));
            }
        }
        secrets
    }

    /// The one line of a secret. One that others can read is a mistake, and not used.
    pub fn secret(&mut self, path: &Path) -> Option<Secret> {
        if self.is_private(path) { self.optional(path, value::line, None).map(Secret) } else { None }
    }

    /// False, and a mistake, where others may read the file.
    fn is_private(&mut self, path: &Path) -> bool {
        let mode = fs::metadata(self.dir.join(path)).map_or(0, |meta| meta.permissions().mode() & 0o777);
        if mode & OTHERS != 0 {
            self.mistake(path, &format!("mode {mode:04o}"), "for its owner alone: chmod 600 it");
        }
        mode & OTHERS == 0
    }

    /// `user:password` of a file that may be missing. One that others can read is a mistake, and not used.
    pub fn login(&mut self, path: &Path, last: Option<Login>) -> Option<Login> {
        if self.is_private(path) { self.optional(path, value::login, last) } else { None }
    }

    /// Who may log in by the page: nobody, where all were taken out. Hashes of passwords that all can read are worth a try.
    pub fn users(&mut self, last: Option<Vec<User>>) -> Option<Vec<User>> {
        let path = Path::new("page.users");
        if self.is_private(path) && !self.says_nothing(path) { self.optional(path, page::users, last) } else { None }
    }

    /// The page: as it is without the file, where it says nothing. Else who was trusted would be still.
    pub fn page(&mut self, last: Option<Page>) -> Option<Page> {
        let path = Path::new("page");
        if self.says_nothing(path) { None } else { self.optional(path, page::page, last) }
    }

    /// The file is there, and has no line that is no comment.
    fn says_nothing(&self, path: &Path) -> bool {
        let is_comment = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
        let file = self.dir.join(path);
        // What is no plain file, the reader tells of.
        let is_file = fs::metadata(&file).is_ok_and(|meta| meta.is_file() && meta.len() <= super::read::LARGEST);
        is_file && fs::read_to_string(file).is_ok_and(|text| text.lines().all(is_comment))
    }
}
