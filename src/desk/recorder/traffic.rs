//! What a frame is to the recorder: whose, how much of it is worth keeping, which DHCP message. Pure.

use crate::net::Mac;
use etherparse::{LaxNetSlice, LaxSlicedPacket, TransportSlice};
use std::net::Ipv4Addr;

/// What is kept of a frame that carries a piece of a file: its headers.
pub const HEADERS: usize = 96;
/// A datagram of a protocol that is not known here is a piece of something large from here on.
const LARGE: usize = 512;
/// DHCP, proxyDHCP, names, time, syslog, DHCPv6, multicast DNS: small and telling.
const TELLING: [u16; 10] = [53, 67, 68, 123, 514, 546, 547, 4011, 5353, 5355];
/// TFTP's opcodes (RFC 1350, section 5).
const DATA: u8 = 3;
const ACK: u8 = 4;
/// Where an ICMPv6 router advertisement says what it is (RFC 4861, section 4.2).
const ADVERTISEMENT: u8 = 134;

/// What a frame is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// The stations that it is of: those it goes from and to, or the one that a DHCP message is about.
    pub stations: Vec<Mac>,
    /// The address that the server asks for by ARP.
    pub asked: Option<Ipv4Addr>,
    /// It is for all that boot: a router advertisement.
    pub for_all: bool,
    /// A piece of a file, or the acknowledgement of one.
    pub bulk: bool,
    /// Bytes that are kept at most, where what comes after them is no business of a recording.
    pub most: Option<usize>,
    /// The DHCP message.
    pub dhcp: Option<Dhcp>,
}

/// A DHCP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dhcp {
    /// Transaction.
    pub xid: u32,
    /// Option 53.
    pub kind: u8,
}

/// DHCPDISCOVER, DHCPOFFER, DHCPACK, DHCPNAK (RFC 2132, section 9.6).
pub const DISCOVER: u8 = 1;
pub const OFFER: u8 = 2;
pub const ACKNOWLEDGEMENT: u8 = 5;
pub const REFUSAL: u8 = 6;

impl Traffic {
    /// What the frame that begins with `data` is; `own` is the hardware address of the server.
    pub fn of(data: &[u8], own: Option<Mac>) -> Traffic {
        let mut traffic = Traffic::default();
        let (Some(to), Some(from)) =
            (data.get(..6).and_then(Mac::from_slice), data.get(6..12).and_then(Mac::from_slice))
        else {
            return traffic;
        };
        let from_server = Some(from) == own;
        traffic.stations = [from, to].into_iter().filter(|mac| Some(*mac) != own && !is_group(*mac)).collect();
        let Ok(sliced) = LaxSlicedPacket::from_ethernet(data) else { return traffic };
        match (&sliced.net, &sliced.transport) {
            (Some(LaxNetSlice::Arp(arp)), _) if from_server && is_group(to) => {
                traffic.asked = arp.target_protocol_addr().try_into().ok().map(|octets: [u8; 4]| octets.into());
            }
            (_, Some(TransportSlice::Udp(udp))) => {
                let ports = [udp.source_port(), udp.destination_port()];
                let payload = udp.payload();
                if ports.iter().any(|port| [67, 68, 4011].contains(port)) {
                    traffic.message(payload);
                } else if !ports.iter().any(|port| TELLING.contains(port)) {
                    traffic.bulk = matches!(payload, [0, DATA | ACK, ..]) || payload.len() > LARGE;
                }
            }
            (_, Some(TransportSlice::Tcp(tcp))) => {
                let whole = [53, 514].iter().any(|port| [tcp.source_port(), tcp.destination_port()].contains(port));
                let payload = tcp.payload();
                traffic.bulk = !(whole || tcp.syn() || tcp.fin() || tcp.rst() || is_http(payload));
                let begin = payload.as_ptr().addr() - data.as_ptr().addr();
                traffic.most = match secret_after(payload) {
                    Some(headers) => Some(begin + headers),
                    // The rest of an answer may be the rest of a secret, also with the last bytes of a connection.
                    None if !whole && !is_http(payload) && !payload.is_empty() => Some(begin),
                    None => None,
                };
            }
            (_, Some(TransportSlice::Icmpv6(icmp))) => {
                traffic.for_all = from_server && is_group(to) && icmp.type_u8() == ADVERTISEMENT;
            }
            _ => {}
        }
        traffic
    }

