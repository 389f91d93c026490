//! From the kernel's words to those of NFS.

use crate::roots::{Changed, Changes, Id, When};
use nfs_mamont::vfs::{
    self, WccData,
    file::{Attr, Device, Handle, Time, Type, WccAttr},
    set_attr::{NewAttr, SetTime},
};
use nix::{
    errno::Errno,
    sys::stat::{FileStat, SFlag, major, minor},
};

// Errors of NFS that the kernel has no word for are told by one that no disk gives here.
/// NFS3ERR_NOT_SYNC.
pub const NOT_SYNC: Errno = Errno::EUCLEAN;
/// NFS3ERR_TOOSMALL.
pub const TOO_SMALL: Errno = Errno::EMSGSIZE;
/// NFS3ERR_BAD_COOKIE.
pub const BAD_COOKIE: Errno = Errno::EBADMSG;

/// The handle of a file.
pub fn handle(generation: u32, id: Id) -> Handle {
    let mut payload = [0; 8];
    payload[..4].copy_from_slice(&generation.to_be_bytes());
    payload[4..].copy_from_slice(&id.to_be_bytes());
    Handle::new(0, payload)
}

/// What went wrong (RFC 1813, section 2.6).
pub fn status(error: Errno) -> vfs::Error {
    match error {
        Errno::EPERM => vfs::Error::Permission,
        Errno::ENOENT => vfs::Error::NoEntry,
        Errno::ENXIO => vfs::Error::NXIO,
        Errno::EACCES => vfs::Error::Access,
        Errno::EEXIST => vfs::Error::Exist,
        Errno::EXDEV => vfs::Error::XDev,
        Errno::ENODEV => vfs::Error::NoDev,
        Errno::ENOTDIR => vfs::Error::NotDir,
        Errno::EISDIR => vfs::Error::IsDir,
        Errno::EINVAL => vfs::Error::InvalidArgument,
        Errno::EFBIG => vfs::Error::FileTooLarge,
        Errno::ENOSPC => vfs::Error::NoSpace,
        Errno::EROFS => vfs::Error::ReadOnlyFs,
        Errno::EMLINK => vfs::Error::TooManyLinks,
        Errno::ENAMETOOLONG => vfs::Error::NameTooLong,
        Errno::ENOTEMPTY => vfs::Error::NotEmpty,
        Errno::EDQUOT => vfs::Error::QuotaExceeded,
        Errno::ESTALE => vfs::Error::StaleFile,
        Errno::EOPNOTSUPP => vfs::Error::NotSupported,
        NOT_SYNC => vfs::Error::NotSync,
        TOO_SMALL => vfs::Error::TooSmall,
        BAD_COOKIE => vfs::Error::BadCookie,
        _ => vfs::Error::IO,
    }
}

fn time(seconds: i64, nanoseconds: i64) -> Time {
    let seconds = u32::try_from(seconds).unwrap_or(if seconds < 0 { 0 } else { u32::MAX });
    Time { seconds, nanos: u32::try_from(nanoseconds).unwrap_or(0) }
}

/// What is said of a file.
pub fn attr(generation: u32, id: Id, stat: &FileStat) -> Attr {
    let file_type = match SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT {
        SFlag::S_IFDIR => Type::Directory,
        SFlag::S_IFLNK => Type::Symlink,
        SFlag::S_IFBLK => Type::BlockDevice,
        SFlag::S_IFCHR => Type::CharacterDevice,
        SFlag::S_IFIFO => Type::Fifo,
        SFlag::S_IFSOCK => Type::Socket,
        _ => Type::Regular,
    };
    let part = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    Attr {
        file_type,
        mode: stat.st_mode & 0o7777,
        nlink: u32::try_from(stat.st_nlink).unwrap_or(u32::MAX),
        uid: stat.st_uid,
        gid: stat.st_gid,
        size: u64::try_from(stat.st_size).unwrap_or(0),
        used: u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512),
        device: Device { major: part(major(stat.st_rdev)), minor: part(minor(stat.st_rdev)) },
        fs_id: u64::from(generation),
        file_id: u64::from(id),
        atime: time(stat.st_atime, stat.st_atime_nsec),
        mtime: time(stat.st_mtime, stat.st_mtime_nsec),
        ctime: time(stat.st_ctime, stat.st_ctime_nsec),
    }
}

/// How a file was before a change.
pub fn before(stat: &FileStat) -> WccAttr {
    WccAttr {
        size: u64::try_from(stat.st_size).unwrap_or(0),
        mtime: time(stat.st_mtime, stat.st_mtime_nsec),
        ctime: time(stat.st_ctime, stat.st_ctime_nsec),
    }
}

/// How a file was before and after a change; of an unknown one nothing.
pub fn around<T>(whose: Option<(u32, Id)>, changed: &Changed<T>) -> WccData {
    let after = whose.and_then(|(generation, id)| Some(attr(generation, id, changed.after.as_ref()?)));
    WccData { before: changed.before.as_ref().map(before), after }
}

/// Changes that a client asks for.
pub fn changes(new: &NewAttr) -> Changes {
    let when = |set: SetTime| match set {
        SetTime::DontChange => None,
        SetTime::ToServer => Some(When::Now),
        SetTime::ToClient(Time { seconds, nanos }) => {
            Some(When::At(i64::from(seconds), i64::from(nanos.min(999_999_999))))
        }
    };
    Changes {
        mode: new.mode.map(|mode| mode & 0o7777),
        uid: new.uid,
        gid: new.gid,
        size: new.size,
        atime: when(new.atime),
        mtime: when(new.mtime),
    }
}
