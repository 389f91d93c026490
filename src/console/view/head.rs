//! The lines around the panes: where this is and how the servers are, the tabs, and the keys that work here.

use super::{Scene, alerts, past, terminals};
use crate::{
    console::{
        keys::Wish,
        model::{Dialog, Model, Pane},
        rooms::{Room, terminals::Terminals},
    },
    event::Service,
    filter::{self, FilterError},
    state::Health,
};
use jiff::Timestamp;
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
    widgets::Paragraph,
};

/// The servers, as the head names them.
const SERVERS: [Service; 6] =
    [Service::Dhcp, Service::Tftp, Service::Http, Service::Dns, Service::Syslog, Service::Radv];

pub fn draw(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, present: Timestamp) {
    let Scene { model, state, theme, .. } = scene;
    let mut spans = vec![Span::styled(" PXElator ", theme.head)];
    if model.read_only {
        spans.push(Span::styled("read-only ", theme.busy));
    }
    if model.past.is_some() {
        spans.extend(past::head(scene, present));
    } else if let Some(note) = &model.note {
        spans.push(Span::styled(format!("{note} "), theme.notice));
    }
    match model.segment(state) {
        Some((address, segment)) => {
            // The moment needs the room more.
            let domain = if model.past.is_some() && area.width < 100 { "" } else { &segment.domain };
            spans.push(Span::styled(format!("{address} {domain} "), theme.text));
            if segment.remote {
                let heard = segment.heard.map(|heard| super::words::span(heard, scene.now)).unwrap_or_default();
                let heard = if area.width < 100 { format!(" {heard}") } else { format!(", heard {heard} ago") };
                spans.push(Span::styled(format!("remote{heard} "), theme.notice));
            }
            if segment.mode != "authoritative" {
                spans.push(Span::styled(format!("mode {} ", segment.mode), theme.busy));
            }
            let others = state.segments.values().filter(|segment| segment.current).count() - 1;
            if others > 0 {
                spans.push(Span::styled(format!("({}: {others} more) ", model.keys.of(Wish::Segment)), theme.dim));
            }
        }
        None => spans.push(Span::styled("no segment is served yet", theme.busy)),
    }
    let mut end: Vec<Span<'_>> = alerts::head(scene).into_iter().collect();
    match scene.troubles().len() {
        0 => {}
        1 => end.push(Span::styled(
            format!("{} 1 trouble: {}  ", theme.marks.bad, model.keys.of(Wish::Troubles)),
            theme.bad,
        )),
        wrong => end.push(Span::styled(
            format!("{} {wrong} troubles: {}  ", theme.marks.bad, model.keys.of(Wish::Troubles)),
            theme.bad,
        )),
    }
    if model.past.is_none() {
        end.push(Span::styled(format!("{} ", scene.clock(scene.now)), theme.dim));
    }
    let end = Line::from(end);
    let width = u16::try_from(end.width()).unwrap_or(0);
    let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(width)]).areas(area);
    frame.render_widget(Line::from(spans), left);
    frame.render_widget(end, right);
}

/// Draws the tabs; returns where each is.
pub fn tabs(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>) -> Vec<(Pane, Rect)> {
    let Scene { model, state, theme, .. } = scene;
    let mut places = Vec::new();
    let mut spans = Vec::new();
    let mut x = area.x;
    for pane in Pane::ALL {
        let words = format!(" {} ", pane.title());
        let width = u16::try_from(words.len()).unwrap_or(0);
        places.push((pane, Rect { x, width, ..area }.intersection(area)));
        let style = if pane == model.pane { theme.selected.patch(theme.focus) } else { theme.text };
        spans.extend([Span::styled(words, style), Span::raw(" ")]);
        x = x.saturating_add(width + 1);
    }
    let services = servers(scene);
    let width = u16::try_from(services.width()).unwrap_or(0);
    let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(width)]).areas(area);
    frame.render_widget(Line::from(spans), left);
    if !state.segments.is_empty() {
        frame.render_widget(services, right);
    }
    places
}

/// The servers by name; one that fails is marked, not only coloured.
fn servers<'a>(scene: Scene<'_>) -> Line<'a> {
    let Scene { model, state, theme, .. } = scene;
    let segment = model.segment(state).map(|(_, segment)| segment);
    let mut spans = Vec::new();
    for service in SERVERS {
        let (mark, style) = match segment.and_then(|segment| segment.services.get(&service)) {
            Some(Health::Running { .. }) => ("", theme.good),
            Some(Health::Failed { .. }) => (theme.marks.bad, theme.bad),
            Some(Health::Stopped) | None => (theme.marks.idle, theme.dim),
        };
        spans.push(Span::styled(format!("{mark}{service} "), style));
    }
    Line::from(spans)
}

/// Lines of the foot: below a filter that is typed stands what can be typed, or what is wrong with it.
pub fn foot_height(model: &Model) -> u16 {
    if matches!(model.dialog, Some(Dialog::Filter(_))) && model.pane.grows() { 2 } else { 1 }
}

