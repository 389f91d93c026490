//! Power by IPMI: ipmi_sim of OpenIPMI before a QEMU machine, through ipmitool, and what is said where something is wrong.

use crate::support::{
    Machine, Program, Segment, Way,
    bmc::{IPMI, IpmiSim, LOGIN, write_secret},
    can_run, hear, run, vm, wait_for,
};
use pxelator::event::{Action, Fact, Manner, PowerState};
use std::{fs, net::UdpSocket, thread, time::Duration};

fn lab(name: &str) -> (Segment, Machine, IpmiSim) {
    let segment = Segment::new(name);
    let machine = Machine::new(&segment, 60, "web1");
    let sim = IpmiSim::start(&segment, &machine);
    segment.conf(&machine.value("power"), &sim.rung());
    (segment, machine, sim)
}

#[test]
fn on_boots_a_machine_and_off_ends_it() {
    if !can_run(&[vm::NEEDED, IPMI].concat()) {
        return;
    }
    let (segment, machine, _sim) = lab("ipmi-boot");
    vm::equip(&segment);
    let program = Program::launch(&segment, &["--power-on", "web1"]);
    program.wait("it is accepted", |event| {
        matches!(&event.fact, Fact::PowerAccepted { action: Action::On, method, manner: Manner::Done } if method == "ipmi")
    });
    machine.wait_until_up();
    program.wait("the boot is through", |event| matches!(event.fact, Fact::BootCompleted { .. }));
    let way = Way::of(&segment, &machine);
    assert_eq!(way.observe(), Ok(Some(PowerState::On)));
    assert_eq!(way.switch(Action::On, true), Ok(Manner::Already));
    assert_eq!(way.switch(Action::Off, true), Ok(Manner::Gently));
    machine.wait_until_off();
    assert_eq!(machine.calls(), ["on", "soft"]);
    assert_eq!(way.switch(Action::Off, true), Ok(Manner::Already));
}

#[test]
fn each_change_reaches_the_machine() {
    if !can_run(&[&["qemu-system-x86_64"], IPMI].concat()) {
        return;
    }
    let (segment, machine, _sim) = lab("ipmi-all");
    let way = Way::of(&segment, &machine);
    assert_eq!(way.observe(), Ok(Some(PowerState::Off)));
    for action in [Action::Reset, Action::Cycle] {
        assert_eq!(way.switch(action, true).unwrap_err().to_string(), "it is off");
    }
    assert_eq!(way.switch(Action::Pxe, true), Ok(Manner::Done));
    let mut pid = machine.wait_until_on();
    assert_eq!(machine.calls(), ["boot pxe", "on"]);
    for (action, calls) in [
        (Action::Reset, &["reset"][..]),
        (Action::Cycle, &["off", "on"]),
        (Action::Pxe, &["boot pxe", "reset"]),
        (Action::Setup, &["boot bios", "reset"]),
    ] {
        let before = machine.calls().len();
        assert_eq!(way.switch(action, true), Ok(Manner::Done), "{action:?}");
        // A cycle is over some seconds after it was accepted.
        pid = wait_for("another boot", crate::support::SOON, || machine.pid().filter(|now| *now != pid));
        assert_eq!(machine.calls()[before..], *calls, "{action:?}");
    }
    assert_eq!(way.switch(Action::Off, false), Ok(Manner::Done));
    machine.wait_until_off();
    assert_eq!(machine.calls().last().unwrap(), "off");
}

#[test]
fn an_examination_and_what_it_finds_wrong() {
    if !can_run(IPMI) {
        return;
    }
    let (segment, machine, mut sim) = lab("ipmi-ill");
    let way = Way::of(&segment, &machine);
    let power = |line: &str| segment.conf(&machine.value("power"), line);
    let secret = |login: &str| write_secret(&segment, &machine, "ipmi.secret", login);
    let words: Vec<_> = way.examine().into_iter().map(|(step, words, _)| format!("{step}: {words}")).collect();
    assert_eq!(
        words,
        [
            "name: 127.0.0.1 is 127.0.0.1",
            "port: 127.0.0.1:9060 (UDP) answers by RMCP",
            "secret: admin asks",
            "login: user and password are taken",
            "version: firmware 9.08 of MontaVista Software, Inc., IPMI 2.0",
            "state: the machine is off",
            "MAC: the controller does not tell its own",
        ]
    );
    // An old board.
    power("ipmi 127.0.0.1:9060 version=1.5");
    assert_eq!(way.observe(), Ok(Some(PowerState::Off)));
    power("ipmi 127.0.0.1:9060 cipher=17");
    assert_eq!(way.trouble().0, "127.0.0.1:9060 does not speak the cipher suite that was asked for");
    power(&sim.rung());
    for login in ["admin:wrong", "nobody:S3cret"] {
        secret(login);
        let user = login.split(':').next().unwrap();
        let (error, next_step) = way.trouble();
        assert_eq!(error, format!("127.0.0.1:9060 does not let {user} in with this password"));
        assert!(next_step.starts_with("correct ipmi.secret; "), "{next_step}");
        let told = way.examine();
        assert_eq!(told.last().unwrap().0, "login", "{told:?}");
    }
    fs::remove_file(segment.conf_dir().join(machine.value("ipmi.secret"))).unwrap();
    let (error, next_step) = way.trouble();
    assert_eq!(error, "it is not told who asks");
    assert_eq!(next_step, "write user:password into conf/10.77.0.1/10.77.0.60/ipmi.secret, and chmod 600 it");
    secret(LOGIN);
    power("ipmi no-such-bmc.invalid cipher=3");
    assert_eq!(way.trouble().0, "the name no-such-bmc.invalid is not known");
    assert_eq!(way.examine().last().unwrap().0, "name");
    // Nothing there any more.
    sim.end();
    power(&sim.rung());
    assert_eq!(way.trouble().0, "no answer from 127.0.0.1:9060 (UDP)");
    assert_eq!(way.examine().last().unwrap().1, "nothing listens at 127.0.0.1:9060 (UDP)");
    sim.restart();
    assert_eq!(way.observe(), Ok(Some(PowerState::Off)), "and back");
}

