//! The thread that stores events: whatever is queued goes into one transaction, committed at once.

use super::{Journal, row, syncer::Syncer};
use crate::{
    bus::{Bus, Delivery},
    event::{Event, Fact},
};
use rusqlite::{Error, ErrorCode};
use std::{
    collections::VecDeque,
    sync::{
        Arc,
        mpsc::{SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::{
    runtime::Runtime,
    sync::{mpsc, oneshot},
};

/// Events of one transaction at most.
const BATCH: usize = 4096;
/// Events kept in memory while the journal cannot be written, some hundred MiB: the newest beyond are counted, not stored.
const KEPT: usize = 250_000;
/// How long events that nobody waits for may wait for more of them: a commit costs as much as some hundred events.
const GATHER: Duration = Duration::from_millis(5);
/// After a commit the next waits as long as that one took, and no longer than this, for what comes meanwhile: while the
/// disk is quick nobody waits, and when it is slow a few large commits take the place of many small ones.
const SPACING: Duration = Duration::from_millis(20);
/// How often it is looked whether somebody waits.
const NAP: Duration = Duration::from_micros(500);
const RETRY: Duration = Duration::from_secs(1);

pub struct Writer {
    journal: Journal,
    bus: Bus,
    /// Not yet committed, the oldest first.
    waiting: VecDeque<Arc<Event>>,
    /// To be answered when all of `waiting` is committed.
    barriers: Vec<oneshot::Sender<()>>,
    trouble: Option<Trouble>,
    /// The end of the last commit, and how long it took.
    committed: Instant,
    took: Duration,
}

/// The journal cannot be written.
struct Trouble {
    tried: Instant,
    /// Events that waited and are stored by now, and those there was no room for.
    stored: u64,
    lost: u64,
}

/// What became of the queue.
enum Queue {
    Open,
    Quiet,
    Closed,
}

impl Writer {
    pub fn new(journal: Journal, bus: Bus) -> Writer {
        Writer {
            journal,
            bus,
            waiting: VecDeque::new(),
            barriers: Vec::new(),
            trouble: None,
            committed: Instant::now(),
            took: Duration::ZERO,
        }
    }

    /// Stores until the queue is closed and everything is stored, or cannot be.
    pub fn run(mut self, mut queue: mpsc::Receiver<Delivery>, clock: &Runtime, syncer: Syncer) {
        // One word is as good as many: what is committed meanwhile is synced with it.
        let (committed, words) = sync_channel(1);
        let syncing = thread::spawn(move || syncer.run(&words));
        loop {
            let state = self.receive(&mut queue, clock);
            let closed = matches!(state, Queue::Closed);
            let due = self.trouble.as_ref().is_none_or(|trouble| trouble.tried.elapsed() >= RETRY);
            if due || closed {
                self.store(&committed);
            }
            if closed {
                // A last try was made; who reads the message is the terminal, not the journal.
                drop(committed);
                let _ = syncing.join();
                return;
            }
        }
    }

    /// Takes in what is queued; waits for the first, but no longer than until the next try.
    fn receive(&mut self, queue: &mut mpsc::Receiver<Delivery>, clock: &Runtime) -> Queue {
        let first = match &self.trouble {
            None => Ok(clock.block_on(queue.recv())),
            Some(trouble) => {
                let patience = RETRY.saturating_sub(trouble.tried.elapsed());
                clock.block_on(async { tokio::time::timeout(patience, queue.recv()).await })
            }
        };
        match first {
            Ok(Some(delivery)) => self.take(delivery),
            Ok(None) => return Queue::Closed,
            Err(_) => return Queue::Quiet,
        }
        let (none_waits, one_waits) = (Instant::now() + GATHER, self.committed + self.took.min(SPACING));
        loop {
            while self.waiting.len() < BATCH
                && let Ok(delivery) = queue.try_recv()
            {
                self.take(delivery);
            }
            let until = if self.barriers.is_empty() { none_waits } else { one_waits };
            let patience = until.saturating_duration_since(Instant::now());
            if patience.is_zero() || self.waiting.len() >= BATCH || self.trouble.is_some() {
                break;
            }
            // Not woken by each event: under load that is more work than to store it.
            thread::sleep(patience.min(NAP));
        }
        Queue::Open
    }

    fn take(&mut self, delivery: Delivery) {
        match (delivery, &mut self.trouble) {
            (Delivery::Event(_), Some(trouble)) if self.waiting.len() >= KEPT => trouble.lost += 1,
            (Delivery::Event(event), _) => self.waiting.push_back(event),
            // Who asks is not kept waiting for a disk that is known to be broken: the sender is dropped.
            (Delivery::Barrier(_), Some(_)) => {}
            (Delivery::Barrier(done), None) => self.barriers.push(done),
        }
    }

    fn store(&mut self, committed: &SyncSender<()>) {
        while !self.waiting.is_empty() {
            match self.commit() {
                Ok(stored) => {
                    self.waiting.drain(..stored);
                    let _ = committed.try_send(());
                    if let Some(trouble) = &mut self.trouble {
                        trouble.stored += stored as u64;
                    }
                }
                Err(error) => return self.fail(&error),
            }
        }
        self.barriers.drain(..).for_each(|done| {
            let _ = done.send(());
        });
        if let Some(Trouble { stored, lost, .. }) = self.trouble.take() {
            self.bus.publish(Event::new(None, Fact::JournalRecovered { waiting: stored }));
            if lost > 0 {
                self.bus.publish(Event::new(None, Fact::EventsDropped { reader: "journal".to_owned(), count: lost }));
            }
        }
    }

    fn fail(&mut self, error: &Error) {
        self.barriers.clear();
        match &mut self.trouble {
            Some(trouble) => trouble.tried = Instant::now(),
            None => {
                self.trouble = Some(Trouble { tried: Instant::now(), stored: 0, lost: 0 });
                let (words, next_step) = (error.to_string(), next_step(error).to_owned());
                let waiting = self.waiting.len() as u64;
                self.bus.publish(Event::new(None, Fact::JournalFailed { error: words, next_step, waiting }));
            }
        }
    }

    /// Commits the oldest of what waits, and says how many.
    fn commit(&mut self) -> Result<usize, Error> {
        let began = Instant::now();
        let transaction = self.journal.connection.unchecked_transaction()?;
        let batch = self.waiting.len().min(BATCH);
        {
            let mut statement = transaction.prepare_cached(row::INSERT)?;
            for event in self.waiting.iter().take(batch) {
                row::insert(&mut statement, event)?;
            }
        }
        transaction.commit()?;
        self.committed = Instant::now();
        self.took = self.committed - began;
        Ok(batch)
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
