//! DHCP messages in words: who asks for what, and what is offered. Both versions; of DHCPv6 only the message's type.

use super::{
    layer::{Layer, counted, half, spelled, text, text_or_bytes, word},
    options::{Options, options},
};
use crate::{event::Architecture, net::Mac};
use std::net::Ipv4Addr;

/// The longest text of an option in the line, in characters.
const LONGEST: usize = 80;

/// The layer of a BOOTP or DHCP message (RFC 2131, section 2).
pub fn layer(message: &[u8]) -> Option<Layer> {
    if message.len() < 44 {
        return Some(Layer::new("DHCP", format!("{}, too few for a message", counted(message.len(), "byte"))));
    }
    let found = if half(message, 236) == Some(0x6382) { options(message) } else { Options::default() };
    let address = |at: usize| word(message, at).map(Ipv4Addr::from).filter(|address| !address.is_unspecified());
    let (ciaddr, yiaddr, siaddr, giaddr) = (address(12), address(16), address(20), address(24));
    let mac = Mac::from_slice(&message[28..34]).map(|mac| mac.to_string()).unwrap_or_default();
    let xid = word(message, 4).unwrap_or(0);
    let kind = match found.get(53) {
        Some([kind]) => name_of(*kind).map_or_else(|| format!("type {kind}"), str::to_owned),
        _ if message[0] == 1 => "BOOTP request".to_owned(),
        _ => "BOOTP reply".to_owned(),
    };
    // The header's field stays where no option says it (RFC 2132, section 9.5).
    let header_file = message.get(108..236).map(zero_ended).filter(|file| !file.is_empty());
    let file = found.get(67).map(|file| text(file, LONGEST)).filter(|file| !file.is_empty()).or(header_file);

    let mut words = kind.clone();
    let mut say = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            words.push_str(&format!(" {name}{value}"));
        }
    };
    let spell = |address: Option<Ipv4Addr>| address.map(|address| address.to_string());
    let option_address = |code| found.get(code).and_then(|value| word(value, 0)).map(Ipv4Addr::from);
    say("", spell(yiaddr));
    say("for ", Some(mac.clone()));
    say("xid ", Some(format!("{xid:08x}")));
    say("wants ", spell(option_address(50)));
    say("has ", spell(ciaddr));
    say("of server ", spell(option_address(54)));
    say("relayed by ", spell(giaddr));
    say("named ", found.get(12).map(|name| text(name, LONGEST)));
    say("arch ", found.get(93).map(architectures));
    say("vendor ", found.get(60).map(|vendor| text(vendor, LONGEST)));
    say("class ", found.get(77).map(user_class));
    say("boot file ", file);
    say("from ", spell(siaddr).or_else(|| found.get(66).map(|server| text(server, LONGEST))));
    say("says ", found.get(56).map(|said| text(said, LONGEST)));
    say("options ", Some(codes(&found)));
    if let Some((code, at)) = found.cut {
        words.push_str(&format!(" [option {code} is cut off at byte {at}]"));
    }

    let mut layer = Layer::new("DHCP", words).with("message", kind).with("xid", format!("{xid:08x}"));
    layer.add("seconds", half(message, 8).unwrap_or(0));
    layer.add("flags", format!("0x{:04x}", half(message, 10).unwrap_or(0)));
    for (name, value) in [("client has", ciaddr), ("address", yiaddr), ("next server", siaddr), ("relay", giaddr)] {
        value.into_iter().for_each(|value| layer.add(name, value));
    }
    layer.add("client", mac);
    let names = [("server name", message.get(44..108)), ("file", message.get(108..236))];
    for (name, bytes) in names {
        bytes.map(zero_ended).filter(|text| !text.is_empty()).into_iter().for_each(|text| layer.add(name, text));
    }
    for (code, value) in &found.found {
        let name = option_name(*code).map_or_else(|| format!("option {code}"), |name| format!("{code} {name}"));
        layer.add(name, option_value(*code, value));
    }
    Some(layer)
}

