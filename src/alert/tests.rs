//! Stories of alerts: what happens at which second, and what is told.

use super::*;
use crate::{
    conf::{Conf, Machine, Segment, alerts},
    event::{Action, Asker, Event, Fact, Means, Severity},
    net::Mac,
    state::alerts::Alerts,
};
use jiff::{SignedDuration, Timestamp};
use std::{net::Ipv4Addr, sync::Arc};

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn mac(last: u8) -> Mac {
    Mac([2, 0, 0, 0, 0, last])
}

/// A segment of a switch (2) and machines behind it, web1 (60) and web2 (61), and of db1 (62), which stands alone.
fn conf(rules: &[(&str, &str)]) -> Arc<Conf> {
    let mut segment = Segment::new(SERVER);
    for (last, name) in [(2, "switch1"), (60, "web1"), (61, "web2"), (62, "db1")] {
        let mut machine = Machine::new([10, 77, 0, last].into(), mac(last), name);
        if name.starts_with("web") {
            machine.depends.push("switch1".to_owned());
        }
        segment.machines.insert(machine.address, Arc::new(machine));
    }
    for (name, lines) in rules {
        segment.alerts.insert((*name).to_owned(), alerts::rule(lines, alerts::usual(name)).unwrap());
    }
    for (name, lines) in [("mail", "bell"), ("chat", "bell\nseverity crit\nrepeat 1h")] {
        segment.receivers.insert(name.to_owned(), alerts::receiver(lines).unwrap());
    }
    let mut conf = Conf::default();
    conf.segments.insert(SERVER, Arc::new(segment));
    Arc::new(conf)
}

struct Story {
    rules: Rules,
    engine: Engine,
    /// All that happened, as state keeps it for the next run.
    past: Vec<Arc<Event>>,
    now: i64,
}

impl Story {
    fn new(rules: &[(&str, &str)]) -> Story {
        Story { rules: Rules::of(conf(rules)), engine: Engine::default(), past: Vec::new(), now: 0 }
    }

    /// Lets time go by, and gives what was told, each with its second.
    fn until(&mut self, second: i64) -> Vec<String> {
        let mut told = Vec::new();
        while self.now < second {
            self.now += 1;
            for event in self.engine.tick(&self.rules, at(self.now)) {
                let name = event.mac.map_or_else(String::new, |mac| format!(" {}", mac.0[5]));
                let text = match &event.fact {
                    Fact::AlertFired { rule, subject, .. } => format!("fired {rule} {subject}"),
                    Fact::AlertPending { rule, subject, .. } => format!("pending {rule} {subject}"),
                    Fact::AlertWithdrawn { rule, subject, .. } => format!("withdrawn {rule} {subject}"),
                    Fact::AlertResolved { rule, subject, cause, .. } => format!("{cause:?} {rule} {subject}"),
                    Fact::AlertDamped { rule, times, .. } => format!("damped {rule} {times}"),
                    other => other.to_string(),
                };
                told.push(format!("{}{name} {}", self.now, text.trim_end()));
                self.past.push(Arc::new(event));
            }
        }
        told
    }

    /// It happens in the second that comes now.
    fn happens(&mut self, machine: u8, fact: Fact) {
        let of = (machine > 0).then_some(machine);
        let event = Event { time: at(self.now), ..Event::new(Some(SERVER), fact) }
            .about(of.map(|last| [10, 77, 0, last].into()), of.map(mac));
        self.engine.hear(&self.rules, &event);
        self.past.push(Arc::new(event));
    }

    /// The program is killed and begins anew, and knows what the journal has.
    fn restart(&mut self) {
        let mut alerts = Alerts::default();
        self.past.iter().for_each(|event| alerts.apply(event));
        self.engine = Engine::begin(alerts, &self.rules, &self.past);
    }

    fn due(&self) -> Vec<String> {
        let due = due(&self.engine.alerts, &self.rules, at(self.now));
        due.iter()
            .map(|due| {
                let word = if due.over { "over " } else { "" };
                let again = if due.again { " again" } else { "" };
                format!("{word}{} to {}{again}", due.key.rule, due.name)
            })
            .collect()
    }

    fn delivered(&mut self, machine: u8, rule: &str, receiver: &str, over: bool) {
        let (rule, subject, receiver) = (rule.to_owned(), String::new(), receiver.to_owned());
        self.happens(machine, Fact::AlertDelivered { rule, subject, receiver, means: Means::Bell, over, tries: 1 });
    }
}

fn fails(check: &str) -> Fact {
    Fact::CheckFailed { check: check.into(), said: "no answer".into(), times: 2 }
}

