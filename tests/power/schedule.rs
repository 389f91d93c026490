//! Schedules in the real program: they switch real machines through AMT, Redfish and IPMI; what was missed is told; what is
//! skipped rests; and AMT's clock switches a machine on while the program is down.

use crate::support::{
    Machine, Program, Screen, Segment,
    amt::{self, Device, Drive},
    bmc::{self, IpmiSim, Redfish, Service, write_secret},
    can_run, replica, run,
    vm::{self, PATIENCE},
    wait_for,
};
use jiff::{Timestamp, ToSpan};
use pxelator::{
    event::{Action, Asker, Event, Fact, PowerState},
    journal::{Journal, Query},
};
use std::{
    net::{Ipv4Addr, TcpListener},
    time::Duration,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_pxelator");
/// A schedule knows minutes: the next one comes within this.
const MINUTES: Duration = Duration::from_secs(120);

/// The time of day `minutes` from now, in UTC as all schedules here.
fn time(minutes: i64) -> String {
    (Timestamp::now() + minutes.minutes()).strftime("%H:%M").to_string()
}

/// The day so many days from now: no test is to fail since it ran at midnight.
fn day(days: i64) -> String {
    (Timestamp::now() + (24 * days).hours()).strftime("%m-%d").to_string()
}

/// The next full minute that is far enough away for a program to be started before it.
fn soon() -> String {
    let due = (Timestamp::now() + 25.seconds()).as_second().div_euclid(60) * 60 + 60;
    Timestamp::from_second(due).unwrap().strftime("%H:%M").to_string()
}

fn at(last: u8, file: &str) -> String {
    format!("10.77.0.1/10.77.0.{last}/{file}")
}

/// A device on the server's own address and this port that switches a machine.
fn amt(segment: &Segment, machine: &Machine, port: u16) -> Device {
    let (namespace, line) = (segment.name.clone(), machine.line());
    let does = |verb: &'static str| {
        let (namespace, line) = (namespace.clone(), line.clone());
        move || {
            let mut command = std::process::Command::new("ip");
            let output = command.args(["netns", "exec", &namespace, "sh", "-c", &format!("{line} {verb}")]).output();
            String::from_utf8_lossy(&output.unwrap().stdout).trim() == if verb == "state" { "1" } else { "" }
        }
    };
    let drive = Drive {
        on: Box::new(does("on")),
        off: Box::new(does("off")),
        reset: Box::new(does("reset")),
        is_on: Box::new(does("state")),
    };
    let listener = segment.inside(|| TcpListener::bind(("10.77.0.1", port)).unwrap());
    let device = Device::start(listener, &machine.mac, drive);
    let (user, password) = amt::LOGIN;
    write_secret(segment, machine, "amt.secret", &format!("{user}:{password}"));
    segment.conf(&machine.value("power"), &format!("amt 10.77.0.1:{port}"));
    device
}

/// All that is journaled so far.
fn journaled(segment: &Segment) -> Vec<Event> {
    let mut events = Vec::new();
    if let Ok(journal) = Journal::read(&segment.journal()) {
        journal.select(&Query::default(), |event| events.push(event)).unwrap();
    }
    events.sort_by_key(|event| event.time);
    events
}

