use super::*;
use crate::{
    conf::{Conf, Loader, Machine, Profile, Segment},
    event::{Architecture, Refusal},
    net::Mac,
};
use proptest::prelude::*;
use std::{collections::BTreeMap, net::Ipv4Addr, sync::Arc};

const MAC: Mac = Mac([0x52, 0x54, 0, 0, 0, 0x60]);
const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 60);

fn profile(kernel: &str, append: &str) -> Arc<Profile> {
    let texts = [("kernel", kernel), ("initrd", "live/initrd.img"), ("append", append)];
    Arc::new(Profile::new("live", &texts))
}

fn machine() -> Machine {
    let extra = BTreeMap::from([("homepage".to_owned(), "http://x/".to_owned())]);
    Machine { boot: Some("live".into()), extra, ..Machine::new(ADDRESS, MAC, "web1") }
}

fn conf(append: &str) -> (Conf, Segment) {
    let segment = Segment {
        domain: "test.lan".into(),
        machines: BTreeMap::from([(ADDRESS, Arc::new(machine()))]),
        ..Segment::new(Ipv4Addr::new(10, 77, 0, 1))
    };
    let profiles = BTreeMap::from([("live".to_owned(), profile("live/vmlinuz", append))]);
    (Conf { segments: BTreeMap::from([(segment.server, Arc::new(segment.clone()))]), profiles }, segment)
}

fn asker(machine: Option<&Machine>) -> Asker<'_> {
    Asker { address: ADDRESS, mac: machine.map(|m| m.mac), machine, standing: Standing::default() }
}

