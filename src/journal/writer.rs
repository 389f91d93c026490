//! The thread that stores events: whatever is queued goes into one transaction, committed at once.

use super::{Journal, row};
use crate::{
    bus::{Bus, Delivery},
    event::{Event, Fact},
};
use rusqlite::{Error, ErrorCode};
use std::{
    collections::VecDeque,
    fs::File,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    runtime::Runtime,
    sync::{mpsc, oneshot},
};

/// Events of one transaction at most.
const BATCH: usize = 4096;
/// What a power failure may lose.
const SYNC_EVERY: Duration = Duration::from_millis(200);
/// Events kept in memory while the journal cannot be written: beyond it the newest are not stored, and counted.
const KEPT: usize = 1_000_000;
const RETRY: Duration = Duration::from_secs(1);

pub struct Writer {
    journal: Journal,
    bus: Bus,
    /// Not yet committed, the oldest first.
    waiting: VecDeque<Arc<Event>>,
    /// To be answered when all of `waiting` is committed.
    barriers: Vec<oneshot::Sender<()>>,
    broken: bool,
    lost: u64,
    /// The first commit that is not yet synced.
    unsynced: Option<Instant>,
    wal: Option<File>,
}

/// What became of the queue.
enum Queue {
    Open,
    Quiet,
    Closed,
}

impl Writer {
    pub fn new(journal: Journal, bus: Bus) -> Writer {
        let (waiting, barriers) = (VecDeque::new(), Vec::new());
        Writer { journal, bus, waiting, barriers, broken: false, lost: 0, unsynced: None, wal: None }
    }

    /// Stores until the queue is closed and everything is stored, or cannot be.
    pub fn run(mut self, mut queue: mpsc::Receiver<Delivery>, clock: &Runtime) {
        loop {
            let state = self.receive(&mut queue, clock);
            if !self.waiting.is_empty() || !self.barriers.is_empty() {
                self.store();
            }
            if self.unsynced.is_some_and(|since| since.elapsed() >= SYNC_EVERY) || matches!(state, Queue::Closed) {
                self.sync();
            }
            if matches!(state, Queue::Closed) {
                // A last try was made; who reads the message is the terminal, not the journal.
                return;
            }
        }
    }

    /// Takes in what is queued; waits for the first, but no longer than there is something else to do.
    fn receive(&mut self, queue: &mut mpsc::Receiver<Delivery>, clock: &Runtime) -> Queue {
        let patience = match (self.broken, self.unsynced) {
            (true, _) => Some(RETRY),
            (false, Some(since)) => Some(SYNC_EVERY.saturating_sub(since.elapsed())),
            (false, None) => None,
        };
        let first = clock.block_on(async {
            match patience {
                None => Ok(queue.recv().await),
                Some(patience) => tokio::time::timeout(patience, queue.recv()).await,
            }
        });
        match first {
            Ok(Some(delivery)) => self.take(delivery),
            Ok(None) => return Queue::Closed,
            Err(_) => return Queue::Quiet,
        }
        while self.waiting.len() < BATCH || self.broken {
            match queue.try_recv() {
                Ok(delivery) => self.take(delivery),
                Err(_) => break,
            }
        }
        Queue::Open
    }

    fn take(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Event(_) if self.waiting.len() >= KEPT => self.lost += 1,
            Delivery::Event(event) => self.waiting.push_back(event),
            // Who asks is not kept waiting for a disk that is known to be broken: the sender is dropped.
            Delivery::Barrier(_) if self.broken => {}
            Delivery::Barrier(done) => self.barriers.push(done),
        }
    }

    fn store(&mut self) {
        match self.commit() {
            Ok(()) => {
                let stored = self.waiting.len() as u64;
                self.waiting.clear();
                self.barriers.drain(..).for_each(|done| {
                    let _ = done.send(());
                });
                if self.broken {
                    self.broken = false;
                    self.bus.publish(Event::new(None, Fact::JournalRecovered { waiting: stored }));
                    if self.lost > 0 {
                        let fact = Fact::EventsDropped { reader: "journal".to_owned(), count: self.lost };
                        self.lost = 0;
                        self.bus.publish(Event::new(None, fact));
                    }
                }
            }
            Err(error) => {
                self.barriers.clear();
                if !self.broken {
                    self.broken = true;
                    self.bus.publish(Event::new(
                        None,
                        Fact::JournalFailed {
                            error: error.to_string(),
                            next_step: next_step(&error).to_owned(),
                            waiting: self.waiting.len() as u64,
                        },
                    ));
                }
            }
        }
    }

    fn commit(&mut self) -> Result<(), Error> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let transaction = self.journal.connection.unchecked_transaction()?;
        {
            let mut statement = transaction.prepare_cached(row::INSERT)?;
            for event in &self.waiting {
                row::insert(&mut statement, event)?;
            }
        }
        transaction.commit()?;
        self.unsynced.get_or_insert_with(Instant::now);
        Ok(())
    }

    /// Forces the write-ahead log to the disk. SQLite itself does so only when it moves the log into the database.
    fn sync(&mut self) {
        if self.wal.is_none() {
            let mut name = self.journal.path.as_os_str().to_owned();
            name.push("-wal");
            self.wal = File::open(name).ok();
        }
        // An error here comes back with the next commit, where it is told.
        let synced = self.wal.as_ref().is_some_and(|wal| wal.sync_data().is_ok());
        self.unsynced = (!synced && self.wal.is_some()).then(Instant::now);
    }
}

/// What the operator can do about an error of SQLite.
pub fn next_step(error: &Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "make room on its disk; it goes on by itself",
        Some(ErrorCode::SystemIoFailure) => "look at its disk (dmesg, df); it goes on by itself",
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => "make the file and its folder writable",
        Some(ErrorCode::CannotOpen) => "see that its folder is there and writable, or name another file with --journal",
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "move the file aside and start again; what can be read of it: sqlite3 FILE .recover"
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "another program holds it locked; end that",
        _ => "if it stays so, move the file aside and report this",
    }
}
