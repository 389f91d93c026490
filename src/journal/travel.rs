//! Goes through the journal from event to event and from moment to moment, with the state as it stood there.

use super::{Journal, JournalError, row};
use crate::{
    event::{Event, Severity},
    state::{
        State,
        past::{Bucket, Kept, Past},
    },
};
use jiff::{SignedDuration, Timestamp};
use std::{collections::VecDeque, net::Ipv4Addr, path::Path, sync::Arc};

/// Rows that are folded anew where somebody steps back: the state before them is kept.
const BACK: i64 = 512;
/// Rows that are folded one by one to get on; where it is farther, a state is made anew.
const FAR: i64 = 8_192;
/// Parts of the span kept that are counted.
const BUCKETS: i64 = 480;
/// Rows looked through for the end of a pause.
const AHEAD: i64 = 4_096;
/// Events that the audit shows: those of the segment (?1) and of the whole program.
const SHOWN: &str = "severity < 7 and (segment is null or segment = ?1)";

/// A reader of the journal at one moment of the past.
pub struct Traveller {
    journal: Journal,
    /// The state after row `base_id`, and the events after it up to row `read`.
    base: State,
    base_id: i64,
    after: VecDeque<(i64, Arc<Event>)>,
    read: i64,
    /// The last row that is in `state`.
    id: i64,
    state: Arc<State>,
    moment: Timestamp,
    kept: Arc<Kept>,
    at_begin: bool,
}

impl Traveller {
    /// Begins at the newest event; none where the journal has no event yet.
    pub fn open(path: &Path, segment: Option<Ipv4Addr>) -> Result<Option<Traveller>, JournalError> {
        let journal = Journal::read(path)?;
        let Some(kept) = journal.kept(segment)? else { return Ok(None) };
        let mut traveller = Traveller {
            journal,
            base: State::default(),
            base_id: 0,
            after: VecDeque::new(),
            read: 0,
            id: 0,
            state: Arc::default(),
            moment: kept.end,
            kept: Arc::new(kept),
            at_begin: false,
        };
        let last = traveller.journal.last_id()?;
        traveller.rebase(last)?;
        Ok(Some(traveller))
    }

    /// Goes so many events on, or back, of those that the audit shows.
    pub fn step(&mut self, steps: i64, segment: Option<Ipv4Addr>) -> Result<(), JournalError> {
        let segment_text = segment.map(|address| address.to_string());
        if steps > 0 {
            let sql = format!(
                "select id from (select id from event where id > ?2 and {SHOWN} order by id limit ?3) \
                 order by id desc limit 1"
            );
            return match self.journal.value(&sql, &[&segment_text, &self.id, &steps])? {
                Some(id) => self.go_to(id),
                None => Ok(()),
            };
        }
        let Some((here, _)) = self.event(segment)? else { return Ok(()) };
        let begin = self.kept.begin.as_microsecond();
        let sql = format!(
            "select id from (select id from event where id < ?2 and {SHOWN} and time >= ?4 order by id desc limit ?3) \
             order by id limit 1"
        );
        match self.journal.value(&sql, &[&segment_text, &here, &-steps, &begin])? {
            Some(id) => self.go_to(id),
            None => {
                self.at_begin = true;
                Ok(())
            }
        }
    }

    /// Goes so long on, or back.
    pub fn jump(&mut self, span: SignedDuration, segment: Option<Ipv4Addr>) -> Result<(), JournalError> {
        let edge = if span.is_negative() { Timestamp::MIN } else { Timestamp::MAX };
        self.at(self.moment.saturating_add(span).unwrap_or(edge), segment)
    }

    /// Goes to a moment; where nothing is kept of it, to the nearest that is.
    pub fn at(&mut self, moment: Timestamp, segment: Option<Ipv4Addr>) -> Result<(), JournalError> {
        if moment >= self.kept.end {
            return self.end(segment);
        }
        let moment = moment.max(self.kept.begin);
        let sql = "select id from event where time <= ?1 order by time desc, id desc limit 1";
        let Some(id) = self.journal.value(sql, &[&moment.as_microsecond()])? else { return Ok(()) };
        self.fold_to(id)?;
        (self.moment, self.at_begin) = (moment, moment == self.kept.begin);
        Ok(())
    }

    /// Goes to the newest event.
    pub fn end(&mut self, segment: Option<Ipv4Addr>) -> Result<(), JournalError> {
        if let Some(kept) = self.journal.kept(segment)? {
            self.kept = Arc::new(kept);
        }
        self.fold_to(self.journal.last_id()?)?;
        (self.moment, self.at_begin) = (self.kept.end, false);
        Ok(())
    }

    /// Goes to the oldest moment kept.
    pub fn begin(&mut self, segment: Option<Ipv4Addr>) -> Result<(), JournalError> {
        self.at(self.kept.begin, segment)
    }

    /// The moment.
    pub fn moment(&self) -> Timestamp {
        self.moment
    }

    /// When the next event comes that the audit shows, as far as can be told at once.
    pub fn next(&self, segment: Option<Ipv4Addr>) -> Result<Option<Timestamp>, JournalError> {
        let sql = format!(
            "select coalesce(min(case when {SHOWN} then time end), max(time)) from \
             (select time, severity, segment from event where time > ?2 order by time limit ?3)"
        );
        let segment = segment.map(|address| address.to_string());
        let next: Option<Option<i64>> = self.journal.value(&sql, &[&segment, &self.moment.as_microsecond(), &AHEAD])?;
        Ok(next.flatten().and_then(|time| Timestamp::from_microsecond(time).ok()))
    }

