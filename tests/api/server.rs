//! `--server`: commands from another host do there what they do here.

use crate::{
    listeners::{fingerprint, listens},
    page,
    support::{Host, Program, SOON, Segment, can_run, wait_for},
    token,
};
use nix::sys::signal::Signal;
use pxelator::event::Fact;
use std::{
    collections::BTreeSet,
    fs,
    process::{Command, Output, Stdio},
};

const FOLLOW: [&str; 5] = ["log", "--follow", "kind=boot.armed", "-n", "1"];

/// The program on another host, in an empty folder.
fn command(host: &Host, token: &str, words: &[&str]) -> Command {
    let mut command = host.command(env!("CARGO_BIN_EXE_pxelator"));
    command.current_dir(host.folder()).env("PXELATOR_TOKEN", token).env("HOME", host.folder()).args(words);
    command.stdin(Stdio::null());
    command
}

/// Runs it.
fn ask(host: &Host, token: &str, words: &[&str]) -> Output {
    command(host, token, words).output().unwrap()
}

/// What `follow` follows comes as it happens, each once, also where the program begins anew.
fn is_followed(segment: &Segment, mut program: Program, follow: &mut Command, arms: impl Fn() -> bool) -> Program {
    let told = segment.folder.path().join("followed");
    let mut child = follow.stdout(fs::File::create(&told).unwrap()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = |count: usize| {
        let all = || fs::read_to_string(&told).unwrap().lines().map(str::to_owned).collect::<Vec<_>>();
        wait_for(&format!("{count} lines that are followed"), 2 * SOON, || Some(all()).filter(|all| all.len() >= count))
    };
    lines(1);
    assert!(arms());
    lines(2);
    program.signal(Signal::SIGTERM);
    program.end();
    let program = Program::start(segment);
    wait_for("it is armed", SOON, || arms().then_some(()));
    let all = lines(3);
    let times: BTreeSet<&str> = all.iter().filter_map(|line| line.split(' ').next()).collect();
    assert!(all.len() == 3 && times.len() == 3 && all.iter().all(|line| line.contains("10.77.0.60 armed")), "{all:?}");
    child.kill().unwrap();
    let words = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
    assert!(words.lines().all(|line| line.ends_with("it is asked again")), "{words}");
    program
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn commands_go_to_another_host() {
    if !can_run(&["curl"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("server");
    segment.conf("10.77.0.1/10.77.0.60/power", "wol");
    let robot = token(&segment, &["robot"]);
    let program = Program::start(&segment);
    let mark = program.mark();
    page(&segment, "listen 10.77.0.1:8443 tls\nread users");
    let print = fingerprint(&listens(&program, mark, "TCP 10.77.0.1:8443"));
    let at = ["--server", "https://10.77.0.1:8443", "--fingerprint", &print];
    let with = |words: &[&str]| ask(&host, &robot, &[words, &at].concat());

    let output = wait_for("the user is known", SOON, || {
        Some(with(&["arm", "web1", "local"])).filter(|output| !err(output).contains("nobody's"))
    });
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(out(&output).starts_with("web1: "), "{}", out(&output));
    program.wait("it is armed", |event| matches!(event.fact, Fact::BootArmed { .. }));
    program.wait("it is told who", |event| event.fact.to_string() == "robot from 10.77.0.60: arm with local of web1");
    assert_eq!(with(&["disarm", "web1"]).status.code(), Some(0));
    let output = with(&["arm", "web1", "kiosk"]);
    assert!(output.status.code() == Some(2) && err(&output).contains("kiosk"), "{}", err(&output));

    // The whole way of a change of power, as by the socket.
    let output = with(&["power", "on", "web1", "--timeout", "3s"]);
    assert!(out(&output).contains("web1: power on asked of wol by robot"), "{}{}", out(&output), err(&output));
    let asked = program.wait("by whom", |event| matches!(event.fact, Fact::PowerRequested { .. }));
    assert!(asked.fact.to_string().ends_with("by robot"), "{}", asked.fact);
    let output = with(&["power", "on", "nobody1"]);
    assert_eq!((output.status.code(), err(&output).contains("no machine of conf is called nobody1")), (Some(2), true));

    let output = with(&["log", "kind=page.acted", "-n", "1"]);
    assert!(out(&output).contains("robot from 10.77.0.60: power on of web1"), "{}{}", out(&output), err(&output));
    let output = with(&["log", "kind=page.acted", "--service", "page", "--json"]);
    assert!(out(&output).lines().count() >= 2, "{}{}", out(&output), err(&output));
    let _program = is_followed(&segment, program, &mut command(&host, &robot, &[&FOLLOW, &at[..]].concat()), || {
        with(&["arm", "web1", "local"]).status.success()
    });
    let output = with(&["log", "kind=nonsense("]);
    assert!(output.status.code() == Some(2) && out(&output).is_empty(), "{}", err(&output));
    let output = with(&["checks"]);
    assert!(out(&output).contains("\nweb1       ping "), "{}{}", out(&output), err(&output));
    let output = with(&["alerts"]);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}{}", out(&output), err(&output));

    // What is wrong is said, and nothing is done here in its place.
    let output = ask(&host, "pxe_00", &[&["arm", "web1", "local"], &at[..]].concat());
    assert!(output.status.code() != Some(0) && err(&output).contains("the token is nobody's"), "{}", err(&output));
    let other = "ab".repeat(32);
    let output =
        ask(&host, &robot, &["arm", "web1", "local", "--server", "https://10.77.0.1:8443", "--fingerprint", &other]);
    assert!(output.status.code() != Some(0) && err(&output).contains("another certificate"), "{}", err(&output));
    let output = ask(&host, &robot, &["arm", "web1", "local", "--server", "https://10.77.0.1:8443"]);
    assert!(output.status.code() != Some(0) && err(&output).contains("--fingerprint"), "{}", err(&output));
    let output = with(&["vm", "list"]);
    assert!(output.status.code() != Some(0) && err(&output).contains("on the host itself"), "{}", err(&output));
    let left: Vec<_> = std::fs::read_dir(host.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.is_empty(), "nothing is left behind: {left:?}");
}
