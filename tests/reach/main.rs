//! Machines that are reached over ssh: a real sshd, its host key, its silence, and hosts on the way.

mod files;
#[path = "../support/mod.rs"]
mod support;

use pxelator::{
    conf,
    reach::{Ended, Line, Reach, ReachError, scan},
};
use std::{
    ffi::OsString,
    fs,
    io::Read,
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::{MetadataExt, PermissionsExt},
    time::{Duration, Instant},
};
use support::{Debian, SOON, Segment, can_run, debian, wait_for};

/// The way to a machine of `segment`, from where its server is.
fn reach(segment: &Segment, machine: &str, container: Option<&str>) -> Reach {
    let conf = conf::read(&segment.conf_dir(), None).conf;
    let place: (Ipv4Addr, Ipv4Addr) = ([10, 77, 0, 1].into(), machine.parse().unwrap());
    let (of, machine) = conf.machine(place).unwrap();
    let through = ["ip", "netns", "exec", &segment.name].map(OsString::from);
    Reach::of((of, machine), container, &segment.folder.path().join("run"), &through).unwrap()
}

/// Runs it to its end; what it printed, with `!` before what is of standard error.
fn run(reach: &Reach, script: &str, input: &[u8]) -> Result<(i32, Vec<String>), ReachError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut heard = Vec::new();
    let hear = |Line { text, error }| heard.push(if error { format!("!{text}") } else { text });
    let Ended { code } = runtime.block_on(reach.run(script, input, hear))?;
    Ok((code, heard))
}

#[test]
fn commands_on_a_machine() {
    if !can_run(debian::NEEDED) {
        return;
    }
    let segment = Segment::new("reach");
    let mut web1 = Debian::start(&segment, 60, "web1");
    let to = reach(&segment, &web1.address, None);

    let (code, said) = run(&to, "hostname; cat; echo \"it's\" >&2; exit 7", b"from\xffhere\n").unwrap();
    assert_eq!((code, said.len()), (7, 3), "{said:?}");
    assert!(said.contains(&"web1".to_owned()) && said.contains(&"!it's".to_owned()), "{said:?}");
    assert!(said.contains(&"from\u{fffd}here".to_owned()), "{said:?}");
    assert_eq!(run(&to, "exit 255", b"").unwrap().0, 255, "that is its own, and not the connection's");
    // All lines come, also of one that is read late, and one without an end is cut.
    let (code, said) = run(&to, "seq 100000; head -c 1000000 /dev/zero | tr '\\0' x", b"").unwrap();
    assert_eq!((code, said.len(), said[99_999].as_str()), (0, 100_001, "100000"));
    assert_eq!(said[100_000].len(), 64 << 10);
    // Who does not read its input ends all the same.
    assert_eq!(run(&to, "exit 0", &vec![0; 1 << 20]).unwrap(), (0, vec![]));
    // One connection is enough for all of them.
    let logins = web1.does("ls -d /proc/[0-9]* | while read p; do tr '\\0' ' ' < $p/cmdline; echo; done 2> /dev/null");
    assert_eq!(logins.matches("sshd: root@notty").count(), 2, "that and the one that asks: {logins}");

    // A container that is a root of its own: `podman exec -i NAME` would stand there.
    web1.inner_root();
    segment.conf("10.77.0.1/10.77.0.60/containers/db/exec", "chroot /srv/db");
    let db = reach(&segment, &web1.address, Some("db"));
    assert_eq!(db.host(), "db@web1");
    assert_eq!(run(&db, "cat /name", b"").unwrap(), (0, vec!["db".to_owned()]));
    segment.conf("10.77.0.1/10.77.0.60/containers/db/exec", "chroot /srv/gone");
    let gone = run(&reach(&segment, &web1.address, Some("db")), "cat /name", b"").unwrap_err();
    assert!(gone.error.contains("chroot /srv/gone ended with 12") && gone.next_step.contains("true"), "{gone:?}");

    // The plug is pulled in the middle of a command.
    let began = Instant::now();
    let broken = std::thread::scope(|scope| {
        let running = scope.spawn(|| run(&to, "touch /tmp/begun; sleep 600", b""));
        wait_for("the command runs", SOON, || web1.upper().join("tmp/begun").exists().then_some(()));
        web1.down();
        running.join().unwrap().unwrap_err()
    });
    assert!(broken.error.contains("broke off") && !broken.is_away, "{broken:?}");
    assert!(began.elapsed() < Duration::from_secs(50));
    let away = run(&to, "true", b"").unwrap_err();
    assert!(away.is_away, "{away:?}");
}

#[test]
fn it_runs_as_who_sits_there() {
    if !can_run(debian::NEEDED) || !can_run(&["setpriv"]) {
        return;
    }
    const NOBODY: u32 = 65534;
    let segment = Segment::new("sudo");
    let web1 = Debian::start(&segment, 60, "web1");
    let key = segment.folder.path().join("id-nobody");
    fs::copy(debian::key(&segment), &key).unwrap();
    std::os::unix::fs::chown(&key, Some(NOBODY), Some(NOBODY)).unwrap();
    fs::set_permissions(segment.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    segment.conf("10.77.0.1/10.77.0.60/ssh", &format!("identity {}", key.display()));
    let mut to = reach(&segment, &web1.address, None);
    let change = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];
    to.through.extend(change.map(OsString::from));
    assert_eq!(run(&to, "id -u", b"").unwrap(), (0, vec!["0".to_owned()]));
    let sockets = fs::read_dir(segment.folder.path().join("run/ssh/c")).unwrap().map(|entry| entry.unwrap());
    let owners: Vec<u32> = sockets.map(|socket| socket.metadata().unwrap().uid()).collect();
    assert_eq!(owners, [NOBODY], "the shared connection is his");
    // What came is root's business all the same.
    web1.does("echo x > /etc/owned; chown 7:8 /etc/owned");
    let mirror = segment.folder.path().join("run/track/web1");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(to.pull(&"/etc/owned".parse().unwrap(), &mirror, false)).unwrap();
    let owned = fs::metadata(mirror.join("etc/owned")).unwrap();
    assert_eq!((owned.uid(), owned.gid()), (7, 8));
}

