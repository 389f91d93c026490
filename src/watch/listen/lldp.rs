//! LLDP (IEEE 802.1AB): what hangs at the other end of a cable, and at which of its ports. Pure.

use crate::{event::printable, net::Mac};
use std::net::Ipv4Addr;

/// Characters of a name.
const NAME: usize = 63;

/// What a neighbour told of itself, made printable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Its name, else its chassis.
    pub system: String,
    /// Its port: what it is called, else its number.
    pub port: String,
}

/// Reads the TLVs behind the EtherType; none where the three that must be there are not (section 8.2).
pub fn neighbour(mut rest: &[u8]) -> Option<Neighbour> {
    let (mut chassis, mut port, mut lives) = (None, None, None);
    let (mut name, mut described) = (None, None);
    while let [first, second, body @ ..] = rest {
        let (kind, length) = (first >> 1, usize::from(first & 1) << 8 | usize::from(*second));
        let value = body.get(..length)?;
        rest = &body[length..];
        let text = || Some(printable(&String::from_utf8_lossy(value), NAME)).filter(|text| !text.trim().is_empty());
        match kind {
            0 => break,
            1 => chassis = id(value, [4, 5, 7]),
            2 => port = id(value, [3, 4, 7]),
            3 => lives = value.try_into().ok().map(u16::from_be_bytes),
            4 => described = text(),
            5 => name = text(),
            _ => {}
        }
    }
    // It says goodbye with a time of 0.
    let (chassis, port) = (chassis?, port?);
    lives.filter(|seconds| *seconds > 0)?;
    Some(Neighbour { system: name.unwrap_or(chassis), port: described.unwrap_or(port) })
}

/// A chassis or a port: a subtype, and text, a hardware address or a network address. `[hardware, network, local]` are those subtypes (tables
/// 8-2 and 8-3).
fn id(value: &[u8], [hardware, network, _]: [u8; 3]) -> Option<String> {
    let (kind, value) = value.split_first()?;
    if value.is_empty() {
        return None;
    }
    match value {
        [_, _, _, _, _, _] if *kind == hardware => Mac::from_slice(value).map(|mac| mac.to_string()),
        [1, a, b, c, d] if *kind == network => Some(Ipv4Addr::new(*a, *b, *c, *d).to_string()),
        text => Some(printable(&String::from_utf8_lossy(text), NAME)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tlv(kind: u8, value: &[u8]) -> Vec<u8> {
        [&[kind << 1, u8::try_from(value.len()).unwrap()], value].concat()
    }

    #[test]
    fn what_a_switch_tells() {
        let chassis = tlv(1, &[4, 0x52, 0x54, 0, 1, 2, 3]);
        let (port, ttl, end) = (tlv(2, b"\x05Gi1/0/7"), tlv(3, &[0, 120]), tlv(0, b""));
        let of = |parts: &[&[u8]]| neighbour(&parts.concat());
        let told = |system: &str, port: &str| Some(Neighbour { system: system.into(), port: port.into() });
        assert_eq!(of(&[&chassis, &port, &ttl, &end]), told("52:54:00:01:02:03", "Gi1/0/7"));
        let (name, described) = (tlv(5, b"switch1\x1b[1m"), tlv(4, b"uplink"));
        let whole = [&chassis[..], &port, &ttl, &described, &name, &end].concat();
        let seen = neighbour(&whole).unwrap();
        assert!(
            seen.system.starts_with("switch1") && !seen.system.contains('\x1b') && seen.port == "uplink",
            "{seen:?}"
        );
        assert_eq!(of(&[&tlv(1, b"\x05\x01\x0a\x4d\x00\x09"), &port, &ttl]), told("10.77.0.9", "Gi1/0/7"));
        // It leaves, or says less than it must.
        assert_eq!(of(&[&chassis, &port, &tlv(3, &[0, 0])]), None);
        assert_eq!(of(&[&chassis, &ttl]), None);
        assert_eq!(of(&[&chassis, &port]), None);
        for length in 0..whole.len() {
            neighbour(&whole[..length]);
        }
    }
}