/// The layer of a DHCPv6 message (RFC 8415, section 7.3).
pub fn v6(message: &[u8]) -> Option<Layer> {
    const NAMES: [&str; 13] = [
        "Solicit",
        "Advertise",
        "Request",
        "Confirm",
        "Renew",
        "Rebind",
        "Reply",
        "Release",
        "Decline",
        "Reconfigure",
        "Information-request",
        "Relay-forw",
        "Relay-repl",
    ];
    let kind = usize::from(*message.first()?);
    let name = kind.checked_sub(1).and_then(|at| NAMES.get(at));
    let words = name.map_or_else(|| format!("type {kind}"), |name| (*name).to_owned());
    Some(Layer::new("DHCPv6", words).with("type", kind))
}

fn name_of(kind: u8) -> Option<&'static str> {
    const NAMES: [&str; 8] = ["DISCOVER", "OFFER", "REQUEST", "DECLINE", "ACK", "NAK", "RELEASE", "INFORM"];
    NAMES.get(usize::from(kind.checked_sub(1)?)).copied()
}

fn zero_ended(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    text(&bytes[..end], LONGEST)
}

fn architectures(value: &[u8]) -> String {
    let numbers = value.chunks_exact(2).map(|two| u16::from_be_bytes([two[0], two[1]]));
    numbers.map(|number| Architecture::from_number(number).to_string()).collect::<Vec<_>>().join(",")
}

/// iPXE sends bare text; RFC 3004 has lengths before each.
fn user_class(value: &[u8]) -> String {
    let bare = match value {
        [length, rest @ ..] if usize::from(*length) == rest.len() => rest,
        whole => whole,
    };
    text_or_bytes(bare)
}

/// The codes of the options that are there.
fn codes(found: &Options) -> String {
    found.found.iter().map(|(code, _)| code.to_string()).collect::<Vec<_>>().join(",")
}

fn option_value(code: u8, value: &[u8]) -> String {
    let addresses = || {
        let each = value.chunks_exact(4).filter_map(|four| word(four, 0));
        each.map(|address| Ipv4Addr::from(address).to_string()).collect::<Vec<_>>().join(" ")
    };
    match code {
        1 | 3 | 4 | 6 | 7 | 28 | 42 | 50 | 54 if value.len().is_multiple_of(4) && !value.is_empty() => addresses(),
        51 | 58 | 59 if value.len() == 4 => format!("{} s", word(value, 0).unwrap_or(0)),
        53 => match value {
            [kind] => name_of(*kind).unwrap_or("unknown").to_owned(),
            other => spelled(other),
        },
        26 | 57 if value.len() == 2 => half(value, 0).unwrap_or(0).to_string(),
        55 => value.iter().map(u8::to_string).collect::<Vec<_>>().join(" "),
        61 if value.len() == 7 && value[0] == 1 => {
            Mac::from_slice(&value[1..]).map(|mac| mac.to_string()).unwrap_or_default()
        }
        77 => user_class(value),
        93 => architectures(value),
        _ => text_or_bytes(value),
    }
}

/// Those that boots have (RFC 2132, RFC 4578, RFC 5071 and the PXE specification).
fn option_name(code: u8) -> Option<&'static str> {
    Some(match code {
        1 => "subnet mask",
        3 => "routers",
        6 => "dns",
        7 => "log servers",
        12 => "host name",
        15 => "domain",
        17 => "root path",
        26 => "mtu",
        28 => "broadcast",
        42 => "time servers",
        43 => "vendor options",
        50 => "requested address",
        51 => "lease",
        52 => "overload",
        53 => "message type",
        54 => "server",
        55 => "parameters asked for",
        56 => "message",
        57 => "longest message",
        58 => "renewal",
        59 => "rebinding",
        60 => "vendor class",
        61 => "client id",
        66 => "boot server",
        67 => "boot file",
        77 => "user class",
        82 => "relay information",
        93 => "architecture",
        94 => "network interface",
        97 => "machine id",
        114 => "captive portal",
        119 => "search list",
        121 => "routes",
        150 => "TFTP servers",
        175 => "iPXE",
        209 => "pxelinux configuration",
        210 => "pxelinux path prefix",
        _ => return None,
    })
}
