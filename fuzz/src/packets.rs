//! What comes below UDP: ARP frames and router solicitations.

use pxelator::{net, servers::radv};
use std::net::Ipv6Addr;

/// A frame.
pub fn arp(data: &[u8]) {
    if net::arp_sender(data).is_some() {
        assert!(data.len() >= 14 + 28, "an ARP packet of {} bytes", data.len());
    }
}

/// An address, and a packet from there.
pub fn router_solicitation(data: &[u8]) {
    let Some((source, packet)) = data.split_first_chunk::<16>() else { return };
    let source = Ipv6Addr::from(*source);
    assert!(radv::check(packet, source, 64).is_err(), "from beyond the link");
    if radv::check(packet, source, 255).is_ok() {
        assert!(packet.len() >= 8 && packet[1] == 0);
    }
    assert!(radv::mac_of(packet).is_none_or(|mac| !mac.is_nobody()));
}
