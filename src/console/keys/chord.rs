//! A key with what is held down beside it, and its name in words: `o`, `T`, `ctrl-r`, `f5`, `shift-tab`, `space`. Pure.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::{fmt, str::FromStr};

/// A key as it is pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Chord {
    pub code: KeyCode,
    /// Control, alt, and shift where it does not make another character.
    pub modifiers: KeyModifiers,
}

/// Why text names no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChordError {
    #[error("{0:?} is no key; expected one character, or a name as enter, space, f5, pgdn, ctrl-r, alt-x, shift-tab")]
    Unknown(String),
    #[error("{0:?} is {1:?} to a terminal: name it so")]
    Same(String, String),
    #[error("{0:?} always quits; it cannot be another key")]
    Taken(String),
}

/// Keys with names; the first name of each is the one that is shown.
const NAMES: [(&str, KeyCode); 22] = [
    ("space", KeyCode::Char(' ')),
    ("enter", KeyCode::Enter),
    ("return", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("escape", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backspace", KeyCode::Backspace),
    ("ins", KeyCode::Insert),
    ("insert", KeyCode::Insert),
    ("del", KeyCode::Delete),
    ("delete", KeyCode::Delete),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pgup", KeyCode::PageUp),
    ("pageup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("pagedown", KeyCode::PageDown),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("minus", KeyCode::Char('-')),
];

/// A character, with nothing held down.
pub const fn c(character: char) -> Chord {
    Chord { code: KeyCode::Char(character), modifiers: KeyModifiers::NONE }
}

/// A key with a name, with nothing held down.
pub const fn k(code: KeyCode) -> Chord {
    Chord { code, modifiers: KeyModifiers::NONE }
}

impl From<KeyEvent> for Chord {
    fn from(key: KeyEvent) -> Chord {
        let mut modifiers = key.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        // Shift is in the character already.
        if matches!(key.code, KeyCode::Char(_) | KeyCode::BackTab) {
            modifiers -= KeyModifiers::SHIFT;
        }
        Chord { code: key.code, modifiers }
    }
}

impl Chord {
    /// As it is shown: arrows as such where the terminal has them.
    pub fn shown(self, unicode: bool) -> String {
        let words = self.to_string();
        let sign = match self.code {
            KeyCode::BackTab => ("shift-", "⇧"),
            KeyCode::Left => ("left", "←"),
            KeyCode::Right => ("right", "→"),
            KeyCode::Up => ("up", "↑"),
            KeyCode::Down => ("down", "↓"),
            _ => return words,
        };
        if unicode { words.replace(sign.0, sign.1) } else { words }
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, name) in
            [(KeyModifiers::CONTROL, "ctrl-"), (KeyModifiers::ALT, "alt-"), (KeyModifiers::SHIFT, "shift-")]
        {
            if self.modifiers.contains(held) {
                f.write_str(name)?;
            }
        }
        match self.code {
            KeyCode::BackTab => f.write_str("shift-tab"),
            KeyCode::F(number) => write!(f, "f{number}"),
            KeyCode::Char('-') if !self.modifiers.is_empty() => f.write_str("minus"),
            KeyCode::Char(character) if character != ' ' => write!(f, "{character}"),
            code => f.write_str(NAMES.iter().find(|(_, named)| *named == code).map_or("?", |(name, _)| name)),
        }
    }
}

impl FromStr for Chord {
    type Err = ChordError;

    fn from_str(text: &str) -> Result<Chord, ChordError> {
        let unknown = || ChordError::Unknown(text.to_owned());
        let mut rest = text;
        let mut modifiers = KeyModifiers::NONE;
        loop {
            let held = [("ctrl-", KeyModifiers::CONTROL), ("alt-", KeyModifiers::ALT), ("shift-", KeyModifiers::SHIFT)];
            let found = held.iter().find_map(|(name, held)| Some((prefixed(rest, name)?, *held)));
            let Some((after, held)) = found.filter(|(after, _)| !after.is_empty()) else { break };
            (rest, modifiers) = (after, modifiers | held);
        }
        let mut characters = rest.chars();
        let code = match (characters.next(), characters.next()) {
            (Some(character), None) if !character.is_control() => KeyCode::Char(character),
            _ => named(rest).ok_or_else(unknown)?,
        };
        let same = |as_what: &str| ChordError::Same(text.to_owned(), as_what.to_owned());
        match code {
            KeyCode::Char(' ') if rest == " " => Err(same("space")),
            KeyCode::Char(character) if modifiers.contains(KeyModifiers::SHIFT) => {
                Err(same(&character.to_uppercase().to_string()))
            }
            KeyCode::Char(character) if modifiers.contains(KeyModifiers::CONTROL) => {
                // What control makes of these are other keys.
                let lower = character.to_ascii_lowercase();
                match lower {
                    'c' if modifiers == KeyModifiers::CONTROL => Err(ChordError::Taken(text.to_owned())),
                    'i' => Err(same("tab")),
                    'm' => Err(same("enter")),
                    '[' => Err(same("esc")),
                    _ => Ok(Chord { code: KeyCode::Char(lower), modifiers }),
                }
            }
            KeyCode::Tab if modifiers == KeyModifiers::SHIFT => Ok(k(KeyCode::BackTab)),
            code => Ok(Chord { code, modifiers }),
        }
    }
}

fn prefixed<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (before, after) = text.split_at_checked(prefix.len())?;
    before.eq_ignore_ascii_case(prefix).then_some(after)
}

fn named(name: &str) -> Option<KeyCode> {
    let lower = name.to_ascii_lowercase();
    let function = lower.strip_prefix('f').and_then(|number| number.parse().ok()).filter(|n| (1..=24).contains(n));
    let known = || NAMES.iter().find(|(known, _)| *known == lower).map(|(_, code)| *code);
    function.map(KeyCode::F).or_else(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_and_shown() {
        let control = |code| Chord { code, modifiers: KeyModifiers::CONTROL };
        for (text, chord, shown, symbols) in [
            ("o", c('o'), "o", "o"),
            ("T", c('T'), "T", "T"),
            (":", c(':'), ":", ":"),
            ("-", c('-'), "-", "-"),
            ("ctrl-minus", control(KeyCode::Char('-')), "ctrl-minus", "ctrl-minus"),
            ("ctrl-r", control(KeyCode::Char('r')), "ctrl-r", "ctrl-r"),
            ("Ctrl-R", control(KeyCode::Char('r')), "ctrl-r", "ctrl-r"),
            ("f5", k(KeyCode::F(5)), "f5", "f5"),
            ("F12", k(KeyCode::F(12)), "f12", "f12"),
            ("space", c(' '), "space", "space"),
            ("pgdn", k(KeyCode::PageDown), "pgdn", "pgdn"),
            ("pgup", k(KeyCode::PageUp), "pgup", "pgup"),
            ("pagedown", k(KeyCode::PageDown), "pgdn", "pgdn"),
            ("shift-tab", k(KeyCode::BackTab), "shift-tab", "⇧tab"),
            ("left", k(KeyCode::Left), "left", "←"),
            ("ctrl-up", control(KeyCode::Up), "ctrl-up", "ctrl-↑"),
            ("alt-x", Chord { code: KeyCode::Char('x'), modifiers: KeyModifiers::ALT }, "alt-x", "alt-x"),
            ("shift-f3", Chord { code: KeyCode::F(3), modifiers: KeyModifiers::SHIFT }, "shift-f3", "shift-f3"),
            ("é", c('é'), "é", "é"),
        ] {
            assert_eq!(text.parse(), Ok(chord), "{text}");
            assert_eq!((chord.to_string(), chord.shown(true)), (shown.to_owned(), symbols.to_owned()));
            assert_eq!(shown.parse(), Ok(chord), "what is shown can be written");
        }
    }

    #[test]
    fn what_is_no_key_is_told() {
        for (text, error) in [
            ("", "\"\" is no key"),
            ("strg-r", "\"strg-r\" is no key; expected one character, or a name as enter, space"),
            ("f25", "is no key"),
            ("ctrl-", "is no key"),
            (" ", "is \"space\" to a terminal"),
            ("shift-t", "\"shift-t\" is \"T\" to a terminal: name it so"),
            ("ctrl-i", "is \"tab\" to a terminal"),
            ("ctrl-m", "is \"enter\""),
            ("ctrl-[", "is \"esc\""),
            ("ctrl-c", "always quits"),
        ] {
            let told = text.parse::<Chord>().unwrap_err().to_string();
            assert!(told.contains(error), "{text}: {told}");
        }
    }

    #[test]
    fn what_a_terminal_sends_is_the_key_that_was_written() {
        for (code, modifiers, text) in [
            (KeyCode::Char('T'), KeyModifiers::SHIFT, "T"),
            (KeyCode::BackTab, KeyModifiers::SHIFT, "shift-tab"),
            (KeyCode::Char('r'), KeyModifiers::CONTROL, "ctrl-r"),
            (KeyCode::Char('?'), KeyModifiers::SHIFT, "?"),
            (KeyCode::F(3), KeyModifiers::SHIFT, "shift-f3"),
        ] {
            assert_eq!(text.parse(), Ok(Chord::from(KeyEvent::new(code, modifiers))), "{text}");
        }
    }
}
