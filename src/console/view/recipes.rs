//! The room of recipes: which there are, whether the machines that are meant have them, and what one prints that runs.

use super::{Scene, list};
use crate::{
    console::{keys::Wish, marks::Who, record::Recipe, rooms::recipes::Recipes},
    event::{Came, Event, Fact},
    state::{Machine, Run},
};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Margin, Rect},
    style::Style,
    text::{Line, Span},
    widgets::{Paragraph, Wrap},
};
use std::sync::Arc;

/// Draws the room; returns where the lines of recipes are.
pub fn draw(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, room: &Recipes) -> Rect {
    let theme = scene.theme;
    let machines = room.machines(scene.state);
    let whose = match machines.as_slice() {
        [one] => one.name(),
        many => format!("{} machines", many.len()),
    };
    let wanted =
        u16::try_from(room.lines().len()).unwrap_or(u16::MAX).saturating_add(2).clamp(4, (area.height / 2).max(4));
    let [top, bottom] = Layout::vertical([Constraint::Length(wanted), Constraint::Min(3)]).areas(area);
    let title =
        Line::from(vec![Span::styled(" Recipes ", theme.head), Span::styled(format!("for {whose} "), theme.text)]);
    let block = list::framed(scene, title, true);
    let inner = block.inner(top);
    frame.render_widget(block, top);
    if room.lines().is_empty() {
        let (words, style) = match &room.recipes {
            None => ("Looking into conf/recipes.".to_owned(), theme.dim),
            Some(Err(error)) => (format!("{} {error}", theme.marks.bad), theme.bad),
            Some(Ok(_)) => {
                let words =
                    "There is none yet: write conf/recipes/NAME.sh, or let `pxelator recipe from MACHINE` write one.";
                (words.to_owned(), theme.dim)
            }
        };
        let words = Paragraph::new(words).style(style).wrap(Wrap { trim: true });
        frame.render_widget(words, inner.inner(Margin { horizontal: 1, vertical: 0 }));
    }
    let height = usize::from(inner.height);
    let first = list::first(room.lines().len(), room.selected(), height, room.offset);
    let widest = room.lines().iter().map(|recipe| recipe.name.chars().count()).max().unwrap_or(0).min(24);
    for ((number, recipe), y) in room.lines().iter().enumerate().skip(first).zip(inner.y..inner.bottom()) {
        let line = of_recipe(scene, recipe, &machines, widest);
        let line = if number == room.selected() { line.style(theme.selected) } else { line };
        frame.render_widget(line, Rect { y, height: 1, ..inner });
    }
    output(frame, bottom, scene, room, &machines);
    inner
}

fn of_recipe<'a>(scene: Scene<'_>, recipe: &Recipe, machines: &[&Machine], widest: usize) -> Line<'a> {
    let theme = scene.theme;
    let (words, style) = match &recipe.fault {
        Some(_) => ("is broken".to_owned(), theme.bad),
        None => standing(scene, &recipe.name, machines),
    };
    let about = recipe.fault.clone().unwrap_or_else(|| recipe.title.clone());
    Line::from(vec![
        Span::styled(format!("{:<widest$}  ", recipe.name), theme.focus),
        Span::styled(format!("{words:<26} "), style),
        Span::styled(about, theme.dim),
    ])
}

/// Whether they have it: of one machine with the time, of many how many.
fn standing(scene: Scene<'_>, recipe: &str, machines: &[&Machine]) -> (String, Style) {
    let theme = scene.theme;
    let runs = |machine: &&&Machine| own_run(machine, recipe).is_some_and(|run| run.end.is_none());
    let running = machines.iter().filter(runs).count();
    if running > 0 {
        return (if machines.len() == 1 { "runs".to_owned() } else { format!("runs on {running}") }, theme.busy);
    }
    let known: Vec<_> = machines.iter().filter_map(|machine| machine.tracked.get(&None)?.recipes.get(recipe)).collect();
    if let ([_], [had]) = (machines, known.as_slice()) {
        let words = format!("{} {}", came(had.came), scene.clock(had.at));
        return (words, if had.is_there() { theme.good } else { theme.busy });
    }
    let there = known.iter().filter(|had| had.is_there()).count();
    let drifted = known.iter().filter(|had| had.came == Came::Drifted).count();
    match (there, drifted, machines.len()) {
        (0, 0, _) if known.is_empty() => ("not known".to_owned(), theme.dim),
        (there, 0, all) => (format!("{there} of {all} have it"), if there == all { theme.good } else { theme.text }),
        (there, drifted, all) => (format!("{there} of {all} have it, {drifted} drifted"), theme.busy),
    }
}

