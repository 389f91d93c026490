//! A terminal's screen and what scrolled out of it. Pure: bytes in, picture and answers out.

use super::{
    picture::Row,
    replies::{Paper, Replies},
};
use std::{
    collections::VecDeque,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};
use vt100::Screen;

/// Lines kept of what scrolled out.
pub const LINES: usize = 20_000;
/// Bytes taken at once. Each can scroll one line at most, and so many lines the emulator keeps for us to take.
const BITE: usize = 1_000;
/// How screen and tmux take the whole terminal for themselves, and give it back. What scrolls in the
/// alternate screen is lost; a terminal that has nothing else to show needs no other.
const ALTERNATE: [&[u8]; 2] = [b"\x1b[?1049h", b"\x1b[?1049l"];

/// A terminal of a size.
pub struct Emulator {
    parser: vt100::Parser<Replies>,
    past: VecDeque<Arc<Row>>,
    /// screen or tmux has it; what runs in them has its own alternate screen there.
    held: bool,
    /// The begin of a sequence whose end is still to come.
    begun: Vec<u8>,
    paper: Paper,
}

impl Emulator {
    /// A blank one.
    pub fn new(rows: u16, columns: u16, held: bool, paper: Paper) -> Emulator {
        let parser = parser(rows, columns, paper);
        Emulator { parser, past: VecDeque::new(), held, begun: Vec::new(), paper }
    }

    /// Takes what a program wrote. False where it made no sense of it: the screen is blank then, and the program had
    /// better draw it anew.
    pub fn process(&mut self, bytes: &[u8]) -> bool {
        let bytes = mem::take(&mut self.begun).into_iter().chain(bytes.iter().copied()).collect::<Vec<u8>>();
        let bytes = if self.held { self.without_alternate(bytes) } else { bytes };
        let mut sound = true;
        for bite in bytes.chunks(BITE) {
            // The emulator is no code of ours, and what is fed to it comes from anywhere.
            if catch_unwind(AssertUnwindSafe(|| self.bite(bite))).is_err() {
                let (rows, columns) = self.parser.screen().size();
                self.parser = parser(rows, columns, self.paper);
                sound = false;
            }
        }
        sound
    }

    fn bite(&mut self, bytes: &[u8]) {
        let screen = self.parser.screen_mut();
        if screen.alternate_screen() {
            // What scrolls there is lost.
            self.parser.process(bytes);
            return;
        }
        // Looking one line back, what is looked at stays the same while lines scroll out: so they are counted.
        screen.set_scrollback(1);
        let before = screen.scrollback();
        self.parser.process(bytes);
        let screen = self.parser.screen_mut();
        if screen.alternate_screen() {
            screen.set_scrollback(0);
            return;
        }
        let after = screen.scrollback();
        let scrolled = if before == 0 {
            // Nothing had scrolled out before: all that there is now is new.
            screen.set_scrollback(usize::MAX);
            screen.scrollback()
        } else {
            after.saturating_sub(before)
        };
        for back in (1..=scrolled).rev() {
            screen.set_scrollback(back);
            self.past.push_back(Arc::new(Row::of(screen, 0)));
        }
        screen.set_scrollback(0);
        self.past.drain(..self.past.len().saturating_sub(LINES));
    }

    /// Leaves out what takes the alternate screen, also where it comes in two pieces.
    fn without_alternate(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        if !bytes.contains(&0x1b) {
            return bytes;
        }
        let mut kept = Vec::with_capacity(bytes.len());
        let mut rest = &bytes[..];
        while let Some(&first) = rest.first() {
            if let Some(sequence) = ALTERNATE.iter().find(|sequence| rest.starts_with(sequence)) {
                rest = &rest[sequence.len()..];
            } else if first == 0x1b && ALTERNATE.iter().any(|sequence| sequence.starts_with(rest)) {
                self.begun = rest.to_vec();
                break;
            } else {
                kept.push(first);
                rest = &rest[1..];
            }
        }
        kept
    }

