//! Files put back into the layer of a machine that is off: by names below real folders only, since a machine made the layer.

use crate::roots::Own;
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use std::{
    ffi::OsStr,
    fs,
    io::{self, Write},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Puts what `folder` has below the paths `put` into the layer, takes `remove` out of it, and hides `hide` of the base. Servers are
/// kept out meanwhile.
pub fn put(own: &Own, folder: &Path, put: &[Vec<u8>], remove: &[Vec<u8>], hide: &[Vec<u8>]) -> Result<(), String> {
    let upper = own.upper();
    let work = || -> io::Result<()> {
        let mut gone: Vec<&Vec<u8>> = remove.iter().chain(hide).collect();
        // What is in a folder comes before it.
        gone.sort();
        for path in gone.into_iter().rev() {
            take_out(&place(&upper, path)?)?;
        }
        for path in hide {
            mknod(&place(&upper, path)?, SFlag::S_IFCHR, Mode::empty(), makedev(0, 0))?;
        }
        let mut paths = Vec::new();
        for path in put {
            let at = place(&upper, path)?;
            let is_folder = |path: &Path| fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir());
            if !(is_folder(&at) && is_folder(&folder.join(OsStr::from_bytes(path)))) {
                take_out(&at)?;
            }
            paths.extend_from_slice(path);
            paths.push(0);
        }
        if paths.is_empty() { Ok(()) } else { copy(folder, &upper, &paths) }
    };
    let mut done = Ok(());
    let rested = own.at_rest(false, || {
        done = work();
        Ok(())
    });
    rested.map_err(|trouble| trouble.to_string())?;
    done.map_err(|error| format!("{}: {error}; see its rights and its disk", upper.display()))
}

/// Where a path is in the layer; all folders above it are folders.
fn place(upper: &Path, path: &[u8]) -> io::Result<PathBuf> {
    for (end, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
        let above = upper.join(OsStr::from_bytes(path.get(..end).unwrap_or_default()));
        match fs::symlink_metadata(&above) {
            Ok(meta) if meta.is_dir() => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Ok(_) => return Err(io::Error::other(format!("{} is no folder", above.display()))),
            Err(error) => return Err(error),
        }
    }
    Ok(upper.join(OsStr::from_bytes(path)))
}

/// A folder stays where something is in it.
fn take_out(at: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(at) {
        Ok(meta) if meta.is_dir() => fs::remove_dir(at),
        Ok(_) => fs::remove_file(at),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn copy(folder: &Path, upper: &Path, paths: &[u8]) -> io::Result<()> {
    let mut command = Command::new("rsync");
    command.args(["-dlptgoDHAXS", "--checksum", "--files-from=-", "--from0", "--"]);
    command.arg(folder.canonicalize()?.join("")).arg(upper.canonicalize()?.join(""));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(paths)?;
    }
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(io::Error::other(said)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_put_behind_a_link() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("etc")).unwrap();
        std::os::unix::fs::symlink("/tmp", folder.path().join("etc/link")).unwrap();
        assert_eq!(place(folder.path(), b"etc/motd").unwrap(), folder.path().join("etc/motd"));
        assert!(place(folder.path(), b"new/motd").is_ok());
        assert!(place(folder.path(), b"etc/link/motd").is_err());
    }
}
