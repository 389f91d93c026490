//! Words for sh(1), quoted so that each is one word whatever is in it. Pure.

/// Text as one word; as it is where nothing in it means anything to a shell.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%=,".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// Bytes (but 0) as one word.
pub fn quoted_bytes(bytes: &[u8]) -> Vec<u8> {
    let mut word = vec![b'\''];
    for byte in bytes {
        match byte {
            b'\'' => word.extend(b"'\\''"),
            other => word.push(*other),
        }
    }
    word.push(b'\'');
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        for (text, word) in
            [("/etc/motd", "/etc/motd"), ("", "''"), ("it's", r"'it'\''s'"), ("a b", "'a b'"), ("$x", "'$x'")]
        {
            assert_eq!(quoted(text), word);
        }
        assert_eq!(quoted_bytes(b"it's\xff"), b"'it'\\''s\xff'");
    }
}
