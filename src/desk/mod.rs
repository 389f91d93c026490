//! What is opened for the operator: terminals, screen, captures, Wireshark. Knows no server and no console.
//!
//! Starting programs takes its time, so the console asks and goes on; what came of it is an [`Answer`].

pub mod capture;
mod colour;
mod holder;
pub mod inside;
mod line;
mod opening;
mod operator;
mod plan;
pub mod programs;
pub mod recorder;
mod seat;
pub mod settings;
mod shown;
mod way;
mod window;

pub use colour::{Palette, Rgb, parse as parse_colour};
pub use line::CommandLine;
pub use operator::{Account, Operator};
pub use plan::{Packets, Plan, Way, What};
pub use seat::{Held, Places, Unopened};
pub use settings::{Settings, SettingsError};

use crate::conf::Conf;
use capture::Captures;
use parking_lot::Mutex;
use seat::Seat;
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};
use tokio::sync::{broadcast, watch};

/// Answers that a console may leave unread.
const ANSWERS: usize = 64;

/// A wish that the desk fulfils.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A terminal.
    Terminal(What),
    /// A terminal for every service's log.
    Logs,
    /// Packets, in a window.
    Packets(Packets),
    /// The packets that the console shows, in another program.
    Kept,
}

/// What came of a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A word to the operator.
    Word(String),
    /// A terminal inside the console is open.
    Inside(inside::Id),
    /// So are several.
    Terminals,
}

/// The operator's desk. Clones are of the same desk.
#[derive(Clone, Debug)]
pub struct Desk {
    answers: broadcast::Sender<Answer>,
    generation: Arc<AtomicU64>,
    terminals: inside::Terminals,
    seat: Arc<Seat>,
    known: Arc<Mutex<Vec<Held>>>,
    /// Somebody looks whether the sessions still run.
    watches: Arc<AtomicBool>,
    captures: Arc<Captures>,
}

impl Default for Desk {
    fn default() -> Desk {
        Desk::new(Places::default(), watch::Sender::new(Arc::new(Conf::default())).subscribe())
    }
}

impl Desk {
    /// The desk of who started this program.
    pub fn new(places: Places, conf: watch::Receiver<Arc<Conf>>) -> Desk {
        let seat = Arc::new(Seat::new(places, conf));
        let generation = Arc::<AtomicU64>::default();
        let terminals = inside::Terminals::new(generation.clone());
        Desk {
            answers: broadcast::Sender::new(ANSWERS),
            generation,
            terminals,
            seat,
            known: Arc::default(),
            watches: Arc::default(),
            captures: Arc::default(),
        }
    }

    /// Fulfils a wish; never waits.
    pub fn ask(&self, wanted: &Wanted) {
        match wanted {
            Wanted::Terminal(what) => self.open(vec![what.clone()]),
            Wanted::Logs => self.open(opening::logs()),
            Wanted::Packets(packets) => self.open_wireshark(packets.clone()),
            Wanted::Kept => self.open_kept(),
        }
    }

    /// Windows are opened for the operator; else all is inside the console.
    pub fn has_windows(&self) -> bool {
        self.seat.operator.has_display() && !self.seat.settings().0.inside
    }

    /// Who sits there.
    pub fn operator(&self) -> &Operator {
        &self.seat.operator
    }

    /// Other colours from now on.
    pub fn set_palette(&self, palette: Palette) {
        self.seat.set_palette(palette);
    }

    /// The terminal for `what`, with all that it needs made ready; `attach` is run as the operator. Waits for programs.
    pub fn plan(&self, what: &What) -> Result<Plan, Unopened> {
        let plan = self.seat.draft(what, self.seat.settings().0.holder)?;
        let attach = self.seat.operator.as_operator(plan.attach);
        Ok(Plan { attach, ..plan })
    }

    /// The sessions that are held, also those of an earlier run. Waits for a program.
    pub fn sessions(&self) -> Result<Vec<Held>, Unopened> {
        self.seat.sessions(self.seat.settings().0.holder)
    }

    /// Ends a session and what runs in it. Waits for a program.
    pub fn end_session(&self, name: &str) -> Result<(), Unopened> {
        self.seat.end_session(self.seat.settings().0.holder, name)
    }

    /// The terminals inside the console.
    pub fn terminals(&self) -> &inside::Terminals {
        &self.terminals
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
