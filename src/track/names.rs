//! Names of files, which are any bytes, as text: one form for lines of `.meta`, one for people. Pure.

use crate::event::is_hidden;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, percent_encode};

/// What would break a line into more words, and the sign itself; all beyond ASCII is written so too.
const WORD: &AsciiSet = &CONTROLS.add(b' ').add(b'%');
/// The same for the left side of a `=`.
const KEY: &AsciiSet = &WORD.add(b'=');

/// One word of ASCII: `%0A` for what is no visible character of it.
pub fn word(bytes: &[u8]) -> String {
    percent_encode(bytes, WORD).to_string()
}

/// The same, also without `=`.
pub fn key(bytes: &[u8]) -> String {
    percent_encode(bytes, KEY).to_string()
}

/// What [`word`] and [`key`] were made of.
pub fn of_word(text: &str) -> Vec<u8> {
    percent_decode_str(text).collect()
}

/// A name as people see it: text as it is; `\x0a` for what is no text or would be obeyed by a terminal, `\\` for a backslash.
pub fn shown(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => text.push_str("\\\\"),
                c if c.is_control() || is_hidden(c) => {
                    let mut buffer = [0; 4];
                    c.encode_utf8(&mut buffer).bytes().for_each(|byte| text.push_str(&format!("\\x{byte:02x}")));
                }
                c => text.push(c),
            }
        }
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02x}")));
    }
    text
}

/// What [`shown`] was made of; a name that somebody typed is itself.
pub fn of_shown(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = match (first, after) {
            (b'\\', [b'\\', after @ ..]) => Some((b'\\', after)),
            (b'\\', [b'x', high, low, after @ ..]) => {
                let digit = |c: &u8| char::from(*c).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                digit(high).zip(digit(low)).map(|(high, low)| (high << 4 | low, after))
            }
            _ => None,
        };
        let (byte, after) = escaped.unwrap_or((*first, after));
        bytes.push(byte);
        rest = after;
    }
    bytes
}

/// Whether it is a path below a root: no empty, `.` or `..` part, and no 0.
pub fn is_below(path: &[u8]) -> bool {
    !path.contains(&0) && path.split(|byte| *byte == b'/').all(|part| !matches!(part, b"" | b"." | b".."))
}

/// Whether `path` is `folder` or in it; all is in the empty one.
pub fn is_in(path: &[u8], folder: &[u8]) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.first() == Some(&b'/'))
}

/// A path that somebody typed, below the root: without `/` at its ends.
pub fn typed(text: &str) -> Vec<u8> {
    of_shown(text.trim_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn for_people() {
        for (bytes, text) in [
            (&b"etc/motd"[..], "etc/motd"),
            (b"a\nb", "a\\x0ab"),
            (b"a\\b", "a\\\\b"),
            ("Grüße x".as_bytes(), "Grüße x"),
            (b"\xff\xfe", "\\xff\\xfe"),
            ("a\u{202e}b".as_bytes(), "a\\xe2\\x80\\xaeb"),
        ] {
            assert_eq!(shown(bytes), text);
            assert_eq!(of_shown(text), bytes);
        }
        assert_eq!(of_shown("C:\\dir"), b"C:\\dir");
    }

    #[test]
    fn below_and_in() {
        for (path, is) in [("a/b", true), ("", false), ("/a", false), ("a//b", false), ("a/../b", false), ("..", false)]
        {
            assert_eq!(is_below(path.as_bytes()), is, "{path}");
        }
        assert!(is_in(b"etc/a", b"etc") && is_in(b"etc", b"etc") && is_in(b"x", b""));
        assert!(!is_in(b"etcx", b"etc") && !is_in(b"et", b"etc"));
    }

    proptest! {
        #[test]
        fn any_bytes_there_and_back(bytes: Vec<u8>) {
            prop_assert_eq!(&of_word(&word(&bytes)), &bytes);
            prop_assert_eq!(&of_shown(&shown(&bytes)), &bytes);
            prop_assert!(word(&bytes).bytes().all(|byte| (0x21..0x7f).contains(&byte)));
        }
    }
}
