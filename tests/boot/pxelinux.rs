//! Machines whose loader is PXELINUX: everything comes over TFTP, by the configuration made for the machine.

use crate::support::{
    Program, Segment, can_run,
    vm::{self, Vm},
};

#[test]
fn pxelinux_boots_a_bios_machine() {
    // The card of QEMU's BIOS machine brings iPXE.
    boots("bios", 60, true, ["pxelinux.0", "ldlinux.c32", "pxelinux.cfg/01-52-54-00-77-00-3c"]);
}

#[test]
fn syslinux_boots_a_uefi_machine() {
    boots("uefi", 61, false, ["syslinux.efi", "ldlinux.e64", "pxelinux.cfg/01-52-54-00-77-00-3d"]);
}

/// A machine of this firmware, which asks as iPXE or not, comes up by these files.
fn boots(firmware: &str, last: u8, as_ipxe: bool, [loader, part, script]: [&'static str; 3]) {
    if !can_run(vm::NEEDED) {
        return;
    }
    let segment = Segment::new(&format!("pxelinux-{firmware}"));
    vm::equip(&segment);
    segment.conf("10.77.0.1/loader", "pxelinux");
    let machine = Vm::new(&segment, last, firmware, firmware);
    let program = Program::launch(&segment, &["--power-on", firmware]);
    let booted = [
        vm::discovered(as_ipxe),
        vm::offered(loader),
        vm::acknowledged(as_ipxe),
        vm::got(loader),
        vm::got(part),
        vm::got(script),
        vm::got("practice/vmlinuz"),
        vm::got("practice/initrd.img"),
        vm::system_acknowledged(),
        vm::completed(),
    ];
    machine.passes(&program, &booted);
    machine.wait_until_up();
}
