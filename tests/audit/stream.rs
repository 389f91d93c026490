//! Every event in CouchDB: a document for each second, machine and service, at the revision of its events.

use crate::support::{Couch, Fault, Program, Proxy, SOON, Segment, can_run, couch::POUCHDB, replica, wait_for};
use jiff::Timestamp;
use pxelator::event::{Event, Fact, Severity};
use serde_json::Value;
use std::time::Duration;

/// Messages of the machine 10.77.0.60, all of one second.
fn burst(second: i64, count: i64, length: usize) -> impl Iterator<Item = Event> {
    (0..count).map(move |number| {
        let fact = Fact::SyslogReceived {
            severity: if number % 10 == 0 { Severity::Err } else { Severity::Info },
            facility: Some("kern".to_owned()),
            tag: Some("kernel".to_owned()),
            host: None,
            sent: None,
            text: format!("{number} {}", "ü\"x".repeat(length / 4)),
        };
        let time = Timestamp::from_microsecond(second * 1_000_000 + number).unwrap();
        let event = Event { time, ..Event::new("10.77.0.1".parse().ok(), fact) };
        event.about("10.77.0.60".parse().ok(), crate::support::WEB1.parse().ok())
    })
}

#[test]
fn messages_of_a_second_are_one_document() {
    if !can_run(&[POUCHDB, "logger"]) {
        return;
    }
    for couch in Couch::all() {
        let (segment, host) = Segment::with_web1("audit");
        let proxy = Proxy::start(couch.address(), Some(&segment));
        replica::configure(segment.folder.path(), &couch.url_at(proxy.address()), couch.login().as_deref());
        let _program = Program::start(&segment);
        // A second may end while they are sent. Then once more.
        let second = (0..20).find_map(|turn| {
            let lines: String = (0..133).map(|line| format!("turn {turn}, line {line}\n")).collect();
            std::fs::write(host.folder().join("lines"), lines).unwrap();
            let sent = host.sh("logger -n 10.77.0.1 -P 514 -d -t kernel -p kern.info -f lines");
            assert!(sent.status.success(), "{sent:?}");
            let seconds: Vec<String> = wait_for("all are journaled", SOON, || {
                let events = replica::journaled(segment.folder.path());
                let text = format!("turn {turn}, ");
                let of_turn = |event: &&Value| event["details"]["text"].as_str().is_some_and(|t| t.starts_with(&text));
                let seconds: Vec<_> =
                    events.iter().filter(of_turn).map(|e| e["time"].as_str().unwrap()[..19].to_owned()).collect();
                (seconds.len() == 133).then_some(seconds)
            });
            // Nor did the turn before end in it.
            let whole = seconds.iter().all(|second| *second == seconds[0]);
            let at_that =
                |event: &&Value| event["service"] == "syslog" && event["time"].as_str().unwrap()[..19] == seconds[0];
            let alone = replica::journaled(segment.folder.path()).iter().filter(at_that).count() == 133;
            (whole && alone).then(|| seconds[0].clone())
        });
        let documents = replica::wait_until_whole("a running program", &couch, segment.folder.path(), 3 * SOON);
        let id = format!("{}Z~10.77.0.1~10.77.0.60~syslog", second.expect("133 messages within a second"));
        let document = &documents[&id];
        assert!(document["_rev"].as_str().unwrap().starts_with("133-"), "{}", document["_rev"]);
        assert_eq!(document["events"].as_array().unwrap().len(), 133);
        assert_eq!((&document["hostname"], &document["mac"]), (&"web1".into(), &crate::support::WEB1.into()));
        assert_eq!(
            (&document["kinds"]["syslog.received"], &document["severities"]["info"]),
            (&133.into(), &133.into())
        );
    }
}

