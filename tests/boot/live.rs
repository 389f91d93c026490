//! A live system boots from the network by `fetch=`, as the kiosk that the shipped profile `webconverger` makes of it: its
//! settings come from the files of its machine, and it finds them where Webconverger looks for its own.

use crate::support::{
    Program, Segment, can_run, run,
    vm::{self, Vm},
};
use pxelator::event::Fact;
use sha2::{Digest, Sha256};
use std::{fs, path::Path, process::Command, time::Duration};

/// A whole system, emulated, on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(1500);
/// Quotes and a backslash, which must come through settings of Firefox.
const AGENT: &str = r#"Kiosk/1.0 ("front \ door")"#;

fn kiosk_logged(text: &str) -> vm::Stage {
    let wanted = text.to_owned();
    vm::stage(
        &format!("the kiosk's log: {text}"),
        move |fact| matches!(fact, Fact::SyslogReceived { tag: Some(tag), text, .. } if tag == "kiosk" && *text == wanted),
    )
}

#[test]
fn a_kiosk_finds_its_settings() {
    if !can_run(&[vm::NEEDED, &["mmdebstrap", "mksquashfs", "openssl"]].concat()) {
        return;
    }
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let made = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (base, squashfs) = (made.join("image"), made.join("live/filesystem.squashfs"));
    run(Command::new(project.join("tests/images/base")).arg(&base));
    run(Command::new(project.join("tests/images/squashfs")).args([&base, &squashfs]));

    let segment = Segment::new("live");
    vm::equip(&segment);
    vm::ship(&segment, "webconverger");
    for (file, from) in
        [("vmlinuz", base.join("vmlinuz")), ("initrd.img", base.join("initrd.img")), ("filesystem.squashfs", squashfs)]
    {
        segment.serve(&format!("live/{file}"), b"");
        fs::copy(from, segment.tftpboot().join("live").join(file)).unwrap();
    }
    // The same line of boot, another system.
    segment.conf("boot/kiosk/from", "webconverger");
    segment.conf("boot/kiosk/kernel", "live/vmlinuz");
    segment.conf("boot/kiosk/initrd", "live/initrd.img");

    let machine = Vm::new(&segment, 60, "kiosk1", "bios");
    let certificate = rcgen::generate_simple_self_signed(["house.test".to_owned()]).unwrap().cert;
    let der = segment.folder.path().join("certificate.der");
    fs::write(&der, certificate.der()).unwrap();
    let pem = run(Command::new("openssl").args(["x509", "-inform", "der", "-in"]).arg(&der));
    for (file, value) in [
        ("boot", "kiosk"),
        ("power", "qemu mem=1024 cpus=2"),
        ("live", "live/filesystem.squashfs"),
        ("homepage", "http://portal.test.lan/?mac=MACID\nhttp://news.test.lan/a b"),
        ("language", "de"),
        ("useragent", AGENT),
        ("certificate", pem.trim()),
        ("kiosk", "console=ttyS0"),
    ] {
        segment.conf(&format!("10.77.0.1/10.77.0.60/{file}"), value);
    }
    let program = Program::launch(&segment, &["--power-on", "kiosk1"]);
    let digest = hex::encode(Sha256::digest(certificate.der()));
    let said = [
        "homepage=http://portal.test.lan/?mac=MACID http://news.test.lan/a b".to_owned(),
        "locale=de".to_owned(),
        "noconfig=yes".to_owned(),
        format!("useragent={}", AGENT.replace('\\', "\\\\").replace('"', "\\\"")),
        format!("certificate={digest}"),
        "done on overlay, from squashfs".to_owned(),
    ];
    let mut stages = vec![
        vm::got("boot.ipxe"),
        vm::got("live/vmlinuz"),
        vm::got("live/initrd.img"),
        vm::got("live/filesystem.squashfs"),
    ];
    // Its settings of Firefox are fetched between the third and the fourth.
    stages.extend(said[..3].iter().map(|words| kiosk_logged(words)));
    stages.push(vm::got("answers/prefs.js"));
    stages.extend(said[3..].iter().map(|words| kiosk_logged(words)));
    machine.passes_within(&program, &stages, PATIENCE);
    let console = machine.said();
    for words in &said {
        assert!(console.contains(&format!("KIOSK {words}")), "{words}: {console}");
    }
}
