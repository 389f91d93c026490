//! A syslog message as it came (RFC 3164, RFC 5424): its severity by name, and who says what.

use super::layer::{Layer, text};
use crate::event::Severity;
use syslog_loose::{Variant, parse_message};

/// The longest message that is shown, in characters.
const LONGEST: usize = 400;

pub fn layer(message: &[u8]) -> Layer {
    let shown = text(message, LONGEST);
    match priority(&shown) {
        Some((number, rest)) => {
            let severity = Severity::from_number(number % 8).to_string();
            Layer::new("SYSLOG", format!("{severity} {}", said(&shown).unwrap_or_else(|| rest.trim().to_owned())))
                .with("severity", severity)
                .with("facility", number / 8)
                .with("message", rest)
        }
        None => Layer::new("SYSLOG", shown.clone()).with("message", shown),
    }
}

/// Who says what, without the time, which the packet has.
fn said(text: &str) -> Option<String> {
    let message = parse_message(text, Variant::Either);
    message.timestamp?;
    let who: Vec<&str> = [message.hostname, message.appname].into_iter().flatten().collect();
    Some(if who.is_empty() { message.msg.to_owned() } else { format!("{}: {}", who.join(" "), message.msg) })
}

/// The number in front of a message, 0 to 191, and what follows it; over TCP the message's length may come before.
fn priority(text: &str) -> Option<(u8, &str)> {
    let counted = text.split_once(' ').filter(|(length, _)| length.bytes().all(|b| b.is_ascii_digit()));
    let text = counted.map_or(text, |(_, rest)| rest);
    let (number, rest) = text.strip_prefix('<')?.split_once('>')?;
    Some((number.parse().ok().filter(|n| *n <= 191)?, rest))
}
