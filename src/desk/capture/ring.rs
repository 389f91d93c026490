//! The packets that are kept: a bounded ring, those of them that fit a filter, and the line that is selected. Pure.

use crate::packet::{Conversations, Frame, Line, line_of};
use jiff::Timestamp;
use std::{collections::VecDeque, ops::Range, sync::Arc};

/// Packets that are kept at most.
const MOST: usize = 50_000;
/// Bytes of packets that are kept at most.
const BYTES: usize = 32 << 20;
/// What a packet takes beside its bytes, about.
const OVERHEAD: usize = 128;

/// What stands in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// A packet, and the file that its transfer carries.
    Packet(Frame, Option<Arc<str>>),
    /// What happened then.
    Comment(Timestamp, String),
}

/// A line as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// A packet.
    Packet(Line),
    /// What happened then.
    Comment(Timestamp, String),
}

impl Kept {
    fn size(&self) -> usize {
        OVERHEAD
            + match self {
                Kept::Packet(frame, _) => frame.data.len(),
                Kept::Comment(_, comment) => comment.len(),
            }
    }

    /// As it is shown.
    pub fn row(&self) -> Row {
        match self {
            Kept::Packet(frame, file) => Row::Packet(line_of(frame, file.as_deref())),
            Kept::Comment(time, comment) => Row::Comment(*time, comment.clone()),
        }
    }
}

/// The packets that are kept, each with a number that stays its own.
#[derive(Clone, Debug, Default)]
pub struct Ring {
    kept: VecDeque<Kept>,
    /// The number of the first.
    first: u64,
    bytes: usize,
    conversations: Conversations,
    /// Lower-case words that lines are to have.
    words: Vec<String>,
    /// The numbers of those that have them, as far as it was looked.
    fitting: VecDeque<u64>,
    /// The number up to which it was looked.
    sifted: u64,
}

impl Ring {
    /// Takes a packet in; the oldest make room for it.
    pub fn push(&mut self, frame: Frame) {
        let file = self.conversations.follow(&frame);
        frame.comments.iter().for_each(|comment| self.keep(Kept::Comment(frame.time, comment.clone())));
        self.keep(Kept::Packet(frame, file));
    }

    fn keep(&mut self, new: Kept) {
        self.bytes += new.size();
        self.kept.push_back(new);
        while self.kept.len() > MOST || (self.bytes > BYTES && self.kept.len() > 1) {
            let Some(old) = self.kept.pop_front() else { break };
            self.bytes -= old.size();
            self.first += 1;
        }
        while self.fitting.front().is_some_and(|number| *number < self.first) {
            self.fitting.pop_front();
        }
    }

    /// Only lines with all of these words are wanted from now on.
    pub fn filter(&mut self, text: &str) {
        let words: Vec<String> = text.to_lowercase().split_whitespace().map(ToOwned::to_owned).collect();
        if words != self.words {
            (self.words, self.sifted) = (words, self.first);
            self.fitting.clear();
        }
    }

    /// Looks which of the next `most` packets fit; true when there are none left to look at.
    pub fn sift(&mut self, most: usize) -> bool {
        let end = self.first + self.kept.len() as u64;
        self.sifted = self.sifted.max(self.first);
        if self.words.is_empty() {
            self.sifted = end;
            return true;
        }
        let until = end.min(self.sifted + most as u64);
        for number in self.sifted..until {
            let at = usize::try_from(number - self.first).unwrap_or(usize::MAX);
            if self.kept.get(at).is_some_and(|kept| fits(&kept.row(), &self.words)) {
                self.fitting.push_back(number);
            }
        }
        self.sifted = until;
        until == end
    }

    /// All that are kept, whether they fit or not.
    pub fn all(&self) -> impl Iterator<Item = &Kept> {
        self.kept.iter()
    }

    /// Oldest packets that made room.
    pub fn dropped(&self) -> u64 {
        self.first
    }

    /// Lines that fit.
    pub fn len(&self) -> usize {
        if self.words.is_empty() { self.kept.len() } else { self.fitting.len() }
    }

    /// What stands in a line, with its number.
    pub fn get(&self, line: usize) -> Option<(u64, &Kept)> {
        let number = match self.words.is_empty() {
            true => self.first + line as u64,
            false => *self.fitting.get(line)?,
        };
        Some((number, self.kept.get(usize::try_from(number - self.first).ok()?)?))
    }

    /// The line of a number, or that after it where it does not fit or is no longer kept.
    pub fn line_of(&self, number: u64) -> usize {
        match self.words.is_empty() {
            true => usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX),
            false => self.fitting.partition_point(|fitting| *fitting < number),
        }
    }
}

/// All words are in the line: addresses, protocol, and what it says.
fn fits(row: &Row, words: &[String]) -> bool {
    let text = match row {
        Row::Packet(line) => line.what().to_lowercase(),
        Row::Comment(_, comment) => comment.to_lowercase(),
    };
    words.iter().all(|word| text.contains(word))
}