fn recovers(check: &str) -> Fact {
    Fact::CheckRecovered { check: check.into(), said: "1 ms".into(), millis: 1 }
}

fn looped() -> Fact {
    Fact::BootLooped { cause: "no kernel".into(), next_step: "look".into(), until: at(0) }
}

#[test]
fn a_machine_is_down_once_and_up_again() {
    let mut story = Story::new(&[]);
    story.happens(62, fails("ping"));
    assert_eq!(story.until(60), ["1 62 pending down", "2 62 fired down"]);
    story.happens(62, fails("ping"));
    assert!(story.until(120).is_empty(), "it is told once");
    story.happens(62, recovers("ping"));
    assert_eq!(story.until(180), ["121 62 Cleared down"]);
}

#[test]
fn what_ends_before_its_time_is_not_told() {
    let mut story = Story::new(&[("down", "for 30s")]);
    story.happens(62, fails("ping"));
    assert_eq!(story.until(20), ["1 62 pending down"]);
    story.happens(62, recovers("ping"));
    assert_eq!(story.until(90), ["21 62 withdrawn down"]);
}

#[test]
fn services_of_a_machine_that_is_down_are_explained() {
    let mut story = Story::new(&[]);
    story.happens(62, fails("tcp 22"));
    story.happens(62, fails("http /health"));
    story.until(5);
    story.happens(62, fails("ping"));
    let told = story.until(60);
    assert_eq!(
        told,
        [
            "6 62 pending down",
            "6 62 withdrawn service http /health",
            "6 62 withdrawn service tcp 22",
            "7 62 fired down"
        ]
    );
    // It comes back, and one of its services does not: that is one alert for itself.
    story.happens(62, recovers("ping"));
    story.until(65);
    story.happens(62, recovers("tcp 22"));
    assert_eq!(story.until(120), ["66 62 withdrawn service tcp 22", "76 62 fired service http /health"]);
}

#[test]
fn a_dead_switch_is_one_alert() {
    for late in [0, 5, 40] {
        let mut story = Story::new(&[]);
        story.happens(60, fails("ping"));
        story.happens(61, fails("ping"));
        story.happens(61, fails("tcp 22"));
        let mut told = story.until(late);
        story.happens(2, fails("ping"));
        told.extend(story.until(120));
        let fired: Vec<&String> = told.iter().filter(|told| told.contains("fired")).collect();
        if late < 12 {
            assert_eq!(fired, [&format!("{} 2 fired down", late + 2)], "{told:?}");
        } else {
            // Those that were told before are taken back.
            assert!(told.contains(&"41 60 Explained down".to_owned()), "{told:?}");
            assert!(told.contains(&"41 61 Explained down".to_owned()), "{told:?}");
        }
        // All come back, the switch first.
        story.happens(2, recovers("ping"));
        let mut told = story.until(122);
        story.happens(60, recovers("ping"));
        story.happens(61, recovers("ping"));
        story.happens(61, recovers("tcp 22"));
        told.extend(story.until(300));
        assert!(told.contains(&"121 2 Cleared down".to_owned()), "{told:?}");
        assert!(!told.iter().any(|told| told.contains("fired")), "{told:?}");
    }
}

#[test]
fn machines_that_wait_for_each_other_are_told_nevertheless() {
    let mut tree = (*conf(&[])).clone();
    let mut segment = (*tree.segments[&SERVER]).clone();
    let mut switch = (*segment.machines[&Ipv4Addr::new(10, 77, 0, 2)]).clone();
    switch.depends.push("web1".to_owned());
    segment.machines.insert(switch.address, Arc::new(switch));
    tree.segments.insert(SERVER, Arc::new(segment));
    let mut story = Story::new(&[]);
    story.rules = Rules::of(Arc::new(tree));
    story.happens(60, fails("ping"));
    story.happens(2, fails("ping"));
    let told = story.until(60);
    assert!(told.contains(&"2 60 fired down".to_owned()) && told.contains(&"2 2 fired down".to_owned()), "{told:?}");
}

#[test]
fn who_switches_it_off_knows_it() {
    let off = || Fact::PowerRequested { action: Action::Reset, method: "qemu".into(), by: Asker::Operator };
    let mut story = Story::new(&[]);
    story.happens(62, off());
    story.until(10);
    story.happens(62, fails("ping"));
    assert!(story.until(200).is_empty());
    // It is not back in time.
    assert_eq!(story.until(400), ["300 62 pending down", "302 62 fired down"]);
    // Once it was back, the reset explains nothing any more.
    let mut story = Story::new(&[]);
    story.happens(62, off());
    story.happens(62, fails("ping"));
    story.until(30);
    story.happens(62, recovers("ping"));
    story.until(60);
    story.happens(62, fails("ping"));
    assert_eq!(story.until(100), ["61 62 pending down", "62 62 fired down"]);
}

