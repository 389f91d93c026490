//! One file of a machine as the record has it: everything but its bytes.

use std::collections::BTreeMap;

/// A file, a folder, a link, a special file, or the mark of one that is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Below the machine's root, without a leading `/`; any bytes but 0.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    /// The lower twelve bits.
    pub mode: u32,
    /// Its owner, by the machine's own numbers.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// When it was last written: seconds and nanoseconds since 1970. A change of it alone is no change.
    pub mtime: (i64, u32),
    /// Extended attributes (capabilities, access lists), by name; those of overlayfs are left out.
    pub attributes: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Another name of the same file, which comes before it.
    pub same_as: Option<Vec<u8>>,
}

#[cfg(test)]
impl Entry {
    /// Root's, readable by all, of 1970.
    pub(crate) fn plain(path: impl Into<Vec<u8>>, kind: Kind) -> Entry {
        let (path, attributes) = (path.into(), BTreeMap::new());
        Entry { path, kind, mode: 0o644, uid: 0, gid: 0, mtime: (0, 0), attributes, same_as: None }
    }
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file of so many bytes, which git keeps as `blob`.
    File {
        /// Bytes.
        size: u64,
        /// git's name of its content.
        blob: String,
    },
    /// A file that is kept encrypted, as `PATH.age`; `digest` tells whether it is another, and nothing else.
    Secret {
        /// HMAC-SHA-256 of its content, in hexadecimal.
        digest: String,
    },
    /// A folder.
    Folder,
    /// A symbolic link.
    Link {
        /// To where; any bytes.
        target: Vec<u8>,
    },
    /// A character device.
    Character(u32, u32),
    /// A block device.
    Block(u32, u32),
    /// A named pipe.
    Pipe,
    /// A socket.
    Socket,
    /// The base has it, and the machine removed it.
    Removed,
}
