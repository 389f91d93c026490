//! Questions to the database: the events of all servers that a filter wants.

use super::{
    client::{Client, CouchError},
    design::{PATIENCE, newest_conf, view},
};
use crate::{
    conf::Database,
    event::Event,
    filter::{Filter, Names},
    journal::mango::{self, Dialect},
};
use serde_json::{Value, json};

/// Documents of one answer.
const PAGE: usize = 100;

/// Asks one database.
pub struct Finder {
    client: Client,
}

impl Finder {
    /// Of `database`.
    pub fn new(database: &Database) -> Result<Finder, CouchError> {
        Ok(Finder { client: Client::new(database)? })
    }

    /// Sees whether the database answers at all: an answer to a question may take long.
    pub async fn reach(&self) -> Result<(), CouchError> {
        self.client.get("", &[]).await.map(drop)
    }

    /// The names of machines: by the newest conf of each segment, or by every conf there ever was.
    pub async fn names(&self, ever: bool) -> Result<Names, CouchError> {
        let mut known = Vec::new();
        let mut take = |answer: &Value| {
            for row in answer["rows"].as_array().into_iter().flatten() {
                for event in events_of(&row["doc"]) {
                    known.extend(Names::of(&event).0);
                }
            }
        };
        if ever {
            take(&view(&self.client, "conf", &[("reduce", "false"), ("include_docs", "true")]).await?);
        } else {
            let segments = view(&self.client, "conf", &[("group_level", "1")]).await?;
            for row in segments["rows"].as_array().into_iter().flatten() {
                take(&newest_conf(&self.client, row["key"][0].as_str().unwrap_or_default()).await?);
            }
        }
        known.sort();
        known.dedup();
        Ok(Names(known))
    }

    /// The wanted events, the oldest first: the newest `limit`, or handed out as they are read where there is none.
    /// `take` says whether it wants more.
    pub async fn find(
        &self,
        filter: &Filter,
        limit: Option<usize>,
        mut take: impl FnMut(Event) -> bool,
    ) -> Result<(), CouchError> {
        let is_pouchdb = self.client.server().await?.get("express-pouchdb").is_some();
        let dialect = if is_pouchdb { Dialect::PouchDb } else { Dialect::CouchDb };
        let mut pages = Pages::new(mango::selector(filter, dialect), limit.is_some());
        let mut newest: Vec<Event> = Vec::new();
        let mut second: (String, Vec<Event>) = Default::default();
        let mut want = true;
        while let Some(query) = pages.query().filter(|_| want) {
            let answer = self.client.ask("/_find", query.to_string().into_bytes(), PATIENCE).await?;
            let documents = answer["docs"].as_array().ok_or_else(|| CouchError::Garbled("expected docs".to_owned()))?;
            for document in documents {
                let wanted = events_of(document).filter(|event| filter.matches(event));
                match limit {
                    Some(_) => newest.extend(wanted),
                    None => {
                        let of = document["second"].as_str().unwrap_or_default();
                        if second.0 != of {
                            want = want && hand_out(&mut second.1, &mut take);
                            second.0 = of.to_owned();
                        }
                        second.1.extend(wanted);
                    }
                }
            }
            pages.turn(documents);
            // Those of the last second read may not all be there yet.
            want = want && limit.is_none_or(|limit| pages.whole(&newest) < limit);
        }
        if let Some(limit) = limit {
            newest.sort_by_key(|event| event.time);
            let over = newest.len().saturating_sub(limit);
            second.1 = newest.split_off(over);
        }
        if want || limit.is_some() {
            hand_out(&mut second.1, &mut take);
        }
        Ok(())
    }
}

/// In the order of their time, while they are wanted.
fn hand_out(events: &mut Vec<Event>, take: &mut impl FnMut(Event) -> bool) -> bool {
    events.sort_by_key(|event| event.time);
    events.drain(..).all(take)
}

/// What a document has, but for kinds that this version does not know.
fn events_of(document: &Value) -> impl Iterator<Item = Event> {
    let events = document["events"].as_array().into_iter().flatten();
    events.filter_map(|event| serde_json::from_value(event.clone()).ok())
}

/// Goes through what a selector finds, second by second: neither server gives a mark to go on from that the other takes.
struct Pages {
    selector: Value,
    descending: bool,
    /// The second that was read last, and how many documents of it.
    at: Option<(String, usize)>,
    ended: bool,
}

impl Pages {
    fn new(selector: Value, descending: bool) -> Pages {
        Pages { selector, descending, at: None, ended: false }
    }

    /// What to ask next.
    fn query(&self) -> Option<Value> {
        if self.ended {
            return None;
        }
        let begin = json!({"second": {"$gt": ""}});
        let (from, skip) = match &self.at {
            None => (begin, 0),
            Some((second, count)) if self.descending => (json!({"second": {"$gt": "", "$lte": second}}), *count),
            Some((second, count)) => (json!({"second": {"$gte": second}}), *count),
        };
        let order = if self.descending { "desc" } else { "asc" };
        Some(json!({
            "selector": {"$and": [from, self.selector]}, "sort": [{"second": order}], "limit": PAGE, "skip": skip
        }))
    }

    fn turn(&mut self, documents: &[Value]) {
        self.ended = documents.len() < PAGE;
        let second = |document: &Value| document["second"].as_str().unwrap_or_default().to_owned();
        let Some(last) = documents.last().map(second) else { return };
        let count = documents.iter().rev().take_while(|document| second(document) == last).count();
        let before = match &self.at {
            Some((at, before)) if *at == last => *before,
            _ => 0,
        };
        self.at = Some((last, before + count));
    }

    /// How many of these events are of seconds that were read to their end.
    fn whole(&self, events: &[Event]) -> usize {
        let Some((last, _)) = &self.at else { return 0 };
        events.iter().filter(|event| !event.time.to_string().starts_with(last.trim_end_matches('Z'))).count()
    }
}
