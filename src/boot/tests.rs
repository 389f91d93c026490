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
    (
        Conf { segments: BTreeMap::from([(segment.server, Arc::new(segment.clone()))]), profiles, ..Conf::default() },
        segment,
    )
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
        (Some(Bios), false, Loader::Auto, "undionly.kpxe"),
        (Some(UefiX64), false, Loader::Auto, "ipxe.efi"),
        (Some(UefiHttpX64), false, Loader::Auto, "http://10.77.0.1/ipxe.efi"),
        (Some(UefiX64), true, Loader::Auto, script),
        (Some(Bios), false, Loader::Snponly, "undionly.kpxe"),
        (Some(UefiX64), false, Loader::Snponly, "snponly.efi"),
        (Some(UefiHttpX64), false, Loader::Snponly, "http://10.77.0.1/snponly.efi"),
        (Some(Bios), false, Loader::Grub, "undionly.kpxe"),
        (Some(UefiX64), false, Loader::Grub, "shimx64.efi"),
        (Some(UefiX64), true, Loader::Grub, script),
        (Some(UefiArm64), false, Loader::Grub, "shimaa64.efi"),
    ] {
        segment.loader = loader;
        let file = boot_file(&conf, &segment, &asker(Some(&m)), MAC, Firmware { architecture, ipxe });
        assert_eq!(file, Ok(BootFile(expected.into())), "{architecture:?} {ipxe} {loader:?}");
    }
    let odd =
        boot_file(&conf, &segment, &asker(Some(&m)), MAC, Firmware { architecture: Some(Other(99)), ipxe: false });
    assert!(matches!(odd, Err(Refusal::NotAllowed { .. })));
    segment.loader = Loader::Grub;
    let http = Firmware { architecture: Some(UefiHttpX64), ipxe: false };
    assert!(matches!(boot_file(&conf, &segment, &asker(Some(&m)), MAC, http), Err(Refusal::NotAllowed { .. })));
}

#[test]
fn the_boot_file_follows_the_ladder_unless_conf_names_one() {
    let (conf, mut segment) = conf("");
    let m = machine();
    let mut standing = Standing::default();
    standing.climb.fail(Some(Architecture::UefiX64), Program::IpxeEfi);
    let firmware = Firmware { architecture: Some(Architecture::UefiX64), ipxe: false };
    let mut given = |loader, standing| {
        segment.loader = loader;
        let asker = Asker { standing, ..asker(Some(&m)) };
        boot_file(&conf, &segment, &asker, MAC, firmware).map(|file| file.0)
    };
    assert_eq!(given(Loader::Auto, standing), Ok("snponly.efi".to_owned()));
    assert_eq!(given(Loader::Ipxe, standing), Ok("ipxe.efi".to_owned()));
    assert_eq!(given(Loader::Auto, Standing { looped: true, ..standing }), Err(Refusal::Looped));
}

#[test]
fn to_boot_its_own_disk_a_machine_is_given_a_loader_that_can_leave() {
    let (conf, segment) = conf("");
    let m = Machine { boot: Some("local".into()), ..machine() };
    for (architecture, expected) in [(Architecture::Bios, "undionly.kpxe"), (Architecture::UefiX64, "snponly.efi")] {
        let firmware = Firmware { architecture: Some(architecture), ipxe: false };
        let file = boot_file(&conf, &segment, &asker(Some(&m)), MAC, firmware);
        assert_eq!(file, Ok(BootFile(expected.to_owned())));
    }
}

#[test]
fn grubs_configuration() {
    let (conf, segment) = conf("quiet");
    let m = machine();
    for name in ["grub/grub.cfg", "grub.cfg", "grub/grub.cfg-01-52-54-00-00-00-60"] {
        let config = text(serve(&conf, &segment, asker(Some(&m)), name));
        assert!(
            config.contains("if linux /live/vmlinuz quiet; then\nif initrd /live/initrd.img; then\nboot\n"),
            "{config}"
        );
    }
    let another = serve(&conf, &segment, asker(Some(&m)), "grub/grub.cfg-01-52-54-00-00-00-61");
    assert_eq!(another, Err(Refusal::UnknownMachine));
    assert!(matches!(serve(&conf, &segment, asker(Some(&m)), "grub/grub.cfg-0A4D"), Err(Refusal::Missing { .. })));
}

