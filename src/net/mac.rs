//! A 48-bit Ethernet hardware address. Knows nothing of packets.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// An EUI-48 hardware address. Displayed as six lower-case octets with colons.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mac(pub [u8; 6]);

/// Text that is not a hardware address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected six hexadecimal octets as 52:54:00:12:34:56")]
pub struct NotAMac;

impl Mac {
    /// The address of all stations of a segment.
    pub const BROADCAST: Mac = Mac([0xff; 6]);

    /// The first six octets of `bytes`, if there are as many.
    pub fn from_slice(bytes: &[u8]) -> Option<Mac> {
        Some(Mac(bytes.get(..6)?.try_into().ok()?))
    }

    /// True for group addresses and for all zeroes, which no machine has as its own.
    pub fn is_nobody(self) -> bool {
        self.0[0] & 1 == 1 || self.0 == [0; 6]
    }

    /// Six lower-case octets with hyphens, as pxelinux spells it in file names.
    pub fn hyphened(self) -> String {
        self.to_string().replace(':', "-")
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        f.pad(&format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}"))
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Mac {
    type Err = NotAMac;

    /// Reads `52:54:00:12:34:56`, `52-54-00-12-34-56`, `5254.0012.3456` and `525400123456`.
    fn from_str(text: &str) -> Result<Mac, NotAMac> {
        let text = text.trim();
        let well_placed = match text.len() {
            17 => text.bytes().enumerate().all(|(i, b)| (i % 3 == 2) == matches!(b, b':' | b'-')),
            14 => text.bytes().enumerate().all(|(i, b)| (i % 5 == 4) == (b == b'.')),
            12 => true,
            _ => false,
        };
        let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16).map(|d| d as u8)).collect();
        let separators = text.len().saturating_sub(digits.len());
        let expected = match text.len() {
            17 => 5,
            14 => 2,
            _ => 0,
        };
        if !well_placed || digits.len() != 12 || separators != expected {
            return Err(NotAMac);
        }
        let mut mac = [0; 6];
        for (octet, pair) in mac.iter_mut().zip(digits.chunks(2)) {
            *octet = pair[0] << 4 | pair[1];
        }
        Ok(Mac(mac))
    }
}

impl TryFrom<String> for Mac {
    type Error = NotAMac;
    fn try_from(text: String) -> Result<Mac, NotAMac> {
        text.parse()
    }
}

impl From<Mac> for String {
    fn from(mac: Mac) -> String {
        mac.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        let mac = Mac([0x52, 0x54, 0, 0xab, 0xcd, 0xef]);
        for text in ["52:54:00:ab:cd:ef", "52-54-00-AB-CD-EF", "5254.00ab.cdef", " 525400abcdef\n"] {
            assert_eq!(text.parse(), Ok(mac), "{text:?}");
        }
        for text in
            ["", "52:54:00:ab:cd", "52:54:00:ab:cd:eg", "5254:00ab:cdef", "52:54:00:ab:cd:ef:01", "é2:54:00:ab:cd:e"]
        {
            assert_eq!(text.parse::<Mac>(), Err(NotAMac), "{text:?}");
        }
        assert_eq!(mac.hyphened(), "52-54-00-ab-cd-ef");
    }
}
