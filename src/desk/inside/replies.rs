//! What a terminal answers when a program asks it something, and what else a program tells its terminal: a title, a
//! bell. The emulator leaves this to its host.

use vt100::{Callbacks, MouseProtocolMode as Mouse, Screen};

/// The most of a title that is kept.
const TITLE: usize = 100;

/// What came beside what is shown.
#[derive(Debug, Default)]
pub struct Replies {
    /// To be sent back to the program.
    pub out: Vec<u8>,
    /// The title that the program gave.
    pub title: Option<String>,
    /// It rang since this was last looked at.
    pub bell: bool,
    /// For programs that choose their colours by it.
    pub paper: Paper,
}

/// The colours of a terminal: red, green and blue.
#[derive(Clone, Copy, Debug, Default)]
pub struct Paper {
    pub text: (u8, u8, u8),
    pub background: (u8, u8, u8),
}

impl Replies {
    fn say(&mut self, words: &str) {
        // A program that asks and never reads must not fill the memory.
        if self.out.len() < 1 << 16 {
            self.out.extend_from_slice(words.as_bytes());
        }
    }

    fn colour(&mut self, number: &str, (red, green, blue): (u8, u8, u8)) {
        let wide = |part: u8| format!("{part:02x}{part:02x}");
        self.say(&format!("\x1b]{number};rgb:{}/{}/{}\x1b\\", wide(red), wide(green), wide(blue)));
    }
}

impl Callbacks for Replies {
    fn audible_bell(&mut self, _: &mut Screen) {
        self.bell = true;
    }

    fn visual_bell(&mut self, _: &mut Screen) {
        self.bell = true;
    }

    fn set_window_title(&mut self, _: &mut Screen, title: &[u8]) {
        let title: String = String::from_utf8_lossy(title).chars().filter(|c| !c.is_control()).take(TITLE).collect();
        self.title = Some(title).filter(|title| !title.is_empty());
    }

    fn unhandled_csi(&mut self, screen: &mut Screen, i1: Option<u8>, i2: Option<u8>, params: &[&[u16]], c: char) {
        let first = params.first().and_then(|param| param.first()).copied().unwrap_or(0);
        let (row, column) = screen.cursor_position();
        // The cursor may stand behind the last column, waiting to wrap.
        let (row, column) = (row + 1, (column + 1).min(screen.size().1));
        match (i1, i2, c, first) {
            (None, None, 'n', 5) => self.say("\x1b[0n"),
            (None, None, 'n', 6) => self.say(&format!("\x1b[{row};{column}R")),
            (Some(b'?'), None, 'n', 6) => self.say(&format!("\x1b[?{row};{column}R")),
            // A VT220 with colours.
            (None, None, 'c', 0) => self.say("\x1b[?62;22c"),
            // An xterm that knows the mouse's wide encoding.
            (Some(b'>'), None, 'c', 0) => self.say("\x1b[>0;277;0c"),
            (None, None, 't', 18) => {
                let (rows, columns) = screen.size();
                self.say(&format!("\x1b[8;{rows};{columns}t"));
            }
            (Some(b'?'), Some(b'$'), 'p', mode) => {
                let set = match mode {
                    1 => Some(screen.application_cursor()),
                    25 => Some(!screen.hide_cursor()),
                    47 | 1049 => Some(screen.alternate_screen()),
                    9 => Some(screen.mouse_protocol_mode() == Mouse::Press),
                    1000 => Some(screen.mouse_protocol_mode() == Mouse::PressRelease),
                    1002 => Some(screen.mouse_protocol_mode() == Mouse::ButtonMotion),
                    1003 => Some(screen.mouse_protocol_mode() == Mouse::AnyMotion),
                    2004 => Some(screen.bracketed_paste()),
                    _ => None,
                };
                let answer = set.map_or(0, |set| if set { 1 } else { 2 });
                self.say(&format!("\x1b[?{mode};{answer}$y"));
            }
            _ => {}
        }
    }

    fn unhandled_osc(&mut self, _: &mut Screen, params: &[&[u8]]) {
        match params {
            [b"10", b"?"] => self.colour("10", self.paper.text),
            [b"11", b"?"] => self.colour("11", self.paper.background),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_answered() {
        for (asked, expected) in [
            ("\x1b[5n", "\x1b[0n"),
            ("ab\r\ncd\x1b[6n", "\x1b[2;3R"),
            ("12345678901234567890\x1b[6n", "\x1b[1;20R"),
            ("\x1b[?6n", "\x1b[?1;1R"),
            ("\x1b[c", "\x1b[?62;22c"),
            ("\x1b[0c", "\x1b[?62;22c"),
            ("\x1b[>c", "\x1b[>0;277;0c"),
            ("\x1b[18t", "\x1b[8;5;20t"),
            ("\x1b[?25$p", "\x1b[?25;1$y"),
            ("\x1b[?2004$p", "\x1b[?2004;2$y"),
            ("\x1b[?1006h\x1b[?1002h\x1b[?1002$p", "\x1b[?1002;1$y"),
            ("\x1b[?2026$p", "\x1b[?2026;0$y"),
            ("\x1b]11;?\x07", "\x1b]11;rgb:1010/2020/3030\x1b\\"),
            ("\x1b]10;?\x1b\\", "\x1b]10;rgb:eeee/eeee/eeee\x1b\\"),
            ("\x1b]11;#ffffff\x07", ""),
            ("\x1b]52;c;?\x07", ""),
        ] {
            let replies = Replies {
                paper: Paper { text: (0xee, 0xee, 0xee), background: (0x10, 0x20, 0x30) },
                ..Replies::default()
            };
            let mut parser = vt100::Parser::new_with_callbacks(5, 20, 0, replies);
            parser.process(asked.as_bytes());
            let out = String::from_utf8(parser.callbacks().out.clone()).unwrap();
            assert_eq!(out, expected, "{asked:?}");
        }
    }

    #[test]
    fn titles_and_bells_are_noticed_and_floods_of_questions_are_bounded() {
        let mut parser = vt100::Parser::new_with_callbacks(5, 20, 0, Replies::default());
        parser.process(b"\x1b]2;a title\x07\x07");
        assert_eq!(parser.callbacks().title.as_deref(), Some("a title"));
        assert!(parser.callbacks().bell);
        for _ in 0..100_000 {
            parser.process(b"\x1b[c");
        }
        assert!(parser.callbacks().out.len() < 1 << 17);
    }
}
