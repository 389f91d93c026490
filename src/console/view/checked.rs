//! The checks of a machine on its page: what fails, and what is well; and who made its card.

use super::{Scene, words::span};
use crate::state::{
    Machine,
    checked::{CheckResult, Checked},
};
use ratatui::{
    style::Style,
    text::{Line, Span},
};

/// A line each that fails, and one for all others.
pub fn lines<'a>(scene: Scene<'_>, machine: &Machine) -> Vec<Line<'a>> {
    let theme = scene.theme;
    let mut lines = Vec::new();
    let mut say = |head: &str, words: String, style: Style| {
        lines.push(Line::from(vec![Span::styled(format!(" {head:<7}"), theme.head), Span::styled(words, style)]));
    };
    if let Some(vendor) = &machine.vendor {
        say("Maker", vendor.clone(), theme.text);
    }
    let mut head = "Checks";
    for (name, Checked { since, said, .. }) in with(machine, CheckResult::Failed) {
        let words = format!("{} {name} fails for {}: {said}", theme.marks.bad, span(*since, scene.now));
        say(head, words, theme.bad);
        head = "";
    }
    for (result, word) in [(CheckResult::Passed, "well"), (CheckResult::Paused, "not looked at")] {
        let names: Vec<&str> = with(machine, result).map(|(name, _)| name.as_str()).collect();
        if !names.is_empty() {
            say(head, format!("{word}: {}", names.join(", ")), theme.text);
            head = "";
        }
    }
    lines
}

fn with(machine: &Machine, result: CheckResult) -> impl Iterator<Item = (&String, &Checked)> {
    machine.checks.iter().filter(move |(_, checked)| checked.result == result)
}
