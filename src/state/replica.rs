//! How far CouchDB is behind the journal: what a screen shows of it. Not folded from events: it changes with each.

use jiff::Timestamp;

/// A database that the journal is sent to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replica {
    /// Its URL, without who asks.
    pub database: String,
    /// How many events wait for it; about, where they are many.
    pub behind: u64,
    /// When the oldest of them happened.
    pub oldest: Option<Timestamp>,
    /// Why it takes none at this moment, and what the operator can do.
    pub trouble: Option<(String, String)>,
}
