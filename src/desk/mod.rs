//! What is opened for the operator: terminals, screen, captures, Wireshark. Knows no server and no console.
//!
//! Starting programs takes its time, so the console asks and goes on; what came of it is an [`Answer`].

mod line;
mod operator;
mod plan;

pub use line::CommandLine;
pub use operator::{Account, Operator};
pub use plan::{Packets, Plan, Way, What};

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use tokio::sync::broadcast;

/// Answers that a console may leave unread.
const ANSWERS: usize = 64;

/// A wish that the desk fulfils.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A terminal.
    Terminal(What),
    /// A terminal for every service's log.
    Logs,
    /// Packets.
    Packets(Packets),
}

/// What came of a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A word to the operator.
    Word(String),
}

/// The operator's desk. Clones are of the same desk.
#[derive(Clone, Debug)]
pub struct Desk {
    answers: broadcast::Sender<Answer>,
    generation: Arc<AtomicU64>,
}

impl Default for Desk {
    fn default() -> Desk {
        Desk { answers: broadcast::Sender::new(ANSWERS), generation: Arc::default() }
    }
}

impl Desk {
    /// Fulfils a wish; never waits.
    pub fn ask(&self, wanted: &Wanted) {
        self.answer(Answer::Word(format!("{wanted:?} cannot be opened yet")));
    }

    /// The answers from now on.
    pub fn answers(&self) -> broadcast::Receiver<Answer> {
        self.answers.subscribe()
    }

    fn answer(&self, answer: Answer) {
        // Without a console there is nobody to be told.
        let _ = self.answers.send(answer);
        self.touch();
    }

    /// Something that a console may show is another now.
    fn touch(&self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
    }

    /// Grows with each change of what is shown; a console that has drawn this number need not draw again.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }
}
