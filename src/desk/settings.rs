//! The operator's settings of his desk: `~/.config/pxelator/desk.toml`. Read anew each time that something is opened.

use serde::Deserialize;
use std::{fs, io, path::Path};

/// The file in the operator's `~/.config/pxelator`.
pub const FILE: &str = "desk.toml";
/// No settings are longer; reading stops there.
const LARGEST: u64 = 64 << 10;

/// What opens a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Terminal {
    /// xterm(1).
    Xterm,
    /// foot(1), of Wayland.
    Foot,
    /// kitty(1).
    Kitty,
    /// alacritty(1).
    Alacritty,
    /// gnome-terminal(1).
    GnomeTerminal,
    /// A window of the tmux(1) that the console runs in.
    Tmux,
}

const TERMINALS: [Terminal; 6] =
    [Terminal::Xterm, Terminal::Foot, Terminal::Kitty, Terminal::Alacritty, Terminal::GnomeTerminal, Terminal::Tmux];

/// What holds a terminal's session while nothing shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Holder {
    /// GNU screen(1).
    #[default]
    Screen,
    /// tmux(1).
    Tmux,
}

/// The settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Opens terminals; without it xterm, and foot where there is Wayland only.
    pub terminal: Option<Terminal>,
    /// Holds them.
    pub holder: Holder,
    /// Terminals are opened inside the console, also where there is a display.
    pub inside: bool,
}

/// A settings file that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}{}: {error}; the defaults are in force", line.map(|line| format!(", line {line}")).unwrap_or_default())]
pub struct SettingsError {
    path: String,
    line: Option<usize>,
    error: String,
}

impl TryFrom<String> for Terminal {
    type Error = String;

    fn try_from(name: String) -> Result<Terminal, String> {
        named(&name, &TERMINALS, Terminal::program)
    }
}

impl TryFrom<String> for Holder {
    type Error = String;

    fn try_from(name: String) -> Result<Holder, String> {
        named(&name, &[Holder::Screen, Holder::Tmux], Holder::program)
    }
}

fn named<T: Copy>(name: &str, all: &[T], of: fn(T) -> &'static str) -> Result<T, String> {
    let known: Vec<&str> = all.iter().map(|one| of(*one)).collect();
    let found = all.iter().find(|one| of(**one) == name).copied();
    found.ok_or_else(|| format!("{name:?} is not one of {}", known.join(", ")))
}

impl Terminal {
    /// The program's name.
    pub fn program(self) -> &'static str {
        match self {
            Terminal::Xterm => "xterm",
            Terminal::Foot => "foot",
            Terminal::Kitty => "kitty",
            Terminal::Alacritty => "alacritty",
            Terminal::GnomeTerminal => "gnome-terminal",
            Terminal::Tmux => "tmux",
        }
    }
}

impl Settings {
    /// The settings in `folder`, and what is wrong with them. Without a file they are the defaults.
    pub fn read(folder: &Path) -> (Settings, Option<SettingsError>) {
        let file = folder.join(FILE);
        let wrong = |line, error: String| {
            let error = SettingsError { path: file.display().to_string(), line, error: error.replace('\n', ", ") };
            (Settings::default(), Some(error))
        };
        let text = match read(&file) {
            Ok(text) => text,
            // A component that is no folder: there is no such file either.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return (Settings::default(), None);
            }
            Err(error) => return wrong(None, error.to_string()),
        };
        match toml::from_str(&text) {
            Ok(settings) => (settings, None),
            Err(error) => {
                let line =
                    error.span().map(|span| text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1);
                wrong(line, error.message().trim().to_owned())
            }
        }
    }
}

fn read(file: &Path) -> io::Result<String> {
    let about = fs::metadata(file)?;
    if !about.is_file() || about.len() > LARGEST {
        return Err(io::Error::other("expected a plain file of at most 64 KiB"));
    }
    fs::read_to_string(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Settings, Option<String>) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), text).unwrap();
        let (settings, error) = Settings::read(folder.path());
        (settings, error.map(|error| error.to_string().replace(&folder.path().display().to_string(), "~")))
    }

    #[test]
    fn every_value_and_none() {
        assert_eq!(Settings::read(Path::new("/nonexistent")), (Settings::default(), None));
        assert_eq!(read(""), (Settings::default(), None));
        let names = ["xterm", "foot", "kitty", "alacritty", "gnome-terminal", "tmux"];
        for (name, terminal) in names.into_iter().zip(TERMINALS) {
            let text = format!("# mine\nterminal = \"{name}\"\nholder = \"tmux\"\ninside = true\n");
            let wanted = Settings { terminal: Some(terminal), holder: Holder::Tmux, inside: true };
            assert_eq!(read(&text), (wanted, None));
            assert_eq!(terminal.program(), name);
        }
    }

    #[test]
    fn a_mistake_is_told_with_its_line_and_what_was_expected() {
        for (text, error) in [
            (
                "inside = true\nterminal = \"xtrem\"",
                "line 2: \"xtrem\" is not one of xterm, foot, kitty, alacritty, gnome-terminal, tmux",
            ),
            ("holder = 3", "line 1: invalid type: integer `3`, expected a string"),
            ("colour = 1", "line 1: unknown field `colour`, expected one of `terminal`, `holder`, `inside`"),
            ("inside = \"yes\"", "line 1: invalid type: string \"yes\", expected a boolean"),
        ] {
            let (settings, told) = read(text);
            assert_eq!(settings, Settings::default());
            let told = told.unwrap();
            assert!(told.starts_with("~/desk.toml, line"), "{told}");
            assert_eq!(told, format!("~/desk.toml, {error}; the defaults are in force"));
        }
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(FILE)).unwrap();
        assert!(Settings::read(folder.path()).1.unwrap().to_string().contains("expected a plain file"));
    }
}
