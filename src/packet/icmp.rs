//! ICMP messages of both versions: echoes, what is unreachable, and the neighbours and routers of IPv6 (RFC 4861).

use super::layer::{Layer, counted, half, spelled, word};
use crate::net::Mac;
use std::net::Ipv6Addr;

/// A message of ICMP for IPv4 (RFC 792).
pub fn v4(message: &[u8]) -> Layer {
    let (kind, code) = head(message);
    let words = match (kind, code) {
        (0, _) => echo("reply", message),
        (8, _) => echo("request", message),
        (3, code) => format!("{} unreachable", unreachable(code)),
        (5, _) => "redirect".to_owned(),
        (11, 0) => "time to live exceeded".to_owned(),
        (11, _) => "fragment reassembly took too long".to_owned(),
        (12, _) => "a field of the head makes no sense".to_owned(),
        _ => format!("type {kind} code {code}"),
    };
    Layer::new("ICMP", words).with("type", kind).with("code", code)
}

/// A message of ICMPv6 (RFC 4443, RFC 4861).
pub fn v6(message: &[u8]) -> Layer {
    let (kind, code) = head(message);
    let target = || address(message, 8).map_or_else(|| "nobody".to_owned(), |a| a.to_string());
    let words = match (kind, code) {
        (1, 0) => "no route to destination".to_owned(),
        (1, 1) => "prohibited".to_owned(),
        (1, 4) => "port unreachable".to_owned(),
        (1, _) => "address unreachable".to_owned(),
        (2, _) => format!("packet too big, at most {} bytes", word(message, 4).unwrap_or(0)),
        (3, _) => "hop limit exceeded".to_owned(),
        (128, _) => echo("request", message),
        (129, _) => echo("reply", message),
        (130..=132 | 143, _) => "multicast listeners".to_owned(),
        (133, _) => "RS router solicitation".to_owned(),
        (134, _) => advertisement(message),
        (135, _) => format!("NS who has {}?", target()),
        (136, _) => format!("NA {} is here", target()),
        (137, _) => "redirect".to_owned(),
        _ => format!("type {kind} code {code}"),
    };
    let mut layer = Layer::new("ICMPv6", words).with("type", kind).with("code", code);
    let begin = match kind {
        133 => 8,
        134 => 16,
        135 | 136 => 24,
        137 => 40,
        _ => return layer,
    };
    let mut rest = message.get(begin..).unwrap_or_default();
    // Lengths are in units of eight bytes (RFC 4861, section 4.6); of zero, none follows.
    while let [option, units, ..] = *rest {
        let Some(whole) = rest.get(..usize::from(units) * 8).filter(|whole| !whole.is_empty()) else {
            layer.words.push_str(" [an option is cut off]");
            break;
        };
        let (name, value) = neighbour_option(option, whole);
        if matches!(option, 1..=3 | 5 | 25) {
            layer.words.push_str(&format!(", {name} {value}"));
        }
        layer.add(name, value);
        rest = &rest[whole.len()..];
    }
    layer
}

fn head(message: &[u8]) -> (u8, u8) {
    (message.first().copied().unwrap_or(0), message.get(1).copied().unwrap_or(0))
}

fn echo(what: &str, message: &[u8]) -> String {
    let (id, sequence) = (half(message, 4).unwrap_or(0), half(message, 6).unwrap_or(0));
    format!("echo {what} id {id} seq {sequence}, {}", counted(message.len().saturating_sub(8), "byte"))
}

fn unreachable(code: u8) -> String {
    let what = match code {
        0 => "network",
        1 => "host",
        2 => "protocol",
        3 => "port",
        4 => return "fragmentation needed:".to_owned(),
        9 | 10 | 13 => return "prohibited:".to_owned(),
        code => return format!("code {code}:"),
    };
    what.to_owned()
}

fn address(message: &[u8], at: usize) -> Option<Ipv6Addr> {
    Some(Ipv6Addr::from(<[u8; 16]>::try_from(message.get(at..at + 16)?).ok()?))
}

fn advertisement(message: &[u8]) -> String {
    let flags = message.get(5).copied().unwrap_or(0);
    let lifetime = half(message, 6).unwrap_or(0);
    let router = match lifetime {
        0 => "no router".to_owned(),
        seconds => format!("router for {seconds} s"),
    };
    let managed = if flags & 0x80 != 0 { ", addresses by DHCPv6" } else { "" };
    let other = if flags & 0x40 != 0 { ", the rest by DHCPv6" } else { "" };
    format!("RA router advertisement: {router}{managed}{other}")
}

fn neighbour_option(code: u8, whole: &[u8]) -> (String, String) {
    let mac = || Mac::from_slice(whole.get(2..).unwrap_or_default()).map(|mac| mac.to_string()).unwrap_or_default();
    let (name, value) = match code {
        1 => ("from", mac()),
        2 => ("at", mac()),
        3 => {
            let length = whole.get(2).copied().unwrap_or(0);
            ("prefix", address(whole, 16).map(|prefix| format!("{prefix}/{length}")).unwrap_or_default())
        }
        5 => ("mtu", word(whole, 4).unwrap_or(0).to_string()),
        25 => {
            let servers = whole.get(8..).unwrap_or_default().chunks_exact(16);
            ("dns", servers.filter_map(|s| address(s, 0)).map(|a| a.to_string()).collect::<Vec<_>>().join(" "))
        }
        31 => ("search list", spelled(whole.get(8..).unwrap_or_default())),
        code => return (format!("option {code}"), spelled(whole.get(2..).unwrap_or_default())),
    };
    (name.to_owned(), value)
}
