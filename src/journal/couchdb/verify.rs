//! Recomputes the chain of every document from its events, and looks for what the journal has and the database has not.

use super::{
    chain::Chain,
    client::{Client, CouchError},
    document::Document,
    lane::{Expected, Lanes},
};
use crate::conf::Database;
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path};

/// Documents of one request: each may have some hundred KB.
const PAGE: usize = 200;
/// Documents of the journal that are looked up at once.
const LOOKED_UP: usize = 1_000;

/// What is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its `_id`.
    pub id: String,
    /// In words.
    pub words: String,
}

/// Goes through a database, page by page.
pub struct Verifier {
    client: Client,
    lanes: Lanes,
    /// The `_id` to go on from.
    from: Option<String>,
    /// The last part seen of a subject and its chain, for the part that comes next.
    before: Option<(String, Chain)>,
    /// Where the journal's side stands: lane and row.
    asked: Option<(usize, i64)>,
    /// Documents seen.
    pub documents: u64,
    /// Events in them.
    pub events: u64,
}

impl Verifier {
    /// For what the journal at `path` sent to `database`.
    pub fn new(path: &Path, database: &Database) -> Result<Verifier, CouchError> {
        let lanes = Lanes::open(path, &database.url, &[])?;
        Ok(Verifier {
            client: Client::new(database)?,
            lanes,
            from: Some(String::new()),
            before: None,
            asked: None,
            documents: 0,
            events: 0,
        })
    }

    /// What is wrong with the next documents; none at the end. First come all documents of the database, then what of
    /// the journal is not among them.
    pub async fn page(&mut self) -> Result<Option<Vec<Finding>>, CouchError> {
        match self.from.take() {
            Some(from) => self.chains(&from).await.map(Some),
            None => self.missing().await,
        }
    }

    async fn chains(&mut self, from: &str) -> Result<Vec<Finding>, CouchError> {
        let (limit, key) = (PAGE.to_string(), json!(from).to_string());
        let mut options = vec![
            ("include_docs", "true"),
            ("conflicts", "true"),
            ("limit", limit.as_str()),
            ("startkey", key.as_str()),
        ];
        if !from.is_empty() {
            options.push(("skip", "1"));
        }
        let answer = self.client.get("/_all_docs", &options).await?;
        let rows = answer["rows"].as_array().ok_or_else(|| CouchError::Garbled("expected rows".to_owned()))?;
        let mut findings = Vec::new();
        for row in rows {
            let (id, document) = (row["id"].as_str().unwrap_or_default(), &row["doc"]);
            if id.starts_with("_design/") {
                continue;
            }
            self.documents += 1;
            self.events += document["events"].as_array().map_or(0, |events| events.len() as u64);
            let before = self.before.take().filter(|(known, _)| follows(known, id)).map(|(_, chain)| chain);
            match check(id, document, before.as_ref()) {
                Ok(chain) => self.before = Some((id.to_owned(), chain)),
                Err(words) => findings.push(Finding { id: id.to_owned(), words }),
            }
        }
        self.from = rows.last().and_then(|row| row["id"].as_str()).map(ToOwned::to_owned);
        Ok(findings)
    }

    async fn missing(&mut self) -> Result<Option<Vec<Finding>>, CouchError> {
        let (lane, after) = self.asked.unwrap_or((0, 0));
        let Some(Expected { documents: expected, until, home, last }) = self.lanes.expected(lane, after, LOOKED_UP)?
        else {
            return Ok(None);
        };
        self.asked = Some(if last { (lane + 1, 0) } else { (lane, until) });
        let keys: Vec<&str> = expected.iter().map(|document| document.id.as_str()).collect();
        let body = json!({ "keys": keys }).to_string().into_bytes();
        let answer = self.client.post("/_all_docs", &[], body).await?;
        let there: BTreeMap<&str, (&str, bool)> = answer["rows"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|row| {
                let value = &row["value"];
                Some((row["id"].as_str()?, (value["rev"].as_str()?, value["deleted"] == true)))
            })
            .collect();
        let mut findings = Vec::new();
        for Document { id, revision, subject, .. } in &expected {
            let words = match there.get(id.as_str()) {
                None => "the journal has it, and it is not there: `pxelator audit resend` sends it".to_owned(),
                Some((found, true)) => format!("it was deleted there: {}", again(found)),
                Some((found, false)) if found == revision => continue,
                // It got more events between the two looks; its chain was seen to be whole.
                Some(_) if self.lanes.grows(subject, home, until)? => continue,
                Some((found, false)) => {
                    format!("the journal says revision {revision}, and {found} is there: {}", again(found))
                }
            };
            findings.push(Finding { id: id.clone(), words });
        }
        Ok(Some(findings))
    }
}

