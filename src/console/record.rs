//! The window on the record of machines' files and on recipes: asks, and has what was answered last. Who answers reads git and files
//! on a thread of its own, so that no drawing waits for them.

use crate::{command::Place, event::Event, track::Commit};
use std::sync::{
    Arc,
    mpsc::{Receiver, SyncSender, sync_channel},
};
use tokio::sync::watch;

/// Questions that may wait; they are gathered, so that is not for long.
const WAITING: usize = 64;

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// The newest commits, of one machine's folder where it is named.
    Log(Option<String>),
    /// A commit as a whole, and what happened around it to the machine there.
    Commit(Commit, Option<Place>),
    /// The recipes of conf.
    Recipes,
}

/// What was found, or why nothing was.
pub type Answer<T> = Result<Arc<T>, String>;

/// The newest answer to each kind of question, with what was asked; or why there is none.
#[derive(Clone, Debug, Default)]
pub struct Shelf {
    /// Commits, the newest first.
    pub log: Option<(Option<String>, Answer<Vec<Commit>>)>,
    /// A commit by its name.
    pub commit: Option<(String, Answer<Whole>)>,
    /// Recipes by name.
    pub recipes: Option<Answer<Vec<Recipe>>>,
}

/// A commit with all that belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Whole {
    /// Its diff, a line each, made printable.
    pub diff: Vec<String>,
    /// What happened between the look before and this one, the oldest first.
    pub events: Vec<Arc<Event>>,
}

/// A recipe of conf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// Its name.
    pub name: String,
    /// `title`; empty where it has none.
    pub title: String,
    /// Why it cannot be applied.
    pub fault: Option<String>,
}

/// Asks for it, and has what was answered.
#[derive(Clone)]
pub struct Record {
    requests: SyncSender<Asked>,
    shelf: watch::Receiver<Arc<Shelf>>,
}

impl Record {
    /// A window, and what it is answered through.
    pub fn new() -> (Record, Receiver<Asked>, watch::Sender<Arc<Shelf>>) {
        let (requests, asked) = sync_channel(WAITING);
        let (answer, shelf) = watch::channel(Arc::default());
        (Record { requests, shelf }, asked, answer)
    }

    /// Asks; never waits. False where it has to be asked once more.
    pub(super) fn ask(&self, asked: Asked) -> bool {
        self.requests.try_send(asked).is_ok()
    }

    /// What was answered by now.
    pub(super) fn shelf(&self) -> Arc<Shelf> {
        self.shelf.borrow().clone()
    }

    /// True once where something was answered since it was asked last.
    pub(super) fn is_new(&mut self) -> bool {
        let is_new = self.shelf.has_changed().unwrap_or(false);
        self.shelf.mark_unchanged();
        is_new
    }
}
