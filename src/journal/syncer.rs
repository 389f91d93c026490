//! The thread that brings committed events to the disk, so that no commit (and no machine) waits for a disk's cache.

use super::writer::next_step;
use crate::{
    bus::Bus,
    event::{Event, Fact},
};
use rusqlite::Connection;
use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

/// From the first commit that is not synced to the next sync. With the time that a sync takes this is what a power
/// failure may lose.
const EVERY: Duration = Duration::from_millis(100);
/// How often what is in the log is moved into the database.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);
/// Bytes of the log beyond which the writer is held up until it begins anew: 128 MiB. Without that it never does while
/// events come without a pause.
const LONGEST_LOG: i64 = 128 << 20;

/// What the thread works with.
pub struct Syncer {
    connection: Connection,
    page_size: i64,
    path: PathBuf,
    bus: Bus,
    wal: Option<File>,
    broken: bool,
}

impl Syncer {
    /// For the journal at `path`, with a connection of its own: SQLite lets one move the log while another appends.
    pub fn new(path: &Path, bus: Bus) -> rusqlite::Result<Syncer> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(CHECKPOINT_EVERY)?;
        let page_size = connection.query_row("pragma page_size", [], |row| row.get(0))?;
        Ok(Syncer { connection, page_size, path: path.to_owned(), bus, wal: None, broken: false })
    }

    /// Syncs after each word that something was `committed`, until nobody can say so any longer.
    pub fn run(mut self, committed: &Receiver<()>) {
        let mut moved = Instant::now();
        let mut unmoved = false;
        loop {
            match committed.recv_timeout(CHECKPOINT_EVERY) {
                Ok(()) => {
                    thread::sleep(EVERY);
                    while committed.try_recv().is_ok() {}
                    self.sync();
                    unmoved = true;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.sync(),
            }
            if unmoved && moved.elapsed() >= CHECKPOINT_EVERY {
                unmoved = !self.checkpoint();
                moved = Instant::now();
            }
        }
    }

    /// True if the whole log is in the database.
    fn checkpoint(&self) -> bool {
        let checkpoint = |how: &str| -> rusqlite::Result<(i64, i64)> {
            let sql = format!("pragma wal_checkpoint({how})");
            self.connection.query_row(&sql, [], |row| Ok((row.get(1)?, row.get(2)?)))
        };
        // A disk without room for this makes the log longer, until the writer meets the same and tells it.
        match checkpoint("passive") {
            Ok((pages, _)) if pages * self.page_size > LONGEST_LOG => checkpoint("restart").is_ok(),
            Ok((pages, moved)) => pages == moved,
            Err(_) => false,
        }
    }

    /// Forces the log to the disk. SQLite itself does so only when it moves the log into the database.
    fn sync(&mut self) {
        match self.sync_log() {
            Ok(()) if self.broken => {
                self.broken = false;
                self.bus.publish(Event::new(None, Fact::JournalRecovered { waiting: 0 }));
            }
            Err(error) if !self.broken => {
                self.broken = true;
                let io_error = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR);
                let next_step = next_step(&rusqlite::Error::SqliteFailure(io_error, None)).to_owned();
                let error = format!("what was written may not survive a power failure: {error}");
                self.bus.publish(Event::new(None, Fact::JournalFailed { error, next_step, waiting: 0 }));
            }
            _ => {}
        }
    }

    fn sync_log(&mut self) -> io::Result<()> {
        let wal = match self.wal.take() {
            Some(wal) => wal,
            None => {
                let mut name = self.path.as_os_str().to_owned();
                name.push("-wal");
                File::open(name)?
            }
        };
        wal.sync_data()?;
        self.wal = Some(wal);
        Ok(())
    }
}
