//! The panes that grow: the machines' syslog, and the audit of every event.

use super::{
    Scene, Sight,
    list::{self, Lines},
    words::who,
};
use crate::{
    console::{keys::Wish, model::Pane, place::Search},
    event::Fact,
};
use ratatui::{
    Frame,
    layout::{Constraint, Rect},
    text::Span,
    widgets::{Cell, Row},
};

pub fn draw(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, sight: &mut Sight, pane: Pane) {
    let events = scene.model.events(scene.state, pane);
    let wide = area.width >= 100;
    let width = Constraint::Length(if wide { 17 } else { 11 });
    // Lines of other days say which.
    let time = events.first().map_or(8, |event| u16::try_from(scene.clock(event.time).len()).unwrap_or(8));
    let syslog = [
        ("time", Constraint::Length(time)),
        ("machine", width),
        ("severity", Constraint::Length(8)),
        ("message", Constraint::Fill(1)),
    ];
    let audit = [
        ("time", Constraint::Length(time)),
        ("machine", width),
        ("kind", Constraint::Length(if wide { 18 } else { 17 })),
        ("what", Constraint::Fill(1)),
    ];
    let place = &scene.model.places[pane as usize];
    let empty = match (!place.filter.is_empty(), pane) {
        (true, _) if matches!(place.search, Some(Search::Underway(_))) => "Searching the journal.",
        (true, _) => &format!("No line fits the filter; {} clears it.", scene.model.keys.of(Wish::Back)),
        _ if place.frozen.is_some() => "Nothing had come when it was paused.",
        (false, Pane::Syslog) => "No machine has logged yet. Let them send syslog to this server, UDP or TCP port 514.",
        (false, _) => "Nothing happened yet.",
    };
    let columns = if pane == Pane::Syslog { &syslog } else { &audit };
    let selected = scene.model.selected_event(pane, &events);
    let lines = Lines { pane, columns, count: events.len(), selected, empty: empty.to_owned() };
    let segment = scene.model.segment(scene.state).map(|(_, segment)| segment);
    list::draw(frame, area, scene, sight, &lines, |number| {
        let event = events[number];
        let style = scene.theme.severity(event.severity());
        let second = match &event.fact {
            Fact::SyslogReceived { severity, .. } if pane == Pane::Syslog => severity.to_string(),
            _ => event.kind().to_owned(),
        };
        Row::new([
            Cell::from(Span::styled(scene.clock(event.time), scene.theme.dim)),
            Cell::from(Span::styled(who(segment, event), scene.theme.text)),
            Cell::from(Span::styled(second, style)),
            Cell::from(Span::styled(event.fact.to_string(), style)),
        ])
    });
}
