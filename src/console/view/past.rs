//! The timeline below the panes while the past is shown: what is kept, where in it this is, and the event there.

use super::{Scene, words::span};
use crate::{
    console::{lines::line_of, theme::Theme},
    state::past::{Bucket, Kept, Past},
};
use jiff::Timestamp;
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
};

/// Lines that it takes.
pub const HEIGHT: u16 = 2;
/// Heights of a column; that without events is the theme's.
const BLOCKS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
const LETTERS: [&str; 8] = [":", "-", "=", "+", "o", "*", "%", "#"];

/// That this is the past, and which: reversed, so that it is seen without colours too.
pub fn head<'a>(scene: Scene<'_>, present: Timestamp) -> [Span<'a>; 2] {
    let style = scene.theme.busy.add_modifier(Modifier::REVERSED | Modifier::BOLD);
    let moment = scene.now.to_zoned_datetime(scene.zone.clone());
    let ago = span(scene.now, present);
    [
        Span::styled(format!(" PAST {} ", moment.strftime("%Y-%m-%d %H:%M:%S")), style),
        Span::styled(format!(" {ago} ago "), scene.theme.busy),
    ]
}

pub fn draw(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, past: &Past) {
    let [above, below] = Layout::vertical([Constraint::Length(1), Constraint::Length(1)]).areas(area);
    frame.render_widget(histogram(scene, past, usize::from(above.width)), above);
    let edge = match (past.at_begin, past.at_end) {
        (true, _) => " nothing older is kept ",
        (_, true) => " the newest ",
        _ => "",
    };
    let width = u16::try_from(edge.len()).unwrap_or(0);
    let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(width)]).areas(below);
    frame.render_widget(event(scene, past), left);
    frame.render_widget(Span::styled(edge, scene.theme.notice), right);
}

/// The event at the moment, and how time passes.
fn event<'a>(scene: Scene<'_>, past: &Past) -> Line<'a> {
    let theme = scene.theme;
    let (mark, style) = if past.playing { (theme.marks.busy, theme.busy) } else { (theme.marks.idle, theme.dim) };
    let mut spans = vec![Span::styled(format!(" {mark} {}x ", past.speed), style)];
    if let Some(event) = &past.event {
        let who = event.machine.map(|a| a.to_string()).or_else(|| event.mac.map(|m| m.to_string()));
        spans.push(Span::styled(format!(" {} ", scene.clock(event.time)), theme.dim));
        spans.extend(who.map(|who| Span::styled(format!("{who} "), theme.text)));
        spans.push(Span::styled(line_of(event), theme.severity(event.severity())));
    }
    Line::from(spans)
}

fn histogram<'a>(scene: Scene<'_>, past: &Past, width: usize) -> Line<'a> {
    let theme = scene.theme;
    let (begin, end) = edges(scene, &past.kept);
    let room = width.saturating_sub(begin.len() + end.len() + 4);
    let mut spans = vec![Span::styled(format!(" {begin} "), theme.dim)];
    let columns = columns(&past.kept.buckets, room);
    let most = columns.iter().map(|(events, _)| *events).fold(0.0, f64::max);
    let here = column_of(past.moment, &past.kept, room);
    for (number, (events, errors)) in columns.into_iter().enumerate() {
        let (mark, style) = column(theme, events / most.max(1e-9), errors > 0.0);
        spans.push(match number == here {
            true => Span::styled(theme.marks.here, theme.focus.add_modifier(Modifier::REVERSED)),
            false => Span::styled(mark, style),
        });
    }
    spans.push(Span::styled(format!(" {end} "), theme.dim));
    Line::from(spans)
}

/// A column's character. Where colours do not mark errors, the character does.
fn column(theme: &Theme, height: f64, errors: bool) -> (&'static str, Style) {
    if height <= 0.0 {
        return (theme.marks.idle, theme.dim);
    }
    // What happens seldom is seen beside what happens often.
    let level = ((height.sqrt() * 8.0).ceil() as usize).clamp(1, 8) - 1;
    let mark = if theme.marks.unicode { BLOCKS[level] } else { LETTERS[level] };
    match errors {
        true if theme.bad.fg.is_none() => (theme.marks.bad, theme.bad),
        true => (mark, theme.bad),
        false => (mark, theme.good),
    }
}

/// The column of a moment.
fn column_of(moment: Timestamp, kept: &Kept, width: usize) -> usize {
    let whole = kept.end.duration_since(kept.begin).as_secs_f64();
    let part = moment.duration_since(kept.begin).as_secs_f64();
    let at = if whole > 0.0 { (part / whole).clamp(0.0, 1.0) } else { 1.0 };
    (at * width.saturating_sub(1) as f64).round() as usize
}

/// Events and errors of `width` equal parts of the time that `buckets` cover.
fn columns(buckets: &[Bucket], width: usize) -> Vec<(f64, f64)> {
    let scale = buckets.len() as f64 / width.max(1) as f64;
    let sum = |column: usize| {
        let (from, to) = (column as f64 * scale, (column + 1) as f64 * scale);
        let touched = buckets.iter().enumerate().take(to.ceil() as usize).skip(from as usize);
        touched.fold((0.0, 0.0), |(events, errors), (number, bucket)| {
            let part = (to.min((number + 1) as f64) - from.max(number as f64)).max(0.0);
            (events + part * f64::from(bucket.events), errors + part * f64::from(bucket.errors))
        })
    };
    (0..width).map(sum).collect()
}

/// Begin and end of what is kept, with the date where they are of different days.
fn edges(scene: Scene<'_>, kept: &Kept) -> (String, String) {
    let [begin, end] = [kept.begin, kept.end].map(|time| time.to_zoned_datetime(scene.zone.clone()));
    let form = if begin.date() == end.date() { "%H:%M:%S" } else { "%m-%d %H:%M" };
    (begin.strftime(form).to_string(), end.strftime(form).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_hold_every_event_once() {
        let buckets: Vec<Bucket> = (0..480).map(|n| Bucket { events: n % 7, errors: u32::from(n == 333) }).collect();
        let all: u32 = buckets.iter().map(|bucket| bucket.events).sum();
        for width in [1, 7, 60, 120, 480, 600] {
            let columns = columns(&buckets, width);
            assert_eq!(columns.len(), width);
            let sum = columns.iter().fold((0.0, 0.0), |sum, column| (sum.0 + column.0, sum.1 + column.1));
            assert!((sum.0 - f64::from(all)).abs() < 1e-6 && (sum.1 - 1.0).abs() < 1e-6, "{width}: {sum:?}");
        }
        assert_eq!(columns(&buckets, 0), []);
    }

    #[test]
    fn the_cursor_is_where_the_moment_is() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let kept = Kept { begin: at(100), end: at(200), buckets: Vec::new() };
        for (second, width, expected) in
            [(100, 11, 0), (150, 11, 5), (200, 11, 10), (250, 11, 10), (0, 11, 0), (150, 0, 0)]
        {
            assert_eq!(column_of(at(second), &kept, width), expected, "{second} {width}");
        }
        let nothing = Kept { end: at(100), ..kept };
        assert_eq!(column_of(at(100), &nothing, 11), 10);
    }
}
