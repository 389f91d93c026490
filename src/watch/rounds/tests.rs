//! Checks over time, with a machine that answers or does not.

use super::*;
use crate::{
    conf::checks::{Check, What},
    net::Mac,
    state::checked::CheckResult,
};
use std::{net::Ipv4Addr, sync::Arc};

const PING: What = What::Ping;
const SSH: What = What::Ssh(22);

/// Rounds of one machine, and a clock.
struct Scene {
    rounds: Rounds,
    begin: Instant,
    now: Duration,
    told: Vec<(u64, String)>,
    looks: usize,
    under_way: Vec<(Duration, Due)>,
}

fn subject() -> Subject {
    let machine = (Ipv4Addr::new(10, 77, 0, 60), Mac([0x52, 0x54, 0, 0x77, 0, 0x60]));
    Subject { segment: Ipv4Addr::new(10, 77, 0, 1), machine: Some(machine) }
}

fn plan(checks: &[(What, bool)]) -> BTreeMap<Key, Planned> {
    let planned = checks.iter().map(|(what, wanted)| {
        let check = Check::new(what.clone());
        let key = Key { subject: subject(), name: Arc::from(check.name()) };
        (key, Planned { check, wanted: *wanted })
    });
    planned.collect()
}

impl Scene {
    fn new(checks: &[(What, bool)]) -> Scene {
        Scene::after(checks, None)
    }

    /// As it begins where all stood like this.
    fn after(checks: &[(What, bool)], result: Option<CheckResult>) -> Scene {
        let begin = Instant::now();
        let mut rounds = Rounds::default();
        let since = Timestamp::from_second(1_000_000 - 60).unwrap();
        let stood = |_: &Key| result.map(|result| Checked { result, since, said: String::new() });
        assert_eq!(rounds.follow(plan(checks), stood, begin), []);
        Scene { rounds, begin, now: Duration::ZERO, told: Vec::new(), looks: 0, under_way: Vec::new() }
    }

    fn at(&self) -> Instant {
        self.begin + self.now
    }

    fn note(&mut self, news: Vec<Told>) {
        for told in news {
            let word = match told.fact {
                Fact::CheckPassed { check, .. } => format!("{check} passed"),
                Fact::CheckFailed { check, times, .. } => format!("{check} failed {times}"),
                Fact::CheckRecovered { check, millis, .. } => format!("{check} recovered {}", millis / 1000),
                Fact::CheckPaused { check, reason } => format!("{check} paused: {reason}"),
                other => panic!("{other:?}"),
            };
            self.told.push((self.now.as_secs(), word));
        }
    }

    /// Goes on for so many seconds; `answers` says which checks come through. A ping that is lost takes a second.
    fn run(&mut self, seconds: u64, answers: impl Fn(&str) -> bool) -> Vec<(u64, String)> {
        let until = self.now + Duration::from_secs(seconds);
        while self.now < until {
            let now = self.now;
            let ended: Vec<(Duration, Due)> = self.under_way.extract_if(.., |(at, _)| *at <= now).collect();
            for (_, due) in ended {
                let well = answers(&due.key.name);
                let look = Look { well, said: "x".into(), millis: well.then_some(1.0) };
                let time = Timestamp::from_millisecond(1_000_000_000 + now.as_millis() as i64).unwrap();
                let news = self.rounds.take(&due.key, look, (self.begin + now, time));
                self.note(news);
            }
            for due in self.rounds.due(self.at(), 100) {
                self.looks += 1;
                let takes = if answers(&due.key.name) { 10 } else { 1000 };
                self.under_way.push((self.now + Duration::from_millis(takes), due));
            }
            self.now += Duration::from_millis(50);
        }
        std::mem::take(&mut self.told)
    }
}

fn words(told: &[(u64, String)]) -> Vec<&str> {
    told.iter().map(|(_, word)| word.as_str()).collect()
}

