//! What each protocol gave a machine in its boot: a line a protocol.

use super::Scene;
use crate::{
    event::Service,
    state::{Boot, Stage},
};
use ratatui::text::{Line, Span};

/// Files named of one protocol; the others are counted.
const NAMED: usize = 6;

/// A line for each protocol that gave something.
pub fn lines<'a>(scene: Scene<'_>, boot: &Boot) -> Vec<Line<'a>> {
    let theme = scene.theme;
    let line = |head: Service, words: String| {
        Line::from(vec![Span::styled(format!("   {:<6}", head.name()), theme.dim), Span::styled(words, theme.text)])
    };
    let mut lines = Vec::new();
    let address = [Stage::Acknowledged, Stage::Offered].into_iter().find_map(|stage| boot.milestones.get(&stage));
    if let Some(address) = address {
        let file = boot.offered_file.as_ref().map_or(String::new(), |file| format!(", to boot {file}"));
        lines.push(line(Service::Dhcp, format!("{}{file}", address.note)));
    }
    for service in [Service::Tftp, Service::Http] {
        let mut files: Vec<&str> = Vec::new();
        let got = boot.transfers.iter().filter(|t| t.service == service && t.ended == Some(Ok(())));
        for transfer in got {
            if !files.contains(&transfer.file.as_str()) {
                files.push(&transfer.file);
            }
        }
        let (count, first) = (files.len(), files.iter().take(NAMED).copied().collect::<Vec<_>>().join(", "));
        match count {
            0 => {}
            1..=NAMED => lines.push(line(service, first)),
            _ => lines.push(line(service, format!("{first} and {} more", count - NAMED))),
        }
    }
    lines
}
