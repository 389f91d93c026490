//! How far each segment has come in a database, kept in the journal itself; and what of it is next.
//!
//! A lane is a segment on its way to one database. One of them, the home lane, takes along the events of the whole
//! program, so that each event is there once.

use super::{
    client::CouchError,
    document::{Document, Entry, Subject, documents},
};
use crate::{
    event::{Event, Fact, MachineSummary, Severity},
    journal::{BUSY, Journal},
};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::{collections::BTreeMap, net::Ipv4Addr, path::Path};

/// Bytes of events that one request takes, beside the earlier ones of its documents.
const LARGEST: usize = 2 << 20;
/// Full documents of one subject in one request.
const FULL: usize = 3;
/// Up to so many rows it is counted how many wait; beyond, the distance tells.
const COUNTED: i64 = 50_000;

const COLUMNS: &str = "id, time, segment, machine, mac, service, kind, severity, details";

/// The lanes of one database.
pub struct Lanes {
    reader: Journal,
    writer: Connection,
    database: String,
    /// Names of machines by segment and address, as its conf had them at the last event read.
    names: BTreeMap<String, BTreeMap<String, String>>,
}

/// One request's worth.
pub struct Batch {
    /// The lane.
    pub segment: String,
    /// To be sent.
    pub documents: Vec<Document>,
    /// How many events are new.
    pub events: usize,
    /// Once they are there, the lane has come as far as this row.
    pub until: i64,
    /// There is no more at this moment.
    pub last: bool,
}

/// What must be there of a lane.
pub struct Expected {
    /// Without those that have got more events meanwhile.
    pub documents: Vec<Document>,
    /// The row to go on from.
    pub until: i64,
    /// It is the home lane.
    pub home: bool,
    /// There is no more of this lane.
    pub last: bool,
}

/// What waits for a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Behind {
    /// How many events; about, where they are many.
    pub events: u64,
    /// When the oldest of them happened.
    pub oldest: Option<Timestamp>,
}

/// What SQLite says, as the shipper's trouble.
fn told(error: rusqlite::Error) -> CouchError {
    CouchError::Journal(error.to_string())
}

impl Lanes {
    /// The lanes of `segments` to the database at `url`; made where they are not yet there.
    pub fn open(path: &Path, url: &str, segments: &[Ipv4Addr]) -> Result<Lanes, CouchError> {
        let reader = Journal::read(path).map_err(|error| CouchError::Journal(error.to_string()))?;
        let writer = Connection::open(path).map_err(told)?;
        writer.busy_timeout(BUSY).map_err(told)?;
        writer.pragma_update(None, "synchronous", "normal").map_err(told)?;
        writer.pragma_update(None, "wal_autocheckpoint", 0).map_err(told)?;
        for segment in segments {
            let sql = "insert or ignore into lane (database, segment, shipped, home) values \
                       (?1, ?2, 0, not exists (select 1 from lane where database = ?1 and home = 1))";
            writer.execute(sql, params![url, segment.to_string()]).map_err(told)?;
        }
        Ok(Lanes { reader, writer, database: url.to_owned(), names: BTreeMap::new() })
    }

    /// What this journal is called in databases.
    pub fn journal(&self) -> Result<String, CouchError> {
        self.reader.connection.query_row("select name from journal", [], |row| row.get(0)).map_err(told)
    }

    /// The database has nothing of this journal: all is sent from the beginning.
    pub fn begin_anew(&self) -> Result<(), CouchError> {
        let sql = "update lane set shipped = 0 where database = ?1";
        self.writer.execute(sql, [&self.database]).map(drop).map_err(told)
    }

    /// The batch was sent.
    pub fn shipped(&self, segment: &str, until: i64) -> Result<(), CouchError> {
        let sql = "update lane set shipped = ?3 where database = ?1 and segment = ?2 and shipped < ?3";
        self.writer.execute(sql, params![self.database, segment, until]).map(drop).map_err(told)
    }