/// How to get the journal's own document back.
fn again(revision: &str) -> String {
    format!("purge that revision (POST _purge, {revision}), then `pxelator audit resend` sends the journal's")
}

/// `id` is the part that comes after `before`.
fn follows(before: &str, id: &str) -> bool {
    let (subject, part) = split(id);
    split(before) == (subject, part.wrapping_sub(1))
}

/// The subject of an `_id`, and its part.
fn split(id: &str) -> (&str, usize) {
    match id.match_indices('~').nth(3) {
        Some((at, _)) => (&id[..at], id[at + 1..].parse().unwrap_or(0)),
        None => (id, 1),
    }
}

/// The chain of a document, or what is wrong with it. Pure.
fn check(id: &str, document: &Value, before: Option<&Chain>) -> Result<Chain, String> {
    let Some(events) = document["events"].as_array() else {
        return Err("it has no events: it is none of PXElator's, or was changed by hand".to_owned());
    };
    let part = split(id).1;
    if part != 1 && before.is_none() {
        return Err("the part before it is not there, or wrong".to_owned());
    }
    let mut chain = Chain::new(id, before.filter(|_| part != 1));
    for event in events {
        chain.add(event).map_err(|error| error.to_string())?;
    }
    let revision = document["_rev"].as_str().unwrap_or_default();
    if revision != chain.revision() {
        let expected = chain.revision();
        return Err(format!("its events were changed: they make revision {expected}, and it is {revision}"));
    }
    let counted = document["count"].as_u64();
    if counted != Some(events.len() as u64) {
        return Err(format!("its count is {}, and it has {} events", document["count"], events.len()));
    }
    match document["_conflicts"].as_array() {
        Some(others) => Err(format!("{} other revisions are in conflict with it", others.len())),
        None => Ok(chain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_changed_is_found() {
        let id = "2026-11-24T09:20:05Z~10.77.0.1~-~syslog";
        let events = json!([{"details": {"text": "a"}}, {"details": {"text": "b"}}]);
        let mut chain = Chain::new(id, None);
        events.as_array().unwrap().iter().for_each(|event| chain.add(event).unwrap());
        let good = json!({"_rev": chain.revision(), "count": 2, "events": events});
        assert_eq!(check(id, &good, None).unwrap().revision(), chain.revision());
        let changed = |change: &dyn Fn(&mut Value)| {
            let mut document = good.clone();
            change(&mut document);
            check(id, &document, None).unwrap_err()
        };
        assert!(changed(&|d| d["events"][0]["details"]["text"] = "c".into()).contains("were changed"));
        assert!(changed(&|d| drop(d["events"].as_array_mut().unwrap().pop())).contains("were changed"));
        assert!(changed(&|d| d["_rev"] = "3-aa".into()).contains("and it is 3-aa"));
        assert!(changed(&|d| d["count"] = 7.into()).contains("count is 7"));
        assert!(changed(&|d| d["_conflicts"] = json!(["2-bb"])).contains("conflict"));
        assert!(changed(&|d| d["events"] = Value::Null).contains("no events"));
        let further = format!("{id}~2");
        assert!(follows(id, &further) && follows(&further, &format!("{id}~3")) && !follows(id, &format!("{id}~3")));
        assert!(check(&further, &good, None).unwrap_err().contains("part before"));
    }
}
