//! The store of events: one SQLite file. Knows no server and no screen.
//!
//! What is queued is committed at once (WAL, synchronous=NORMAL), so a killed program loses nothing that was committed;
//! the WAL is synced by a thread of its own a tenth of a second after the first commit that is not, so a power failure
//! loses at most 200 ms on a disk that takes no longer than the other tenth to sync.

pub mod couchdb;
pub mod mango;
mod names;
mod past;
mod query;
mod retention;
mod row;
pub mod sql;
mod syncer;
mod travel;
mod writer;

#[cfg(test)]
mod tests;

pub use names::JournalNames;
pub use query::{Query, QuestionError};
pub use retention::{Cut, Lane, Pruned, cuts, prune};
pub use travel::Traveller;

use crate::{
    bus::{Bus, Delivery},
    event::{Event, Fact, MachineSummary},
};
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension, types::ToSql};
use std::{
    fs::File,
    io,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};
use tokio::sync::mpsc;

const SCHEMA: &str = include_str!("schema.sql");
/// Since version 2.
const REPLICA: &str = include_str!("replica.sql");
/// Since version 2.
const TIMELINE: &str = include_str!("timeline.sql");
/// Of every version.
const QUESTIONS: &str = include_str!("questions.sql");
/// `user_version` of the schema in this program.
const VERSION: i32 = 2;
/// How long a reader waits for a writer; WAL makes this rare.
const BUSY: Duration = Duration::from_secs(5);

/// A journal that cannot be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// SQLite's answer.
    #[error("the journal {path}: {cause}; {next_step}")]
    Database {
        /// The file.
        path: String,
        /// What SQLite says.
        cause: rusqlite::Error,
        /// What the operator can do.
        next_step: &'static str,
    },
    /// It was written by a later version.
    #[error(
        "the journal {path} has schema {found}, this version knows {VERSION}; use the newer PXElator, or another --journal"
    )]
    Newer {
        /// The file.
        path: String,
        /// Its `user_version`.
        found: i32,
    },
    /// There is none to read.
    #[error("there is no journal {path} yet; `pxelator run` makes it, or name another file with --journal")]
    Missing {
        /// The file.
        path: String,
    },
    /// Another program writes it.
    #[error("the journal {path} is being written by another PXElator; end that one, or use another --journal")]
    InUse {
        /// The file.
        path: String,
    },
}

/// Steps of SQLite's machine between two looks whether a question is over: some milliseconds.
const STEPS: i32 = 20_000;

/// An open journal.
pub struct Journal {
    connection: Connection,
    path: PathBuf,
    /// Held while this program writes. None for a reader.
    _lock: Option<nix::fcntl::Flock<File>>,
}

impl Journal {
    /// Opens or makes the journal at `path`, for this program alone to write.
    pub fn open(path: &Path) -> Result<Journal, JournalError> {
        let lock = lock(path)?;
        let said = told(path);
        let connection = Connection::open(path).map_err(said)?;
        let journal = Journal { connection, path: path.to_owned(), _lock: Some(lock) };
        journal.prepare().map_err(told(path))?;
        let found: i32 =
            journal.connection.query_row("pragma user_version", [], |row| row.get(0)).map_err(told(path))?;
        match found {
            VERSION => {
                journal.connection.execute_batch(QUESTIONS).map_err(told(path))?;
                Ok(journal)
            }
            0 => {
                let make = format!(
                    "begin; {SCHEMA} {REPLICA} {TIMELINE} {QUESTIONS} pragma user_version = {VERSION}; commit;"
                );
                journal.connection.execute_batch(&make).map_err(told(path))?;
                Ok(journal)
            }
            1 => {
                // Written anew as a whole, so that it can give room back to the disk from now on.
                let change =
                    format!("begin; {REPLICA} {TIMELINE} {QUESTIONS} pragma user_version = {VERSION}; commit; vacuum;");
                journal.connection.execute_batch(&change).map_err(told(path))?;
                Ok(journal)
            }
            found => Err(JournalError::Newer { path: path.display().to_string(), found }),
        }
    }

