//! A machine with Secure Boot (OVMF with Microsoft's keys) refuses iPXE, comes by the ladder of boot files to shim, and by
//! GRUB to Debian's signed kernel; from then on it is given shim first, also by a program that was started anew.

use crate::support::{
    Program, Segment, can_run, run,
    vm::{self, PATIENCE, Vm},
};
use pxelator::event::{Architecture, Event, Fact};

/// Switches the machine by the running program.
fn reset(segment: &Segment, machine: &str) {
    let mut command = segment.command(env!("CARGO_BIN_EXE_pxelator"));
    run(command.current_dir(segment.folder.path()).args(["power", "reset", machine, "--no-wait", "--yes"]));
}

fn discovered_as(architecture: Architecture) -> vm::Stage {
    vm::stage(
        &format!("discovered as {architecture}"),
        move |fact| matches!(fact, Fact::DhcpDiscovered { ipxe: false, architecture: Some(a), .. } if *a == architecture),
    )
}

#[test]
fn secure_boot_comes_to_the_kernel_by_itself() {
    if !can_run(vm::NEEDED) {
        return;
    }
    let segment = Segment::new("secure");
    vm::equip(&segment);
    let machine = Vm::new(&segment, 64, "secure1", "uefi");
    segment.conf("10.77.0.1/10.77.0.64/power", "qemu mem=512 firmware=uefi-secure");
    let program = Program::launch(&segment, &["--power-on", "secure1"]);
    // What is not signed is refused over PXE, then over HTTP, which this firmware tries next.
    machine.passes(
        &program,
        &[
            discovered_as(Architecture::UefiX64),
            vm::offered("ipxe.efi"),
            vm::got("ipxe.efi"),
            discovered_as(Architecture::UefiHttpX64),
            vm::offered("http://10.77.0.1/snponly.efi"),
            vm::got("snponly.efi"),
        ],
    );
    // It refuses that too, and has nothing else to boot.
    let stalled = program.wait_for("the verdict", PATIENCE, |event| matches!(event.fact, Fact::BootStalled { .. }));
    let Fact::BootStalled { next_step, .. } = stalled.fact else { unreachable!() };
    assert!(next_step.contains("Secure Boot") && next_step.ends_with("it is given shimx64.efi"), "{next_step}");
    reset(&segment, "secure1");
    machine.passes(
        &program,
        &[
            vm::stage("reset", |fact| matches!(fact, Fact::PowerAccepted { .. })),
            discovered_as(Architecture::UefiX64),
            vm::offered("shimx64.efi"),
            vm::got("shimx64.efi"),
            vm::got("grubx64.efi"),
            vm::got("grub/grub.cfg"),
            vm::stage(
                "learned",
                |fact| matches!(fact, Fact::BootLearned { boot_file, .. } if boot_file == "shimx64.efi"),
            ),
            vm::got("practice/vmlinuz"),
            vm::got("practice/initrd.img"),
            vm::system_acknowledged(),
            vm::completed(),
        ],
    );
    machine.wait_until_up();
    let console = machine.console();
    for line in ["secureboot: Secure boot enabled", "Kernel is locked down from EFI Secure Boot"] {
        assert!(console.contains(line), "{line}: {console}");
    }
    let looked_for = |e: &Event| matches!(&e.fact, Fact::TftpRefused { file, .. } if file.contains("revocations"));
    assert!(program.events().iter().any(looked_for), "shim looks for lists, and boots without them");
    assert!(!program.events().iter().any(|e| matches!(e.fact, Fact::BootLooped { .. })));

    // What was learned is in the journal.
    drop(program);
    let program = Program::start(&segment);
    reset(&segment, "secure1");
    machine
        .passes(&program, &[discovered_as(Architecture::UefiX64), vm::offered("shimx64.efi"), vm::got("shimx64.efi")]);
}
