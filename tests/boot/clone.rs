//! A machine boots from its disk, is kept as a snapshot while it runs, and a copy made of that boots beside it: with its own name,
//! address, machine-id and ssh host key, by what the network tells it. The source stays what it was.

use crate::support::{Program, Segment, can_run, run, vm, wait_for};
use pxelator::event::Fact;
use serde_json::Value;
use std::{
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// What the system is emulated in: it is a whole Debian.
const PATIENCE: Duration = Duration::from_secs(480);

/// Who a machine says that it is, at the end of its boot.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Who {
    hostname: String,
    address: String,
    id: String,
    key: String,
    mark: String,
}

fn disk() -> PathBuf {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (base, disk) =
        (Path::new(env!("CARGO_TARGET_TMPDIR")).join("image"), Path::new(env!("CARGO_TARGET_TMPDIR")).join("disk"));
    run(Command::new(project.join("tests/images/base")).arg(&base));
    run(Command::new(project.join("tests/images/disk")).args([&base, &disk]));
    disk.join("disk.qcow2")
}

fn ran(segment: &Segment, words: &[&str]) -> (Option<i32>, String) {
    let mut command = segment.command(env!("CARGO_BIN_EXE_pxelator"));
    let output = command.current_dir(segment.folder.path()).args(words).output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&told).into_owned())
}

fn well(segment: &Segment, words: &[&str]) -> String {
    let (code, told) = ran(segment, words);
    assert_eq!(code, Some(0), "{words:?}: {told}");
    told
}

fn file(segment: &Segment, address: &str, end: &str) -> PathBuf {
    segment.folder.path().join("run").join(format!("{address}.{end}"))
}

/// What its programs said on its serial console.
fn said(segment: &Segment, address: &str) -> String {
    vm::said(&vm::console(&file(segment, address, "console")))
}

/// Waits for the machine's word at the end of its boot.
fn up(segment: &Segment, program: &Program, address: &str) -> Who {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let told = said(segment, address);
        let line = told.lines().find_map(|line| line.split_once("DISK-UP ")).map(|(_, words)| words.to_owned());
        // The line is whole when another begins.
        if let Some(words) = line.filter(|_| told.split_once("DISK-UP ").is_some_and(|(_, rest)| rest.contains('\n'))) {
            let word = |at: usize| words.split(' ').nth(at).unwrap_or_default().to_owned();
            return Who { hostname: word(0), address: word(1), id: word(2), key: word(3), mark: word(4) };
        }
        let events: Vec<String> = program.events().iter().map(|e| format!("{} {}", e.kind(), e.fact)).collect();
        assert!(std::time::Instant::now() < deadline, "{address} is not up:\n{told}\n{}", events.join("\n"));
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Types a line at the machine's root shell, and waits until it has done it.
fn types(segment: &Segment, address: &str, line: &str) {
    let mut stream = vm::serial(segment, address);
    let mark = format!("TYPED-{}", line.len());
    writeln!(stream, "{line} && echo TYPED-$(({}))", line.len()).unwrap();
    wait_for(line, PATIENCE, || said(segment, address).contains(&mark).then_some(()));
    // The reader has the other end.
    let _ = stream.shutdown(std::net::Shutdown::Both);
}

#[test]
fn a_copy_boots_beside_its_source() {
    let needed = ["qemu-img", "mmdebstrap", "mke2fs", "mcopy", "mkfs.vfat", "sfdisk", "syslinux"];
    if !can_run(&[vm::NEEDED, &needed].concat()) {
        return;
    }
    let image = disk();
    let segment = Segment::new("vm");
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    run(Command::new(project.join("tftpboot/loaders")).arg(segment.tftpboot()));
    let program = Program::start(&segment);
    // One that is there before, so that the machines have something to be told from.
    segment.machine(60, "52:54:00:77:00:60", "web1");
    well(
        &segment,
        &[
            "vm",
            "new",
            "src1",
            "--image",
            image.to_str().unwrap(),
            "--segment",
            "10.77.0.1",
            "--address",
            "10.77.0.70",
            "--memory",
            "384",
        ],
    );
    // It is known by now, so that it can be switched at once.
    well(&segment, &["power", "on", "src1"]);
    let source = up(&segment, &program, "10.77.0.70");
    assert_eq!((source.hostname.as_str(), source.address.as_str()), ("src1", "10.77.0.70"));
    assert_eq!((source.id.len(), source.key.is_empty(), source.mark.as_str()), (32, false, ""));

    // What it wrote last is in the snapshot, also what only its memory has; what it writes later is not.
    types(&segment, "10.77.0.70", "echo kept > /root/mark");
    let taken = well(&segment, &["vm", "snapshot", "src1", "night", "--json"]);
    let taken: Value = serde_json::from_str(taken.lines().next().unwrap()).unwrap();
    assert_eq!(taken["disk"], "frozen", "{taken}");
    types(&segment, "10.77.0.70", "echo later > /root/mark");
    let (code, told) = ran(&segment, &["vm", "rm", "src1", "--yes"]);
    assert_eq!(
        (code, told.contains("src1 runs; switch it off first: pxelator power off src1")),
        (Some(1), true),
        "{told}"
    );

    well(&segment, &["vm", "new", "copy1", "--from", "night"]);
    well(&segment, &["power", "on", "copy1"]);
    let copy = up(&segment, &program, "10.77.0.71");
    assert_eq!((copy.hostname.as_str(), copy.address.as_str(), copy.mark.as_str()), ("copy1", "10.77.0.71", "kept"));
    assert_eq!(copy.id.len(), 32);
    assert!(copy.id != source.id && copy.key != source.key && !copy.key.is_empty(), "{copy:?} {source:?}");

    // Both run, and the source is who it was.
    types(&segment, "10.77.0.70", "/usr/local/sbin/disk-up | sed s/DISK/STILL/");
    let console = said(&segment, "10.77.0.70");
    let still = format!("STILL-UP src1 10.77.0.70 {} {} later", source.id, source.key);
    assert!(console.contains(&still), "{still}: {console}");
    let list = well(&segment, &["vm", "list", "--json"]);
    let objects: Vec<Value> = list.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (name, on) in [("src1", Value::Null), ("copy1", "night".into())] {
        let disk = objects.iter().find(|object| object["disk"] == name).unwrap();
        assert_eq!((&disk["of"][0]["runs"], &disk["hangs_on"]), (&true.into(), &on), "{disk}");
    }
    for kind in ["vm.created", "vm.snapshotted"] {
        program.wait(kind, |event| event.kind() == kind);
    }
    // The same, in cloud-init's words.
    let host = segment.host("web1", "52:54:00:77:00:60");
    host.address("10.77.0.60");
    let told = host.sh("curl -fsS http://10.77.0.1/answers/meta-data").stdout;
    assert_eq!(String::from_utf8_lossy(&told), "instance-id: web1-10.77.0.60\nlocal-hostname: web1\n");

    // A copy that is off goes with its disk and its folder; its source stays.
    let mut shell = vm::serial(&segment, "10.77.0.71");
    writeln!(shell, "sync; systemctl poweroff --force --force").unwrap();
    wait_for("it is off", PATIENCE, || {
        ran(&segment, &["power", "status", "copy1", "--json"]).1.contains("\"off\"").then_some(())
    });
    well(&segment, &["vm", "rm", "copy1", "--yes"]);
    assert!(!segment.conf_dir().join("10.77.0.1/10.77.0.71").exists());
    program.wait("it is told", |event| matches!(&event.fact, Fact::VmRemoved { what, .. } if what.contains("copy1")));
    well(&segment, &["vm", "rm", "night", "--yes"]);
}