#[test]
fn who_boots_in_a_circle_reads_that_and_gets_no_loader() {
    let (conf, segment) = conf("");
    let m = machine();
    let looped = Asker { standing: Standing { looped: true, ..Standing::default() }, ..asker(Some(&m)) };
    for path in ["boot.ipxe", "own.ipxe", "pxelinux.cfg/default", "grub/grub.cfg"] {
        assert!(text(serve(&conf, &segment, looped, path)).contains("boots in a circle"), "{path}");
    }
    assert_eq!(serve(&conf, &segment, looped, "ipxe.efi"), Err(Refusal::Looped));
    assert_eq!(serve(&conf, &segment, looped, "live/vmlinuz"), Ok(Served::File("live/vmlinuz".into())));
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

/// A tree whose machine boots the profile `name` of `profiles`.
fn tree(name: &str, profiles: Vec<Profile>, change: impl FnOnce(&mut Machine)) -> (Conf, Segment, Machine) {
    let (_, mut segment) = conf("");
    let mut machine = Machine { boot: Some(name.into()), ..machine() };
    change(&mut machine);
    segment.machines = BTreeMap::from([(ADDRESS, Arc::new(machine.clone()))]);
    let profiles = profiles.into_iter().map(|profile| (profile.name.clone(), Arc::new(profile))).collect();
    (
        Conf { segments: BTreeMap::from([(segment.server, Arc::new(segment.clone()))]), profiles, ..Conf::default() },
        segment,
        machine,
    )
}

fn with_answers(mut profile: Profile, answers: &[(&str, &str)]) -> Profile {
    for (name, body) in answers {
        let text = crate::conf::Text { file: format!("boot/{}/{name}", profile.name).into(), body: (*body).to_owned() };
        profile.answers.insert((*name).to_owned(), text);
    }
    profile
}

#[test]
fn an_answer_file_is_rendered_for_its_machine() {
    let installer = with_answers(
        Profile::new("di", &[("kernel", "k"), ("append", "url={{ answers }}/preseed.cfg")]),
        &[
            ("preseed.cfg", "d-i netcfg/hostname string {{ machine.hostname }}\n# {{ token }} {{ answers }}\n"),
            ("nocloud/meta-data", "instance-id: {{ machine.mac }}\n"),
            ("broken", "one\ntwo {{ machine.nothing }}\n"),
        ],
    );
    let (conf, segment, m) = tree("di", vec![installer], |_| {});
    let key = TokenKey::new(*b"k");
    let standing = Standing { token: key.token(MAC, None), ..Standing::default() };
    let asker = Asker { standing, ..asker(Some(&m)) };
    let token = standing.token;
    assert_eq!(
        text(serve(&conf, &segment, asker, "/answers/preseed.cfg")),
        format!("d-i netcfg/hostname string web1\n# {token} http://10.77.0.1/answers\n")
    );
    assert_eq!(text(serve(&conf, &segment, asker, "/answers/nocloud/meta-data")), "instance-id: 52:54:00:00:00:60\n");
    assert!(
        text(serve(&conf, &segment, asker, "boot.ipxe"))
            .contains("kernel http://10.77.0.1/k url=http://10.77.0.1/answers/preseed.cfg")
    );
    match serve(&conf, &segment, asker, "answers/broken") {
        Err(Refusal::BrokenProfile { error, .. }) => {
            assert!(error.starts_with("conf/boot/di/broken: line 2, column 8: "), "{error}");
        }
        other => panic!("{other:?}"),
    }
    let missing = Refusal::Missing { path: "conf/boot/di/autoinst.xml".into() };
    assert_eq!(serve(&conf, &segment, asker, "answers/autoinst.xml"), Err(missing));
    let stranger = Asker { address: Ipv4Addr::new(10, 77, 0, 150), mac: None, machine: None, standing };
    assert_eq!(serve(&conf, &segment, stranger, "answers/preseed.cfg"), Err(Refusal::NoProfile));
}

#[test]
fn a_secret_is_told_to_an_armed_machine_once() {
    let secret = |name: &str, value: &str| (name.to_owned(), crate::conf::Secret(value.to_owned()));
    let mut installer = with_answers(
        Profile::new("di", &[("kernel", "k")]),
        &[("preseed.cfg", "password {{ secret.root }}\n"), ("plain", "x\n")],
    );
    installer.secrets = [secret("root", "$6$profile")].into();
    let armed = |m: &mut Machine| {
        m.boot_once = Some(crate::conf::Once { profile: "di".into(), then: "local".into() });
        m.secrets = [secret("root", "$6$machine")].into();
    };
    let (conf, segment, m) = tree("local", vec![installer.clone()], armed);
    let ask = |standing, file: &str| serve(&conf, &segment, Asker { standing, ..asker(Some(&m)) }, file);
    let fresh = Standing::default();
    match ask(fresh, "answers/preseed.cfg") {
        Ok(Served::Text { body, secret: true, .. }) => assert_eq!(body, "password $6$machine\n"),
        other => panic!("{other:?}"),
    }
    let told = Standing { told: true, ..fresh };
    let file = "conf/boot/di/preseed.cfg".to_owned();
    assert_eq!(ask(told, "answers/preseed.cfg"), Err(Refusal::Told { file: file.clone() }));
    assert!(matches!(ask(told, "answers/plain"), Ok(Served::Text { secret: false, .. })));
    // Its boots are over: it boots its disk, and is told nothing.
    let spent = Standing { spent: true, ..fresh };
    assert!(text(ask(spent, "boot.ipxe")).contains("sanboot") && ask(spent, "answers/preseed.cfg").is_err());
    let (conf, segment, m) = tree("di", vec![installer], |_| {});
    let asked = serve(&conf, &segment, asker(Some(&m)), "answers/preseed.cfg");
    assert_eq!(asked, Err(Refusal::Unarmed { file }));
}

#[test]
fn a_menu_offers_its_entries_and_no_others() {
    let profiles = || {
        vec![
            Profile::new("menu", &[("menu", "local The disk\nlive A live system for {{ machine.hostname }}\nlost")]),
            with_answers(
                Profile::new("live", &[("kernel", "live/vmlinuz"), ("append", "seed={{ answers }}/seed")]),
                &[("seed", "for {{ machine.hostname }}")],
            ),
            Profile::new("other", &[("kernel", "other/vmlinuz")]),
        ]
    };
    let (conf, segment, m) = tree("menu", profiles(), |_| {});
    let ask = |file: &str| serve(&conf, &segment, asker(Some(&m)), file);
    let script = text(ask("boot.ipxe?mac=52-54-00-00-00-60"));
    for line in [
        "item local The disk",
        "item live A live system for web1",
        "item --gap lost cannot be booted: there is no profile lost in conf/boot",
        "choose --default local --timeout 10000 target || goto failed",
        "chain --replace http://10.77.0.1/boot.ipxe?mac=${netX/mac:hexhyp}&choice=${target} || goto failed",
    ] {
        assert!(script.lines().any(|l| l == line), "{line}: {script}");
    }
    match ask("boot.ipxe?mac=52-54-00-00-00-60&choice=live") {
        Ok(Served::Text { body, chosen: Some(chosen), .. }) => {
            assert!(
                chosen == "live" && body.contains("live/vmlinuz seed=http://10.77.0.1/answers/@live/seed"),
                "{body}"
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(text(ask("answers/@live/seed")), "for web1");
    for not in ["boot.ipxe?choice=other", "answers/@other/seed"] {
        assert!(matches!(ask(not), Err(Refusal::NotAllowed { .. })), "{not}");
    }
    let pxelinux = text(ask("pxelinux.cfg/default"));
    for line in ["DEFAULT local", "TIMEOUT 100", "LABEL live", "  KERNEL /live/vmlinuz", "  LOCALBOOT 0"] {
        assert!(pxelinux.lines().any(|l| l == line), "{line}: {pxelinux}");
    }
    let named = files(&conf, &segment, asker(Some(&m))).unwrap_err();
    assert_eq!(named, Refusal::UnknownProfile { profile: "lost".into() });
}

#[test]
fn a_variant_is_for_its_firmware() {
    let profile = Profile::new(
        "x",
        &[("program.bios", "memtest.bin"), ("program.uefi", "memtest.efi"), ("kernel.uefi-arm64", "k")],
    );
    for (firmware, expected) in [
        (Some(Architecture::Bios), Some(("program", "memtest.bin"))),
        (Some(Architecture::UefiX64), Some(("program", "memtest.efi"))),
        (Some(Architecture::UefiHttpX64), Some(("program", "memtest.efi"))),
        (Some(Architecture::UefiArm64), Some(("kernel", "k"))),
        (None, None),
    ] {
        let found = profile.kind(firmware).map(|kind| (kind, profile.text(kind, firmware).unwrap().body.as_str()));
        assert_eq!(found, expected, "{firmware:?}");
    }
    let (conf, segment, m) = tree("x", vec![profile], |_| {});
    match serve(&conf, &segment, asker(Some(&m)), "boot.ipxe") {
        Err(Refusal::BrokenProfile { error, .. }) => assert!(error.contains("does not say what to boot"), "{error}"),
        other => panic!("{other:?}"),
    }
}