#[test]
fn what_comes_and_goes_is_told_seldom() {
    let mut story = Story::new(&[]);
    let mut told = Vec::new();
    for _ in 0..20 {
        story.happens(62, fails("ping"));
        told.extend(story.until(story.now + 30));
        story.happens(62, recovers("ping"));
        told.extend(story.until(story.now + 30));
    }
    let count = |word: &str| told.iter().filter(|told| told.contains(word)).count();
    assert_eq!((count("fired down"), count("damped down 4"), count("Cleared down")), (4, 1, 3), "{told:?}");
    assert_eq!((count("fired flapping ping"), count("Expired")), (1, 0), "{told:?}");
    // Its end is told when it was quiet; also where the program began anew meanwhile.
    story.until(1500);
    story.restart();
    let told = story.until(4_000);
    assert_eq!(told, ["1770 62 Cleared down", "2940 62 Expired flapping ping"]);
}

#[test]
fn an_alert_ends_after_its_time() {
    let mut story = Story::new(&[("mine", "when kind=boot.looped\nafter 1m")]);
    story.happens(62, looped());
    story.until(30);
    story.happens(62, looped());
    let told: Vec<String> = story.until(200).into_iter().filter(|told| told.contains("mine")).collect();
    assert_eq!(told, ["90 62 Expired mine"]);
}

#[test]
fn some_events_within_a_time() {
    let mut story = Story::new(&[("mine", "when kind=boot.looped\ncount 3\nwithin 1m\nafter 5m\nseverity notice")]);
    let mine = |told: Vec<String>| told.into_iter().filter(|told| told.contains("mine")).collect::<Vec<_>>();
    for _ in 0..4 {
        story.happens(62, looped());
        assert!(mine(story.until(story.now + 40)).is_empty());
    }
    story.happens(62, looped());
    story.until(165);
    story.happens(62, looped());
    assert_eq!(mine(story.until(170)), ["166 62 fired mine"]);
}

#[test]
fn a_rule_that_is_gone_ends_its_alerts() {
    let mut story = Story::new(&[("mine", "when kind=boot.looped\nafter 1d")]);
    story.happens(62, looped());
    story.until(5);
    story.rules = Rules::of(conf(&[("boot-looped", "off")]));
    assert_eq!(story.until(9), ["6 62 Removed boot-looped", "6 62 Removed mine"]);
}

#[test]
fn a_text_of_ones_own() {
    let lines = "when kind=check.failed check=disk\nafter 1h\ntext {{ machine }} ({{ address }}): {{ check }}, {{ times }} times";
    let mut story = Story::new(&[("disk", lines)]);
    story.happens(62, fails("disk"));
    story.until(2);
    let (_, alert) = story.engine.alerts.open.first_key_value().unwrap();
    assert_eq!(alert.text, "db1 (10.77.0.62): disk, 2 times");
}

#[test]
fn a_restart_changes_nothing() {
    // After each second of a story the program may be killed: what is told is the same.
    for killed in 0..60 {
        let mut story = Story::new(&[]);
        let mut told = Vec::new();
        for second in 0..90 {
            match second {
                5 => story.happens(62, fails("ping")),
                6 => story.happens(62, fails("tcp 22")),
                20 => story.happens(60, fails("ping")),
                22 => story.happens(2, fails("ping")),
                30 => story.happens(62, recovers("ping")),
                40 => story.happens(2, recovers("ping")),
                41 => story.happens(60, recovers("ping")),
                _ => {}
            }
            if second == killed {
                story.restart();
            }
            let loud = |told: &String| told.contains("fired") || told.contains("Cleared");
            told.extend(story.until(second + 1).into_iter().filter(loud));
        }
        let seen: Vec<&str> = told.iter().map(|told| told.split_once(' ').unwrap().1).collect();
        assert_eq!(
            seen,
            ["62 fired down", "2 fired down", "62 Cleared down", "2 Cleared down", "62 fired service tcp 22"],
            "killed at {killed}: {told:?}"
        );
    }
}

