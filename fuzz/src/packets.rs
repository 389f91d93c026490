//! What comes below UDP: ARP frames and router solicitations.

use super::is_printable;
use bytes::Bytes;
use pxelator::{
    net,
    packet::{Conversations, Frame, decode, line_of},
    servers::{radv, tftp},
};
use std::net::Ipv6Addr;

/// A frame.
pub fn arp(data: &[u8]) {
    if net::arp_sender(data).is_some() {
        assert!(data.len() >= 14 + 28, "an ARP packet of {} bytes", data.len());
    }
}

/// Frames, each after its length in two bytes: in words, one after the other as of one talk.
pub fn packet(data: &[u8]) {
    let (mut talk, mut rest) = (Conversations::default(), data);
    while let [high, low, tail @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let (kept, next) = tail.split_at(length.min(tail.len()));
        rest = next;
        let data = Bytes::copy_from_slice(kept);
        let frame = Frame { time: jiff::Timestamp::UNIX_EPOCH, length: length as u32, data, comments: Vec::new() };
        let file = talk.follow(&frame);
        assert!(is_printable(&line_of(&frame, file.as_deref()).to_string()));
        let layers = decode(&frame, file.as_deref());
        assert!(layers.iter().flat_map(|layer| &layer.fields).all(|(n, v)| is_printable(n) && is_printable(v)));
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
