//! A DHCP message of a client, decoded and checked: what `decide` needs and no more.

use crate::{event::Architecture, net::Mac};
use dhcproto::{
    Decodable, Decoder,
    v4::{self, DhcpOption, MessageType, Opcode, OptionCode},
};
use std::net::Ipv4Addr;

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
    /// dhcproto's judgement.
    #[error("the options cannot be read: {0}")]
    Options(String),
    /// Option 53 is missing or a server's.
    #[error("message type {0}; expected one that a client sends")]
    Type(String),
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
        // The decoder drops silently what follows an option that is cut off, so those are found first.
        let raw = scan(packet)?;
        let message =
            v4::Message::decode(&mut Decoder::new(packet)).map_err(|error| Malformed::Options(error.to_string()))?;
        debug_assert_eq!(message.opcode(), Opcode::BootRequest);
        let kind = match message.opts().msg_type() {
            Some(MessageType::Discover) => Kind::Discover,
            Some(MessageType::Request) => Kind::Request,
            Some(MessageType::Decline) => Kind::Decline,
            Some(MessageType::Release) => Kind::Release,
            Some(MessageType::Inform) => Kind::Inform,
            other => return Err(Malformed::Type(other.map_or("none".to_owned(), |t| format!("{t:?}")))),
        };
        let address = |address: Ipv4Addr| (!address.is_unspecified()).then_some(address);
        let bytes = |code: u8| raw.iter().find(|(c, _)| *c == code).map(|(_, bytes)| bytes.clone());
        let requested = match message.opts().get(OptionCode::RequestedIpAddress) {
            Some(DhcpOption::RequestedIpAddress(requested)) => address(*requested),
            _ => None,
        };
        let server = match message.opts().get(OptionCode::ServerIdentifier) {
            Some(DhcpOption::ServerIdentifier(server)) => address(*server),
            _ => None,
        };
        let number = |code| bytes(code).and_then(|b| Some(u16::from_be_bytes([*b.first()?, *b.get(1)?])));
        Ok(Request {
            kind,
            xid: message.xid(),
            secs: message.secs(),
            broadcast: message.flags().broadcast(),
            ciaddr: address(message.ciaddr()),
            giaddr: address(message.giaddr()),
            mac,
            requested,
            server,
            hostname: bytes(12).and_then(|b| printable(&b)),
            vendor: bytes(60).and_then(|b| printable(&b)),
            architecture: number(93).map(Architecture::from_number),
            ipxe: bytes(175).is_some() || bytes(77).is_some_and(|b| b.windows(4).any(|w| w == b"iPXE")),
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
            Some(id) => id.iter().map(|byte| format!("{byte:02x}")).collect(),
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

/// The options as bytes, those of one code joined (RFC 3396).
fn scan(packet: &[u8]) -> Result<Vec<(u8, Vec<u8>)>, Malformed> {
    let mut found: Vec<(u8, Vec<u8>)> = Vec::new();
    let mut at = OPTIONS;
    while let Some(&code) = packet.get(at) {
        match code {
            0 => at += 1,
            255 => break,
            code => {
                let cut = Malformed::CutOff(code, at);
                let length = usize::from(*packet.get(at + 1).ok_or(cut.clone())?);
                let bytes = packet.get(at + 2..at + 2 + length).ok_or(cut)?;
                match found.iter_mut().find(|(c, _)| *c == code) {
                    Some((_, joined)) => joined.extend_from_slice(bytes),
                    None => found.push((code, bytes.to_vec())),
                }
                at += 2 + length;
            }
        }
    }
    Ok(found)
}

/// Text of the wire without what a terminal would obey; none if nothing is left.
fn printable(bytes: &[u8]) -> Option<String> {
    let text: String = String::from_utf8_lossy(bytes).chars().filter(|c| !c.is_control()).take(255).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
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
    fn what_is_malformed_is_named() {
        let whole = packet(&[53, 1, 1, 255]);
        for (change, error) in [
            (None, "100 bytes; expected at least 240 of a DHCP message"),
            (Some((0, 2)), "op 2; expected 1, a client's request"),
            (Some((2, 16)), "hardware type 1 with addresses of 16 bytes; expected Ethernet, 1 with 6"),
            (Some((28, 0xff)), "client address ff:54:00:00:00:01; expected that of one machine"),
            (Some((236, 0)), "magic [00, 82, 53, 63]; expected 99, 130, 83, 99 of DHCP"),
            (Some((241, 9)), "option 53 is cut off at byte 240"),
            (Some((242, 2)), "message type Offer; expected one that a client sends"),
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
