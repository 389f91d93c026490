//! The form in which the index is kept in its file: a head, then records, each written at once and never changed. Pure but
//! for writing.

use super::{Id, layers::Layer};
use std::{fs::File, io::Write};

const MAGIC: &[u8; 4] = b"PXI1";
/// Bytes of the head: magic and generation.
pub const HEAD: usize = 8;

/// Which file of which layer a node is; folders, of which there is one by a name, have none.
pub type Key = Option<(Layer, u64)>;

/// One change of the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// `name` of `parent` is `node`.
    Bound {
        /// The place of the name among all names.
        serial: Id,
        /// The file.
        node: Id,
        /// The folder.
        parent: Id,
        /// What it is on the disk.
        key: Key,
        /// In the folder.
        name: &'a [u8],
    },
    /// `name` of `parent` is nothing any more.
    Unbound {
        /// The folder.
        parent: Id,
        /// In the folder.
        name: &'a [u8],
    },
    /// `node` is another file on the disk now.
    Rekeyed {
        /// The file.
        node: Id,
        /// What it is on the disk.
        key: Key,
    },
}

/// The head of an index of this generation.
pub fn head(generation: u32) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    head[..4].copy_from_slice(MAGIC);
    head[4..].copy_from_slice(&generation.to_le_bytes());
    head
}

/// The generation that a head tells; none where it is no head of an index.
pub fn generation(bytes: &[u8]) -> Option<u32> {
    let (magic, rest) = bytes.split_first_chunk::<4>()?;
    (magic == MAGIC).then(|| rest.first_chunk().map(|four| u32::from_le_bytes(*four)))?
}

/// FNV-1a: tells a record from what a broken disk left in its place.
fn sum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |sum, byte| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

fn put_key(out: &mut Vec<u8>, key: Key) {
    let (layer, inode) = match key {
        None => (0, 0),
        Some((Layer::Upper, inode)) => (1, inode),
        Some((Layer::Lower, inode)) => (2, inode),
    };
    out.push(layer);
    out.extend_from_slice(&inode.to_le_bytes());
}

impl Record<'_> {
    /// Appends the record to `out`: length, content, sum.
    pub fn put(&self, out: &mut Vec<u8>) {
        let begin = out.len();
        out.extend_from_slice(&[0; 2]);
        match self {
            Record::Bound { serial, node, parent, key, name } => {
                out.push(1);
                for number in [serial, node, parent] {
                    out.extend_from_slice(&number.to_le_bytes());
                }
                put_key(out, *key);
                out.extend_from_slice(name);
            }
            Record::Unbound { parent, name } => {
                out.push(2);
                out.extend_from_slice(&parent.to_le_bytes());
                out.extend_from_slice(name);
            }
            Record::Rekeyed { node, key } => {
                out.push(3);
                out.extend_from_slice(&node.to_le_bytes());
                put_key(out, *key);
            }
        }
        let content = out.get(begin + 2..).unwrap_or_default();
        let (length, sum) = (u16::try_from(content.len()).unwrap_or(u16::MAX), sum(content));
        if let Some(place) = out.get_mut(begin..begin + 2) {
            place.copy_from_slice(&length.to_le_bytes());
        }
        out.extend_from_slice(&sum.to_le_bytes());
    }

    /// The first record of `bytes`, and what follows it; none at the end, or where what comes is no record.
    pub fn take(bytes: &[u8]) -> Option<(Record<'_>, &[u8])> {
        let (length, rest) = bytes.split_first_chunk::<2>()?;
        let (content, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        let (told, rest) = rest.split_first_chunk::<4>()?;
        if u32::from_le_bytes(*told) != sum(content) {
            return None;
        }
        let (which, mut at) = content.split_first()?;
        let record = match which {
            1 => {
                let (serial, node, parent) = (number(&mut at)?, number(&mut at)?, number(&mut at)?);
                Record::Bound { serial, node, parent, key: take_key(&mut at)?, name: at }
            }
            2 => Record::Unbound { parent: number(&mut at)?, name: at },
            3 => Record::Rekeyed { node: number(&mut at)?, key: take_key(&mut at)? },
            _ => return None,
        };
        Some((record, rest))
    }
}

fn number(at: &mut &[u8]) -> Option<u32> {
    let (four, rest) = at.split_first_chunk()?;
    *at = rest;
    Some(u32::from_le_bytes(*four))
}

fn take_key(at: &mut &[u8]) -> Option<Key> {
    let (layer, rest) = at.split_first()?;
    let (eight, rest) = rest.split_first_chunk()?;
    *at = rest;
    let inode = u64::from_le_bytes(*eight);
    match layer {
        0 => Some(None),
        1 => Some(Some((Layer::Upper, inode))),
        2 => Some(Some((Layer::Lower, inode))),
        _ => None,
    }
}

/// Writes of `pending` what the disk takes. What it does not take, being full, waits for the next time.
pub fn append(file: &mut File, pending: &mut Vec<u8>) {
    while !pending.is_empty() {
        match file.write(pending) {
            Ok(0) => return,
            Ok(written) => drop(pending.drain(..written)),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_back_up_to_where_they_break() {
        let all = [
            Record::Bound { serial: 7, node: 5, parent: 1, key: Some((Layer::Lower, u64::MAX)), name: b"etc" },
            Record::Rekeyed { node: 5, key: Some((Layer::Upper, 12)) },
            Record::Unbound { parent: 1, name: b"x\xff" },
            Record::Bound { serial: 8, node: 8, parent: 5, key: None, name: &[b'n'; 255] },
        ];
        let mut bytes = Vec::new();
        all.iter().for_each(|record| record.put(&mut bytes));
        let read = |mut bytes: &[u8]| {
            let mut count = 0;
            while let Some((record, rest)) = Record::take(bytes) {
                assert_eq!(record, all[count]);
                (count, bytes) = (count + 1, rest);
            }
            count
        };
        assert_eq!(read(&bytes), 4);
        assert_eq!(read(&bytes[..bytes.len() - 1]), 3);
        let mut zeros = bytes.clone();
        zeros.extend([0; 64]);
        assert_eq!(read(&zeros), 4);
        bytes[40] ^= 1;
        assert_eq!(read(&bytes), 1);
        assert_eq!((generation(&head(77)), generation(b"PXI1"), generation(b"SQLite  ")), (Some(77), None, None));
    }
}