/// Which lines are shown, and which is selected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The number of the selected one.
    pub chosen: u64,
    /// The newest is selected as it comes.
    pub follow: bool,
    /// The first line that is shown.
    pub offset: usize,
}

impl Cursor {
    /// Moves by so many lines, and shows the lines around: the lines shown, and the selected one among all.
    pub fn step(&mut self, ring: &Ring, by: isize, height: usize) -> (Range<usize>, usize) {
        let count = ring.len();
        let Some(last) = count.checked_sub(1) else {
            self.offset = 0;
            return (0..0, 0);
        };
        let from = if self.follow { last } else { ring.line_of(self.chosen).min(last) };
        let line = from.saturating_add_signed(by).min(last);
        if by < 0 {
            self.follow = false;
        } else if by > 0 && line == last {
            self.follow = true;
        }
        if let Some((number, _)) = ring.get(line) {
            self.chosen = number;
        }
        let lowest = (line + 1).saturating_sub(height);
        self.offset = self.offset.clamp(lowest, line.max(lowest)).min(count.saturating_sub(height));
        (self.offset..(self.offset + height).min(count), line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn frame(number: usize, size: usize) -> Frame {
        let data = Bytes::from(vec![u8::try_from(number % 250).unwrap(); size]);
        let time = Timestamp::UNIX_EPOCH;
        Frame { time, length: u32::try_from(size).unwrap(), data, comments: Vec::new() }
    }

    /// Frames of 14 bytes, whose hardware address tells their number.
    fn ring(numbers: Range<usize>) -> Ring {
        let mut ring = Ring::default();
        numbers.for_each(|number| ring.push(frame(number, 14)));
        ring
    }

    #[test]
    fn the_oldest_make_room() {
        let mut ring = ring(0..MOST + 7);
        assert_eq!((ring.len(), ring.dropped(), ring.get(0).unwrap().0), (MOST, 7, 7));
        (0..200).for_each(|number| ring.push(frame(number, 1 << 20)));
        assert!(ring.bytes <= BYTES && ring.len() < 33, "{} of {}", ring.bytes, ring.len());
        assert_eq!(ring.dropped() + ring.len() as u64, MOST as u64 + 207);
        ring.push(frame(1, BYTES + 1));
        assert_eq!(ring.len(), 1, "one that is too large is shown all the same");
    }

    #[test]
    fn only_what_fits_is_listed_as_far_as_it_was_looked() {
        let mut ring = ring(0..20);
        ring.filter("eth 07:07");
        assert_eq!((ring.len(), ring.sift(5), ring.len()), (0, false, 0));
        assert!(!ring.sift(10));
        assert_eq!((ring.len(), ring.get(0).unwrap().0), (1, 7));
        assert!(ring.sift(10));
        ring.push(frame(7, 14));
        assert!(ring.sift(10));
        assert_eq!((ring.len(), ring.get(1).unwrap().0), (2, 20));
        assert_eq!([0, 7, 8, 99].map(|number| ring.line_of(number)), [0, 0, 1, 2]);
        ring.filter("");
        assert_eq!((ring.sift(1), ring.len(), ring.get(3).unwrap().0), (true, 21, 3));
        ring.filter("nothing has this");
        assert_eq!((ring.sift(99), ring.len(), ring.get(0)), (true, 0, None));
    }

    #[test]
    fn comments_are_lines_before_their_packet() {
        let mut ring = Ring::default();
        ring.push(Frame { comments: vec!["boot began".to_owned(), "dhcp.offered".to_owned()], ..frame(1, 14) });
        assert_eq!(ring.len(), 3);
        assert_eq!(ring.get(0).unwrap().1.row(), Row::Comment(Timestamp::UNIX_EPOCH, "boot began".to_owned()));
        ring.filter("OFFERED");
        assert!(ring.sift(9));
        assert_eq!(ring.get(0).unwrap().0, 1);
    }

    #[test]
    fn the_cursor_follows_and_stays() {
        let mut ring = ring(0..20);
        let mut cursor = Cursor { follow: true, ..Cursor::default() };
        for (by, shown, line, follow) in [
            (0, 15..20, 19, true),
            (-1, 15..20, 18, false),
            (-5, 13..18, 13, false),
            (-99, 0..5, 0, false),
            (2, 0..5, 2, false),
            (99, 15..20, 19, true),
        ] {
            assert_eq!(cursor.step(&ring, by, 5), (shown, line), "{by}");
            assert_eq!(cursor.follow, follow, "{by}");
        }
        ring.push(frame(20, 14));
        assert_eq!(cursor.step(&ring, 0, 5), (16..21, 20));
        cursor.step(&ring, -3, 5);
        ring.push(frame(21, 14));
        assert_eq!(cursor.step(&ring, 0, 5).1, 17, "the selected one stays, whatever comes");
        assert_eq!(cursor.step(&Ring::default(), 3, 5), (0..0, 0));
        assert_eq!(cursor.step(&ring, 1, 0).0.len(), 0, "no room at all");
    }
}
