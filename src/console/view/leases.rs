//! Who has which address, and for how long.

use super::{
    Scene, Sight,
    list::{self, Lines},
    words,
};
use crate::console::model::Pane;
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
    let empty = "No address is leased yet.".to_owned();
    let selected = scene.model.selected(scene.state, Pane::Leases);
    let lines = Lines { pane: Pane::Leases, columns: &columns, count: leases.len(), selected, empty };
    let segment = scene.model.segment(scene.state).map(|(_, segment)| segment);
    list::draw(frame, area, scene, sight, &lines, |number| {
        let lease = leases[number];
        let name = words::holder(segment, lease);
        let source = words::source(lease);
        let active = lease.is_active(scene.now);
        let left = words::left(lease, scene.now);
        let cells =
            [lease.address.to_string(), lease.mac.to_string(), name.unwrap_or_default(), source.to_owned(), left];
        Row::new(cells).style(if active { scene.theme.text } else { scene.theme.dim })
    });
}
