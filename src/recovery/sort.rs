//! Which files somebody wrote, and which say who a machine is or are made by programs. Pure.

use crate::recipe::left_out;

/// What a file is for one who makes a machine like it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Another machine has its own, or makes it itself: why.
    Left(&'static str),
    /// Where packages come from: it has to be there before they are installed.
    Source,
    /// Somebody wrote it.
    Plain,
}

const SOURCE: &[&str] = &["etc/apt/", "usr/share/keyrings/"];

/// What a file is for one who makes a machine like it; `path` is below the root. Where packages are `other`, what is theirs alone
/// comes and goes with them.
pub fn class(path: &[u8], other: bool) -> Class {
    let is_source = SOURCE.iter().any(|folder| path.starts_with(folder.as_bytes()));
    match left_out(path, other && !is_source) {
        Some(why) => Class::Left(why),
        None if is_source => Class::Source,
        None => Class::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_sorted() {
        for (path, expected) in [
            ("etc/hostname", None),
            ("etc/passwd", None),
            ("usr/bin/vim", None),
            ("etc/ssh/sshd_config", Some(Class::Plain)),
            ("var/lib/postgresql/x", Some(Class::Plain)),
            ("etc/apt", Some(Class::Plain)),
            ("etc/apt/sources.list.d/own.list", Some(Class::Source)),
            ("usr/share/keyrings/own.gpg", Some(Class::Source)),
        ] {
            let found = Some(class(path.as_bytes(), true)).filter(|class| !matches!(class, Class::Left(_)));
            assert_eq!(found, expected, "{path}");
        }
    }
}
