//! The selected machine's boot in a few lines, below the list.

use super::{
    Scene, bar, list,
    machines::style,
    words::{self, span, standing},
};
use crate::console::keys::Wish;
use crate::state::{Boot, Machine, Outcome, Stage};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::{Paragraph, Wrap},
};

/// Lines that it takes, borders included; on a narrow screen the stages need two of them.
pub fn height(width: u16) -> u16 {
    if width < 110 { 7 } else { 6 }
}

pub fn draw(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>) {
    let theme = scene.theme;
    let Some((_, machine)) = scene.model.selected_machine(scene.state) else {
        frame.render_widget(list::framed(scene, Line::default(), false), area);
        return;
    };
    let name = machine.name();
    let title = Line::from(Span::styled(format!(" {name} "), theme.head));
    let mut lines = vec![facts(scene, machine)];
    match machine.boot() {
        None if machine.in_conf => {
            lines.push(Line::styled("No boot of it is remembered.", theme.dim));
        }
        None => {
            lines.push(Line::styled(format!("Not in conf; {} adopts it.", scene.model.keys.of(Wish::Adopt)), theme.dim))
        }
        Some(boot) => {
            lines.push(stages(scene, boot));
            lines.extend(outcome(scene, machine, boot));
        }
    }
    let block = list::framed(scene, title, false);
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: true }).block(block), area);
}

/// MAC, firmware, profile and power in one line.
pub fn facts<'a>(scene: Scene<'_>, machine: &Machine) -> Line<'a> {
    let mut parts = vec![machine.mac.to_string()];
    parts.extend(machine.address.map(|address| address.to_string()));
    parts.extend(machine.firmware.map(|firmware| firmware.to_string()));
    parts.push(machine.profile.as_ref().map_or("no profile".to_owned(), |profile| format!("boots {profile}")));
    if let Some(method) = &machine.power_method {
        parts.push(format!("power by {method}"));
    }
    if scene.model.has_terminal(machine.address) {
        parts.push("terminal open".to_owned());
    }
    Line::styled(parts.join(scene.theme.marks.between), scene.theme.dim)
}

/// Every stage that was reached, with its time since power-on.
fn stages<'a>(scene: Scene<'_>, boot: &Boot) -> Line<'a> {
    let theme = scene.theme;
    let mut spans = Vec::new();
    for stage in Stage::ALL {
        match boot.milestones.get(&stage) {
            Some(milestone) => {
                spans.push(Span::styled(format!("{} {stage} ", theme.marks.good), theme.good));
                spans.push(Span::styled(format!("{}  ", span(boot.began, milestone.at)), theme.text));
            }
            // A verdict needs the room more.
            None if boot.stage() < Some(stage) && !matches!(boot.outcome, Outcome::Stalled(_)) => {
                spans.push(Span::styled(format!("{} {stage}  ", theme.marks.idle), theme.dim));
            }
            None => {}
        }
    }
    Line::from(spans)
}

/// The verdict of a boot that stands still, or the file that is on its way.
fn outcome<'a>(scene: Scene<'_>, machine: &Machine, boot: &Boot) -> Vec<Line<'a>> {
    let theme = scene.theme;
    if let Outcome::Stalled(verdict) = &boot.outcome {
        return vec![Line::from(vec![
            Span::styled(format!("{} {}", theme.marks.bad, verdict.cause), theme.bad),
            Span::styled(format!(": {}", verdict.next_step), theme.text),
        ])];
    }
    if let Some((stage, transfer)) = words::fetching(&boot.transfers, boot.stage())
        && boot.outcome == Outcome::Underway
    {
        let mut spans = vec![Span::styled(format!("{stage} {} ", transfer.file), theme.busy)];
        if let Some(percent) = words::percent(transfer) {
            spans.extend(bar::bar(theme, percent, 20));
            spans.push(Span::raw(format!(" {percent}%")));
        }
        return vec![Line::from(spans)];
    }
    let standing = standing(machine);
    let mood = style(theme, standing.mood);
    let since = standing.since.map(|since| format!(" for {}", span(since, scene.now))).unwrap_or_default();
    vec![Line::from(Span::styled(format!("{} {}{since}", theme.marks.mood(standing.mood), standing.word), mood))]
}