    /// Every lane that this database ever had: segment, home, shipped.
    fn all(&self) -> rusqlite::Result<Vec<(String, bool, i64)>> {
        let sql = "select segment, home, shipped from lane where database = ?1 order by segment";
        let mut statement = self.reader.connection.prepare_cached(sql)?;
        let rows = statement.query_map([&self.database], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        rows.collect()
    }

    fn last_id(&self) -> Result<i64, CouchError> {
        self.reader.last_id().map_err(|error| CouchError::Journal(error.to_string()))
    }

    /// What is next, at most `most` events; none where everything is sent.
    pub fn next(&mut self, most: usize) -> Result<Option<Batch>, CouchError> {
        let last_id = self.last_id()?;
        for (segment, home, shipped) in self.all().map_err(told)? {
            if shipped >= last_id {
                continue;
            }
            let batch = self.batch(&segment, home, shipped, last_id, most).map_err(told)?;
            if batch.documents.is_empty() {
                // Nothing but events of others: the next look begins behind them.
                self.shipped(&segment, batch.until)?;
                continue;
            }
            return Ok(Some(batch));
        }
        Ok(None)
    }

    /// The revisions that documents must have by what was sent of a lane, from after a row on; none beyond the last lane.
    /// Also the row to go on from. Documents that have got more events meanwhile are left out.
    pub fn expected(&mut self, lane: usize, after: i64, most: usize) -> Result<Option<Expected>, CouchError> {
        let all = self.all().map_err(told)?;
        let Some((segment, home, shipped)) = all.get(lane) else { return Ok(None) };
        let batch = self.batch(segment, *home, after, *shipped, most).map_err(told)?;
        let mut expected = batch.documents;
        let mut grows = Vec::new();
        for document in &expected {
            grows.push(self.grows(&document.subject, *home, *shipped)?);
        }
        let mut grows = grows.into_iter();
        expected.retain(|_| grows.next() == Some(false));
        let last = batch.until >= *shipped;
        Ok(Some(Expected { documents: expected, until: batch.until, home: *home, last }))
    }

    /// A subject has events after row `until`.
    pub fn grows(&self, subject: &Subject, home: bool, until: i64) -> Result<bool, CouchError> {
        let sql = format!(
            "select exists (select 1 from event where id > ?1 and {} and time >= ?3 and time < ?4 and machine is ?5 \
             and service = ?6)",
            of_lane(home)
        );
        let (begin, end) = subject.micros();
        let values = params![until, subject.segment, begin, end, subject.machine, subject.service];
        let grows = || self.reader.connection.prepare_cached(&sql)?.query_row(values, |row| row.get(0));
        grows().map_err(told)
    }

    /// How much waits.
    pub fn behind(&self) -> Result<Behind, CouchError> {
        let last_id = self.last_id()?;
        let count = || -> rusqlite::Result<Behind> {
            let mut behind = Behind::default();
            for (segment, home, shipped) in self.all()? {
                let of_lane = of_lane(home);
                let sql = format!("select time from event where id > ?1 and {of_lane} order by id limit 1");
                let mut oldest = self.reader.connection.prepare_cached(&sql)?;
                let oldest = oldest.query_row(params![shipped, segment], |row| row.get::<_, i64>(0)).optional()?;
                let Some(oldest) = oldest.and_then(|time| Timestamp::from_microsecond(time).ok()) else { continue };
                behind.oldest = Some(behind.oldest.map_or(oldest, |known| known.min(oldest)));
                let events = if last_id - shipped > COUNTED {
                    last_id - shipped
                } else {
                    let sql = format!("select count(*) from event where id > ?1 and {of_lane}");
                    self.reader
                        .connection
                        .prepare_cached(&sql)?
                        .query_row(params![shipped, segment], |row| row.get(0))?
                };
                behind.events += u64::try_from(events).unwrap_or(0);
            }
            Ok(behind)
        };
        count().map_err(told)
    }

    fn batch(&mut self, segment: &str, home: bool, shipped: i64, last_id: i64, most: usize) -> rusqlite::Result<Batch> {
        let of_lane = of_lane(home);
        let mut subjects: BTreeMap<Subject, Vec<Entry>> = BTreeMap::new();
        let (mut events, mut bytes, mut until) = (0, 0, shipped);
        {
            let sql = format!(
                "select {COLUMNS} from event where id > ?1 and id <= ?3 and time >= ?4 and {of_lane} order by id"
            );
            let mut statement = self.reader.connection.prepare_cached(&sql)?;
            let mut rows = statement.query(params![shipped, segment, last_id, self.horizon(segment, home)?])?;
            while events < most && bytes < LARGEST {
                let Some(row) = rows.next()? else {
                    until = last_id;
                    break;
                };
                let (subject, entry) = entry(row, segment)?;
                learn(&mut self.names, &subject, &entry);
                (events, bytes, until) = (events + 1, bytes + entry.json.len(), entry.id);
                subjects.entry(subject).or_default().push(entry);
            }
        }
        let read = until;
        let mut sent: Vec<Document> = Vec::new();
        for (subject, new) in subjects {
            // Whole, with what is before and after this batch: a database that has more of it than it is sent would
            // take it for another branch, where it has forgotten the revisions between.
            let entries = self.whole(&subject, new, of_lane, (shipped, read, last_id))?;
            let hostname = subject.machine.as_ref().and_then(|machine| self.name(segment, machine));
            let made = documents(&subject, hostname.as_deref(), &entries, shipped).map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(8, rusqlite::types::Type::Text, Box::new(error))
            })?;
            // Of a flood as many full documents as one request takes; the rest is the next batch's.
            let (fit, rest): (Vec<_>, Vec<_>) = made.into_iter().enumerate().partition(|(number, _)| *number < FULL);
            if let Some((_, next)) = rest.first() {
                until = until.min(next.first - 1);
            }
            sent.extend(fit.into_iter().map(|(_, document)| document));
        }
        Ok(Batch { segment: segment.to_owned(), documents: sent, events, until, last: until == last_id })
    }

    /// What happened before may be there in part: what retention left is no whole document any longer.
    fn horizon(&self, segment: &str, home: bool) -> rusqlite::Result<i64> {
        let sql = "select coalesce(max(before), 0) from horizon where segment = ?1 or (segment = '' and ?2)";
        self.reader.connection.prepare_cached(sql)?.query_row(params![segment, home], |row| row.get(0))
    }

    /// All events of a subject up to row `last`: `new` are those after `shipped` and up to `until`.
    fn whole(
        &self,
        subject: &Subject,
        new: Vec<Entry>,
        of_lane: &str,
        (shipped, until, last): (i64, i64, i64),
    ) -> rusqlite::Result<Vec<Entry>> {
        let sql = format!(
            "select {COLUMNS} from event where (id <= ?1 or id > ?7) and id <= ?8 and {of_lane} and time >= ?3 \
             and time < ?4 and machine is ?5 and service = ?6 order by id"
        );
        let mut statement = self.reader.connection.prepare_cached(&sql)?;
        let (begin, end) = subject.micros();
        let values = params![shipped, subject.segment, begin, end, subject.machine, subject.service, until, last];
        let rows = statement.query_map(values, |row| Ok(entry(row, &subject.segment)?.1))?;
        let mut all = new;
        for row in rows {
            all.push(row?);
        }
        all.sort_by_key(|entry| entry.id);
        Ok(all)
    }

    /// What a machine was called when the last of its events happened.
    fn name(&mut self, segment: &str, machine: &str) -> Option<String> {
        if !self.names.contains_key(segment) {
            // Of before the first event that this run has read.
            let machines = self.reader.machines_of(segment).ok()?;
            self.names.insert(segment.to_owned(), named(machines));
        }
        self.names.get(segment)?.get(machine).cloned()
    }
}

