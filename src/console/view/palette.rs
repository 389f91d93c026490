//! The palette above the foot: what is typed may mean this.

use super::{Scene, list};
use crate::console::palette::{Candidate, Palette, candidates};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::{Clear, Paragraph},
};

/// Lines of candidates at most.
const MOST: usize = 12;

/// Draws what `palette` may mean at the lower end of `body`.
pub fn draw(frame: &mut Frame<'_>, body: Rect, scene: Scene<'_>, palette: &Palette) {
    let theme = scene.theme;
    let found = candidates(scene.model, scene.state, &palette.typed);
    let rows = MOST.min(usize::from(body.height.saturating_sub(2))).min(found.len().max(1));
    let height = u16::try_from(rows + 2).unwrap_or(body.height).min(body.height);
    let area = Rect { y: body.y + body.height - height, height, ..body };
    let chosen = palette.choice.unwrap_or(0);
    let first = (chosen + 1).saturating_sub(rows);
    let width = usize::from(area.width.saturating_sub(2));
    let mut lines: Vec<Line<'_>> = found
        .iter()
        .enumerate()
        .skip(first)
        .take(rows)
        .map(|(number, candidate)| line(scene, candidate, number == chosen, width))
        .collect();
    if lines.is_empty() {
        lines.push(Line::styled(" nothing listed; enter takes the words as they are", theme.dim));
    }
    let title = Line::from(Span::styled(format!(" Palette {} ", found.len()), theme.head));
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines).style(theme.text).block(list::framed(scene, title, true)), area);
}

fn line<'a>(scene: Scene<'_>, candidate: &Candidate, chosen: bool, width: usize) -> Line<'a> {
    let theme = scene.theme;
    let keys: Vec<String> = candidate.keys.iter().map(|key| key.shown(theme.marks.unicode)).collect();
    let keys = keys.join(" ");
    let text = if candidate.open { format!("{} ...", candidate.text) } else { candidate.text.clone() };
    let room = width.saturating_sub(keys.chars().count() + 3);
    let words: String = format!("{text:<28} {}", candidate.words).chars().take(room).collect();
    let (name, rest) = words.split_at_checked(text.len()).unwrap_or((words.as_str(), ""));
    let mut line = Line::from(vec![
        Span::styled(format!(" {name}"), if chosen { theme.focus } else { theme.text }),
        Span::styled(rest.to_owned(), theme.dim),
        Span::raw(" ".repeat(room.saturating_sub(words.chars().count()) + 1)),
        Span::styled(format!("{keys} "), theme.focus),
    ]);
    if chosen {
        line = line.style(theme.selected);
    }
    line
}