fn text(served: Result<Served, Refusal>) -> String {
    match served {
        Ok(Served::Text { body, .. }) => body,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_boot_file_of_each_firmware() {
    use Architecture::*;
    let (conf, mut segment) = conf("");
    let m = machine();
    let script = "http://10.77.0.1/boot.ipxe?mac=52-54-00-00-00-60";
    for (architecture, ipxe, loader, expected) in [
        (Some(Bios), false, Loader::Ipxe, "undionly.kpxe"),
        (None, false, Loader::Ipxe, "undionly.kpxe"),
        (Some(UefiX64), false, Loader::Ipxe, "ipxe.efi"),
        (Some(UefiArm64), false, Loader::Ipxe, "ipxe-arm64.efi"),
        (Some(UefiHttpX64), false, Loader::Ipxe, "http://10.77.0.1/ipxe.efi"),
        (Some(UefiHttpArm64), false, Loader::Ipxe, "http://10.77.0.1/ipxe-arm64.efi"),
        (Some(Bios), true, Loader::Ipxe, script),
        (Some(UefiX64), true, Loader::Ipxe, script),
        (Some(UefiX64), true, Loader::Pxelinux, script),
        (Some(Bios), true, Loader::Pxelinux, "pxelinux.0"),
        (Some(Bios), false, Loader::Pxelinux, "pxelinux.0"),
        (Some(UefiX64), false, Loader::Pxelinux, "syslinux.efi"),
    ] {
        segment.loader = loader;
        let file = boot_file(&conf, &segment, &asker(Some(&m)), MAC, Firmware { architecture, ipxe });
        assert_eq!(file, Ok(BootFile(expected.into())), "{architecture:?} {ipxe} {loader:?}");
    }
    let odd =
        boot_file(&conf, &segment, &asker(Some(&m)), MAC, Firmware { architecture: Some(Other(99)), ipxe: false });
    assert!(matches!(odd, Err(Refusal::NotAllowed { .. })));
}

#[test]
fn without_a_profile_there_is_a_named_refusal() {
    let (conf, segment) = conf("");
    let firmware = Firmware { architecture: Some(Architecture::Bios), ipxe: false };
    assert_eq!(boot_file(&conf, &segment, &asker(None), MAC, firmware), Err(Refusal::NoProfile));
    let lost = Machine { boot: Some("kisok".into()), ..machine() };
    let refusal = Refusal::UnknownProfile { profile: "kisok".into() };
    assert_eq!(boot_file(&conf, &segment, &asker(Some(&lost)), MAC, firmware), Err(refusal));
}

#[test]
fn an_ipxe_script() {
    let (conf, segment) = conf("quiet host={{ machine.hostname }} page={{ machine.homepage }} at={{ segment.server }}");
    let m = machine();
    insta::assert_snapshot!(text(serve(&conf, &segment, asker(Some(&m)), "/boot.ipxe?mac=52-54-00-00-00-60")));
}

#[test]
fn a_pxelinux_configuration() {
    let (conf, segment) = conf("quiet");
    let m = machine();
    for name in ["01-52-54-00-00-00-60", "0A4D003C", "default"] {
        let config = text(serve(&conf, &segment, asker(Some(&m)), &format!("pxelinux.cfg/{name}")));
        assert_eq!(
            config,
            "DEFAULT live\nPROMPT 0\nTIMEOUT 0\nLABEL live\n  KERNEL /live/vmlinuz\n  INITRD /live/initrd.img\n  APPEND quiet\n"
        );
    }
    for name in ["b8945908-d6a6-41a9-611d-74a6ab80b83d", "0A4D003", "0"] {
        let answer = serve(&conf, &segment, asker(Some(&m)), &format!("pxelinux.cfg/{name}"));
        assert!(matches!(answer, Err(Refusal::Missing { .. })), "{name}");
    }
}

#[test]
fn a_script_is_given_to_its_machine_only() {
    let (conf, segment) = conf("");
    let m = machine();
    let other = "boot.ipxe?mac=52-54-00-00-00-61";
    assert_eq!(serve(&conf, &segment, asker(Some(&m)), other), Err(Refusal::UnknownMachine));
    let stranger =
        Asker { address: Ipv4Addr::new(10, 77, 0, 150), mac: None, machine: None, standing: Standing::default() };
    assert_eq!(serve(&conf, &segment, stranger, "boot.ipxe"), Err(Refusal::NoProfile));
    let elsewhere =
        Asker { address: Ipv4Addr::new(192, 0, 2, 1), mac: None, machine: None, standing: Standing::default() };
    assert_eq!(serve(&conf, &segment, elsewhere, "boot.ipxe"), Err(Refusal::UnknownMachine));
    // Beside another DHCP server the address says nothing; the MAC finds the machine.
    assert!(text(serve(&conf, &segment, stranger, "boot.ipxe?mac=52-54-00-00-00-60")).contains("live/vmlinuz"));
}

#[test]
fn a_broken_template_is_named_with_its_place() {
    for (append, part) in [
        ("{{ machine.nothing }}", "conf/boot/live/append: line 1"),
        ("{{ machine.homepage", "line 1"),
        ("{{ '\\n' }}evil", "a line break or control character"),
    ] {
        let (conf, segment) = conf(append);
        let m = machine();
        match serve(&conf, &segment, asker(Some(&m)), "boot.ipxe") {
            Err(Refusal::BrokenProfile { profile, error }) => {
                assert!(profile == "live" && error.contains(part), "{error}")
            }
            other => panic!("{append}: {other:?}"),
        }
    }
    assert_eq!(faults(&profile("k", "ok {{ machine.hostname }}")), []);
    assert_eq!(faults(&profile("k", "{{ oops"))[0].0.display().to_string(), "boot/live/append");
}

#[test]
fn paths() {
    let (conf, segment) = conf("");
    for (path, expected) in [
        ("/live/vmlinuz", Ok(Served::File("live/vmlinuz".into()))),
        ("//live/./vmlinuz", Ok(Served::File("live/vmlinuz".into()))),
        ("../etc/passwd", Err(Refusal::Outside)),
        ("live/../../etc/passwd", Err(Refusal::Outside)),
        ("/", Err(Refusal::NotAFile)),
    ] {
        assert_eq!(serve(&conf, &segment, asker(None), path), expected, "{path}");
    }
}

proptest! {
    #[test]
    fn no_path_leads_out(path in any::<String>()) {
        let (conf, segment) = conf("");
        if let Ok(Served::File(file)) = serve(&conf, &segment, asker(None), &path) {
            prop_assert!(!file.starts_with('/') && file.split('/').all(|part| part != ".."), "{file}");
        }
    }

    #[test]
    fn no_value_breaks_out_of_its_line(value in any::<String>()) {
        let (conf, segment) = conf("x={{ machine.homepage }}");
        let m = Machine { extra: BTreeMap::from([("homepage".to_owned(), value)]), ..machine() };
        if let Ok(Served::Text { body, .. }) = serve(&conf, &segment, asker(Some(&m)), "boot.ipxe") {
            prop_assert_eq!(body.lines().filter(|line| line.starts_with("kernel ")).count(), 1);
            prop_assert_eq!(body.lines().count(), 10);
        }
    }
}
