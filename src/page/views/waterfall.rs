//! A boot as a waterfall: a line a stage, with a bar from its begin to its end. Pure.

use super::rows::clock;
use crate::state::{
    Boot, Milestone, Outcome, Refused, Stage, Underway,
    words::{bytes, ended, percent, seconds, span},
};
use jiff::Timestamp;
use maud::{Markup, html};

/// The lines of a boot.
pub fn table(boot: &Boot) -> Markup {
    let end = end(boot);
    let whole = millis(boot.began, end).max(1);
    let mut before = None;
    let lines = Stage::ALL.into_iter().map(|stage| {
        let transfer = boot.transfers.iter().rev().find(|transfer| transfer.stage == Some(stage));
        let refused = boot.refused.iter().rev().find(|refused| refused.stage == Some(stage));
        match (boot.milestones.get(&stage), transfer) {
            (Some(milestone), transfer) => {
                let line = reached(boot, stage, milestone, before, transfer, whole);
                before = Some(milestone.at);
                line
            }
            (None, _) if boot.stage() > Some(stage) => left_out(stage),
            (None, Some(transfer)) if transfer.bytes > 0 || transfer.ended.is_none() => {
                underway(boot, stage, transfer, whole)
            }
            (None, _) => refused.map_or_else(|| waits(stage), |refused| not_given(boot, stage, refused, whole)),
        }
    });
    let lines: Vec<Markup> = lines.collect();
    html! {
        p.line { "Boot of " (clock(boot.began)) ": " strong { (ended(boot)) } @if let Some(n) = recorded(boot) { ", " (n) } }
        div.scrolls tabindex="0" role="region" aria-label="Stages of the boot" {
            table.waterfall {
                caption.hidden { "Stages of the boot, with what each took" }
                thead { tr {
                    th scope="col" { "stage" }
                    th scope="col" { "at" }
                    th scope="col" { "took" }
                    th.bar scope="col" { "of " (span(boot.began, end)) }
                    th scope="col" { "what" }
                } }
                tbody { @for line in lines { (line) } }
            }
        }
        @if let Outcome::Stalled(verdict) = &boot.outcome {
            p.verdict.bad { strong { "It stands still: " (verdict.cause) "." } " What to do: " (verdict.next_step) "." }
        }
    }
}

/// The moment at which the bars end.
fn end(boot: &Boot) -> Timestamp {
    let reached = boot.milestones.values().map(|milestone| milestone.at).max();
    let fetched = boot.transfers.iter().filter_map(ends);
    let last = reached.into_iter().chain(fetched).max().unwrap_or(boot.began);
    match boot.milestones.get(&Stage::Up) {
        Some(up) => up.at,
        None => last.max(boot.last_heard),
    }
}

fn ends(transfer: &Underway) -> Option<Timestamp> {
    let millis = jiff::SignedDuration::from_millis(i64::try_from(transfer.millis).ok()?);
    transfer.asked.checked_add(millis).ok()
}

fn millis(from: Timestamp, to: Timestamp) -> i64 {
    i64::try_from(to.duration_since(from).as_millis()).unwrap_or(i64::MAX).max(0)
}

/// A bar between two moments, as part of the whole.
fn bar(boot: &Boot, from: Timestamp, to: Timestamp, whole: i64, class: &str) -> Markup {
    let part = |millis: i64| 100.0 * millis as f64 / whole as f64;
    let begin = part(millis(boot.began, from)).clamp(0.0, 99.5);
    let width = part(millis(from, to)).clamp(0.5, 100.0 - begin);
    html! {
        svg.bar aria-hidden="true" focusable="false" width="100%" height="14" {
            rect.track x="0" y="6" width="100%" height="2" {}
            rect class=(class) x=(format!("{begin:.2}%")) y="1" width=(format!("{width:.2}%")) height="12" rx="2" {}
        }
    }
}

fn line(class: &str, mark: &str, stage: Stage, cells: Markup) -> Markup {
    html! { tr class=(class) { th scope="row" { span.mark aria-hidden="true" { (mark) } " " (stage) } (cells) } }
}

fn reached(
    boot: &Boot,
    stage: Stage,
    milestone: &Milestone,
    before: Option<Timestamp>,
    transfer: Option<&Underway>,
    whole: i64,
) -> Markup {
    let from = before.unwrap_or(boot.began);
    let fetched = transfer.filter(|transfer| transfer.ended == Some(Ok(())));
    let begin = fetched.map_or(from, |transfer| transfer.asked.max(from).min(milestone.at));
    let cells = html! {
        td.number { (span(boot.began, milestone.at)) }
        td.number { @if before.is_some() { (span(from, milestone.at)) } }
        td.bar { (bar(boot, begin, milestone.at, whole, "done")) }
        td {
            (milestone.note)
            @if let Some(transfer) = fetched { " " span.note { (speed(transfer)) } }
        }
    };
    line("good", "●", stage, cells)
}

/// `8.1 MiB in 0.3 s, 27 MiB/s`
fn speed(transfer: &Underway) -> String {
    let rate = (transfer.bytes * 1000).checked_div(transfer.millis);
    let rate = rate.map(|rate| format!(", {}/s", bytes(rate))).unwrap_or_default();
    format!("{} in {}{rate}", bytes(transfer.bytes), seconds(transfer.millis))
}

fn underway(boot: &Boot, stage: Stage, transfer: &Underway, whole: i64) -> Markup {
    let failed = matches!(transfer.ended, Some(Err(_)));
    let until = ends(transfer).unwrap_or(transfer.asked);
    let cells = html! {
        td.number { (span(boot.began, transfer.asked)) }
        td.number { (span(transfer.asked, until)) }
        td.bar { (bar(boot, transfer.asked, until, whole, if failed { "failed" } else { "now" })) }
        td {
            (transfer.file) " " span.note {
                @if let Some(percent) = percent(transfer) { (percent) " %, " }
                (bytes(transfer.bytes)) @if let Some(size) = transfer.size { " of " (bytes(size)) }
            }
            @if let Some(Err(reason)) = &transfer.ended { " " span.bad { (reason) } }
        }
    };
    if failed { line("bad", "✖", stage, cells) } else { line("busy", "◐", stage, cells) }
}

fn not_given(boot: &Boot, stage: Stage, refused: &Refused, whole: i64) -> Markup {
    let cells = html! {
        td.number { (span(boot.began, refused.last)) }
        td {}
        td.bar { (bar(boot, refused.last, refused.last, whole, "failed")) }
        td { (refused.file) " not given, asked " (refused.times) " times" }
    };
    line("bad", "✖", stage, cells)
}

fn left_out(stage: Stage) -> Markup {
    let words = if stage == Stage::PoweredOn { "not from here" } else { "not needed" };
    line("idle", "–", stage, html! { td {} td {} td.bar {} td { span.note { (words) } } })
}

fn waits(stage: Stage) -> Markup {
    line("idle", "○", stage, html! { td {} td {} td.bar {} td {} })
}

fn recorded(boot: &Boot) -> Option<String> {
    let recording = boot.recording.as_ref()?;
    Some(if recording.packets == 0 {
        "packets are kept".to_owned()
    } else {
        format!("{} packets kept in {}", recording.packets, recording.file)
    })
}
