//! What comes below UDP: ARP frames and router solicitations.

use super::is_printable;
use pxelator::{
    net,
    servers::{radv, tftp},
};
use std::net::Ipv6Addr;

/// A frame.
pub fn arp(data: &[u8]) {
    if net::arp_sender(data).is_some() {
        assert!(data.len() >= 14 + 28, "an ARP packet of {} bytes", data.len());
    }
}

/// A packet to TFTP's port.
pub fn tftp_request(data: &[u8]) {
    match tftp::check(data) {
        Ok(()) => assert!(data.ends_with(&[0]) && data.len() > 8, "{data:?}"),
        Err(error) => assert!(is_printable(&error)),
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
