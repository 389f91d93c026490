use super::{past::Until, *};
use crate::event::{Fact, LeaseSource, Severity};
use crate::filter::{Filter, Here};
use std::time::Instant;

const SEGMENT: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

fn message(number: u32) -> Event {
    let fact = Fact::SyslogReceived {
        severity: Severity::Info,
        facility: None,
        tag: None,
        host: None,
        sent: None,
        text: format!("message {number}"),
    };
    Event::new(Some(SEGMENT), fact).about(Some(Ipv4Addr::new(10, 77, 0, 60)), None)
}

fn acknowledged(last: u8, client: &str) -> Event {
    let address = Ipv4Addr::new(10, 77, 0, last);
    let fact = Fact::DhcpAcknowledged {
        xid: 1,
        address,
        boot_file: None,
        lease: 3600,
        source: LeaseSource::Pool,
        client: client.to_owned(),
        hostname: None,
        renewal: false,
        architecture: None,
        ipxe: false,
    };
    Event::new(Some(SEGMENT), fact).about(Some(address), Some(crate::net::Mac([2, 0, 0, 0, 0, last])))
}

fn newest(journal: &Journal, limit: usize, messages: usize) -> Vec<Event> {
    let rows = journal.newest(limit, messages, Until::ALL).unwrap();
    rows.into_iter().map(|(_, event)| event).collect()
}

/// Writes events through the real thread and waits until they are stored.
fn store(path: &Path, events: Vec<Event>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let bus = Bus::default();
        let thread = Journal::open(path).unwrap().write(bus.subscribe_durable("journal", 100), bus.clone()).unwrap();
        bus.store(events, Duration::from_secs(60)).await.unwrap();
        bus.close();
        thread.join().unwrap();
    });
}

#[test]
fn when_a_program_last_served() {
    let at = |second, fact| Event { time: Timestamp::from_second(second).unwrap(), ..Event::new(None, fact) };
    let started = |second| at(second, Fact::ProgramStarted { version: "1".into() });
    let stopped = |second| at(second, Fact::ProgramStopped { reason: "quit".into() });
    let later = |second| at(second, Fact::JournalRecovered { waiting: 1 });
    for (events, expected) in [
        (vec![], None),
        (vec![later(1)], Some(1)),
        (vec![started(1), later(2)], Some(2)),
        (vec![started(1), stopped(2)], Some(2)),
        // The command line did something by itself.
        (vec![started(1), stopped(2), later(9)], Some(2)),
        // It was killed.
        (vec![started(1), stopped(2), started(3), later(9)], Some(9)),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.sqlite");
        store(&path, events.clone());
        let last = Journal::read(&path).unwrap().last_time().unwrap();
        assert_eq!(last.map(Timestamp::as_second), expected, "{events:?}");
    }
}

#[test]
fn what_was_stored_is_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.sqlite");
    let events: Vec<Event> = (0..10_000).map(message).collect();
    store(&path, events.clone());
    let journal = Journal::read(&path).unwrap();
    let mut read = Vec::new();
    assert_eq!(journal.select(&Query::default(), |event| read.push(event)).unwrap(), 10_000);
    assert!(read == events);
    assert_eq!(newest(&journal, 1000, 2), events[9_998..]);
    let filter = |text| {
        let here =
            Here { now: jiff::Timestamp::now(), zone: &jiff::tz::TimeZone::UTC, names: &journal.names().unwrap() };
        Filter::parse(text, &here).unwrap()
    };
    let query = Query { filter: filter("service=dhcp"), ..Query::default() };
    assert_eq!(journal.select(&query, |_| panic!("no such event")).unwrap(), 0);
    let query = Query { filter: filter("machine=10.77.0.60"), limit: Some(1), ..Query::default() };
    assert_eq!(journal.select(&query, |event| assert_eq!(event, events[9_999])).unwrap(), 10_000);
}

#[test]
fn the_last_word_on_each_lease() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.sqlite");
    let released = Event::new(Some(SEGMENT), Fact::DhcpReleased { address: Ipv4Addr::new(10, 77, 0, 100) });
    let events =
        vec![acknowledged(100, "a"), acknowledged(101, "b"), acknowledged(100, "c"), released.clone(), message(1)];
    store(&path, events.clone());
    let leases = Journal::open(&path).unwrap().lease_events(SEGMENT, Until::ALL).unwrap();
    assert_eq!(leases, [(2, events[1].clone()), (3, events[2].clone()), (4, released)]);
}

#[test]
fn a_second_writer_a_newer_schema_and_another_file_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.sqlite");
    let first = Journal::open(&path).unwrap();
    assert!(matches!(Journal::open(&path), Err(JournalError::InUse { .. })));
    first.connection.pragma_update(None, "user_version", 99).unwrap();
    drop(first);
    let newer = Journal::open(&path).err().unwrap();
    assert!(newer.to_string().contains("schema 99"), "{newer}");
    let other = dir.path().join("other");
    std::fs::write(&other, "this is no database, but long enough to be taken for a header of one ".repeat(20)).unwrap();
    let error = Journal::open(&other).err().unwrap();
    assert!(error.to_string().contains("move the file aside"), "{error}");
}

#[test]
fn kinds_of_later_versions_are_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.sqlite");
    store(&path, vec![message(1)]);
    let journal = Journal::open(&path).unwrap();
    let sql = "insert into event values (null, 1, null, null, null, 'nfs', 'nfs.mounted', 6, '{\"path\": \"/\"}')";
    journal.connection.execute(sql, []).unwrap();
    assert_eq!(newest(&journal, 10, 1000).len(), 1);
    assert_eq!(journal.last_id().unwrap(), 2);
}

