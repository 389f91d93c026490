//! The room of interfaces: what goes through each, and which packets would be opened.

use super::{Scene, list};
use crate::{
    console::rooms::interfaces::{Interfaces, Scope},
    net::{Rate, Traffic},
};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
    widgets::{Cell, Paragraph, Row, Table, Wrap},
};

/// Draws the room; returns where its lines are.
pub fn draw(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, room: &Interfaces) -> Rect {
    let theme = scene.theme;
    let title = Line::from(Span::styled(format!(" Interfaces {} ", room.lines().len()), theme.head));
    let block = list::framed(scene, title, true);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let [lines, below] = Layout::vertical([Constraint::Min(2), Constraint::Length(4)]).areas(inner);
    frame.render_widget(Paragraph::new(choices(scene, room)), below);
    let words = match &room.rates {
        Err(error) => Some((error.as_str(), theme.bad)),
        Ok(rates) if rates.is_empty() => Some(("Looking at the interfaces.", theme.dim)),
        Ok(_) => None,
    };
    if let Some((words, style)) = words {
        frame.render_widget(Paragraph::new(words).style(style).wrap(Wrap { trim: true }), lines);
        return Rect::default();
    }
    let columns = [
        ("interface", Constraint::Length(16)),
        ("in pkt/s", Constraint::Length(9)),
        ("bit/s", Constraint::Length(8)),
        ("out pkt/s", Constraint::Length(9)),
        ("bit/s", Constraint::Length(8)),
        ("serves", Constraint::Fill(1)),
    ];
    let height = usize::from(lines.height.saturating_sub(1));
    let selected = room.selected().unwrap_or(0);
    // There are seldom more than a screen of them; the selected one is always seen.
    let first = (selected + 1).saturating_sub(height);
    let rows = room.lines().iter().enumerate().skip(first).take(height).map(|(number, traffic)| {
        let row = row(scene, traffic);
        if number == selected { row.style(theme.selected) } else { row }
    });
    let head = Row::new(columns.map(|(head, _)| head)).style(theme.dim);
    let table = Table::new(rows, columns.map(|(_, width)| width)).header(head).column_spacing(1);
    frame.render_widget(table, lines);
    // A click counts from the first line of all.
    if first > 0 { Rect::default() } else { Rect { y: lines.y + 1, height: lines.height.saturating_sub(1), ..lines } }
}

fn row<'a>(scene: Scene<'_>, traffic: &Traffic) -> Row<'a> {
    let theme = scene.theme;
    let own = scene.state.segments.iter().filter(|(_, segment)| segment.current && !segment.remote);
    let served: Vec<String> = own
        .filter(|(server, _)| traffic.addresses.contains(server))
        .map(|(server, segment)| format!("{server} {}", segment.domain))
        .collect();
    let (mark, words, style) = match (served.is_empty(), traffic.addresses.first()) {
        (false, _) => (theme.marks.good, served.join(", "), theme.good),
        (true, Some(address)) => (" ", format!("nothing; it has {address}"), theme.dim),
        (true, None) => (" ", "nothing".to_owned(), theme.dim),
    };
    let cells = |rate: Rate| {
        let style = if rate.packets == 0 { theme.dim } else { theme.text };
        [Span::styled(rate.packets.to_string(), style), Span::styled(bits(rate.bits), style)]
    };
    let [received, bits_in] = cells(traffic.received);
    let [sent, bits_out] = cells(traffic.sent);
    Row::new([
        Cell::from(Span::styled(format!("{mark} {}", traffic.interface), theme.text)),
        Cell::from(received),
        Cell::from(bits_in),
        Cell::from(sent),
        Cell::from(bits_out),
        Cell::from(Span::styled(words, style)),
    ])
}

/// Which packets would be opened, each choice with its key.
fn choices<'a>(scene: Scene<'_>, room: &Interfaces) -> Vec<Line<'a>> {
    let theme = scene.theme;
    let machine = room.machine.as_ref().map(|(mac, name)| match *name == mac.to_string() {
        true => name.clone(),
        false => format!("{name} ({mac})"),
    });
    let (only, boot) = match &machine {
        Some(machine) => (format!("only those of {machine}"), format!("only those of the boots of {machine}")),
        None => ("only those of a machine: none was selected".to_owned(), "only those of boots".to_owned()),
    };
    let line = |scope: Scope, key: &'static str, words: String| {
        let chosen = room.scope == scope;
        let style = if chosen { theme.text } else { theme.dim };
        let mark = if chosen { "(x) " } else { "( ) " };
        Line::from(vec![Span::styled(format!(" {key} "), theme.focus), Span::styled(format!("{mark}{words}"), style)])
    };
    let place = if scene.model.windows { "in Wireshark, i in here" } else { "in here" };
    vec![
        Line::styled(format!(" enter shows packets {place}:"), theme.dim),
        line(Scope::All, "a", "all".to_owned()),
        line(Scope::Machine, "m", only),
        line(Scope::Boot, "b", boot),
    ]
}

/// Bits with a decimal unit: `950`, `1.2k`, `34M`.
fn bits(count: u64) -> String {
    let units = ["k", "M", "G", "T"];
    if count < 1000 {
        return count.to_string();
    }
    let mut value = count as f64 / 1000.0;
    for unit in units {
        if value < 999.5 || unit == "T" {
            return if value < 9.95 { format!("{value:.1}{unit}") } else { format!("{value:.0}{unit}") };
        }
        value /= 1000.0;
    }
    String::new()
}

#[cfg(test)]
mod tests {
    #[test]
    fn bits_fit_their_column() {
        for (count, words) in
            [(0, "0"), (999, "999"), (1000, "1.0k"), (15_500, "16k"), (999_600, "1.0M"), (2_500_000_000, "2.5G")]
        {
            assert_eq!(super::bits(count), words);
        }
    }
}
