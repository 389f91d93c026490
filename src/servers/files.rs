//! Opens files below `tftpboot`, and never any other.

use crate::event::Refusal;
use nix::{
    errno::Errno,
    fcntl::{OFlag, OpenHow, ResolveFlag, open, openat2},
    sys::stat::Mode,
};
use std::{fs::File, path::Path};

/// Opens `path` below `root` for reading, with its size in bytes. The kernel itself refuses links that lead out
/// (openat2(2), RESOLVE_BENEATH), so that there is no race to win.
pub fn open_below(root: &Path, path: &str) -> Result<(File, u64), Refusal> {
    let unreadable = |error: &dyn std::fmt::Display| Refusal::Unreadable { error: error.to_string() };
    let folder = open(root, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())
        .map_err(|error| unreadable(&error))?;
    // Without O_NONBLOCK a named pipe would be waited for.
    let how = OpenHow::new()
        .flags(OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)
        .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS);
    let file = openat2(&folder, path, how).map(File::from).map_err(|error| match error {
        Errno::ENOENT | Errno::ENOTDIR => Refusal::Missing { path: format!("tftpboot/{path}") },
        Errno::EXDEV | Errno::ELOOP => Refusal::Outside,
        Errno::ENXIO | Errno::EISDIR => Refusal::NotAFile,
        other => unreadable(&other),
    })?;
    let meta = file.metadata().map_err(|error| unreadable(&error))?;
    if meta.is_file() { Ok((file, meta.len())) } else { Err(Refusal::NotAFile) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn nothing_outside_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("tftpboot");
        std::fs::create_dir_all(root.join("sub")).unwrap();
        std::fs::write(folder.path().join("secret"), "s").unwrap();
        std::fs::write(root.join("file"), "12345").unwrap();
        symlink("../file", root.join("sub/inside")).unwrap();
        symlink("../secret", root.join("out")).unwrap();
        symlink("/etc/passwd", root.join("absolute")).unwrap();
        nix::unistd::mkfifo(&root.join("pipe"), Mode::from_bits_truncate(0o600)).unwrap();
        let opened = |path| open_below(&root, path).map(|(_, size)| size);
        assert_eq!((opened("file"), opened("sub/inside")), (Ok(5), Ok(5)));
        for (path, refusal) in [
            ("out", Refusal::Outside),
            ("absolute", Refusal::Outside),
            ("../secret", Refusal::Outside),
            ("/etc/passwd", Refusal::Outside),
            ("sub", Refusal::NotAFile),
            ("pipe", Refusal::NotAFile),
            ("nothing", Refusal::Missing { path: "tftpboot/nothing".into() }),
            ("file/x", Refusal::Missing { path: "tftpboot/file/x".into() }),
        ] {
            assert_eq!(opened(path), Err(refusal), "{path}");
        }
    }
}