/// SQLite's own limit on pages makes the "disk" full without a disk.
#[test]
fn a_full_disk_keeps_events_waiting_and_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.sqlite");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let bus = Bus::default();
        let mut told = bus.subscribe("test", 20_000);
        let journal = Journal::open(&path).unwrap();
        let pages: i64 = journal.connection.query_row("pragma page_count", [], |row| row.get(0)).unwrap();
        journal.connection.pragma_update(None, "max_page_count", pages + 2).unwrap();
        let thread = journal.write(bus.subscribe_durable("journal", 20_000), bus.clone()).unwrap();
        let events: Vec<Event> = (0..2_000).map(message).collect();
        let began = Instant::now();
        assert!(bus.store(events, Duration::from_secs(60)).await.is_err(), "nothing is confirmed that is not stored");
        assert!(began.elapsed() < Duration::from_secs(50), "who waits is told at once");
        let mut failures = Vec::new();
        while failures.is_empty() {
            if let Some(Delivery::Event(event)) = told.recv().await
                && let Fact::JournalFailed { error, next_step, .. } = &event.fact
            {
                failures.push(format!("{error}; {next_step}"));
            }
        }
        assert_eq!(failures, ["database or disk is full; make room on its disk; it goes on by itself"]);
        bus.close();
        thread.join().unwrap();
    });
}

#[test]
fn questions_use_an_index() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.sqlite");
    drop(Journal::open(&path).unwrap());
    let journal = Journal::read(&path).unwrap();
    let machine = crate::event::MachineSummary {
        address: Ipv4Addr::new(10, 77, 0, 60),
        mac: crate::net::Mac([2, 0, 0, 0, 0, 60]),
        hostname: "web1".to_owned(),
        boot: None,
        armed: None,
        last: None,
        firmware: None,
        power: None,
    };
    let conf = Fact::ConfLoaded { domain: String::new(), mode: String::new(), pool: None, machines: vec![machine] };
    let names = crate::filter::Names::of(&Event::new(Some(SEGMENT), conf));
    let here = Here { now: jiff::Timestamp::now(), zone: &jiff::tz::TimeZone::UTC, names: &names };
    for (text, index) in [
        ("machine=10.77.0.60", "event_machine (machine=?)"),
        ("machine=10.77.0.60 since=-2h", "event_machine (machine=? AND time>?)"),
        ("machine=10.77.0.0/24 since=-2h", "event_"),
        ("machine=web1", "event_machine (machine=?)"),
        ("machine=web1", "event_mac (mac=?)"),
        ("mac=02:00:00:00:00:3c text~panic", "event_mac (mac=?)"),
        ("service=dhcp severity<=err", "event_service (service=?)"),
        ("service=dhcp,tftp panic", "event_"),
        ("kind=boot.stalled not cause~disk", "event_kind (kind=?)"),
        ("kind=dhcp.* bytes>5", "event_"),
        ("since=-2h", "event_time (time>?)"),
        ("bytes>1000", "event_time"),
    ] {
        let query = Query { filter: Filter::parse(text, &here).unwrap(), after: 0, limit: Some(100) };
        let (sql, values) = query::compiled(&query);
        let mut statement = journal.connection.prepare(&format!("explain query plan {sql}")).unwrap();
        let plan = statement.query_map(rusqlite::params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
        let plan: Vec<String> = plan.map(Result::unwrap).collect();
        assert!(plan.iter().any(|step| step.contains(index)), "{text}: {plan:#?}");
    }
}

#[test]
fn an_arming_is_known_however_much_happened_since() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.sqlite");
    let mac = crate::net::Mac([2, 0, 0, 0, 0, 60]);
    let boot = Timestamp::from_second(1_800_000_001).unwrap();
    let about = |second: i64, fact| {
        let event =
            Event { time: Timestamp::from_second(1_800_000_000 + second).unwrap(), ..Event::new(Some(SEGMENT), fact) };
        event.about(Some(Ipv4Addr::new(10, 77, 0, 60)), Some(mac))
    };
    let (profile, tries) = ("debian".to_owned(), 1);
    let mut events = vec![
        about(0, Fact::BootArmed { profile: profile.clone(), then: "local".to_owned() }),
        about(2, Fact::BootTried { profile: profile.clone(), boot, number: 1, tries }),
        about(3, Fact::BootTold { file: "answers/preseed.cfg".to_owned() }),
    ];
    let (verb, argument) = ("notify".to_owned(), "x".to_owned());
    events.push(about(4, Fact::DnsObeyed { verb, argument, script: true, boot: Some(boot) }));
    // Of another machine; more than is read of the service.
    let kept = Fact::BootDiscarded { file: "x".to_owned() };
    let answered = Fact::DnsAnswered { name: "a.".to_owned(), record: "A".to_owned(), answers: Vec::new() };
    for second in 0..2_100 {
        events.push(Event { time: about(10 + second, kept.clone()).time, ..Event::new(Some(SEGMENT), kept.clone()) });
        events
            .push(Event { time: about(10 + second, kept.clone()).time, ..Event::new(Some(SEGMENT), answered.clone()) });
    }
    store(&path, events);
    let state = Journal::read(&path).unwrap().state(None).unwrap();
    let machine = &state.segments[&SEGMENT].machines[&mac];
    let arming = machine.arming.as_ref().unwrap();
    assert_eq!((arming.profile.as_str(), &arming.boots[..]), ("debian", &[boot][..]));
    assert!(machine.was_told("answers/preseed.cfg") && machine.said(Some(boot), "notify", "x").is_some());
}
