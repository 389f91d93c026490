//! Extended attributes of files.

use super::{Result, errno};
use nix::errno::Errno;
use std::os::fd::AsFd;

/// Those that mark an opaque folder; the first that can be set is used.
const OPAQUE: [&str; 2] = ["trusted.overlay.opaque", "user.overlay.opaque"];

/// Whether `folder` hides what is below it.
pub fn is_opaque(folder: impl AsFd) -> Result<bool> {
    for name in OPAQUE {
        let mut value = [0u8; 8];
        match rustix::fs::fgetxattr(&folder, name, &mut value[..]) {
            Ok(length) => return Ok(value.get(..length) == Some(b"y")),
            Err(rustix::io::Errno::NODATA | rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::RANGE) => {}
            Err(error) => return Err(errno(error)),
        }
    }
    Ok(false)
}

/// Makes `folder` hide what is below it.
pub fn set_opaque(folder: impl AsFd) -> Result<()> {
    let mut refused = Errno::EOPNOTSUPP;
    for name in OPAQUE {
        match rustix::fs::fsetxattr(&folder, name, b"y", rustix::fs::XattrFlags::empty()) {
            Ok(()) => return Ok(()),
            Err(error) => refused = errno(error),
        }
    }
    Err(refused)
}

/// Gives `to` the attributes that `from` has: capabilities and access lists among them. Overlayfs's own marks stay behind,
/// and so does what the file system of `to` does not take.
pub fn copy(from: impl AsFd, to: impl AsFd) -> Result<()> {
    let mut names = vec![0u8; 64 << 10];
    let length = match rustix::fs::flistxattr(&from, &mut names[..]) {
        Ok(length) => length,
        Err(rustix::io::Errno::OPNOTSUPP) => return Ok(()),
        Err(error) => return Err(errno(error)),
    };
    let own = |name: &[u8]| name.starts_with(b"trusted.overlay.") || name.starts_with(b"user.overlay.");
    for name in names.get(..length).unwrap_or_default().split(|byte| *byte == 0) {
        if name.is_empty() || own(name) {
            continue;
        }
        let mut value = vec![0u8; 64 << 10];
        let Ok(length) = rustix::fs::fgetxattr(&from, name, &mut value[..]) else { continue };
        let value = value.get(..length).unwrap_or_default();
        match rustix::fs::fsetxattr(&to, name, value, rustix::fs::XattrFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::PERM) => {}
            Err(error) => return Err(errno(error)),
        }
    }
    Ok(())
}
