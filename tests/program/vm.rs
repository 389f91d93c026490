//! Virtual machines' disks and snapshots by the command line, with the real qemu-img: what is made and removed, and what is wrong
//! input. Nothing is booted.

use crate::support::{can_run, run};
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

/// A conf tree with a segment, in a folder of its own.
struct Place {
    folder: tempfile::TempDir,
}

/// What came of a call.
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Place {
    fn new() -> Place {
        let place = Place { folder: tempfile::tempdir().unwrap() };
        place.write("conf/10.77.0.1/domain", "test.lan");
        place.write("conf/10.77.0.1/pool", "10.77.0.61-10.77.0.69");
        place.write("conf/10.77.0.1/10.77.0.60/mac", "52:54:00:77:00:60");
        place.write("conf/10.77.0.1/10.77.0.60/hostname", "web1");
        place
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, value: &str) {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        fs::write(self.at(path), format!("{value}\n")).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap().trim().to_owned()
    }

    fn vm(&self, words: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pxelator"));
        let output = command.current_dir(self.folder.path()).arg("vm").args(words).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        Ran { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// As [`Place::vm`], where it must go well.
    fn well(&self, words: &[&str]) -> String {
        let ran = self.vm(words);
        assert_eq!(ran.code, Some(0), "{words:?}: {}{}", ran.out, ran.err);
        ran.out
    }

    fn image(&self, name: &str) {
        run(Command::new("qemu-img").args(["create", "-q", "-f", "qcow2"]).arg(self.at(name)).arg("64M"));
        run(Command::new("qemu-io").args(["-c", "write -P 0x5a 0 1M", "-f", "qcow2"]).arg(self.at(name)));
    }

    /// All files of the folder of disks.
    fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        for folder in ["vm", "vm/snapshots"] {
            let entries = fs::read_dir(self.at(folder)).into_iter().flatten().flatten();
            files.extend(entries.filter(|e| e.path().is_file()).map(|e| e.file_name().into_string().unwrap()));
        }
        files.retain(|name| name != ".lock");
        files.sort();
        files
    }
}

/// The disk's content: `5a` where it is what `image` wrote.
fn holds(image: &Path, pattern: &str) -> bool {
    let words = ["-r", "-f", "qcow2", "-c", &format!("read -P {pattern} 0 1M")].map(str::to_owned);
    let output = Command::new("qemu-io").args(words).arg(image).output().unwrap();
    output.status.success() && !String::from_utf8_lossy(&output.stdout).contains("Pattern verification failed")
}

#[test]
fn a_machine_its_snapshot_and_a_copy() {
    if !can_run(&["qemu-img", "qemu-io"]) {
        return;
    }
    let place = Place::new();
    assert!(place.well(&["list"]).contains("pxelator vm new NAME --image FILE takes a first disk in"));
    place.image("debian.qcow2");
    let made = place.well(&["new", "src1", "--image", "debian.qcow2", "--memory", "512", "--json"]);
    let made: Value = serde_json::from_str(&made).unwrap();
    // After the highest machine there is, and not in the pool.
    assert_eq!((&made["machine"], &made["address"]), (&"src1".into(), &"10.77.0.70".into()));
    let mac = made["mac"].as_str().unwrap();
    assert!(mac.starts_with("52:54:00:"), "{mac}");
    let conf = |file: &str| place.read(&format!("conf/10.77.0.1/10.77.0.70/{file}"));
    assert_eq!((conf("mac"), conf("hostname"), conf("boot")), (mac.to_owned(), "src1".into(), "local".into()));
    assert_eq!(conf("power"), "qemu mem=512 disk=src1");
    assert_eq!(conf("instance").len(), 36);

    place.well(&["snapshot", "src1", "night"]);
    let night = place.at("vm/snapshots/night.qcow2");
    assert_eq!(fs::metadata(&night).unwrap().permissions().mode() & 0o777, 0o444);
    let note = place.read("vm/snapshots/night.toml");
    for line in ["of = \"src1\"", "address = \"10.77.0.70\"", "disk = \"off\"", "power = \"qemu mem=512 disk=src1\""] {
        assert!(note.contains(line), "{line}: {note}");
    }
    let named = place.well(&["snapshot", "10.77.0.70", "--json"]);
    let named: Value = serde_json::from_str(&named).unwrap();
    assert!(named["snapshot"].as_str().unwrap().starts_with("src1-2"), "{named}");

    place.well(&[
        "new",
        "Copy1",
        "--from",
        "night",
        "--address",
        "10.77.0.80",
        "--mac",
        "52:54:00:77:00:80",
        "--cpus",
        "2",
    ]);
    assert_eq!(place.read("conf/10.77.0.1/10.77.0.80/power"), "qemu mem=512 cpus=2 disk=copy1");
    assert_ne!(place.read("conf/10.77.0.1/10.77.0.80/instance"), conf("instance"));
    // The copy writes into its own layer alone, and a snapshot of it is a layer on the same snapshot.
    let copy = place.at("vm/copy1.qcow2");
    run(Command::new("qemu-io").args(["-c", "write -P 0xa5 0 1M", "-f", "qcow2"]).arg(&copy));
    place.well(&["snapshot", "copy1", "later"]);
    assert!(holds(&copy, "0xa5") && holds(&night, "0x5a") && holds(&place.at("vm/src1.qcow2"), "0x5a"));
    assert!(holds(&place.at("vm/snapshots/later.qcow2"), "0xa5"));

    // The folder may be moved as a whole.
    fs::rename(place.at("vm"), place.at("moved")).unwrap();
    assert!(holds(&place.at("moved/copy1.qcow2"), "0xa5"));
    fs::rename(place.at("moved"), place.at("vm")).unwrap();

    let list = place.well(&["list"]);
    let line =
        |begin: &str| list.lines().find(|line| line.starts_with(begin)).unwrap_or_else(|| panic!("{begin}: {list}"));
    assert!(line("copy1 ").contains("10.77.0.80  off") && line("copy1 ").ends_with("night"), "{list}");
    assert!(line("night ").ends_with("disk copy1, snapshot later"), "{list}");
    let json = place.well(&["list", "--json"]);
    let objects: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let copied = objects.iter().find(|object| object["disk"] == "copy1").unwrap();
    assert_eq!((&copied["hangs_on"], &copied["of"][0]["runs"]), (&"night".into(), &false.into()));

    let held = place.vm(&["rm", "night", "--yes"]);
    assert_eq!(held.code, Some(1));
    assert!(
        held.err.contains("night cannot be removed: disk copy1, snapshot later are made of it; remove disk copy1 and"),
        "{}",
        held.err
    );
    assert!(place.vm(&["rm", "copy1"]).err.contains("nobody is at the terminal; say --yes"));
    assert!(place.well(&["rm", "copy1", "--yes"]).starts_with("removed machine copy1 (10.77.0.80) with its disk"));
    assert!(!copy.exists() && !place.at("conf/10.77.0.1/10.77.0.80").exists());
    place.well(&["rm", "later", "--yes"]);
    place.well(&["rm", "night", "--yes"]);
    assert!(!night.exists() && !place.at("vm/snapshots/night.toml").exists());
    // All of it is in the journal, though nobody served.
    let mut log = Command::new(env!("CARGO_BIN_EXE_pxelator"));
    let log = run(log.current_dir(place.folder.path()).args(["log", "--json", "service=vm"]));
    let kinds: Vec<String> = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["kind"].as_str().unwrap().to_owned())
        .collect();
    let count = |kind: &str| kinds.iter().filter(|told| *told == kind).count();
    assert_eq!((count("vm.created"), count("vm.snapshotted"), count("vm.removed")), (2, 3, 3), "{log}");
}

