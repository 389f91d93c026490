use super::*;
use crate::{
    bus::Bus,
    conf,
    event::{Cause, Event, Fact, LeaseSource, Means, Severity},
    journal::{Journal, Query, Traveller, row},
    net::Mac,
};
use std::fs;

const SEGMENT: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const OTHER: Ipv4Addr = Ipv4Addr::new(10, 88, 0, 1);
const DATABASE: &str = "http://127.0.0.1:5984/audit";

fn read(files: &[(&str, &str)]) -> Conf {
    let dir = tempfile::tempdir().unwrap();
    for (path, value) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, value).unwrap();
    }
    conf::read(dir.path(), None).conf
}

fn lane(database: &str, segment: Ipv4Addr, home: bool, shipped: i64) -> Lane {
    Lane { database: database.to_owned(), segment, home, shipped }
}

#[test]
fn what_may_go() {
    let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
    let (week, month) = ("2026-11-17T12:00:00Z", "2026-10-25T12:00:00Z");
    let cut = |segment, before: &str, until| Cut { segment, before: before.parse().unwrap(), until };
    let all = i64::MAX;
    let with = [("10.77.0.1/keep", "7"), ("10.77.0.1/couchdb", DATABASE)];
    let both = [("10.77.0.1/keep", "7"), ("10.88.0.1/keep", "30"), ("10.88.0.1/couchdb", DATABASE)];
    for (why, files, lanes, expected) in [
        ("nothing is said", &[("10.77.0.1/domain", "lan")][..], vec![], vec![]),
        ("one segment", &with[..1], vec![], vec![cut(Some(SEGMENT), week, all), cut(None, week, all)]),
        (
            "a segment that keeps all keeps the program's too",
            &[("10.77.0.1/keep", "7"), ("10.88.0.1/domain", "lan")],
            vec![],
            vec![cut(Some(SEGMENT), week, all)],
        ),
        ("a database that has nothing yet", &with, vec![], vec![]),
        ("another database", &with, vec![lane("http://other:5984/audit", SEGMENT, true, 900)], vec![]),
        ("another segment's lane", &with, vec![lane(DATABASE, OTHER, true, 900)], vec![]),
        (
            "what is shipped",
            &with,
            vec![lane(DATABASE, SEGMENT, true, 500), lane("http://old:5984/audit", SEGMENT, true, 2)],
            vec![cut(Some(SEGMENT), week, 500), cut(None, week, 500)],
        ),
        (
            "the program's go another way",
            &with,
            vec![lane(DATABASE, SEGMENT, false, 500)],
            vec![cut(Some(SEGMENT), week, 500)],
        ),
        (
            "each its own, the program's as long as any",
            &both,
            vec![lane(DATABASE, OTHER, true, 70)],
            vec![cut(Some(SEGMENT), week, all), cut(Some(OTHER), month, 70), cut(None, month, 70)],
        ),
        ("each its own, one not begun", &both, vec![], vec![cut(Some(SEGMENT), week, all)]),
    ] {
        assert_eq!(cuts(&read(files), &lanes, now), expected, "{why}");
    }
}

fn message(time: Timestamp, segment: Ipv4Addr, number: u32) -> Event {
    let (severity, text) = (Severity::Info, format!("message {number} {}", "of some length ".repeat(3)));
    let fact = Fact::SyslogReceived { severity, facility: None, tag: None, host: None, sent: None, text };
    Event { time, ..Event::new(Some(segment), fact) }
}

fn acknowledged(time: Timestamp, last: u8) -> Event {
    let address = Ipv4Addr::new(10, 77, 0, last);
    let fact = Fact::DhcpAcknowledged {
        xid: 1,
        address,
        boot_file: None,
        lease: 900_000,
        source: LeaseSource::Pool,
        client: last.to_string(),
        hostname: None,
        renewal: false,
        architecture: None,
        ipxe: false,
    };
    Event { time, ..Event::new(Some(SEGMENT), fact).about(Some(address), Some(Mac([2, 0, 0, 0, 0, last]))) }
}

fn loaded(time: Timestamp, segment: Ipv4Addr, domain: &str) -> Event {
    let (domain, mode) = (domain.to_owned(), "authoritative".to_owned());
    Event { time, ..Event::new(Some(segment), Fact::ConfLoaded { domain, mode, pool: None, machines: Vec::new() }) }
}

fn store(path: &Path, events: &[Event]) {
    let journal = Journal::open(path).unwrap();
    let transaction = journal.connection.unchecked_transaction().unwrap();
    {
        let mut statement = transaction.prepare_cached(row::INSERT).unwrap();
        events.iter().for_each(|event| row::insert(&mut statement, event).unwrap());
    }
    transaction.commit().unwrap();
    journal.connection.execute_batch("pragma wal_checkpoint(truncate)").unwrap();
}

