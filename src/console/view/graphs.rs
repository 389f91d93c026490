//! The room of graphs: the families beside the curves of one, a unit a chart, in dots of braille.

use super::{Scene, list};
use crate::{
    console::{model::Depth, rooms::graphs::Graphs},
    trend::{Line as Curve, Series, axis, family},
};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::Style,
    symbols::Marker,
    text::{Line, Span},
    widgets::{Axis, Block, Chart, Dataset, GraphType, Paragraph, Wrap},
};

/// Columns of the list of families.
const LIST: u16 = 18;
/// Lines that a chart needs.
const LEAST: u16 = 6;
/// What tells lines apart where there are no colours.
const MARKERS: [Marker; 4] = [Marker::Braille, Marker::Dot, Marker::HalfBlock, Marker::Bar];

/// Draws the room; returns where its lines are.
pub fn draw(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, room: &Graphs) -> Rect {
    let theme = scene.theme;
    let until = match room.until {
        None => "until now".to_owned(),
        Some(until) => format!("until {}", scene.clock(until)),
    };
    let title = Line::from(vec![
        Span::styled(format!(" Graphs of {} ", room.whose()), theme.head),
        Span::styled(format!("{} {until} ", axis::span(room.span())), theme.notice),
    ]);
    let block = list::framed(scene, title, true);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let [left, right] = Layout::horizontal([Constraint::Length(LIST), Constraint::Min(20)]).areas(inner);
    let series = room.answered.as_ref().and_then(|answered| answered.series.as_ref());
    let words = match (&room.answered, series) {
        (None, _) => Some(("Reading what was measured.".to_owned(), theme.dim)),
        (Some(_), None) => Some((
            format!("Nothing is measured of {} yet: values come while the program runs.", room.whose()),
            theme.dim,
        )),
        (_, Some(Err(error))) => Some((format!("{} {error}", theme.marks.bad), theme.bad)),
        _ => None,
    };
    if let Some((words, style)) = words {
        let at = if room.families.is_empty() { inner } else { right };
        frame.render_widget(Paragraph::new(words).style(style).wrap(Wrap { trim: true }), at);
    }
    let height = usize::from(left.height);
    let first = (room.selected() + 1).saturating_sub(height);
    for ((number, family), y) in room.families.iter().enumerate().skip(first).zip(left.y..left.bottom()) {
        let line = Line::styled(format!(" {family}"), theme.text);
        let line = if number == room.selected() { line.style(theme.selected) } else { line };
        frame.render_widget(line, Rect { y, height: 1, width: left.width.saturating_sub(1), ..left });
    }
    if let Some(Ok(series)) = series {
        charts(frame, right, scene, series);
    }
    // A click counts from the first line of all.
    if first > 0 { Rect::default() } else { left }
}

/// A chart a unit, as many as there is room for.
fn charts(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, series: &Series) {
    let panels = series.panels();
    let count = panels.len().min(usize::from(area.height / LEAST).max(1));
    let [head, below] = Layout::vertical([Constraint::Length(1), Constraint::Min(3)]).areas(area);
    frame.render_widget(Line::styled(said(series), scene.theme.dim), head);
    let areas = Layout::vertical(vec![Constraint::Fill(1); count]).split(below);
    for (area, (unit, lines)) in areas.iter().zip(panels) {
        chart(frame, *area, scene, series, unit, &lines);
    }
}

/// What it is, and of what can be added up the sum.
fn said(series: &Series) -> String {
    let title = family::title(&series.family);
    match series.hours("on") {
        Some(hours) if series.family == "power" => format!("{title}: on for {} h of it", family::words(hours, "")),
        _ => title,
    }
}

/// A stretch of a curve without a hole: how it looks, and its points.
type Drawn = (Style, Marker, GraphType, Vec<(f64, f64)>);

fn chart(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, series: &Series, unit: &str, lines: &[&Curve]) {
    let theme = scene.theme;
    let (from, to) = (series.at(0), series.at(series.len().saturating_sub(1)));
    let most = lines.iter().filter_map(|line| line.bounds()).map(|(_, most)| most).fold(0.0, f64::max);
    let (top, _) = axis::top(most, unit, 2);
    let colours = [theme.good, theme.notice, theme.focus, theme.bad, theme.text, theme.head, theme.dim, theme.good];
    let (plain, marks) = (scene.model.depth == Depth::None, &MARKERS);
    let look = |place: usize| -> (Style, Marker) {
        let marker = if plain { marks[place % marks.len()] } else { Marker::Braille };
        (colours[place % colours.len()], marker)
    };
    let mut curves: Vec<Drawn> = Vec::new();
    let mut names = Vec::new();
    for (place, line) in lines.iter().enumerate() {
        let (style, marker) = look(place);
        let last = line.last().map_or_else(|| "-".to_owned(), |last| family::words(last, unit));
        let sign = if plain { ["~", "•", "▄", "▃"][place % 4] } else { "━" };
        names.push(Span::styled(format!(" {sign} {} {last}", line.name), style));
        for (first, values) in line.stretches() {
            let at = |place: usize| axis::part(series.at(first + place), from, to);
            let kind = if values.len() == 1 { GraphType::Scatter } else { GraphType::Line };
            let points = values.into_iter().enumerate().map(|(place, value)| (at(place), value)).collect();
            curves.push((style, marker, kind, points));
        }
    }
    let sets = curves.iter().map(|(style, marker, kind, points)| {
        Dataset::default().marker(*marker).graph_type(*kind).style(*style).data(points)
    });
    let clock = |at: jiff::Timestamp| {
        let form = if to.duration_since(from).as_hours() < 20 { "%H:%M" } else { "%d %b %H:%M" };
        at.to_zoned_datetime(scene.zone.clone()).strftime(form).to_string()
    };
    let middle = from.saturating_add(to.duration_since(from) / 2).unwrap_or(from);
    let x = Axis::default().style(theme.dim).bounds([0.0, 1.0]).labels([clock(from), clock(middle), clock(to)]);
    let mark = |value: f64| format!("{:>8}", family::words(value, unit));
    let y = Axis::default().style(theme.dim).bounds([0.0, top]).labels([mark(0.0), mark(top / 2.0), mark(top)]);
    let chart = Chart::new(sets.collect()).x_axis(x).y_axis(y).legend_position(None).style(theme.text);
    frame.render_widget(chart.block(Block::default().title(Line::from(names))), area);
}
