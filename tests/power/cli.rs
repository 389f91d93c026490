//! `pxelator power`: through a running program and alone, with its words, its JSON and its exit codes.

use crate::support::{
    Host, Program, SOON, Segment,
    amt::{Device, Drive, Fault, LOGIN},
    can_run,
    vm::{self, Vm},
    wait_for,
};
use pxelator::event::{Event, Fact};
use serde_json::Value;
use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    process::{Command, Output, Stdio},
};

const MAC: &str = "52:54:00:77:00:60";

/// What a run of `pxelator power …` came to.
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

fn ran(mut command: Command) -> Ran {
    let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim_end().to_owned();
    Ran { code: status.code(), out: text(stdout), err: text(stderr) }
}

/// Runs `pxelator power` in the segment's namespace and folder.
fn power(segment: &Segment, words: &[&str]) -> Ran {
    let mut command = segment.command(env!("CARGO_BIN_EXE_pxelator"));
    command.current_dir(segment.folder.path()).env("NO_COLOR", "1").arg("power").args(words);
    ran(command)
}

fn lines(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))).collect()
}

fn secret(segment: &Segment) {
    let file = segment.conf_dir().join("10.77.0.1/10.77.0.60/amt.secret");
    fs::write(&file, format!("{}:{}\n", LOGIN.0, LOGIN.1)).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn words_that_make_no_sense() {
    if !can_run(&[]) {
        return;
    }
    let segment = Segment::new("usage");
    segment.machine(60, MAC, "web1");
    segment.machine(61, "52:54:00:77:00:61", "web2");
    segment.conf("10.77.0.1/10.77.0.60/power", "wol");
    for (words, code, said) in [
        (&["on", "wbe1"][..], 2, "pxelator: no machine of conf is called wbe1; web1 is"),
        (&["off", "web1", "--wait", "up"], 2, "a machine that goes off does not come up"),
        (&["on"], 2, "required arguments were not provided"),
        (&["on", "--all", "web1"], 2, "cannot be used with"),
        (&["on", "web1", "--stagger", "soon"], 2, "expected a time as 2s, 500ms or 10m"),
        (&["status", "--all", "--segment", "10.88.0.1"], 2, "conf has no segment 10.88.0.1; it has 10.77.0.1"),
        (&["on", "web1", "--wait", "up"], 3, "no PXElator runs here, so that no machine comes up"),
        (&["trust", "web1", "amt"], 2, "web1 is not switched by amt; it is by wol"),
        (&["alarms", "web1"], 1, "web1: nothing that switches it has an alarm clock; amt has"),
    ] {
        let ran = power(&segment, words);
        assert_eq!(ran.code, Some(code), "{words:?}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains(said), "{words:?}: {}", ran.err);
    }
    let help = power(&segment, &["--help"]);
    assert!(help.out.contains("Exit codes: 0 all did; 1 some did not; 2 wrong usage"), "{}", help.out);

    // A host that is not on the segment, and where nobody runs.
    let host: Host = segment.host("away", "52:54:00:77:00:99");
    let mut command = host.command(env!("CARGO_BIN_EXE_pxelator"));
    command.current_dir(segment.folder.path()).args(["power", "on", "web1"]);
    let away = ran(command);
    assert_eq!(away.code, Some(3));
    let said =
        "no PXElator runs here (run/control is silent), and alone it cannot be done: none of the segments in conf";
    assert!(away.err.contains(said), "{}", away.err);
}

#[test]
fn alarms_are_told_alone_by_the_program_and_by_the_page() {
    if !can_run(&[]) {
        return;
    }
    let segment = Segment::new("clock");
    segment.machine(60, MAC, "web1");
    segment.conf("10.77.0.1/10.77.0.60/power", "amt 10.77.0.1");
    secret(&segment);
    let listener = segment.inside(|| TcpListener::bind("10.77.0.1:16992").unwrap());
    let device = Device::start(listener, MAC, Drive::imagined(false));
    assert_eq!(power(&segment, &["alarms", "web1"]).out, "web1: no alarm is set");
    device.plant_alarm("another's", "2099-03-29T05:30:00Z".parse().unwrap());
    let set = "web1: 2099-03-29T05:30:00Z  another's";
    let alone = power(&segment, &["alarms", "web1"]);
    assert_eq!((alone.code, &*alone.out), (Some(0), set), "{}", alone.err);

    let program = Program::start(&segment);
    assert_eq!(power(&segment, &["alarms", "web1"]).out, set);
    program.wait("it is asked", |event| matches!(&event.fact, Fact::AlarmListed { alarms, .. } if alarms.len() == 1));
    segment.conf("page", "trust loopback");
    let there = ["alarms", "web1", "--server", "http://10.77.0.1"];
    let told = wait_for("who asks here is trusted", SOON, || {
        Some(power(&segment, &there)).filter(|told| told.code == Some(0))
    });
    assert_eq!((told.code, &*told.out), (Some(0), set), "{}", told.err);
    let json = lines(&power(&segment, &[&there[..], &["--json"]].concat()).out);
    let alarm =
        serde_json::json!({ "machine": "web1", "method": "amt", "name": "another's", "due": "2099-03-29T05:30:00Z" });
    assert_eq!(json, [alarm]);
}

#[test]
fn alone_it_is_done_and_journaled() {
    if !can_run(&["qemu-system-x86_64"]) {
        return;
    }
    let segment = Segment::new("alone");
    Vm::new(&segment, 60, "vm1", "bios");
    segment.machine(61, "52:54:00:77:00:61", "web1");
    segment.conf("10.77.0.1/10.77.0.61/power", "wol");
    let status = power(&segment, &["status", "vm1", "--json"]);
    assert_eq!(status.code, Some(0), "{}", status.err);
    assert_eq!(lines(&status.out)[0]["state"], "off");
    let status = power(&segment, &["status", "--all"]);
    assert_eq!(status.code, Some(1), "of one nobody knows");
    assert_eq!(
        status.out,
        "vm1   10.77.0.60       off  qemu\n\
         web1  10.77.0.61       ?    wol: nothing answers a magic packet; a line of amt, redfish or ipmi in its `power` \
         would tell"
    );
    let on = power(&segment, &["on", "vm*"]);
    assert_eq!(on.code, Some(0), "{}{}", on.out, on.err);
    let told: Vec<&str> = on.out.lines().collect();
    assert_eq!(told[..2], ["vm1: power on asked of qemu", "vm1: power on accepted by qemu"]);
    assert!(told[2].starts_with("vm1: power on by qemu seen after"), "{}", on.out);
    assert_eq!(told[3..], ["1 machine: 1 confirmed, 0 not"]);
    let again = power(&segment, &["on", "vm1", "--json"]);
    assert_eq!(again.code, Some(0));
    let again = lines(&again.out);
    assert_eq!(again[1]["details"]["manner"], "already");
    assert_eq!(again.last().unwrap()["summary"]["did"][0], "vm1");
    let off = power(&segment, &["off", "vm1"]);
    assert_eq!(off.code, Some(0), "{}{}", off.out, off.err);
    let failed = power(&segment, &["reset", "vm1"]);
    assert_eq!(failed.code, Some(1));
    assert!(failed.out.contains("1 machine: 0 confirmed, 1 not\n  vm1: qemu: it is off; go through"), "{}", failed.out);

    let mut log = segment.command(env!("CARGO_BIN_EXE_pxelator"));
    log.current_dir(segment.folder.path()).args(["log", "--json"]);
    let journal = ran(log);
    let kinds = |kind: &str| lines(&journal.out).iter().filter(|event| event["kind"] == kind).count();
    assert_eq!((kinds("power.confirmed"), kinds("power.unconfirmed")), (3, 1), "{}{}", journal.out, journal.err);
}

#[test]
fn through_the_program_until_the_system_runs() {
    if !can_run(vm::NEEDED) {
        return;
    }
    let segment = Segment::new("through");
    vm::equip(&segment);
    let vm = Vm::new(&segment, 60, "vm1", "bios");
    let program = Program::start(&segment);
    let up = power(&segment, &["on", "vm1", "--wait", "up", "--timeout", "4m"]);
    let told: Vec<&str> = up.out.lines().collect();
    assert_eq!(up.code, Some(0), "{}{}\n{}", up.out, up.err, vm.console());
    assert!(told.iter().any(|line| line.starts_with("vm1: power on by qemu seen after")), "{}", up.out);
    assert_eq!(told.last().unwrap(), &"1 machine: 1 up, 0 not");
    program.wait("the boot is completed", |event| matches!(event.fact, Fact::BootCompleted { .. }));
    let status = power(&segment, &["status", "vm1", "--json"]);
    assert_eq!((status.code, &lines(&status.out)[0]["state"]), (Some(0), &Value::from("on")));
    let sent = power(&segment, &["off", "vm1", "--no-wait"]);
    assert_eq!((sent.code, sent.out.as_str()), (Some(0), ""), "{}", sent.err);
    program.wait(
        "it is off",
        |event| matches!(&event.fact, Fact::PowerConfirmed { action, .. } if action.name() == "off"),
    );
    let late = power(&segment, &["reset", "vm1", "--timeout", "1ms"]);
    assert_eq!(late.code, Some(1));
}

#[test]
fn another_users_program_is_not_asked() {
    if !can_run(&["setpriv"]) {
        return;
    }
    let segment = Segment::new("others");
    segment.machine(60, MAC, "web1");
    segment.conf("10.77.0.1/10.77.0.60/power", "wol");
    let _program = Program::start(&segment);
    let copy = segment.folder.path().join("pxelator");
    fs::copy(env!("CARGO_BIN_EXE_pxelator"), &copy).unwrap();
    for folder in [segment.folder.path(), &segment.folder.path().join("run")] {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut command = segment.command("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all"]).arg(&copy);
    command.args(["power", "on", "web1"]).current_dir(segment.folder.path());
    let refused = ran(command);
    assert_eq!(refused.code, Some(3), "{}", refused.err);
    assert!(refused.err.contains("run/control belongs to another user"), "{}", refused.err);
}

#[test]
fn the_doctor_names_each_fault() {
    if !can_run(&[]) {
        return;
    }
    let segment = Segment::new("doctor");
    segment.machine(60, MAC, "kiosk");
    let conf = |file: &str, value: &str| segment.conf(&format!("10.77.0.1/10.77.0.60/{file}"), value);
    let listener = || segment.inside(|| TcpListener::bind("127.0.0.1:0").unwrap());
    let device = Device::start(listener(), MAC, Drive::imagined(true));
    let plain = format!("amt 127.0.0.1:{}", device.port);
    conf("power", &plain);
    let doctor = || power(&segment, &["doctor", "kiosk"]);

    let none = doctor();
    assert_eq!(none.code, Some(1), "without a password: {}", none.out);
    assert!(none.out.contains("WRONG amt: Digest: there is no name and password"), "{}", none.out);
    secret(&segment);
    let well = doctor();
    assert_eq!(well.code, Some(0), "{}{}", well.out, well.err);
    assert!(
        well.out.lines().all(|line| line.starts_with("ok    amt: ") || line.starts_with("all is well")),
        "{}",
        well.out
    );
    let steps: Vec<&str> = well.out.lines().filter_map(|line| line.split(": ").nth(1)).collect();
    assert_eq!(steps, ["name", "port", "Digest", "version", "state", "MAC"]);

    for (fault, step, words) in [
        (Fault::OtherPassword, "Digest", "it refuses the name or the password"),
        (Fault::NoDigest, "Digest", "not by Digest"),
        (Fault::Hangs, "Digest", "it did not answer within"),
        (Fault::Closes, "Digest", "its answer broke off"),
        (Fault::Garbage, "version", ""),
        (Fault::Long, "version", "longer than 1 MiB"),
        (Fault::OtherMac, "MAC", ""),
    ] {
        device.fault(fault.clone());
        let ill = doctor();
        assert_eq!(ill.code, Some(1), "{fault:?}: {}", ill.out);
        // It ends at the first step that is wrong, and says what to do.
        let told: Vec<&str> = ill.out.lines().collect();
        let wrong = told.iter().position(|line| line.starts_with("WRONG")).unwrap();
        assert!(told[wrong].contains(words), "{fault:?}: {}", ill.out);
        assert!(told[wrong].contains(&format!("amt: {step}: ")) || step == "version", "{fault:?}: {}", ill.out);
        assert!(told[wrong + 1].starts_with("    ") && told[wrong + 2] == "1 of 1 ways to switch it have a fault");
    }
    device.fault(Fault::None);
    let closed = listener().local_addr().unwrap().port();
    conf("power", &format!("amt 127.0.0.1:{closed}"));
    assert!(doctor().out.contains("WRONG amt: port: "));
    conf("power", "amt kiosk.invalid");
    assert!(doctor().out.contains("WRONG amt: name: the name kiosk.invalid is not known"));
    conf("power", &format!("amt tls 127.0.0.1:{}", device.port));
    assert!(doctor().out.contains("WRONG amt: TLS: "));

    let json = power(&segment, &["doctor", "kiosk", "--json"]);
    assert_eq!((json.code, &lines(&json.out).last().unwrap()["kind"]), (Some(1), &Value::from("power.diagnosed")));
}

#[test]
fn a_certificate_is_trusted_once_and_its_change_is_told() {
    if !can_run(&[]) {
        return;
    }
    let segment = Segment::new("trust");
    segment.machine(60, MAC, "kiosk");
    let listener = segment.inside(|| TcpListener::bind("127.0.0.1:0").unwrap());
    let device = Device::start_tls(listener, MAC, Drive::imagined(true));
    segment.conf("10.77.0.1/10.77.0.60/power", &format!("amt tls 127.0.0.1:{}", device.port));
    secret(&segment);
    let program = Program::start(&segment);
    let doctor = || power(&segment, &["doctor", "kiosk"]);
    assert!(doctor().out.contains("WRONG amt: TLS: its certificate is not trusted yet"));
    let asks = power(&segment, &["trust", "kiosk"]);
    assert_eq!(asks.code, Some(1));
    assert!(asks.out.contains(&device.fingerprint()) && asks.err.contains("say --yes"), "{}{}", asks.out, asks.err);
    let trusted = power(&segment, &["trust", "kiosk", "amt", "--yes"]);
    assert_eq!(trusted.code, Some(0), "{}{}", trusted.out, trusted.err);
    let pin = segment.conf_dir().join("10.77.0.1/10.77.0.60/amt.pin");
    assert_eq!(fs::read_to_string(&pin).unwrap(), format!("{}\n", device.fingerprint()));
    program.wait("it is told", |event: &Event| matches!(event.fact, Fact::PowerTrusted { .. }));
    crate::support::wait_for("conf is read", crate::support::SOON, || (doctor().code == Some(0)).then_some(()));
    let again = power(&segment, &["trust", "kiosk"]);
    assert_eq!(again.code, Some(0));
    assert!(again.out.contains("is trusted already"), "{}", again.out);

    device.change_certificate();
    let changed = doctor();
    assert_eq!(changed.code, Some(1));
    assert!(changed.out.contains("WRONG amt: TLS: its certificate changed: "), "{}", changed.out);
    let named = power(&segment, &["trust", "kiosk", "--fingerprint", &device.fingerprint().to_uppercase()]);
    assert_eq!(named.code, Some(0), "{}{}", named.out, named.err);
    assert_eq!(fs::read_to_string(&pin).unwrap(), format!("{}\n", device.fingerprint()));
    let wrong = power(&segment, &["trust", "kiosk", "--fingerprint", "abc"]);
    assert_eq!(wrong.code, Some(1));
}