fn kept(path: &Path) -> Vec<Event> {
    let mut events = Vec::new();
    Journal::read(path).unwrap().select(&Query::default(), |event| events.push(event)).unwrap();
    events
}

#[test]
fn old_events_go_and_what_must_stay_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.sqlite");
    let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
    let days_ago = |days: i64| now - SignedDuration::from_hours(24 * days);
    let released = |time, last| Event {
        time,
        ..Event::new(Some(SEGMENT), Fact::DhcpReleased { address: Ipv4Addr::new(10, 77, 0, last) })
    };
    let started =
        |days| Event { time: days_ago(days), ..Event::new(None, Fact::ProgramStarted { version: "1".into() }) };
    let mut events = vec![
        started(40),
        loaded(days_ago(40), SEGMENT, "first"),
        loaded(days_ago(39), SEGMENT, "second"),
        loaded(days_ago(40), OTHER, "other"),
        acknowledged(days_ago(39), 100),
        acknowledged(days_ago(38), 100),
        acknowledged(days_ago(38), 101),
        released(days_ago(37), 101),
    ];
    events.extend((0..20_000).map(|number| message(days_ago(20), SEGMENT, number)));
    let stays_other = message(days_ago(20), OTHER, 1);
    events.push(stays_other.clone());
    events.extend([started(5), loaded(days_ago(5), SEGMENT, "third"), acknowledged(days_ago(4), 102)]);
    store(&path, &events);
    let before = fs::metadata(&path).unwrap().len();
    let files = [("10.77.0.1/keep", "7"), ("10.88.0.1/domain", "lan")];
    let pruned = prune(&path, &read(&files), now, &|| true).unwrap();
    assert_eq!(pruned, [Pruned { segment: Some(SEGMENT), events: 20_002, before: days_ago(7) }]);
    let stays = [0, 2, 3, 5, 6, 7, 20_008, 20_009, 20_010, 20_011].map(|row: usize| events[row].clone());
    assert_eq!(kept(&path), stays);
    let journal = Journal::open(&path).unwrap();
    journal.connection.execute_batch("pragma wal_checkpoint(truncate)").unwrap();
    let after = fs::metadata(&path).unwrap().len();
    assert!(after * 4 < before, "{before} bytes, then {after}");
    drop(journal);
    // Once more: nothing.
    assert_eq!(prune(&path, &read(&files), now, &|| true).unwrap(), []);
    // At the horizon there is the state of that moment.
    let mut traveller = Traveller::open(&path, Some(SEGMENT)).unwrap().unwrap();
    traveller.begin(Some(SEGMENT)).unwrap();
    let past = traveller.past(Some(SEGMENT), false, 1).unwrap();
    assert_eq!((past.moment, past.kept.begin), (days_ago(7), days_ago(7)));
    let segment = &past.state.segments[&SEGMENT];
    assert_eq!(segment.domain, "second");
    let ended: Vec<_> = segment.leases.iter().map(|lease| (lease.address.octets()[3], lease.ended)).collect();
    assert_eq!(ended, [(100, false), (101, true)]);
    traveller.end(Some(SEGMENT)).unwrap();
    assert_eq!(traveller.past(Some(SEGMENT), false, 1).unwrap().state.segments[&SEGMENT].domain, "third");
}

#[test]
fn what_a_database_does_not_have_stays_and_no_row_number_is_used_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.sqlite");
    let now = crate::event::now();
    let old = now - SignedDuration::from_hours(24 * 9);
    store(&path, &(0..1_000).map(|number| message(old, SEGMENT, number)).collect::<Vec<_>>());
    let files = [("10.77.0.1/keep", "7"), ("10.77.0.1/couchdb", DATABASE)];
    let conf = read(&files);
    assert_eq!(prune(&path, &conf, now, &|| true).unwrap(), []);
    let lane = |shipped: i64| {
        let journal = Journal::open(&path).unwrap();
        let sql = "insert or replace into lane values (?1, '10.77.0.1', 1, ?2)";
        journal.connection.execute(sql, params![DATABASE, shipped]).unwrap();
    };
    lane(400);
    assert_eq!(prune(&path, &conf, now, &|| true).unwrap()[0].events, 400);
    // Told to end, it leaves the rest.
    lane(1_000);
    assert_eq!(prune(&path, &conf, now, &|| false).unwrap(), []);
    assert_eq!(prune(&path, &conf, now, &|| true).unwrap()[0].events, 599);
    assert_eq!(Journal::read(&path).unwrap().last_id().unwrap(), 1_000);
}