    /// Another size.
    pub fn resize(&mut self, rows: u16, columns: u16) {
        self.parser.screen_mut().set_size(rows.max(2), columns.max(2));
    }

    /// What is shown.
    pub fn screen(&self) -> &Screen {
        self.parser.screen()
    }

    /// What came beside it.
    pub fn replies(&mut self) -> &mut Replies {
        self.parser.callbacks_mut()
    }

    /// All lines, the oldest first, those on the screen at last.
    pub fn rows(&self) -> Vec<Arc<Row>> {
        let screen = self.screen();
        let shown = (0..screen.size().0).map(|row| Arc::new(Row::of(screen, row)));
        let past = if screen.alternate_screen() { None } else { Some(self.past.iter().cloned()) };
        past.into_iter().flatten().chain(shown).collect()
    }
}

fn parser(rows: u16, columns: u16, paper: Paper) -> vt100::Parser<Replies> {
    let replies = Replies { paper, ..Replies::default() };
    vt100::Parser::new_with_callbacks(rows.max(2), columns.max(2), BITE + 1, replies)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(rows: u16, columns: u16, held: bool) -> Emulator {
        Emulator::new(rows, columns, held, Paper::default())
    }

    fn texts(emulator: &Emulator) -> Vec<String> {
        emulator.rows().iter().map(|row| row.text()).collect()
    }

    #[test]
    fn each_line_that_scrolls_out_is_kept_once() {
        let lines: String = (1..=5_000).map(|number| format!("line {number}\r\n")).collect();
        for piece in [1, 7, 999, 1_000, 4_096, 100_000] {
            let mut emulator = of(24, 80, false);
            for part in lines.as_bytes().chunks(piece) {
                assert!(emulator.process(part));
            }
            let mut expected: Vec<String> = (1..=5_000).map(|number| format!("line {number}")).collect();
            expected.push(String::new());
            assert_eq!(texts(&emulator), expected, "in pieces of {piece}");
        }
    }

    #[test]
    fn no_more_than_so_many_lines_are_kept() {
        let mut emulator = of(24, 80, false);
        emulator.process("y\r\n".repeat(3 * LINES).as_bytes());
        assert_eq!(emulator.rows().len(), LINES + 24);
        emulator.process(&b"\n".repeat(3 * LINES));
        assert_eq!(emulator.rows().len(), LINES + 24);
    }

    #[test]
    fn a_held_terminal_has_one_screen_however_it_comes_in_pieces() {
        let bytes = b"before\x1b[?1049h\x1b[H\x1b[2Jshown\r\n1\r\n2\r\n3\x1b[?1049l\r\nafter";
        for piece in 1..bytes.len() {
            let mut emulator = of(3, 20, true);
            bytes.chunks(piece).for_each(|part| assert!(emulator.process(part)));
            assert_eq!(texts(&emulator), ["shown", "1", "2", "3", "after"], "in pieces of {piece}");
        }
        let mut own = of(3, 20, false);
        own.process(b"before\x1b[?1049hvi");
        assert!(own.screen().alternate_screen());
        own.process(b"\x1b[?1049l");
        assert_eq!(texts(&own)[0], "before");
    }

    proptest! {
        #[test]
        fn nothing_that_is_fed_to_it_ends_the_program(
            bytes in prop::collection::vec(prop_oneof![
                any::<u8>(), Just(0x1b), Just(b'['), Just(b'?'), Just(b';'), Just(b'9'), Just(b'H'), Just(b'@'), Just(0xe6)
            ], 0..400),
            sizes in prop::collection::vec((1_u16..6, 1_u16..6), 1..4),
        ) {
            let mut emulator = of(4, 4, true);
            for (part, (rows, columns)) in bytes.chunks(100).zip(sizes.iter().cycle()) {
                emulator.resize(*rows, *columns);
                emulator.process(part);
                prop_assert!(emulator.rows().len() >= 2);
            }
        }
    }
}
