//! Where keeping the files fails: no room, and a repository that is broken.

use super::{commits, git, says};
use crate::support::{Debian, Program, SOON, Segment, can_run, debian, run, wait_for};
use pxelator::event::Fact;
use std::{fs, process::Command};

#[test]
fn a_full_disk_is_told_and_goes_on_when_there_is_room() {
    if !can_run(debian::NEEDED) {
        return;
    }
    let segment = Segment::new("full");
    let web1 = Debian::start(&segment, 60, "web1");
    web1.does("mkdir /opt/app; head -c 3000000 /dev/urandom > /opt/app/file");
    for folder in ["hosts", "run"] {
        fs::create_dir_all(segment.folder.path().join(folder)).unwrap();
    }
    // The mounts are those of the program alone.
    let mut command = segment.command("sh");
    let script = "mount -t tmpfs -o size=1m none hosts && mount -t tmpfs -o size=1m none run && exec \"$0\" run --headless --json";
    command.current_dir(segment.folder.path()).args(["-c", script, env!("CARGO_BIN_EXE_pxelator")]);
    let program = Program::spawn(command);
    let within = |words: &str| {
        let mut enter = Command::new("nsenter");
        enter.args(["-m", "-n", "-t", &program.pid().to_string(), "sh", "-c"]);
        enter.arg(format!("cd {} && {words}", segment.folder.path().display())).output().unwrap()
    };
    wait_for("it can be asked", SOON, || within("test -S run/control").status.success().then_some(()));
    segment.conf("10.77.0.1/10.77.0.60/track", "/etc/hostname\n/opt/app");
    let failed = |what: &'static str| move |fact: &Fact| matches!(fact, Fact::TrackFailed { doing, next_step, .. } if doing.contains(what) && next_step.contains("make room"));
    let pulling = failed("pulling");
    program.wait("the mirror has no room", |event| pulling(&event.fact));
    let pxelator = env!("CARGO_BIN_EXE_pxelator");
    let pull = format!("{pxelator} track pull web1");
    run_ok(within("mount -o remount,size=100m run"));
    let said = within(&pull);
    assert_eq!(said.status.code(), Some(1), "{}", String::from_utf8_lossy(&said.stderr));
    let keeping = failed("keeping");
    program.wait("the repository has none", |event| keeping(&event.fact));
    run_ok(within("mount -o remount,size=100m hosts"));
    run_ok(within(&pull));
    let kept = within("git -c safe.directory=* -C hosts cat-file -s HEAD:web1/opt/app/file");
    assert_eq!(String::from_utf8_lossy(&kept.stdout).trim(), "3000000");
    run_ok(within("git -c safe.directory=* -C hosts fsck --strict"));
}

fn run_ok(output: std::process::Output) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn a_broken_repository_is_kept_aside() {
    if !can_run(debian::NEEDED) {
        return;
    }
    let segment = Segment::new("repair");
    let web1 = Debian::start(&segment, 60, "web1");
    segment.conf("10.77.0.1/10.77.0.60/track", "/etc/hostname\n/etc/motd");
    says(&segment, 0, &["track", "pull", "web1"]);
    assert!(says(&segment, 0, &["track", "repair"]).contains("is whole"));
    web1.does("echo other > /etc/motd");
    // A tree that the newest commit needs.
    let tree = git(&segment, &["rev-parse", "HEAD^{tree}"]);
    let objects = segment.folder.path().join("hosts/.git/objects");
    let (begin, rest) = tree.trim().split_at(2);
    let loose = objects.join(begin).join(rest);
    if loose.exists() {
        fs::remove_file(&loose).unwrap();
    } else {
        for pack in fs::read_dir(objects.join("pack")).unwrap().map(|entry| entry.unwrap().path()) {
            run(Command::new("chmod").arg("u+w").arg(&pack));
            fs::write(&pack, "spoilt").unwrap();
        }
    }
    let said = says(&segment, 1, &["track", "pull", "web1"]);
    assert!(said.contains("pxelator track repair"), "{said}");
    let said = says(&segment, 0, &["track", "repair"]);
    assert!(said.contains("was broken") && said.contains("it is kept as"), "{said}");
    says(&segment, 0, &["track", "pull", "web1"]);
    assert_eq!(git(&segment, &["show", "HEAD:web1/etc/motd"]), "other\n");
    assert!(!commits(&segment, "web1").is_empty());
    assert!(says(&segment, 0, &["log", "kind=track.repaired"]).contains("was broken"));
}