    /// Opens an existing journal to read it, also while another program writes.
    pub fn read(path: &Path) -> Result<Journal, JournalError> {
        if !path.exists() {
            return Err(JournalError::Missing { path: path.display().to_string() });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(told(path))?;
        connection.busy_timeout(BUSY).and_then(|()| query::register(&connection)).map_err(told(path))?;
        Ok(Journal { connection, path: path.to_owned(), _lock: None })
    }

    fn prepare(&self) -> rusqlite::Result<()> {
        self.connection.busy_timeout(BUSY)?;
        query::register(&self.connection)?;
        // Of a new file. Every event changes a page of each index, and each is written whole: small ones are less to write.
        self.connection.pragma_update(None, "page_size", 1024)?;
        // What is deleted gives its room back in small steps; of a new file, or when it is written anew.
        self.connection.pragma_update(None, "auto_vacuum", "incremental")?;
        self.connection.pragma_update(None, "journal_mode", "wal")?;
        self.connection.pragma_update(None, "synchronous", "normal")?;
        // The syncer moves the log into the database: a commit is not to wait for that.
        self.connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        self.connection.pragma_update(None, "temp_store", "memory")
    }

    /// A server of this segment ran here: more is known of it than its conf.
    pub fn served(&self, segment: Ipv4Addr) -> Result<bool, JournalError> {
        let sql = "select exists (select 1 from event where segment = ?1 and service <> 'conf')";
        let served = self.connection.query_row(sql, [segment.to_string()], |row| row.get(0));
        served.map_err(told(&self.path))
    }

    /// The machines of a segment as its last conf had them.
    pub fn machines_of(&self, segment: &str) -> Result<Vec<MachineSummary>, JournalError> {
        let sql = format!(
            "select {} from event where segment = ?1 and kind = 'conf.loaded' order by id desc limit 1",
            row::COLUMNS
        );
        let mut machines = Vec::new();
        self.each(&sql, &[&segment], |event| {
            if let Fact::ConfLoaded { machines: loaded, .. } = event.fact {
                machines = loaded;
            }
            true
        })?;
        Ok(machines)
    }

    /// Hands each event that `sql` (selecting `row::COLUMNS`) gives to `take`, until that says no; returns the last row's
    /// number. Kinds that this version does not know are passed over.
    fn each(&self, sql: &str, values: &[&dyn ToSql], mut take: impl FnMut(Event) -> bool) -> Result<i64, JournalError> {
        let said = || told(&self.path);
        let mut statement = self.connection.prepare_cached(sql).map_err(said())?;
        let mut rows = statement.query(values).map_err(said())?;
        let mut last = 0;
        while let Some(row) = rows.next().map_err(said())? {
            last = last.max(row.get(0).map_err(said())?);
            if let Some(event) = row::event(row).map_err(said())?
                && !take(event)
            {
                break;
            }
        }
        Ok(last)
    }

    /// Lets a question end early, with an error, as soon as `is_over`.
    pub fn give_up_when(&mut self, is_over: impl FnMut() -> bool + Send + 'static) -> Result<(), JournalError> {
        self.connection.progress_handler(STEPS, Some(is_over)).map_err(told(&self.path))
    }

    /// The highest row number; 0 for an empty journal.
    pub fn last_id(&self) -> Result<i64, JournalError> {
        let last = self.connection.query_row("select max(id) from event", [], |row| row.get::<_, Option<i64>>(0));
        Ok(last.optional().map_err(told(&self.path))?.flatten().unwrap_or(0))
    }

    /// When a program last served; none for an empty journal. What the command line did alone since, served nobody.
    pub fn last_time(&self) -> Result<Option<Timestamp>, JournalError> {
        // Of a program that was killed its last event counts. Beyond so many events nobody did so much alone.
        let sql = "select time from event where id = coalesce(
            (select iif(kind = 'program.stopped', id, null) from event
                where kind in ('program.stopped', 'program.started') and id > (select max(id) from event) - 100000
                order by id desc limit 1),
            (select max(id) from event))";
        let last = self.value::<i64>(sql, &[])?;
        Ok(last.and_then(|time| Timestamp::from_microsecond(time).ok()))
    }

    /// Stores what comes in `queue` until all senders are gone, on a thread of its own.
    /// Troubles are published on `bus`.
    /// Errors are those of making its clock: epoll_create(2) and the like.
    pub fn write(self, queue: mpsc::Receiver<Delivery>, bus: Bus) -> io::Result<thread::JoinHandle<()>> {
        let clock = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let syncer = syncer::Syncer::new(&self.path, bus.clone()).map_err(io::Error::other)?;
        Ok(thread::spawn(move || writer::Writer::new(self, bus).run(queue, &clock, syncer)))
    }
}

/// SQLite's answer with the file and what to do, for `map_err`.
fn told(path: &Path) -> impl Fn(rusqlite::Error) -> JournalError + use<> {
    let path = path.display().to_string();
    move |cause| JournalError::Database { path: path.clone(), next_step: writer::next_step(&cause), cause }
}

/// Takes the lock that says who writes. It is a file of its own: locking the database itself would disturb SQLite.
fn lock(path: &Path) -> Result<nix::fcntl::Flock<File>, JournalError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let cannot = |error: std::io::Error| {
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN);
        told(path)(rusqlite::Error::SqliteFailure(code, Some(error.to_string())))
    };
    let file = File::options().create(true).append(true).open(&name).map_err(cannot)?;
    nix::fcntl::Flock::lock(file, nix::fcntl::FlockArg::LockExclusiveNonblock).map_err(|(_, error)| match error {
        nix::errno::Errno::EWOULDBLOCK => JournalError::InUse { path: path.display().to_string() },
        other => cannot(other.into()),
    })
}
