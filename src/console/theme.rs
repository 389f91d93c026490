//! The console's colours: one TOML file a theme. Knows no pane.

use super::view::words::Mood;
use crate::{
    desk::{self, Palette},
    event::Severity,
};
use ratatui::{
    style::{Color, Modifier, Style},
    symbols::border,
};
use serde::Deserialize;
use std::{fs, path::Path};

const BUILT_IN: [(&str, &str); 3] = [
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("ansi16", include_str!("../../themes/ansi16.toml")),
];

/// Styles by what they mean.
#[derive(Clone, Debug)]
pub struct Theme {
    /// The file's name without its ending.
    pub name: String,
    pub marks: Marks,
    pub text: Style,
    pub dim: Style,
    pub head: Style,
    pub border: Style,
    pub focus: Style,
    pub selected: Style,
    pub good: Style,
    pub busy: Style,
    pub bad: Style,
    pub notice: Style,
    /// The colours of terminals.
    pub terminals: Palette,
}

/// The characters that say without colour how things are.
#[derive(Clone, Copy, Debug)]
pub struct Marks {
    pub good: &'static str,
    pub busy: &'static str,
    pub bad: &'static str,
    pub idle: &'static str,
    pub full: &'static str,
    pub rest: &'static str,
    pub cursor: &'static str,
    /// A terminal of it is open.
    pub terminal: &'static str,
    /// It is marked.
    pub marked: &'static str,
    /// A place on a line of columns.
    pub here: &'static str,
    pub border: border::Set<'static>,
    /// What stands between facts of one line.
    pub between: &'static str,
    /// Characters beyond ASCII are shown.
    pub unicode: bool,
}

const UNICODE: Marks = Marks {
    good: "✓",
    busy: "▶",
    bad: "✗",
    idle: "·",
    between: " · ",
    full: "█",
    rest: "░",
    cursor: "▏",
    terminal: "▣",
    marked: "◆",
    here: "│",
    border: border::PLAIN,
    unicode: true,
};

/// For terminals whose locale is not UTF-8: serial lines, plain consoles.
const ASCII: Marks = Marks {
    good: "+",
    busy: ">",
    bad: "!",
    idle: ".",
    between: " . ",
    full: "#",
    rest: "-",
    cursor: "_",
    terminal: "t",
    marked: "*",
    here: "|",
    border: border::Set {
        top_left: "+",
        top_right: "+",
        bottom_left: "+",
        bottom_right: "+",
        vertical_left: "|",
        vertical_right: "|",
        horizontal_top: "-",
        horizontal_bottom: "-",
    },
    unicode: false,
};

/// For lines of words: marks are words too, and nothing is drawn.
const WORDS: Marks = Marks {
    good: "reached",
    busy: "under way",
    bad: "failed",
    idle: "not yet",
    between: ", ",
    full: "",
    rest: "",
    cursor: "",
    here: "",
    ..ASCII
};

/// What lines of words are made with: no colours, no signs.
pub fn plain() -> Theme {
    let none = Style::new();
    Theme {
        name: "plain".to_owned(),
        marks: WORDS,
        text: none,
        dim: none,
        head: none,
        border: none,
        focus: none,
        selected: none,
        good: none,
        busy: none,
        bad: none,
        notice: none,
        terminals: Palette::default(),
    }
}

impl Marks {
    /// The mark of a mood.
    pub fn mood(&self, mood: Mood) -> &'static str {
        match mood {
            Mood::Idle => self.idle,
            Mood::Busy => self.busy,
            Mood::Good => self.good,
            Mood::Bad => self.bad,
        }
    }
}

/// What the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// Colours are wanted: NO_COLOR is not set.
    pub colours: bool,
    /// It shows characters beyond ASCII.
    pub unicode: bool,
}

/// A theme that cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("theme {name}: {error}; there are {known}")]
pub struct ThemeError {
    name: String,
    error: String,
    known: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    text: String,
    dim: String,
    head: String,
    border: String,
    focus: String,
    selected: String,
    good: String,
    busy: String,
    bad: String,
    notice: String,
    #[serde(default)]
    terminals: Vec<String>,
}

