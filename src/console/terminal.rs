//! The terminal itself: taken over at the start, given back at the end and after a panic.

use super::{
    model::{Depth, Model},
    theme::Abilities,
};
use crate::desk::inside::Done;
use crossterm::{
    clipboard::CopyToClipboard,
    event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture},
    execute,
    style::Print,
    terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
};
use parking_lot::Mutex;
use ratatui::{Frame, backend::CrosstermBackend};
use std::{
    env,
    io::{self, IsTerminal, Stdout, stdout},
    panic,
    sync::Once,
    thread::{self, ThreadId},
};
use terminal_colorsaurus::{QueryOptions, ThemeMode, theme_mode};

/// The terminal while it is ours.
pub struct Terminal(ratatui::Terminal<CrosstermBackend<Stdout>>);

impl Terminal {
    /// Takes it over. Errors are those of writing to it.
    pub fn enter() -> io::Result<Terminal> {
        restore_after_panic();
        enable_raw_mode()?;
        // Made before anything is drawn, so that an error on the way gives the terminal back.
        let mut terminal = Terminal(ratatui::Terminal::new(CrosstermBackend::new(stdout()))?);
        execute!(stdout(), EnterAlternateScreen, EnableMouseCapture, EnableBracketedPaste)?;
        terminal.0.clear()?;
        Ok(terminal)
    }

    /// Draws one screen. Errors are those of writing to it.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.0.draw(draw).map(drop)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}

fn restore() {
    // It may be gone; then there is nothing to give back.
    let _ =
        execute!(stdout(), DisableBracketedPaste, DisableMouseCapture, LeaveAlternateScreen, crossterm::cursor::Show);
    let _ = disable_raw_mode();
}

/// The thread that has the terminal.
static CONSOLE: Mutex<Option<ThreadId>> = Mutex::new(None);
static HOOK: Once = Once::new();

/// A panic of the console is printed on the operator's own screen. One of a server is not printed over the console:
/// the supervisor tells it as an event and starts the server anew.
fn restore_after_panic() {
    *CONSOLE.lock() = Some(thread::current().id());
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if *CONSOLE.lock() == Some(thread::current().id()) {
                restore();
                before(info);
            }
        }));
    });
}

/// True where there is a terminal to show and to type.
pub fn is_there() -> bool {
    stdout().is_terminal() && io::stdin().is_terminal()
}

/// What the terminal can show, as the environment says (no-color.org, setlocale(3)).
pub fn abilities() -> Abilities {
    let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")).unwrap_or_default().to_uppercase();
    Abilities { colours: set("NO_COLOR").is_none(), unicode: locale.contains("UTF-8") || locale.contains("UTF8") }
}

/// The colours that the terminal shows, as the environment says.
pub fn depth(abilities: Abilities) -> Depth {
    let true_colour = matches!(env::var("COLORTERM").as_deref(), Ok("truecolor" | "24bit"));
    match abilities.colours {
        false => Depth::None,
        true if true_colour => Depth::True,
        true => Depth::Indexed,
    }
}

/// Tells what came of what was done with a terminal; what was copied goes to the clipboard of the operator's own.
pub fn tell(model: &mut Model, done: Done) {
    match done {
        Done::Quietly => {}
        Done::Word(word) => model.word = Some(word),
        Done::Copied(text) => {
            let count = text.chars().count();
            // One that cannot be written to is noticed at the next drawing.
            let _ = execute!(stdout(), CopyToClipboard::to_clipboard_from(&text));
            model.word = Some(format!("{count} characters copied; ctrl-] v pastes them"));
        }
    }
}

/// Rings the terminal's bell.
pub fn ring() {
    // One that cannot be written to is noticed at the next drawing.
    let _ = execute!(stdout(), Print('\u{7}'));
}

/// The theme for the terminal's background, as far as it tells; else its own sixteen colours.
pub fn fitting_theme() -> &'static str {
    let colours = env::var("COLORTERM").unwrap_or_default();
    if !matches!(colours.as_str(), "truecolor" | "24bit") {
        return "ansi16";
    }
    match theme_mode(QueryOptions::default()) {
        Ok(ThemeMode::Dark) => "dark",
        Ok(ThemeMode::Light) => "light",
        Err(_) => "ansi16",
    }
}
