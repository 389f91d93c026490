//! What a packet to port 69 must be (RFC 1350, section 5; RFC 2347). Pure; answering is async-tftp's.

/// Says what is wrong with a request.
pub fn check(packet: &[u8]) -> Result<(), String> {
    match packet {
        [0, 1 | 2, rest @ ..] => request(rest),
        [0, code, ..] => Err(format!("opcode {code}; expected 1, a read request")),
        [high, low, ..] => Err(format!("opcode {}; expected 1, a read request", u16::from_be_bytes([*high, *low]))),
        _ => Err(format!("{} bytes; expected a read request", packet.len())),
    }
}

fn request(rest: &[u8]) -> Result<(), String> {
    let Some((&0, text)) = rest.split_last() else { return Err("a request that is cut off".to_owned()) };
    let mut words = text.split(|byte| *byte == 0).map(std::str::from_utf8);
    match words.next() {
        Some(Ok("")) | None => return Err("a request without a file name".to_owned()),
        Some(Err(_)) => return Err("a file name that is not in UTF-8".to_owned()),
        Some(Ok(_)) => {}
    }
    let mode = words.next().and_then(Result::ok).unwrap_or_default().to_ascii_lowercase();
    if !["octet", "netascii", "mail"].contains(&mode.as_str()) {
        return Err(format!("mode {mode:?}; expected octet"));
    }
    match words.count() % 2 {
        0 => Ok(()),
        _ => Err("an option without a value".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        for right in
            [&b"\0\x01a/b\0octet\0"[..], b"\0\x01a\0NetASCII\0", b"\0\x02a\0octet\0blksize\x001468\0tsize\x000\0"]
        {
            assert_eq!(check(right), Ok(()));
        }
        for (wrong, error) in [
            (&b""[..], "0 bytes; expected a read request"),
            (b"\x01", "1 bytes; expected a read request"),
            (b"\0\x04\0\x01", "opcode 4; expected 1, a read request"),
            (b"\xff\xff\xff", "opcode 65535; expected 1, a read request"),
            (b"\0\x01", "a request that is cut off"),
            (b"\0\x01name", "a request that is cut off"),
            (b"\0\x01\0octet\0", "a request without a file name"),
            (b"\0\x01\xff\0octet\0", "a file name that is not in UTF-8"),
            (b"\0\x01a\0", "mode \"\"; expected octet"),
            (b"\0\x01a\0\x1b[31m\0", "mode \"\\u{1b}[31m\"; expected octet"),
            (b"\0\x01a\0octet\0blksize\0", "an option without a value"),
        ] {
            assert_eq!(check(wrong), Err(error.to_owned()));
        }
    }
}
