//! Lines of a terminal that stand still, for looking back and copying: text with its looks. Pure.

use std::sync::Arc;
use vt100::{Cell, Color, Screen};

/// How characters look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Their own colour.
    pub foreground: Color,
    /// That behind them.
    pub background: Color,
    /// Stronger.
    pub bold: bool,
    /// Weaker.
    pub dim: bool,
    /// Slanted.
    pub italic: bool,
    /// With a line below.
    pub underlined: bool,
    /// With the two colours exchanged.
    pub reversed: bool,
}

impl Look {
    /// That of a cell.
    pub fn of(cell: &Cell) -> Look {
        Look {
            foreground: cell.fgcolor(),
            background: cell.bgcolor(),
            bold: cell.bold(),
            dim: cell.dim(),
            italic: cell.italic(),
            underlined: cell.underline(),
            reversed: cell.inverse(),
        }
    }

    fn is_plain(&self) -> bool {
        self.background == Color::Default && !self.reversed && !self.underlined
    }
}

/// A line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Runs of one look, from the left.
    pub runs: Vec<(String, Look)>,
    /// It goes on in the next line: it was longer than the terminal is wide.
    pub wrapped: bool,
}

impl Row {
    /// Line `row` of what is on `screen` now.
    pub fn of(screen: &Screen, row: u16) -> Row {
        let mut runs: Vec<(String, Look)> = Vec::new();
        for column in 0..screen.size().1 {
            let Some(cell) = screen.cell(row, column).filter(|cell| !cell.is_wide_continuation()) else { continue };
            let look = Look::of(cell);
            let text = if cell.has_contents() { cell.contents() } else { " " };
            match runs.last_mut() {
                Some((run, last)) if *last == look => run.push_str(text),
                _ => runs.push((text.to_owned(), look)),
            }
        }
        while let Some((run, look)) = runs.last_mut() {
            if !look.is_plain() {
                break;
            }
            run.truncate(run.trim_end_matches(' ').len());
            if !run.is_empty() {
                break;
            }
            runs.pop();
        }
        Row { runs, wrapped: screen.row_wrapped(row) }
    }

    /// Its text.
    pub fn text(&self) -> String {
        self.runs.iter().map(|(text, _)| text.as_str()).collect()
    }

    fn is_blank(&self) -> bool {
        self.runs.iter().all(|(text, look)| look.is_plain() && text.trim().is_empty())
    }
}

/// A place in a still picture: lines from its last one upwards, columns from the left. So places stay what they are
/// when older lines are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Lines above the last.
    pub up: usize,
    /// Columns from the left.
    pub column: usize,
}

/// What was `earlier`, then what is `later`, without the lines at the seam that both have: whoever attaches to a
/// session is shown its screen once more.
pub fn joined(earlier: &[Arc<Row>], later: &[Arc<Row>], page: usize) -> Vec<Arc<Row>> {
    let end = earlier.iter().rposition(|row| !row.is_blank()).map_or(0, |last| last + 1);
    let earlier = &earlier[..end];
    let same = |overlap: usize| {
        let tail = &earlier[end - overlap..];
        let texts = tail.iter().zip(later).enumerate();
        texts.into_iter().all(|(number, (before, after))| {
            let (before, after) = (before.text(), after.text());
            // The line of the prompt goes on.
            before.trim_end() == after.trim_end() || number + 1 == overlap && after.starts_with(before.trim_end())
        })
    };
    let most = page.min(end).min(later.len());
    let overlap = (1..=most).rev().find(|overlap| same(*overlap)).unwrap_or(0);
    earlier[..end - overlap].iter().chain(later).cloned().collect()
}

/// The text from one spot to another, both included. Lines that only wrapped are one.
pub fn text_between(rows: &[Arc<Row>], one: Spot, other: Spot) -> String {
    let line = |spot: Spot| rows.len().saturating_sub(1).saturating_sub(spot.up);
    let (mut from, mut to) = ((line(one), one.column), (line(other), other.column));
    if to < from {
        (from, to) = (to, from);
    }
    let mut copied = String::new();
    for (number, row) in rows.iter().enumerate().take(to.0 + 1).skip(from.0) {
        let first = if number == from.0 { from.1 } else { 0 };
        let last = if number == to.0 { to.1 } else { usize::MAX };
        let mut column = 0;
        for c in row.text().chars() {
            if (first..=last).contains(&column) {
                copied.push(c);
            }
            column += width(c);
        }
        if number < to.0 && !row.wrapped {
            copied.truncate(copied.trim_end_matches(' ').len());
            copied.push('\n');
        }
    }
    copied
}

/// How many columns a character has.
pub fn width(c: char) -> usize {
    ratatui::text::Span::raw(c.encode_utf8(&mut [0; 4]) as &str).width()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str, columns: u16) -> Vec<Arc<Row>> {
        let lines = u16::try_from(text.lines().count()).unwrap() + 2;
        let mut parser = vt100::Parser::new(lines, columns, 0);
        parser.process(text.replace('\n', "\r\n").as_bytes());
        let rows: Vec<_> = (0..lines).map(|row| Arc::new(Row::of(parser.screen(), row))).collect();
        let end = rows.iter().rposition(|row| !row.is_blank()).map_or(0, |last| last + 1);
        rows[..end].to_vec()
    }

    fn texts(rows: &[Arc<Row>]) -> Vec<String> {
        rows.iter().map(|row| row.text()).collect()
    }

    #[test]
    fn runs_have_one_look_and_no_blanks_at_the_end() {
        let rows = rows("plain \x1b[31mred\x1b[0m   \n\x1b[44m  \x1b[0m", 20);
        assert_eq!(rows[0].runs.len(), 2);
        assert_eq!(rows[0].text(), "plain red");
        assert_eq!(rows[0].runs[1].1.foreground, Color::Idx(1));
        assert_eq!(rows[1].text(), "  ", "a background is no blank");
    }

    #[test]
    fn the_screen_that_is_shown_once_more_is_there_once() {
        for (earlier, later, expected) in [
            ("1\n2\n3\n$ ", "2\n3\n$ ls\n4", "1\n2\n3\n$ ls\n4"),
            ("1\n2\n3", "4\n5", "1\n2\n3\n4\n5"),
            ("", "4\n5", "4\n5"),
            ("a\na\na", "a\na", "a\na\na"),
        ] {
            let joined = joined(&rows(earlier, 20), &rows(later, 20), 24);
            assert_eq!(texts(&joined), expected.lines().collect::<Vec<_>>(), "{earlier:?} {later:?}");
        }
    }

    #[test]
    fn what_is_copied_is_what_is_between() {
        let rows = rows("one two\nthree\n0123456789abc\nend", 10);
        assert_eq!(rows.len(), 5);
        for (one, other, expected) in [
            ((4, 4), (4, 6), "two"),
            ((4, 6), (4, 4), "two"),
            ((4, 4), (3, 4), "two\nthree"),
            ((2, 8), (1, 1), "89ab"),
            ((1, 0), (0, 99), "abc\nend"),
        ] {
            let spot = |(up, column)| Spot { up, column };
            assert_eq!(text_between(&rows, spot(one), spot(other)), expected);
        }
        let wide = self::rows("a日本b", 10);
        assert_eq!(text_between(&wide, Spot { up: 0, column: 1 }, Spot { up: 0, column: 4 }), "日本");
    }
}
