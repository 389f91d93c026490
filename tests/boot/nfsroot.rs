//! A Debian with systemd on a root over NFS that it may write to: what it changes is in its own layer and nowhere else, a package
//! can be installed, and it goes on when the server is started anew. Two machines on one base do not see each other.

use crate::support::{Program, Segment, can_run, run, vm, vm::Vm, wait_for};
use nix::sys::signal::Signal;
use pxelator::event::Fact;
use sha2::{Digest, Sha256};
use std::{
    fs,
    io::Write,
    os::unix::{
        fs::{MetadataExt, symlink},
        net::UnixStream,
    },
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// What must be there beside what boots machines.
const NEEDED: &[&str] = &["mmdebstrap", "zstd"];
/// How long a whole systemd, or apt in it, may take on a loaded machine, emulated.
const PATIENCE: Duration = Duration::from_secs(600);

/// Lays the test image as base `debian`, its boot files, the boot programs and the shipped profile into `segment`.
fn equip(segment: &Segment) {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let image = Path::new(env!("CARGO_TARGET_TMPDIR")).join("image");
    run(Command::new(project.join("tests/images/base")).arg(&image));
    run(Command::new(project.join("tftpboot/loaders")).arg(segment.tftpboot()));
    let roots = segment.folder.path().join("roots");
    fs::create_dir_all(&roots).unwrap();
    symlink(image.join("root"), roots.join("debian")).unwrap();
    let boot = segment.tftpboot().join("roots/debian");
    fs::create_dir_all(&boot).unwrap();
    for file in ["vmlinuz", "initrd.img"] {
        fs::copy(image.join(file), boot.join(file)).unwrap();
    }
    for file in fs::read_dir(project.join("conf/boot/nfsroot")).unwrap() {
        let file = file.unwrap();
        let value = fs::read_to_string(file.path()).unwrap();
        segment.conf(&format!("boot/nfsroot/{}", file.file_name().to_str().unwrap()), value.trim());
    }
    segment.conf("10.77.0.1/boot", "nfsroot");
}

/// Puts a package, and the index that apt asks for, below `tftpboot/repository`.
fn publish(segment: &Segment) {
    let folder = segment.folder.path().join("package");
    for (path, body) in [
        (
            "DEBIAN/control",
            "Package: px-hello\nVersion: 1.0\nArchitecture: all\nMaintainer: nobody <nobody@test.lan>\nDescription: hello\n",
        ),
        (
            "DEBIAN/postinst",
            "#!/bin/sh\nset -e\nchown 33:33 /srv/hello\nchmod 2750 /srv/hello\nln -s hello /srv/link\n",
        ),
        ("srv/hello/greeting", "hello over NFS\n"),
        ("usr/local/bin/px-hello", "#!/bin/sh\ncat /srv/hello/greeting\n"),
    ] {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, body).unwrap();
    }
    run(Command::new("chmod").args(["755", "DEBIAN/postinst", "usr/local/bin/px-hello"]).current_dir(&folder));
    let repository = segment.tftpboot().join("repository");
    fs::create_dir_all(&repository).unwrap();
    let package = repository.join("px-hello_1.0_all.deb");
    run(Command::new("dpkg-deb").args(["--build", "--root-owner-group", "-Znone"]).arg(&folder).arg(&package));
    let (bytes, control) = (fs::read(&package).unwrap(), fs::read_to_string(folder.join("DEBIAN/control")).unwrap());
    let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let about = format!("Filename: ./px-hello_1.0_all.deb\nSize: {}\nSHA256: {digest}\n", bytes.len());
    fs::write(repository.join("Packages"), format!("{control}{about}")).unwrap();
}

/// The shell on a machine's serial console.
struct Shell<'a> {
    machine: &'a Vm<'a>,
    line: UnixStream,
    count: u32,
}

