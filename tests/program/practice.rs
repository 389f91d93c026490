//! The practice segment: a network namespace of its own that ends with the program, also where the program was killed.

use crate::support::{Couch, Program, SOON, Segment, can_run, couch::POUCHDB, run, vm, wait_for};
use nix::sys::signal::Signal;
use pxelator::event::{Fact, PowerState, Service};
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

/// Starts `pxelator practice` in the segment's folder, which is used for its conf tree alone.
fn practice(segment: &Segment, words: &[&str]) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pxelator"));
    command.current_dir(segment.folder.path()).args(["practice", "--headless", "--json"]).args(words);
    Program::spawn(command)
}

fn namespace_of(program: &Program) -> String {
    format!("pxelator-practice-{}", program.pid())
}

fn is_there(namespace: &str) -> bool {
    run(Command::new("ip").args(["netns", "list"])).split_whitespace().any(|name| name == namespace)
}

/// The process of the machine 10.77.0.60, from its file.
fn vm_process(segment: &Segment) -> Option<u32> {
    fs::read_to_string(segment.folder.path().join("run/10.77.0.60.pid")).ok()?.trim().parse().ok()
}

fn runs(process: u32) -> bool {
    let words = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&words).contains("qemu-system-x86_64")
}

fn switched_on(segment: &Segment) -> (Program, u32) {
    let program = practice(segment, &["--power-on", "all"]);
    program.wait("the machine is on", |event| matches!(event.fact, Fact::PowerAccepted { .. }));
    let process = wait_for("QEMU's process", SOON, || vm_process(segment));
    assert!(runs(process));
    (program, process)
}

#[test]
fn machines_and_namespace_end_with_the_program() {
    if !can_run(vm::NEEDED) {
        return;
    }
    let segment = Segment::new("practice");
    vm::Vm::new(&segment, 60, "bios1", "bios");
    let (mut program, process) = switched_on(&segment);
    let namespace = namespace_of(&program);
    assert!(is_there(&namespace));
    let inside = run(Command::new("ip").args(["netns", "exec", &namespace, "ip", "-4", "-o", "address"]));
    assert!(inside.contains("10.77.0.1/24 brd 10.77.0.255") && !inside.contains("eth0"), "{inside}");
    program.signal(Signal::SIGTERM);
    assert_eq!(program.end(), Some(0));
    assert!(!is_there(&namespace) && !runs(process));

    // What was killed is cleaned up by the next, which finds the machine off.
    let (program, process) = switched_on(&segment);
    let killed = namespace_of(&program);
    program.kill();
    assert!(is_there(&killed) && runs(process));
    let program = practice(&segment, &[]);
    program.wait("servers listen", |event| matches!(event.fact, Fact::ServiceStarted { service: Service::Dhcp, .. }));
    assert!(!is_there(&killed) && !runs(process));
    assert!(is_there(&namespace_of(&program)));
    program
        .wait("the machine is off", |event| matches!(event.fact, Fact::PowerObserved { state: PowerState::Off, .. }));
}

#[test]
fn what_is_missing_is_named() {
    if !can_run(&[]) {
        return;
    }
    let segment = Segment::new("practice-not");
    vm::Vm::new(&segment, 60, "bios1", "bios");
    let mut unknown = practice(&segment, &["--power-on", "bios2"]);
    assert_eq!(unknown.end(), Some(1));
    wait_for("its words", SOON, || (!unknown.words().is_empty()).then_some(()));
    assert_eq!(
        unknown.words(),
        "pxelator: --power-on bios2: no machine of conf with a `power` file has this name; those that have: bios1"
    );
    assert!(!is_there(&namespace_of(&unknown)));

    // Without root: the program is copied to where anybody may run it.
    let program = segment.folder.path().join("pxelator");
    fs::copy(env!("CARGO_BIN_EXE_pxelator"), &program).unwrap();
    let mut anybody = Command::new("setpriv");
    anybody.args(["--reuid", "65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]);
    anybody.arg(&program).args(["practice", "--headless"]).current_dir(Path::new("/")).stdin(Stdio::null());
    fs::set_permissions(segment.folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let output = anybody.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said.trim(), "pxelator: only root can make a network namespace; run it with sudo");
}

#[test]
fn a_database_on_the_loopback_outside_is_reached() {
    if !can_run(&[POUCHDB, "curl"]) {
        return;
    }
    let segment = Segment::new("passage");
    let couch = Couch::start();
    couch.create_database();
    segment.conf("10.77.0.1/couchdb", &couch.url());
    let program = practice(&segment, &[]);
    program.wait("it serves", |event| event.kind() == "service.started");
    let words = ["netns", "exec", &namespace_of(&program), "curl", "-sS", "--noproxy", "*", &couch.url()];
    let says = run(Command::new("ip").args(words));
    assert!(says.contains("\"db_name\":\"audit\""), "{says}");
}
