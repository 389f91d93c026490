//! A journal and what a database has of it: whether each event is there exactly once, in documents that are what they say.

use super::{Couch, run};
use pxelator::{
    bus::{Bus, Delivery},
    event::Event,
    journal::Journal,
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process::{Command, Output},
    sync::Arc,
    time::Duration,
};

/// Bytes of a document's events at most.
const LARGEST: usize = 900_000;

/// Writes the conf of a segment 10.77.0.1 whose database is at `url`.
pub fn configure(folder: &Path, url: &str, login: Option<&str>) {
    let conf = folder.join("conf/10.77.0.1");
    fs::create_dir_all(&conf).unwrap();
    if let Some(login) = login {
        let mut file = fs::OpenOptions::new();
        let file = file.write(true).create(true).truncate(true).mode(0o600).open(conf.join("couchdb.secret"));
        writeln!(file.unwrap(), "{login}").unwrap();
    }
    // Renamed into place, so that a watcher never reads half a value.
    fs::write(conf.join(".new"), format!("{url}\n")).unwrap();
    fs::rename(conf.join(".new"), conf.join("couchdb")).unwrap();
}

/// Writes events into the journal of `folder`.
pub fn write_journal(folder: &Path, events: impl IntoIterator<Item = Event>) {
    let (queue, receiver) = tokio::sync::mpsc::channel(4096);
    let written = Journal::open(&journal(folder)).unwrap().write(receiver, Bus::default()).unwrap();
    events.into_iter().for_each(|event| queue.blocking_send(Delivery::Event(Arc::new(event))).unwrap());
    drop(queue);
    written.join().unwrap();
}

fn journal(folder: &Path) -> std::path::PathBuf {
    folder.join("journal.sqlite")
}

/// `pxelator audit WORD` with the conf and the journal of `folder`.
pub fn audit(folder: &Path, word: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pxelator"));
    command.current_dir(folder).args(["audit", word]).output().unwrap()
}

/// The same, which must go well; what it printed.
pub fn audit_well(folder: &Path, word: &str) -> String {
    run(Command::new(env!("CARGO_BIN_EXE_pxelator")).current_dir(folder).args(["audit", word]))
}

/// All events of the journal of `folder` as `pxelator log --json` prints them.
pub fn journaled(folder: &Path) -> Vec<Value> {
    let said = run(Command::new(env!("CARGO_BIN_EXE_pxelator")).current_dir(folder).args(["log", "--json"]));
    said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Waits until the database has every event of the journal of `folder` exactly once, also while that is written on.
pub fn wait_until_whole(what: &str, couch: &Couch, folder: &Path, patience: Duration) -> BTreeMap<String, Value> {
    let began = std::time::Instant::now();
    loop {
        // The journal first: what the database has more is newer than that.
        let events = journaled(folder);
        let documents = couch.count().map_or_else(BTreeMap::new, |_| couch.all_docs());
        let Err(why) = compare(&events, &documents) else { return documents };
        assert!(began.elapsed() < patience, "{what}: {}: not whole within {patience:?}: {why}", couch.name);
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// How many documents the events make, those too large for one left aside.
pub fn documents(events: &[Value]) -> usize {
    let key =
        |event: &Value| format!("{}{}{}", &event["time"].as_str().unwrap()[..19], event["machine"], event["service"]);
    events.iter().map(key).collect::<std::collections::BTreeSet<_>>().len()
}

/// The database has every event of the journal exactly once.
pub fn assert_whole(what: &str, couch: &Couch, folder: &Path) -> BTreeMap<String, Value> {
    let documents = couch.all_docs();
    compare(&journaled(folder), &documents).unwrap_or_else(|why| panic!("{what}: {}: {why}", couch.name));
    documents
}

/// How often each event is in the documents, against the journal; each document is looked at too.
fn compare(journal: &[Value], documents: &BTreeMap<String, Value>) -> Result<(), String> {
    let mut times: BTreeMap<String, i64> = BTreeMap::new();
    for event in journal {
        *times.entry(event.to_string()).or_default() += 1;
    }
    for (id, document) in documents {
        well_formed(id, document).map_err(|why| format!("{id}: {why}"))?;
        for event in document["events"].as_array().into_iter().flatten() {
            *times.entry(event.to_string()).or_default() -= 1;
        }
    }
    let wrong = |sign: i64| {
        let wrong: Vec<&String> =
            times.iter().filter(|(_, count)| count.signum() == sign).map(|(event, _)| event).collect();
        (!wrong.is_empty()).then(|| format!("{} of {}, the first: {}", wrong.len(), journal.len(), wrong[0]))
    };
    match (wrong(1), wrong(-1)) {
        (None, None) => Ok(()),
        (Some(lost), _) => Err(format!("missing {lost}")),
        (_, Some(more)) => Err(format!("too often, or not in the journal: {more}")),
    }
}

/// A document is what its `_id` and its counts say.
fn well_formed(id: &str, document: &Value) -> Result<(), String> {
    let events = document["events"].as_array().ok_or("it has no events")?;
    let expect = |what: &str, is: &Value, expected: Value| {
        if *is == expected { Ok(()) } else { Err(format!("{what} is {is}, not {expected}")) }
    };
    let revision = document["_rev"].as_str().unwrap_or_default();
    if !revision.starts_with(&format!("{}-", events.len())) {
        return Err(format!("{} events at revision {revision}", events.len()));
    }
    expect("count", &document["count"], events.len().into())?;
    let tally = |field: &str| {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        events.iter().for_each(|event| *counts.entry(event[field].as_str().unwrap_or_default()).or_default() += 1);
        serde_json::to_value(counts).unwrap_or_default()
    };
    expect("kinds", &document["kinds"], tally("kind"))?;
    expect("severities", &document["severities"], tally("severity"))?;
    let text = |field: &str| document[field].as_str().unwrap_or("-").to_owned();
    let name = format!("{}~{}~{}~{}", text("second"), text("segment"), text("machine"), text("service"));
    let part = id.strip_prefix(&name).ok_or(format!("its fields say {name}"))?;
    let number = part.strip_prefix('~').map(str::parse::<usize>);
    if !(part.is_empty() || number.is_some_and(|number| number.is_ok_and(|number| number > 1))) {
        return Err(format!("{part:?} is no further part"));
    }
    for event in events {
        for field in ["machine", "service"] {
            expect(field, &event[field], document[field].clone())?;
        }
        if !event["segment"].is_null() {
            expect("segment", &event["segment"], document["segment"].clone())?;
        }
        let time = event["time"].as_str().unwrap_or_default();
        if time.get(..19) != text("second").get(..19) {
            return Err(format!("an event of {time}"));
        }
    }
    let bytes: usize = events.iter().map(|event| event.to_string().len()).sum();
    if bytes > LARGEST && events.len() > 1 {
        return Err(format!("{bytes} bytes of events"));
    }
    if document["_conflicts"].is_null() { Ok(()) } else { Err(format!("conflicts: {}", document["_conflicts"])) }
}
