//! Terminals inside the console: programs in pseudo-terminals of our own, each with an emulator that knows what its
//! screen shows. Knows no pane and no theme.
//!
//! A terminal here is a client of a session that screen or tmux holds: it can be closed and opened again, and ends
//! with this program, while the session goes on.

mod emulator;
mod keys;
mod mouse;
pub mod picture;
mod replies;
mod terminal;

pub use terminal::{AtEnd, Closed, Terminal};

use super::{Plan, What};
use crossterm::event::{KeyEvent, MouseEvent};
use parking_lot::Mutex;
use picture::Spot;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

/// The most terminals that are open at once.
const MOST: usize = 64;
/// The size of one, where nobody said what there is room for.
const SIZE: (u16, u16) = (24, 80);

/// Which terminal.
pub type Id = u32;

/// What the operator does with a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// A key for its program.
    Key(KeyEvent),
    /// The mouse, from the terminal's upper left corner.
    Mouse(MouseEvent),
    /// Text to be pasted.
    Paste(String),
    /// The text that was copied here last.
    PasteCopied,
    /// What is there is to stand still, to be looked at.
    Freeze,
    /// No longer.
    Thaw,
    /// The text between two places is to be copied.
    Copy(Spot, Spot),
    /// It is closed; what runs in it goes on where screen or tmux has it.
    Close,
    /// It is opened once more.
    Again,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// Nothing to be told.
    Quietly,
    /// This was copied, and is to be in the operator's clipboard too.
    Copied(String),
    /// A word to the operator.
    Word(String),
}

/// All terminals that are open. Clones are of the same.
#[derive(Clone, Default)]
pub struct Terminals {
    open: Arc<Mutex<BTreeMap<Id, Arc<Terminal>>>>,
    last: Arc<AtomicU32>,
    copied: Arc<Mutex<String>>,
    size: Arc<Mutex<Option<(u16, u16)>>>,
    generation: Arc<AtomicU64>,
}

impl std::fmt::Debug for Terminals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.list().iter().map(|(id, terminal)| (id, &terminal.plan.session))).finish()
    }
}

impl Terminals {
    /// None yet; `generation` grows with all that there is to be seen.
    pub fn new(generation: Arc<AtomicU64>) -> Terminals {
        Terminals { generation, ..Terminals::default() }
    }

    /// Opens a terminal, or finds the one of the same session that is open; one that has ended is opened anew. `owner`:
    /// as which user and group it runs, where that is another. Errors say what failed, and why.
    pub fn open(&self, plan: Plan, what: Option<What>, owner: Option<(u32, u32)>, at_end: AtEnd) -> Result<Id, String> {
        let mut open = self.open.lock();
        let before = open.iter().find(|(_, terminal)| terminal.plan.session == plan.session);
        let before = before.map(|(id, terminal)| (*id, terminal.ended().is_none()));
        let id = match before {
            Some((id, true)) => return Ok(id),
            Some((id, false)) => id,
            None if open.len() >= MOST => return Err(format!("{MOST} terminals are open; close one first")),
            None => self.last.fetch_add(1, Ordering::Relaxed) + 1,
        };
        let generation = self.generation.clone();
        let size = self.size.lock().unwrap_or(SIZE);
        let terminal = Terminal::open(plan, what, size, owner, at_end, move || {
            generation.fetch_add(1, Ordering::Relaxed);
        })?;
        open.insert(id, terminal);
        self.touch();
        Ok(id)
    }

    /// Those that are open, in the order in which they were opened.
    pub fn list(&self) -> Vec<(Id, Arc<Terminal>)> {
        self.open.lock().iter().map(|(id, terminal)| (*id, terminal.clone())).collect()
    }

    /// One of them.
    pub fn get(&self, id: Id) -> Option<Arc<Terminal>> {
        self.open.lock().get(&id).cloned()
    }

    /// Closes those that show none of these sessions, and have been open for a while: what held theirs is gone. False
    /// where no terminal is left that runs.
    pub fn lose(&self, running: &[String], patience: Duration) -> bool {
        let now = crate::event::now();
        let mut any = false;
        // What is not for something that is kept in a session runs by itself.
        let held = |terminal: &Terminal| terminal.what.is_some() && terminal.ended().is_none();
        for (_, terminal) in self.list().into_iter().filter(|(_, terminal)| held(terminal)) {
            any = true;
            let is_new = now.duration_since(terminal.since).unsigned_abs() < patience;
            if !is_new && !running.contains(&terminal.plan.session) {
                terminal.hang_up(Closed::Lost);
            }
        }
        any
    }

    /// The one in which a session is shown.
    pub fn of_session(&self, session: &str) -> Option<(Id, Arc<Terminal>)> {
        self.list().into_iter().find(|(_, terminal)| terminal.plan.session == session)
    }

    /// There is room for so many rows and columns: those opened from now on begin with it.
    pub fn expect(&self, size: (u16, u16)) {
        *self.size.lock() = Some(size);
    }

    /// The terminal has this size on the screen; those opened from now on begin with it.
    pub fn fit(&self, id: Id, rows: u16, columns: u16) {
        *self.size.lock() = Some((rows, columns));
        if self.get(id).is_some_and(|terminal| terminal.resize(rows, columns)) {
            self.touch();
        }
    }

    /// Does what the operator wants.
    pub fn act(&self, id: Id, act: Act) -> Done {
        let Some(terminal) = self.get(id) else { return Done::Word("that terminal is closed".to_owned()) };
        let send = |bytes: Vec<u8>| match terminal.send(&bytes) {
            true => Done::Quietly,
            false => Done::Word("it does not read what is typed; that was not sent".to_owned()),
        };
        let paste = |text: &str| keys::paste(text, terminal.look(|emulator| emulator.screen().bracketed_paste()));
        match act {
            Act::Key(key) => send(keys::encode(key, terminal.look(|emulator| emulator.screen().application_cursor()))),
            Act::Mouse(event) => {
                let asked = terminal.look(|emulator| {
                    let screen = emulator.screen();
                    (screen.mouse_protocol_mode(), screen.mouse_protocol_encoding())
                });
                mouse::encode(event, asked.0, asked.1).map_or(Done::Quietly, send)
            }
            Act::Paste(text) => send(paste(&text)),
            Act::PasteCopied => match self.copied.lock().as_str() {
                "" => Done::Word("nothing was copied yet".to_owned()),
                text => send(paste(text)),
            },
            Act::Freeze => {
                terminal.freeze();
                Done::Quietly
            }
            Act::Thaw => {
                terminal.thaw();
                Done::Quietly
            }
            Act::Copy(one, other) => {
                let text = terminal.text(one, other);
                terminal.thaw();
                if text.is_empty() {
                    return Done::Word("there is nothing to copy".to_owned());
                }
                self.copied.lock().clone_from(&text);
                Done::Copied(text)
            }
            Act::Close => {
                terminal.hang_up(Closed::Wanted);
                self.open.lock().remove(&id);
                self.touch();
                Done::Quietly
            }
            Act::Again => {
                match self.open(terminal.plan.clone(), terminal.what.clone(), terminal.owner, terminal.at_end.clone()) {
                    Ok(_) => Done::Quietly,
                    Err(error) => Done::Word(error),
                }
            }
        }
    }

    fn touch(&self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
