//! A segment with one machine of conf, and stations of the DHCP tests on it.

use super::{Host, Program, Segment, Station};
use pxelator::event::{Fact, Silence};
use std::net::Ipv4Addr;

/// The machine of conf, at 10.77.0.60.
pub const KNOWN: &str = super::WEB1;
/// Strangers.
pub const GUEST: &str = "52:54:00:77:00:99";
pub const OTHER: &str = "52:54:00:77:00:98";

/// An address of the segment.
pub fn ip(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 77, 0, last)
}

/// The segment, with a pool or without.
pub fn segment(name: &str, pool: Option<&str>) -> Segment {
    let segment = Segment::new(name);
    // What is asked on the wire is to be what the pool asks.
    segment.conf("10.77.0.1/checks", "off");
    if let Some(pool) = pool {
        segment.conf("10.77.0.1/pool", pool);
    }
    segment.machine(60, KNOWN, "web1");
    segment
}

/// A station and the host that it is on.
pub fn station(segment: &Segment, name: &str, mac: &str) -> (Host, Station) {
    let host = segment.host(name, mac);
    let station = Station::on(&host, mac);
    (host, station)
}

/// Waits until the station's message is told as not answered, for this reason.
pub fn ignored(program: &Program, mark: usize, mac: &str, why: &Silence) {
    program.wait_since(mark, &format!("{mac} is not answered: {why}"), |event| {
        event.mac.is_some_and(|m| m.to_string() == mac)
            && matches!(&event.fact, Fact::DhcpIgnored { reason, .. } if reason == why)
    });
}