#[test]
fn the_writer_goes_on_while_much_is_taken_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.sqlite");
    let now = crate::event::now();
    let old = now - SignedDuration::from_hours(24 * 9);
    store(&path, &(0..300_000).map(|number| message(old, SEGMENT, number)).collect::<Vec<_>>());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let conf = read(&[("10.77.0.1/keep", "7")]);
    let stored = runtime.block_on(async {
        let bus = Bus::default();
        let thread = Journal::open(&path).unwrap().write(bus.subscribe_durable("journal", 100), bus.clone()).unwrap();
        let pruning = {
            let path = path.clone();
            tokio::task::spawn_blocking(move || prune(&path, &conf, now, &|| true).unwrap())
        };
        let (mut stored, mut longest) = (Vec::new(), Duration::ZERO);
        while !pruning.is_finished() {
            let number = u32::try_from(stored.len()).unwrap();
            let event = message(crate::event::now(), SEGMENT, number);
            let began = Instant::now();
            bus.store(vec![event.clone()], Duration::from_secs(60)).await.unwrap();
            longest = longest.max(began.elapsed());
            stored.push(event);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        println!("{} stored meanwhile, each within {longest:?}", stored.len());
        // The newest row of all may have been an old one when the last step was made.
        let gone = pruning.await.unwrap()[0].events;
        assert!((299_999..=300_000).contains(&gone), "{gone}");
        bus.close();
        thread.join().unwrap();
        stored
    });
    assert!(!stored.is_empty());
    let kept = kept(&path);
    assert_eq!(kept[kept.len() - stored.len()..], stored);
}

#[test]
fn what_a_machine_is_armed_with_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.sqlite");
    let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
    let about = |days: i64, fact| {
        let event = Event { time: now - SignedDuration::from_hours(24 * days), ..Event::new(Some(SEGMENT), fact) };
        event.about(Some(Ipv4Addr::new(10, 77, 0, 60)), Some(Mac([2, 0, 0, 0, 0, 60])))
    };
    let armed = |profile: &str| Fact::BootArmed { profile: profile.to_owned(), then: "local".to_owned() };
    let told = || Fact::BootTold { file: "answers/preseed.cfg".to_owned() };
    let events = [
        about(40, armed("alma")),
        about(39, told()),
        about(30, armed("debian")),
        about(29, told()),
        about(28, Fact::BootChosen { profile: "debian".to_owned() }),
        about(1, Fact::BootChosen { profile: "debian".to_owned() }),
    ];
    store(&path, &events);
    prune(&path, &read(&[("10.77.0.1/keep", "7")]), now, &|| true).unwrap();
    assert_eq!(kept(&path), [events[2].clone(), events[3].clone(), events[5].clone()], "the last arming is known");
}

#[test]
fn an_alert_that_is_not_over_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.sqlite");
    let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
    let about = |days: i64, last: u8, fact| {
        let event = Event { time: now - SignedDuration::from_hours(24 * days), ..Event::new(Some(SEGMENT), fact) };
        event.about(Some(Ipv4Addr::new(10, 77, 0, last)), Some(Mac([2, 0, 0, 0, 0, last])))
    };
    let (rule, subject) = (|| "down".to_owned(), String::new);
    let fired =
        || Fact::AlertFired { rule: rule(), subject: subject(), severity: Severity::Crit, text: "gone".to_owned() };
    let over = || Fact::AlertResolved { rule: rule(), subject: subject(), cause: Cause::Cleared, millis: 1 };
    let told = || Fact::AlertDelivered {
        rule: rule(),
        subject: subject(),
        receiver: "mail".to_owned(),
        means: Means::Email,
        over: false,
        tries: 1,
    };
    let events = [
        about(40, 60, fired()),
        about(39, 60, told()),
        about(38, 60, over()),
        about(37, 60, fired()),
        about(36, 60, told()),
        about(35, 61, fired()),
        about(34, 61, over()),
        message(now, SEGMENT, 1),
    ];
    store(&path, &events);
    prune(&path, &read(&[("10.77.0.1/keep", "7")]), now, &|| true).unwrap();
    assert_eq!(kept(&path), [events[3].clone(), events[4].clone(), events[7].clone()]);
    let alerts = Journal::read(&path).unwrap().state(None).unwrap().alerts;
    assert_eq!(alerts.open.len(), 1);
    assert!(alerts.open.values().all(|alert| alert.told.contains_key("mail")));
}
