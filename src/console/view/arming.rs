//! What a machine is armed with, how that went, what it was armed with before, and the stages that it told of itself.

use super::{Scene, words};
use crate::state::{Arming, Boot, Machine};
use ratatui::{
    style::Style,
    text::{Line, Span},
};

/// Armings that are over and shown.
const EARLIER: usize = 3;
/// Stages of a boot that are shown, the newest.
const STAGES: usize = 12;

/// A line of what it is armed with, and one of each before.
pub fn lines<'a>(scene: Scene<'_>, machine: &Machine) -> Vec<Line<'a>> {
    let theme = scene.theme;
    let line = |head: &str, words: String, style: Style| {
        Line::from(vec![Span::styled(format!(" {head:<7}"), theme.head), Span::styled(words, style)])
    };
    let mut lines = Vec::new();
    if let Some(arming) = &machine.arming {
        let begin = format!("with {} since {}", arming.profile, scene.clock(arming.since));
        let tried = tried(arming);
        let then = arming.then.as_ref().map(|then| format!(", then {then}")).unwrap_or_default();
        lines.push(match (&arming.over, arming.spent) {
            (Some(_), _) => {
                line("Armed", format!("{begin}: {}, its files are being written", ended(scene, arming)), theme.busy)
            }
            (None, Some(spent)) => {
                let name = machine.name();
                let words = format!(
                    "{begin}{tried}: it came again at {} without having shown that it is done, and boots what comes \
                     then; `arm {name} {}` gives it once more",
                    scene.clock(spent),
                    arming.profile
                );
                line("Armed", words, theme.bad)
            }
            (None, None) => line("Armed", format!("{begin}{then}{tried}"), theme.notice),
        });
    }
    for (number, arming) in machine.armings.iter().rev().take(EARLIER).enumerate() {
        let head = if number == 0 { "Before" } else { "" };
        let words = format!("armed with {} at {}{}", arming.profile, scene.clock(arming.since), tried(arming));
        lines.push(line(head, format!("{words}: {}", ended(scene, arming)), theme.dim));
    }
    lines
}

/// `, 1 of 1 boots`
fn tried(arming: &Arming) -> String {
    match (arming.boots.len(), arming.tries) {
        (0, _) => ", not booted yet".to_owned(),
        (boots, Some(tries)) => format!(", boot {boots} of {tries}"),
        (boots, None) => format!(", boot {boots}"),
    }
}

fn ended(scene: Scene<'_>, arming: &Arming) -> String {
    let Some(over) = &arming.over else { return "not over".to_owned() };
    let then = over.then.as_ref().map(|then| format!(", then boots {then}")).unwrap_or_default();
    format!("{} at {}{then}", over.evidence, scene.clock(over.at))
}

/// The stages that the machine told of by DNS in this boot.
pub fn stages<'a>(scene: Scene<'_>, machine: &Machine, boot: &Boot) -> Vec<Line<'a>> {
    let theme = scene.theme;
    let told: Vec<_> = machine.stages(boot.began).collect();
    let passed = told.len().saturating_sub(STAGES);
    let line = |at, stage: &str| {
        Line::from(vec![
            Span::styled(format!(" {} {:<9} ", theme.marks.good, "stage"), theme.good),
            Span::styled(format!("{:>6} {:>6}  ", words::span(boot.began, at), ""), theme.text),
            Span::styled(stage.to_owned(), theme.text),
        ])
    };
    told[passed..].iter().map(|said| line(said.at, &said.argument)).collect()
}
