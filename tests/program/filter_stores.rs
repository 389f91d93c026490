//! The filter means the same everywhere: what it wants of events in memory, the journal's SQL finds in the journal, and Mango
//! finds in a CouchDB. Random events of every kind, random filters.

mod cases;

use crate::support::{Couch, can_run, couch::POUCHDB};
use cases::{SEGMENTS, events, filters, here_names};
use jiff::tz::TimeZone;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use pxelator::{
    bus::Bus,
    conf::{Database, value},
    event::Event,
    filter::{Filter, Here},
    journal::{
        Journal, Query,
        couchdb::{Finder, Shipper, Step},
    },
};
use std::{path::Path, time::Duration};

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

/// In the order of the documents, which is not that of the events.
fn sorted(events: &[Event]) -> Vec<String> {
    let mut texts: Vec<String> = events.iter().map(|event| serde_json::to_string(event).unwrap()).collect();
    texts.sort();
    texts
}

#[test]
fn a_database_finds_what_the_filter_wants() {
    if !can_run(&[POUCHDB]) {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for couch in Couch::all() {
        let login = couch.login().map(|login| value::login(&login).unwrap());
        let database = Database { login, ..value::database(&couch.url()).unwrap() };
        let cases = (proptest::collection::vec(events(false), 1..60), proptest::collection::vec(filters(), 30));
        let config = Config { cases: 4, failure_persistence: None, max_shrink_iters: 100, ..Config::default() };
        let outcome = TestRunner::new(config).run(&cases, |(events, filters)| {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("journal.sqlite");
            store(&path, &events);
            runtime.block_on(ship(&path, &database));
            let finder = Finder::new(&database).unwrap();
            for text in &filters {
                let filter = parse(text);
                let expected = wanted(&filter, &events);
                let find = async |limit| {
                    let mut found = Vec::new();
                    finder
                        .find(&filter, limit, |event| {
                            found.push(event);
                            true
                        })
                        .await
                        .unwrap();
                    found
                };
                let found = runtime.block_on(find(None));
                prop_assert_eq!(sorted(&found), sorted(&expected), "{}", text);
                prop_assert!(found.is_sorted_by_key(|event| event.time), "{}", text);
                let some = runtime.block_on(find(Some(3)));
                let newest: Vec<_> = found[found.len().saturating_sub(3)..].iter().map(|event| event.time).collect();
                prop_assert_eq!(some.iter().map(|event| event.time).collect::<Vec<_>>(), newest, "{}", text);
            }
            couch.delete_database();
            Ok(())
        });
        outcome.unwrap_or_else(|error| panic!("{}: {error}", couch.name));
    }
}

/// Sends all of a journal as the program does.
async fn ship(path: &Path, database: &Database) {
    // The first takes along what is about the whole program.
    let mut shipper = Shipper::new(path, database, &SEGMENTS).unwrap();
    while shipper.step().await.unwrap() != Step::Idle {}
}
