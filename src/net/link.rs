//! The interface below IP: frames sent to a station that has no address yet, and ARP. Knows no protocol above UDP.

use super::{Interface, Mac};
use etherparse::{ArpPacket, PacketBuilder};
use futures_util::StreamExt;
use pcap::{Active, Capture, Packet, PacketCodec, PacketStream};
use std::{io, net::Ipv4Addr, net::SocketAddrV4};

/// Bytes of a frame that ARP needs.
const SHORT: i32 = 128;
/// Bytes of a frame as Ethernet has them. libpcap's buffer has so many places as such fit; with larger ones a burst is lost.
const PACKET: i32 = 1536;

/// Sends UDP datagrams to stations by their hardware address.
pub struct Link {
    capture: Capture<Active>,
    own: Mac,
}

impl Link {
    /// Opens `interface`. Errors are libpcap's: no permission, no such interface.
    pub fn open(interface: &Interface) -> io::Result<Link> {
        Ok(Link { capture: open(interface, "less 1", SHORT)?, own: own(interface) })
    }

    /// Goes on from the hardware address that `interface` has now: a bridge's may change with the hosts on it.
    pub fn follow(&mut self, interface: &Interface) {
        self.own = own(interface);
    }

    /// Sends one datagram in a frame of its own to `station`. Errors are those of send(2).
    pub fn send(&mut self, station: Mac, from: SocketAddrV4, to: SocketAddrV4, payload: &[u8]) -> io::Result<()> {
        let frame = udp_frame(self.own, station, from, to, payload)?;
        self.capture.sendpacket(frame).map_err(io::Error::other)
    }
}

/// Asks who has an address, and hears the answers.
pub struct Arp {
    stream: PacketStream<Active, Senders>,
    own: Mac,
    sender: Ipv4Addr,
}

impl Arp {
    /// Opens `interface`, asking as `sender`. Errors are libpcap's. Needs a tokio runtime.
    pub fn open(interface: &Interface, sender: Ipv4Addr) -> io::Result<Arp> {
        let capture = open(interface, "arp", SHORT)?.setnonblock().map_err(io::Error::other)?;
        let stream = capture.stream(Senders).map_err(io::Error::other)?;
        Ok(Arp { stream, own: own(interface), sender })
    }

    /// As [`Link::follow`].
    pub fn follow(&mut self, interface: &Interface) {
        self.own = own(interface);
    }

    /// Broadcasts the question who has `address` (RFC 826). Errors are those of send(2).
    pub fn ask(&mut self, address: Ipv4Addr) -> io::Result<()> {
        let frame = arp_question(self.own, self.sender, address)?;
        self.stream.capture_mut().sendpacket(frame).map_err(io::Error::other)
    }

    /// The next station that says which address it has; own frames are left out. Cancel safe.
    pub async fn heard(&mut self) -> io::Result<(Ipv4Addr, Mac)> {
        loop {
            match self.stream.next().await {
                Some(Ok(Some((address, mac)))) if mac != self.own && !address.is_unspecified() => {
                    return Ok((address, mac));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(io::Error::other(error)),
                None => return Err(io::Error::other("the capture ended")),
            }
        }
    }
}

/// Hears what comes to a UDP port beside the server that answers there.
pub struct Overheard {
    stream: PacketStream<Active, Datagrams>,
}

impl Overheard {
    /// Opens `interface` for datagrams to `port` of `address`. Errors are libpcap's. Needs a tokio runtime.
    pub fn open(interface: &Interface, address: Ipv4Addr, port: u16) -> io::Result<Overheard> {
        let filter = format!("ip dst host {address} and udp dst port {port}");
        let capture = open(interface, &filter, PACKET)?.setnonblock().map_err(io::Error::other)?;
        Ok(Overheard { stream: capture.stream(Datagrams).map_err(io::Error::other)? })
    }

    /// The next datagram with its sender; no payload for one of more than a packet. Cancel safe.
    pub async fn next(&mut self) -> io::Result<(Ipv4Addr, Option<Vec<u8>>)> {
        loop {
            match self.stream.next().await {
                Some(Ok(Some(heard))) => return Ok(heard),
                Some(Ok(None)) => {}
                Some(Err(error)) => return Err(io::Error::other(error)),
                None => return Err(io::Error::other("the capture ended")),
            }
        }
    }
}

struct Datagrams;

impl PacketCodec for Datagrams {
    type Item = Option<(Ipv4Addr, Option<Vec<u8>>)>;

    fn decode(&mut self, packet: Packet<'_>) -> Self::Item {
        let whole = packet.header.caplen == packet.header.len;
        datagram(packet.data).map(|(source, payload)| (source, payload.filter(|_| whole)))
    }
}

/// The sender and the payload of a UDP datagram in an Ethernet frame; no payload where it is the first of fragments.
fn datagram(frame: &[u8]) -> Option<(Ipv4Addr, Option<Vec<u8>>)> {
    let sliced = etherparse::LaxSlicedPacket::from_ethernet(frame).ok()?;
    let Some(etherparse::LaxNetSlice::Ipv4(ip)) = &sliced.net else { return None };
    let source = ip.header().source_addr();
    match &sliced.transport {
        Some(etherparse::TransportSlice::Udp(udp)) => Some((source, Some(udp.payload().to_vec()))),
        _ if ip.payload().fragmented => Some((source, None)),
        _ => None,
    }
}

struct Senders;

impl PacketCodec for Senders {
    type Item = Option<(Ipv4Addr, Mac)>;