/// The names of all themes: those of the folder and those built in.
pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = BUILT_IN.iter().map(|(name, _)| (*name).to_owned()).collect();
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    names.extend(files.filter_map(|file| file.file_name().to_str()?.strip_suffix(".toml").map(ToOwned::to_owned)));
    names.sort();
    names.dedup();
    names
}

/// Reads the theme `name` from the folder, else the one built in. Without colours it has only bold and reversed.
pub fn load(folder: &Path, name: &str, abilities: Abilities) -> Result<Theme, ThemeError> {
    let wrong = |error: String| ThemeError { name: name.to_owned(), error, known: names(folder).join(", ") };
    let colours = abilities.colours;
    let inside = !name.contains('/') && !name.starts_with('.');
    let written = fs::read_to_string(folder.join(format!("{name}.toml"))).ok().filter(|_| inside);
    let built_in = || BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned());
    let text = written.or_else(built_in).ok_or_else(|| wrong("there is no such file".to_owned()))?;
    let file: File = toml::from_str(&text).map_err(|error| wrong(error.message().to_owned()))?;
    let colour = |value: &str| colour(value).map_err(&wrong);
    let front = |value: &str| match value {
        "dim" => Ok::<Style, ThemeError>(Style::new().add_modifier(Modifier::DIM)),
        _ if !colours => Ok(Style::new()),
        value => Ok(Style::new().fg(colour(value)?)),
    };
    let selected = match file.selected.as_str() {
        "reversed" => Style::new().add_modifier(Modifier::REVERSED),
        _ if !colours => Style::new().add_modifier(Modifier::REVERSED),
        value => Style::new().bg(colour(value)?),
    };
    let terminals = file.terminals.iter().map(|value| {
        desk::parse_colour(value).ok_or_else(|| format!("terminals: {value:?} is not a colour: use #rrggbb"))
    });
    let terminals: Result<_, String> = terminals.collect();
    let bold = |style: Style| style.add_modifier(Modifier::BOLD);
    Ok(Theme {
        name: name.to_owned(),
        marks: if abilities.unicode { UNICODE } else { ASCII },
        text: front(&file.text)?,
        dim: front(&file.dim)?,
        head: bold(front(&file.head)?),
        border: front(&file.border)?,
        focus: bold(front(&file.focus)?),
        selected,
        good: front(&file.good)?,
        busy: front(&file.busy)?,
        bad: bold(front(&file.bad)?),
        notice: front(&file.notice)?,
        terminals: Palette::new(terminals.map_err(wrong)?, desk::parse_colour(&file.text)),
    })
}

fn colour(value: &str) -> Result<Color, String> {
    let value = if value == "default" { "reset" } else { value };
    value.parse().map_err(|_| format!("{value:?} is not a colour: use a name, #rrggbb or a number up to 255"))
}

impl Theme {
    /// The style of a severity.
    pub fn severity(&self, severity: Severity) -> Style {
        match severity {
            Severity::Emerg | Severity::Alert | Severity::Crit | Severity::Err => self.bad,
            Severity::Warning => self.busy,
            Severity::Notice => self.notice,
            Severity::Info => self.text,
            Severity::Debug => self.dim,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_theme_shipped_is_whole_and_mistakes_are_named() {
        let none = Path::new("/nonexistent");
        let all = Abilities { colours: true, unicode: true };
        for name in names(none) {
            load(none, &name, all).unwrap();
        }
        assert_eq!(load(none, "dark", Abilities { colours: false, unicode: false }).unwrap().bad.fg, None);
        let error = load(none, "pink", all).unwrap_err().to_string();
        assert_eq!(error, "theme pink: there is no such file; there are ansi16, dark, light");
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("dark.toml"), "text = 1").unwrap();
        assert!(load(folder.path(), "dark", all).is_err());
    }
}
