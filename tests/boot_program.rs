//! Profiles that are no kernel: memtest as a firmware program on BIOS and UEFI, and a machine's own disk.

mod support;

use std::{fs, path::Path};
use support::{
    Program, Segment, can_run, run,
    vm::{self, PATIENCE, Vm},
    wait_for,
};

/// Lays a profile as it is shipped into the segment's conf.
fn ship(segment: &Segment, profile: &str) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("conf/boot").join(profile);
    for file in fs::read_dir(&from).unwrap_or_else(|error| panic!("{}: {error}", from.display())) {
        let file = file.unwrap();
        let value = fs::read_to_string(file.path()).unwrap();
        segment.conf(&format!("boot/{profile}/{}", file.file_name().to_string_lossy()), value.trim());
    }
}

#[test]
fn memtest_on_bios_and_uefi() {
    if !can_run(vm::NEEDED) {
        return;
    }
    let segment = Segment::new("memtest");
    vm::equip(&segment);
    ship(&segment, "memtest");
    let machines = [Vm::new(&segment, 60, "bios1", "bios"), Vm::new(&segment, 61, "uefi1", "uefi")];
    for (last, power) in [(60, "qemu"), (61, "qemu screen=on")] {
        segment.conf(&format!("10.77.0.1/10.77.0.{last}/boot"), "memtest");
        // Its own words go to the screen; the serial console is asked for.
        segment.conf(&format!("10.77.0.1/10.77.0.{last}/power"), power);
    }
    let program = Program::launch(&segment, &["--power-on", "bios1", "--power-on", "uefi1"]);
    for (machine, file) in machines.iter().zip(["memtest/memtest86+x64.bin", "memtest/memtest86+x64.efi"]) {
        machine.passes(&program, &[vm::got("boot.ipxe"), vm::got(file)]);
        wait_for("memtest at work", PATIENCE, || {
            let console = machine.console();
            (console.contains("Status: Testing") && console.contains("Errors: 0")).then_some(())
        });
    }
}
