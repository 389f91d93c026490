//! Paths of any bytes as words of a recipe's head, as fstab(5) writes them. Pure.

/// Bytes of a path as a word of `files`: blanks, backslashes and what is no text as `\040`.
pub fn word(bytes: &[u8]) -> String {
    let mut word = String::new();
    let text = |chunk: &str, word: &mut String| {
        for c in chunk.chars() {
            if c.is_whitespace() || c.is_control() || c == '\\' {
                let mut buffer = [0; 4];
                c.encode_utf8(&mut buffer).bytes().for_each(|byte| word.push_str(&format!("\\{byte:03o}")));
            } else {
                word.push(c);
            }
        }
    };
    for chunk in bytes.utf8_chunks() {
        text(chunk.valid(), &mut word);
        chunk.invalid().iter().for_each(|byte| word.push_str(&format!("\\{byte:03o}")));
    }
    word
}

/// The bytes of such a word; none where a backslash is not followed by three octal digits.
pub fn bytes(word: &str) -> Option<Vec<u8>> {
    let mut rest = word.as_bytes();
    let mut bytes = Vec::new();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'\\' {
            let digits = std::str::from_utf8(after.get(..3)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 8).ok()?);
            rest = after.get(3..)?;
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for path in [&b"etc/motd"[..], b"a b\n\\c", b"\xff\xfe/x", "etc/ä\u{a0}".as_bytes(), b"it's"] {
            let told = word(path);
            assert!(!told.contains(char::is_whitespace), "{told}");
            assert_eq!(bytes(&told).unwrap(), path, "{told}");
        }
        assert_eq!(word(b"a b\xff"), r"a\040b\377");
        assert!(bytes(r"a\9").is_none() && bytes(r"\400").is_none());
    }
}
