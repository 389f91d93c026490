//! Changes of power as they go, a row each.

use super::*;
use crate::net::Mac;

const USUAL: u64 = 60;

fn wish(action: Action, methods: &[&str], was: Option<PowerState>) -> Wish {
    Wish {
        action,
        by: Asker::Operator,
        machine: "web1".into(),
        methods: methods.iter().map(ToString::to_string).collect(),
        usual: Duration::from_secs(USUAL),
        was,
    }
}

/// What is told of a change, in short.
fn short(fact: &Fact) -> String {
    match fact {
        Fact::PowerRequested { method, .. } => format!("ask {method}"),
        Fact::PowerAccepted { method, manner, .. } => format!("{method} {manner:?}").to_lowercase(),
        Fact::PowerFailed { method, error, .. } => format!("{method}: {error}"),
        Fact::PowerConfirmed { method, evidence, millis, .. } => {
            format!("{method} confirmed by {evidence:?} after {millis}").to_lowercase()
        }
        Fact::PowerUnconfirmed { tried, next_step, .. } => {
            let said: Vec<_> = tried.iter().map(|tried| tried.method.as_str()).collect();
            format!("not by {}; {next_step}", said.join(", "))
        }
        other => format!("{other:?}"),
    }
}

/// Plays what is heard at which millisecond, and gives all that is told and what is next.
fn play(wish: Wish, heard: &[(u64, Heard)]) -> (Vec<String>, Next) {
    let mut ladder = Ladder::new(wish);
    let mut step = ladder.begin();
    let mut told: Vec<String> = step.told.iter().map(short).collect();
    for (millis, heard) in heard {
        step = ladder.hear(Duration::from_millis(*millis), heard.clone());
        told.extend(step.told.iter().map(short));
    }
    (told, step.next)
}

fn done() -> Heard {
    Heard::Accepted(Manner::Done)
}

fn no() -> Heard {
    Heard::Failed(PowerError { error: "no answer".into(), next_step: "look".into() })
}

fn seen(evidence: Evidence, begins: bool) -> Heard {
    Heard::Seen { evidence, begins }
}

const ON: Heard = Heard::State(Some(PowerState::On));
const OFF: Heard = Heard::State(Some(PowerState::Off));
const LINK: Evidence = Evidence::Link;
const DISCOVER: Evidence = Evidence::Discover;
const DOCTOR: &str = "go through what switches it: pxelator power doctor web1";

