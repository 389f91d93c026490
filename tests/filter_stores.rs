//! The filter means the same everywhere: what it wants of events in memory, the journal's SQL finds in the journal, and Mango
//! finds in a CouchDB. Random events of every kind, random filters.

#[path = "filter_stores/cases.rs"]
mod cases;

use cases::{HOME, events, filters, here_names};
use jiff::tz::TimeZone;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use pxelator::{
    bus::Bus,
    event::Event,
    filter::{Filter, Here},
    journal::{Journal, Query, mango},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path, time::Duration};

/// Writes events through the journal's own thread.
fn store(path: &Path, events: &[Event]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let bus = Bus::default();
        let thread = Journal::open(path).unwrap().write(bus.subscribe_durable("journal", 1000), bus.clone()).unwrap();
        bus.store(events.to_vec(), Duration::from_secs(60)).await.unwrap();
        bus.close();
        thread.join().unwrap();
    });
}

fn parse(text: &str) -> Filter {
    let now = "2026-11-24T12:00:00Z".parse().unwrap();
    let here = Here { now, zone: &TimeZone::UTC, names: &here_names() };
    Filter::parse(text, &here).unwrap_or_else(|error| panic!("{error}"))
}

fn wanted(filter: &Filter, events: &[Event]) -> Vec<Event> {
    events.iter().filter(|event| filter.matches(event)).cloned().collect()
}

proptest! {
    #![proptest_config(Config { cases: 48, failure_persistence: None, ..Config::default() })]
    #[test]
    fn the_journal_finds_what_the_filter_wants(
        events in proptest::collection::vec(events(true), 1..60),
        filters in proptest::collection::vec(filters(), 40),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.sqlite");
        store(&path, &events);
        let journal = Journal::read(&path).unwrap();
        for text in &filters {
            let filter = parse(text);
            let expected = wanted(&filter, &events);
            let mut found = Vec::new();
            journal.select(&Query { filter: filter.clone(), ..Query::default() }, |event| found.push(event)).unwrap();
            prop_assert_eq!(&found, &expected, "{}", text);
            let mut some = 0;
            journal.select(&Query { filter, after: 0, limit: Some(3) }, |_| some += 1).unwrap();
            prop_assert_eq!(some, expected.len().min(3), "{}", text);
        }
    }
}

/// Events of one document at most, so that some have several parts.
const PART: usize = 3;

/// The documents that the replica makes of events.
fn documents(events: &[Event]) -> Vec<Value> {
    let mut subjects: BTreeMap<[String; 4], Vec<&Event>> = BTreeMap::new();
    for event in events {
        let second = format!("{}Z", event.time.to_string().get(..19).unwrap());
        let machine = event.machine.map_or("-".to_owned(), |machine| machine.to_string());
        let segment = event.segment.unwrap_or(HOME).to_string();
        subjects.entry([second, segment, machine, event.service().to_string()]).or_default().push(event);
    }
    let parts = subjects.into_iter().flat_map(|(subject, events)| {
        let [second, segment, machine, service] = subject.clone();
        let machine = Some(machine).filter(|machine| machine != "-");
        let one = move |(part, events): (usize, &[&Event])| {
            let part = if part == 0 { String::new() } else { format!("~{}", part + 1) };
            let macs: Vec<_> = events.iter().map(|event| event.mac).collect();
            let mac = macs[0].filter(|first| macs.iter().all(|mac| *mac == Some(*first)));
            json!({
                "_id": subject.join("~") + &part, "second": second, "segment": segment, "machine": machine, "mac": mac,
                "hostname": null, "service": service, "events": events,
            })
        };
        events.chunks(PART).enumerate().map(one).collect::<Vec<_>>()
    });
    parts.collect()
}

/// What Mango finds on a server and the filter wants of that.
fn found(database: &reqwest::Url, filter: &Filter, dialect: mango::Dialect) -> Vec<Event> {
    let asked = json!({"selector": mango::selector(filter, dialect), "limit": 10_000});
    let answer = ask(reqwest::Method::POST, &format!("{database}/_find"), &asked);
    let documents = answer["docs"].as_array().unwrap_or_else(|| panic!("{asked}: {answer}"));
    let events = documents.iter().flat_map(|document| document["events"].as_array().unwrap());
    let events =
        events.map(|event| serde_json::from_value(event.clone()).unwrap_or_else(|error| panic!("{event}: {error}")));
    events.filter(|event| filter.matches(event)).collect()
}

fn ask(method: reqwest::Method, url: &str, body: &Value) -> Value {
    let client = reqwest::blocking::Client::builder().timeout(Duration::from_secs(30)).build().unwrap();
    client.request(method, url).json(body).send().unwrap().json().unwrap()
}

/// In the order of the documents, which is not that of the events.
fn sorted(events: &[Event]) -> Vec<String> {
    let mut texts: Vec<String> = events.iter().map(|event| serde_json::to_string(event).unwrap()).collect();
    texts.sort();
    texts
}

/// Servers are named by `MANGO_URLS`, separated by blanks.
#[test]
fn mango_finds_what_the_filter_wants() {
    let servers = std::env::var("MANGO_URLS").unwrap_or_default();
    for server in servers.split_whitespace() {
        mango_on(server);
    }
    if servers.is_empty() {
        println!("skipped: needs MANGO_URLS");
    }
}

fn mango_on(server: &str) {
    let welcome = reqwest::blocking::get(server).unwrap().json::<Value>().unwrap();
    let is_pouch = welcome.get("express-pouchdb").is_some();
    let dialect = if is_pouch { mango::Dialect::PouchDb } else { mango::Dialect::CouchDb };
    let cases = proptest::collection::vec(events(false), 1..60);
    let wanted_by = proptest::collection::vec(filters(), 60);
    let number = std::cell::Cell::new(0);
    let mut runner =
        TestRunner::new(Config { cases: 8, failure_persistence: None, max_shrink_iters: 200, ..Config::default() });
    let outcome = runner.run(&(cases, wanted_by), |(events, filters)| {
        number.set(number.get() + 1);
        let database =
            reqwest::Url::parse(&format!("{server}/filter-{}-{}", std::process::id(), number.get())).unwrap();
        ask(reqwest::Method::PUT, database.as_str(), &json!({}));
        let documents = documents(&events);
        let stored = ask(reqwest::Method::POST, &format!("{database}/_bulk_docs"), &json!({ "docs": documents }));
        prop_assert!(stored.as_array().is_some_and(|all| all.iter().all(|one| one["error"].is_null())), "{}", stored);
        for text in &filters {
            let filter = parse(text);
            prop_assert_eq!(sorted(&found(&database, &filter, dialect)), sorted(&wanted(&filter, &events)), "{}", text);
        }
        ask(reqwest::Method::DELETE, database.as_str(), &json!({}));
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{server}: {error}"));
}