/// The events of a lane, `?2` being its segment.
fn of_lane(home: bool) -> &'static str {
    if home { "(segment = ?2 or segment is null)" } else { "segment = ?2" }
}

/// A row of [`COLUMNS`]. Kinds that this version does not know are sent as they are.
fn entry(row: &Row<'_>, segment: &str) -> rusqlite::Result<(Subject, Entry)> {
    let text = |column| row.get::<_, Option<String>>(column);
    let quoted = |text: &Option<String>| text.as_ref().map_or("null".to_owned(), |text| format!("\"{text}\""));
    let micros: i64 = row.get(1)?;
    let time = Timestamp::from_microsecond(micros).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Integer, Box::new(error))
    })?;
    let (machine, mac, own) = (text(3)?, text(4)?, text(2)?);
    let (service, kind): (String, String) = (row.get(5)?, row.get(6)?);
    let severity = Severity::from_number(row.get(7)?);
    let details: String = row.get(8)?;
    let json = format!(
        "{{\"time\":\"{time}\",\"segment\":{},\"machine\":{},\"mac\":{},\"service\":\"{service}\",\
         \"severity\":\"{severity}\",\"kind\":\"{kind}\",\"details\":{details}}}",
        quoted(&own),
        quoted(&machine),
        quoted(&mac),
    );
    let second = micros.div_euclid(1_000_000);
    let subject = Subject { second, segment: segment.to_owned(), machine, service };
    Ok((subject, Entry { id: row.get(0)?, kind, severity: severity.number(), mac, json }))
}

/// Takes the names of machines from what conf said.
fn learn(names: &mut BTreeMap<String, BTreeMap<String, String>>, subject: &Subject, entry: &Entry) {
    if entry.kind != "conf.loaded" {
        return;
    }
    if let Ok(Event { fact: Fact::ConfLoaded { machines, .. }, .. }) = serde_json::from_str(&entry.json) {
        names.insert(subject.segment.clone(), named(machines));
    }
}

/// Names by address.
fn named(machines: Vec<MachineSummary>) -> BTreeMap<String, String> {
    machines.into_iter().map(|machine| (machine.address.to_string(), machine.hostname)).collect()
}
