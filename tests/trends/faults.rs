//! What hinders trends is told once, with what helps, and so is its end; what waited meanwhile is not lost.

use crate::{
    SERVER, WRITTEN, file, known,
    support::{Program, Segment, can_run, run, wait_for},
    trends, wait_until,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use pxelator::{
    event::{Event, Fact},
    sample::Of,
};
use std::{fs, process::Command};

fn failed(words: &'static str) -> impl Fn(&Event) -> bool {
    move |event| matches!(&event.fact, Fact::TrendFailed { error, .. } if error.contains(words))
}

fn recovered(event: &Event) -> bool {
    matches!(event.fact, Fact::TrendRecovered { .. })
}

/// The process of rrdtool that this program has.
fn tool(program: &Program) -> Option<Pid> {
    // The program is a child of `ip netns exec`, or has taken its place.
    let parents = format!("{}", program.pid());
    let children = |of: &str| -> Vec<String> {
        let output = Command::new("pgrep").args(["-P", of]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).split_whitespace().map(str::to_owned).collect()
    };
    let all: Vec<String> =
        children(&parents).into_iter().flat_map(|pid| [children(&pid), vec![pid]].concat()).collect();
    let is_tool =
        |pid: &&String| fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|words| words.starts_with(b"rrdtool\0-\0"));
    all.iter().find(is_tool).map(|pid| Pid::from_raw(pid.parse().unwrap()))
}

#[test]
fn rrdtool_is_killed() {
    if !can_run(&["rrdtool", "pgrep"]) {
        return;
    }
    let segment = Segment::new("killed");
    let program = Program::start(&segment);
    wait_until(&segment, Of::Program, "bus", |series| !known(series, "events").is_empty());
    let pid = wait_for("its process", WRITTEN, || tool(&program));
    kill(pid, Signal::SIGKILL).unwrap();
    program.wait_for("it is told", WRITTEN, failed("it ended: signal: 9"));
    let event = program.wait_for("it is written again", WRITTEN, recovered);
    assert_eq!(event.fact, Fact::TrendRecovered { lost: 0 });
    assert_ne!(tool(&program), Some(pid));

    // One that hangs is no better than one that is gone; it is not waited for without end, and hinders nobody.
    let told = program.events().iter().filter(|event| event.kind() == "trend.failed").count();
    assert_eq!(told, 1);
    let now = known(&wait_until(&segment, Of::Program, "bus", |_| true), "events").len();
    wait_until(&segment, Of::Program, "bus", |series| known(series, "events").len() > now);
}

#[test]
fn the_folder_cannot_be_made() {
    if !can_run(&["rrdtool"]) {
        return;
    }
    let segment = Segment::new("folder");
    let rrd = trends(&segment).root().to_owned();
    fs::write(&rrd, "a file").unwrap();
    let program = Program::start(&segment);
    let event = program.wait_for("it is told", WRITTEN, failed("rrd"));
    assert!(matches!(&event.fact, Fact::TrendFailed { next_step, .. } if next_step.contains("--rrd")), "{event:?}");
    fs::remove_file(&rrd).unwrap();
    program.wait_for("it is written again", WRITTEN, recovered);
    assert!(file(&segment, Of::Segment(SERVER), "dns").exists());
}

#[test]
fn a_full_disk() {
    if !can_run(&["rrdtool", "nsenter"]) {
        return;
    }
    let segment = Segment::new("full");
    fs::create_dir_all(trends(&segment).root()).unwrap();
    // The mount is that of the program alone.
    let mut command = segment.command("sh");
    let script = "mount -t tmpfs -o size=700k none rrd && exec \"$0\" run --headless --json";
    command.current_dir(segment.folder.path()).args(["-c", script, env!("CARGO_BIN_EXE_pxelator")]);
    let program = Program::spawn(command);
    let event = program.wait_for("it is told", WRITTEN, failed("rrd"));
    assert!(matches!(&event.fact, Fact::TrendFailed { next_step, .. } if next_step.contains("room")), "{event:?}");
    let within = |words: &str| {
        let mut enter = Command::new("nsenter");
        enter.args(["-m", "-t", &program.pid().to_string(), "sh", "-c"]);
        run(enter.arg(format!("cd {} && {words}", segment.folder.path().display())))
    };
    within("mount -o remount,size=100m rrd");
    let event = program.wait_for("it is written again", WRITTEN, recovered);
    assert_eq!(event.fact, Fact::TrendRecovered { lost: 0 }, "what waited is not lost");
    let last = within("rrdtool lastupdate rrd/10.77.0.1/syslog.rrd");
    assert!(last.contains("emerg"), "{last}");
}

#[test]
fn a_clock_that_was_ahead() {
    if !can_run(&["rrdtool"]) {
        return;
    }
    let segment = Segment::new("clock");
    // As a program wrote it whose clock was wrong by a year.
    let dns = file(&segment, Of::Segment(SERVER), "dns");
    fs::create_dir_all(dns.parent().unwrap()).unwrap();
    let ahead = jiff::Timestamp::now().as_second() / 10 * 10 + 365 * 86_400;
    let sources = ["answered", "forwarded", "refused"].map(|name| format!("DS:{name}:GAUGE:130:U:U"));
    let mut create = Command::new("rrdtool");
    create.arg("create").arg(&dns).args(["--step", "10", "--start", &ahead.to_string()]);
    run(create.args(sources).arg("RRA:AVERAGE:0.5:1:10"));
    let program = Program::start(&segment);
    program.wait_for("it is told", WRITTEN, failed("which is to come"));
    program.wait_for("it is written again", WRITTEN, recovered);
    assert!(dns.with_extension(format!("until-{ahead}")).exists(), "nothing is thrown away");
    wait_until(&segment, Of::Segment(SERVER), "dns", |series| !known(series, "answered").is_empty());
}

#[test]
fn a_file_of_something_else() {
    if !can_run(&["rrdtool"]) {
        return;
    }
    let segment = Segment::new("spoilt");
    let dns = file(&segment, Of::Segment(SERVER), "dns");
    fs::create_dir_all(dns.parent().unwrap()).unwrap();
    fs::write(&dns, "no file of rrdtool").unwrap();
    let program = Program::start(&segment);
    let event = program.wait_for("it is told", WRITTEN, failed("dns.rrd"));
    assert!(matches!(&event.fact, Fact::TrendFailed { next_step, .. } if next_step.contains("mv ")), "{event:?}");
    wait_until(&segment, Of::Segment(SERVER), "dhcp", |series| !known(series, "offered").is_empty());
    fs::remove_file(&dns).unwrap();
    program.wait_for("it is written again", WRITTEN, recovered);
    wait_until(&segment, Of::Segment(SERVER), "dns", |series| !known(series, "answered").is_empty());
}
