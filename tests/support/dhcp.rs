//! A DHCP client made of single packets, for what no real client sends.

use std::{
    io::ErrorKind,
    net::{Ipv4Addr, UdpSocket},
    time::Instant,
};

/// A socket on port 68 that speaks for any number of stations.
pub struct Client {
    /// The socket; all answers are asked for as broadcasts, so they come here.
    pub socket: UdpSocket,
}

/// An answer's transaction, type and address.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub xid: u32,
    pub kind: u8,
    pub address: Ipv4Addr,
}

impl Client {
    /// On `host`, which has an address.
    pub fn new(host: &super::Host) -> Client {
        Client { socket: host.udp(68) }
    }

    /// A message with options (without the end mark); it asks for a broadcast.
    pub fn message(mac: [u8; 6], xid: u32, options: &[u8]) -> Vec<u8> {
        let mut packet = vec![0; 240];
        packet[..3].copy_from_slice(&[1, 1, 6]);
        packet[4..8].copy_from_slice(&xid.to_be_bytes());
        packet[10] = 0x80;
        packet[28..34].copy_from_slice(&mac);
        packet[236..240].copy_from_slice(&[99, 130, 83, 99]);
        packet.extend_from_slice(options);
        packet.push(255);
        packet
    }

    /// Sends to the segment's server.
    pub fn send(&self, packet: &[u8]) {
        self.socket.send_to(packet, "10.77.0.1:67").unwrap();
    }

    /// The next answer of the server, whoever it is for.
    pub fn receive(&self) -> Option<Answer> {
        let mut buffer = [0; 2048];
        let length = match self.socket.recv(&mut buffer) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return None,
            other => other.unwrap(),
        };
        let packet = &buffer[..length];
        let address: [u8; 4] = packet[16..20].try_into().unwrap();
        // The server's own order: option 53 is among the first.
        let kind = packet[240..].windows(3).find(|option| option[..2] == [53, 1]).map_or(0, |option| option[2]);
        Some(Answer { xid: u32::from_be_bytes(packet[4..8].try_into().unwrap()), kind, address: address.into() })
    }

    /// Asks until the answer to `xid` comes, as clients do; passes over those to others.
    pub fn ask(&self, packet: &[u8], xid: u32) -> Answer {
        let deadline = Instant::now() + super::SOON;
        self.socket.set_read_timeout(Some(std::time::Duration::from_secs(1))).unwrap();
        self.send(packet);
        while Instant::now() < deadline {
            match self.receive() {
                Some(answer) if answer.xid == xid => return answer,
                Some(_) => {}
                None => self.send(packet),
            }
        }
        panic!("no answer to {xid:08x}");
    }

    /// Leases `address` for `mac`, whichever the server offers.
    pub fn lease(&self, mac: [u8; 6], xid: u32) -> Ipv4Addr {
        let offer = self.ask(&Client::message(mac, xid, &[53, 1, 1]), xid);
        assert_eq!(offer.kind, 2, "an offer");
        let request = [&[53, 1, 3, 50, 4][..], &offer.address.octets(), &[54, 4, 10, 77, 0, 1]].concat();
        let ack = self.ask(&Client::message(mac, xid + 1, &request), xid + 1);
        assert_eq!((ack.kind, ack.address), (5, offer.address));
        ack.address
    }
}
