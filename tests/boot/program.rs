//! Profiles that are no kernel: memtest as a firmware program on BIOS and UEFI, and a machine's own disk.

use crate::support::{
    Program, Segment, can_run,
    vm::{self, PATIENCE, Vm},
    wait_for,
};
use pxelator::event::{Architecture, Fact};
use std::{fs, path::Path};

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

/// A disk whose boot sector writes `words` to the serial console, and stops.
fn disk(words: &str) -> Vec<u8> {
    // cld; ds = 0; si = words; dx = COM1; until a zero: lodsb, out; hlt.
    let code = [
        0x31, 0xc0, 0x8e, 0xd8, 0xfc, 0xbe, 0x16, 0x7c, 0xba, 0xf8, 0x03, 0xac, 0x84, 0xc0, 0x74, 0x03, 0xee, 0xeb,
        0xf8, 0xf4, 0xeb, 0xfd,
    ];
    vm::disk(&[&code, words.as_bytes()].concat())
}

#[test]
fn a_machine_boots_its_own_disk() {
    if !can_run(vm::NEEDED) {
        return;
    }
    let segment = Segment::new("local");
    vm::equip(&segment);
    segment.conf("10.77.0.1/boot", "local");
    let (bios, uefi) = (Vm::new(&segment, 60, "bios1", "bios"), Vm::new(&segment, 61, "uefi1", "uefi"));
    let image = segment.folder.path().join("own.img");
    fs::write(&image, disk("BOOTED FROM ITS OWN DISK\n")).unwrap();
    segment.conf("10.77.0.1/10.77.0.60/power", &format!("qemu disk={}", image.display()));
    let program = Program::launch(&segment, &["--power-on", "bios1", "--power-on", "uefi1"]);
    bios.passes(&program, &[vm::got("boot.ipxe")]);
    wait_for("the words of its disk", PATIENCE, || bios.console().contains("BOOTED FROM ITS OWN DISK").then_some(()));
    // UEFI goes on to what it boots next, which here is the network by another way.
    let http = vm::stage("discovered as UEFI HTTP", |fact| {
        let http = Some(Architecture::UefiHttpX64);
        matches!(fact, Fact::DhcpDiscovered { ipxe: false, architecture, .. } if *architecture == http)
    });
    uefi.passes(&program, &[vm::offered("snponly.efi"), vm::got("snponly.efi"), vm::got("boot.ipxe"), http]);
}
