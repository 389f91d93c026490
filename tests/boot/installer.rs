//! Debian's installer boots from the network by the shipped profile `debian`, gets its answers, which are those of its machine, and
//! goes on by them as far as it comes without a mirror of Debian's archive.

use crate::support::{
    Program, Segment, can_run, run,
    vm::{self, Vm},
};
use pxelator::event::{Fact, Refusal};
use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command, time::Duration};

/// An installer, emulated, on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(1500);
/// No password that anybody has.
const HASH: &str = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7";

/// The installer logged such a message to the server.
fn logged(words: &str) -> vm::Stage {
    let words = words.to_owned();
    vm::stage(
        &format!("logged: {words}"),
        move |fact| matches!(fact, Fact::SyslogReceived { text, .. } if text.contains(&words)),
    )
}

#[test]
fn debian_s_installer_goes_by_its_preseed() {
    if !can_run(vm::NEEDED) {
        return;
    }
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join("installer");
    run(Command::new(project.join("tests/images/installer")).arg(&made));

    let segment = Segment::new("installer");
    vm::equip(&segment);
    vm::ship(&segment, "debian");
    for file in ["linux", "initrd.gz"] {
        segment.serve(&format!("debian/{file}"), b"");
        fs::copy(made.join(file), segment.tftpboot().join("debian").join(file)).unwrap();
    }
    let machine = Vm::new(&segment, 60, "deb1", "bios");
    for (file, value) in [
        ("boot-once", "debian"),
        ("power", "qemu mem=1024 cpus=2"),
        ("console", "ttyS0"),
        // Its archive would be here, and is not.
        ("mirror", "10.77.0.1"),
        ("sshkeys", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJJ operator"),
        ("password.secret", HASH),
    ] {
        segment.conf(&format!("10.77.0.1/10.77.0.60/{file}"), value);
    }
    let secret = segment.conf_dir().join("10.77.0.1/10.77.0.60/password.secret");
    fs::set_permissions(secret, fs::Permissions::from_mode(0o600)).unwrap();

    let program = Program::launch(&segment, &["--power-on", "deb1"]);
    machine.passes_within(
        &program,
        &[
            vm::got("boot.ipxe"),
            vm::got("debian/linux"),
            vm::got("debian/initrd.gz"),
            vm::system_acknowledged(),
            vm::got("answers/preseed.cfg"),
            // Said by a command in the answers, with the machine's values in it: they are in force.
            logged("installing deb1 as 10.77.0.60"),
            // It goes on to where the answers send it for packages.
            vm::stage("it asks the mirror", |fact| {
                matches!(fact, Fact::HttpRefused { file, refusal: Refusal::Missing { .. }, .. }
                    if file == "debian/dists/bookworm/Release")
            }),
        ],
        PATIENCE,
    );
    let told =
        program.events().iter().map(|event| serde_json::to_string(event).unwrap()).collect::<Vec<_>>().join("\n");
    assert!(!told.contains("$y$j9T$"), "a secret is in no event");
}
