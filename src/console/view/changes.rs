//! The room of changes: a line a commit, and one of them with its diff and what happened around it.

use super::{Scene, list, words};
use crate::{
    console::{
        keys::Wish,
        record::Whole,
        rooms::changes::{Changes, Open},
    },
    event::Event,
    track::{Commit, Status},
};
use ratatui::{
    Frame,
    layout::{Margin, Rect},
    text::{Line, Span},
    widgets::{Paragraph, Wrap},
};
use std::sync::Arc;

/// Draws the room; returns where its lines are.
pub fn draw(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, room: &Changes) -> Rect {
    match &room.open {
        Some(open) => whole(frame, area, scene, open),
        None => log(frame, area, scene, room),
    }
}

fn log(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, room: &Changes) -> Rect {
    let theme = scene.theme;
    let lines = room.lines();
    let mut block = list::framed(scene, title(scene, room, lines.len()), true);
    if room.filter.before.is_some() {
        block = block.title_bottom(Line::from(vec![
            Span::styled(" /", theme.focus),
            Span::styled(room.filter.text.clone(), theme.text),
            Span::styled(theme.marks.cursor, theme.focus),
            Span::styled(" enter keeps it, esc leaves it as it was ", theme.dim),
        ]));
    }
    let inner = block.inner(area);
    frame.render_widget(block, area);
    if lines.is_empty() {
        let words = match &room.commits {
            None => "Looking into the record.".to_owned(),
            Some(Err(error)) => format!("{} {error}", theme.marks.bad),
            Some(Ok(_)) if !room.filter.text.is_empty() => "No line has these words; esc clears the filter.".to_owned(),
            Some(Ok(_)) => format!(
                "Nothing is kept of any machine yet. Name paths, one a line, in the file `track` of a machine or its segment; \
                 {} looks at once.",
                scene.key(Wish::Pull)
            ),
        };
        let style = if matches!(room.commits, Some(Err(_))) { theme.bad } else { theme.dim };
        let words = Paragraph::new(words).style(style).wrap(Wrap { trim: true });
        frame.render_widget(words, inner.inner(Margin { horizontal: 1, vertical: 0 }));
        return inner;
    }
    let height = usize::from(inner.height);
    let first = list::first(lines.len(), room.selected(), height, room.offset);
    let widest = lines.iter().map(|commit| commit.host.chars().count()).max().unwrap_or(0).min(20);
    for ((number, commit), y) in lines.iter().enumerate().skip(first).zip(inner.y..inner.bottom()) {
        let line = of_commit(scene, commit, widest);
        let line = if number == room.selected() { line.style(theme.selected) } else { line };
        frame.render_widget(line, Rect { y, height: 1, ..inner });
    }
    inner
}

fn title<'a>(scene: Scene<'_>, room: &Changes, count: usize) -> Line<'a> {
    let theme = scene.theme;
    let whose = room.host.as_ref().map_or_else(|| "of all machines".to_owned(), |host| format!("of {host}"));
    let mut spans = vec![Span::styled(format!(" Changes {whose} "), theme.head)];
    if matches!(room.commits, Some(Ok(_))) {
        spans.push(Span::styled(format!("{count} "), theme.text));
    }
    if !room.filter.text.is_empty() {
        spans.push(Span::styled(format!("with \"{}\" ", room.filter.text), theme.notice));
    }
    Line::from(spans)
}

/// When, who, how many files, and what.
fn of_commit<'a>(scene: Scene<'_>, commit: &Commit, widest: usize) -> Line<'a> {
    let theme = scene.theme;
    let count = |wanted: Status| commit.files.iter().filter(|(status, _)| *status == wanted).count();
    let part = |sign: char, count: usize| if count == 0 { String::new() } else { format!("{sign}{count}") };
    let counts =
        [part('+', count(Status::Added)), part('~', count(Status::Changed)), part('-', count(Status::Removed))];
    let counts = counts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    let cause = commit.cause.as_ref().map(|cause| format!(" by {cause}")).unwrap_or_default();
    Line::from(vec![
        Span::styled(format!("{} ", dated(scene, commit.time)), theme.dim),
        Span::styled(format!("{:<widest$} ", commit.host), theme.focus),
        Span::styled(format!("{counts:<9} "), theme.notice),
        Span::styled(commit.subject.clone(), theme.text),
        Span::styled(cause, theme.dim),
    ])
}

