//! Lets go what is older than the days that a segment keeps: what may go is decided here, purely, and taken out in
//! small steps, so that nobody who writes waits for it.

use super::{
    BUSY, JournalError,
    past::{ARMING, EACH, LEARNED, Until},
    told,
};
use crate::conf::Conf;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};
use std::{
    collections::BTreeSet,
    net::Ipv4Addr,
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// A question for the rows of alerts of a segment that no later row ends.
const OPEN: &str = "select id from (with ended as (select mac, json_extract(details, '$.rule') as rule, \
     json_extract(details, '$.subject') as subject, max(id) as id from event \
     where kind in ('alert.resolved', 'alert.withdrawn') and segment = ?1 group by 1, 2, 3) \
     select event.id as id from event left join ended on ended.mac is event.mac \
     and ended.rule = json_extract(event.details, '$.rule') and ended.subject = json_extract(event.details, '$.subject') \
     where event.kind in ('alert.pending', 'alert.fired', 'alert.acknowledged', 'alert.damped', 'alert.delivered') \
     and event.segment = ?1 and event.time < ?2 and (ended.id is null or event.id > ended.id))";

/// Events that one transaction takes out: some milliseconds of work.
const AT_ONCE: i64 = 400;
/// Pages that one transaction gives back to the disk.
const PAGES: i64 = 500;
/// Pages of the log from which on it is moved into the database here.
const LOG: i64 = 32_768;
/// Between two of them: more than who waits sleeps before it tries again.
const PAUSE: Duration = Duration::from_millis(10);

/// How far a segment has come in a database: a row of the table `lane`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Its URL, without who asks.
    pub database: String,
    /// The segment.
    pub segment: Ipv4Addr,
    /// Events of the whole program go along.
    pub home: bool,
    /// The last row that is there.
    pub shipped: i64,
}

/// What may go: events of a segment, or of the whole program, until a row and before a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The segment; none for what is about the whole program.
    pub segment: Option<Ipv4Addr>,
    /// Only what happened before.
    pub before: Timestamp,
    /// Only until this row: what comes after it is not in every database yet.
    pub until: i64,
}

/// What may go at `now`. Nothing may of a segment that keeps everything, or of one that is not in conf; nothing that its
/// database does not have yet.
pub fn cuts(conf: &Conf, lanes: &[Lane], now: Timestamp) -> Vec<Cut> {
    let day = SignedDuration::from_hours(24);
    // At a whole second: CouchDB has a document of it, which is there as a whole or gone.
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let before = |days: u32| now.saturating_sub(day.saturating_mul(i32::try_from(days).unwrap_or(i32::MAX)));
    let of = |segment: Ipv4Addr, database: &str| {
        lanes.iter().filter(move |lane| lane.segment == segment && lane.database == database).collect::<Vec<_>>()
    };
    let mut cuts = Vec::new();
    for (address, segment) in &conf.segments {
        let Some(before) = segment.keep.and_then(|days| before(days).ok()) else { continue };
        let until = match &segment.couchdb {
            None => i64::MAX,
            Some(database) => match of(*address, &database.url).iter().map(|lane| lane.shipped).min() {
                Some(shipped) => shipped,
                None => continue,
            },
        };
        cuts.push(Cut { segment: Some(*address), before, until });
    }
    // What is about the whole program is about each segment: the longest time counts.
    let kept: Option<Vec<u32>> = conf.segments.values().map(|segment| segment.keep).collect();
    let longest = kept.and_then(|kept| kept.into_iter().max()).and_then(|days| before(days).ok());
    let databases: Vec<_> =
        conf.segments.iter().filter_map(|(address, segment)| Some((*address, segment.couchdb.as_ref()?))).collect();
    let homes = databases.iter().flat_map(|(segment, database)| of(*segment, &database.url));
    let shipped = homes.filter(|lane| lane.home).map(|lane| lane.shipped).min();
    let until = if databases.is_empty() { Some(i64::MAX) } else { shipped };
    if let (Some(before), Some(until)) = (longest, until) {
        cuts.push(Cut { segment: None, before, until });
    }
    cuts
}

/// What went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// Of which segment; none for what was about the whole program.
    pub segment: Option<Ipv4Addr>,
    /// How many events.
    pub events: u64,
    /// What happened before this is gone, but for what the state at that moment is made of.
    pub before: Timestamp,
}

/// Takes out of the journal at `path` what `conf` does not keep, and gives the room back to the disk, while
/// `may_go_on`.
pub fn prune(
    path: &Path,
    conf: &Conf,
    now: Timestamp,
    may_go_on: &dyn Fn() -> bool,
) -> Result<Vec<Pruned>, JournalError> {
    let said = told(path);
    let connection = Connection::open(path).map_err(&said)?;
    connection.busy_timeout(BUSY).map_err(&said)?;
    connection.pragma_update(None, "synchronous", "normal").map_err(&said)?;
    // Moving the log into the database is waiting for the disk: seldom, and the syncer does it too.
    connection.pragma_update(None, "wal_autocheckpoint", LOG).map_err(&said)?;
    let pruner = Pruner { connection, may_go_on };
    let lanes = pruner.lanes().map_err(&said)?;
    let mut pruned = Vec::new();
    for cut in cuts(conf, &lanes, now) {
        let events = pruner.cut(&cut).map_err(&said)?;
        if events > 0 {
            pruned.push(Pruned { segment: cut.segment, events, before: cut.before });
        }
    }
    pruner.give_back().map_err(&said)?;
    Ok(pruned)
}