#[test]
fn changes() {
    use {Action::*, Heard::Time};
    let (was_on, was_off) = (Some(PowerState::On), Some(PowerState::Off));
    for (name, wish, heard, expected) in [
        (
            "on: the first sign confirms",
            wish(On, &["amt", "wol"], was_off),
            vec![(100, done()), (1_100, ON), (4_000, seen(DISCOVER, true))],
            vec!["ask amt", "amt done", "amt confirmed by discover after 4000"],
        ),
        (
            "a frame waits a moment for a better witness",
            wish(On, &["wol"], None),
            vec![(1, done()), (4_000, seen(LINK, false)), (4_010, seen(DISCOVER, true))],
            vec!["ask wol", "wol done", "wol confirmed by discover after 4000"],
        ),
        (
            "and is one by itself",
            wish(On, &["wol"], None),
            vec![(1, done()), (4_000, seen(LINK, false)), (5_000, Time)],
            vec!["ask wol", "wol done", "wol confirmed by link after 4000"],
        ),
        (
            "on: its state alone confirms when the usual time is over",
            wish(On, &["amt"], was_off),
            vec![(0, done()), (1_000, ON), (59_000, Time), (60_000, Time)],
            vec!["ask amt", "amt done", "amt confirmed by state after 60000"],
        ),
        (
            "what is asked for instead ends one that waits",
            wish(On, &["wol", "amt"], None),
            vec![(1, Heard::Instead(Off)), (2, done()), (500, Heard::Instead(Off)), (600, seen(DISCOVER, true))],
            vec!["ask wol", "wol done", "not by wol; see what came of power off"],
        ),
        (
            "what is so already needs no proof",
            wish(On, &["amt", "wol"], was_on),
            vec![(20, Heard::Accepted(Manner::Already))],
            vec!["ask amt", "amt already", "amt confirmed by state after 20"],
        ),
        (
            "a rung that fails, and the next",
            wish(On, &["amt", "wol"], None),
            vec![(5_000, no()), (5_001, done()), (9_000, seen(Evidence::Syslog, false))],
            vec!["ask amt", "amt: no answer", "ask wol", "wol done", "wol confirmed by syslog after 9000"],
        ),
        (
            "a rung that accepts and nothing follows, and the next",
            wish(On, &["amt", "wol"], was_off),
            vec![(0, done()), (1_000, OFF), (60_000, Time), (60_001, done()), (70_000, seen(DISCOVER, true))],
            vec![
                "ask amt",
                "amt done",
                "amt: accepted, and it is off after 60 s",
                "ask wol",
                "wol done",
                "wol confirmed by discover after 70000",
            ],
        ),
        (
            "the second rung answers what the first brought about",
            wish(On, &["amt", "qemu"], was_off),
            vec![(0, no()), (1, seen(DISCOVER, true)), (2, done())],
            vec!["ask amt", "amt: no answer", "ask qemu", "qemu done", "qemu confirmed by discover after 1"],
        ),
        (
            "none brings it about",
            wish(On, &["amt", "wol"], None),
            vec![(0, no()), (1, done()), (60_001, Time)],
            vec![
                "ask amt",
                "amt: no answer",
                "ask wol",
                "wol done",
                "wol: accepted, and nothing was seen of the machine within 60 s",
                &format!("not by amt, wol; {DOCTOR}"),
            ],
        ),
        (
            "what a running machine does proves no reset",
            wish(Reset, &["amt"], was_on),
            vec![
                (0, done()),
                (1, ON),
                (2, seen(LINK, false)),
                (3, seen(Evidence::Syslog, false)),
                (4, seen(Evidence::Request, false)),
                (60_000, Time),
            ],
            vec![
                "ask amt",
                "amt done",
                "amt: accepted, and nothing shows within 60 s that it began anew",
                &format!("not by amt; {DOCTOR}"),
            ],
        ),
        (
            "what only one that begins does is a proof",
            wish(Reset, &["amt"], was_on),
            vec![(0, done()), (2, seen(LINK, true)), (1_002, Time)],
            vec!["ask amt", "amt done", "amt confirmed by link after 2"],
        ),
        (
            "off in between is one too",
            wish(Cycle, &["ipmi"], was_on),
            vec![(0, done()), (1_000, OFF), (5_000, ON), (60_000, Time)],
            vec!["ask ipmi", "ipmi done", "ipmi confirmed by state after 60000"],
        ),
        (
            "a machine that was off begins with whatever it sends",
            wish(Pxe, &["ipmi"], was_off),
            vec![(0, done()), (9_000, seen(LINK, false)), (10_000, Time)],
            vec!["ask ipmi", "ipmi done", "ipmi confirmed by link after 9000"],
        ),
        (
            "to be on is not to boot from the network",
            wish(Pxe, &["ipmi"], was_off),
            vec![(0, done()), (1_000, ON), (60_000, Time)],
            vec![
                "ask ipmi",
                "ipmi done",
                "ipmi: accepted and on, and it looked for no address within 60 s",
                "not by ipmi; see on its screen that it boots from the network, and that its MAC is the one of conf",
            ],
        ),
        (
            "a machine in its set-up is silent",
            wish(Setup, &["amt"], was_off),
            vec![(0, done()), (1, seen(DISCOVER, true)), (2, Heard::State(None)), (3_000, ON)],
            vec!["ask amt", "amt done", "amt confirmed by state after 3000"],
        ),
        (
            "off, gently",
            wish(Off, &["amt"], was_on),
            vec![(0, Heard::Accepted(Manner::Gently)), (1_000, ON), (2_000, seen(LINK, true)), (9_000, OFF)],
            vec!["ask amt", "amt gently", "amt confirmed by state after 9000"],
        ),
        (
            "off, and its system does not go",
            wish(Off, &["amt"], was_on),
            vec![(0, Heard::Accepted(Manner::Gently)), (1_000, ON), (60_000, Time), (60_100, done()), (61_000, OFF)],
            vec!["ask amt", "amt gently", "ask amt", "amt done", "amt confirmed by state after 61000"],
        ),
        (
            "off, and silence is no proof",
            wish(Off, &["ipmi"], was_on),
            vec![(0, done()), (1_000, Heard::State(None)), (30_000, Time)],
            vec![
                "ask ipmi",
                "ipmi done",
                "ipmi: accepted, and nothing tells whether it is off: its silence is no proof",
                "not by ipmi; look at the machine; a line of amt, redfish or ipmi in its `power` would tell",
            ],
        ),
        (
            "off, and it stays on",
            wish(Off, &["ipmi", "wol"], was_on),
            vec![(0, done()), (1_000, ON), (30_000, Time), (30_001, no())],
            vec![
                "ask ipmi",
                "ipmi done",
                "ipmi: accepted, and it is still on after 30 s",
                "ask wol",
                "wol: no answer",
                &format!("not by ipmi, wol; {DOCTOR}"),
            ],
        ),
    ] {
        let (told, next) = play(wish, &heard);
        assert_eq!((told, next), (expected.into_iter().map(str::to_owned).collect(), Next::Over), "{name}");
    }
}

