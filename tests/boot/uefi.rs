//! UEFI machines (OVMF with its own network clients) load iPXE over TFTP, or over HTTP, then boot by their script.

use crate::support::{
    Program, Segment, can_run,
    vm::{self, Vm},
};
use pxelator::event::{Architecture, Fact};

#[test]
fn a_uefi_machine_comes_up() {
    if !can_run(vm::NEEDED) {
        return;
    }
    let segment = Segment::new("uefi");
    vm::equip(&segment);
    let machine = Vm::new(&segment, 61, "uefi1", "uefi");
    let program = Program::launch(&segment, &["--power-on", "uefi1"]);
    let booted = [
        vm::stage("power requested", |fact| matches!(fact, Fact::PowerRequested { .. })),
        vm::stage("discovered as UEFI", |fact| {
            let uefi = Some(Architecture::UefiX64);
            matches!(fact, Fact::DhcpDiscovered { ipxe: false, architecture, .. } if *architecture == uefi)
        }),
        vm::offered("ipxe.efi"),
        vm::acknowledged(false),
        vm::got("ipxe.efi"),
        vm::discovered(true),
        vm::offered("http://10.77.0.1/boot.ipxe?mac=52-54-00-77-00-3d"),
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
}

#[test]
fn a_uefi_machine_boots_over_http() {
    if !can_run(vm::NEEDED) {
        return;
    }
    let segment = Segment::new("uefi-http");
    vm::equip(&segment);
    let machine = Vm::new(&segment, 63, "http1", "uefi-http");
    let program = Program::launch(&segment, &["--power-on", "http1"]);
    let booted = [
        vm::stage("discovered as UEFI HTTP", |fact| {
            let http = Some(Architecture::UefiHttpX64);
            matches!(fact, Fact::DhcpDiscovered { ipxe: false, architecture, .. } if *architecture == http)
        }),
        vm::offered("http://10.77.0.1/ipxe.efi"),
        vm::acknowledged(false),
        vm::got("ipxe.efi"),
        vm::discovered(true),
        vm::offered("http://10.77.0.1/boot.ipxe?mac=52-54-00-77-00-3f"),
        vm::got("boot.ipxe"),
        vm::got("practice/vmlinuz"),
        vm::system_acknowledged(),
        vm::completed(),
    ];
    machine.passes(&program, &booted);
    machine.wait_until_up();
    assert!(!program.events().iter().any(|event| matches!(event.fact, Fact::TftpRequested { .. })));
}
