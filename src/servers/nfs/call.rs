//! Remote procedure calls (RFC 5531): the head of a call, and the answers that this program gives by itself. Pure.

use super::xdr::{Reader, words};

/// The port mapper, NFS and its mount protocol.
pub const PORTMAP: u32 = 100_000;
/// Network File System.
pub const NFS: u32 = 100_003;
/// MOUNT, which tells the handle of a root.
pub const MOUNT: u32 = 100_005;

/// The lock manager.
pub const LOCKS: u32 = 100_021;

/// Who may call it, at most so long (RFC 5531, section 8.2).
const CREDENTIAL: usize = 400;
/// MNT of MOUNT (RFC 1813, section 5.2.1).
const MNT: u32 = 1;
/// MNT3ERR_ACCES.
const NO_ACCESS: u32 = 13;

/// A call.
#[derive(Debug, PartialEq, Eq)]
pub struct Call<'a> {
    /// Transaction.
    pub xid: u32,
    /// What is called.
    pub program: u32,
    /// Its version.
    pub version: u32,
    /// Its procedure; 0 does nothing.
    pub procedure: u32,
    /// What it is called with.
    pub arguments: &'a [u8],
}

impl<'a> Call<'a> {
    /// Reads a call; none where it is none, or of another version of remote calls than 2.
    pub fn read(bytes: &'a [u8]) -> Option<Call<'a>> {
        let mut reader = Reader(bytes);
        let (xid, kind, rpc) = (reader.number()?, reader.number()?, reader.number()?);
        if (kind, rpc) != (0, 2) {
            return None;
        }
        let (program, version, procedure) = (reader.number()?, reader.number()?, reader.number()?);
        // Who calls, and what proves it.
        for _ in 0..2 {
            reader.number()?;
            reader.opaque(CREDENTIAL)?;
        }
        Some(Call { xid, program, version, procedure, arguments: reader.0 })
    }

    /// The answer with these results.
    pub fn answer(&self, results: &[u8]) -> Vec<u8> {
        let mut answer = words(&[self.xid, 1, 0, 0, 0, 0]);
        answer.extend_from_slice(results);
        answer
    }

    /// The answer that this program, or these of its versions, is not here.
    pub fn unknown_program(&self) -> Vec<u8> {
        words(&[self.xid, 1, 0, 0, 0, 1])
    }

    /// The answer that there is another version.
    pub fn unknown_version(&self, version: u32) -> Vec<u8> {
        words(&[self.xid, 1, 0, 0, 0, 2, version, version])
    }

    /// The answer that there is no such procedure.
    pub fn unknown_procedure(&self) -> Vec<u8> {
        words(&[self.xid, 1, 0, 0, 0, 3])
    }

    /// The answer that the arguments make no sense.
    pub fn garbage(&self) -> Vec<u8> {
        words(&[self.xid, 1, 0, 0, 0, 4])
    }

    /// The answer to who may not call: to MNT that access is denied, to other calls that who calls is too little known. What
    /// does nothing succeeds, so that a client goes on and is told why.
    pub fn refuse(&self) -> Vec<u8> {
        match (self.program, self.procedure) {
            (_, 0) => self.answer(&[]),
            (MOUNT, MNT) => self.answer(&words(&[NO_ACCESS])),
            _ => words(&[self.xid, 1, 1, 1, 5]),
        }
    }

    /// The path that a MNT asks for.
    pub fn wanted(&self) -> Option<String> {
        let asks = (self.program, self.procedure) == (MOUNT, MNT);
        let path = asks.then(|| Reader(self.arguments).opaque(1024))??;
        Some(crate::event::printable(&String::from_utf8_lossy(path), 200))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(program: u32, version: u32, procedure: u32, arguments: &[u8]) -> Vec<u8> {
        let mut bytes = words(&[9, 0, 2, program, version, procedure, 1, 4, 0, 0, 0]);
        bytes.extend_from_slice(arguments);
        bytes
    }

    #[test]
    fn heads_of_calls() {
        let bytes = call(MOUNT, 3, MNT, b"\0\0\0\x05/root\0\0\0");
        let read = Call::read(&bytes).unwrap();
        assert_eq!((read.xid, read.program, read.version, read.procedure), (9, MOUNT, 3, MNT));
        assert_eq!(read.wanted().as_deref(), Some("/root"));
        assert_eq!(read.refuse(), words(&[9, 1, 0, 0, 0, 0, 13]));
        let bytes = call(NFS, 3, 1, &[]);
        let read = Call::read(&bytes).unwrap();
        assert_eq!((read.wanted(), read.refuse()), (None, words(&[9, 1, 1, 1, 5])));
        let bytes = call(NFS, 3, 0, &[]);
        assert_eq!(Call::read(&bytes).unwrap().refuse(), words(&[9, 1, 0, 0, 0, 0]));
        for (broken, what) in [
            (&bytes[..bytes.len() - 1], "cut"),
            (&words(&[9, 1, 2, NFS, 3, 0, 0, 0, 0, 0])[..], "an answer"),
            (&words(&[9, 0, 3, NFS, 3, 0, 0, 0, 0, 0])[..], "another version"),
            (&words(&[9, 0, 2, NFS, 3, 0, 0, 401])[..], "a credential that is too long"),
            (b"GET / HTTP/1.1\r\n\r\n", "another protocol"),
        ] {
            assert_eq!(Call::read(broken), None, "{what}");
        }
    }
}