#[test]
fn a_schedule_switches_machines_through_amt_redfish_and_ipmi() {
    let needed = [vm::NEEDED, bmc::IPMI, &[bmc::SUSHY, "openssl", "tmux"]].concat();
    if !can_run(&needed) {
        return;
    }
    let segment = Segment::new("planned");
    vm::equip(&segment);
    let [by_amt, by_redfish, by_ipmi] =
        [(60, "lobby"), (61, "hall"), (62, "shop")].map(|(last, name)| Machine::new(&segment, last, name));
    let device = amt(&segment, &by_amt, 16992);
    let redfish = Redfish::start(&segment, &by_redfish, Service::default());
    segment.conf(&by_redfish.value("power"), &redfish.rung());
    let ipmi = IpmiSim::start(&segment, &by_ipmi);
    segment.conf(&by_ipmi.value("power"), &ipmi.rung());
    segment.conf("10.77.0.1/timezone", "UTC");
    let on = format!("on {}", soon());
    segment.conf("10.77.0.1/schedule", &on);

    let screen = Screen::open(&segment, 200, 50, &format!("{PROGRAM} run"));
    screen.wait("dhcp tftp http dns syslog radv");
    let machines = [(&by_amt, "amt"), (&by_redfish, "redfish"), (&by_ipmi, "ipmi")];
    assert!(machines.iter().all(|(machine, _)| machine.pid().is_none()), "nothing is on before its time");
    let told = |what: &str, patience, is: &dyn Fn(&Fact) -> bool| {
        for (machine, method) in machines {
            wait_for(&format!("{} {what} by {method}", machine.hostname), patience, || {
                let events = journaled(&segment);
                events.into_iter().find(|event| event.machine == Some(machine.address) && is(&event.fact))
            });
        }
    };
    let asked = |action: Action, line: &str| {
        let by = Asker::Schedule(line.to_owned());
        move |fact: &Fact| matches!(fact, Fact::PowerRequested { action: a, by: b, .. } if *a == action && *b == by)
    };
    told("is asked to go on", MINUTES, &asked(Action::On, &on));
    told("is seen", PATIENCE, &|fact| matches!(fact, Fact::PowerConfirmed { action: Action::On, .. }));
    machines.iter().for_each(|(machine, _)| machine.wait_until_up());
    // The list of what happened, with those alone that were seen.
    screen.keys(&["Tab", "Tab", "Tab", "/"]);
    screen.text("seen after");
    screen.keys(&["Enter"]);
    screen.wait_until("each machine is seen", |shown| {
        machines.iter().all(|(_, method)| shown.contains(&format!("power on by {method} seen after")))
    });

    let off = format!("off {}", soon());
    segment.conf("10.77.0.1/schedule", &format!("{on}\n{off}"));
    told("is asked to go off", MINUTES, &asked(Action::Off, &off));
    told("is seen to be off", PATIENCE, &|fact| matches!(fact, Fact::PowerConfirmed { action: Action::Off, .. }));
    machines.iter().for_each(|(machine, _)| machine.wait_until_off());
    assert!(!device.is_on());
}

#[test]
fn what_was_missed_is_told_and_done_late_only_where_the_line_says_so() {
    if !can_run(&[]) {
        return;
    }
    let segment = Segment::new("missed");
    segment.conf("10.77.0.1/timezone", "UTC");
    segment.conf("10.77.0.1/holidays", &format!("{}..{} Fair", day(-1), day(1)));
    let (earlier, ago, next) = (time(-20), time(-10), soon());
    let machines = [
        (60, format!("on {ago} late 1h holidays")),
        (61, format!("on {ago} holidays")),
        // What came after it stands.
        (62, format!("on {earlier} late 1h holidays\noff {ago}")),
        (63, format!("on {ago} late 5m holidays")),
        (64, format!("on {next} holidays")),
        (65, format!("on {next}")),
        (66, format!("on {next} holidays\nreset {}", time(600))),
    ];
    for (last, schedule) in &machines {
        segment.machine(*last, &format!("52:54:00:77:00:{last}"), &format!("m{last}"));
        segment.conf(&at(*last, "power"), "wol");
        segment.conf(&at(*last, "schedule"), schedule);
    }
    let ended = Event::new(None, Fact::ProgramStopped { reason: "the night".to_owned() });
    let ended = Event { time: Timestamp::now() - 30.minutes(), ..ended };
    replica::write_journal(segment.folder.path(), [ended]);

    let program = Program::start(&segment);
    let skip = |words: &[&str]| {
        run(segment.command(PROGRAM).current_dir(segment.folder.path()).args(["power", "skip", "m66"]).args(words))
    };
    skip(&[]);
    let of = |last: u8| move |event: &&Event| event.machine == Some(Ipv4Addr::new(10, 77, 0, last));
    program.wait_for("what is due next is done", MINUTES, |event| {
        of(64)(&event)
            && matches!(&event.fact, Fact::PowerRequested { by: Asker::Schedule(line), .. } if *line == machines[4].1)
    });
    let reason_of = |last| {
        let skipped = program
            .wait("it is passed over", |event| of(last)(&event) && matches!(event.fact, Fact::ScheduleSkipped { .. }));
        let Fact::ScheduleSkipped { reason, .. } = skipped.fact else { unreachable!() };
        reason
    };
    assert_eq!((reason_of(65), reason_of(66)), ("holiday: Fair".to_owned(), "skip".to_owned()));
    let told = |last: u8| {
        let line = |event: &Event| match &event.fact {
            Fact::ScheduleMissed { action, late, .. } => Some(format!("missed {}, late: {late}", action.name())),
            Fact::PowerRequested { action, by: Asker::Schedule(_), .. } => Some(format!("asked {}", action.name())),
            _ => None,
        };
        program.events().iter().filter(of(last)).filter_map(line).collect::<Vec<_>>()
    };
    assert_eq!(told(60), ["missed on, late: true", "asked on"]);
    assert_eq!(told(61), ["missed on, late: false"]);
    assert_eq!(told(62), ["missed on, late: false", "missed off, late: false"]);
    assert_eq!(told(63), ["missed on, late: false"]);
    assert_eq!((told(65), told(66)), (vec![], vec![]));
    // Told once: another start has nothing to tell.
    drop(program);
    let program = Program::start(&segment);
    assert!(!program.events().iter().any(|event| matches!(event.fact, Fact::ScheduleMissed { .. })));
    assert!(skip(&["--undo"]).contains("m66"));
    assert!(!segment.conf_dir().join(at(66, "skip")).exists());
}

