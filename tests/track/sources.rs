//! Where files come from beside a machine's own disk: containers, roots over NFS, hosts behind others; and secrets.

use super::{commits, git, says};
use crate::support::{Debian, Segment, can_run, debian, run};
use std::{fs, process::Command};

#[test]
fn containers_are_machines_of_their_parent() {
    if !can_run(debian::NEEDED) {
        return;
    }
    let segment = Segment::new("inner");
    let web1 = Debian::start(&segment, 60, "web1");
    web1.inner_root();
    segment.conf("10.77.0.1/10.77.0.60/track", "/etc/hostname");
    segment.conf("10.77.0.1/10.77.0.60/containers/db/exec", "chroot /srv/db");
    segment.conf("10.77.0.1/10.77.0.60/containers/db/track", "/etc");
    let said = says(&segment, 0, &["track", "pull", "web1"]);
    assert!(said.contains("2 changed, 0 as they were, 0 not looked at"), "{said}");
    assert_eq!(git(&segment, &["show", "HEAD:db@web1/etc/motd"]), "its own\n");
    web1.does("echo more >> /srv/db/etc/motd");
    let said = says(&segment, 0, &["track", "pull", "db@web1", "--json"]);
    let summary: serde_json::Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!(summary["summary"]["changed"], serde_json::json!(["db@web1"]), "{said}");
    let told = commits(&segment, "db@web1");
    assert!(told.len() == 2 && told[0].contains("etc/motd"), "{told:?}");
    assert!(says(&segment, 0, &["log", "kind=track.measured"]).contains("container db: load"));
    // One that does not run.
    segment.conf("10.77.0.1/10.77.0.60/containers/db/exec", "chroot /srv/gone");
    let said = says(&segment, 1, &["track", "pull", "db@web1"]);
    assert!(said.contains("chroot /srv/gone ended with"), "{said}");
    assert!(says(&segment, 2, &["track", "pull", "dd@web1"]).contains("no container dd"));
}

#[test]
fn a_host_behind_another() {
    if !can_run(debian::NEEDED) {
        return;
    }
    let segment = Segment::new("behind");
    let _gate = Debian::start(&segment, 60, "gate");
    let web1 = Debian::start(&segment, 61, "web1");
    // It answers the gate alone.
    web1.host.sh("ip route add blackhole 10.77.0.1/32");
    let key = debian::key(&segment);
    segment.conf("10.77.0.1/10.77.0.61/ssh", &format!("user root\nidentity {}\njump root@10.77.0.60", key.display()));
    segment.conf("10.77.0.1/10.77.0.61/track", "/etc/hostname\n/etc/ssh");
    assert!(says(&segment, 0, &["track", "pull", "web1"]).contains("web1: "));
    assert_eq!(git(&segment, &["show", "HEAD:web1/etc/hostname"]), "web1\n");
    assert!(says(&segment, 0, &["track", "trust", "web1"]).contains("trusted already"));
}

#[test]
fn roots_over_nfs_need_no_machine() {
    if !can_run(debian::NEEDED) {
        return;
    }
    let segment = Segment::new("layer");
    segment.machine(70, "52:54:00:77:00:70", "kiosk");
    segment.conf("boot/thin/root", "debian");
    segment.conf("10.77.0.1/10.77.0.70/boot", "thin");
    let base = segment.folder.path().join("roots/debian/etc");
    fs::create_dir_all(&base).unwrap();
    fs::write(base.join("issue"), "base\n").unwrap();
    let said = says(&segment, 1, &["track", "pull", "kiosk"]);
    assert!(said.contains("overlay/10.77.0.70/upper is not there"), "{said}");
    let overlay = segment.folder.path().join("overlay/10.77.0.70");
    fs::create_dir_all(overlay.join("upper/etc")).unwrap();
    fs::write(overlay.join("base"), "debian\n").unwrap();
    fs::write(overlay.join("upper/etc/motd"), "mine\n").unwrap();
    run(Command::new("mknod").arg(overlay.join("upper/etc/issue")).args(["c", "0", "0"]));
    says(&segment, 0, &["track", "pull", "kiosk"]);
    assert_eq!(git(&segment, &["show", "HEAD:kiosk/etc/motd"]), "mine\n");
    assert!(git(&segment, &["show", "HEAD:kiosk/.meta"]).contains("etc/issue"), "its removal is kept");
    assert_eq!(commits(&segment, "kiosk").len(), 1);
    says(&segment, 0, &["track", "pull", "kiosk"]);
    assert_eq!(commits(&segment, "kiosk").len(), 1);
}

#[test]
fn secrets_are_kept_for_those_who_may_read_them() {
    if !can_run(debian::NEEDED) || !can_run(&["age", "age-keygen"]) {
        return;
    }
    let segment = Segment::new("secret");
    let web1 = Debian::start(&segment, 60, "web1");
    web1.does("echo word > /etc/app.key; ssh-keygen -q -t ed25519 -N '' -f /etc/hidden");
    segment.conf("10.77.0.1/10.77.0.60/track", "/etc\n!/etc/alternatives\nsecret /etc/app.key");
    says(&segment, 0, &["track", "pull", "web1"]);
    let told = says(&segment, 0, &["log", "kind=track.left"]);
    assert!(told.contains("age.recipients") && told.contains("/etc/app.key"), "{told}");
    assert!(told.contains("private keys") && told.contains("etc/hidden"), "{told}");
    let names = |segment: &Segment| git(segment, &["ls-tree", "-r", "--name-only", "HEAD"]);
    assert!(!names(&segment).contains("app.key") && !names(&segment).contains("etc/hidden\n"));

    let identity = segment.folder.path().join("age.key");
    run(Command::new("age-keygen").arg("-o").arg(&identity));
    let public = run(Command::new("age-keygen").arg("-y").arg(&identity));
    segment.conf("age.recipients", public.trim());
    let said = says(&segment, 0, &["track", "pull", "web1"]);
    assert!(said.contains("etc/app.key"), "{said}");
    let kept = segment.folder.path().join("kept.age");
    let mut show = Command::new("git");
    show.arg("-C").arg(segment.folder.path().join("hosts")).args(["show", "HEAD:web1/etc/app.key.age"]);
    fs::write(&kept, show.output().unwrap().stdout).unwrap();
    assert_eq!(run(Command::new("age").arg("-d").arg("-i").arg(&identity).arg(&kept)), "word\n");
    assert!(!git(&segment, &["grep", "-c", "", "HEAD", "--", "web1"]).contains("etc/shadow"));
    // The same secret is the same, though each encryption is another.
    assert!(says(&segment, 0, &["track", "pull", "web1", "--json"]).contains("track.looked"));
}
