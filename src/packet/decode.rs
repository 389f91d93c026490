//! A frame as its layers and as one line: Ethernet, VLAN, ARP and IP; what is above them is decoded by its own file.

use super::{
    Frame, icmp,
    layer::{Layer, counted, spelled},
    transport,
};
use crate::{event::printable, net::Mac};
use etherparse::{LaxLinkExtSlice, LaxNetSlice, LaxSlicedPacket, LinkSlice, TransportSlice};
use jiff::Timestamp;
use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
};

/// The longest words of a line, in characters.
const LONGEST: usize = 400;

/// A frame in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When.
    pub time: Timestamp,
    /// Its IP address, else its hardware address.
    pub source: String,
    /// To whom.
    pub destination: String,
    /// The protocol.
    pub protocol: &'static str,
    /// What it says.
    pub words: String,
}

impl Line {
    /// All but the time.
    pub fn what(&self) -> String {
        format!("{} > {} {} {}", self.source, self.destination, self.protocol, self.words)
    }
}

/// `time source > destination PROTOCOL words`, the time of day in UTC.
impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.time.strftime("%H:%M:%S%.6f"), self.what())
    }
}

/// A frame in one line, whatever came before it.
pub fn line(frame: &Frame) -> Line {
    line_of(frame, None)
}

/// The same; `file` is what its transfer carries, as [`super::Conversations`] know.
pub fn line_of(frame: &Frame, file: Option<&str>) -> Line {
    let layers = decode(frame, file);
    let address = |name: &str| {
        let talks = |layer: &&Layer| matches!(layer.protocol, "ETH" | "IPv4" | "IPv6");
        let mut fields = layers.iter().filter(talks).flat_map(|layer| &layer.fields);
        fields.rfind(|(field, _)| field == name).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let (source, destination) = (address(SOURCE), address(DESTINATION));
    let (protocol, mut words) = match layers.into_iter().next_back() {
        Some(layer) => (layer.protocol, printable(&layer.words, LONGEST)),
        None => ("ETH", String::new()),
    };
    let (kept, length) = (frame.data.len(), frame.length as usize);
    if kept < length {
        words.push_str(&format!(" [{kept} of {length} bytes kept]"));
    }
    Line { time: frame.time, source, destination, protocol, words }
}

/// The names of the fields that say who talks to whom.
const SOURCE: &str = "source";
const DESTINATION: &str = "destination";

/// The layers of a frame, the lowest first. Any bytes will do.
pub fn decode(frame: &Frame, file: Option<&str>) -> Vec<Layer> {
    let data = &frame.data[..];
    let mut layers = Vec::with_capacity(4);
    let Ok(sliced) = LaxSlicedPacket::from_ethernet(data) else {
        let words = format!("{} of a frame, too few for its head", counted(data.len(), "byte"));
        return vec![Layer::new("ETH", words)];
    };
    if let Some(LinkSlice::Ethernet2(ethernet)) = &sliced.link {
        let kind = ethernet.ether_type().0;
        let words = match kind {
            0..1536 => format!("IEEE 802.3, {}", counted(usize::from(kind), "byte")),
            kind => format!("type 0x{kind:04x}{}, {}", named(kind), counted(data.len(), "byte")),
        };
        let layer = Layer::new("ETH", words)
            .with(DESTINATION, Mac(ethernet.destination()))
            .with(SOURCE, Mac(ethernet.source()))
            .with("type", format!("0x{kind:04x}{}", named(kind)));
        layers.push(layer);
    }
    for tag in &sliced.link_exts {
        if let LaxLinkExtSlice::Vlan(vlan) = tag {
            let (id, next) = (vlan.vlan_identifier().value(), vlan.ether_type().0);
            let words = format!("VLAN {id}, type 0x{next:04x}{}", named(next));
            layers.push(Layer::new("VLAN", words).with("id", id).with("type", format!("0x{next:04x}{}", named(next))));
        }
    }
    match &sliced.net {
        Some(LaxNetSlice::Arp(arp)) => layers.push(arp_layer(arp)),
        Some(LaxNetSlice::Ipv4(ip)) => layers.push(ipv4(ip)),
        Some(LaxNetSlice::Ipv6(ip)) => layers.push(ipv6(ip)),
        None => {}
    }
    let payload = sliced.net.as_ref().and_then(LaxNetSlice::ip_payload_ref);
    match &sliced.transport {
        Some(TransportSlice::Udp(udp)) => transport::udp(udp, file, &mut layers),
        Some(TransportSlice::Tcp(tcp)) => transport::tcp(tcp, &mut layers),
        Some(TransportSlice::Icmpv4(message)) => layers.push(icmp::v4(message.slice())),
        Some(TransportSlice::Icmpv6(message)) => layers.push(icmp::v6(message.slice())),
        Some(TransportSlice::Igmp(_)) => layers.push(Layer::new("IGMP", "multicast groups")),
        None => {}
    }
    // Of a frame that was cut when it was captured that is no wonder.
    let is_whole = data.len() >= frame.length as usize;
    if let Some((error, layer)) = sliced.stop_err.as_ref().filter(|_| is_whole)
        && let Some(last) = layers.last_mut()
    {
        last.words.push_str(&format!(" [malformed at {layer}]"));
        last.add("malformed", error);
    } else if payload.is_some_and(|payload| payload.incomplete)
        && is_whole
        && let Some(last) = layers.last_mut()
    {
        last.words.push_str(" [shorter than its head says]");
    }
    layers
}

/// The protocols that an Ethernet type may stand for.
fn named(kind: u16) -> &'static str {
    match kind {
        0x0800 => " IPv4",
        0x0806 => " ARP",
        0x0842 => " wake on LAN",
        0x8100 | 0x88a8 => " VLAN",
        0x86dd => " IPv6",
        0x8809 => " LACP",
        0x8863 | 0x8864 => " PPPoE",
        0x888e => " 802.1X",
        0x88cc => " LLDP",
        _ => "",
    }
}

