//! One syslog message as an event's fact. Pure; the grammar is syslog_loose's (RFC 3164 and 5424).

use crate::event::{Fact, Severity, printable};
use jiff::Timestamp;
use syslog_loose::{Protocol, Variant, decompose_pri, parse_message};

/// The longest text that is kept, in characters.
const LONGEST: usize = 8192;

/// Reads a message. One without a priority is a notice (RFC 3164, section 4.3.3); an error says what is wrong.
pub fn read(bytes: &[u8]) -> Result<Fact, String> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0' || c == '\u{feff}');
    if text.is_empty() {
        return Err("an empty message; expected <priority> and a text".to_owned());
    }
    let unprintable = text.chars().filter(|c| *c == '\u{fffd}' || (c.is_control() && !c.is_whitespace())).count();
    if !text.starts_with('<') && unprintable * 4 > text.chars().count() {
        return Err(format!("{} bytes that are no text; expected <priority> and a text", bytes.len()));
    }
    // Control characters would end the grammar's words.
    let text = printable(text, LONGEST);
    let message = parse_message(&text, Variant::Either);
    if message.severity.is_none()
        && let Some((priority, rest)) = priority(&text)
    {
        return Ok(bare(priority, rest));
    }
    let mut message = message;
    if message.appname.is_none() && message.protocol == Protocol::RFC3164 {
        // busybox names no host, so that the grammar takes the program's name for one.
        match message.hostname.filter(|host| text.contains(&format!(" {host}: {}", message.msg))) {
            Some(name) => (message.hostname, message.appname) = (None, Some(name)),
            None => (message.appname, message.msg) = tagged(message.msg),
        }
    }
    let severity = message.severity.map_or(Severity::Notice, |s| Severity::from_number(s as u8));
    let tag = message.appname.map(|name| match message.procid {
        Some(pid) => format!("{name}[{pid}]"),
        None => name.to_owned(),
    });
    Ok(Fact::SyslogReceived {
        severity,
        facility: message.facility.map(|facility| facility.as_str().to_owned()),
        tag: tag.map(|tag| printable(&tag, LONGEST)),
        host: message.hostname.map(|host| printable(host, LONGEST)),
        sent: message.timestamp.and_then(|time| Timestamp::from_microsecond(time.timestamp_micros()).ok()),
        text: printable(message.msg, LONGEST),
    })
}

/// The program's name in front of a text, if there is one, and the rest.
fn tagged(text: &str) -> (Option<&str>, &str) {
    let is_tag = |tag: &str| (1..=48).contains(&tag.len()) && !tag.contains(' ');
    match text.split_once(": ").filter(|(tag, _)| is_tag(tag)) {
        Some((tag, rest)) => (Some(tag), rest),
        None => (None, text),
    }
}

/// The number in front of a message, 0 to 191, and what follows it.
fn priority(text: &str) -> Option<(u8, &str)> {
    let (number, rest) = text.strip_prefix('<')?.split_once('>')?;
    Some((number.parse().ok().filter(|n| *n <= 191)?, rest))
}

/// A message of a priority and a text alone, which the grammar does not take (RFC 3164, section 4.3.2).
fn bare(priority: u8, rest: &str) -> Fact {
    let (tag, text) = tagged(rest);
    let tag = tag.map(str::to_owned);
    let facility = decompose_pri(priority).0.map(|facility| facility.as_str().to_owned());
    let severity = Severity::from_number(priority % 8);
    Fact::SyslogReceived { severity, facility, tag, host: None, sent: None, text: printable(text, LONGEST) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(bytes: &[u8]) -> (Severity, Option<String>, Option<String>, String) {
        match read(bytes) {
            Ok(Fact::SyslogReceived { severity, tag, host, text, .. }) => (severity, tag, host, text),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn both_grammars_and_none() {
        let some = |text: &str| Some(text.to_owned());
        for (bytes, expected) in [
            (
                &b"<13>Nov 24 09:20:05 bios1 kernel: Linux version 6.1\n"[..],
                (Severity::Notice, some("kernel"), some("bios1"), "Linux version 6.1".to_owned()),
            ),
            (
                b"<3>1 2026-11-24T09:20:05.1Z bios1 sshd 42 - - \xef\xbb\xbfno key",
                (Severity::Err, some("sshd[42]"), some("bios1"), "no key".to_owned()),
            ),
            (
                b"<12>Nov 24 22:45:47 init: hello of busybox\n",
                (Severity::Warning, some("init"), None, "hello of busybox".to_owned()),
            ),
            (b"only words", (Severity::Notice, None, None, "only words".to_owned())),
            (b"<4>no tag here", (Severity::Warning, None, None, "no tag here".to_owned())),
            (b"<6>a: \x1b[31mred\x07", (Severity::Info, Some("a".to_owned()), None, "[31mred".to_owned())),
        ] {
            assert_eq!(read_text(bytes), expected, "{}", String::from_utf8_lossy(bytes));
        }
        assert!(read(b" \0\n").unwrap_err().contains("empty"));
        assert!(read(&[0xff; 40]).unwrap_err().contains("no text"));
        assert_eq!(read_text(&[b'x'; 60_000]).3.len(), LONGEST);
    }
}