/// A date and a time: commits are of many days.
fn dated(scene: Scene<'_>, time: jiff::Timestamp) -> String {
    time.to_zoned_datetime(scene.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

fn whole(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, open: &Open) -> Rect {
    let theme = scene.theme;
    let Open { commit, whole, scrolled } = open;
    let title = Line::from(vec![
        Span::styled(format!(" {} {} ", commit.host, dated(scene, commit.time)), theme.head),
        Span::styled(format!("{} ", commit.hash.get(..10).unwrap_or(&commit.hash)), theme.dim),
    ]);
    let lines = match whole {
        None => vec![Line::styled(" Looking into the record.", theme.dim)],
        Some(Err(error)) => vec![Line::styled(format!(" {} {error}", theme.marks.bad), theme.bad)],
        Some(Ok(whole)) => content(scene, commit, whole),
    };
    let block = list::framed(scene, title, true);
    let inner = block.inner(area);
    let most = lines.len().saturating_sub(usize::from(inner.height));
    let more = if most > 0 {
        format!(" {} of {} lines ", (scrolled + usize::from(inner.height)).min(lines.len()), lines.len())
    } else {
        String::new()
    };
    let block = block.title_bottom(Span::styled(more, theme.dim));
    let lines: Vec<Line<'_>> = lines.into_iter().skip((*scrolled).min(most)).take(usize::from(inner.height)).collect();
    frame.render_widget(Paragraph::new(lines).block(block), area);
    inner
}

/// What happened around it, and the diff.
fn content<'a>(scene: Scene<'_>, commit: &Commit, whole: &Whole) -> Vec<Line<'a>> {
    let theme = scene.theme;
    let since = commit.before.map(|before| format!(" since the look of {}", dated(scene, before))).unwrap_or_default();
    let cause = commit.cause.as_ref().map(|cause| format!(", by {cause}")).unwrap_or_default();
    let mut lines = vec![Line::styled(format!(" What happened{since}{cause}"), theme.head)];
    if whole.events.is_empty() {
        lines.push(Line::styled("   Nothing is in the journal of that time.", theme.dim));
    }
    lines.extend(whole.events.iter().map(|event| happened(scene, event)));
    lines.extend([Line::default(), Line::styled(" What changed", theme.head)]);
    if whole.diff.is_empty() {
        lines.push(Line::styled("   It has no text to show.", theme.dim));
    }
    lines.extend(whole.diff.iter().map(|line| Line::styled(format!(" {line}"), of_line(scene, line))));
    lines
}

fn happened<'a>(scene: Scene<'_>, event: &Arc<Event>) -> Line<'a> {
    let words = crate::console::lines::line_of(event);
    Line::from(vec![
        Span::styled(format!("   {}  ", scene.clock(event.time)), scene.theme.dim),
        Span::styled(words, scene.theme.severity(event.severity())),
    ])
}

/// The colour of a line of a diff; its sign says the same without.
fn of_line(scene: Scene<'_>, line: &str) -> ratatui::style::Style {
    let theme = scene.theme;
    match line.as_bytes() {
        [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] | [b'd', b'i', b'f', b'f', ..] => theme.head,
        [b'@', ..] => theme.notice,
        [b'+', ..] => theme.good,
        [b'-', ..] => theme.bad.remove_modifier(ratatui::style::Modifier::BOLD),
        [b' ', ..] | [] => theme.text,
        _ => theme.dim,
    }
}

/// How long ago, for a line of a page.
pub fn ago(scene: Scene<'_>, time: jiff::Timestamp) -> String {
    format!("{} ago", words::span(time, scene.now))
}