#[test]
fn wrong_input_is_named_and_leaves_nothing() {
    if !can_run(&["qemu-img", "qemu-io"]) {
        return;
    }
    let place = Place::new();
    place.image("debian.qcow2");
    place.well(&["new", "src1", "--image", "debian.qcow2"]);
    place.well(&["snapshot", "src1", "night"]);
    run(Command::new("qemu-img")
        .args(["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", "debian.qcow2"])
        .arg(place.at("layer.qcow2")));
    fs::write(place.at("notes.txt"), "no disk at all, but 512 bytes and more".repeat(20)).unwrap();
    fs::write(place.at("broken.qcow2"), &fs::read(place.at("debian.qcow2")).unwrap()[..40_000]).unwrap();
    place.write("conf/10.88.0.1/domain", "other.lan");
    let (before, tree) = (place.files(), || {
        run(Command::new("find").arg(place.at("conf")).arg("-newer").arg(place.at("conf/10.88.0.1/domain")))
    });
    for (words, code, said) in [
        (&["new", "copy1", "--from", "nihgt"][..], 2, "there is no snapshot nihgt in "),
        (&["new", "copy1", "--from", "nihgt"], 2, "; night is; `pxelator vm list` names them"),
        (&["new", "copy1", "--from", "../src1"], 2, "there is no snapshot ../src1"),
        (&["new", "copy1"], 2, "required arguments were not provided"),
        (&["new", "copy 1", "--from", "night"], 2, "copy 1 is not a host name"),
        (&["new", "src1", "--from", "night"], 1, "src1 is not free: 10.77.0.70 has it"),
        (&["new", "night", "--from", "night"], 1, "night is the name of a snapshot already"),
        (&["new", "copy1", "--from", "night", "--address", "10.77.0.60"], 1, "10.77.0.60 is not free: web1 has it"),
        (&["new", "copy1", "--from", "night", "--address", "10.77.0.65"], 2, "outside the segment's pool"),
        (&["new", "copy1", "--from", "night", "--address", "10.78.0.9"], 1, "an address of a machine in 10.77.0.0/24"),
        (&["new", "copy1", "--from", "night", "--mac", "52:54:00:77:00:60"], 1, "web1 has this MAC"),
        (
            &["new", "copy1", "--from", "night", "--segment", "10.99.0.1"],
            2,
            "conf has no segment 10.99.0.1; it has 10.77.0.1, 10.88.0.1",
        ),
        (&["new", "copy1", "--from", "night", "--boot", "locl"], 2, "locl is not a profile of conf/boot"),
        (&["new", "copy1", "--image", "debian.qcow2"], 2, "say which segment with --segment"),
        (&["new", "copy1", "--segment", "10.77.0.1", "--image", "none.qcow2"], 1, "none.qcow2 is not there"),
        (
            &["new", "copy1", "--segment", "10.77.0.1", "--image", "notes.txt"],
            2,
            "plain ones have a name that ends in .img or .raw",
        ),
        (&["new", "copy1", "--segment", "10.77.0.1", "--image", "layer.qcow2"], 2, "an image that stands alone"),
        (&["new", "copy1", "--segment", "10.77.0.1", "--image", "broken.qcow2"], 1, "broken.qcow2"),
        (&["snapshot", "src2"], 2, "no machine of conf is called src2; src1 is"),
        (
            &["snapshot", "web1"],
            1,
            "web1 has no disk: its `power` names none; write one into its `power`: qemu disk=NAME",
        ),
        (&["snapshot", "src1", "night"], 1, "night is the name of a snapshot already"),
        (&["snapshot", "src1", "../x"], 2, "../x is not a name of letters"),
        (&["rm", "web1", "--yes"], 2, "web1 is not a virtual machine with a disk, nor a snapshot"),
        (&["console", "web1"], 2, "web1 is no virtual machine"),
    ] {
        let ran = place.vm(words);
        assert_eq!(ran.code, Some(code), "{words:?}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains(said), "{words:?}: {}", ran.err);
        assert_eq!(place.files(), before, "{words:?}");
    }
    assert!(!tree().contains("10.77.0.1/"), "{}", tree());

    // A snapshot that is gone: what hangs on it is told, and makes no new machines.
    place.well(&["new", "copy1", "--from", "night"]);
    place.well(&["snapshot", "copy1", "later"]);
    fs::rename(place.at("vm/snapshots/night.qcow2"), place.at("night.away")).unwrap();
    let list = place.well(&["list"]);
    assert!(
        list.contains("FAULT: ") && list.contains("later.qcow2 hangs on ") && list.contains("which is not there"),
        "{list}"
    );
    for words in [&["new", "copy2", "--from", "later"][..], &["snapshot", "copy1", "again"]] {
        let ran = place.vm(words);
        assert_eq!(ran.code, Some(1), "{words:?}");
        assert!(
            ran.err.contains("night.qcow2, which is not there; bring ") && ran.err.contains("back, from a backup"),
            "{}",
            ran.err
        );
    }
    fs::rename(place.at("night.away"), place.at("vm/snapshots/night.qcow2")).unwrap();
    // A disk that is none any more.
    let table = place.at("vm/copy1.qcow2");
    let mut bytes = fs::read(&table).unwrap();
    bytes[0] = 0;
    fs::write(&table, bytes).unwrap();
    let broken = place.vm(&["snapshot", "copy1", "again"]);
    assert_eq!(broken.code, Some(1));
    assert!(broken.err.contains("copy1.qcow2': Image is not in qcow2 format"), "{}", broken.err);
    assert!(!place.at("vm/snapshots/again.qcow2").exists());
}

#[test]
fn a_disk_that_fills_leaves_no_half_snapshot() {
    if !can_run(&["qemu-img", "qemu-io", "unshare", "mount"]) {
        return;
    }
    let place = Place::new();
    place.image("debian.qcow2");
    // A file system of 3 MiB, in a mount namespace that ends with the shell: room for two disks of 1 MiB, not for three.
    let script = "set -e; mkdir vm; mount -t tmpfs -o size=3m tmpfs vm; pxelator=$1; \
        $pxelator vm new src1 --image debian.qcow2; \
        $pxelator vm snapshot src1 one; \
        $pxelator vm snapshot src1 two && exit 9; \
        find vm -type f | LC_ALL=C sort";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script, "sh", env!("CARGO_BIN_EXE_pxelator")]);
    let output = command.current_dir(place.folder.path()).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    assert!(err.contains("no room is left on the disk that ") && err.contains("make room"), "{err}");
    let files: Vec<&str> = out.lines().filter(|line| line.starts_with("vm/")).collect();
    assert_eq!(files, ["vm/.lock", "vm/snapshots/one.qcow2", "vm/snapshots/one.toml", "vm/src1.qcow2"]);
}

#[test]
fn without_qemu_img_the_package_is_named() {
    if !can_run(&["qemu-img"]) {
        return;
    }
    let place = Place::new();
    place.image("debian.qcow2");
    let mut command = Command::new(env!("CARGO_BIN_EXE_pxelator"));
    command.current_dir(place.folder.path()).env("PATH", "/nowhere");
    let output = command.args(["vm", "new", "src1", "--image", "debian.qcow2"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(err.contains("qemu-img cannot be run") && err.contains("apt install qemu-utils"), "{err}");
    assert_eq!(place.files(), [""; 0]);
}
