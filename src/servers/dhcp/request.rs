//! A DHCP message of a client, decoded and checked: what `decide` needs and no more.

use crate::{
    event::{Architecture, printable},
    net::Mac,
    packet,
};
use std::{fmt::Write, net::Ipv4Addr};

/// Options begin here: after the header and the magic cookie (RFC 2131, section 2).
const OPTIONS: usize = 240;
const COOKIE: [u8; 4] = [99, 130, 83, 99];

/// What a client's message is (RFC 2131, section 3.1, table 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// DHCPDISCOVER
    Discover,
    /// DHCPREQUEST
    Request,
    /// DHCPDECLINE
    Decline,
    /// DHCPRELEASE
    Release,
    /// DHCPINFORM
    Inform,
}

/// A client's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Option 53.
    pub kind: Kind,
    /// Transaction.
    pub xid: u32,
    /// Seconds since the client began.
    pub secs: u16,
    /// It cannot take unicasts yet.
    pub broadcast: bool,
    /// The address it has; none where zero.
    pub ciaddr: Option<Ipv4Addr>,
    /// The relay's address; none where zero.
    pub giaddr: Option<Ipv4Addr>,
    /// chaddr.
    pub mac: Mac,
    /// Option 50.
    pub requested: Option<Ipv4Addr>,
    /// Option 54.
    pub server: Option<Ipv4Addr>,
    /// Option 12, made printable.
    pub hostname: Option<String>,
    /// Option 60, made printable.
    pub vendor: Option<String>,
    /// Option 93.
    pub architecture: Option<Architecture>,
    /// Option 77 says iPXE, or option 175 is there.
    pub ipxe: bool,
    /// Option 61 as it came.
    pub client_id: Option<Vec<u8>>,
    /// Option 82 as it came.
    pub relay_info: Option<Vec<u8>>,
    /// Option 97 as it came.
    pub uuid: Option<Vec<u8>>,
    /// Option 55.
    pub wanted: Vec<u8>,
}

/// A packet that is no message of a DHCP client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Shorter than a header.
    #[error("{0} bytes; expected at least 240 of a DHCP message")]
    Short(usize),
    /// Not sent by a client.
    #[error("op {0}; expected 1, a client's request")]
    NotARequest(u8),
    /// Not of Ethernet.
    #[error("hardware type {0} with addresses of {1} bytes; expected Ethernet, 1 with 6")]
    NotEthernet(u8, u8),
    /// A group's or nobody's.
    #[error("client address {0}; expected that of one machine")]
    Nobody(Mac),
    /// BOOTP, or something else.
    #[error("magic {0:02x?}; expected 99, 130, 83, 99 of DHCP")]
    Cookie([u8; 4]),
    /// An option is longer than the packet.
    #[error("option {0} is cut off at byte {1}")]
    CutOff(u8, usize),
    /// Option 53 is missing or a server's.
    #[error("message type {}; expected one that a client sends: 1, 3, 4, 7 or 8", number(.0.as_deref()))]
    Type(Option<Vec<u8>>),
}

impl Request {
    /// Decodes what came in a UDP datagram.
    pub fn decode(packet: &[u8]) -> Result<Request, Malformed> {
        let header = packet.get(..OPTIONS).ok_or(Malformed::Short(packet.len()))?;
        if header[0] != 1 {
            return Err(Malformed::NotARequest(header[0]));
        }
        if (header[1], header[2]) != (1, 6) {
            return Err(Malformed::NotEthernet(header[1], header[2]));
        }
        let cookie = [header[236], header[237], header[238], header[239]];
        if cookie != COOKIE {
            return Err(Malformed::Cookie(cookie));
        }
        let mac = Mac::from_slice(&header[28..34]).ok_or(Malformed::Short(packet.len()))?;
        if mac.is_nobody() {
            return Err(Malformed::Nobody(mac));
        }
        let options = packet::options(packet);
        if let Some((code, at)) = options.cut {
            return Err(Malformed::CutOff(code, at));
        }
        let option = |code: u8| options.get(code);
        let bytes = |code: u8| option(code).map(<[u8]>::to_vec);
        let kind = match option(53) {
            Some([1]) => Kind::Discover,
            Some([3]) => Kind::Request,
            Some([4]) => Kind::Decline,
            Some([7]) => Kind::Release,
            Some([8]) => Kind::Inform,
            other => return Err(Malformed::Type(other.map(<[u8]>::to_vec))),
        };
        let address = |bytes: &[u8]| {
            let octets: [u8; 4] = bytes.get(..4)?.try_into().ok()?;
            Some(Ipv4Addr::from(octets)).filter(|address| !address.is_unspecified())
        };
        let half = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        Ok(Request {
            kind,
            xid: u32::from(half(4)) << 16 | u32::from(half(6)),
            secs: half(8),
            broadcast: half(10) & 0x8000 != 0,
            ciaddr: address(&header[12..16]),
            giaddr: address(&header[24..28]),
            mac,
            requested: option(50).and_then(address),
            server: option(54).and_then(address),
            hostname: option(12).and_then(text),
            vendor: option(60).and_then(text),
            architecture: option(93)
                .and_then(|b| Some(u16::from_be_bytes([*b.first()?, *b.get(1)?])))
                .map(Architecture::from_number),
            ipxe: option(175).is_some() || option(77).is_some_and(|b| b.windows(4).any(|w| w == b"iPXE")),
            client_id: bytes(61).filter(|b| (1..=255).contains(&b.len())),
            relay_info: bytes(82),
            uuid: bytes(97).filter(|b| b.len() <= 255),
            wanted: bytes(55).unwrap_or_default(),
        })
    }