#[test]
fn what_is_no_controller() {
    if !can_run(IPMI) {
        return;
    }
    let segment = Segment::new("ipmi-junk");
    let machine = Machine::new(&segment, 60, "web1");
    write_secret(&segment, &machine, "ipmi.secret", LOGIN);
    segment.conf(&machine.value("power"), "ipmi 127.0.0.1:9623 cipher=3");
    let socket = segment.inside(|| UdpSocket::bind("127.0.0.1:9623").unwrap());
    socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let way = Way::of(&segment, &machine);
    let over = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn({
            let over = &over;
            move || {
                let mut asked = [0; 512];
                while !over.load(std::sync::atomic::Ordering::Relaxed) {
                    if let Ok((_, from)) = socket.recv_from(&mut asked) {
                        let _ = socket.send_to(b"HTTP/1.1 400 Bad Request\r\n\r\n", from);
                    }
                }
            }
        });
        let (examined, trouble) = (way.examine(), way.observe());
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(examined.last().unwrap().1, "what answers at 127.0.0.1:9623 (UDP) does not speak RMCP");
        assert_eq!(trouble.unwrap_err().error, "no answer from 127.0.0.1:9623 (UDP)");
    });
}

/// Command lines of a namespace's processes of this name.
fn running(segment: &Segment, name: &str) -> Vec<String> {
    let pids = run(std::process::Command::new("ip").args(["netns", "pids", &segment.name]));
    let lines = pids.split_whitespace().filter_map(|pid| fs::read_to_string(format!("/proc/{pid}/cmdline")).ok());
    lines.map(|line| line.replace('\0', " ")).filter(|line| line.starts_with(name)).collect()
}

#[test]
fn a_dead_controller_is_left_for_the_next_rung_and_no_list_shows_the_password() {
    if !can_run(IPMI) {
        return;
    }
    let segment = Segment::new("ipmi-rung");
    let machine = Machine::new(&segment, 60, "web1");
    write_secret(&segment, &machine, "ipmi.secret", LOGIN);
    segment.conf(&machine.value("power"), "ipmi 127.0.0.1:9060 cipher=3\nwol");
    // Takes datagrams and answers none.
    let _deaf = segment.inside(|| UdpSocket::bind("127.0.0.1:9060").unwrap());
    let ears = segment.host("sleeper", &machine.mac);
    ears.address("10.77.0.60");
    let ears = ears.udp(9);
    let program = Program::launch(&segment, &["--power-on", "web1"]);
    let lines = wait_for("ipmitool runs", crate::support::SOON, || {
        Some(running(&segment, "ipmitool")).filter(|lines| !lines.is_empty())
    });
    assert!(lines[0].contains("-U admin -E"), "{lines:?}");
    assert!(!lines[0].contains("S3cret"), "{lines:?}");
    let failed = program.wait("the first fails", |event| matches!(event.fact, Fact::PowerFailed { .. }));
    assert!(failed.fact.to_string().contains("no answer from 127.0.0.1:9060 (UDP)"), "{}", failed.fact);
    program.wait(
        "the next is taken",
        |event| matches!(&event.fact, Fact::PowerAccepted { method, .. } if method == "wol"),
    );
    assert_eq!(hear(&ears, &mut [0; 200]).unwrap().0, 102);
    let told = serde_json::to_string(&program.events()).unwrap() + &program.words();
    assert!(!told.contains("S3cret"), "{told}");
}

#[test]
fn a_call_that_nobody_waits_for_any_more_ends() {
    if !can_run(IPMI) {
        return;
    }
    let segment = Segment::new("ipmi-drop");
    let machine = Machine::new(&segment, 60, "web1");
    write_secret(&segment, &machine, "ipmi.secret", LOGIN);
    segment.conf(&machine.value("power"), "ipmi 127.0.0.1:9060 cipher=3");
    let _deaf = segment.inside(|| UdpSocket::bind("127.0.0.1:9060").unwrap());
    Way::of(&segment, &machine).with(async |way, target| {
        let asked = way.observe(&target);
        tokio::pin!(asked);
        while running(&segment, "ipmitool").is_empty() {
            let answered = tokio::time::timeout(Duration::from_millis(20), &mut asked).await;
            assert!(answered.is_err(), "{answered:?}");
        }
    });
    wait_for("ipmitool ends", crate::support::SOON, || running(&segment, "ipmitool").is_empty().then_some(()));
}

#[test]
fn without_ipmitool_its_package_is_named() {
    if !can_run(&[]) {
        return;
    }
    let segment = Segment::new("ipmi-none");
    let machine = Machine::new(&segment, 60, "web1");
    write_secret(&segment, &machine, "ipmi.secret", LOGIN);
    segment.conf(&machine.value("power"), "ipmi 127.0.0.1");
    let mut command = segment.command("env");
    command.arg("PATH=/nowhere").arg(env!("CARGO_BIN_EXE_pxelator")).current_dir(segment.folder.path());
    command.args(["run", "--headless", "--json", "--power-on", "web1"]);
    let program = Program::spawn(command);
    let failed = program.wait("it fails", |event| matches!(event.fact, Fact::PowerFailed { .. }));
    let told = failed.fact.to_string();
    assert_eq!(told, "power on by ipmi failed: ipmitool is not installed; apt install ipmitool");
}