#[test]
fn a_second_too_large_for_one_document_goes_on_in_another() {
    if !can_run(&[POUCHDB]) {
        return;
    }
    for couch in Couch::all() {
        let folder = tempfile::tempdir().unwrap();
        replica::configure(folder.path(), &couch.url(), couch.login().as_deref());
        replica::write_journal(folder.path(), burst(1_795_512_005, 2000, 750));
        replica::audit_well(folder.path(), "ship");
        let documents = replica::assert_whole("in parts", &couch, folder.path());
        let name = "2026-11-24T09:20:05Z~10.77.0.1~10.77.0.60~syslog";
        let ids: Vec<&String> = documents.keys().collect();
        assert_eq!(ids, [name, &format!("{name}~2"), &format!("{name}~3")], "{}", couch.name);
        replica::audit_well(folder.path(), "verify");
        // What comes later to the same second goes on in the last.
        replica::write_journal(folder.path(), burst(1_795_512_005, 10, 50));
        replica::audit_well(folder.path(), "ship");
        let longer = replica::assert_whole("and on", &couch, folder.path());
        let changed: Vec<&String> =
            longer.iter().filter(|(id, now)| documents.get(*id) != Some(now)).map(|(id, _)| id).collect();
        assert_eq!(changed, [&format!("{name}~3")], "{}", couch.name);
    }
}

#[test]
fn sending_again_changes_nothing() {
    if !can_run(&[POUCHDB]) {
        return;
    }
    for couch in Couch::all() {
        let folder = tempfile::tempdir().unwrap();
        replica::configure(folder.path(), &couch.url(), couch.login().as_deref());
        // More requests than one, and a second that lies in two of them, with more revisions than CouchDB keeps.
        let quiet = (0..3000).flat_map(|second| burst(1_795_500_000 + second, 1, 50));
        replica::write_journal(folder.path(), quiet.chain(burst(1_795_512_005, 2600, 50)));
        replica::audit_well(folder.path(), "ship");
        let first = replica::assert_whole("at first", &couch, folder.path());
        replica::audit_well(folder.path(), "resend");
        replica::audit_well(folder.path(), "ship");
        let again = replica::assert_whole("once more", &couch, folder.path());
        assert!(first == again, "{}: sending again changed something", couch.name);
        replica::audit_well(folder.path(), "verify");
    }
}

#[test]
fn a_request_that_is_too_large_is_sent_in_smaller_ones() {
    if !can_run(&[POUCHDB]) {
        return;
    }
    let couch = Couch::start();
    let proxy = Proxy::start(couch.address(), None);
    proxy.set_on("_bulk_docs", Fault::TooLarge(200_000));
    let folder = tempfile::tempdir().unwrap();
    replica::configure(folder.path(), &couch.url_at(proxy.address()), None);
    replica::write_journal(folder.path(), (0..100).flat_map(|second| burst(1_795_512_000 + second, 20, 400)));
    replica::audit_well(folder.path(), "ship");
    proxy.wait_until_met(1);
    replica::assert_whole("in smaller requests", &couch, folder.path());
}

#[test]
fn who_asks_is_told_to_nobody() {
    if !can_run(&[POUCHDB]) {
        return;
    }
    let segment = Segment::new("secret");
    let mut couch = Couch::start();
    couch.close("keeper", "hush-hush");
    let proxy = Proxy::start(couch.address(), Some(&segment));
    let configure = |login| replica::configure(segment.folder.path(), &couch.url_at(proxy.address()), Some(login));
    configure("keeper:hush-hush, wrong");
    let program = Program::start(&segment);
    let failed = program.wait("it is refused", |event| event.kind() == "audit.failed");
    let Fact::AuditFailed { next_step, .. } = &failed.fact else { panic!("{failed:?}") };
    assert!(next_step.contains("couchdb.secret"), "{next_step}");
    // The right one is tried as soon as it is there.
    configure("keeper:hush-hush");
    let documents =
        replica::wait_until_whole("after a refusal", &couch, segment.folder.path(), Duration::from_secs(60));
    let said = format!("{:?}{}{documents:?}", program.events(), program.words());
    assert!(!said.contains("hush-hush") && !said.contains("keeper"), "{said}");
}
