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
    os::unix::fs::PermissionsExt,
    process::{Command, Output, Stdio},
};

const URL: &str = "https://10.77.0.1:8443";
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

/// Runs it where the program is, by its socket or alone.
fn at_home(segment: &Segment, words: &[&str]) -> Output {
    let mut command = segment.command(env!("CARGO_BIN_EXE_pxelator"));
    command.current_dir(segment.folder.path()).args(words).stdin(Stdio::null()).output().unwrap()
}

/// The program with a page by TLS; the token of a user, and the certificate's fingerprint.
fn serves(segment: &Segment) -> (Program, String, String) {
    let robot = token(segment, &["robot"]);
    let program = Program::start(segment);
    let mark = program.mark();
    page(segment, "listen 10.77.0.1:8443 tls\nread users");
    let print = fingerprint(&listens(&program, mark, "TCP 10.77.0.1:8443"));
    (program, robot, print)
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
    let (program, robot, print) = serves(&segment);
    let at = ["--server", URL, "--fingerprint", &print];
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
    assert!(output.status.code() == Some(3) && err(&output).contains("the token is nobody's"), "{}", err(&output));
    let output = ask(&host, "pxe_00", &[&["checks"], &at[..]].concat());
    assert!(output.status.code() == Some(2) && err(&output).contains("the token is nobody's"), "{}", err(&output));
    let other = "ab".repeat(32);
    let output = ask(&host, &robot, &["arm", "web1", "local", "--server", URL, "--fingerprint", &other]);
    assert!(output.status.code() != Some(0) && err(&output).contains("another certificate"), "{}", err(&output));
    let output = ask(&host, &robot, &["arm", "web1", "local", "--server", URL]);
    assert!(output.status.code() != Some(0) && err(&output).contains("--fingerprint"), "{}", err(&output));
    let output = with(&["vm", "list"]);
    assert!(output.status.code() != Some(0) && err(&output).contains("on the host itself"), "{}", err(&output));
    let left: Vec<_> = std::fs::read_dir(host.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.is_empty(), "nothing is left behind: {left:?}");
}

/// A secret that no answer may hold.
const SECRET: &str = "correct-horse";

