//! A filter of a room as it is typed. Pure.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// The longest filter, in bytes.
const LONGEST: usize = 200;

/// Words that lines are to have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Typed {
    /// The words.
    pub text: String,
    /// They are being typed; what they were before.
    pub before: Option<String>,
}

impl Typed {
    /// Begins to type.
    pub fn begin(&mut self) {
        self.before = Some(self.text.clone());
    }

    /// Takes a key; false where nothing is typed.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        let Some(before) = &self.before else { return false };
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let text = &mut self.text;
        match key.code {
            KeyCode::Char('c') if control => return false,
            KeyCode::Char('u') if control => text.clear(),
            KeyCode::Char('w') if control => text.truncate(text.trim_end().rfind(' ').map_or(0, |at| at + 1)),
            _ if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => {}
            KeyCode::Enter => self.before = None,
            KeyCode::Esc => {
                text.clone_from(before);
                self.before = None;
            }
            KeyCode::Backspace => drop(text.pop()),
            KeyCode::Char(c) => type_one(text, c),
            _ => {}
        }
        true
    }

    /// Folds pasted text in.
    pub fn paste(&mut self, pasted: &str) {
        if self.before.is_some() {
            pasted.chars().for_each(|c| type_one(&mut self.text, c));
        }
    }

    /// All of its words are in `line`, whatever their case.
    pub fn fits(&self, line: &str) -> bool {
        let line = line.to_lowercase();
        self.text.to_lowercase().split_whitespace().all(|word| line.contains(word))
    }
}

fn type_one(text: &mut String, c: char) {
    if text.len() < LONGEST && !c.is_control() {
        text.push(c);
    }
}
