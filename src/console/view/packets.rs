//! The room of packets: a line each, and one of them by layers and bytes.

use super::{Scene, list};
use crate::{
    console::rooms::packets::Packets,
    desk::{
        self,
        capture::{Kept, Row},
    },
    packet::{decode, dump},
};
use jiff::Timestamp;
use ratatui::{
    Frame,
    layout::{Margin, Rect},
    text::{Line, Span},
    widgets::{Paragraph, Wrap},
};

/// Draws the room; returns where its lines are.
pub fn draw(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, room: &Packets) -> Rect {
    let theme = scene.theme;
    let page = &room.page;
    let mut block = list::framed(scene, title(scene, room), true);
    if let Some(line) = below(scene, room) {
        block = block.title_bottom(line);
    }
    let inner = block.inner(area);
    frame.render_widget(block, area);
    if page.rows.is_empty() {
        let words = match (&page.ended, page.count, room.view.filter.is_empty()) {
            (_, _, false) if page.searching => "Looking which fit.",
            (_, _, false) => "No line has these words; esc clears the filter.",
            (Some(why), ..) if why.is_empty() => "There are no packets in it.",
            (Some(_), ..) => "No packet had come.",
            (None, 0, _) => "No packet has come yet.",
            (None, ..) => "",
        };
        let words = Paragraph::new(words).style(theme.dim).wrap(Wrap { trim: true });
        frame.render_widget(words, inner.inner(Margin { horizontal: 1, vertical: 0 }));
        return inner;
    }
    let lines = page.rows.iter().enumerate().map(|(number, row)| {
        let line = line(scene, row, inner.width >= 100);
        if page.selected == Some(number) { line.style(theme.selected) } else { line }
    });
    for (line, y) in lines.zip(inner.y..inner.bottom()) {
        frame.render_widget(line, Rect { y, height: 1, ..inner });
    }
    inner
}

fn title<'a>(scene: Scene<'_>, room: &Packets) -> Line<'a> {
    let theme = scene.theme;
    let page = &room.page;
    let whose = match (&room.packets, &room.name) {
        (desk::Packets::Live { interface, boot, .. }, name) => {
            let whose = match (name, boot) {
                (Some(name), true) => format!(": boots of {name}"),
                (Some(name), false) => format!(": {name}"),
                (None, true) => ": boots".to_owned(),
                (None, false) => String::new(),
            };
            format!("{interface}{whose}")
        }
        (desk::Packets::Recorded { file }, name) => {
            let file = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            name.as_ref().map_or(file.clone(), |name| format!("{name}: {file}"))
        }
    };
    let mut spans = vec![Span::styled(format!(" Packets of {whose} "), theme.head)];
    let all = page.came.saturating_sub(page.dropped);
    match room.view.filter.is_empty() {
        true => spans.push(Span::styled(format!("{} came ", page.came), theme.text)),
        false => {
            spans.push(Span::styled(format!("{} of {all} ", page.count), theme.text));
            spans.push(Span::styled(format!("with \"{}\" ", room.view.filter), theme.notice));
        }
    }
    if page.searching {
        spans.push(Span::styled("searching ", theme.busy));
    }
    if room.view.paused {
        spans.push(Span::styled("paused: space goes on ", theme.busy));
    } else if !room.cursor.follow && page.ended.is_none() {
        spans.push(Span::styled("f follows ", theme.dim));
    }
    if page.lost > 0 {
        spans.push(Span::styled(format!("{} lost: too fast ", page.lost), theme.busy));
    }
    if page.dropped > 0 {
        spans.push(Span::styled(format!("{} older made room ", page.dropped), theme.dim));
    }
    Line::from(spans)
}

/// The filter as it is typed, or why nothing comes any more.
fn below<'a>(scene: Scene<'_>, room: &Packets) -> Option<Line<'a>> {
    let theme = scene.theme;
    if room.filter.before.is_some() {
        return Some(Line::from(vec![
            Span::styled(" /", theme.focus),
            Span::styled(room.view.filter.clone(), theme.text),
            Span::styled(theme.marks.cursor, theme.focus),
            Span::styled(" enter keeps it, esc leaves it as it was ", theme.dim),
        ]));
    }
    let why = room.page.ended.as_ref().filter(|why| !why.is_empty())?;
    Some(Line::styled(format!(" {} {why}: nothing comes any more; esc leaves ", theme.marks.bad), theme.bad))
}

fn line<'a>(scene: Scene<'_>, row: &Row, wide: bool) -> Line<'a> {
    let theme = scene.theme;
    let at = |time: Timestamp| {
        let form = if wide { "%H:%M:%S%.6f" } else { "%H:%M:%S%.3f" };
        Span::styled(format!("{} ", time.to_zoned_datetime(scene.zone.clone()).strftime(form)), theme.dim)
    };
    match row {
        Row::Comment(time, words) => Line::from(vec![at(*time), Span::styled(format!("-- {words}"), theme.notice)]),
        Row::Packet(line) => {
            let fails = ["ERROR", "NAK", "unreachable", "[malformed"];
            let style = if fails.iter().any(|word| line.words.contains(word)) { theme.bad } else { theme.text };
            Line::from(vec![
                at(line.time),
                Span::styled(format!("{} > {} ", line.source, line.destination), theme.dim),
                Span::styled(format!("{} ", line.protocol), theme.focus),
                Span::styled(line.words.clone(), style),
            ])
        }
    }
}

/// A packet by layers and bytes.
pub fn whole<'a>(scene: Scene<'_>, kept: &Kept) -> Vec<Line<'a>> {
    let theme = scene.theme;
    let (frame, file) = match kept {
        Kept::Comment(time, words) => {
            return vec![Line::styled(format!(" {time}"), theme.dim), Line::styled(format!(" {words}"), theme.notice)];
        }
        Kept::Packet(frame, file) => (frame, file.as_deref()),
    };
    let kept = frame.data.len();
    let length = match kept < frame.length as usize {
        true => format!("{} bytes, of which {kept} are kept", frame.length),
        false => format!("{kept} bytes"),
    };
    let mut lines = vec![Line::styled(format!(" {} {length}", frame.time), theme.dim)];
    lines.extend(frame.comments.iter().map(|words| Line::styled(format!(" -- {words}"), theme.notice)));
    for layer in decode(frame, file) {
        lines.push(Line::from(vec![
            Span::styled(format!(" {} ", layer.protocol), theme.head),
            Span::styled(layer.words, theme.text),
        ]));
        lines.extend(layer.fields.into_iter().map(|(name, value)| {
            Line::from(vec![Span::styled(format!("   {name:<20} "), theme.dim), Span::styled(value, theme.text)])
        }));
    }
    lines.push(Line::default());
    lines.extend(dump(&frame.data).into_iter().map(|line| Line::styled(format!(" {line}"), theme.dim)));
    lines
}
