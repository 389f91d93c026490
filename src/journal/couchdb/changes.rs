//! What other PXElators write to the same database, live from its feed of changes.

use super::{
    client::{Client, CouchError},
    design::{newest_conf, view},
};
use crate::{conf::Database, event::Event};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
    time::Duration,
};

/// Changes that one request asks for.
const MOST: usize = 500;
/// The feed says nothing for so long where nothing changes, and a little longer is waited for that.
const FEED: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(14);
/// Events of each segment's past that are read at the beginning, and documents of one request for them.
const PAST: usize = 2_000;
const PAGE: usize = 50;
/// Documents whose number of known events is kept: those of the last minutes.
const KNOWN: usize = 50_000;

/// Reads along.
pub struct Changes {
    client: Client,
    /// Segments that this program writes itself.
    own: BTreeSet<String>,
    /// Where the feed goes on; none before the beginning.
    since: Option<String>,
    /// How many events of a document were given out. Identifiers begin with their time, so the first is the oldest.
    known: BTreeMap<String, usize>,
}

impl Changes {
    /// Of all segments in `database` but `own`.
    pub fn new(database: &Database, own: &[Ipv4Addr]) -> Result<Changes, CouchError> {
        let own = own.iter().map(ToString::to_string).collect();
        Ok(Changes { client: Client::new(database)?, own, since: None, known: BTreeMap::new() })
    }

    /// The next events of other segments, in the order of their time; first what is to be known of each segment's past.
    /// Empty where nothing happened for some seconds.
    pub async fn next(&mut self) -> Result<Vec<Event>, CouchError> {
        let Some(since) = self.since.clone() else { return self.begin().await };
        let (limit, timeout) = (MOST.to_string(), FEED.as_millis().to_string());
        let options = [("feed", "longpoll"), ("since", &since), ("limit", &limit), ("timeout", &timeout)];
        let answer = match self.client.listen("/_changes", &options, PATIENCE).await {
            // Not every server ends the feed by itself.
            Err(CouchError::Silent(_)) => return self.look().await,
            answer => answer?,
        };
        let rows = answer["results"].as_array().ok_or_else(|| CouchError::Garbled("expected results".to_owned()))?;
        if rows.is_empty() {
            return self.look().await;
        }
        let ids: BTreeSet<String> = rows.iter().filter_map(|row| row["id"].as_str().map(ToOwned::to_owned)).collect();
        let ids: Vec<String> = ids.into_iter().filter(|id| self.is_foreign(id)).collect();
        let mut events = Vec::new();
        if !ids.is_empty() {
            let body = json!({ "keys": ids }).to_string().into_bytes();
            let answer = self.client.post("/_all_docs", &[("include_docs", "true")], body).await?;
            self.take(&answer, &mut events);
        }
        self.since = Some(sequence(&answer["last_seq"]));
        events.sort_by_key(|event| event.time);
        Ok(events)
    }

    /// Nothing came. The database may have been deleted and made anew: then its numbers began anew too.
    async fn look(&mut self) -> Result<Vec<Event>, CouchError> {
        let now = sequence(&self.client.get("", &[]).await?["update_seq"]);
        if self.since.as_deref().map(number) > Some(number(&now)) {
            self.since = None;
            self.known.clear();
        }
        Ok(Vec::new())
    }

    async fn begin(&mut self) -> Result<Vec<Event>, CouchError> {
        // Noted before what is there is read, so that nothing falls between the two.
        let since = sequence(&self.client.get("", &[]).await?["update_seq"]);
        let segments = view(&self.client, "segment", &[("group_level", "1")]).await?;
        let mut events = Vec::new();
        for row in segments["rows"].as_array().into_iter().flatten() {
            let Some(segment) = row["key"][0].as_str().filter(|segment| !self.own.contains(*segment)) else { continue };
            self.past(segment, &mut events).await?;
        }
        self.since = Some(since);
        events.sort_by_key(|event| event.time);
        Ok(events)
    }

    /// The last conf of a segment, and what happened there last.
    async fn past(&mut self, segment: &str, events: &mut Vec<Event>) -> Result<(), CouchError> {
        let (mut from, to) = (json!([segment, {}]).to_string(), json!([segment]).to_string());
        let conf = newest_conf(&self.client, segment).await?;
        self.take(&conf, events);
        let (begin, limit) = (events.len(), PAGE.to_string());
        let mut after = String::new();
        while events.len() - begin < PAST {
            let mut options = vec![
                ("reduce", "false"),
                ("descending", "true"),
                ("include_docs", "true"),
                ("limit", limit.as_str()),
                ("endkey", to.as_str()),
                ("startkey", from.as_str()),
            ];
            if !after.is_empty() {
                options.extend([("startkey_docid", after.as_str()), ("skip", "1")]);
            }
            let page = view(&self.client, "segment", &options).await?;
            self.take(&page, events);
            let rows = page["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
            let Some(last) = rows.last().filter(|_| rows.len() == PAGE) else { break };
            (from, after) = (last["key"].to_string(), last["id"].as_str().unwrap_or_default().to_owned());
        }
        Ok(())
    }

    /// Takes the events of an answer's documents that were not given out before.
    fn take(&mut self, answer: &Value, events: &mut Vec<Event>) {
        for row in answer["rows"].as_array().into_iter().flatten() {
            let (Some(id), Some(all)) = (row["id"].as_str(), row["doc"]["events"].as_array()) else { continue };
            let known = self.known.get(id).copied().unwrap_or(0);
            // What a later version wrote, or another program, is passed over.
            let new = all.iter().skip(known).filter_map(|event| serde_json::from_value::<Event>(event.clone()).ok());
            events.extend(new.filter(|event| event.segment.is_some()));
            self.known.insert(id.to_owned(), all.len());
        }
        while self.known.len() > KNOWN {
            self.known.pop_first();
        }
    }

    /// It is about a segment of another server.
    fn is_foreign(&self, id: &str) -> bool {
        let mut parts = id.split('~');
        let segment = parts.nth(1);
        segment.is_some_and(|segment| !self.own.contains(segment)) && parts.count() >= 2
    }
}

/// A place in the feed: text in CouchDB, a number elsewhere.
fn sequence(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// How many changes there were at that place.
fn number(sequence: &str) -> u64 {
    sequence.split('-').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}
