//! A pane of lines with a head: only those that are seen are made.

use super::{Scene, Sight, replica};
use crate::{
    command::FOUND,
    console::{keys::Wish, model::Pane, place::Search},
};
use ratatui::{
    Frame,
    layout::{Constraint, Margin, Rect},
    text::{Line, Span},
    widgets::{Block, Paragraph, Row, Table, Wrap},
};
use std::ops::Range;

/// What a pane is made of.
pub struct Lines<'a> {
    pub pane: Pane,
    /// Heads and widths of its columns.
    pub columns: &'a [(&'a str, Constraint)],
    /// How many lines there are.
    pub count: usize,
    /// The selected one.
    pub selected: Option<usize>,
    /// What stands there when there are none.
    pub empty: String,
}

/// Draws a pane; `row` makes the line of a number.
pub fn draw<'a>(
    frame: &mut Frame<'_>,
    area: Rect,
    scene: Scene<'_>,
    sight: &mut Sight,
    lines: &Lines<'_>,
    row: impl Fn(usize) -> Row<'a>,
) {
    let Scene { model, theme, .. } = scene;
    let focused = model.pane == lines.pane && model.page.is_none();
    let mut block = framed(scene, title(scene, lines), focused);
    if lines.pane == Pane::Audit {
        block = block.title_bottom(replica::line(scene));
    }
    let inner = block.inner(area);
    frame.render_widget(block, area);
    if lines.count == 0 {
        let empty = Paragraph::new(lines.empty.as_str()).style(theme.dim).wrap(Wrap { trim: true });
        frame.render_widget(empty, inner.inner(Margin { horizontal: 1, vertical: 0 }));
        return;
    }
    let height = usize::from(inner.height.saturating_sub(1));
    let selected = lines.selected.unwrap_or(0);
    let seen = window(lines.count, selected, height, &mut sight.offsets[lines.pane as usize]);
    let rows: Vec<Row<'_>> = seen
        .map(|number| if focused && number == selected { row(number).style(theme.selected) } else { row(number) })
        .collect();
    let head = Row::new(lines.columns.iter().map(|(head, _)| *head)).style(theme.dim);
    let table = Table::new(rows, lines.columns.iter().map(|(_, width)| *width)).header(head).column_spacing(1);
    frame.render_widget(table, inner);
    sight.rows[lines.pane as usize] = Some(Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner });
}

/// The lines to show so that `selected` is among them, moving as little as possible.
fn window(count: usize, selected: usize, height: usize, offset: &mut usize) -> Range<usize> {
    let most = count.saturating_sub(height);
    let lowest = (selected + 1).saturating_sub(height);
    *offset = (*offset).clamp(lowest, selected.max(lowest)).min(most);
    *offset..(*offset + height).min(count)
}

/// The first line to show so that `selected` is among them, where `offset` was the first before.
pub fn first(count: usize, selected: usize, height: usize, mut offset: usize) -> usize {
    window(count, selected, height, &mut offset);
    offset
}

/// A block with borders in the theme's way.
pub fn framed<'a>(scene: Scene<'_>, title: Line<'a>, focused: bool) -> Block<'a> {
    let theme = scene.theme;
    let style = if focused { theme.focus } else { theme.border };
    Block::bordered().border_set(theme.marks.border).border_style(style).title(title)
}

fn title<'a>(scene: Scene<'_>, lines: &Lines<'_>) -> Line<'a> {
    let theme = scene.theme;
    let place = &scene.model.places[lines.pane as usize];
    let marked = if lines.pane == Pane::Machines { scene.model.marked(scene.state).len() } else { 0 };
    let comma = if marked > 0 { "," } else { "" };
    let mut spans = vec![Span::styled(format!(" {} {}{comma} ", lines.pane.title(), lines.count), theme.head)];
    if marked > 0 {
        spans.push(Span::styled(format!("{marked} marked "), theme.focus));
    }
    if lines.pane == Pane::Machines && scene.model.fleet {
        spans.push(Span::styled("of all segments ", theme.notice));
    }
    if !place.filter.is_empty() {
        spans.push(Span::styled(format!("with \"{}\" ", place.filter), theme.notice));
    }
    match &place.search {
        Some(Search::Underway(_)) => spans.push(Span::styled("searching the journal ", theme.busy)),
        Some(Search::Found(found)) if found.len() >= FOUND => {
            spans.push(Span::styled(format!("the newest {FOUND} of the journal "), theme.notice));
        }
        Some(Search::Found(found)) => spans.push(Span::styled(format!("{} in the journal ", found.len()), theme.dim)),
        Some(Search::Failed(error)) => spans.push(Span::styled(format!("not searched: {error} "), theme.bad)),
        None => {}
    }
    if place.frozen.is_some() {
        spans.push(Span::styled(format!("paused: {} goes on ", scene.model.keys.of(Wish::Pause)), theme.busy));
    } else if lines.pane.grows() && !place.follow {
        spans.push(Span::styled(format!("{} follows the newest ", scene.model.keys.of(Wish::Follow)), theme.dim));
    }
    Line::from(spans)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_window_moves_as_little_as_possible() {
        let mut offset = 0;
        for (count, selected, expected) in [
            (3, 0, 0..3),
            (20, 4, 0..5),
            (20, 5, 1..6),
            (20, 2, 1..6),
            (20, 0, 0..5),
            (20, 19, 15..20),
            (7, 6, 2..7),
            (2, 1, 0..2),
        ] {
            assert_eq!(super::window(count, selected, 5, &mut offset), expected, "{count} {selected}");
        }
        assert_eq!(super::window(9, 3, 0, &mut offset).len(), 0);
    }
}