    /// What is seen here.
    pub fn past(&self, segment: Option<Ipv4Addr>, playing: bool, speed: u32) -> Result<Past, JournalError> {
        Ok(Past {
            state: self.state.clone(),
            moment: self.moment,
            event: self.event(segment)?.map(|(_, event)| event),
            kept: self.kept.clone(),
            at_begin: self.at_begin,
            at_end: self.id >= self.journal.last_id()?,
            playing,
            speed,
        })
    }

    /// The last event until here that the audit shows, and its row.
    fn event(&self, segment: Option<Ipv4Addr>) -> Result<Option<(i64, Arc<Event>)>, JournalError> {
        let is_shown = |event: &Event| {
            event.severity() != Severity::Debug && (event.segment.is_none() || event.segment == segment)
        };
        let mut read = self.after.iter().rev().filter(|(row, event)| *row <= self.id && is_shown(event));
        if let Some(found) = read.next() {
            return Ok(Some(found.clone()));
        }
        let columns = row::COLUMNS;
        let sql = format!("select {columns} from event where id <= ?2 and {SHOWN} order by id desc limit 1");
        let segment = segment.map(|address| address.to_string());
        let found = self.journal.rows(&sql, &[&segment, &self.id])?;
        Ok(found.into_iter().next().map(|(row, event)| (row, Arc::new(event))))
    }

    fn go_to(&mut self, id: i64) -> Result<(), JournalError> {
        self.fold_to(id)?;
        let time = self.journal.value("select time from event where id = ?1", &[&id])?;
        self.moment = time.and_then(|time| Timestamp::from_microsecond(time).ok()).unwrap_or(self.moment);
        self.at_begin = false;
        Ok(())
    }

    /// Makes the state that of row `id`.
    fn fold_to(&mut self, id: i64) -> Result<(), JournalError> {
        if id < self.base_id || id - self.id > FAR {
            return self.rebase(id);
        }
        let from = if id < self.id {
            self.state = Arc::new(self.base.clone());
            self.base_id
        } else {
            self.read_to(id)?;
            self.id
        };
        let state = Arc::make_mut(&mut self.state);
        let to_fold = self.after.iter().filter(|(row, _)| *row > from && *row <= id);
        to_fold.for_each(|(_, event)| state.apply(event));
        self.id = id;
        self.follow();
        Ok(())
    }

    /// Makes the state of row `id` from one some rows before it.
    fn rebase(&mut self, id: i64) -> Result<(), JournalError> {
        let base_id = (id - BACK).max(0);
        self.base = self.journal.state(Some(base_id))?;
        self.state = Arc::new(self.base.clone());
        (self.base_id, self.read, self.id) = (base_id, base_id, base_id);
        self.after.clear();
        self.read_to(id)?;
        let state = Arc::make_mut(&mut self.state);
        self.after.iter().for_each(|(_, event)| state.apply(event));
        self.id = id;
        Ok(())
    }

    fn read_to(&mut self, id: i64) -> Result<(), JournalError> {
        if id > self.read {
            let sql = format!("select {} from event where id > ?1 and id <= ?2 order by id", row::COLUMNS);
            let rows = self.journal.rows(&sql, &[&self.read, &id])?;
            self.after.extend(rows.into_iter().map(|(row, event)| (row, Arc::new(event))));
            self.read = id;
        }
        Ok(())
    }

    /// Lets the base follow, so that not ever more events are kept.
    fn follow(&mut self) {
        let most = usize::try_from(BACK).unwrap_or(usize::MAX);
        let folded = self.after.iter().take_while(|(row, _)| *row <= self.id).count();
        if folded > 2 * most {
            for (row, event) in self.after.drain(..folded - most) {
                self.base.apply(&event);
                self.base_id = row;
            }
        }
    }
}

impl Journal {
    /// What is kept of a segment, with what happened when; none where there is no event.
    pub fn kept(&self, segment: Option<Ipv4Addr>) -> Result<Option<Kept>, JournalError> {
        let edge = |what| self.value::<Option<i64>>(&format!("select {what}(time) from event"), &[]);
        let (Some(oldest), Some(end)) = (edge("min")?.flatten(), edge("max")?.flatten()) else { return Ok(None) };
        // What is older than its horizon is only there for the state to begin with.
        let name = segment.map(|address| address.to_string()).unwrap_or_default();
        let horizon = self.value("select before from horizon where segment = ?1", &[&name])?;
        let begin = oldest.max(horizon.unwrap_or(i64::MIN)).min(end);
        let mut buckets = vec![Bucket::default(); usize::try_from(BUCKETS).unwrap_or(0)];
        // Each of these reads an index, and no event.
        for (among, which) in [("", 0), (" and severity <= 3", 1)] {
            let sql = format!(
                "select (time - ?1) * {BUCKETS} / ?2 as bucket, count(*) from event where time >= ?1{among} group by bucket"
            );
            let said = || super::told(&self.path);
            let mut statement = self.connection.prepare_cached(&sql).map_err(said())?;
            let counts = statement.query_map([begin, end - begin + 1], |row| Ok((row.get(0)?, row.get(1)?)));
            for count in counts.map_err(said())? {
                let (bucket, count): (i64, u32) = count.map_err(said())?;
                if let Some(bucket) = usize::try_from(bucket).ok().and_then(|bucket| buckets.get_mut(bucket)) {
                    *(if which == 0 { &mut bucket.events } else { &mut bucket.errors }) = count;
                }
            }
        }
        let moment = |time| Timestamp::from_microsecond(time).unwrap_or_default();
        Ok(Some(Kept { begin: moment(begin), end: moment(end), buckets }))
    }
}

#[cfg(test)]
#[path = "travel_tests.rs"]
mod tests;