#[test]
fn a_machine_that_dies_is_told_soon_and_once_and_so_is_its_return() {
    let mut scene = Scene::new(&[(PING, false), (SSH, false)]);
    let mut first = scene.run(60, |_| true);
    first.sort_by(|a, b| a.1.cmp(&b.1));
    assert_eq!(words(&first), ["ping passed", "ssh passed"]);
    let died = scene.now.as_secs();
    let told = scene.run(120, |_| false);
    assert_eq!(words(&told), ["ping failed 3", "ssh paused: its ping fails"]);
    assert!((3..=18).contains(&(told[0].0 - died)), "{told:?}");
    let back = scene.now.as_secs();
    let told = scene.run(60, |_| true);
    assert!(told[0].1.starts_with("ping recovered 1") && told[1].1 == "ssh passed" && told.len() == 2, "{told:?}");
    assert!(told[0].0 - back <= 6 && told[1].0 - back <= 8, "{told:?}");
}

#[test]
fn a_sign_of_life_brings_a_look_at_once() {
    let mut scene = Scene::new(&[(PING, false)]);
    scene.run(30, |_| true);
    scene.run(1000, |_| false);
    // Its next turn is some seconds away.
    while scene.rounds.next().is_none_or(|due| due < scene.at() + Duration::from_secs(3)) {
        scene.run(1, |_| false);
    }
    let (looks, at) = (scene.looks, scene.at());
    scene.rounds.heard(subject(), at);
    let told = scene.run(1, |_| true);
    assert!(scene.looks > looks && told[0].1.starts_with("ping recovered"), "{told:?}");
}

#[test]
fn who_just_spoke_needs_no_ping_but_is_measured_now_and_then() {
    let mut quiet = Scene::new(&[(PING, true)]);
    quiet.run(300, |_| true);
    let mut chatty = Scene::new(&[(PING, true)]);
    chatty.run(10, |_| true);
    for _ in 0..290 {
        let at = chatty.at();
        chatty.rounds.heard(subject(), at);
        chatty.run(1, |_| true);
    }
    assert!((28..=33).contains(&quiet.looks), "{}", quiet.looks);
    assert!((9..=21).contains(&chatty.looks), "{}", chatty.looks);
    // What is lost while it speaks is no sign of its end.
    for _ in 0..60 {
        let at = chatty.at() + Duration::from_millis(500);
        chatty.rounds.heard(subject(), at);
        assert_eq!(chatty.run(1, |_| false), []);
    }
}

#[test]
fn what_was_never_there_is_no_failure_unless_conf_names_it() {
    let mut scene = Scene::new(&[(PING, false), (SSH, false)]);
    assert_eq!(scene.run(1300, |name| name == "ping").len(), 1);
    // Ten minutes between looks for what nobody promised.
    let pings = 131;
    assert!(scene.looks <= pings + 10, "{}", scene.looks);
    let mut scene = Scene::new(&[(PING, true), (SSH, true)]);
    let told = scene.run(60, |name| name == "ping");
    assert_eq!(words(&told), ["ping passed", "ssh failed 2"]);
    // One that never answered pings says nothing of the rest.
    let mut scene = Scene::new(&[(PING, true), (SSH, true)]);
    let mut told = scene.run(60, |name| name == "ssh");
    told.sort_by(|a, b| a.1.cmp(&b.1));
    assert_eq!(words(&told), ["ping failed 3", "ssh passed"]);
}

#[test]
fn a_service_that_breaks_alone_is_told_and_one_on_a_dead_machine_is_not() {
    let checks = [(PING, true), (SSH, true)];
    let mut scene = Scene::new(&checks);
    scene.run(60, |_| true);
    assert_eq!(words(&scene.run(60, |name| name == "ping")), ["ssh failed 2"]);
    let told = scene.run(60, |_| true);
    assert!(told.len() == 1 && told[0].1.starts_with("ssh recovered"), "{told:?}");
    // Whatever fails first, it is the machine.
    for _ in 0..5 {
        assert_eq!(words(&scene.run(60, |_| false)), ["ping failed 3", "ssh paused: its ping fails"]);
        scene.run(67, |_| true);
    }
}

