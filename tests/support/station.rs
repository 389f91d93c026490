//! A DHCP client of the tests' own that sees and sends whole frames, so that it can tell how a reply came.

use super::{Host, SOON};
use dhcproto::{
    Decodable, Decoder, Encodable,
    v4::{DhcpOption, Flags, Message, MessageType, OptionCode, UnknownOption},
};
use etherparse::{NetSlice, PacketBuilder, SlicedPacket, TransportSlice};
use pcap::{Active, Capture};
use pxelator::net::Mac;
use std::{
    net::{Ipv4Addr, SocketAddrV4},
    thread,
    time::{Duration, Instant},
};

/// The ports that DHCP uses on a client.
pub const CLIENT: u16 = 68;
/// The server's port.
pub const SERVER: u16 = 67;

const OWN: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

/// A station on the segment.
pub struct Station {
    pub mac: Mac,
    capture: Capture<Active>,
    next: u32,
    /// Addresses that somebody asked for by ARP, as far as they were seen.
    pub asked: Vec<Ipv4Addr>,
}

/// A reply and the frame that it came in.
pub struct Got {
    pub sender: Mac,
    pub station: Mac,
    pub from: SocketAddrV4,
    pub to: SocketAddrV4,
    pub message: Message,
}

impl Station {
    /// Sees and sends through `eth0` of `host`.
    pub fn on(host: &Host, mac: &str) -> Station {
        let mut capture = host.inside(|| {
            let device = Capture::from_device("eth0").unwrap();
            device.immediate_mode(true).snaplen(4096).open().unwrap().setnonblock().unwrap()
        });
        capture.filter("arp or (udp and src port (67 or 4011))", true).unwrap();
        let mac: Mac = mac.parse().unwrap();
        Station { mac, capture, next: u32::from_be_bytes([mac.0[4], mac.0[5], 0, 0]), asked: Vec::new() }
    }

    /// A message of this station with a transaction of its own.
    pub fn message(&mut self, kind: MessageType, options: Vec<DhcpOption>) -> Message {
        self.next += 1;
        let mut message = Message::default();
        message.set_xid(self.next).set_chaddr(&self.mac.0);
        message.opts_mut().insert(DhcpOption::MessageType(kind));
        options.into_iter().for_each(|option| drop(message.opts_mut().insert(option)));
        message
    }

    /// Broadcasts a message as a station without an address does.
    pub fn send(&mut self, message: &Message) {
        let from = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, CLIENT);
        self.send_from(from, SocketAddrV4::new(Ipv4Addr::BROADCAST, SERVER), message);
    }

    /// Broadcasts a frame with a message between these addresses.
    pub fn send_from(&mut self, from: SocketAddrV4, to: SocketAddrV4, message: &Message) {
        let mut frame = Vec::new();
        PacketBuilder::ethernet2(self.mac.0, [0xff; 6])
            .ipv4(from.ip().octets(), to.ip().octets(), 64)
            .udp(from.port(), to.port())
            .write(&mut frame, &message.to_vec().unwrap())
            .unwrap();
        self.capture.sendpacket(frame).unwrap();
    }

    /// The reply to a transaction, waited for.
    pub fn reply(&mut self, message: &Message) -> Got {
        let deadline = Instant::now() + SOON;
        while Instant::now() < deadline {
            if let Some(got) = self.look().filter(|got| got.message.xid() == message.xid()) {
                return got;
            }
        }
        panic!("no reply to {message}");
    }

    /// Sends and gets the reply.
    pub fn ask(&mut self, message: &Message) -> Got {
        self.send(message);
        self.reply(message)
    }

    /// Sends until there is a reply: the first may come before the server has probed an address.
    pub fn insist(&mut self, message: &Message) -> Got {
        for _ in 0..40 {
            self.send(message);
            let deadline = Instant::now() + Duration::from_millis(500);
            while Instant::now() < deadline {
                if let Some(got) = self.look().filter(|got| got.message.xid() == message.xid()) {
                    return got;
                }
            }
        }
        panic!("no reply to {message}");
    }

    /// Every reply that has come and was not looked at.
    pub fn rest(&mut self) -> Vec<Got> {
        let mut rest = Vec::new();
        while let Some(seen) = self.see() {
            rest.extend(seen);
        }
        rest
    }

    /// An offer of 10.77.0.1 taken: what is acknowledged.
    pub fn lease(&mut self) -> Ipv4Addr {
        self.lease_as(None)
    }

    /// As [`Station::lease`], with a name that the station gives itself.
    pub fn lease_as(&mut self, name: Option<&str>) -> Ipv4Addr {
        let discover = self.message(MessageType::Discover, vec![]);
        let offered = self.insist(&discover).message.yiaddr();
        let mut options = vec![server(OWN), DhcpOption::RequestedIpAddress(offered)];
        options.extend(name.map(|name| DhcpOption::Hostname(name.to_owned())));
        let request = self.message(MessageType::Request, options);
        let got = self.ask(&request).message;
        assert_eq!((kind(&got), got.yiaddr()), (MessageType::Ack, offered));
        offered
    }

    /// Gives an address back to 10.77.0.1.
    pub fn release(&mut self, address: Ipv4Addr) {
        let mut release = self.message(MessageType::Release, vec![server(OWN)]);
        release.set_ciaddr(address);
        self.send(&release);
    }

    /// The next reply; none if there is none yet.
    fn look(&mut self) -> Option<Got> {
        let seen = self.see();
        if seen.is_none() {
            thread::sleep(Duration::from_millis(5));
        }
        seen?
    }

    /// The next frame, which may be a reply; none if there is no frame.
    fn see(&mut self) -> Option<Option<Got>> {
        let packet = self.capture.next_packet().ok()?;
        let station = Mac::from_slice(packet.data).unwrap();
        let sender = Mac::from_slice(&packet.data[6..]).unwrap();
        let sliced = SlicedPacket::from_ethernet(packet.data).unwrap();
        Some(match (sliced.net.unwrap(), sliced.transport) {
            (NetSlice::Arp(arp), _) => {
                let target: [u8; 4] = arp.target_protocol_addr().try_into().unwrap();
                self.asked.push(target.into());
                None
            }
            (NetSlice::Ipv4(ip), Some(TransportSlice::Udp(udp))) => {
                let header = ip.header();
                Some(Got {
                    sender,
                    station,
                    from: SocketAddrV4::new(header.source_addr(), udp.source_port()),
                    to: SocketAddrV4::new(header.destination_addr(), udp.destination_port()),
                    message: Message::decode(&mut Decoder::new(udp.payload())).unwrap(),
                })
            }
            _ => None,
        })
    }
}

/// Option 54.
pub fn server(address: Ipv4Addr) -> DhcpOption {
    DhcpOption::ServerIdentifier(address)
}

/// An option by its number; not 82, which dhcproto would write twice.
pub fn option(code: u8, bytes: &[u8]) -> DhcpOption {
    assert_ne!(code, 82);
    DhcpOption::Unknown(UnknownOption::new(OptionCode::from(code), bytes.to_vec()))
}

/// The options of firmware that boots from the network.
pub fn pxe() -> Vec<DhcpOption> {
    vec![option(60, b"PXEClient:Arch:00000:UNDI:002001"), option(93, &[0, 0]), option(97, &[0; 17])]
}

/// Asks for replies by broadcast.
pub fn by_broadcast(message: &mut Message) {
    message.set_flags(Flags::default().set_broadcast());
}

/// Option 53.
pub fn kind(message: &Message) -> MessageType {
    message.opts().msg_type().unwrap()
}
