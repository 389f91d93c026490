//! The programs that are started for the operator, and the Debian packages that bring them.

use std::{
    env,
    ffi::OsString,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Programs whose package has another name.
const PACKAGES: [(&str, &str); 9] = [
    ("ssh", "openssh-client"),
    ("setpriv", "util-linux"),
    ("sh", "dash"),
    ("env", "coreutils"),
    ("dumpcap", "wireshark-common"),
    ("foot", "foot"),
    ("kitty", "kitty"),
    ("alacritty", "alacritty"),
    ("gnome-terminal", "gnome-terminal"),
];
/// Where programs are beside PATH: sudo and systemd leave some out.
const PLACES: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// A program that is not installed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{program} is not installed: apt install {package}")]
pub struct Missing {
    /// Its name.
    pub program: String,
    /// The Debian package that brings it.
    pub package: String,
}

/// Where a program is.
pub fn find(program: &str) -> Result<PathBuf, Missing> {
    find_in(program, env::var_os("PATH"))
}

fn find_in(program: &str, path: Option<OsString>) -> Result<PathBuf, Missing> {
    let path = path.unwrap_or_default();
    let folders = env::split_paths(&path).chain(PLACES.map(PathBuf::from));
    let found = folders.map(|folder| folder.join(program)).find(|file| is_program(file));
    found.ok_or_else(|| {
        let package = PACKAGES.iter().find(|(name, _)| *name == program).map_or(program, |(_, package)| package);
        Missing { program: program.to_owned(), package: package.to_owned() }
    })
}

fn is_program(file: &Path) -> bool {
    file.metadata().is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_its_package() {
        let words = |program: &str| find_in(program, None).unwrap_err().to_string();
        assert_eq!(words("no-such-xterm"), "no-such-xterm is not installed: apt install no-such-xterm");
        let ssh = Missing { program: "ssh".into(), package: "openssh-client".into() };
        assert_eq!(ssh.to_string(), "ssh is not installed: apt install openssh-client");
    }

    #[test]
    fn found_in_path_and_where_sudo_does_not_look() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("xterm");
        std::fs::write(&file, "").unwrap();
        let path = Some(folder.path().as_os_str().to_owned());
        assert_ne!(find_in("xterm", path.clone()).ok(), Some(file.clone()), "it cannot be run");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(find_in("xterm", path), Ok(file));
        assert!(find_in("sh", None).is_ok());
    }
}
