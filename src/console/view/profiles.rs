//! What a machine is to boot: the profiles, and what it would get of the one that is chosen.

use super::Scene;
use crate::{
    boot::{Linux, Plan, Shown},
    conf::Profile,
    console::{marks::Who, profiles},
    state::fetches::Fetching,
};
use ratatui::text::Line;

/// Profiles that are seen at once.
const ROWS: usize = 8;
/// Columns of a line of what it would get.
const WIDE: usize = 74;

pub fn lines<'a>(scene: Scene<'_>, who: Who, choice: usize) -> Vec<Line<'a>> {
    let theme = scene.theme;
    let names = profiles::names(scene.conf);
    let choice = choice.min(names.len().saturating_sub(1));
    let first = choice.saturating_sub(ROWS / 2).min(names.len().saturating_sub(ROWS));
    let widest = names.iter().map(|name| name.len()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for (number, name) in names.iter().enumerate().skip(first).take(ROWS) {
        let kind = match scene.conf.profiles.get(*name).map(|profile| (profile.kind(None), &profile.from)) {
            Some((Some("menu"), _)) => "a menu on its screen".to_owned(),
            Some((_, Some(from))) => format!("from {from}"),
            _ => String::new(),
        };
        let style = if number == choice { theme.selected } else { theme.text };
        lines.push(Line::styled(format!(" {name:<widest$}  {kind} "), style));
    }
    if names.len() > ROWS {
        lines.push(Line::styled(format!(" {} of {}", choice + 1, names.len()), theme.dim));
    }
    lines.push(Line::default());
    match names.get(choice).and_then(|name| profiles::shown(scene.state, scene.conf, who, name)) {
        Some(Ok(shown)) => lines.extend(got(scene, &shown)),
        Some(Err(refusal)) => lines.push(Line::styled(format!(" {refusal}"), theme.bad)),
        None => lines.push(Line::styled(" the machine is gone from conf", theme.bad)),
    }
    let mut keys = "enter from now on, s as its segment says";
    if let Some(profile) = names.get(choice).and_then(|name| scene.conf.profiles.get(*name))
        && !profile.files.is_empty()
    {
        lines.push(fetched(scene, profile));
        keys = "enter from now on, s as its segment says, f fetches its files";
    }
    lines.extend([Line::default(), Line::styled(format!(" {keys}, esc leaves"), theme.dim)]);
    lines
}

/// How far its files are fetched.
fn fetched<'a>(scene: Scene<'_>, profile: &Profile) -> Line<'a> {
    let theme = scene.theme;
    let (words, style) = match scene.state.fetches.get(&profile.name) {
        None => (format!("{} named by its `files`", profile.files.len()), theme.text),
        Some(Fetching { ended: Some(Ok(words)), .. }) => (words.clone(), theme.good),
        Some(Fetching { ended: Some(Err(words)), .. }) => (words.clone(), theme.bad),
        Some(Fetching { underway: Some((file, bytes, Some(size))), .. }) if *size > 0 => {
            (format!("{file}: {} % of {size} bytes", bytes * 100 / size), theme.busy)
        }
        Some(Fetching { underway: Some((file, bytes, _)), .. }) => (format!("{file}: {bytes} bytes"), theme.busy),
        Some(Fetching { .. }) => ("asked for".to_owned(), theme.busy),
    };
    Line::styled(format!(" {:8} {words}", "files"), style)
}

/// What it would get, in some lines.
fn got<'a>(scene: Scene<'_>, shown: &Shown) -> Vec<Line<'a>> {
    let theme = scene.theme;
    let mut lines = Vec::new();
    let mut line = |head: &str, words: String, is_well: bool| {
        // What is wrong is told whole, on several lines.
        let cut: String = words.chars().take(if is_well { WIDE - 10 } else { usize::MAX }).collect();
        let style = if is_well { theme.text } else { theme.bad };
        lines.push(Line::styled(format!(" {head:<8} {cut}"), style));
    };
    match &shown.boot_file {
        Ok(file) => line("first", file.clone(), true),
        Err(refusal) => line("first", refusal.to_string(), false),
    }
    match &shown.plan {
        Ok(Plan::Linux(Linux { kernel, initrd, append })) => {
            line("kernel", kernel.clone(), true);
            if !initrd.is_empty() {
                line("initrd", initrd.join(", "), true);
            }
            line("append", append.clone(), true);
        }
        Ok(Plan::Program { path, append }) => line("program", format!("{path} {append}"), true),
        Ok(Plan::Local) => line("then", "its own disk".to_owned(), true),
        Ok(Plan::Shell) => line("then", "the loader's command line, on its screen".to_owned(), true),
        Ok(Plan::Menu { timeout, entries }) => {
            let names: Vec<&str> = entries.iter().map(|entry| entry.profile.as_str()).collect();
            line("menu", format!("{}; after {} s the first", names.join(", "), timeout.as_secs()), true);
        }
        Err(refusal) => line("boots", refusal.to_string(), false),
    }
    for (url, text) in &shown.answers {
        let name = url.rsplit("/answers/").next().unwrap_or(url);
        match text {
            Ok(body) => line("answers", format!("{name} ({} lines)", body.lines().count()), true),
            Err(refusal) => line("answers", refusal.to_string(), false),
        }
    }
    lines
}