    /// What names the client: option 61 in hexadecimal, else its hardware address (RFC 2131, section 4.2).
    /// An identifier that only repeats the hardware address is the same client as one without: a PXE ROM, iPXE and
    /// the system of one machine differ in whether they send it, and are to keep one address.
    pub fn client(&self) -> String {
        match &self.client_id {
            Some(id) if id.first() == Some(&1) && id[1..] == self.mac.0 => self.mac.to_string(),
            Some(id) => id.iter().fold(String::with_capacity(id.len() * 2), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            }),
            None => self.mac.to_string(),
        }
    }

    /// It asks what to boot (PXE 2.1, section 2.2.1), or is a loader that does.
    pub fn boots_from_net(&self) -> bool {
        self.ipxe || self.is_pxe() || self.is_http() || self.architecture.is_some()
    }

    /// Option 60 says PXEClient.
    pub fn is_pxe(&self) -> bool {
        self.vendor.as_deref().is_some_and(|vendor| vendor.starts_with("PXEClient"))
    }

    /// Option 60 says HTTPClient (UEFI specification, section 24.7).
    pub fn is_http(&self) -> bool {
        self.vendor.as_deref().is_some_and(|vendor| vendor.starts_with("HTTPClient"))
    }

    /// It asks for this option (option 55).
    pub fn wants(&self, code: u8) -> bool {
        self.wanted.contains(&code)
    }
}

/// Option 53 as it is told.
fn number(kind: Option<&[u8]>) -> String {
    match kind {
        None => "none".to_owned(),
        Some([kind]) => kind.to_string(),
        Some(other) => format!("of {} bytes", other.len()),
    }
}

/// Text of the wire without what a terminal would obey; none if nothing is left.
fn text(bytes: &[u8]) -> Option<String> {
    let text = printable(&String::from_utf8_lossy(bytes), 255);
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(options: &[u8]) -> Vec<u8> {
        let mut packet = vec![0; OPTIONS];
        packet[..3].copy_from_slice(&[1, 1, 6]);
        packet[28..34].copy_from_slice(&[0x52, 0x54, 0, 0, 0, 1]);
        packet[236..240].copy_from_slice(&COOKIE);
        packet.extend_from_slice(options);
        packet
    }

    #[test]
    fn a_pxe_discover() {
        let mut options = vec![53, 1, 1, 93, 2, 0, 7, 60, 9];
        options.extend_from_slice(b"PXEClient");
        options.extend_from_slice(&[61, 2, 1, 2, 61, 1, 3, 82, 3, 1, 1, 9, 55, 2, 66, 67, 255]);
        let request = Request::decode(&packet(&options)).unwrap();
        assert_eq!((request.kind, request.architecture), (Kind::Discover, Some(Architecture::UefiX64)));
        assert!(request.is_pxe() && !request.ipxe && request.wants(67));
        assert_eq!((request.client(), request.relay_info), ("010203".into(), Some(vec![1, 1, 9])));
        let own = packet(&[53, 1, 1, 61, 7, 1, 0x52, 0x54, 0, 0, 0, 1, 255]);
        assert_eq!(Request::decode(&own).unwrap().client(), "52:54:00:00:00:01", "as without option 61");
    }

    #[test]
    fn an_option_of_unusual_length_hides_nothing_that_follows() {
        for odd in [&[81, 1, 0][..], &[94, 1, 1], &[94, 0], &[50, 2, 10, 77], &[93, 1, 0], &[61, 0]] {
            let options = [&[53, 1, 3][..], odd, &[54, 4, 10, 77, 0, 1, 12, 1, b'a', 255]].concat();
            let request = Request::decode(&packet(&options)).unwrap();
            let followed = (request.server, request.hostname.as_deref());
            assert_eq!(followed, (Some([10, 77, 0, 1].into()), Some("a")), "{odd:?}");
            assert_eq!((request.requested, request.architecture, request.client_id), (None, None, None), "{odd:?}");
        }
    }

    #[test]
    fn what_is_malformed_is_named() {
        let whole = packet(&[53, 1, 1, 255]);
        for (change, error) in [
            (None, "100 bytes; expected at least 240 of a DHCP message"),
            (Some((0, 2)), "op 2; expected 1, a client's request"),
            (Some((2, 16)), "hardware type 1 with addresses of 16 bytes; expected Ethernet, 1 with 6"),
            (Some((28, 0xff)), "client address ff:54:00:00:00:01; expected that of one machine"),
            (Some((236, 0)), "magic [00, 82, 53, 63]; expected 99, 130, 83, 99 of DHCP"),
            (Some((241, 9)), "option 53 is cut off at byte 240"),
            (Some((242, 2)), "message type 2; expected one that a client sends: 1, 3, 4, 7 or 8"),
        ] {
            let mut bad = whole.clone();
            match change {
                None => bad.truncate(100),
                Some((at, byte)) => bad[at] = byte,
            }
            let found = Request::decode(&bad).unwrap_err().to_string();
            assert_eq!(found, error);
        }
    }
}