    fn decode(&mut self, packet: Packet<'_>) -> Self::Item {
        arp_sender(packet.data)
    }
}

/// Who sends an ARP frame, and the address it says is its own; none for anything else.
pub fn arp_sender(frame: &[u8]) -> Option<(Ipv4Addr, Mac)> {
    let sliced = etherparse::SlicedPacket::from_ethernet(frame).ok()?;
    let Some(etherparse::NetSlice::Arp(arp)) = sliced.net else { return None };
    let address: [u8; 4] = arp.sender_protocol_addr().try_into().ok()?;
    Some((address.into(), Mac::from_slice(arp.sender_hw_addr())?))
}

/// A question who has `address`, of nobody: it changes what no station knows (RFC 5227). Errors are none that a caller can mend.
pub fn arp_probe(own: Mac, address: Ipv4Addr) -> io::Result<Vec<u8>> {
    arp_question(own, Ipv4Addr::UNSPECIFIED, address)
}

fn arp_question(own: Mac, sender: Ipv4Addr, address: Ipv4Addr) -> io::Result<Vec<u8>> {
    let (kind, request) = (etherparse::EtherType::IPV4, etherparse::ArpOperation::REQUEST);
    let (own_address, asked) = (sender.octets(), address.octets());
    let question =
        ArpPacket::new(etherparse::ArpHardwareId::ETHERNET, kind, request, &own.0, &own_address, &[0; 6], &asked)
            .map_err(io::Error::other)?;
    let mut frame = Vec::with_capacity(60);
    let written = PacketBuilder::ethernet2(own.0, Mac::BROADCAST.0).arp(question).write(&mut frame);
    written.map_err(io::Error::other)?;
    Ok(frame)
}

/// A UDP datagram in an Ethernet frame. Errors: it is too long for one.
pub fn udp_frame(own: Mac, to: Mac, source: SocketAddrV4, target: SocketAddrV4, payload: &[u8]) -> io::Result<Vec<u8>> {
    let mut frame = Vec::with_capacity(payload.len() + 42);
    PacketBuilder::ethernet2(own.0, to.0)
        .ipv4(source.ip().octets(), target.ip().octets(), 64)
        .udp(source.port(), target.port())
        .write(&mut frame, payload)
        .map_err(io::Error::other)?;
    Ok(frame)
}

fn own(interface: &Interface) -> Mac {
    interface.mac.unwrap_or(Mac([0; 6]))
}

fn open(interface: &Interface, filter: &str, longest: i32) -> io::Result<Capture<Active>> {
    let open = || -> Result<Capture<Active>, pcap::Error> {
        let mut capture = Capture::from_device(interface.name.as_str())?
            .immediate_mode(true)
            .snaplen(longest)
            .promisc(false)
            .open()?;
        capture.filter(filter, true)?;
        Ok(capture)
    };
    open().map_err(|error| told(&error))
}

/// libpcap's words as an error of the kind that they mean.
pub(super) fn told(error: &pcap::Error) -> io::Error {
    let text = error.to_string();
    if text.contains("No such device") || text.contains("disappeared") || text.contains("SIOCGIFHWADDR") {
        return nix::errno::Errno::ENODEV.into();
    }
    let refused = text.contains("ermission") || text.contains("not permitted");
    let kind = if refused { io::ErrorKind::PermissionDenied } else { io::ErrorKind::Other };
    io::Error::new(kind, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_udp_frame_reads_back() {
        let (a, b) = (Mac([2, 0, 0, 0, 0, 1]), Mac([2, 0, 0, 0, 0, 2]));
        let frame =
            udp_frame(a, b, "10.77.0.1:67".parse().unwrap(), "10.77.0.60:68".parse().unwrap(), b"hello").unwrap();
        let sliced = etherparse::SlicedPacket::from_ethernet(&frame).unwrap();
        let Some(etherparse::TransportSlice::Udp(udp)) = sliced.transport else { panic!("no UDP") };
        assert_eq!((udp.source_port(), udp.destination_port(), udp.payload()), (67, 68, &b"hello"[..]));
        assert_eq!(arp_sender(&frame), None);
        assert_eq!(datagram(&frame), Some((Ipv4Addr::new(10, 77, 0, 1), Some(b"hello".to_vec()))));
        let mut fragment = frame.clone();
        fragment[20] |= 0x20; // more fragments
        assert_eq!(datagram(&fragment), Some((Ipv4Addr::new(10, 77, 0, 1), None)));
        assert_eq!(datagram(&[0xff; 60]), None);
        assert_eq!(arp_sender(&[0xff; 20]), None);
    }
}
