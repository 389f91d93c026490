//! The events of one second, machine and service as the document that CouchDB keeps. Pure.

use super::chain::Chain;
use crate::event::Severity;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use std::{collections::BTreeMap, fmt};

/// Bytes of events in one document at most: a service for CouchDB takes documents of 1 MB, CouchDB itself of 8 MB.
const LARGEST: usize = 900_000;

/// What a document is about. In the order of its `_id`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// Seconds since 1970.
    pub second: i64,
    /// The server's own address.
    pub segment: String,
    /// The machine's address; none for what is about no machine.
    pub machine: Option<String>,
    /// The service's name.
    pub service: String,
}

impl Subject {
    /// `2026-11-24T09:20:05Z`.
    pub fn second(&self) -> String {
        Timestamp::from_second(self.second).map_or_else(|_| self.second.to_string(), |second| second.to_string())
    }

    /// Its first microsecond, and the one after its last.
    pub fn micros(&self) -> (i64, i64) {
        (self.second * 1_000_000, (self.second + 1) * 1_000_000)
    }

    /// The `_id` of its first or a further part.
    fn id(&self, part: usize) -> String {
        if part == 1 { self.to_string() } else { format!("{self}~{part}") }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let machine = self.machine.as_deref().unwrap_or("-");
        write!(f, "{}~{}~{machine}~{}", self.second(), self.segment, self.service)
    }
}

/// One event as it lies in the journal.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its row.
    pub id: i64,
    /// Its kind.
    pub kind: String,
    /// 0 to 7.
    pub severity: u8,
    /// The machine's hardware address.
    pub mac: Option<String>,
    /// The whole event, as `pxelator log --json` prints it.
    pub json: String,
}

/// A document ready to be sent.
#[derive(Debug, Serialize)]
pub struct Document {
    /// `_id`.
    #[serde(rename = "_id")]
    pub id: String,
    /// `_rev`.
    #[serde(rename = "_rev")]
    pub revision: String,
    #[serde(rename = "_revisions")]
    revisions: Revisions,
    second: String,
    segment: String,
    machine: Option<String>,
    mac: Option<String>,
    hostname: Option<String>,
    service: String,
    /// Which part of its subject, from 1.
    part: usize,
    /// How many events.
    count: usize,
    kinds: BTreeMap<String, usize>,
    severities: BTreeMap<&'static str, usize>,
    events: Vec<Box<RawValue>>,
    /// The first row that is in it.
    #[serde(skip)]
    pub first: i64,
    /// What it is about.
    #[serde(skip)]
    pub subject: Subject,
}

#[derive(Debug, Serialize)]
struct Revisions {
    start: usize,
    ids: Vec<String>,
}

/// The documents of a subject that have events after row `shipped`; `entries` are all it has, in order.
/// Errors are those of an entry that is no JSON.
pub fn documents(
    subject: &Subject,
    hostname: Option<&str>,
    entries: &[Entry],
    shipped: i64,
) -> serde_json::Result<Vec<Document>> {
    let mut documents = Vec::new();
    let mut before: Option<Chain> = None;
    for (number, entries) in parts(entries).into_iter().enumerate() {
        let part = number + 1;
        let id = subject.id(part);
        let mut chain = Chain::new(&id, before.as_ref());
        for entry in entries {
            chain.add(&serde_json::from_str(&entry.json)?)?;
        }
        if entries.last().is_some_and(|last| last.id > shipped) {
            let mut kinds = BTreeMap::new();
            let mut severities = BTreeMap::new();
            for entry in entries {
                *kinds.entry(entry.kind.clone()).or_default() += 1;
                *severities.entry(Severity::from_number(entry.severity).name()).or_default() += 1;
            }
            // Its own where all have the same.
            let mac = entries.first().and_then(|first| first.mac.clone());
            documents.push(Document {
                id,
                revision: chain.revision(),
                revisions: Revisions { start: chain.generation(), ids: chain.ids().map(ToOwned::to_owned).collect() },
                second: subject.second(),
                segment: subject.segment.clone(),
                machine: subject.machine.clone(),
                mac: mac.filter(|mac| entries.iter().all(|entry| entry.mac.as_ref() == Some(mac))),
                hostname: hostname.map(ToOwned::to_owned),
                service: subject.service.clone(),
                part,
                count: entries.len(),
                kinds,
                severities,
                events: entries
                    .iter()
                    .map(|entry| RawValue::from_string(entry.json.clone()))
                    .collect::<serde_json::Result<_>>()?,
                first: entries.first().map_or(0, |entry| entry.id),
                subject: subject.clone(),
            });
        }
        before = Some(chain);
    }
    Ok(documents)
}

