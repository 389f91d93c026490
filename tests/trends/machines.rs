//! What machines do becomes RRDtool files: a boot, power, a virtual machine's process and disk, a machine from within and its container.

use crate::{
    SERVER, file, known, says,
    support::{Debian, Program, Segment, can_run, debian, vm, vm::Vm},
    wait_until,
};
use pxelator::sample::Of;
use std::{fs, net::Ipv4Addr};

/// A disk whose boot sector reads a sector and writes another at each tick of the clock, 18 times a second.
fn busy_disk() -> Vec<u8> {
    // ds = es = 0; until the power goes: sti, hlt; int 13h reads sector 2; int 13h writes sector 3.
    let code = [
        0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0, 0xfb, 0xf4, 0xb8, 0x01, 0x02, 0xbb, 0x00, 0x80, 0xb9, 0x02, 0x00, 0xba,
        0x80, 0x00, 0xcd, 0x13, 0xb8, 0x01, 0x03, 0xbb, 0x00, 0x80, 0xb9, 0x03, 0x00, 0xba, 0x80, 0x00, 0xcd, 0x13,
        0xeb, 0xe0,
    ];
    vm::disk(&code)
}

#[test]
fn virtual_machines() {
    if !can_run(&[vm::NEEDED, &["rrdtool"]].concat()) {
        return;
    }
    let segment = Segment::new("vms");
    vm::equip(&segment);
    let (booted, busy) = (Vm::new(&segment, 60, "booted", "bios"), Vm::new(&segment, 61, "busy", "bios"));
    let image = segment.folder.path().join("busy.img");
    fs::write(&image, busy_disk()).unwrap();
    segment.conf("10.77.0.1/10.77.0.61/power", &format!("qemu disk={}", image.display()));
    segment.conf("10.77.0.1/10.77.0.61/boot", "local");
    let program = Program::launch(&segment, &["--power-on", "booted", "--power-on", "busy"]);
    booted.passes(&program, &[vm::completed()]);
    let of = |vm: &Vm<'_>| Of::Machine(SERVER, vm.address);

    let took = wait_until(&segment, of(&booted), "boot", |series| !known(series, "total").is_empty());
    assert!(known(&took, "total").iter().all(|seconds| (1.0..240.0).contains(seconds)), "{took:?}");
    wait_until(&segment, of(&booted), "power", |series| known(series, "on").last() == Some(&1.0));
    let last_is = |above: f64, line: &'static str| move |series: &_| known(series, line).last() > Some(&above);
    wait_until(&segment, of(&booted), "vm", last_is(16e6, "memory"));
    wait_until(&segment, of(&booted), "vm", last_is(0.0, "cpu"));
    // 18 sectors a second each, fewer where the host is busy.
    for line in ["read", "written"] {
        let rates = wait_until(&segment, of(&busy), "vm", last_is(500.0, line));
        assert!(known(&rates, line).last() < Some(&100_000.0), "{rates:?}");
    }

    says(&segment, 0, &["power", "off", "busy"]);
    wait_until(&segment, of(&busy), "power", |series| known(series, "on").contains(&0.0));
    says(&segment, 0, &["power", "on", "busy"]);
    wait_until(&segment, of(&busy), "vm", |series| !series.holes().is_empty());
    wait_until(&segment, of(&busy), "power", |series| known(series, "on").last() == Some(&1.0));
    let listed = says(&segment, 0, &["graph", "booted"]);
    for family in ["boot", "power", "vm"] {
        assert!(listed.contains(family) && file(&segment, of(&booted), family).exists(), "{listed}");
    }
}

#[test]
fn a_machine_from_within_and_its_container() {
    if !can_run(&[debian::NEEDED, &["rrdtool"]].concat()) {
        return;
    }
    let segment = Segment::new("within");
    let web1 = Debian::start(&segment, 60, "web1");
    web1.inner_root();
    // What its awk is, and where errors go.
    web1.does("cp -a /etc/alternatives /srv/db/etc/ && mkdir /srv/db/dev && mount --bind /dev /srv/db/dev");
    segment.conf("10.77.0.1/10.77.0.60/track", "/etc/hostname");
    segment.conf("10.77.0.1/10.77.0.60/containers/db/exec", "chroot /srv/db");
    segment.conf("10.77.0.1/10.77.0.60/containers/db/track", "/etc");
    let _program = Program::start(&segment);
    says(&segment, 0, &["track", "pull", "web1", "db@web1"]);
    let measured = says(&segment, 0, &["log", "kind=track.measured"]);
    assert!(!measured.contains("unknown"), "{measured}");
    let web1 = Of::Machine(SERVER, Ipv4Addr::new(10, 77, 0, 60));
    for family in ["use", "use-db"] {
        let series = wait_until(&segment, web1, family, |series| !known(series, "cpu").is_empty());
        for (line, within) in [("cpu", 0.0..1000.0), ("memory", 1e6..1e13), ("disk", 1e6..1e15)] {
            assert!(known(&series, line).iter().all(|value| within.contains(value)), "{family} {line}: {series:?}");
        }
    }
    assert!(says(&segment, 0, &["graph", "web1"]).contains("container db"));
}
