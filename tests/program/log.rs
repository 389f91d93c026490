//! `pxelator log` and `pxelator check` on what the running program wrote.

use crate::support::{Program, Segment, can_run};
use pxelator::event::{Event, Fact};
use std::{
    io::{BufRead, BufReader},
    process::{Command, Output, Stdio},
};

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
    let stored = crate::support::wait_for("the message in the journal", crate::support::SOON, || {
        Some(of_web1()).filter(|l| !l.is_empty())
    });
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
    assert_eq!(unknown.status.code(), Some(2));
    assert_eq!(
        String::from_utf8_lossy(&unknown.stderr),
        "machine=\"web3\"\n        ^^^^^^ expected a machine's address, MAC, network or name; there are web1, web2\n"
    );
}

#[test]
fn ad_hoc_questions_are_answered() {
    if !can_run(&["logger", "curl"]) {
        return;
    }
    let segment = Segment::new("asked");
    segment.machine(60, "52:54:00:00:00:60", "web1");
    segment.machine(61, "52:54:00:00:00:61", "web2");
    segment.serve("pxelator-log2", "a boot file");
    let program = Program::start(&segment);
    let host = segment.host("web1", "52:54:00:00:00:60");
    host.address("10.77.0.60");
    for (priority, text) in [("kern.err", "kernel panic - not syncing"), ("user.info", "all is well")] {
        assert!(host.sh(&format!("logger -n 10.77.0.1 -d -p {priority} -t test '{text}'")).status.success());
        program.wait(text, |e| matches!(&e.fact, Fact::SyslogReceived { text: t, .. } if t.contains(text)));
    }
    let ask = |words: &[&str]| lines(pxelator(&segment, &[&["log"], words].concat()));
    let stored = || Some(ask(&["kind=syslog.*"])).filter(|lines| lines.len() == 2);
    crate::support::wait_for("both messages in the journal", crate::support::SOON, stored);
    for (words, expected) in [
        (vec!["machine=web1", "service=syslog", "since=-2h", "severity<=err"], 1),
        (vec!["text~\"PANIC - not\""], 1),
        (vec!["machine=web* (panic or well)"], 2),
        (vec!["panic", "-m", "10.77.0.60", "-s", "syslog"], 1),
        (vec!["panic", "-m", "web2"], 0),
        (vec!["kind=syslog.* not text~panic", "--since", "-1h"], 1),
        (vec!["details.severity=err"], 1),
    ] {
        assert_eq!(ask(&words).len(), expected, "{words:?}");
    }
    let bad = pxelator(&segment, &["log", "machine=web1", "severty<=>err"]);
    assert_eq!(bad.status.code(), Some(2));
    let caret = "machine=web1 severty<=>err\n                      ^ expected a value after `<=`\n";
    assert_eq!(String::from_utf8_lossy(&bad.stderr), caret);

    let sql = "select machine, count(*) as many from event where kind = 'syslog.received' group by 1";
    assert_eq!(ask(&["--sql", sql]), ["machine\tmany", "10.77.0.60\t2"]);
    assert_eq!(ask(&["--sql", sql, "--json"]), ["{\"machine\":\"10.77.0.60\",\"many\":2}"]);
    let writes = pxelator(&segment, &["log", "--sql", "vacuum into 'copy.sqlite'"]);
    assert_eq!(writes.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&writes.stderr).contains("only reads")
            && !segment.folder.path().join("copy.sqlite").exists()
    );

    // Over HTTP the same, for this host alone.
    let curl = |words: &str| {
        let line = format!("curl -sS -g -w '\\n%{{http_code}} %{{content_type}}' {words}");
        let out = segment.command("sh").args(["-c", &line]).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let text = String::from_utf8(out.stdout).unwrap();
        let (body, status) = text.rsplit_once('\n').unwrap();
        (body.to_owned(), status.to_owned())
    };
    let log = "http://10.77.0.1/pxelator/log";
    let (body, status) = curl(&format!("-G --data-urlencode 'filter=machine=web1 service=syslog' '{log}'"));
    assert_eq!(status, "200 application/x-ndjson");
    let told: Vec<Event> = body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(told.len() == 2 && told[0].fact.to_string().contains("panic"), "{told:?}");
    let (newest, _) = curl(&format!("'{log}?filter=kind%3Dsyslog.*&limit=1'"));
    assert!(newest.lines().count() == 1 && newest.contains("all is well"), "{newest}");
    assert!(curl(&format!("'{log}'")).0.lines().count() > 5);
    let (body, status) = curl(&format!("-G --data-urlencode 'filter=machine=web1 severty<=>err' '{log}'"));
    assert_eq!((body.as_str(), &status[..3]), (caret, "400"));
    for query in ["?limit=many", "?filer=a"] {
        let (body, status) = curl(&format!("'{log}{query}'"));
        assert!(status.starts_with("400") && body.contains("?filter=…&limit=…"), "{status} {body}");
    }
    assert!(curl(&format!("-X POST '{log}'")).1.starts_with("405"));
    let refused = host.sh(&format!("curl -sS -w '%{{http_code}}' '{log}'"));
    assert_eq!(
        String::from_utf8_lossy(&refused.stdout),
        "the log is told to this host alone: ask from 10.77.0.1 itself\n403"
    );
    let given = host.sh("curl -sS http://10.77.0.1/pxelator-log2");
    assert_eq!(String::from_utf8_lossy(&given.stdout), "a boot file");
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
