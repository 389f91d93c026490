//! What a terminal sends for a key: the sequences of xterm. Pure; knows no terminal.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// The bytes for a key; none where xterm sends none. `application`: the program asked for application cursor keys.
pub fn encode(key: KeyEvent, application: bool) -> Vec<u8> {
    let held = key.modifiers;
    let (shift, alt, control) =
        (held.contains(KeyModifiers::SHIFT), held.contains(KeyModifiers::ALT), held.contains(KeyModifiers::CONTROL));
    let number = 1 + u8::from(shift) + 2 * u8::from(alt) + 4 * u8::from(control);
    let cursor = |letter: char| match (number, application) {
        (1, true) => format!("\x1bO{letter}"),
        (1, false) => format!("\x1b[{letter}"),
        _ => format!("\x1b[1;{number}{letter}"),
    };
    let tilde = |code: u8| if number == 1 { format!("\x1b[{code}~") } else { format!("\x1b[{code};{number}~") };
    // Alt is an escape before what the key sends.
    let escaped = |text: &str| if alt { format!("\x1b{text}") } else { text.to_owned() };
    let text = match key.code {
        KeyCode::Char(c) if control => {
            let mut bytes = if alt { vec![0x1b] } else { Vec::new() };
            bytes.extend(controlled(c));
            return bytes;
        }
        KeyCode::Char(c) => escaped(c.encode_utf8(&mut [0; 4])),
        KeyCode::Enter => escaped("\r"),
        KeyCode::Tab if shift => escaped("\x1b[Z"),
        KeyCode::Tab => escaped("\t"),
        KeyCode::BackTab => escaped("\x1b[Z"),
        KeyCode::Backspace => escaped(if control { "\x08" } else { "\x7f" }),
        KeyCode::Esc => escaped("\x1b"),
        KeyCode::Null => escaped("\0"),
        KeyCode::Up => cursor('A'),
        KeyCode::Down => cursor('B'),
        KeyCode::Right => cursor('C'),
        KeyCode::Left => cursor('D'),
        KeyCode::KeypadBegin => cursor('E'),
        KeyCode::End => cursor('F'),
        KeyCode::Home => cursor('H'),
        KeyCode::Insert => tilde(2),
        KeyCode::Delete => tilde(3),
        KeyCode::PageUp => tilde(5),
        KeyCode::PageDown => tilde(6),
        KeyCode::Menu => tilde(29),
        KeyCode::F(n @ 1..=4) => {
            let letter = char::from(b'P' + n - 1);
            if number == 1 { format!("\x1bO{letter}") } else { format!("\x1b[1;{number}{letter}") }
        }
        KeyCode::F(n @ 5..=20) => {
            const CODES: [u8; 16] = [15, 17, 18, 19, 20, 21, 23, 24, 25, 26, 28, 29, 31, 32, 33, 34];
            tilde(CODES[usize::from(n - 5)])
        }
        _ => String::new(),
    };
    text.into_bytes()
}

/// What control makes of a character; a terminal's driver has names of its own for 1c to 1f.
fn controlled(c: char) -> Vec<u8> {
    let byte = match c.to_ascii_lowercase() {
        letter @ 'a'..='z' => letter as u8 & 0x1f,
        ' ' | '2' | '@' | '`' => 0,
        '3' | '[' | '{' => 0x1b,
        '4' | '\\' | '|' => 0x1c,
        '5' | ']' | '}' => 0x1d,
        '6' | '^' | '~' => 0x1e,
        '7' | '/' | '_' | '-' => 0x1f,
        '8' | '?' => 0x7f,
        other => return other.encode_utf8(&mut [0; 4]).as_bytes().to_vec(),
    };
    vec![byte]
}

/// Pasted text as the program wants it: between brackets where it asked for them, else as if it were typed.
pub fn paste(text: &str, bracketed: bool) -> Vec<u8> {
    // What is pasted must not end the brackets, nor press keys that are no text.
    let mut clean = String::with_capacity(text.len());
    for c in text.replace("\r\n", "\r").chars() {
        match c {
            '\n' => clean.push('\r'),
            '\t' | '\r' => clean.push(c),
            c if c.is_control() => {}
            c => clean.push(c),
        }
    }
    if bracketed { format!("\x1b[200~{clean}\x1b[201~").into_bytes() } else { clean.into_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_xterm() {
        let (none, shift, alt, control) =
            (KeyModifiers::NONE, KeyModifiers::SHIFT, KeyModifiers::ALT, KeyModifiers::CONTROL);
        for (code, held, application, expected) in [
            (KeyCode::Char('a'), none, false, "a"),
            (KeyCode::Char('A'), shift, false, "A"),
            (KeyCode::Char('ä'), none, false, "ä"),
            (KeyCode::Char('x'), alt, false, "\x1bx"),
            (KeyCode::Char('c'), control, false, "\x03"),
            (KeyCode::Char('C'), control | shift, false, "\x03"),
            (KeyCode::Char('x'), control | alt, false, "\x1b\x18"),
            (KeyCode::Char(' '), control, false, "\0"),
            (KeyCode::Char('4'), control, false, "\x1c"),
            (KeyCode::Char('5'), control, false, "\x1d"),
            (KeyCode::Char(']'), control, false, "\x1d"),
            (KeyCode::Char('7'), control, false, "\x1f"),
            (KeyCode::Char('ö'), control, false, "ö"),
            (KeyCode::Enter, none, false, "\r"),
            (KeyCode::Enter, alt, false, "\x1b\r"),
            (KeyCode::Tab, none, false, "\t"),
            (KeyCode::BackTab, shift, false, "\x1b[Z"),
            (KeyCode::Backspace, none, false, "\x7f"),
            (KeyCode::Backspace, alt, false, "\x1b\x7f"),
            (KeyCode::Esc, none, false, "\x1b"),
            (KeyCode::Up, none, false, "\x1b[A"),
            (KeyCode::Up, none, true, "\x1bOA"),
            (KeyCode::Left, control, true, "\x1b[1;5D"),
            (KeyCode::Right, shift | alt, false, "\x1b[1;4C"),
            (KeyCode::Home, none, true, "\x1bOH"),
            (KeyCode::End, none, false, "\x1b[F"),
            (KeyCode::Insert, none, false, "\x1b[2~"),
            (KeyCode::Delete, none, false, "\x1b[3~"),
            (KeyCode::Delete, shift, false, "\x1b[3;2~"),
            (KeyCode::PageUp, none, false, "\x1b[5~"),
            (KeyCode::PageDown, control, false, "\x1b[6;5~"),
            (KeyCode::F(1), none, false, "\x1bOP"),
            (KeyCode::F(4), none, true, "\x1bOS"),
            (KeyCode::F(2), control, false, "\x1b[1;5Q"),
            (KeyCode::F(5), none, false, "\x1b[15~"),
            (KeyCode::F(6), none, false, "\x1b[17~"),
            (KeyCode::F(10), none, false, "\x1b[21~"),
            (KeyCode::F(12), shift, false, "\x1b[24;2~"),
            (KeyCode::F(20), none, false, "\x1b[34~"),
            (KeyCode::CapsLock, none, false, ""),
        ] {
            let sent = encode(KeyEvent::new(code, held), application);
            assert_eq!(String::from_utf8(sent).unwrap(), expected, "{code:?} {held:?} {application}");
        }
    }

    #[test]
    fn what_is_pasted_is_text_and_nothing_else() {
        assert_eq!(paste("a\nb\r\nc\td", false), b"a\rb\rc\td");
        assert_eq!(paste("rm\x1b[201~\x03x", true), b"\x1b[200~rm[201~x\x1b[201~");
    }
}