#[test]
fn who_is_to_be_told() {
    let mut story = Story::new(&[("down", "for 0"), ("boot-looped", "to mail")]);
    story.happens(62, fails("ping"));
    story.until(1);
    assert_eq!(story.due(), ["down to chat", "down to mail"]);
    story.delivered(62, "down", "chat", false);
    let failed = Fact::AlertUndelivered {
        rule: "down".into(),
        subject: String::new(),
        receiver: "mail".into(),
        means: Means::Email,
        over: false,
        error: "refused".into(),
        next_step: "look".into(),
        retry: Some(2_000),
    };
    story.happens(62, failed);
    assert_eq!(story.due(), ["down to mail"]);
    story.restart();
    assert_eq!(story.due(), ["down to mail"], "a restart forgets nothing and tells nobody twice");
    story.delivered(62, "down", "mail", false);
    assert!(story.due().is_empty());
    // It is told again, where the receiver says so.
    story.until(3_601);
    assert_eq!(story.due(), ["down to chat again"]);
    story.delivered(62, "down", "chat", false);
    // Its end is told to both, and once.
    story.happens(62, recovers("ping"));
    story.until(3_610);
    assert_eq!(story.due(), ["over down to chat", "over down to mail"]);
    story.delivered(62, "down", "chat", true);
    story.restart();
    assert_eq!(story.due(), ["over down to mail"]);
    story.delivered(62, "down", "mail", true);
    assert!(story.due().is_empty());
    // A rule that names who is told; the other wants only what is critical.
    story.happens(62, looped());
    story.until(3_620);
    assert_eq!(story.due(), ["boot-looped to mail"]);
}

#[test]
fn what_somebody_looks_after_and_what_is_silenced() {
    let silence = |until: i64| Fact::AlertSilenced { rule: None, subject: None, until: at(until), by: Asker::Operator };
    let acknowledge =
        || Fact::AlertAcknowledged { rule: "down".into(), subject: String::new(), by: Asker::Operator, note: None };
    let mut story = Story::new(&[("down", "for 0\nto mail")]);
    story.happens(62, silence(100));
    story.happens(62, fails("ping"));
    story.until(99);
    assert!(story.due().is_empty());
    story.until(101);
    assert_eq!(story.due(), ["down to mail"], "it still fires when the silence is over");
    story.happens(62, acknowledge());
    assert!(story.due().is_empty());
    story.happens(62, recovers("ping"));
    story.until(110);
    assert!(story.due().is_empty(), "nobody was told that it began");

    // What ends within a silence is told nobody, also after it.
    story.happens(62, silence(200));
    story.happens(62, fails("ping"));
    story.until(120);
    story.happens(62, recovers("ping"));
    story.until(300);
    assert!(story.due().is_empty());

    // Who was told of it is told its end, although somebody looked after it.
    story.happens(62, fails("ping"));
    story.until(310);
    story.delivered(62, "down", "mail", false);
    story.happens(62, acknowledge());
    story.happens(62, recovers("ping"));
    story.until(320);
    assert_eq!(story.due(), ["over down to mail"]);

    // What was over before anybody could be told is told as one thing.
    let mut story = Story::new(&[("down", "for 0\nto mail")]);
    story.until(320);
    story.happens(62, fails("ping"));
    story.until(321);
    story.happens(62, recovers("ping"));
    story.until(330);
    assert_eq!(story.due(), ["over down to mail"]);
}

#[test]
fn back_offs_grow() {
    let seconds: Vec<u64> = (0..10).map(|tries| back_off(tries).as_secs()).collect();
    assert_eq!(seconds, [2, 2, 5, 10, 30, 60, 120, 300, 300, 300]);
    assert!(GIVE_UP >= SignedDuration::from_hours(1));
}

#[test]
fn words() {
    let mut story = Story::new(&[]);
    story.happens(62, fails("ping"));
    story.until(3);
    let (key, alert) = story.engine.alerts.open.first_key_value().unwrap();
    let notice = Notice::of(key, alert, &story.rules, None);
    assert_eq!(notice.title(), "db1: down");
    assert!(notice.body().starts_with("db1: ping fails: no answer (2 times in a row)\n\nRule      down\n"));
    assert_eq!(notice.severity, Severity::Crit);
    let mut over = alert.clone();
    over.resolved = Some(at(63));
    let over = Notice::of(key, &over, &story.rules, None);
    assert_eq!(over.title(), "over: db1: down");
    assert!(over.body().contains("after 62 s"), "{}", over.body());
    assert_ne!(notice.id, over.id);
    assert_eq!(notice.id, Notice::of(key, alert, &story.rules, None).id, "each try tells the same");
    assert_eq!(over.first_id(), notice.id);
    let again = Notice::of(key, alert, &story.rules, Some(at(60)));
    assert!(again.title().starts_with("STILL ") && again.id != notice.id);
}