#[test]
fn what_is_off_is_not_looked_at_and_what_boots_is_not_judged() {
    let checks = [(PING, true), (SSH, true)];
    let mut scene = Scene::new(&checks);
    scene.run(60, |_| true);
    let (off, at) = (Some(Excuse::Off("it is off".into())), scene.at());
    let news = scene.rounds.excuse(subject(), off, at);
    scene.note(news);
    let looks = scene.looks;
    assert_eq!(words(&scene.run(300, |_| false)), ["ping paused: it is off", "ssh paused: it is off"]);
    assert_eq!(scene.looks, looks);
    let at = scene.at();
    assert_eq!(scene.rounds.excuse(subject(), Some(Excuse::Busy), at), []);
    assert_eq!(scene.run(100, |_| false), [], "it boots");
    let mut told = scene.run(30, |_| true);
    told.sort_by(|a, b| a.1.cmp(&b.1));
    assert_eq!(words(&told), ["ping passed", "ssh passed"]);
    let at = scene.at();
    scene.rounds.excuse(subject(), None, at);
    assert_eq!(words(&scene.run(60, |_| false))[0], "ping failed 3");
}

#[test]
fn a_restart_tells_nothing_twice() {
    let checks = [(PING, false), (SSH, false)];
    let mut scene = Scene::after(&checks, Some(CheckResult::Passed));
    assert_eq!(scene.run(60, |_| true), []);
    assert_eq!(words(&scene.run(60, |_| false))[0], "ping failed 3");
    let mut scene = Scene::after(&[(PING, false)], Some(CheckResult::Failed));
    assert_eq!(scene.run(60, |_| false), []);
    let told = scene.run(60, |_| true);
    // It failed a minute before the restart.
    assert_eq!(words(&told), [format!("ping recovered {}", told[0].0 + 60)]);
}

#[test]
fn who_asks_is_told_what_is_no_news_too() {
    let mut scene = Scene::new(&[(PING, false), (SSH, false)]);
    scene.run(60, |name| name == "ping");
    let at = scene.at();
    assert_eq!(scene.rounds.ask(subject(), at), []);
    assert_eq!(scene.run(2, |name| name == "ping"), [(60, "ping passed".to_owned())]);
    scene.run(60, |_| false);
    let at = scene.at();
    assert_eq!(scene.rounds.ask(subject(), at), []);
    let told = scene.run(3, |_| false);
    assert!(told.len() == 1 && told[0].1.starts_with("ping failed"), "{told:?}");
}

#[test]
fn what_conf_names_no_longer_is_told_and_looks_do_not_come_together() {
    let mut scene = Scene::new(&[(PING, true), (SSH, true)]);
    scene.run(60, |_| true);
    let at = scene.at();
    let news = scene.rounds.follow(plan(&[(PING, true)]), |_| None, at);
    scene.note(news);
    assert_eq!(words(&scene.told), ["ssh paused: conf says so no longer"]);
    // A thousand machines that begin together are spread over their first ten seconds.
    let all = (0..1000_u32).map(|number| {
        let mac = Mac([2, 0, 0, 0, (number >> 8) as u8, number as u8]);
        let machine = (Ipv4Addr::from_bits(0x0a4d_0000 + number), mac);
        let key =
            Key { subject: Subject { segment: Ipv4Addr::LOCALHOST, machine: Some(machine) }, name: "ping".into() };
        (key, Planned { check: Check::new(PING), wanted: true })
    });
    let mut rounds = Rounds::default();
    let begin = Instant::now();
    rounds.follow(all.collect(), |_| None, begin);
    for second in 0..10 {
        let due = rounds.due(begin + Duration::from_secs(second + 1), 10_000).len();
        assert!((60..=140).contains(&due), "{due} in second {second}");
    }
}
