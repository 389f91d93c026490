//! A BIOS machine (SeaBIOS with iPXE on its card) boots from the network; one whose profile is broken is told so, and
//! goes on when it is put right.

use crate::support::{
    Program, Segment, can_run,
    vm::{self, Vm},
};
use pxelator::event::Fact;
use std::fs;

#[test]
fn a_bios_machine_comes_up() {
    if !can_run(vm::NEEDED) {
        return;
    }
    let segment = Segment::new("bios");
    vm::equip(&segment);
    let machine = Vm::new(&segment, 60, "bios1", "bios");
    let program = Program::launch(&segment, &["--power-on", "bios1"]);
    let booted = [
        vm::stage("power requested", |fact| matches!(fact, Fact::PowerRequested { .. })),
        vm::discovered(true),
        vm::offered("http://10.77.0.1/boot.ipxe?mac=52-54-00-77-00-3c"),
        vm::acknowledged(true),
        vm::got("boot.ipxe"),
        vm::got("practice/vmlinuz"),
        vm::got("practice/initrd.img"),
        vm::system_acknowledged(),
    ];
    machine.passes(&program, &booted);
    machine.wait_until_up();
    machine.passes(&program, &[vm::system_acknowledged(), vm::completed()]);
    machine.passes(&program, &[vm::system_acknowledged(), vm::kernel_logged(), vm::system_logged()]);
    machine.passes(&program, &[vm::system_acknowledged(), vm::got("practice/welcome")]);
    let console = machine.said();
    for line in [
        "practice: leased 10.77.0.60 from 10.77.0.1",
        "practice: bios1.test.lan is 10.77.0.60",
        "practice: fetched practice/welcome: Welcome to the practice segment.",
    ] {
        assert!(console.contains(line), "{line}: {console}");
    }
}

#[test]
fn a_broken_profile_is_told_and_put_right() {
    if !can_run(vm::NEEDED) {
        return;
    }
    let segment = Segment::new("broken");
    vm::equip(&segment);
    let machine = Vm::new(&segment, 62, "broken1", "bios");
    segment.conf("10.77.0.1/10.77.0.62/boot", "practice-broken");
    let program = Program::launch(&segment, &["--power-on", "10.77.0.62"]);
    let stalled = program.wait_for("the verdict", vm::PATIENCE, |event| matches!(event.fact, Fact::BootStalled { .. }));
    assert_eq!(stalled.machine, Some(machine.address));
    let Fact::BootStalled { stage, cause, next_step } = stalled.fact else { unreachable!() };
    assert_eq!(stage, "script");
    assert!(cause.starts_with("asked for `practice/vmlinuz-missing` "), "{cause}");
    assert!(cause.ends_with(" over HTTP, the file is not there"), "{cause}");
    assert_eq!(next_step, "put it at tftpboot/practice/vmlinuz-missing or change conf/boot/practice-broken/");
    let practice = segment.tftpboot().join("practice");
    fs::rename(practice.join("vmlinuz"), practice.join("vmlinuz-missing")).unwrap();
    machine.wait_until_up();
    program.wait("the boot is through", |event| matches!(event.fact, Fact::BootCompleted { .. }));
}

#[test]
fn a_menu_on_the_machines_screen_goes_on_by_itself() {
    if !can_run(vm::NEEDED) {
        return;
    }
    let segment = Segment::new("menu");
    vm::equip(&segment);
    segment.conf("boot/choice/menu", "practice Practice on {{ machine.hostname }}\nlocal The disk");
    segment.conf("boot/choice/timeout", "1");
    let machine = Vm::new(&segment, 68, "menu1", "bios");
    segment.conf("10.77.0.1/10.77.0.68/boot", "choice");
    let program = Program::launch(&segment, &["--power-on", "menu1"]);
    let booted = [
        vm::got("boot.ipxe"),
        vm::stage("chosen", |fact| matches!(fact, Fact::BootChosen { profile } if profile == "practice")),
        vm::got("boot.ipxe"),
        vm::got("practice/vmlinuz"),
        vm::completed(),
    ];
    machine.passes(&program, &booted);
    machine.wait_until_up();
}

#[test]
fn a_message_of_the_kernel_is_no_part_of_a_line() {
    for (console, expected) in [
        ("UP web1 10.0.0.1[    4.799745] IPv6: eth0: link becomes ready\n\n/ # ", "UP web1 10.0.0.1\n/ # "),
        ("U[   14.799745] one\n[  114.799746] two [x]\nP web1\n", "UP web1\n"),
        ("[  OK  ] Started\n[1.5] no\n[ 4.799745", "[  OK  ] Started\n[1.5] no\n[ 4.799745"),
        ("UP[    4.799745] not whole", "UP"),
    ] {
        assert_eq!(vm::said(console), expected);
    }
}