#[test]
fn what_is_known_there_is_told_as_at_home() {
    if !can_run(&[]) {
        return;
    }
    let (segment, host) = Segment::with_web1("told");
    for (path, value) in [
        ("boot/live/kernel", "live/vmlinuz"),
        ("boot/live/initrd", "live/initrd"),
        ("boot/live/append", "quiet"),
        ("boot/live/answers.cfg", "{{ machine.hostname }} {{ secret.password }}"),
        ("10.77.0.1/10.77.0.60/boot", "live"),
        ("10.77.0.1/10.77.0.60/password.secret", SECRET),
        ("10.77.0.1/10.77.0.60/power", "wol"),
        ("10.77.0.1/10.77.0.60/track", "/etc"),
    ] {
        segment.conf(path, value);
    }
    let secret = segment.conf_dir().join("10.77.0.1/10.77.0.60/password.secret");
    fs::set_permissions(secret, fs::Permissions::from_mode(0o600)).unwrap();
    segment.serve("live/vmlinuz", "kernel");
    let (_program, robot, print) = serves(&segment);
    let at = ["--server", URL, "--fingerprint", &print];
    let there = |words: &[&str]| ask(&host, &robot, &[words, &at].concat());
    let here = |words: &[&str]| at_home(&segment, words);
    wait_for("the user is known", SOON, || there(&["profile", "list"]).status.success().then_some(()));
    for (words, code, said) in [
        (&["profile", "list"][..], 0, "live  kernel   for web1"),
        (&["profile", "show", "web1"], 1, "the kernel live/vmlinuz quiet"),
        (&["profile", "show", "web1", "--json"], 0, r#""path":"live/vmlinuz""#),
        (&["profile", "show", "web1", "--profile", "local", "--firmware", "uefi"], 0, "its own disk"),
        (&["profile", "show", "web1", "--profile", "kiosk"], 1, "web1: there is no profile kiosk"),
        (&["power", "alarms", "web1"], 1, "web1: nothing that switches it has an alarm clock; amt has"),
        (&["track", "status"], 0, "web1  not looked at yet, every "),
    ] {
        // A look may end in between.
        let (near, far) = wait_for("the same here and there", SOON, || {
            Some((here(words), there(words))).filter(|(near, far)| (out(near), err(near)) == (out(far), err(far)))
        });
        assert_eq!((near.status.code(), far.status.code()), (Some(code), Some(code)), "{words:?} {}", err(&far));
        let all = out(&far) + &err(&far);
        assert!(all.contains(said) && !all.contains(SECRET), "{words:?} {all}");
    }
    assert!(out(&there(&["profile", "show", "web1"])).contains("\nweb1 …"), "a secret is left out");
    let status = out(&there(&["track", "status", "--json"]));
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert_eq!((&status["machine"], &status["address"]), (&"web1".into(), &"10.77.0.60".into()));
}

#[test]
fn machines_are_adopted_from_another_host_here_and_by_files_alone() {
    if !can_run(&["ping"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("adopt");
    let (program, robot, print) = serves(&segment);
    let at = ["--server", URL, "--fingerprint", &print];
    let there = |words: &[&str]| ask(&host, &robot, &[words, &at].concat());
    let here = |words: &[&str]| at_home(&segment, words);
    wait_for("the user is known", SOON, || there(&["profile", "list"]).status.success().then_some(()));
    let none = "nobody was seen who is not in conf\n";
    assert_eq!((&*out(&here(&["adopt"])), &*out(&there(&["adopt"]))), (none, none));
    let stranger = segment.host("stranger", "b8:27:eb:00:00:01");
    stranger.address("10.77.0.99");
    stranger.sh("ping -c 1 -W 5 10.77.0.1");
    program.wait("it is seen", |event| matches!(event.fact, Fact::HostSeen { .. }));
    for adopt in [&here as &dyn Fn(&[&str]) -> Output, &there] {
        wait_for("it is listed", SOON, || {
            let listed = out(&adopt(&["adopt"]));
            (listed.starts_with("b8:27:eb:00:00:01  10.77.0.99 ") && listed.contains("Raspberry")).then_some(())
        });
    }
    let output = there(&["adopt", "52:54:00:77:00:91", "--name", "kiosk"]);
    assert_eq!(out(&output), "52:54:00:77:00:91: adopted as kiosk, 10.77.0.61\n", "{}", err(&output));
    assert_eq!(output.status.code(), Some(0));
    let who = "robot from 10.77.0.60: adopt 52:54:00:77:00:91 as kiosk, 10.77.0.61";
    program.wait("it is told who", |event| event.fact.to_string() == who);
    // It is a machine as any other at once.
    assert_eq!(there(&["arm", "kiosk", "local"]).status.code(), Some(0));
    for (words, said) in [
        (&["adopt", "52:54:00:77:00:91"][..], "is not a new machine: kiosk has this MAC"),
        (&["adopt", "52:54:00:77:00:92", "--address", "10.77.0.60"], "10.77.0.60 is not free: web1 has it"),
        (&["adopt", "52:54:00:77:00:92", "--segment", "10.88.0.1"], "conf has no segment 10.88.0.1; it has 10.77.0.1"),
        (&["adopt", "ff:ff:ff:ff:ff:ff"], "is not the hardware address of one machine"),
        (&["adopt", "kiosk"], "expected six hexadecimal octets"),
    ] {
        for output in [here(words), there(words)] {
            assert!(output.status.code() == Some(2) && err(&output).contains(said), "{words:?} {}", err(&output));
        }
    }
    let output = here(&["adopt", "52:54:00:77:00:92"]);
    let told = "52:54:00:77:00:92: adopted as m-10-77-0-62, 10.77.0.62\n";
    assert_eq!((output.status.code(), &*out(&output)), (Some(0), told), "{}", err(&output));
    let adopted = program.wait(
        "it is told by the program",
        |event| matches!(&event.fact, Fact::ConfAdopted { hostname } if hostname == "m-10-77-0-62"),
    );
    assert_eq!(adopted.mac.map(|mac| mac.to_string()).as_deref(), Some("52:54:00:77:00:92"));
    drop(program);
    let output = here(&["adopt", "52:54:00:77:00:93", "--address", "10.77.0.90", "--name", "db"]);
    assert!(output.status.success() && out(&output).contains("by its files alone"), "{}", err(&output));
    let file = |name: &str| fs::read_to_string(segment.conf_dir().join("10.77.0.1/10.77.0.90").join(name)).unwrap();
    assert_eq!((&*file("mac"), &*file("hostname")), ("52:54:00:77:00:93\n", "db\n"));
}
