//! One layer of a packet: its protocol, what it says in a line, and its fields. Knows no protocol.

use crate::event::printable;

/// The longest value of a field, in characters.
const LONGEST: usize = 512;

/// A layer of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// The protocol's name, as one filters for it: `DHCP`.
    pub protocol: &'static str,
    /// What it says, in a line.
    pub words: String,
    /// Its fields by name, in their order on the wire.
    pub fields: Vec<(String, String)>,
}

impl Layer {
    /// A layer that says these words.
    pub fn new(protocol: &'static str, words: impl Into<String>) -> Layer {
        Layer { protocol, words: words.into(), fields: Vec::new() }
    }

    /// The same with a further field.
    pub fn with(mut self, name: impl Into<String>, value: impl ToString) -> Layer {
        self.add(name, value);
        self
    }

    /// Adds a field.
    pub fn add(&mut self, name: impl Into<String>, value: impl ToString) {
        self.fields.push((name.into(), printable(&value.to_string(), LONGEST)));
    }
}

/// Text of the wire as it can be shown: at most `most` characters, nothing that a terminal would obey.
pub fn text(bytes: &[u8], most: usize) -> String {
    // Cut before it is read: what is not shown need not be understood. A character has at most four bytes.
    let bytes = bytes.get(..most.saturating_mul(4)).unwrap_or(bytes);
    printable(&String::from_utf8_lossy(bytes), most)
}

/// Bytes as they are spelled where they are no text; the end of many is left out.
pub fn spelled(bytes: &[u8]) -> String {
    const MOST: usize = 64;
    let shown = hex::encode(bytes.get(..MOST).unwrap_or(bytes));
    if bytes.len() > MOST { format!("{shown}... ({} bytes)", bytes.len()) } else { shown }
}

/// Text where all is printable, else as bytes.
pub fn text_or_bytes(bytes: &[u8]) -> String {
    let is_text = |byte: &u8| (b' '..=b'~').contains(byte);
    let trimmed = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    if !trimmed.is_empty() && trimmed.iter().all(is_text) { text(trimmed, LONGEST) } else { spelled(bytes) }
}

/// Two bytes as a number.
pub fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

/// Four bytes as a number.
pub fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// Counted things: `1 byte`, `2 bytes`.
pub fn counted(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}
