//! What hosts tell of themselves: LLDP, mDNS, and frames of all kinds.

use super::is_printable;
use pxelator::watch::listen::{self, What};
use std::net::Ipv4Addr;

/// What stands behind the EtherType.
pub fn lldp(data: &[u8]) {
    if let Some(told) = listen::neighbour(data) {
        assert!(is_printable(&told.system) && is_printable(&told.port), "{told:?}");
        assert!(data.len() >= 12, "three TLVs in {} bytes", data.len());
    }
}

/// The sender's address, and the payload.
pub fn mdns(data: &[u8]) {
    let Some((sender, payload)) = data.split_first_chunk::<4>() else { return };
    if let Some(name) = listen::mdns_name(payload, Ipv4Addr::from(*sender)) {
        assert!(is_printable(&name) && !name.is_empty(), "{name:?}");
    }
}

/// A frame.
pub fn sight(data: &[u8]) {
    let Some(seen) = listen::sight(data) else { return };
    assert!(!seen.mac.is_nobody());
    match seen.what {
        What::DhcpAsked { name: Some(name), .. } | What::Mdns { name: Some(name), .. } => assert!(is_printable(&name)),
        What::Lldp(told) => assert!(is_printable(&told.system) && is_printable(&told.port)),
        What::Arp(address) => assert!(!address.is_unspecified()),
        _ => {}
    }
}