    /// A DHCP message is of the machine that it is about, whoever relays it and to whomever it goes.
    fn message(&mut self, payload: &[u8]) {
        let field = |at: usize| Some(u32::from_be_bytes(payload.get(at..at + 4)?.try_into().ok()?));
        let (Some(xid), Some(chaddr)) = (field(4), payload.get(28..34).and_then(Mac::from_slice)) else { return };
        if payload[1] == 1 && payload[2] == 6 && !is_group(chaddr) && !chaddr.is_nobody() {
            self.stations = vec![chaddr];
        }
        let kind = option_53(payload.get(240..).unwrap_or_default());
        self.dhcp = kind.map(|kind| Dhcp { xid, kind });
    }

    /// How much of a frame is kept.
    pub fn kept(&self, captured: usize) -> usize {
        let most = if self.bulk { HEADERS } else { captured };
        captured.min(most).min(self.most.unwrap_or(captured))
    }
}

/// The DHCP message type among the options.
fn option_53(mut options: &[u8]) -> Option<u8> {
    loop {
        match options {
            [0, rest @ ..] => options = rest,
            [53, 1, kind, ..] => return Some(*kind),
            [255, ..] | [] | [_] => return None,
            [_, length, rest @ ..] => options = rest.get(usize::from(*length)..)?,
        }
    }
}

/// A request or the beginning of an answer: what was asked, and how it was answered.
fn is_http(payload: &[u8]) -> bool {
    [&b"GET "[..], b"HEAD ", b"POST ", b"PUT ", b"HTTP/"].iter().any(|word| payload.starts_with(word))
}

/// Where the headers of an answer end that says that it is to be kept by nobody.
fn secret_after(payload: &[u8]) -> Option<usize> {
    let end = payload.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let headers = payload.get(..end).filter(|headers| headers.starts_with(b"HTTP/"))?;
    let headers = headers.to_ascii_lowercase();
    let wanted = b"cache-control: no-store";
    headers.windows(wanted.len()).any(|window| window == wanted).then_some(end)
}

