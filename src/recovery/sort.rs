//! Which files say who a machine is, which are made by programs, and which somebody wrote. Pure.

/// What a file is for one who makes a machine like it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It says which machine this is: another one has its own.
    Identity,
    /// Users and groups: made by commands, since other lines of it are another machine's.
    Account,
    /// A program makes it of other files.
    Derived,
    /// Where packages come from: it has to be there before they are installed.
    Source,
    /// Somebody wrote it.
    Plain,
}

/// Files that say which machine this is.
const IDENTITY: &[&str] = &["etc/hostname", "etc/machine-id", "var/lib/dbus/machine-id", "etc/mailname", "etc/adjtime"];
const ACCOUNT: &[&str] = &["etc/passwd", "etc/group", "etc/shadow", "etc/gshadow", "etc/subuid", "etc/subgid"];
const DERIVED: &[&str] = &[
    "etc/passwd-",
    "etc/group-",
    "etc/shadow-",
    "etc/gshadow-",
    "etc/subuid-",
    "etc/subgid-",
    "etc/.pwd.lock",
    "etc/ld.so.cache",
    "etc/mtab",
    "etc/resolv.conf",
    "etc/.resolv.conf.systemd-resolved.bak",
    "etc/.updated",
    "var/.updated",
];
/// Folders in which programs keep what they make.
const KEPT: &[&str] = &[
    "var/cache/",
    "var/lib/apt/",
    "var/lib/dpkg/",
    "var/lib/systemd/",
    "var/lib/ucf/",
    "var/lib/pam/",
    "var/log/",
    "var/tmp/",
    "run/",
    "tmp/",
    "proc/",
    "sys/",
    "dev/",
];
const SOURCE: &[&str] = &["etc/apt/", "usr/share/keyrings/"];

/// What a file is for one who makes a machine like it; `path` is below the root.
pub fn class(path: &[u8]) -> Class {
    let is = |known: &[&str]| known.iter().any(|known| known.as_bytes() == path);
    let within = |known: &[&str]| known.iter().any(|folder| path.starts_with(folder.as_bytes()));
    if is(IDENTITY) || path.starts_with(b"etc/ssh/ssh_host_") {
        Class::Identity
    } else if is(ACCOUNT) {
        Class::Account
    } else if is(DERIVED) || within(KEPT) {
        Class::Derived
    } else if within(SOURCE) {
        Class::Source
    } else {
        Class::Plain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_sorted() {
        for (path, expected) in [
            ("etc/hostname", Class::Identity),
            ("etc/ssh/ssh_host_ed25519_key.pub", Class::Identity),
            ("etc/ssh/sshd_config", Class::Plain),
            ("etc/passwd", Class::Account),
            ("etc/passwd-", Class::Derived),
            ("var/lib/dpkg/status", Class::Derived),
            ("var/lib/postgresql/x", Class::Plain),
            ("etc/apt/sources.list.d/own.list", Class::Source),
            ("etc/apt", Class::Plain),
        ] {
            assert_eq!(class(path.as_bytes()), expected, "{path}");
        }
    }
}
