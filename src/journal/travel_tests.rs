use super::*;
use crate::{
    event::{Action, Architecture, Fact, LeaseSource, MachineSummary, Manner, Service, Severity, Transfer},
    journal::row,
    net::Mac,
};
use proptest::prelude::*;

const SEGMENT: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const OTHER: Ipv4Addr = Ipv4Addr::new(10, 88, 0, 1);

fn mac(last: u8) -> Mac {
    Mac([0x52, 0x54, 0, 0, 0, last])
}

/// Some weeks of two segments, told in events a second apart and more.
fn history(rounds: u32) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    let mut now = Timestamp::from_second(1_700_000_000).unwrap();
    let mut tell = |after: i64, segment: Option<Ipv4Addr>, machine: Option<u8>, fact: Fact| {
        now += SignedDuration::from_millis(after);
        let address = machine.map(|last| Ipv4Addr::new(10, 77, 0, last));
        events.push(Event { time: now, ..Event::new(segment, fact).about(address, machine.map(mac)) });
    };
    tell(0, None, None, Fact::ProgramStarted { version: "1".to_owned() });
    for round in 0..rounds {
        let here = if round % 5 == 4 { OTHER } else { SEGMENT };
        let last = 60 + u8::try_from(round % 7).unwrap();
        if round % 9 == 0 {
            if round % 27 == 0 {
                tell(60_000, None, None, Fact::ProgramStarted { version: round.to_string() });
            }
            for segment in [SEGMENT, OTHER] {
                let machines = (60..64 + u8::try_from(round % 3).unwrap()).map(|last| MachineSummary {
                    address: Ipv4Addr::new(10, 77, 0, last),
                    mac: mac(last),
                    hostname: format!("m{last}-{round}"),
                    boot: Some("practice".to_owned()),
                    armed: None,
                    last: None,
                    firmware: None,
                    power: None,
                });
                let (domain, mode) = (format!("lan{round}"), "authoritative".to_owned());
                let fact = Fact::ConfLoaded { domain, mode, pool: None, machines: machines.collect() };
                tell(5, Some(segment), None, fact);
                let (service, address) = (Service::Dhcp, "UDP port 67".to_owned());
                tell(1, Some(segment), None, Fact::ServiceStarted { service, address });
            }
        }
        let method = "wol".to_owned();
        tell(900, Some(here), Some(last), Fact::PowerAccepted { action: Action::On, method, manner: Manner::Done });
        let architecture = Some(Architecture::Bios);
        let (hostname, relay, vendor) = (Some(format!("h{round}")), None, None);
        tell(
            20,
            Some(here),
            Some(last),
            Fact::DhcpDiscovered { xid: 1, architecture, vendor, ipxe: false, hostname, relay },
        );
        let address = Ipv4Addr::new(10, 77, 0, last);
        let fact = Fact::DhcpAcknowledged {
            xid: 1,
            address,
            boot_file: None,
            lease: 600 + round,
            source: LeaseSource::Pool,
            client: mac(last).to_string(),
            hostname: Some(format!("h{round}")),
            renewal: false,
            architecture,
            ipxe: false,
        };
        tell(30, Some(here), Some(last), fact);
        let transfer = Transfer {
            id: u64::from(round),
            file: "vmlinuz".into(),
            role: crate::event::Role::Kernel,
            size: Some(9),
            bytes: 0,
            millis: 0,
        };
        tell(3, Some(here), Some(last), Fact::HttpRequested { transfer: transfer.clone() });
        for bytes in 1..4 {
            let transfer = Transfer { bytes, ..transfer.clone() };
            tell(100, Some(here), Some(last), Fact::HttpProgressed { transfer });
        }
        tell(3, Some(here), Some(last), Fact::HttpCompleted { transfer: Transfer { bytes: 9, ..transfer } });
        for severity in [Severity::Info, Severity::Debug, Severity::Err] {
            let (text, tag) = (format!("message {round}"), None);
            let fact = Fact::SyslogReceived { severity, facility: None, tag, host: None, sent: None, text };
            tell(7, Some(here), Some(last), fact);
        }
        if round % 4 == 0 {
            tell(90_000, Some(here), Some(last), Fact::DhcpReleased { address });
        }
    }
    events
}

fn store(path: &Path, events: &[Event]) {
    let journal = Journal::open(path).unwrap();
    let transaction = journal.connection.unchecked_transaction().unwrap();
    {
        let mut statement = transaction.prepare_cached(row::INSERT).unwrap();
        events.iter().for_each(|event| row::insert(&mut statement, event).unwrap());
    }
    transaction.commit().unwrap();
}

/// What the screen shows of machines, leases, boots and services.
fn seen(state: &State) -> String {
    let segments = state.segments.iter().map(|(address, segment)| {
        let newest = segment.events.back().map(|event| event.time);
        format!(
            "{address} {} {} {newest:?}\n{:#?}\n{:#?}\n{:#?}",
            segment.current, segment.domain, segment.machines, segment.leases, segment.services
        )
    });
    format!("{:?} {:?}\n{}", state.started, state.mistakes, segments.collect::<Vec<_>>().join("\n"))
}