#[test]
fn what_is_waited_for() {
    let gently = Next::Ask { rung: 0, gently: true };
    assert_eq!(play(wish(Action::Off, &["amt"], None), &[]).1, gently);
    assert_eq!(play(wish(Action::On, &["amt"], None), &[]).1, Next::Ask { rung: 0, gently: false });
    let until = |heard: &[(u64, Heard)], action| match play(wish(action, &["amt"], None), heard).1 {
        Next::Wait { until } => until.as_millis(),
        other => panic!("{other:?}"),
    };
    assert_eq!(until(&[(500, done())], Action::On), 60_500);
    assert_eq!(until(&[(500, done()), (600, seen(LINK, false))], Action::On), 1_600);
    assert_eq!(until(&[(500, done()), (600, seen(LINK, false))], Action::Reset), 60_500, "it may be a running one's");
    assert_eq!(until(&[(500, Heard::Accepted(Manner::Gently))], Action::Off), 60_500);
    let hard = [(0, Heard::Accepted(Manner::Gently)), (60_000, Heard::Time)];
    assert_eq!(play(wish(Action::Off, &["amt"], None), &hard).1, Next::Ask { rung: 0, gently: false });
    // A system that was asked in vain is not asked by the next rung once more.
    let next = [hard.as_slice(), &[(60_001, no())]].concat();
    assert_eq!(play(wish(Action::Off, &["amt", "ipmi"], None), &next).1, Next::Ask { rung: 1, gently: false });
}

#[test]
fn libpcap_takes_the_filters() {
    for (begins, shared) in [(true, true), (true, false), (false, true), (false, false)] {
        let filter = first_frame(Mac([2, 0, 0, 0, 0, 9]), begins, shared);
        let capture = pcap::Capture::dead(pcap::Linktype::ETHERNET).unwrap();
        capture.compile(&filter, true).unwrap();
    }
}

#[test]
fn a_machines_usual_time_is_its_own() {
    use crate::{
        event::{Event, Manner},
        state::State,
    };
    use jiff::{SignedDuration, Timestamp};
    use std::{net::Ipv4Addr, sync::Arc};
    let mac = Mac([2, 0, 0, 0, 0, 9]);
    for (seconds, expected) in [(&[][..], 180), (&[4][..], 20), (&[30, 4][..], 60), (&[4_000][..], 1_200)] {
        let mut state = State::default();
        let mut now = Timestamp::UNIX_EPOCH;
        for seconds in seconds {
            let mut tell = |fact| {
                let event = Event { time: now, ..Event::new(Some(Ipv4Addr::LOCALHOST), fact) };
                state.apply(&Arc::new(event.about(None, Some(mac))));
            };
            let (action, method) = (Action::Reset, "amt".to_owned());
            tell(Fact::PowerRequested { action, method: method.clone(), by: Asker::Operator });
            tell(Fact::PowerAccepted { action, method, manner: Manner::Done });
            now += SignedDuration::from_secs(*seconds);
            let fact = Fact::DhcpDiscovered {
                xid: 1,
                architecture: Some(crate::event::Architecture::Bios),
                vendor: None,
                ipxe: false,
                hostname: None,
                relay: None,
            };
            let event = Event { time: now, ..Event::new(Some(Ipv4Addr::LOCALHOST), fact) };
            state.apply(&Arc::new(event.about(None, Some(mac))));
            now += SignedDuration::from_secs(1_000);
        }
        let boots = state.segments.get(&Ipv4Addr::LOCALHOST).map(|segment| segment.machines[&mac].boots.clone());
        assert_eq!(usual(boots.iter().flatten(), false), Duration::from_secs(expected), "{seconds:?}");
    }
    assert_eq!(usual([], true), Duration::from_secs(60));
}
