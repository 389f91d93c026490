//! The external data representation (RFC 4506) as far as remote calls need it, which nfs-mamont reads for itself. Pure.

/// Reads from the front of some bytes; none is: there are not enough.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// Four bytes.
    pub fn number(&mut self) -> Option<u32> {
        let (four, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*four))
    }

    /// A counted string of at most `most` bytes, with its padding.
    pub fn opaque(&mut self, most: usize) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok().filter(|length| *length <= most)?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest.get(length.next_multiple_of(4) - length..)?;
        Some(bytes)
    }
}

/// Numbers as they are sent.
pub fn words(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_with_their_padding() {
        let mut reader = Reader(b"\0\0\0\x05hello\0\0\0\0\0\0\x07\0\0\0\x02ab");
        assert_eq!((reader.opaque(5), reader.number()), (Some(&b"hello"[..]), Some(7)));
        assert_eq!(reader.opaque(5), None, "its padding is missing");
        assert_eq!(Reader(b"\0\0\0\x05hello\0\0\0").opaque(4), None);
        assert_eq!(Reader(b"\xff\xff\xff\xff").opaque(usize::MAX), None);
        assert_eq!(Reader(b"\0\0\0").number(), None);
        assert_eq!(words(&[1, 0x0203_0405]), [0, 0, 0, 1, 2, 3, 4, 5]);
    }
}
