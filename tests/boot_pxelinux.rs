//! Machines whose loader is PXELINUX: everything comes over TFTP, by the configuration made for the machine.

mod support;

use support::{
    Program, Segment, can_run,
    vm::{self, Vm},
};

#[test]
fn pxelinux_boots_a_bios_machine() {
    if !can_run(vm::NEEDED) {
        return;
    }
    let segment = Segment::new("pxelinux");
    vm::equip(&segment);
    segment.conf("10.77.0.1/loader", "pxelinux");
    let machine = Vm::new(&segment, 60, "bios1", "bios");
    let program = Program::launch(&segment, &["--power-on", "bios1"]);
    let booted = [
        vm::discovered(true),
        vm::offered("pxelinux.0"),
        vm::acknowledged(true),
        vm::got("pxelinux.0"),
        vm::got("ldlinux.c32"),
        vm::got("pxelinux.cfg/01-52-54-00-77-00-3c"),
        vm::got("practice/vmlinuz"),
        vm::got("practice/initrd.img"),
        vm::system_acknowledged(),
        vm::completed(),
    ];
    machine.passes(&program, &booted);
    machine.wait_until_up();
}

#[test]
fn syslinux_boots_a_uefi_machine() {
    if !can_run(vm::NEEDED) {
        return;
    }
    let segment = Segment::new("syslinux");
    vm::equip(&segment);
    segment.conf("10.77.0.1/loader", "pxelinux");
    let machine = Vm::new(&segment, 61, "uefi1", "uefi");
    let program = Program::launch(&segment, &["--power-on", "uefi1"]);
    let booted = [
        vm::discovered(false),
        vm::offered("syslinux.efi"),
        vm::acknowledged(false),
        vm::got("syslinux.efi"),
        vm::got("ldlinux.e64"),
        vm::got("pxelinux.cfg/01-52-54-00-77-00-3d"),
        vm::got("practice/vmlinuz"),
        vm::got("practice/initrd.img"),
        vm::system_acknowledged(),
        vm::completed(),
    ];
    machine.passes(&program, &booted);
    machine.wait_until_up();
}