fn folded(events: &[Event]) -> State {
    let mut state = State::default();
    events.iter().for_each(|event| state.apply(&Arc::new(event.clone())));
    state
}

fn same(traveller: &Traveller, events: &[Event]) {
    let row = usize::try_from(traveller.id).unwrap();
    let (here, there) = (seen(&traveller.state), seen(&folded(&events[..row])));
    if here != there {
        let differ = here.lines().zip(there.lines()).filter(|(a, b)| a != b);
        panic!("row {row}: {:#?}", differ.take(5).collect::<Vec<_>>());
    }
}

#[test]
fn the_state_of_a_moment_is_the_one_that_was_folded_live() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.sqlite");
    let events = history(150);
    store(&path, &events);
    let mut traveller = Traveller::open(&path, Some(SEGMENT)).unwrap().unwrap();
    same(&traveller, &events);
    assert!(traveller.past(Some(SEGMENT), false, 1).unwrap().at_end);
    for row in [1, 2, 3, 700, 600, 1_000, events.len() - 1, 40, 41, events.len()] {
        traveller.at(events[row - 1].time, Some(SEGMENT)).unwrap();
        assert_eq!(traveller.id, i64::try_from(row).unwrap());
        same(&traveller, &events);
    }
    // Between two events the first counts, and so does the clock.
    let pause = events.iter().position(|event| matches!(event.fact, Fact::DhcpReleased { .. })).unwrap();
    let moment = events[pause].time - SignedDuration::from_secs(30);
    traveller.at(moment, Some(SEGMENT)).unwrap();
    assert_eq!((traveller.id, traveller.moment()), (i64::try_from(pause).unwrap(), moment));
    assert_eq!(traveller.next(Some(SEGMENT)).unwrap(), Some(events[pause].time));
    // Beyond what is kept is its edge.
    traveller.jump(SignedDuration::from_hours(-900_000), Some(SEGMENT)).unwrap();
    let past = traveller.past(Some(SEGMENT), false, 1).unwrap();
    assert!(past.at_begin && !past.at_end && past.moment == events[0].time);
    traveller.jump(SignedDuration::from_hours(900_000), Some(SEGMENT)).unwrap();
    let past = traveller.past(Some(SEGMENT), false, 1).unwrap();
    assert!(!past.at_begin && past.at_end && past.moment == events[events.len() - 1].time);
}

#[test]
fn steps_go_through_what_the_audit_of_the_segment_shows() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.sqlite");
    let events = history(60);
    store(&path, &events);
    let shown: Vec<&Event> = events
        .iter()
        .filter(|e| e.severity() != Severity::Debug && (e.segment.is_none() || e.segment == Some(SEGMENT)))
        .collect();
    let mut traveller = Traveller::open(&path, Some(SEGMENT)).unwrap().unwrap();
    for event in shown.iter().rev() {
        assert_eq!(traveller.past(Some(SEGMENT), false, 1).unwrap().event.as_deref(), Some(*event));
        traveller.step(-1, Some(SEGMENT)).unwrap();
    }
    assert!(traveller.past(Some(SEGMENT), false, 1).unwrap().at_begin);
    traveller.step(7, Some(SEGMENT)).unwrap();
    assert_eq!(traveller.past(Some(SEGMENT), false, 1).unwrap().event.as_deref(), Some(shown[7]));
    traveller.step(1_000_000, Some(SEGMENT)).unwrap();
    assert_eq!(traveller.past(Some(SEGMENT), false, 1).unwrap().event.as_deref(), shown.last().copied());
    // What is kept is counted whole.
    let kept = &traveller.kept;
    let errors = events.iter().filter(|event| event.severity() <= Severity::Err).count();
    assert_eq!(kept.buckets.iter().map(|bucket| bucket.events as usize).sum::<usize>(), events.len());
    assert_eq!(kept.buckets.iter().map(|bucket| bucket.errors as usize).sum::<usize>(), errors);
    assert_eq!((kept.begin, kept.end), (events[0].time, events[events.len() - 1].time));
}

#[test]
fn a_journal_without_events_has_no_past() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.sqlite");
    store(&path, &[]);
    assert!(Traveller::open(&path, None).unwrap().is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn wherever_one_walks_the_state_is_that_of_the_place(
        walk in proptest::collection::vec((0..5_u8, -900_i64..900), 1..12),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.sqlite");
        let events = history(150);
        store(&path, &events);
        let mut traveller = Traveller::open(&path, Some(SEGMENT)).unwrap().unwrap();
        for (how, by) in walk {
            let segment = Some(if by % 2 == 0 { SEGMENT } else { OTHER });
            match how {
                0 if by != 0 => traveller.step(by, segment).unwrap(),
                1 => traveller.step(by.signum(), segment).unwrap(),
                2 => traveller.jump(SignedDuration::from_secs(by * 3), segment).unwrap(),
                3 => traveller.begin(segment).unwrap(),
                _ => traveller.at(traveller.kept.begin + SignedDuration::from_secs(by.abs() * 4), segment).unwrap(),
            }
            same(&traveller, &events);
        }
    }
}
