//! `pxelator log` and `pxelator check` on what the running program wrote.

mod support;

use pxelator::event::{Event, Fact};
use std::{
    io::{BufRead, BufReader},
    process::{Command, Output, Stdio},
};
use support::{Program, Segment, can_run};

fn pxelator(segment: &Segment, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pxelator")).current_dir(segment.folder.path()).args(words).output().unwrap()
}

fn lines(output: Output) -> Vec<String> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(ToOwned::to_owned).collect()
}

#[test]
fn the_journal_is_read_filtered_and_followed() {
    if !can_run(&["logger"]) {
        return;
    }
    let segment = Segment::new("log");
    segment.machine(60, "52:54:00:00:00:60", "web1");
    segment.machine(61, "52:54:00:00:00:61", "web2");
    let program = Program::start(&segment);
    let host = segment.host("web1", "52:54:00:00:00:60");
    host.address("10.77.0.60");
    let log = |text: &str| {
        assert!(host.sh(&format!("logger -n 10.77.0.1 -d -t test '{text}'")).status.success());
        program.wait(text, |e| matches!(&e.fact, Fact::SyslogReceived { text: t, .. } if t.contains(text)));
    };
    log("first words");
    let of_web1 = || lines(pxelator(&segment, &["log", "--machine", "web1", "--service", "syslog", "--json"]));
    let stored =
        support::wait_for("the message in the journal", support::SOON, || Some(of_web1()).filter(|l| !l.is_empty()));
    let event: Event = serde_json::from_str(&stored[0]).unwrap();
    assert_eq!(event.machine, Some("10.77.0.60".parse().unwrap()));
    assert_eq!(
        lines(pxelator(&segment, &["log", "-m", "52:54:00:00:00:60", "-s", "syslog", "--since", "-1h"])).len(),
        1
    );
    assert_eq!(lines(pxelator(&segment, &["log", "-m", "web2", "-s", "syslog"])), [""; 0]);
    assert_eq!(lines(pxelator(&segment, &["log", "-n", "1"])).len(), 1);

    let mut following = Command::new(env!("CARGO_BIN_EXE_pxelator"));
    following.current_dir(segment.folder.path()).args(["log", "-m", "web1", "-s", "syslog", "--follow"]);
    let mut following = following.stdout(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(following.stdout.take().unwrap()).lines();
    assert!(told.next().unwrap().unwrap().contains("first words"));
    log("second words");
    assert!(told.next().unwrap().unwrap().contains("second words"));
    following.kill().unwrap();
    following.wait().unwrap();

    let unknown = pxelator(&segment, &["log", "-m", "web3"]);
    assert_eq!(unknown.status.code(), Some(1));
    let words = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert_eq!(
        words.trim(),
        "pxelator: there is no machine \"web3\", neither in conf nor in the journal; there are: web1, web2"
    );
}

#[test]
fn check_names_every_mistake() {
    if !can_run(&[]) {
        return;
    }
    let segment = Segment::new("check");
    segment.machine(60, "52:54:00:00:00:60", "web1");
    segment.serve("live/vmlinuz", "kernel");
    segment.conf("boot/live/kernel", "live/vmlinuz");
    segment.conf("10.77.0.1/boot", "live");
    let good = pxelator(&segment, &["check"]);
    assert_eq!((good.status.code(), String::from_utf8_lossy(&good.stdout).as_ref()), (Some(0), ""));
    segment.conf("boot/live/initrd", "live/initrd.img");
    segment.conf("10.77.0.1/lease", "soon");
    segment.conf("10.77.0.1/10.77.0.61/mac", "52:54:00:00:00:60");
    let wrong = pxelator(&segment, &["check"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&wrong.stdout).lines().collect::<Vec<_>>(),
        [
            "conf/10.77.0.1/10.77.0.61/mac: \"52:54:00:00:00:60\" is not this machine's alone: 10.77.0.60 has the same MAC",
            "conf/10.77.0.1/lease: \"soon\" is not a duration of at least a minute, as 30m, 1h or 86400",
            "conf/boot/live/initrd names live/initrd.img: tftpboot/live/initrd.img is not there",
        ]
    );
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("3 wrong"));
}
