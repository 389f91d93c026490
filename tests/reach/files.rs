//! Files from a machine and to it: what they are called, what they are, and what happens on the way.

use super::{reach, run};
use crate::support::{Debian, SOON, Segment, can_run, debian, noise, wait_for};
use pxelator::{
    conf::Track,
    reach::{Pulled, Reach, ReachError},
};
use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    future::Future,
    os::unix::{
        ffi::OsStrExt,
        fs::{MetadataExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn pull(reach: &Reach, track: &str, mirror: &Path, secrets: bool) -> Result<Pulled, ReachError> {
    let track: Track = track.parse().unwrap();
    wait(reach.pull(&track, mirror, secrets))
}

/// All names below a folder, as bytes.
fn names(folder: &Path) -> Vec<Vec<u8>> {
    fn walk(root: &Path, folder: &Path, into: &mut Vec<Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            into.push(entry.path().strip_prefix(root).unwrap().as_os_str().as_bytes().to_vec());
            if entry.file_type().unwrap().is_dir() {
                walk(root, &entry.path(), into);
            }
        }
    }
    let mut all = Vec::new();
    walk(folder, folder, &mut all);
    all.sort();
    all
}

fn of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

#[test]
fn a_mirror_has_what_the_machine_has() {
    if !can_run(debian::NEEDED) {
        return;
    }
    let segment = Segment::new("pull");
    let web1 = Debian::start(&segment, 60, "web1");
    let to = reach(&segment, &web1.address, None);
    let mirror = segment.folder.path().join("run/track/web1");
    web1.does(
        "mkdir -p /etc/ssl/private /etc/odd/.git /etc/odd/empty /opt/app/conf /opt/app/data /root/.ssh && cd /etc/odd && touch .git/config && \
         printf 1 > \"$(printf 'a\\nb')\" && printf 2 > \"$(printf 'x\\377y')\" && printf 3 > ' *' && printf 4 > one && ln one two && \
         ln -s /nowhere link && mkfifo pipe && mknod dev c 1 3 && chown 1234:2345 one && chmod 2751 one && touch -d @86400.5 one && \
         echo key > /etc/ssl/private/web.key && echo conf > /opt/app/conf/a && echo data > /opt/app/data/b && echo k > /root/.ssh/id_rsa && \
         truncate -s 5G /etc/odd/sparse && printf end >> /etc/odd/sparse",
    );
    let track = "/etc\n!/etc/alternatives\n/opt/*/conf\n/root\nsecret /etc/app.key";
    web1.does("echo hidden > /etc/app.key");
    let pulled = pull(&to, track, &mirror, false).unwrap();
    assert_eq!(pulled.missing, Vec::<String>::new());
    assert!(pulled.files > 100 && pulled.transferred > 100, "{pulled:?}");
    let large: BTreeMap<Vec<u8>, u64> = [(b"etc/odd/sparse".to_vec(), (5 << 30) + 3)].into();
    assert_eq!(pulled.large, large);
    let all = names(&mirror);
    let has = |name: &[u8]| all.iter().any(|known| known == name);
    for name in [
        &b"etc/odd/a\nb"[..],
        b"etc/odd/x\xffy",
        b"etc/odd/ *",
        b"etc/odd/empty",
        b"etc/odd/pipe",
        b"opt/app/conf/a",
        b"etc/passwd",
    ] {
        assert!(has(name), "{}", String::from_utf8_lossy(name));
    }
    for name in [
        &b"etc/odd/.git"[..],
        b"etc/odd/sparse",
        b"opt/app/data",
        b"etc/alternatives",
        b"etc/shadow",
        b"etc/ssh/ssh_host_ed25519_key",
        b"etc/ssl/private",
        b"etc/app.key",
        b"root/.ssh/id_rsa",
        b"usr",
    ] {
        assert!(!has(name), "{}", String::from_utf8_lossy(name));
    }
    assert!(has(b"etc/ssh/ssh_host_ed25519_key.pub") && has(b"root/.ssh/authorized_keys"));
    let one = fs::symlink_metadata(mirror.join("etc/odd/one")).unwrap();
    assert_eq!((one.uid(), one.gid(), one.mode() & 0o7777, one.nlink()), (1234, 2345, 0o2751, 2));
    assert_eq!((one.mtime(), one.mtime_nsec()), (86400, 500_000_000));
    assert_eq!(fs::read_link(mirror.join("etc/odd/link")).unwrap(), Path::new("/nowhere"));
    assert_eq!(fs::symlink_metadata(mirror.join("etc/odd/dev")).unwrap().rdev(), nix::libc::makedev(1, 3));
    assert_eq!(fs::metadata(mirror.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);

    // Nothing is other; then something is gone, something is less, and what may be larger stays full of holes.
    assert_eq!(pull(&to, track, &mirror, false).unwrap().transferred, 0);
    web1.does("rm /etc/odd/two; echo more >> /etc/motd; rm /etc/odd/sparse; truncate -s 200M /etc/odd/sparse; printf e >> /etc/odd/sparse");
    let pulled = pull(&to, &format!("{track}\nlargest 1G"), &mirror, true).unwrap();
    assert!((2..=4).contains(&pulled.transferred), "{pulled:?}");
    assert!(!mirror.join("etc/odd/two").exists() && mirror.join("etc/app.key").exists());
    let sparse = fs::metadata(mirror.join("etc/odd/sparse")).unwrap();
    assert!(sparse.len() > 200 << 20 && sparse.blocks() * 512 < 1 << 20, "{} blocks", sparse.blocks());
    // What became too large does not stay as it was.
    assert_eq!(pull(&to, track, &mirror, false).unwrap().large.len(), 1);
    assert!(!mirror.join("etc/odd/sparse").exists() && !mirror.join("etc/app.key").exists());

    // A container has files of its own, and what it is made of is told without what is its machine's.
    web1.inner_root();
    segment.conf("10.77.0.1/10.77.0.60/containers/db/exec", "chroot /srv/db");
    let db = reach(&segment, &web1.address, Some("db"));
    let mirror = segment.folder.path().join("run/track/db@web1");
    pull(&db, "/etc", &mirror, false).unwrap();
    assert_eq!(names(&mirror), [b"etc".to_vec(), b"etc/motd".to_vec()]);
    let (machine, within) = (wait(to.probe()).unwrap(), wait(db.probe()).unwrap());
    assert!(machine.inventory.contains("\ninterface eth0 52:54:00:77:00:3c\n"), "{}", machine.inventory);
    assert!(!within.inventory.contains("\ninterface ") && within.has_rsync, "{}", within.inventory);
    for told in [
        "[system]",
        "\nos Debian",
        "[packages]\n",
        "\nopenssh-server 1:",
        "[manual]\n",
        "\nrsync\n",
        "[services]\n",
        "\nssh.service disabled\n",
    ] {
        assert!(machine.inventory.contains(told), "{told}: {}", machine.inventory);
    }
    assert!(machine.inventory.contains("\netc/default/ssh "), "files of packages with their MD5");
    let measured = machine.measured;
    assert!(measured.cpus > 0 && measured.memory > measured.memory_used && measured.disk > measured.disk_used);

    // Without rsync there is nothing to pull with.
    web1.does("mv /usr/bin/rsync /usr/bin/not-rsync");
    assert!(!wait(to.probe()).unwrap().has_rsync);
    let error = pull(&to, "/etc", &mirror, false).unwrap_err();
    assert!(
        error.error.contains("rsync is not installed") && error.next_step.contains("apt install rsync"),
        "{error:?}"
    );
}

#[test]
fn what_breaks_off_goes_on() {
    if !can_run(debian::NEEDED) {
        return;
    }
    let segment = Segment::new("broken");
    let mut web1 = Debian::start(&segment, 60, "web1");
    let to = reach(&segment, &web1.address, None);
    let mirror = segment.folder.path().join("run/track/web1");
    let waiting = segment.folder.path().join("run/pull/web1");
    web1.does("mkdir /opt/big && echo old > /opt/big/file");
    let track = "/opt/big\nlargest 1G";
    pull(&to, track, &mirror, false).unwrap();
    // Slow enough to be broken off in its middle.
    let bytes = noise(24 << 20);
    fs::write(segment.folder.path().join("file"), &bytes).unwrap();
    let mut copy = web1.host.command("rsync");
    let key = debian::key(&segment);
    copy.arg("-e").arg(format!("ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -i {}", key.display()));
    crate::support::run(copy.arg(segment.folder.path().join("file")).arg("root@127.0.0.1:/opt/big/file"));
    let slow = |rate: &str| {
        web1.host.sh(&format!("tc qdisc replace dev eth0 root tbf rate {rate} burst 64kb latency 100ms"));
    };
    slow("40mbit");
    let so_far =
        || -> u64 { fs::read_dir(&waiting).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum() };
    std::thread::scope(|scope| {
        let pulling = scope.spawn(|| pull(&to, track, &mirror, false));
        wait_for("some of it came", SOON, || (so_far() > 4 << 20).then_some(()));
        assert_eq!(fs::read_to_string(mirror.join("opt/big/file")).unwrap(), "old\n", "never half a file");
        web1.down();
        let error = pulling.join().unwrap().unwrap_err();
        assert!(error.error.contains("broke off") && error.next_step.contains("goes on"), "{error:?}");
    });
    let kept = so_far();
    assert!(kept > 4 << 20, "{kept}");
    assert_eq!(fs::read_to_string(mirror.join("opt/big/file")).unwrap(), "old\n");
    web1.up();
    web1.host.sh("tc qdisc del dev eth0 root");
    let before = received(&segment);
    pull(&to, track, &mirror, false).unwrap();
    assert!(fs::read(mirror.join("opt/big/file")).unwrap() == bytes);
    let came = received(&segment) - before;
    assert!(came < (24 << 20) - (kept / 2), "{came} bytes came again, {kept} were there");
    assert_eq!(so_far(), 0);

    // One that is written all the while is whole, as it was at some moment, or is told.
    web1.does("sh -c 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); printf %07d $i > /opt/big/.n; mv /opt/big/.n /opt/big/turn; done' > /dev/null 2>&1 &");
    for _ in 0..5 {
        let pulled = pull(&to, "/opt/big/turn", &mirror, false).unwrap();
        let turn = fs::read_to_string(mirror.join("opt/big/turn")).unwrap();
        assert!(turn.len() == 7 && pulled.missing.len() <= 1, "{turn:?} {pulled:?}");
    }
}

/// Bytes that came to the segment's server.
fn received(segment: &Segment) -> u64 {
    let text = crate::support::run(segment.command("cat").arg("/sys/class/net/br0/statistics/rx_bytes"));
    text.trim().parse().unwrap()
}

#[test]
fn a_cable_that_is_pulled_holds_nobody_for_ever() {
    if !can_run(debian::NEEDED) {
        return;
    }
    let segment = Segment::new("cable");
    let web1 = Debian::start(&segment, 60, "web1");
    let to = reach(&segment, &web1.address, None);
    let mirror = segment.folder.path().join("run/track/web1");
    web1.does("mkdir /opt/big && head -c 20000000 /dev/urandom > /opt/big/file");
    web1.host.sh("tc qdisc replace dev eth0 root tbf rate 8mbit burst 64kb latency 100ms");
    let began = std::time::Instant::now();
    let error = std::thread::scope(|scope| {
        let pulling = scope.spawn(|| pull(&to, "/opt/big\nlargest 1G", &mirror, false));
        let waiting = segment.folder.path().join("run/pull/web1");
        wait_for("some of it came", SOON, || fs::read_dir(&waiting).ok()?.next().map(drop));
        // No end of the connection reaches anybody.
        crate::support::run(segment.command("ip").args(["link", "set", "h-web1", "down"]));
        pulling.join().unwrap().unwrap_err()
    });
    assert!(error.error.contains("broke off") && !error.is_away, "{error:?}");
    assert!(began.elapsed() < std::time::Duration::from_secs(45), "{:?}", began.elapsed());
    assert!(!mirror.join("opt/big/file").exists());
    assert!(run(&to, "true", b"").unwrap_err().is_away);
}

#[test]
fn files_are_put_back_as_they_were() {
    if !can_run(debian::NEEDED) {
        return;
    }
    let segment = Segment::new("push");
    let web1 = Debian::start(&segment, 60, "web1");
    let to = reach(&segment, &web1.address, None);
    let folder = segment.folder.path().join("back");
    let put = |path: &[u8], text: &str| {
        let path = folder.join(of(path));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    };
    let motd = put(b"etc/motd", "back\n");
    std::os::unix::fs::chown(&motd, Some(7), Some(8)).unwrap();
    fs::set_permissions(&motd, fs::Permissions::from_mode(0o640)).unwrap();
    put(b"etc/odd\n\xff", "odd");
    put(b"etc/other", "not asked for");
    put(b"srv/new/deep/file", "deep");
    // Folders above are the machine's own.
    fs::set_permissions(folder.join("etc"), fs::Permissions::from_mode(0o700)).unwrap();
    web1.does("echo now > /etc/motd; mkdir -p /etc/gone/in; touch /etc/gone/in/f '/etc/gone/ -x'; echo same > /etc/same; touch -d @1000 /etc /etc/same");
    put(b"etc/same", "same\n");
    let paths = [&b"etc/motd"[..], b"etc/odd\n\xff", b"srv/new"].map(<[u8]>::to_vec);
    let remove = [&b"etc/gone"[..], b"etc/gone/in", b"etc/gone/in/f", b"etc/gone/ -x"].map(<[u8]>::to_vec);
    wait(to.push(&folder, &paths, &remove)).unwrap();
    assert_eq!(
        web1.does("cat /etc/motd; stat -c '%u %g %a' /etc/motd; cat /srv/new/deep/file").trim(),
        "back\n7 8 640\ndeep"
    );
    assert_eq!(
        web1.does("stat -c %a /etc; ls -d /etc/gone /etc/other 2> /dev/null | wc -l; stat -c %Y /etc/same"),
        "755\n0\n1000\n"
    );
    assert_eq!(run(&to, "cat /etc/odd*", b"").unwrap().1, ["odd"]);
    // What is so already is not touched.
    let before = web1.does("stat -c '%z %i' /etc/motd /srv/new/deep/file");
    wait(to.push(&folder, &paths, &[])).unwrap();
    assert_eq!(web1.does("stat -c '%z %i' /etc/motd /srv/new/deep/file"), before);
    for bad in [&b"../etc/motd"[..], b"/etc/motd", b""] {
        assert!(wait(to.push(&folder, &[], &[bad.to_vec()])).is_err());
    }
}
