//! Who has which address, and for how long.

use super::{
    Scene, Sight,
    list::{self, Lines},
    words::span,
};
use crate::{console::model::Pane, event::LeaseSource};
use ratatui::{
    Frame,
    layout::{Constraint, Rect},
    widgets::Row,
};

/// Columns that the pane takes beside another.
pub const WIDTH: u16 = 62;

pub fn draw(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, sight: &mut Sight) {
    let leases = scene.model.leases(scene.state);
    let columns = [
        ("address", Constraint::Length(15)),
        ("mac", Constraint::Length(17)),
        ("name", Constraint::Fill(1)),
        ("of", Constraint::Length(4)),
        ("left", Constraint::Length(5)),
    ];
    let empty = "No address is leased yet.";
    let selected = scene.model.selected(scene.state, Pane::Leases);
    let lines = Lines { pane: Pane::Leases, columns: &columns, count: leases.len(), selected, empty };
    let segment = scene.model.segment(scene.state).map(|(_, segment)| segment);
    list::draw(frame, area, scene, sight, &lines, |number| {
        let lease = leases[number];
        let of_conf = segment.and_then(|segment| segment.machines.get(&lease.mac)).filter(|m| m.in_conf);
        let name = of_conf.and_then(|machine| machine.hostname.clone()).or_else(|| lease.hostname.clone());
        let source = match lease.source {
            LeaseSource::Reservation => "conf",
            LeaseSource::Pool => "pool",
        };
        let active = lease.is_active(scene.now);
        let left = if active { span(scene.now, lease.expires) } else { "ended".to_owned() };
        let cells =
            [lease.address.to_string(), lease.mac.to_string(), name.unwrap_or_default(), source.to_owned(), left];
        Row::new(cells).style(if active { scene.theme.text } else { scene.theme.dim })
    });
}
