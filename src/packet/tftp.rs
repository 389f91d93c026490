//! TFTP packets (RFC 1350, RFC 2347): requests, and the blocks of a transfer.

use super::layer::{Layer, counted, half, text};

/// The longest name or message that is shown, in characters.
const LONGEST: usize = 200;

/// A packet to port 69.
pub fn request(payload: &[u8]) -> Layer {
    let kind = match half(payload, 0) {
        Some(1) => "RRQ",
        Some(2) => "WRQ",
        _ => return transfer(payload, None).unwrap_or_else(|| unknown(payload)),
    };
    let words = strings(payload);
    let mut layer = Layer::new("TFTP", format!("{kind} {}", words.join(" "))).with("opcode", kind);
    let mut words = words.into_iter();
    layer.add("file", words.next().unwrap_or_default());
    layer.add("mode", words.next().unwrap_or_default());
    pairs(&mut layer, words);
    layer
}

/// A packet of a transfer between two ports of no fixed number. Where it is not known whether they have one, only
/// what looks like it is taken for one.
pub fn transfer(payload: &[u8], file: Option<&str>) -> Option<Layer> {
    let sure = file.is_some();
    let of = file.map(|file| format!(" of {}", text(file.as_bytes(), LONGEST))).unwrap_or_default();
    let (block, length) = (half(payload, 2), payload.len());
    let layer = match (half(payload, 0), block) {
        (Some(3), Some(block)) => {
            let words = format!("DATA {block}{of}, {}", counted(length - 4, "byte"));
            Layer::new("TFTP", words).with("opcode", "DATA").with("block", block).with("bytes", length - 4)
        }
        (Some(4), Some(block)) if sure || length == 4 => {
            Layer::new("TFTP", format!("ACK {block}{of}")).with("opcode", "ACK").with("block", block)
        }
        (Some(5), Some(code)) if sure || (code <= 8 && payload.ends_with(&[0])) => {
            let said = text(payload.get(4..).unwrap_or_default(), LONGEST);
            let said = said.trim_end_matches('\0').to_owned();
            let words = format!("ERROR {code} {}{of}: {said}", error(code));
            Layer::new("TFTP", words).with("opcode", "ERROR").with("code", code).with("message", said)
        }
        (Some(6), _) if sure || (payload.ends_with(&[0]) && strings(payload).len() >= 2) => {
            let words = strings(payload);
            let mut layer = Layer::new("TFTP", format!("OACK {}{of}", words.join(" "))).with("opcode", "OACK");
            pairs(&mut layer, words.into_iter());
            layer
        }
        _ if sure => unknown(payload),
        _ => return None,
    };
    Some(layer)
}

fn unknown(payload: &[u8]) -> Layer {
    Layer::new("TFTP", format!("{} without an opcode of TFTP", counted(payload.len(), "byte")))
}

/// The words after the opcode, each ended by a zero.
fn strings(payload: &[u8]) -> Vec<String> {
    let rest = payload.get(2..).unwrap_or_default();
    let rest = rest.strip_suffix(&[0]).unwrap_or(rest);
    // Names and values of a request are few (RFC 2347: 512 bytes in all).
    rest.split(|byte| *byte == 0).take(32).map(|word| text(word, LONGEST)).collect()
}

fn pairs(layer: &mut Layer, mut words: impl Iterator<Item = String>) {
    while let Some(name) = words.next() {
        layer.add(name, words.next().unwrap_or_default());
    }
}

/// RFC 1350, appendix, and RFC 2347.
fn error(code: u16) -> &'static str {
    match code {
        0 => "(see its words)",
        1 => "file not found",
        2 => "access violation",
        3 => "disk full",
        4 => "illegal operation",
        5 => "unknown transfer",
        6 => "file exists",
        7 => "no such user",
        8 => "option refused",
        _ => "(unknown)",
    }
}

/// The file of a request, as its own bytes say.
pub fn file(payload: &[u8]) -> Option<String> {
    matches!(half(payload, 0), Some(1 | 2)).then(|| strings(payload).into_iter().next()).flatten()
}