impl<'a> Shell<'a> {
    fn open(segment: &Segment, machine: &'a Vm<'a>) -> Shell<'a> {
        Shell { machine, line: vm::serial(segment, &machine.address.to_string()), count: 0 }
    }

    /// Types a line.
    fn types(&mut self, line: &str) -> String {
        self.count += 1;
        // What is typed is seen on the console too: only what the shell makes of it is looked for.
        let done = format!("did-{}-", self.count);
        writeln!(self.line, "{line}; echo \"did\"-{}-$?.", self.count).unwrap();
        done
    }

    /// Waits for the end of a line; its exit code.
    fn ended(&self, done: &str) -> i32 {
        wait_for(done, PATIENCE, || {
            let console = self.machine.said();
            let (_, after) = console.split_once(done)?;
            let (code, _) = after.split_once('.')?;
            Some(code.parse().unwrap())
        })
    }

    /// Types a line that has to succeed, and waits for that.
    fn does(&mut self, line: &str) {
        let done = self.types(line);
        let code = self.ended(&done);
        assert_eq!(code, 0, "{line}:\n{}", self.machine.console());
    }
}

fn is_up(machine: &Vm<'_>) {
    let last = format!("IMAGE-UP {} {} nfs", machine.hostname, machine.address);
    let deadline = std::time::Instant::now() + PATIENCE;
    while !machine.said().contains(&last) {
        assert!(std::time::Instant::now() < deadline, "{last}: not seen on the console:\n{}", machine.console());
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// `pxelator root` with these words: exit code, what it printed, and its errors.
fn root(segment: &Segment, words: &str) -> (i32, String, String) {
    let mut command = segment.command(env!("CARGO_BIN_EXE_pxelator"));
    let output = command.current_dir(segment.folder.path()).arg("root").args(words.split(' ')).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn does(segment: &Segment, words: &str) -> String {
    let (code, out, error) = root(segment, words);
    assert_eq!(code, 0, "root {words}: {out}{error}");
    out
}

#[test]
fn debian_lives_on_its_own_root() {
    if !can_run(vm::NEEDED) || !can_run(NEEDED) {
        return;
    }
    let segment = Segment::new("nfsroot");
    equip(&segment);
    publish(&segment);
    let one = Vm::new(&segment, 60, "one", "bios");
    let other = Vm::new(&segment, 61, "other", "bios");
    for machine in [&one, &other] {
        segment.conf(&format!("10.77.0.1/{}/power", machine.address), "qemu mem=512");
    }
    let upper = |machine: &Vm<'_>, path: &str| -> PathBuf {
        segment.folder.path().join("overlay").join(machine.address.to_string()).join("upper").join(path)
    };
    let base = fs::canonicalize(segment.folder.path().join("roots/debian")).unwrap();
    let known = fs::read(base.join("var/lib/dpkg/status")).unwrap();

    let program = Program::launch(&segment, &["--power-on", "one", "--power-on", "other"]);
    for machine in [&one, &other] {
        is_up(machine);
        let mounted = |fact: &Fact| matches!(fact, Fact::NfsMounted { base, .. } if base == "debian");
        program.wait("mounted", |event| event.machine == Some(machine.address) && mounted(&event.fact));
        // The network says who it is, and its initrd passes that on.
        assert_eq!(fs::read_to_string(upper(machine, "etc/hostname")).unwrap().trim(), machine.hostname);
    }

    // A file of its own, and a package.
    let (mut at_one, mut at_other) = (Shell::open(&segment, &one), Shell::open(&segment, &other));
    at_one.does("dmesg -n 1; mkdir -p /srv/own && echo first > /srv/own/new && chown 1000:33 /srv/own/new && chmod 640 /srv/own/new");
    at_other.does("test ! -e /srv/own && echo elsewhere > /srv/elsewhere");
    at_one.does("test ! -e /srv/elsewhere");
    at_one.does("echo 'deb [trusted=yes] http://10.77.0.1/repository ./' > /etc/apt/sources.list && apt-get update");
    at_one.does("apt-get install -y px-hello && px-hello | grep 'hello over NFS'");
    at_one.does("rm /etc/issue && sync");
    let new = fs::metadata(upper(&one, "srv/own/new")).unwrap();
    assert_eq!((new.uid(), new.gid(), new.mode() & 0o7777), (1000, 33, 0o640));
    assert_eq!(fs::read_to_string(upper(&one, "srv/own/new")).unwrap(), "first\n");
    let hello = fs::metadata(upper(&one, "srv/hello")).unwrap();
    assert_eq!((hello.uid(), hello.gid(), hello.mode() & 0o7777), (33, 33, 0o2750));
    assert_eq!(fs::read_link(upper(&one, "srv/link")).unwrap(), Path::new("hello"));
    assert!(fs::read_to_string(upper(&one, "var/lib/dpkg/status")).unwrap().contains("Package: px-hello"));
    assert_eq!(fs::metadata(upper(&one, "etc/issue")).unwrap().rdev(), 0, "removed, as overlayfs marks it");
    for not_there in
        [base.join("srv/own"), base.join("srv/hello"), upper(&other, "srv/hello"), upper(&one, "srv/elsewhere")]
    {
        assert!(!not_there.exists(), "{}", not_there.display());
    }
    assert!(base.join("etc/issue").exists());
    assert!(fs::read(base.join("var/lib/dpkg/status")).unwrap() == known, "the base is as it was");

    // What it changed, in words; kept; and not taken from under it.
    let diff = does(&segment, "diff one");
    for line in ["+ -rw-r-----     1000:33          6  srv/own/new", "- -rw-r--r--         0:0", "  (content)"] {
        assert!(diff.contains(line), "{line}:\n{diff}");
    }
    let changed = |line: &str| line.starts_with("~ ") && line.contains("  var/lib/dpkg/status  (content)");
    assert!(diff.lines().any(changed) && diff.lines().any(|line| line.ends_with("  etc/issue")), "{diff}");
    assert!(!does(&segment, "diff other").contains("px-hello"));
    does(&segment, "snapshot one with-hello");
    let kept = |fact: &Fact| matches!(fact, Fact::RootSnapshotted { snapshot } if snapshot == "with-hello");
    program.wait("told", |event| event.machine == Some(one.address) && kept(&event.fact));
    let (code, _, error) = root(&segment, "reset one --yes");
    assert_eq!(code, 1);
    assert!(error.contains("one has its root mounted") && error.contains("--force"), "{error}");
    let list = does(&segment, "list");
    assert!(list.contains("2 machines") && list.contains("mounted") && list.contains("snapshot with-hello"), "{list}");

    // The program dies; what the machine writes meanwhile waits for the next one.
    program.kill();
    let written = at_one.types("echo second >> /srv/own/new && sync");
    let mut program = Program::launch(&segment, &[]);
    assert_eq!(at_one.ended(&written), 0);
    at_one.does("px-hello && cat /srv/own/new | grep first && touch /srv/own/after && sync");
    at_other.does("test ! -e /srv/own && grep elsewhere /srv/elsewhere");
    assert_eq!(fs::read_to_string(upper(&one, "srv/own/new")).unwrap(), "first\nsecond\n");
    assert!(upper(&one, "srv/own/after").exists());
    let resumed = |fact: &Fact| matches!(fact, Fact::NfsMounted { resumed: true, .. });
    program.wait("it goes on", |event| event.machine == Some(one.address) && resumed(&event.fact));

    // With nobody there, it is put back, made a base of, and begun anew.
    program.signal(Signal::SIGTERM);
    program.end();
    does(&segment, "promote one hello");
    let hello = segment.folder.path().join("roots/hello");
    assert_eq!(fs::read_to_string(hello.join("srv/own/new")).unwrap(), "first\nsecond\n");
    assert!(!hello.join("etc/issue").exists() && hello.join("etc/debian_version").exists());
    assert_eq!(fs::read_to_string(hello.join("etc/machine-id")).unwrap(), "");
    assert!(segment.tftpboot().join("roots/hello/vmlinuz").exists());
    does(&segment, "reset one --to with-hello --yes");
    assert_eq!(fs::read_to_string(upper(&one, "srv/own/new")).unwrap(), "first\n");
    assert!(!upper(&one, "srv/own/after").exists() && upper(&one, "srv/hello/greeting").exists());
    does(&segment, "reset one --yes");
    assert!(!upper(&one, "").exists() && upper(&other, "srv/elsewhere").exists());
    let (code, _, error) = root(&segment, "diff one");
    assert_eq!(code, 1);
    assert!(error.contains("one has changed nothing"), "{error}");
}

/// Stands in for mmdebstrap, which takes minutes: makes a tree where it is told to, as far as the file `how` beside it says.
const MAKER: &str = r#"#!/bin/sh
here=$(dirname "$0")
for word in "$@"; do
    printf '%s\n' "$word"
    case $word in /*) tree=$word ;; esac
done > "$here/words"
mkdir -p "$tree/boot" "$tree/etc"
cp "$PXELATOR_NETWORK" "$tree/etc/network" || exit 9
. "$here/how"
"#;

#[test]
fn a_base_is_there_whole_or_not_at_all() {
    if !can_run(&["sh"]) {
        return;
    }
    let segment = Segment::new("newroot");
    let makers = segment.folder.path().join("makers");
    fs::create_dir_all(&makers).unwrap();
    fs::write(makers.join("mmdebstrap"), MAKER).unwrap();
    run(Command::new("chmod").arg("755").arg(makers.join("mmdebstrap")));
    let whole = "echo kernel > $tree/boot/vmlinuz-6.1; echo initrd > $tree/boot/initrd.img-6.1; chmod 600 $tree/boot/*";
    let new = |how: &str, words: &str| {
        fs::write(makers.join("how"), how).unwrap();
        let mut command = segment.command(env!("CARGO_BIN_EXE_pxelator"));
        let path = format!("{}:{}", makers.display(), std::env::var("PATH").unwrap());
        command.current_dir(segment.folder.path()).env("PATH", path).args(["root", "new"]).args(words.split(' '));
        let output = command.output().unwrap();
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let roots = segment.folder.path().join("roots");
    let there = || -> Vec<_> { fs::read_dir(&roots).unwrap().map(|entry| entry.unwrap().file_name()).collect() };
    for (how, words, code, error) in [
        ("exit 25", "web --suite bookworm", 1, "mmdebstrap did not come through (exit status: 25)"),
        ("kill -9 $$", "web --suite bookworm", 1, "mmdebstrap did not come through"),
        ("", "web --suite bookworm", 1, "no kernel with an initrd"),
        (whole, "../web --suite bookworm", 2, "is no name for a base"),
    ] {
        let (ended, told) = new(how, words);
        assert!(ended == code && told.contains(error), "{how}: {ended}: {told}");
        assert!(there().is_empty(), "{how}: {:?}", there());
    }
    assert_eq!(does(&segment, "list"), "no base in roots; make one: pxelator root new debian\n");

    let (code, told) = new(whole, "web --suite bookworm --include vim,less --mirror http://archive.test.lan/debian");
    assert_eq!(code, 0, "{told}");
    let given = fs::read_to_string(makers.join("words")).unwrap();
    assert!(
        given.lines().any(|word| word.starts_with("--include=linux-image-") && word.ends_with(",vim,less")),
        "{given}"
    );
    assert!(given.ends_with("bookworm\n") || given.ends_with("http://archive.test.lan/debian\n"), "{given}");
    assert_eq!(there(), ["web"]);
    let initrd = segment.tftpboot().join("roots/web/initrd.img");
    assert_eq!(fs::read_to_string(&initrd).unwrap(), "initrd\n");
    assert_eq!(fs::metadata(&initrd).unwrap().mode() & 0o777, 0o644, "a server that is not root can read it");
    let (code, told) = new("exit 1", "web --suite bookworm");
    assert!(code == 1 && told.contains("there is a base web already"), "{told}");
    assert_eq!(there(), ["web"]);
}