/// Cuts where a document would be too large. What comes later never changes an earlier cut.
fn parts(entries: &[Entry]) -> Vec<&[Entry]> {
    let mut parts = Vec::new();
    let (mut begin, mut bytes) = (0, 0);
    for (at, entry) in entries.iter().enumerate() {
        if bytes + entry.json.len() > LARGEST && at > begin {
            parts.push(&entries[begin..at]);
            (begin, bytes) = (at, 0);
        }
        bytes += entry.json.len();
    }
    if begin < entries.len() {
        parts.push(&entries[begin..]);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn subject() -> Subject {
        Subject {
            second: 1_795_512_005,
            segment: "10.77.0.1".into(),
            machine: Some("10.77.0.60".into()),
            service: "syslog".into(),
        }
    }

    fn entry(id: i64, text: &str) -> Entry {
        let json = serde_json::json!({"kind": "syslog.received", "details": {"text": text}}).to_string();
        let severity = if id % 2 == 0 { 3 } else { 6 };
        Entry { id, kind: "syslog.received".into(), severity, mac: Some("52:54:00:00:00:60".into()), json }
    }

    fn values(documents: &[Document]) -> Vec<Value> {
        documents.iter().map(|document| serde_json::to_value(document).unwrap()).collect()
    }

    #[test]
    fn a_second_is_one_document_at_the_revision_of_its_events() {
        let entries: Vec<Entry> = (1..=133).map(|id| entry(id, &format!("message {id}"))).collect();
        let all = values(&documents(&subject(), Some("web1"), &entries, 0).unwrap());
        assert_eq!(all.len(), 1);
        let document = &all[0];
        assert_eq!(document["_id"], "2026-11-24T09:20:05Z~10.77.0.1~10.77.0.60~syslog");
        assert!(document["_rev"].as_str().unwrap().starts_with("133-"));
        assert_eq!(document["_revisions"]["ids"].as_array().unwrap().len(), 133);
        assert_eq!(document["kinds"], serde_json::json!({"syslog.received": 133}));
        assert_eq!(document["severities"], serde_json::json!({"err": 66, "info": 67}));
        assert_eq!(document["events"][132]["details"]["text"], "message 133");
        assert_eq!((&document["mac"], &document["hostname"]), (&"52:54:00:00:00:60".into(), &"web1".into()));
        let earlier = values(&documents(&subject(), None, &entries[..100], 0).unwrap());
        assert_eq!(earlier[0]["_revisions"]["ids"][0], document["_revisions"]["ids"][33], "each goes on from the last");
        assert!(documents(&subject(), None, &entries, 133).unwrap().is_empty(), "nothing new");
    }

    #[test]
    fn too_much_for_one_document_goes_on_in_the_next() {
        let long = "x".repeat(LARGEST / 3);
        let entries: Vec<Entry> = (1..=5).map(|id| entry(id, &long)).collect();
        let all = values(&documents(&subject(), None, &entries, 0).unwrap());
        let counts: Vec<_> = all.iter().map(|d| (d["_id"].as_str().unwrap().rsplit('~').next(), &d["count"])).collect();
        assert_eq!(counts, [(Some("syslog"), &2.into()), (Some("2"), &2.into()), (Some("3"), &1.into())]);
        let new = values(&documents(&subject(), None, &entries, 2).unwrap());
        assert_eq!(new, all[1..], "a full part is not sent again");
    }
}
