//! UDP and TCP, and which protocol is above them.

use super::{
    dhcp, dns, http,
    layer::{Layer, counted},
    syslog, tftp,
};
use etherparse::{TcpSlice, UdpSlice};

/// A datagram; `file` is what its TFTP transfer carries, where that is known.
pub fn udp(udp: &UdpSlice<'_>, file: Option<&str>, layers: &mut Vec<Layer>) {
    let (from, to, payload) = (udp.source_port(), udp.destination_port(), udp.payload());
    let words = format!("{from} > {to}, {}", counted(payload.len(), "byte"));
    layers.push(Layer::new("UDP", words).with("ports", format!("{from} > {to}")).with("length", udp.length()));
    let either = |ports: &[u16]| ports.contains(&from) || ports.contains(&to);
    let above = match () {
        () if either(&[67, 68, 4011]) => dhcp::layer(payload),
        () if either(&[546, 547]) => dhcp::v6(payload),
        () if either(&[53]) => dns::layer("DNS", payload),
        () if either(&[5353]) => dns::layer("mDNS", payload),
        () if to == 69 => Some(tftp::request(payload)),
        () if either(&[514]) => Some(syslog::layer(payload)),
        () if file.is_some() || (from >= 1024 && to >= 1024) => tftp::transfer(payload, file),
        () => None,
    };
    layers.extend(above);
}

/// A segment.
pub fn tcp(tcp: &TcpSlice<'_>, layers: &mut Vec<Layer>) {
    let (from, to, payload) = (tcp.source_port(), tcp.destination_port(), tcp.payload());
    let named = [
        (tcp.syn(), "SYN"),
        (tcp.fin(), "FIN"),
        (tcp.rst(), "RST"),
        (tcp.psh(), "PSH"),
        (tcp.ack(), "ACK"),
        (tcp.urg(), "URG"),
    ];
    let flags: Vec<&str> = named.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect();
    let flags = flags.join(" ");
    let carried = if payload.is_empty() { String::new() } else { format!(", {}", counted(payload.len(), "byte")) };
    let (sequence, acknowledged) = (tcp.sequence_number(), tcp.acknowledgment_number());
    let layer = Layer::new("TCP", format!("{from} > {to} [{flags}] seq {sequence} ack {acknowledged}{carried}"))
        .with("ports", format!("{from} > {to}"))
        .with("flags", flags)
        .with("sequence", sequence)
        .with("acknowledgment", acknowledged)
        .with("window", tcp.window_size());
    layers.push(layer);
    if payload.is_empty() {
        return;
    }
    let either = |port: u16| from == port || to == port;
    let above = match () {
        () if http::begins(payload) || either(80) => Some(http::layer(payload)),
        // The message's length comes before it (RFC 1035, section 4.2.2).
        () if either(53) => payload.get(2..).and_then(|message| dns::layer("DNS", message)),
        () if either(514) => Some(syslog::layer(payload)),
        () => None,
    };
    layers.extend(above);
}
