//! What shows that a machine is on, or began anew: which events, and which frames of its card. Pure.

use crate::{
    event::{Event, Evidence, Fact, Role},
    net::Mac,
};

/// What an event of the machine shows, and whether only a machine that begins shows that.
pub fn evidence(event: &Event) -> Option<(Evidence, bool)> {
    match &event.fact {
        Fact::DhcpDiscovered { .. } => Some((Evidence::Discover, true)),
        Fact::TftpRequested { transfer } => Some((Evidence::Request, transfer.role == Role::Loader)),
        Fact::TftpRefused { role, .. } => Some((Evidence::Request, *role == Role::Loader)),
        Fact::HttpRequested { .. } | Fact::HttpRefused { .. } => Some((Evidence::Request, false)),
        Fact::DnsAnswered { .. } | Fact::DnsForwarded { .. } | Fact::DnsRefused { .. } => {
            Some((Evidence::Request, false))
        }
        Fact::SyslogReceived { .. } => Some((Evidence::Syslog, false)),
        _ => None,
    }
}

/// The filter (pcap-filter(7)) for a first frame of a machine's card.
///
/// With `begins`, only those of a card that has no address yet: DHCP, an ARP probe (RFC 5227), the duplicate address
/// detection of IPv6 (RFC 4862). With `shared`, firmware that switches the machine speaks by the same card also while it is
/// off, as AMT does: its own traffic and what answers ours is left out.
pub fn first_frame(mac: Mac, begins: bool, shared: bool) -> String {
    const NO_ADDRESS: &str = "ip src host 0.0.0.0 or (arp and arp[14:4] = 0) \
        or (ip6 and ip6[8:4] = 0 and ip6[12:4] = 0 and ip6[16:4] = 0 and ip6[20:4] = 0)";
    const FIRMWARE: &str = "arp or icmp or tcp src portrange 16992-16995 or tcp src portrange 623-664 \
        or udp src portrange 623-664";
    match (begins, shared) {
        (true, _) => format!("ether src {mac} and ({NO_ADDRESS})"),
        (false, false) => format!("ether src {mac}"),
        (false, true) => format!("ether src {mac} and ({NO_ADDRESS} or not ({FIRMWARE}))"),
    }
}