fn arp_layer(arp: &etherparse::ArpPacketSlice<'_>) -> Layer {
    let hardware = |bytes: &[u8]| Mac::from_slice(bytes).map_or_else(|| spelled(bytes), |mac| mac.to_string());
    let address = |bytes: &[u8]| match <[u8; 4]>::try_from(bytes) {
        Ok(octets) => Ipv4Addr::from(octets).to_string(),
        Err(_) => spelled(bytes),
    };
    let (asks, has) = (address(arp.sender_protocol_addr()), hardware(arp.sender_hw_addr()));
    let wanted = address(arp.target_protocol_addr());
    let words = match arp.operation().0 {
        1 if asks == wanted => format!("{has} announces {asks}"),
        1 if asks == "0.0.0.0" => format!("{has} probes whether {wanted} is taken"),
        1 => format!("who has {wanted}? tell {asks}"),
        2 => format!("{asks} is at {has}"),
        other => format!("operation {other}"),
    };
    Layer::new("ARP", words)
        .with("operation", arp.operation().0)
        .with("sender", format!("{has} {asks}"))
        .with("target", format!("{} {wanted}", hardware(arp.target_hw_addr())))
}

fn ipv4(ip: &etherparse::LaxIpv4Slice<'_>) -> Layer {
    let head = ip.header();
    let (protocol, offset) = (ip.payload_ip_number(), head.fragments_offset().value() * 8);
    let fragment = match (offset, head.more_fragments()) {
        (0, false) => String::new(),
        (offset, more) => {
            let last = if more { "" } else { ", the last" };
            format!("fragment of packet {} at {offset}{last}", head.identification())
        }
    };
    let words = match fragment.is_empty() {
        true => format!("protocol {}, {}", number(protocol), counted(ip.payload().payload.len(), "byte")),
        false => fragment.clone(),
    };
    let mut layer = Layer::new("IPv4", words)
        .with(SOURCE, head.source_addr())
        .with(DESTINATION, head.destination_addr())
        .with("protocol", number(protocol))
        .with("time to live", head.ttl())
        .with("length", head.total_len())
        .with("identification", head.identification());
    if !fragment.is_empty() {
        layer.add("fragment", fragment);
    }
    layer
}

fn ipv6(ip: &etherparse::LaxIpv6Slice<'_>) -> Layer {
    let head = ip.header();
    let protocol = ip.payload().ip_number;
    let kind = if ip.is_payload_fragmented() { "fragment, protocol" } else { "protocol" };
    Layer::new("IPv6", format!("{kind} {}, {}", number(protocol), counted(ip.payload().payload.len(), "byte")))
        .with(SOURCE, Ipv6Addr::from(head.source()))
        .with(DESTINATION, Ipv6Addr::from(head.destination()))
        .with("protocol", number(protocol))
        .with("hop limit", head.hop_limit())
        .with("length", head.payload_length())
}

fn number(protocol: etherparse::IpNumber) -> String {
    match protocol.keyword_str() {
        Some(name) => format!("{} {name}", protocol.0),
        None => protocol.0.to_string(),
    }
}