fn came(came: Came) -> &'static str {
    match came {
        Came::Unchanged | Came::Applied => "has it",
        Came::WouldChange => "would change",
        Came::Drifted => "drifted",
        Came::Lacking => "lacks it",
    }
}

fn own_run<'a>(machine: &'a Machine, recipe: &str) -> Option<&'a Run> {
    machine.tracked.get(&None)?.run.as_ref().filter(|run| run.recipe == recipe)
}

/// What the chosen recipe printed on these machines, the newest below, and how it ended.
fn output(frame: &mut Frame<'_>, area: Rect, scene: Scene<'_>, room: &Recipes, machines: &[&Machine]) {
    let theme = scene.theme;
    let name = room.recipe().map(|recipe| recipe.name.as_str()).unwrap_or_default();
    let runs: Vec<(&Machine, &Run)> =
        machines.iter().filter_map(|machine| Some((*machine, own_run(machine, name)?))).collect();
    let mut events: Vec<(&Machine, &Arc<Event>)> = Vec::new();
    for (machine, run) in &runs {
        events.extend(run.said.iter().chain(&run.end).map(|event| (*machine, event)));
    }
    events.sort_by_key(|(_, event)| event.time);
    let widest = machines.iter().map(|machine| machine.name().chars().count()).max().unwrap_or(0).min(16);
    let lines: Vec<Line<'_>> = events
        .into_iter()
        .map(|(machine, event)| {
            let who = if machines.len() > 1 { format!("{:<widest$}  ", machine.name()) } else { String::new() };
            Line::from(vec![Span::styled(who, theme.focus), said(scene, event)])
        })
        .collect();
    let manner = match runs.as_slice() {
        [] => String::new(),
        [(_, run), ..] => format!("{} at {} ", run.manner.name(), scene.clock(run.began)),
    };
    let title = Line::from(vec![Span::styled(format!(" {name} "), theme.head), Span::styled(manner, theme.text)]);
    let block = list::framed(scene, title, false);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    if lines.is_empty() {
        let words = format!(
            "It ran on none of them lately. {} applies it after asking, {} only says what it would do, {} looks who has it.",
            scene.key(Wish::Open),
            scene.key(Wish::DryRun),
            scene.key(Wish::CheckRecipe)
        );
        let words = match runs.is_empty() {
            _ if name.is_empty() => String::new(),
            true => words,
            false => "It runs; nothing was printed yet.".to_owned(),
        };
        let words = Paragraph::new(words).style(theme.dim).wrap(Wrap { trim: true });
        frame.render_widget(words, inner.inner(Margin { horizontal: 1, vertical: 0 }));
        return;
    }
    let height = usize::from(inner.height);
    let most = lines.len().saturating_sub(height);
    let first = most.saturating_sub(room.up);
    let lines: Vec<Line<'_>> = lines.into_iter().skip(first).take(height).collect();
    frame.render_widget(Paragraph::new(lines), inner);
}

/// A line of output, or how it ended.
fn said<'a>(scene: Scene<'_>, event: &Event) -> Span<'a> {
    let theme = scene.theme;
    match &event.fact {
        Fact::RecipeSaid { text, error, .. } => {
            Span::styled(text.clone(), if *error { theme.busy } else { theme.text })
        }
        Fact::RecipeEnded { came, changed, .. } => {
            let files = match changed.len() {
                0 => String::new(),
                1 => format!(": {}", changed.first().map(String::as_str).unwrap_or_default()),
                count => format!(": {count} files"),
            };
            let mark = theme.marks.good;
            Span::styled(format!("{mark} {came}{files}"), theme.good)
        }
        Fact::RecipeFailed { error, next_step, .. } => {
            Span::styled(format!("{} {error}; {next_step}", theme.marks.bad), theme.bad)
        }
        other => Span::styled(other.to_string(), theme.text),
    }
}

/// What is asked before a recipe is applied.
pub fn question<'a>(scene: Scene<'_>, whom: &[Who], recipe: &str) -> Vec<Line<'a>> {
    let theme = scene.theme;
    let machines = whom.iter().filter_map(|(at, mac)| scene.state.machine(*at, *mac));
    let mut lines: Vec<Line<'_>> = machines
        .take(12)
        .map(|machine| {
            let had = machine.tracked.get(&None).and_then(|tracked| tracked.recipes.get(recipe));
            let words =
                had.map_or_else(|| "not known".to_owned(), |had| format!("{} at {}", had.came, scene.clock(had.at)));
            Line::styled(format!(" {:<16} {words}", machine.name()), theme.text)
        })
        .collect();
    lines.push(Line::styled(" It compares first, and changes only what differs.", theme.text));
    lines.extend([Line::default(), Line::styled(" y does it, any other key leaves", theme.dim)]);
    lines
}