/// The filter as it is typed, a word to the operator, or the keys that matter here.
pub fn foot(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>) {
    let Scene { model, theme, .. } = scene;
    let width = usize::from(area.width);
    let lines = match (&model.dialog, &model.word) {
        (Some(Dialog::Filter(_)), _) => {
            let typed = &model.place().filter;
            // The end is what is being typed.
            let hidden = (typed.chars().count() + 3).saturating_sub(width);
            let shown: String = typed.chars().skip(hidden).collect();
            let line = Line::from(vec![
                Span::styled(" /", theme.focus),
                Span::styled(shown, theme.text),
                Span::styled(theme.marks.cursor, theme.focus),
                Span::styled("  enter keeps it, esc leaves it as it was", theme.dim),
            ]);
            let below = match &model.place().fault {
                Some(fault) => Line::styled(pointed(fault, hidden, width), theme.bad),
                None => Line::styled(fitting_syntax(width), theme.dim),
            };
            vec![line, below]
        }
        (Some(Dialog::Moment(typed, error)), _) => {
            let hint = error.as_deref().unwrap_or("-2h, 09:30, 2026-11-24 or 2026-11-24T09:20:05Z; enter goes there");
            vec![Line::from(vec![
                Span::styled(" go to ", theme.focus),
                Span::styled(typed.clone(), theme.text),
                Span::styled(theme.marks.cursor, theme.focus),
                Span::styled(format!("  {hint}"), if error.is_some() { theme.bad } else { theme.dim }),
            ])]
        }
        (None, None) if terminals_room(model).is_some() => {
            terminals_room(model).map(|room| terminals::hints(scene, room, width)).into_iter().collect()
        }
        (Some(Dialog::Palette(palette)), _) => {
            let hint =
                palette.error.as_deref().unwrap_or("enter does it, tab completes, up shows earlier ones, esc leaves");
            // The end is what is being typed.
            let hidden = (palette.typed.chars().count() + 3).saturating_sub(width);
            vec![Line::from(vec![
                Span::styled(" :", theme.focus),
                Span::styled(palette.typed.chars().skip(hidden).collect::<String>(), theme.text),
                Span::styled(theme.marks.cursor, theme.focus),
                Span::styled(format!("  {hint}"), if palette.error.is_some() { theme.bad } else { theme.dim }),
            ])]
        }
        (_, Some(word)) => vec![Line::from(Span::styled(format!(" {word}"), theme.notice))],
        (_, None) => vec![hints(scene, width)],
    };
    frame.render_widget(Paragraph::new(lines), area);
}

fn terminals_room(model: &Model) -> Option<&Terminals> {
    match &model.room {
        Some(Room::Terminals(room)) => Some(room),
        _ => None,
    }
}

/// A caret below the place, and what was expected there; without the caret where there is no room for both.
fn pointed(error: &FilterError, hidden: usize, width: usize) -> String {
    let words = format!("column {}: {}", error.column, error.fault);
    // Two characters stand before the filter.
    let before = (error.column + 1).checked_sub(hidden).filter(|_| error.column > hidden);
    match before {
        Some(before) if before + 2 + words.chars().count() <= width => format!("{:before$}^ {words}", ""),
        Some(before) if words.chars().count() + 2 <= before => format!("{words:>end$} ^", end = before - 1),
        _ => format!(" {words}"),
    }
}

/// The longest line about the language that has room.
fn fitting_syntax(width: usize) -> String {
    let lines = [
        format!(" {}   {}", filter::EXAMPLES.join("   "), filter::SYNTAX),
        format!(" {}   {}", filter::EXAMPLES[..2].join("   "), filter::SYNTAX),
        format!(" {}   {}", filter::EXAMPLES[0], filter::EXAMPLES[1]),
        format!(" {}", filter::EXAMPLES[0]),
    ];
    lines.into_iter().find(|line| line.chars().count() <= width).unwrap_or_default()
}

/// As many keys as there is room for; the help and the end always.
fn hints<'a>(scene: Scene<'_>, width: usize) -> Line<'a> {
    let theme = scene.theme;
    let all = scene.model.keys.hints(scene.model, scene.state, theme.marks.unicode);
    let needs = |(key, words): &(String, &str)| key.chars().count() + words.len() + 3;
    let (others, last) = all.split_at(all.len().saturating_sub(2));
    let mut room = width.saturating_sub(1 + last.iter().map(needs).sum::<usize>());
    let mut spans = vec![Span::raw(" ")];
    let fitting = others.iter().take_while(|hint| {
        let fits = needs(hint) <= room;
        room = room.saturating_sub(needs(hint));
        fits
    });
    for (key, words) in fitting.chain(last) {
        spans.push(Span::styled(key.clone(), theme.focus));
        spans.push(Span::styled(format!(" {words}  "), theme.dim));
    }
    Line::from(spans)
}