#[test]
fn who_it_is_and_who_is_let_in() {
    if !can_run(debian::NEEDED) {
        return;
    }
    let segment = Segment::new("keys");
    let mut web1 = Debian::start(&segment, 60, "web1");
    assert_eq!(run(&reach(&segment, &web1.address, None), "true", b"").unwrap().0, 0);

    // Made anew: another key. What it shows can be looked at.
    web1.down();
    web1.new_host_key();
    web1.up();
    let changed = run(&reach(&segment, &web1.address, None), "true", b"").unwrap_err();
    assert!(changed.error.contains("another than the one that is trusted"), "{changed:?}");
    assert!(changed.next_step.contains("pxelator track trust web1") && !changed.is_away, "{changed:?}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let keys = runtime.block_on(scan(&reach(&segment, &web1.address, None))).unwrap();
    assert_eq!(keys.iter().map(|key| key.line.as_str()).collect::<Vec<_>>(), [web1.public_key()]);
    let print = web1.does("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub");
    assert!(print.contains(&keys[0].fingerprint) && keys[0].fingerprint.starts_with("SHA256:"), "{keys:?}");
    segment.conf("10.77.0.1/10.77.0.60/ssh.pin", &web1.public_key());
    assert_eq!(run(&reach(&segment, &web1.address, None), "true", b"").unwrap().0, 0);

    // Nobody knows it.
    fs::remove_file(segment.conf_dir().join("10.77.0.1/10.77.0.60/ssh.pin")).unwrap();
    let unknown = run(&reach(&segment, &web1.address, None), "true", b"").unwrap_err();
    assert!(unknown.error.contains("host key is not known"), "{unknown:?}");
    segment.conf("10.77.0.1/10.77.0.60/ssh.pin", &web1.public_key());

    // It lets nobody in, and asks nobody for a password.
    web1.does("rm /root/.ssh/authorized_keys");
    let mut other = reach(&segment, &web1.address, None);
    other.run = segment.folder.path().join("run2");
    let denied = run(&other, "true", b"").unwrap_err();
    assert!(denied.error.contains("lets nobody in") && denied.next_step.contains("ssh-copy-id"), "{denied:?}");
}

#[test]
fn by_way_of_others_and_in_vain() {
    if !can_run(debian::NEEDED) {
        return;
    }
    let segment = Segment::new("jump");
    let gate = Debian::start(&segment, 60, "gate");
    let mut web1 = Debian::start(&segment, 61, "web1");
    // It is not to be reached but from there.
    web1.host.sh("ip route add prohibit 10.77.0.1");
    let key = debian::key(&segment);
    let ssh = |jump: &str| format!("user root\nidentity {}\n{jump}", key.display());
    segment.conf("10.77.0.1/10.77.0.61/ssh", &ssh("jump root@gate"));
    // `gate` is no name that this host knows: of the segment's machines only the address is reached.
    segment.conf("10.77.0.1/10.77.0.61/ssh", &ssh("jump root@10.77.0.60"));
    let (code, said) = run(&reach(&segment, &web1.address, None), "hostname; echo $SSH_CLIENT", b"").unwrap();
    assert_eq!((code, said[0].as_str()), (0, "web1"));
    assert!(said[1].starts_with(&gate.address), "{said:?}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let keys = runtime.block_on(scan(&reach(&segment, &web1.address, None))).unwrap();
    assert_eq!(keys[0].line, web1.public_key());
    // Through two.
    segment.conf("10.77.0.1/10.77.0.61/ssh", &ssh("jump root@10.77.0.60:22,10.77.0.60"));
    let twice = run(&reach(&segment, &web1.address, None), "hostname", b"");
    assert_eq!(twice.unwrap(), (0, vec!["web1".to_owned()]));
    web1.down();
    let away = run(&reach(&segment, &web1.address, None), "true", b"").unwrap_err();
    assert!(away.is_away, "{away:?}");

    // One that takes the connection and says nothing holds nobody for ever.
    let silent = gate.host.inside(|| TcpListener::bind("0.0.0.0:2200").unwrap());
    std::thread::spawn(move || {
        let (mut taken, _) = silent.accept().unwrap();
        let _ = taken.read_to_end(&mut Vec::new());
    });
    segment.conf("10.77.0.1/10.77.0.60/ssh", &ssh("port 2200"));
    let began = Instant::now();
    let silent = run(&reach(&segment, &gate.address, None), "true", b"").unwrap_err();
    assert!(silent.error.contains("says nothing") && !silent.is_away, "{silent:?}");
    assert!(began.elapsed() < Duration::from_secs(30));
}
