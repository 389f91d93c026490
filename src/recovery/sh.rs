//! Lines of sh(1) for a page of text: any bytes as words, and what a command is fed with. Pure.

use crate::{event::is_hidden, sh::quoted};
use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use std::fmt::Write;

/// A path, or other bytes, for a line of sh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// A line that has to stand before: it puts what cannot be written down into a variable.
    pub before: Option<String>,
    /// The word.
    pub word: String,
}

/// Bytes as one word. What is not printable UTF-8 goes through printf(1), for a page of text cannot hold it.
pub fn word(bytes: &[u8], variable: &str) -> Word {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(is_odd) => Word { before: None, word: quoted(text) },
        _ => {
            // The x holds newlines at the end, which $() would take away.
            let line = format!("{variable}=$(printf '{}x'); {variable}=${{{variable}%x}}", octal(bytes));
            Word { before: Some(line), word: format!("\"${variable}\"") }
        }
    }
}

/// A path from the root, of one below it.
pub fn path(below: &[u8], variable: &str) -> Word {
    let mut bytes = b"/".to_vec();
    bytes.extend_from_slice(below);
    word(&bytes, variable)
}

/// A character that a page does not show as it is: it would mislead who copies it.
pub fn is_odd(c: char) -> bool {
    c.is_control() || is_hidden(c)
}

fn octal(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'/' | b'.' | b'_' | b'-' | b' ' => text.push(char::from(*byte)),
            _ => drop(write!(text, "\\{byte:03o}")),
        }
    }
    text
}

/// A here-document with these bytes for the standard input of a command: as they are where they are lines of text, else as
/// base64. The command stands in the first line.
pub fn fed(command: &str, content: &[u8]) -> String {
    let is_line = |text: &&str| {
        text.ends_with('\n') && !text.chars().any(|c| c != '\n' && c != '\t' && is_odd(c)) && !has_loose_ends(text)
    };
    match std::str::from_utf8(content).ok().filter(is_line) {
        Some(text) => {
            let end = delimiter(text);
            format!("{command} <<'{end}'\n{text}{end}\n")
        }
        None if content.is_empty() => format!("{command} </dev/null\n"),
        None => {
            let mut lines = String::new();
            let coded = BASE64.encode(content);
            let mut rest = coded.as_str();
            while !rest.is_empty() {
                let (line, after) = rest.split_at(rest.len().min(76));
                lines.push_str(line);
                lines.push('\n');
                rest = after;
            }
            format!("base64 -d <<'END' | {command}\n{lines}END\n")
        }
    }
}

/// Lines that are nothing but blanks at their end may lose them on the way through an editor or a page.
fn has_loose_ends(text: &str) -> bool {
    text.lines().any(|line| line.ends_with([' ', '\t']) && line.trim().is_empty())
}

/// A word that is no line of the text.
fn delimiter(text: &str) -> String {
    let mut end = "END".to_owned();
    while text.lines().any(|line| line == end) {
        end.push('_');
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    fn sh(script: &str) -> Vec<u8> {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::null());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    #[test]
    fn a_shell_reads_back_every_word() {
        let all: Vec<u8> = (1..=255).collect();
        for bytes in [
            b"etc/motd".as_slice(),
            b"it's $(touch /tmp/x) `y` \\ \"z\"",
            b"two\nlines\n\n",
            b"\xff\xfe not text\n",
            "\u{202e}gpj.exe".as_bytes(),
            b"-n",
            b"100% x%d",
            "\u{e4}\u{f6}".as_bytes(),
            &all,
        ] {
            let word = word(bytes, "name");
            let script = format!("{}\nprintf %s {}", word.before.unwrap_or_default(), word.word);
            assert_eq!(sh(&script), bytes, "{script}");
        }
    }

    #[test]
    fn a_command_is_fed_with_all_bytes() {
        let all: Vec<u8> = (0..=255).cycle().take(1_000).collect();
        for bytes in
            [b"".as_slice(), b"a line\n", b"no end", b"END\n$x `y`\nEND_\n", b"\r\n", b"   \n", b"\\n\n", b"x\0y", &all]
        {
            let script = fed("cat", bytes);
            assert_eq!(sh(&script), bytes, "{script}");
        }
        assert_eq!(fed("cat", b"a\n"), "cat <<'END'\na\nEND\n");
    }
}
