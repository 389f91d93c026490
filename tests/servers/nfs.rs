//! Root file systems over NFS with real clients: libnfs on the segment's hosts, and Linux's own in a virtual machine.

use crate::support::{Host, Program, SOON, Segment, can_run, noise, run, wait_for};
use nix::sys::signal::Signal;
use pxelator::event::{Fact, Service};
use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::fs::{FileTypeExt, MetadataExt, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// A base `lab` with a few files, a profile `nfsroot` that has it, and which machines boot that.
fn equip(segment: &Segment, machines: &[(u8, &str)]) {
    let base = segment.folder.path().join("roots/lab");
    fs::create_dir_all(base.join("etc/apt")).unwrap();
    fs::create_dir_all(base.join("many")).unwrap();
    fs::write(base.join("etc/hostname"), "lab\n").unwrap();
    fs::write(base.join("etc/shadow"), "secret\n").unwrap();
    fs::set_permissions(base.join("etc/shadow"), std::os::unix::fs::PermissionsExt::from_mode(0o0)).unwrap();
    symlink("/etc/passwd", base.join("etc/out")).unwrap();
    segment.conf("boot/nfsroot/kernel", "vmlinuz");
    segment.conf("boot/nfsroot/root", "lab");
    for (last, name) in machines {
        segment.machine(*last, &format!("52:54:00:77:00:{last:02}"), name);
        segment.conf(&format!("10.77.0.1/10.77.0.{last}/boot"), "nfsroot");
    }
}

fn upper(segment: &Segment, last: u8, file: &str) -> PathBuf {
    segment.folder.path().join(format!("overlay/10.77.0.{last}/upper")).join(file)
}

fn host(segment: &Segment, last: u8) -> Host {
    let host = segment.host(&format!("m{last}"), &format!("52:54:00:77:00:{last:02}"));
    host.address(&format!("10.77.0.{last}"));
    host
}

fn start(segment: &Segment) -> Program {
    let program = Program::start(segment);
    program.wait("NFS listens", |event| matches!(event.fact, Fact::ServiceStarted { service: Service::Nfs, .. }));
    program
}

/// Runs a line that has to succeed; what it printed.
fn does(host: &Host, line: &str) -> String {
    let out = host.sh(line);
    let words = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{line}: {words}");
    String::from_utf8_lossy(&out.stdout).into_owned()
}

#[test]
fn each_machine_has_its_own_root_and_nobody_else_gets_in() {
    if !can_run(&["nfs-ls", "nfs-cp", "nfs-cat", "setpriv"]) {
        return;
    }
    let segment = Segment::new("nfs");
    equip(&segment, &[(60, "web1"), (61, "web2")]);
    segment.machine(62, "52:54:00:77:00:62", "other");
    let program = start(&segment);
    let (one, two) = (host(&segment, 60), host(&segment, 61));

    // By the port mapper, as clients do that are told nothing.
    let listed = does(&one, "nfs-ls nfs://10.77.0.1/");
    assert!(["etc", "many"].iter().all(|name| listed.lines().any(|line| line.ends_with(name))), "{listed}");
    program.wait("the mount is told", |event| {
        event.machine.is_some_and(|machine| machine.to_string() == "10.77.0.60")
            && matches!(&event.fact, Fact::NfsMounted { base, resumed: false, .. } if base == "lab")
    });
    assert_eq!(does(&one, "nfs-cat nfs://10.77.0.1/etc/hostname"), "lab\n");
    // Its root is root here too.
    assert_eq!(does(&one, "nfs-cat nfs://10.77.0.1/etc/shadow"), "secret\n");
    assert!(does(&one, "nfs-ls nfs://10.77.0.1/roots/lab").contains("etc"));

    let content = noise(3_000_001);
    fs::write(one.folder().join("file"), &content).unwrap();
    does(&one, "nfs-cp file nfs://10.77.0.1/etc/file");
    assert!(fs::read(upper(&segment, 60, "etc/file")).unwrap() == content);
    assert!(!segment.folder.path().join("roots/lab/etc/file").exists());
    assert!(
        !does(&two, "nfs-ls nfs://10.77.0.1/etc").contains("file"),
        "two machines on one base never see each other"
    );
    let size = does(&one, "nfs-cat nfs://10.77.0.1/etc/file | wc -c");
    assert_eq!(size.trim(), "3000001");

    // A link of the machine's leads nowhere on this host.
    let out = one.sh("nfs-cat nfs://10.77.0.1/etc/out");
    assert!(!String::from_utf8_lossy(&out.stdout).contains("root:"), "a link was followed here");

    // An address that conf does not know, a machine that has no root, and one that is not root on the machine.
    for (last, reason) in [(99, "conf has no machine"), (62, "has no root")] {
        let mark = program.mark();
        let stranger = host(&segment, last);
        assert!(!stranger.sh("nfs-ls nfs://10.77.0.1/").status.success());
        program.wait_since(mark, "the refusal is told", |event| {
            matches!(&event.fact, Fact::NfsRefused { source, path: Some(path), reason: why }
                if source.to_string() == format!("10.77.0.{last}") && path == "/" && why.contains(reason))
        });
        assert!(!upper(&segment, last, "").exists());
    }
    let mark = program.mark();
    assert!(!one.sh("setpriv --reuid 1000 --clear-groups nfs-ls nfs://10.77.0.1/").status.success());
    program.wait_since(
        mark,
        "that only root may is told",
        |event| matches!(&event.fact, Fact::NfsRefused { reason, .. } if reason.contains("only ports below 1024")),
    );
    let mark = program.mark();
    assert!(!one.sh("nfs-ls nfs://10.77.0.1/nothing/there").status.success());
    program.wait_since(
        mark,
        "a path that is not there is told",
        |event| matches!(&event.fact, Fact::NfsRefused { path: Some(path), .. } if path == "/nothing/there"),
    );

    // Nobody reaches the servers behind the door: they listen nowhere that another process can see.
    let listens = run(segment.command("ss").args(["-Hltn"]));
    assert!(!listens.contains("127.0.0.1"), "{listens}");
}

#[test]
fn twenty_machines_at_once_have_a_root_each() {
    if !can_run(&["nfs-ls", "nfs-cp", "nfs-cat"]) {
        return;
    }
    let segment = Segment::new("crowd");
    let names: Vec<(u8, String)> = (60..80).map(|last| (last, format!("web{last}"))).collect();
    equip(&segment, &names.iter().map(|(last, name)| (*last, name.as_str())).collect::<Vec<_>>());
    let library = noise(2_000_003);
    fs::write(segment.folder.path().join("roots/lab/etc/library"), &library).unwrap();
    let program = start(&segment);
    let hosts: Vec<(u8, Host)> = (60..80).map(|last| (last, host(&segment, last))).collect();
    std::thread::scope(|scope| {
        for (last, host) in &hosts {
            let library = &library;
            scope.spawn(move || {
                for round in 0..3 {
                    // As a boot does: it looks, reads what is large, writes what is its own.
                    assert!(does(host, "nfs-ls nfs://10.77.0.1/etc").contains("library"));
                    does(host, "nfs-cat nfs://10.77.0.1/etc/library > library");
                    assert!(fs::read(host.folder().join("library")).unwrap() == *library, "{last}");
                    fs::write(host.folder().join("own"), format!("{last} in round {round}\n")).unwrap();
                    does(host, &format!("nfs-cp own nfs://10.77.0.1/etc/own-{last}-{round}"));
                }
            });
        }
    });
    for (last, _) in &hosts {
        let mut written: Vec<String> = fs::read_dir(upper(&segment, *last, "etc")).unwrap().map(name_of).collect();
        written.sort();
        assert_eq!(written, (0..3).map(|round| format!("own-{last}-{round}")).collect::<Vec<_>>());
        let text = fs::read_to_string(upper(&segment, *last, &format!("etc/own-{last}-2"))).unwrap();
        assert_eq!(text, format!("{last} in round 2\n"));
    }
    let mounted = program.events().into_iter().filter(|event| matches!(event.fact, Fact::NfsMounted { .. }));
    assert_eq!(mounted.filter_map(|event| event.machine).collect::<std::collections::BTreeSet<_>>().len(), 20);
}

fn name_of(entry: std::io::Result<fs::DirEntry>) -> String {
    entry.unwrap().file_name().into_string().unwrap()
}

#[test]
fn a_full_disk_is_told_to_the_machine_and_here() {
    if !can_run(&["nfs-cp", "nfs-cat", "mount", "umount"]) {
        return;
    }
    let segment = Segment::new("full");
    equip(&segment, &[(60, "web1")]);
    let overlay = segment.folder.path().join("overlay");
    fs::create_dir_all(&overlay).unwrap();
    run(Command::new("mount").args(["-t", "tmpfs", "-o", "size=4m", "full"]).arg(&overlay));
    let outcome = std::panic::catch_unwind(|| {
        let program = start(&segment);
        let one = host(&segment, 60);
        fs::write(one.folder().join("large"), noise(6_000_000)).unwrap();
        assert!(!one.sh("nfs-cp large nfs://10.77.0.1/etc/large").status.success());
        let told = program.wait("that the disk is full", |event| matches!(event.fact, Fact::NfsFailed { .. }));
        assert!(told.fact.to_string().contains("No space left on device"), "{}", told.fact);
        // What is read is as it was, and once there is room it goes on.
        assert_eq!(does(&one, "nfs-cat nfs://10.77.0.1/etc/hostname"), "lab\n");
        run(Command::new("mount").args(["-o", "remount,size=64m"]).arg(&overlay));
        fs::write(one.folder().join("small"), "fits\n").unwrap();
        does(&one, "nfs-cp small nfs://10.77.0.1/etc/small");
        assert_eq!(fs::read_to_string(upper(&segment, 60, "etc/small")).unwrap(), "fits\n");
    });
    run(Command::new("umount").arg("-l").arg(&overlay));
    outcome.unwrap();
}

#[test]
fn a_reset_machine_begins_anew_and_its_old_handles_are_nobodys() {
    if !can_run(&["nfs-ls", "nfs-cp", "nfs-cat"]) {
        return;
    }
    let segment = Segment::new("nfs");
    equip(&segment, &[(60, "web1")]);
    let mut program = start(&segment);
    let one = host(&segment, 60);
    fs::write(one.folder().join("file"), "mine\n").unwrap();
    does(&one, "nfs-cp file nfs://10.77.0.1//file");
    // A restart changes nothing.
    program.signal(Signal::SIGKILL);
    program.end();
    program = start(&segment);
    assert_eq!(does(&one, "nfs-cat nfs://10.77.0.1//file"), "mine\n");
    // Reset while it is served.
    let machine = segment.folder.path().join("overlay/10.77.0.60");
    fs::rename(&machine, segment.folder.path().join("overlay/old")).unwrap();
    wait_for("its root is the base again", SOON, || {
        let listed = one.sh("nfs-ls nfs://10.77.0.1/");
        let text = String::from_utf8_lossy(&listed.stdout).into_owned();
        (listed.status.success() && text.contains("etc") && !text.contains("file")).then_some(())
    });
    // Another base over what belongs to this one is refused by name.
    fs::create_dir(segment.folder.path().join("roots/other")).unwrap();
    segment.conf("boot/nfsroot/root", "other");
    wait_for("the other base is refused", SOON, || {
        one.sh("nfs-ls nfs://10.77.0.1/");
        let said = |fact: &Fact| matches!(fact, Fact::NfsRefused { reason, .. } if reason.contains("pxelator root reset 10.77.0.60"));
        program.events().iter().any(|event| said(&event.fact)).then_some(())
    });
}

#[test]
fn garbage_is_told_and_cut_off() {
    if !can_run(&[]) {
        return;
    }
    let segment = Segment::new("nfs");
    equip(&segment, &[(60, "web1")]);
    let program = start(&segment);
    let one = host(&segment, 60);
    let connect = |port: u16| {
        let address = SocketAddr::from(([10, 77, 0, 1], port));
        let stream = one.inside(|| {
            let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
            // A port that only root has.
            let bound = (600..1023).any(|own| socket.bind(&SocketAddr::from(([10, 77, 0, 60], own)).into()).is_ok());
            assert!(bound);
            socket.connect(&address.into()).unwrap();
            TcpStream::from(socket)
        });
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream
    };
    for (port, bytes) in [
        (2049, &b"GET / HTTP/1.1\r\nHost: nfs\r\n\r\n"[..]),
        (2049, &[0xff; 64]),
        (2049, &[0x80, 0, 0, 0x28, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 0x86, 0xa3]),
        (111, &[0x80, 0, 0, 4, 1, 2, 3, 4]),
        (111, &[0x7f; 32]),
    ] {
        let mark = program.mark();
        let mut stream = connect(port);
        stream.write_all(bytes).unwrap();
        let mut rest = Vec::new();
        // Its end, or that it was reset with bytes unread.
        let ended = stream.read_to_end(&mut rest);
        assert!(ended.is_ok() || ended.unwrap_err().kind() == std::io::ErrorKind::ConnectionReset);
        assert!(rest.is_empty(), "{rest:?}");
        // Of one source it is told once a second, with how many.
        program.wait_since(mark, "garbage is told", |event| {
            matches!(event.fact, Fact::PacketRejected { service: Service::Nfs, .. })
        });
    }
    // Calls without end, whose answers nobody reads, take no memory.
    let mut stream = connect(2049);
    stream.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
    let mut call = vec![0x80, 0, 0, 40];
    for word in [1u32, 0, 2, 100_003, 3, 0, 0, 0, 0, 0] {
        call.extend(word.to_be_bytes());
    }
    let many = call.repeat(1000);
    let before = program.most_memory();
    let mut sent = 0;
    while sent < 60_000_000 && stream.write_all(&many).is_ok() {
        sent += many.len();
    }
    let grown = program.most_memory() - before;
    assert!(grown < 60, "{sent} bytes of calls took {grown} MiB");
}

/// A virtual machine with Linux's own client on a segment.
struct Guest {
    child: Child,
    console: PathBuf,
}

impl Guest {
    /// The machine `10.77.0.<last>`, which mounts its root by `mount` and runs the script `/check` that it finds there.
    fn start(segment: &Segment, last: u8, mount: &str) -> Guest {
        let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join("client");
        run(Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/images/client/make")).arg(&made));
        let tap = format!("tap{last}");
        for line in [format!("tuntap add {tap} mode tap"), format!("link set {tap} master br0 up")] {
            run(segment.command("ip").args(line.split_whitespace()));
        }
        let console = segment.folder.path().join(format!("console{last}"));
        let append = format!(
            "console=ttyS0 quiet panic=-1 no_timer_check client.address=10.77.0.{last} client.server=10.77.0.1 client.mount={mount} client.run=check"
        );
        let mut command = segment.command("qemu-system-x86_64");
        command.args(["-nodefaults", "-display", "none", "-no-reboot", "-m", "256", "-cpu", "max"]);
        command.arg("-kernel").arg(made.join("vmlinuz")).arg("-initrd").arg(made.join("initrd.img"));
        command.args(["-append", &append, "-serial", &format!("file:{}", console.display())]);
        command.args(["-netdev", &format!("tap,id=n,ifname={tap},script=no,downscript=no")]);
        command.args([
            "-device",
            &format!("virtio-net-pci,netdev=n,mac=52:54:00:77:00:{last:02}"),
            "-device",
            "virtio-rng-pci",
        ]);
        let child = command.stdin(Stdio::null()).spawn().unwrap();
        Guest { child, console }
    }

    fn said(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.console).unwrap_or_default()).replace('\r', "")
    }

    /// Waits for its last word, which has to be that all went well.
    fn ends_well(&self) -> String {
        let done = |said: &str| said.lines().any(|line| line.starts_with("CLIENT-DONE"));
        wait_for("the guest's end", crate::support::vm::PATIENCE, || done(&self.said()).then_some(()));
        let said = self.said();
        assert!(said.lines().any(|line| line == "CLIENT-DONE 0"), "{said}");
        said
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a machine does to its root; each line that fails ends it.
const CHECK: &str = r#"
set -eu
trap 'echo "CHECK-FAILED after: $step"' EXIT
step() { step=$*; echo "CHECK $*"; }
forget() { echo 3 > /proc/sys/vm/drop_caches; }

step large files
dd if=/dev/urandom of=big bs=1M count=6 2> /dev/null
md5sum big > /tmp/sum
forget
md5sum -c /tmp/sum > /dev/null
step ten thousand names
[ "$(ls many | wc -l)" = 10000 ]
rm -r few
[ ! -e few ]
mkdir few
[ "$(ls -A few | wc -l)" = 0 ]
step special files
mkdir new
mknod new/null c 1 3
mknod new/disk b 7 5
mkfifo new/pipe
ln -s ../some/where new/link
[ "$(stat -c %t:%T new/disk)" = 7:5 ]
[ "$(readlink new/link)" = ../some/where ]
echo x > new/null
step links of the base
ln etc/hostname etc/second
[ "$(stat -c %h etc/second)" = 2 ]
echo more >> etc/second
forget
[ "$(tail -n 1 etc/hostname)" = more ]
step owners and modes
chown 1000:1001 new/disk
chmod 4755 etc/second
[ "$(stat -c %a:%u:%g new/disk)" = 660:1000:1001 ] || [ "$(stat -c %u:%g new/disk)" = 1000:1001 ]
[ "$(stat -c %a etc/hostname)" = 4755 ]
chmod 000 etc/second
[ "$(tail -n 1 etc/second)" = more ]
[ "$(cat etc/shadow)" = secret ]
touch -d '2001-02-03 04:05:06' etc/second
[ "$(stat -c %Y etc/second)" = "$(date -d '2001-02-03 04:05:06' +%s)" ]
step once only
if (set -C; echo again > etc/hostname) 2> /dev/null; then exit 1; fi
(set -C; echo once > once)
step cut and grown
truncate -s 5 big
[ "$(stat -c %s big)" = 5 ]
truncate -s 1000000 big
[ "$(stat -c %s big)" = 1000000 ]
step renamed
echo over > over
mv over once
[ "$(cat once)" = over ]
mv etc moved
[ ! -e etc ]
[ "$(cat moved/shadow)" = secret ]
mkdir etc
[ "$(ls -A etc | wc -l)" = 0 ]
mv moved/apt etc/apt
step open and removed
exec 4> gone
echo still >&4
rm gone
echo here >&4
exec 4>&-
[ ! -e gone ]
step room
[ "$(stat -f -c %S .)" -gt 0 ]
df . > /dev/null
step a server that is killed and comes again
exec 3> held
n=0
while [ $n -lt 60 ]; do
    n=$((n + 1))
    echo "line $n" >&3
    sync
    usleep 50000
done
exec 3>&-
forget
[ "$(tail -n 1 held)" = "line 60" ]
[ "$(wc -l < held)" = 60 ]
step done
trap - EXIT
"#;

#[test]
fn linux_works_on_its_root_through_a_restart() {
    through_a_restart("linux", "mount");
}

/// As Debian's initramfs mounts it.
#[test]
fn klibc_works_on_its_root_through_a_restart() {
    through_a_restart("klibc", "nfsmount");
}

/// A machine that mounts by this program goes through all that it may do, and the server is killed in the midst.
fn through_a_restart(name: &str, mount: &str) {
    if !can_run(&["qemu-system-x86_64", "apt-get", "dpkg-deb", "cpio", "depmod"]) {
        return;
    }
    let segment = Segment::new(name);
    equip(&segment, &[(60, "web1")]);
    let base = segment.folder.path().join("roots/lab");
    for n in 0..10_000 {
        fs::write(base.join(format!("many/a name of some length, number {n}")), "").unwrap();
    }
    fs::create_dir(base.join("few")).unwrap();
    for n in 0..200 {
        fs::write(base.join(format!("few/{n}")), "").unwrap();
    }
    fs::write(base.join("check"), CHECK).unwrap();
    let mut program = start(&segment);
    let guest = Guest::start(&segment, 60, mount);
    let at = |file: &str| upper(&segment, 60, file);
    wait_for("it is in the midst of writing", crate::support::vm::PATIENCE, || {
        let said = guest.said();
        assert!(!said.contains("CLIENT-DONE"), "{said}");
        fs::read_to_string(at("held")).is_ok_and(|held| held.lines().count() >= 5).then_some(())
    });
    program.signal(Signal::SIGKILL);
    program.end();
    program = start(&segment);
    guest.ends_well();
    program.wait("the machine goes on", |event| matches!(event.fact, Fact::NfsMounted { resumed: true, .. }));
    let stat = |file: &str| fs::symlink_metadata(at(file)).unwrap();
    assert!(stat("new/null").file_type().is_char_device() && stat("new/pipe").file_type().is_fifo());
    assert_eq!((stat("new/disk").uid(), stat("new/disk").gid()), (1000, 1001));
    assert_eq!(fs::read_to_string(at("held")).unwrap().lines().count(), 60);
    assert!(at("moved/shadow").is_file());
    assert_eq!(fs::read_dir(at("../work")).unwrap().flatten().filter(|e| e.file_name() != "work").count(), 0);
    // The base is as it was.
    assert_eq!(fs::read_dir(base.join("few")).unwrap().count(), 200);
    assert_eq!(fs::read_to_string(base.join("etc/hostname")).unwrap(), "lab\n");
}
