//! The record of a machine's files on its page: the last look, the last change, what is wrong, how much is in use, recipes; of
//! its containers too.

use super::{Scene, changes::ago, words::bytes};
use crate::{
    console::keys::Wish,
    state::{Machine, Measured, Tracked},
};
use ratatui::{
    style::Style,
    text::{Line, Span},
};

/// Recipes named in a line.
const NAMED: usize = 8;

/// A line each of what is known; none of a machine that is not looked at.
pub fn lines<'a>(scene: Scene<'_>, machine: &Machine) -> Vec<Line<'a>> {
    let theme = scene.theme;
    let mut lines = Vec::new();
    for (container, tracked) in &machine.tracked {
        let head = container.as_deref().unwrap_or("Files");
        let mut say = |head: &str, words: String, style: Style| {
            let head = if head.chars().count() > 7 { format!(" {head} ") } else { format!(" {head:<7}") };
            lines.push(Line::from(vec![Span::styled(head, theme.head), Span::styled(words, style)]));
        };
        if let Some((what, next_step)) = &tracked.trouble {
            say(head, format!("{} {what}; {next_step}", theme.marks.bad), theme.bad);
        } else if let Some(words) = looked(scene, tracked) {
            say(head, words, theme.text);
        }
        if let Some(change) = &tracked.change {
            let cause = change.cause.as_ref().map(|cause| format!(", by {cause}")).unwrap_or_default();
            let key = scene.key(Wish::Changes);
            let words = format!("{} {}{cause}; {key} shows it", scene.clock(change.at), change.subject);
            say(if container.is_none() { "Change" } else { "" }, words, theme.notice);
        }
        if let Some(measured) = &tracked.measured {
            say(if container.is_none() { "In use" } else { "" }, used(measured), theme.text);
        }
        if !tracked.recipes.is_empty() {
            let all: Vec<String> =
                tracked.recipes.iter().take(NAMED).map(|(name, had)| format!("{name}: {}", had.came)).collect();
            let more = tracked.recipes.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(", and {more} more") } else { String::new() };
            say(if container.is_none() { "Has" } else { "" }, format!("{}{more}", all.join(", ")), theme.text);
        }
    }
    lines
}

fn looked(scene: Scene<'_>, tracked: &Tracked) -> Option<String> {
    let looked = tracked.looked?;
    let files = tracked.files.map(|files| format!(", {files} are kept")).unwrap_or_default();
    Some(format!("looked at {}{files}", ago(scene, looked)))
}

/// `load 0.10 of 4, memory 35 % of 8.0 GiB, disk 70 % of 100 GiB`
fn used(measured: &Measured) -> String {
    let part = |(all, used): (u64, u64)| {
        let percent = used.saturating_mul(100).checked_div(all).unwrap_or(0);
        format!("{percent} % of {}", bytes(all))
    };
    let Measured { cpus, load, memory, disk } = *measured;
    format!("load {}.{:02} of {cpus}, memory {}, disk {}", load / 100, load % 100, part(memory), part(disk))
}