#[test]
fn its_own_clock_switches_a_machine_on_while_the_program_is_down() {
    if !can_run(vm::NEEDED) {
        return;
    }
    let segment = Segment::new("alarms");
    segment.conf("10.77.0.1/timezone", "UTC");
    let machine = Machine::new(&segment, 60, "lobby");
    let device = amt(&segment, &machine, 16992);
    // Of somebody else, at the same time.
    let far = Timestamp::now() + 30.hours();
    device.plant_alarm("backup", far);
    let schedule = machine.value("schedule");
    let (first, second) = (time(120), time(180));
    segment.conf(&schedule, &format!("on {first}\noff 00:00"));
    let program = Program::start(&segment);
    let set = |mark, time: &str| {
        let at = |due: &Timestamp| due.strftime("%H:%M").to_string() == time;
        program.wait_since(
            mark,
            "an alarm is set",
            |event| matches!(&event.fact, Fact::AlarmSet { due, .. } if at(due)),
        );
    };
    let names = || device.alarms().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    set(0, &first);
    assert!(names().len() == 2 && names().contains(&"backup".to_owned()), "{:?}", names());
    let mark = program.mark();
    segment.conf(&schedule, &format!("on {second}"));
    set(mark, &second);
    assert!(program.since(mark).iter().any(|event| matches!(event.fact, Fact::AlarmRemoved { .. })));
    assert_eq!(names().len(), 2, "the other one was taken out");

    // Nothing is scheduled; then others leave no room.
    segment.conf(&schedule, "none");
    wait_for("ours is taken out", MINUTES, || (names() == ["backup"]).then_some(()));
    (1..5).for_each(|at| device.plant_alarm(&format!("backup {at}"), far));
    let mark = program.mark();
    segment.conf(&schedule, &format!("on {first}"));
    let refused = program.wait_since(mark, "there is no room", |event| matches!(event.fact, Fact::AlarmRefused { .. }));
    assert!(
        refused.fact.to_string().contains("all its 5 alarms are set by others; take one of them out"),
        "{}",
        refused.fact
    );
    assert_eq!(names().len(), 5);
    drop(program);
    drop(device);

    let device = amt(&segment, &machine, 16993);
    device.plant_alarm("backup", far);
    let due = soon();
    segment.conf(&schedule, &format!("on {due}"));
    let program = Program::start(&segment);
    program.wait("the alarm is set", |event| matches!(event.fact, Fact::AlarmSet { .. }));
    drop(program);
    assert!(machine.pid().is_none());
    wait_for("it goes on by itself", MINUTES, || machine.pid());
    assert_eq!(names_of(&device), ["backup"], "of others none is touched");
    let program = Program::start(&segment);
    program.wait("what was missed", |event| matches!(event.fact, Fact::ScheduleMissed { late: false, .. }));
    program.wait("it is on", |event| matches!(event.fact, Fact::PowerObserved { state: PowerState::On, .. }));
    program.wait("the alarm of tomorrow", |event| matches!(event.fact, Fact::AlarmSet { .. }));
    program.wait("it boots", |event| matches!(event.fact, Fact::DhcpDiscovered { .. }));
}

fn names_of(device: &Device) -> Vec<String> {
    device.alarms().into_iter().map(|(name, _)| name).collect()
}
