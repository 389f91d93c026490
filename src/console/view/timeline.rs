//! A boot, stage by stage: when each was reached, what was fetched, and where it stands still.

use super::{Scene, bar, words};
use crate::state::{Boot, Milestone, Outcome, Refused, Stage, Underway};
use jiff::Timestamp;
use ratatui::{
    style::Style,
    text::{Line, Span},
};

/// The lines of `boot` at this width.
pub fn lines<'a>(scene: Scene<'_>, boot: &Boot, width: usize) -> Vec<Line<'a>> {
    let theme = scene.theme;
    let mut lines = Vec::new();
    let mut before = None;
    for stage in Stage::ALL {
        let transfer = boot.transfers.iter().rev().find(|transfer| transfer.stage == Some(stage));
        let line = match boot.milestones.get(&stage) {
            Some(milestone) => {
                let line = reached(scene, boot, stage, milestone, before, transfer);
                before = Some(milestone.at);
                line
            }
            None if boot.stage() > Some(stage) => passed(scene, stage),
            None => match transfer.filter(|t| t.bytes > 0 || t.ended.is_none()) {
                Some(transfer) => underway(scene, boot, stage, transfer, width),
                None => match boot.refused.iter().rev().find(|refused| refused.stage == Some(stage)) {
                    Some(refused) => not_given(scene, boot, stage, refused),
                    None => waiting(scene, stage),
                },
            },
        };
        lines.push(line);
    }
    if let Outcome::Stalled(verdict) = &boot.outcome {
        lines.push(Line::default());
        let since = before.unwrap_or(boot.began);
        lines.push(Line::styled(
            format!(" {} It stands still since {}: {}.", theme.marks.bad, scene.clock(since), verdict.cause),
            theme.bad,
        ));
        lines.push(Line::styled(format!("   What to do: {}.", verdict.next_step), theme.text));
    }
    lines
}

fn begun<'a>(mark: &str, stage: Stage, style: Style) -> Span<'a> {
    Span::styled(format!(" {mark} {stage:<9} "), style)
}

fn reached<'a>(
    scene: Scene<'_>,
    boot: &Boot,
    stage: Stage,
    milestone: &Milestone,
    before: Option<Timestamp>,
    transfer: Option<&Underway>,
) -> Line<'a> {
    let theme = scene.theme;
    let step = before.map_or_else(String::new, |before| format!("+{}", words::span(before, milestone.at)));
    let fetched = transfer.filter(|t| t.ended == Some(Ok(()))).map(speed).unwrap_or_default();
    Line::from(vec![
        begun(theme.marks.good, stage, theme.good),
        Span::styled(format!("{:>6} ", words::span(boot.began, milestone.at)), theme.text),
        Span::styled(format!("{step:>6}  "), theme.dim),
        Span::styled(milestone.note.clone(), theme.text),
        Span::styled(fetched, theme.dim),
    ])
}

/// `  8.1 MiB in 0.3 s, 27 MiB/s`
fn speed(transfer: &Underway) -> String {
    let rate = (transfer.bytes * 1000).checked_div(transfer.millis);
    let rate = rate.map(|rate| format!(", {}/s", words::bytes(rate))).unwrap_or_default();
    format!("  {} in {}{rate}", words::bytes(transfer.bytes), words::seconds(transfer.millis))
}

fn underway<'a>(scene: Scene<'_>, boot: &Boot, stage: Stage, transfer: &Underway, width: usize) -> Line<'a> {
    let theme = scene.theme;
    let since = format!("{:>6} {:>6}  ", words::span(boot.began, transfer.asked), "");
    let (mark, style) = match &transfer.ended {
        Some(Err(_)) => (theme.marks.bad, theme.bad),
        _ => (theme.marks.busy, theme.busy),
    };
    let mut spans = vec![begun(mark, stage, style), Span::styled(since, theme.text)];
    spans.push(Span::styled(format!("{} ", transfer.file), theme.text));
    let size = transfer.size.map_or_else(String::new, |size| format!(" of {}", words::bytes(size)));
    if let Some(percent) = words::percent(transfer) {
        spans.extend(bar::bar(theme, percent, (width / 8).clamp(8, 24)));
        spans.push(Span::styled(format!(" {percent}%"), style));
    }
    spans.push(Span::styled(format!("  {}{size}", words::bytes(transfer.bytes)), theme.dim));
    if let Some(Err(reason)) = &transfer.ended {
        spans.push(Span::styled(format!("  {reason}"), style));
    }
    Line::from(spans)
}

fn passed<'a>(scene: Scene<'_>, stage: Stage) -> Line<'a> {
    let words = if stage == Stage::PoweredOn { "not from here" } else { "not needed" };
    let theme = scene.theme;
    Line::from(vec![begun("-", stage, theme.dim), Span::styled(format!("{:>15} {words}", ""), theme.dim)])
}

fn not_given<'a>(scene: Scene<'_>, boot: &Boot, stage: Stage, refused: &Refused) -> Line<'a> {
    let theme = scene.theme;
    Line::from(vec![
        begun(theme.marks.bad, stage, theme.bad),
        Span::styled(format!("{:>6} {:>6}  ", words::span(boot.began, refused.last), ""), theme.text),
        Span::styled(format!("{} not given, asked {} times", refused.file, refused.times), theme.bad),
    ])
}

fn waiting<'a>(scene: Scene<'_>, stage: Stage) -> Line<'a> {
    Line::from(begun(scene.theme.marks.idle, stage, scene.theme.dim))
}
