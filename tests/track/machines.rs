//! Machines that are looked at: changes, nothing new, off and on again, another key, many at once.

use super::{commits, git, pxelator, says};
use crate::support::{Debian, Program, Segment, can_run, debian, wait_for};
use pxelator::event::{Event, Fact};
use std::{
    collections::BTreeSet,
    fs,
    io::Read,
    net::TcpListener,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// The machine whose address ends so tells what `wanted` wants.
fn of(last: u8, wanted: impl Fn(&Fact) -> bool) -> impl Fn(&Event) -> bool {
    move |event| event.machine == Some([10, 77, 0, last].into()) && wanted(&event.fact)
}

#[test]
fn changes_are_kept_and_told() {
    if !can_run(debian::NEEDED) {
        return;
    }
    let segment = Segment::new("track");
    let mut web1 = Debian::start(&segment, 60, "web1");
    segment.conf("10.77.0.1/10.77.0.60/track", "/etc\n!/etc/alternatives\nevery 1h");
    let program = Program::start(&segment);
    let first = program.wait("the first look", of(60, |fact| matches!(fact, Fact::TrackChanged { .. })));
    let Fact::TrackChanged { added, removed, .. } = first.fact else { unreachable!() };
    assert!(added > 100 && removed == 0, "{added} {removed}");
    program.wait("how much is in use", of(60, |fact| matches!(fact, Fact::TrackMeasured { cpus, .. } if *cpus > 0)));
    assert_eq!(commits(&segment, "web1").len(), 1);

    web1.does(
        "echo hello > /etc/motd; rm /etc/issue.net; echo new > \"$(printf '/etc/a\\n\\377')\"; chmod 600 /etc/fstab",
    );
    let said = says(&segment, 0, &["track", "pull", "web1"]);
    assert!(said.starts_with("web1: etc: 1 added, 2 changed, 1 removed ("), "{said}");
    let told = commits(&segment, "web1");
    assert!(told.len() == 2 && told[0].ends_with(": etc: 1 added, 2 changed, 1 removed"), "{told:?}");
    assert_eq!(git(&segment, &["show", "HEAD:web1/etc/motd"]), "hello\n");
    let changed = git(&segment, &["show", "--format=", "--name-status", "-z", "HEAD"]);
    for expected in ["web1/etc/motd", "D\0web1/etc/issue.net", "A\0web1/etc/a\n"] {
        assert!(changed.contains(expected), "{changed:?}");
    }
    assert!(!git(&segment, &["ls-tree", "-r", "--name-only", "HEAD"]).contains("etc/shadow"));

    // Nothing is other: nothing is written.
    let said = says(&segment, 0, &["track", "pull", "10.77.0.60", "--json"]);
    let last: serde_json::Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!(last["summary"]["same"][0], "web1", "{said}");
    assert_eq!(commits(&segment, "web1").len(), 2);
    let said = says(&segment, 0, &["track", "status"]);
    assert!(said.contains("web1  looked at") && said.contains("ago: etc: 1 added"), "{said}");

    // It is off: no fault while nobody asks, and looked at when it shows itself.
    web1.down();
    let mark = program.mark();
    let said = says(&segment, 1, &["track", "pull", "web1"]);
    assert!(said.contains("looked at again when it is there"), "{said}");
    assert!(says(&segment, 0, &["track", "status", "web1"]).contains("; away: "), "to be off is no fault");
    web1.up();
    web1.host.sh("logger -n 10.77.0.1 -P 514 -d up");
    program.wait_since(mark, "it is caught up with", of(60, |fact| matches!(fact, Fact::TrackLooked { .. })));

    // Somebody else may answer there.
    web1.down();
    web1.new_host_key();
    web1.up();
    let mark = program.mark();
    let said = says(&segment, 1, &["track", "pull", "web1"]);
    assert!(
        said.contains("another than the one that is trusted") && said.contains("pxelator track trust web1"),
        "{said}"
    );
    let said = says(&segment, 1, &["track", "trust", "web1"]);
    let print = web1.does("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub");
    let print = print.split_whitespace().nth(1).unwrap();
    assert!(said.contains(print) && said.contains("--yes"), "{said}");
    says(&segment, 0, &["track", "trust", "web1", "--yes"]);
    program.wait_since(
        mark,
        "it is told",
        of(60, |fact| matches!(fact, Fact::TrackTrusted { fingerprint, .. } if fingerprint == print)),
    );
    assert!(says(&segment, 0, &["track", "trust", "web1"]).contains("trusted already"));
    let said = says(&segment, 0, &["track", "pull", "web1"]);
    assert!(said.contains("etc/ssh/ssh_host_ed25519_key.pub"), "{said}");

    // Words that mean nothing.
    assert!(says(&segment, 2, &["track", "pull", "wbe1"]).contains("web1 is"));
    segment.machine(61, "52:54:00:77:00:61", "web2");
    let said = says(&segment, 1, &["track", "pull", "web2"]);
    assert!(said.contains("conf does not say") && said.contains("10.77.0.1/10.77.0.61"), "{said}");
}

#[test]
fn each_is_looked_at_in_its_time() {
    if !can_run(debian::NEEDED) {
        return;
    }
    let segment = Segment::new("pace");
    let web1 = Debian::start(&segment, 60, "web1");
    let web2 = Debian::start(&segment, 61, "web2");
    segment.conf("10.77.0.1/track", "/etc/hostname\n/etc/motd\nevery 2h");
    // Without a program that runs.
    let said = says(&segment, 0, &["track", "pull", "--all"]);
    assert!(said.contains("web1: ") && said.contains("web2: ") && said.contains("2 changed"), "{said}");
    let told = pxelator(&segment, &["log", "kind=track.changed"]);
    assert_eq!(String::from_utf8_lossy(&told.stdout).lines().count(), 2, "it is journaled");
    for machine in [&web1, &web2] {
        machine.does("echo other > /etc/motd");
    }
    let file = segment.folder.path().join("run/looked/web2");
    let mut looked: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    for moment in ["time", "tried"] {
        looked[moment] = "2026-01-01T00:00:00Z".into();
    }
    fs::write(&file, looked.to_string()).unwrap();
    let program = Program::start(&segment);
    program.wait("that which is due", of(61, |fact| matches!(fact, Fact::TrackChanged { .. })));
    let early = program.events().iter().any(of(60, |fact| matches!(fact, Fact::TrackChanged { .. })));
    assert!(!early, "the other was looked at a moment ago");
    // What is kept of a machine is other from now on.
    segment.conf("10.77.0.1/10.77.0.60/track", "/etc/passwd");
    program.wait("it is looked at at once", of(60, |fact| matches!(fact, Fact::TrackChanged { removed: 2, .. })));
    assert_eq!((commits(&segment, "web1").len(), commits(&segment, "web2").len()), (2, 2));
}

#[test]
fn many_at_once_are_a_few_at_a_time() {
    if !can_run(debian::NEEDED) {
        return;
    }
    let segment = Segment::new("many");
    let web1 = Debian::start(&segment, 60, "web1");
    let (key, public) = (debian::key(&segment), web1.public_key());
    for last in 100..120 {
        segment.machine(last, &format!("52:54:00:77:01:{last:02x}"), &format!("m{last}"));
        let folder = format!("10.77.0.1/10.77.0.{last}");
        segment.conf(&format!("{folder}/ssh"), &format!("host 10.77.0.60\nidentity {}", key.display()));
        segment.conf(&format!("{folder}/ssh.pin"), &public);
        segment.conf(&format!("{folder}/track"), "/etc/hostname");
    }
    // One of them takes connections and says nothing.
    let silent = web1.host.inside(|| TcpListener::bind("0.0.0.0:2200").unwrap());
    std::thread::spawn(move || {
        while let Ok((mut taken, _)) = silent.accept() {
            std::thread::spawn(move || taken.read_to_end(&mut Vec::new()));
        }
    });
    segment.conf("10.77.0.1/10.77.0.100/ssh", &format!("host 10.77.0.60\nport 2200\nidentity {}", key.display()));
    let began = Instant::now();
    let mut pull = segment.command(env!("CARGO_BIN_EXE_pxelator"));
    pull.current_dir(segment.folder.path()).args(["track", "pull", "m*"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut pull = pull.spawn().unwrap();
    // As the kernel sees them: who looks asks a shell there.
    let mut most = 0;
    let code = wait_for("all came to their end", Duration::from_secs(80), || {
        let pids = crate::support::run(Command::new("ip").args(["netns", "pids", web1.host.namespace()]));
        let asks = |pid: &str| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).into_owned();
            (line.contains("pxelator: begun") || line.starts_with("rsync\0--server")).then(|| parent(pid)).flatten()
        };
        let connections: BTreeSet<String> = pids.split_whitespace().filter_map(asks).collect();
        most = most.max(connections.len());
        pull.try_wait().unwrap()
    });
    let (mut out, mut err) = (String::new(), String::new());
    pull.stdout.unwrap().read_to_string(&mut out).unwrap();
    pull.stderr.unwrap().read_to_string(&mut err).unwrap();
    assert_eq!(code.code(), Some(1), "{out}{err}");
    assert!(out.contains("19 changed, 0 as they were, 1 not looked at"), "{out}{err}");
    assert!(err.contains("m100") && err.contains("accepts connections and says nothing"), "{err}");
    assert!((2..=8).contains(&most), "{most} at the same time");
    assert!(began.elapsed() < Duration::from_secs(60));
    assert_eq!(git(&segment, &["rev-list", "--count", "HEAD", "--", "m101"]).trim(), "1");
}

/// The parent of a process.
fn parent(pid: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    Some(status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().to_owned())
}
