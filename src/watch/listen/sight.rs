//! What a frame tells of who sent it: ARP, DHCP, mDNS or LLDP. Pure.

use super::{dhcp, lldp, mdns};
use crate::net::Mac;
use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use std::net::Ipv4Addr;

/// IEEE 802.1AB.
const LLDP: u16 = 0x88cc;

/// Somebody showed himself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// Who.
    pub mac: Mac,
    /// By what.
    pub what: What,
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// It says that this address is its own.
    Arp(Ipv4Addr),
    /// It asks whether anybody has this address (RFC 5227): it has none yet.
    Probe(Ipv4Addr),
    /// A client of DHCP asks, of whatever server.
    DhcpAsked {
        /// Option 12, made printable.
        name: Option<String>,
        /// The address that it has already.
        address: Option<Ipv4Addr>,
    },
    /// A server of DHCP answers.
    DhcpAnswered {
        /// Option 54, else who sent the packet.
        server: Ipv4Addr,
        /// The address that it offers or gives.
        offered: Option<Ipv4Addr>,
    },
    /// It told its name.
    Mdns {
        /// Its address.
        address: Ipv4Addr,
        /// Without `.local`; none where it only asked.
        name: Option<String>,
    },
    /// It told what it is.
    Lldp(lldp::Neighbour),
}

/// What a frame tells, if anything.
pub fn sight(frame: &[u8]) -> Option<Sight> {
    let sliced = SlicedPacket::from_ethernet(frame).ok()?;
    let sender = Mac::from_slice(frame.get(6..12)?).filter(|mac| !mac.is_nobody())?;
    match (&sliced.net, &sliced.transport) {
        (Some(NetSlice::Arp(arp)), _) => {
            let own: [u8; 4] = arp.sender_protocol_addr().try_into().ok()?;
            let asked: [u8; 4] = arp.target_protocol_addr().try_into().ok()?;
            // Who speaks for another is not that other.
            let mac = Mac::from_slice(arp.sender_hw_addr()).filter(|mac| *mac == sender)?;
            let (own, asked) = (Ipv4Addr::from(own), Ipv4Addr::from(asked));
            let what = if own.is_unspecified() { What::Probe(asked) } else { What::Arp(own) };
            Some(Sight { mac, what })
        }
        (Some(NetSlice::Ipv4(ip)), Some(TransportSlice::Udp(udp))) => {
            let source = ip.header().source_addr();
            match (udp.source_port(), udp.destination_port()) {
                (_, 67) | (67, _) => dhcp::sight(sender, source, udp.payload()),
                (5353, 5353) => {
                    let what = What::Mdns { address: source, name: mdns::name_of(udp.payload(), source) };
                    Some(Sight { mac: sender, what })
                }
                _ => None,
            }
        }
        _ => {
            let (kind, rest) = untagged(frame)?;
            (kind == LLDP)
                .then(|| lldp::neighbour(rest))
                .flatten()
                .map(|told| Sight { mac: sender, what: What::Lldp(told) })
        }
    }
}

/// The EtherType and what follows it, behind a VLAN's tag too.
fn untagged(frame: &[u8]) -> Option<(u16, &[u8])> {
    let kind = |at: usize| frame.get(at..at + 2)?.try_into().ok().map(u16::from_be_bytes);
    match kind(12)? {
        0x8100 => Some((kind(16)?, frame.get(18..)?)),
        other => Some((other, frame.get(14..)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{arp_probe, udp_frame};

    #[test]
    fn who_shows_himself() {
        let (a, all) = (Mac([0x52, 0x54, 0, 0, 0, 1]), Mac::BROADCAST);
        let address = Ipv4Addr::new(10, 77, 0, 60);
        let probe = arp_probe(a, address).unwrap();
        assert_eq!(sight(&probe), Some(Sight { mac: a, what: What::Probe(address) }));
        let mut claim = probe.clone();
        claim[28..32].copy_from_slice(&address.octets());
        assert_eq!(sight(&claim), Some(Sight { mac: a, what: What::Arp(address) }));
        // Who answers for another.
        claim[22] = 0x02;
        assert_eq!(sight(&claim), None);
        let udp = |from: &str, to: &str, payload: &[u8]| {
            udp_frame(a, all, from.parse().unwrap(), to.parse().unwrap(), payload).unwrap()
        };
        let asked = sight(&udp("10.77.0.60:5353", "224.0.0.251:5353", b"no DNS"));
        assert_eq!(asked, Some(Sight { mac: a, what: What::Mdns { address, name: None } }));
        assert_eq!(sight(&udp("10.77.0.60:68", "10.77.0.1:67", b"no DHCP")), None);
        assert_eq!(sight(&udp("10.77.0.60:5000", "10.77.0.1:53", b"")), None);
        for length in 0..probe.len() {
            sight(&probe[..length]);
        }
    }
}
