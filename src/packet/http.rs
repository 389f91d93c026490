//! A segment of HTTP/1: the line of a request or of a status, else that it carries on.

use super::layer::{Layer, counted, text};

const METHODS: [&[u8]; 7] = [b"GET ", b"HEAD ", b"POST ", b"PUT ", b"DELETE ", b"OPTIONS ", b"PATCH "];
/// Heads that are shown at most.
const HEADS: usize = 32;
/// The longest line that is shown, in characters.
const LONGEST: usize = 300;

/// A request or a status begins here.
pub fn begins(payload: &[u8]) -> bool {
    payload.starts_with(b"HTTP/1.") || METHODS.iter().any(|method| payload.starts_with(method))
}

pub fn layer(payload: &[u8]) -> Layer {
    if !begins(payload) {
        return Layer::new("HTTP", format!("{} of a body", counted(payload.len(), "byte")));
    }
    let end = payload.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(payload.len());
    let mut lines = payload[..end].split(|byte| *byte == b'\n').map(|line| text(line, LONGEST));
    let first = lines.next().unwrap_or_default();
    let heads: Vec<(String, String)> = lines
        .take(HEADS)
        .filter_map(|line| line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned())))
        .collect();
    let head = |wanted: &str| heads.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value);
    let is_answer = first.starts_with("HTTP/");
    let after = match is_answer {
        true => head("content-length").map(|length| format!(", {length} bytes")),
        false => head("user-agent").map(|agent| format!(" by {agent}")),
    };
    let mut layer = Layer::new("HTTP", format!("{first}{}", after.unwrap_or_default()));
    layer.add(if is_answer { "status" } else { "request" }, &first);
    heads.iter().for_each(|(name, value)| layer.add(name, value));
    layer
}