fn is_group(mac: Mac) -> bool {
    mac.0[0] & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::PacketBuilder;

    const SERVER: Mac = Mac([2, 0, 0, 0, 0, 1]);
    const A: Mac = Mac([2, 0, 0, 0, 0, 0xa]);
    const B: Mac = Mac([2, 0, 0, 0, 0, 0xb]);
    const GROUP: Mac = Mac([0x33, 0x33, 0, 0, 0, 1]);

    fn udp(from: Mac, to: Mac, ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        let builder = PacketBuilder::ethernet2(from.0, to.0).ipv4([10, 77, 0, 1], [10, 77, 0, 60], 64);
        builder.udp(ports.0, ports.1).write(&mut frame, payload).unwrap();
        frame
    }

    fn tcp(payload: &[u8], syn: bool) -> Vec<u8> {
        let mut frame = Vec::new();
        let builder = PacketBuilder::ethernet2(SERVER.0, A.0).ipv4([10, 77, 0, 1], [10, 77, 0, 60], 64);
        let builder = builder.tcp(80, 40_000, 1, 1_000);
        if syn { builder.syn() } else { builder }.write(&mut frame, payload).unwrap();
        frame
    }

    /// A DHCP message about A.
    fn message(kind: u8) -> Vec<u8> {
        let mut payload = vec![0; 240];
        payload[..8].copy_from_slice(&[2, 1, 6, 0, 0, 0, 0, 9]);
        payload[28..34].copy_from_slice(&A.0);
        payload.extend([0, 12, 1, b'x', 53, 1, kind, 255]);
        payload
    }

    #[test]
    fn whose_a_frame_is() {
        let of = |frame: &[u8]| Traffic::of(frame, Some(SERVER)).stations;
        for (words, frame, stations) in [
            ("to the server", udp(A, SERVER, (1000, 69), b"\0\x01x"), vec![A]),
            ("from the server", udp(SERVER, A, (69, 1000), b"\0\x05x"), vec![A]),
            ("between machines", udp(A, B, (1000, 1000), b""), vec![A, B]),
            ("a machine to all", udp(A, Mac::BROADCAST, (1000, 9), b""), vec![A]),
            ("the server to all", udp(SERVER, Mac::BROADCAST, (1000, 9), b""), vec![]),
            ("an offer to all", udp(SERVER, Mac::BROADCAST, (67, 68), &message(OFFER)), vec![A]),
            ("by a relay", udp(B, SERVER, (67, 67), &message(DISCOVER)), vec![A]),
            ("nothing", vec![1, 2, 3], vec![]),
        ] {
            assert_eq!(of(&frame), stations, "{words}");
        }
        let offer = Traffic::of(&udp(SERVER, Mac::BROADCAST, (67, 68), &message(OFFER)), Some(SERVER));
        assert_eq!(offer.dhcp, Some(Dhcp { xid: 9, kind: OFFER }));
    }

    #[test]
    fn what_is_for_machines_that_are_not_named() {
        let question = etherparse::ArpPacket::new(
            etherparse::ArpHardwareId::ETHERNET,
            etherparse::EtherType::IPV4,
            etherparse::ArpOperation::REQUEST,
            &SERVER.0,
            &[10, 77, 0, 1],
            &[0; 6],
            &[10, 77, 0, 60],
        );
        let mut frame = Vec::new();
        PacketBuilder::ethernet2(SERVER.0, Mac::BROADCAST.0).arp(question.unwrap()).write(&mut frame).unwrap();
        let traffic = Traffic::of(&frame, Some(SERVER));
        assert_eq!(traffic, Traffic { asked: Some(Ipv4Addr::new(10, 77, 0, 60)), ..Traffic::default() });
        let mut frame = Vec::new();
        let builder = PacketBuilder::ethernet2(SERVER.0, GROUP.0).ipv6([1; 16], [2; 16], 255);
        builder.icmpv6_raw(ADVERTISEMENT, 0, [0; 4]).write(&mut frame, &[0; 8]).unwrap();
        assert_eq!(Traffic::of(&frame, Some(SERVER)), Traffic { for_all: true, ..Traffic::default() });
    }

    #[test]
    fn only_headers_are_kept_of_what_carries_files() {
        let large = [7; 1400];
        let data = [&[0, DATA, 0, 1][..], &large].concat();
        for (words, frame, whole) in [
            ("a block of a file", udp(SERVER, A, (40_000, 2070), &data), false),
            ("an acknowledgement", udp(A, SERVER, (2070, 40_000), &[0, ACK, 0, 1]), false),
            ("a request for a file", udp(A, SERVER, (2070, 69), &[0, 1, b'x', 0]), true),
            ("an error", udp(SERVER, A, (40_000, 2070), &[0, 5, 0, 1, b'x', 0]), true),
            ("a message", udp(A, SERVER, (1000, 514), &large), true),
            ("something large", udp(A, SERVER, (1000, 2049), &large), false),
            ("a connection", tcp(b"", true), true),
            ("an answer", tcp(b"HTTP/1.1 200 OK\r\n\r\n#!ipxe\n", false), true),
            ("a piece of a file", tcp(&large, false), false),
        ] {
            let traffic = Traffic::of(&frame, Some(SERVER));
            assert_eq!(traffic.bulk, !whole, "{words}");
            assert_eq!(
                traffic.kept(frame.len()),
                if whole { frame.len() } else { frame.len().min(traffic.most.unwrap_or(HEADERS)) },
                "{words}"
            );
        }
    }

    #[test]
    fn no_secret_is_kept() {
        for (words, payload, kept) in [
            ("a script", &b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n#!ipxe"[..], 44),
            ("a secret", b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\n\r\npassword", 44),
            ("the rest of one", b"password", 0),
        ] {
            let frame = tcp(payload, false);
            let headers = frame.len() - payload.len();
            assert_eq!(Traffic::of(&frame, Some(SERVER)).kept(frame.len()) - headers, kept, "{words}");
        }
    }
}