struct Pruner<'a> {
    connection: Connection,
    may_go_on: &'a dyn Fn() -> bool,
}

impl Pruner<'_> {
    fn lanes(&self) -> rusqlite::Result<Vec<Lane>> {
        let mut statement = self.connection.prepare("select database, segment, home, shipped from lane")?;
        let lanes = statement.query_map([], |row| {
            let segment: String = row.get(1)?;
            let (database, home, shipped) = (row.get(0)?, row.get(2)?, row.get(3)?);
            Ok(segment.parse().ok().map(|segment| Lane { database, segment, home, shipped }))
        })?;
        Ok(lanes.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    /// Takes out what `cut` lets go; returns how many events that were.
    fn cut(&self, cut: &Cut) -> rusqlite::Result<u64> {
        let segment = cut.segment.map(|address| address.to_string());
        let before = cut.before.as_microsecond();
        let stays = self.what_stays(segment.as_deref(), before)?;
        // In the order of the index, from where the last step came to.
        let mut oldest = self.connection.prepare(
            "select time, id from event where (time, id) > (?1, ?2) and time < ?3 and segment is ?4 and id <= ?5 \
             and id < (select max(id) from event) order by time, id limit ?6",
        )?;
        let (mut time, mut id, mut gone) = (i64::MIN, i64::MIN, 0);
        while (self.may_go_on)() {
            let rows = oldest.query_map(params![time, id, before, segment, cut.until, AT_ONCE], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
            })?;
            let rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            let Some(last) = rows.last() else { break };
            (time, id) = *last;
            let going: Vec<i64> = rows.into_iter().map(|(_, id)| id).filter(|id| !stays.contains(id)).collect();
            if !going.is_empty() {
                gone += going.len() as u64;
                self.delete(&going, segment.as_deref(), before)?;
            }
        }
        Ok(gone)
    }

    /// Rows before the horizon that the state at the horizon is made of: the conf, who had which address, and all that
    /// came of the last arming of each machine, and of alerts that are not over.
    fn what_stays(&self, segment: Option<&str>, before: i64) -> rusqlite::Result<BTreeSet<i64>> {
        let Some(segment) = segment else { return Ok(BTreeSet::new()) };
        let sql = format!(
            "select max(id) from event where kind = 'conf.loaded' and segment = ?1 and time < ?2 \
             union all {} union all {} union all {LEARNED} and segment = ?1 and time < ?2 {EACH} union all \
             select id from event later where kind in ({}) and segment = ?1 and time < ?2 and id >= \
             (select max(id) from event where kind = 'boot.armed' and mac = later.mac and time < ?2) union all {OPEN}",
            Until::lease_ids(true, "time < ?2"),
            Until::lease_ids(false, "time < ?2"),
            ARMING.map(|kind| format!("'{kind}'")).join(", "),
        );
        let mut statement = self.connection.prepare(&sql)?;
        let ids = statement.query_map(params![segment, before], |row| row.get::<_, Option<i64>>(0))?;
        ids.filter_map(Result::transpose).collect()
    }

    /// One small transaction; then a pause, as long as it took and longer.
    fn delete(&self, going: &[i64], segment: Option<&str>, before: i64) -> rusqlite::Result<()> {
        self.in_turn(|| {
            self.connection.execute_batch("begin immediate")?;
            let deleted = (|| {
                let mut delete = self.connection.prepare_cached("delete from event where id = ?1")?;
                for id in going {
                    delete.execute([id])?;
                }
                let horizon = "insert into horizon values (?1, ?2) on conflict do update set before = ?2";
                self.connection.prepare_cached(horizon)?.execute(params![segment.unwrap_or_default(), before])
            })();
            self.connection.execute_batch(if deleted.is_ok() { "commit" } else { "rollback" })?;
            deleted.map(drop)
        })
    }

    /// Gives the pages that are free back to the disk. The file is shorter when the log is next moved into it.
    fn give_back(&self) -> rusqlite::Result<()> {
        let free = || self.connection.query_row("pragma freelist_count", [], |row| row.get::<_, i64>(0));
        let mut before = free()?;
        // Some are left: what is written next needs them.
        while before > PAGES && (self.may_go_on)() {
            self.in_turn(|| {
                // Each row of the answer is a page.
                let mut vacuum = self.connection.prepare_cached(&format!("pragma incremental_vacuum({PAGES})"))?;
                let mut pages = vacuum.query([])?;
                while pages.next()?.is_some() {}
                Ok(())
            })?;
            let left = free()?;
            if left >= before {
                // A journal that was made without it: nothing can be given back.
                break;
            }
            before = left;
        }
        Ok(())
    }

    fn in_turn<T>(&self, work: impl FnOnce() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let began = Instant::now();
        let done = work();
        thread::sleep(began.elapsed().max(PAUSE));
        done
    }
}

#[cfg(test)]
#[path = "retention_tests.rs"]
mod tests;
