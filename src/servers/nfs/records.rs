//! Records of remote calls on a connection (RFC 5531, section 11): where each begins, and whether it may be passed on. Pure.

use super::call::LOCKS;
#[cfg(test)]
use super::call::{MOUNT, NFS};

/// Bytes of a record's length.
const LENGTH: usize = 4;
/// Length, transaction, kind, version of remote calls, program: what is looked at of a call.
const HEAD: usize = 20;
/// The most that a record may have: a write of the largest size that is offered, and its head.
const LONGEST: u32 = (1 << 20) + 4096;

/// Follows the records of one direction of a connection.
#[derive(Debug, Default)]
pub struct Records {
    head: Vec<u8>,
    /// Bytes of the record that are still to come after its head.
    rest: usize,
    calls: bool,
}

/// What a connection brings that is no call of NFS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Garbage {
    /// The length is that of no record.
    #[error("a record of {0:#x} is no call of NFS; a call has 40 to {LONGEST} bytes and is in one piece")]
    Length(u32),
    /// It is no call.
    #[error("a record is no remote call of version 2")]
    NoCall,
    /// Locks are not kept here.
    #[error("the lock manager was called, which is not here; machines mount with nolock")]
    Locks,
}

impl Records {
    /// Of calls, which are checked; or of answers, which are only counted.
    pub fn new(calls: bool) -> Records {
        Records { calls, ..Records::default() }
    }

    /// How many bytes of `bytes` belong to the record that is under way; none are left of it where that is fewer than all.
    /// True where with them a record's head became known, which is once a record.
    pub fn follow(&mut self, bytes: &[u8]) -> Result<(usize, bool), Garbage> {
        if self.rest > 0 {
            let taken = self.rest.min(bytes.len());
            self.rest -= taken;
            return Ok((taken, false));
        }
        let wanted = if self.calls { HEAD } else { LENGTH };
        let taken = (wanted - self.head.len()).min(bytes.len());
        self.head.extend_from_slice(bytes.get(..taken).unwrap_or_default());
        let word = |n: usize| {
            let four = self.head.get(n * LENGTH..).and_then(<[u8]>::first_chunk);
            four.map_or(0, |four| u32::from_be_bytes(*four))
        };
        // The length is looked at as soon as it is there: what follows may never come.
        let length = word(0) & 0x7fff_ffff;
        if self.calls && self.head.len() >= LENGTH && (word(0) >> 31 == 0 || !(40..=LONGEST).contains(&length)) {
            return Err(Garbage::Length(word(0)));
        }
        if self.head.len() < wanted {
            return Ok((taken, false));
        }
        if self.calls {
            if (word(2), word(3)) != (0, 2) {
                return Err(Garbage::NoCall);
            }
            // Other programs are answered that they are not here. This one would be kept for, without end.
            if word(4) == LOCKS {
                return Err(Garbage::Locks);
            }
        }
        self.rest = (length as usize + LENGTH).saturating_sub(wanted);
        self.head.clear();
        Ok((taken, true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servers::nfs::xdr::words;

    fn count(records: &mut Records, bytes: &[u8], piece: usize) -> Result<usize, Garbage> {
        let mut count = 0;
        for mut piece in bytes.chunks(piece) {
            while !piece.is_empty() {
                let (taken, begun) = records.follow(piece)?;
                count += usize::from(begun);
                piece = &piece[taken..];
            }
        }
        Ok(count)
    }

    fn record(length: u32, program: u32) -> Vec<u8> {
        let mut bytes = words(&[0x8000_0000 | length, 1, 0, 2, program]);
        bytes.resize(length as usize + 4, 0xff);
        bytes
    }

    #[test]
    fn records_are_counted_however_they_come() {
        let calls = [record(40, NFS), record(101, MOUNT), record(3000, NFS), record(40, NFS)].concat();
        for piece in [1, 3, 19, 20, 64, 1000, calls.len()] {
            assert_eq!(count(&mut Records::new(true), &calls, piece), Ok(4), "in pieces of {piece}");
        }
        let answers = [words(&[0x8000_0004, 1]), words(&[0x8000_0000]), words(&[0x8000_0008, 1, 2])].concat();
        for piece in [1, 5, answers.len()] {
            assert_eq!(count(&mut Records::new(false), &answers, piece), Ok(3));
        }
    }

    #[test]
    fn what_is_no_call_is_found_at_its_head() {
        for (bytes, garbage) in [
            (b"GET / HTTP/1.1\r\n".to_vec(), Garbage::Length(u32::from_be_bytes(*b"GET "))),
            (words(&[0x8000_0004]), Garbage::Length(0x8000_0004)),
            (words(&[0x0000_0040]), Garbage::Length(0x40)),
            (words(&[0xffff_ffff]), Garbage::Length(u32::MAX)),
            (words(&[0x8000_0040, 1, 1, 2, NFS]), Garbage::NoCall),
            (words(&[0x8000_0040, 1, 0, 3, NFS]), Garbage::NoCall),
            (words(&[0x8000_0040, 1, 0, 2, LOCKS]), Garbage::Locks),
        ] {
            assert_eq!(count(&mut Records::new(true), &bytes, 3), Err(garbage));
        }
    }
}
