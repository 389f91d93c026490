//! The views and indexes of the database, made and upgraded by the program.

use super::client::{Client, CouchError};
use serde_json::{Value, json};
use std::time::Duration;

/// Grows with each change of what is below, so that an older program leaves a newer one's views alone.
const VERSION: u64 = 1;
/// What a question that looks at much gets.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// How often a design that somebody else changes at the same time is tried.
const TRIES: usize = 5;

/// Each view with its map and its reduce. Each has a design of its own: CouchDB builds a design's views together, and a
/// change of one is not to build all anew.
const VIEWS: [(&str, &str, Option<&str>); 6] = [
    // [machine or MAC, second] → how many events
    ("machine", include_str!("views/machine.js"), Some("_sum")),
    // [service, kind, second] → how many events
    ("kind", include_str!("views/kind.js"), Some("_sum")),
    // [hour, segment, service] → how many events
    ("hour", include_str!("views/hour.js"), Some("_sum")),
    // [segment, machine, time] → how a boot came out
    ("boot", include_str!("views/boot.js"), None),
    // [segment, second] → what conf said
    ("conf", include_str!("views/conf.js"), Some("_count")),
    // [segment, second]
    ("segment", include_str!("views/segment.js"), Some("_count")),
];

/// Mango's: what a filter asks most.
const INDEXES: [(&str, &[&str]); 4] = [
    ("second", &["second"]),
    ("machine-second", &["machine", "second"]),
    ("service-second", &["service", "second"]),
    ("segment-second", &["segment", "second"]),
];

/// Puts what is missing or older there.
pub async fn upgrade(client: &Client) -> Result<(), CouchError> {
    for (name, map, reduce) in VIEWS {
        put(client, name, map, reduce).await?;
    }
    for (name, fields) in INDEXES {
        let index = json!({
            "index": {"fields": fields}, "ddoc": format!("pxelator-by-{name}"), "name": name, "type": "json"
        });
        let mut tries = 1;
        // Of two that make it at once, one is told of the other's.
        while let Err(error) = client.post("/_index", &[], index.to_string().into_bytes()).await {
            if tries == TRIES || !matches!(error.code(), Some(409 | 500)) {
                return Err(error);
            }
            tries += 1;
        }
    }
    Ok(())
}

/// Asks a view. One of a large database takes its time at first.
pub async fn view(client: &Client, name: &str, options: &[(&str, &str)]) -> Result<Value, CouchError> {
    client.listen(&format!("/_design/pxelator-{name}/_view/{name}"), options, PATIENCE).await
}

/// The document of a segment's newest conf, as the one row of an answer.
pub async fn newest_conf(client: &Client, segment: &str) -> Result<Value, CouchError> {
    let (from, to) = (json!([segment, {}]).to_string(), json!([segment]).to_string());
    let newest = [("descending", "true"), ("limit", "1"), ("startkey", &*from), ("endkey", &*to)];
    view(client, "conf", &[&newest[..], &[("reduce", "false"), ("include_docs", "true")]].concat()).await
}

async fn put(client: &Client, name: &str, map: &str, reduce: Option<&str>) -> Result<(), CouchError> {
    let path = format!("/_design/pxelator-{name}");
    let mut last = None;
    for _ in 0..TRIES {
        let there = match client.get(&path, &[]).await {
            Ok(design) => Some(design),
            Err(error) if error.code() == Some(404) => None,
            Err(error) => return Err(error),
        };
        let Some(wanted) = upgraded(there.as_ref(), name, map, reduce) else { return Ok(()) };
        match client.put(&path, &wanted).await {
            Err(error) if error.code() == Some(409) => last = Some(error),
            put => return put.map(drop),
        }
    }
    Err(last.unwrap_or(CouchError::Garbled(format!("the design {name} changes all the time"))))
}

/// The design to put in the place of the one that is there; none where that is as new. Pure.
fn upgraded(there: Option<&Value>, name: &str, map: &str, reduce: Option<&str>) -> Option<Value> {
    let version = there.and_then(|design| design["version"].as_u64());
    if version.is_some_and(|version| version >= VERSION) {
        return None;
    }
    let mut view = json!({"map": map});
    if let Some(reduce) = reduce {
        view["reduce"] = reduce.into();
    }
    let mut design = json!({"language": "javascript", "version": VERSION, "views": {name: view}});
    if let Some(revision) = there.and_then(|design| design.get("_rev")) {
        design["_rev"] = revision.clone();
    }
    Some(design)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_designs_are_upgraded_and_newer_left_alone() {
        let new = upgraded(None, "hour", "map", Some("_sum")).unwrap();
        assert_eq!(new["views"]["hour"], json!({"map": "map", "reduce": "_sum"}));
        assert!(new.get("_rev").is_none());
        let foreign = json!({"_rev": "1-a", "views": {}});
        assert_eq!(upgraded(Some(&foreign), "hour", "map", None).unwrap()["_rev"], "1-a");
        for (version, upgrades) in [(VERSION - 1, true), (VERSION, false), (VERSION + 1, false)] {
            let there = json!({"_rev": "1-a", "version": version});
            assert_eq!(upgraded(Some(&there), "hour", "map", None).is_some(), upgrades);
        }
    }
}
