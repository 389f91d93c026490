//! Every kind of check against a real server of its kind: when all is well, and when it is not.

use crate::support::{Debian, Host, Program, Running, SOON, Segment, can_run, debian};
use pxelator::event::{Event, Fact};
use std::{fs, time::Duration};

/// What was said when this check came to this end.
fn said(program: &Program, mark: usize, name: &str, well: bool) -> String {
    let told = |event: &Event| match &event.fact {
        Fact::CheckPassed { check, .. } | Fact::CheckRecovered { check, .. } => well && check == name,
        Fact::CheckFailed { check, .. } => !well && check == name,
        _ => false,
    };
    let what = format!("{name} {}", if well { "is well" } else { "fails" });
    let event = program.wait_since(mark, &what, |event| event.machine.is_some() && told(event));
    match event.fact {
        Fact::CheckPassed { said, .. } | Fact::CheckRecovered { said, .. } | Fact::CheckFailed { said, .. } => said,
        other => panic!("{other:?}"),
    }
}

/// A web server, a TLS server whose certificate has 30 days left, and a name server.
fn serve(host: &Host) -> Vec<Running> {
    fs::write(host.folder().join("health"), "all is well\n").unwrap();
    let made = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 30 -subj /CN=web1";
    assert!(host.sh(made).status.success());
    let start = |line: &str| {
        let mut command = host.command("sh");
        Running::start(command.args(["-c", line]).current_dir(host.folder()))
    };
    let lines = [
        "exec python3 -m http.server 80",
        "exec openssl s_server -quiet -www -accept 443 -cert cert.pem -key key.pem",
        "exec dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --address=/www.lan/10.77.0.60",
    ];
    lines.map(start).into()
}

#[test]
fn services_are_found_well_and_found_wrong() {
    if !can_run(&["python3", "openssl", "dnsmasq"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("services");
    let every = |line: &str| format!("{line} every 1s\n");
    let lines = [
        "ping",
        "arp",
        "tcp 443",
        "http /health 200 \"is well\"",
        "http /nothing 404",
        "https /",
        "certificate 443 14",
        "dns www.lan 10.77.0.60",
        "http http://web1.test.lan/health",
    ];
    segment.conf("10.77.0.1/10.77.0.60/checks", &lines.map(every).concat());
    let running = serve(&host);
    let program = Program::start(&segment);
    for (name, words) in [
        ("ping", "it answers in "),
        ("arp", "it has its address"),
        ("tcp 443", "port 443 is open"),
        ("http /health", "status 200 in "),
        ("http /nothing", "status 404 in "),
        ("https /", "status 200 in "),
        ("certificate 443", "its certificate is good for "),
        ("dns www.lan", "www.lan is 10.77.0.60, in "),
        ("http http://web1.test.lan/health", "status 200 in "),
    ] {
        let said = said(&program, 0, name, true);
        assert!(said.contains(words), "{name}: {said}");
    }
    // What is wanted of them changes, with the machine as it is.
    let mark = program.mark();
    let wanted =
        ["http /health 204", "certificate 443 60", "dns www.lan 10.77.0.61", "http /nothing 404 \"well\"", "ping"];
    segment.conf("10.77.0.1/10.77.0.60/checks", &wanted.map(every).concat());
    for (name, words) in [
        ("http /health", "its status is 200; expected 204"),
        ("certificate 443", "expected 60 at least"),
        ("dns www.lan", "www.lan is 10.77.0.60; expected 10.77.0.61"),
        ("http /nothing", "\"well\" is not in its answer"),
    ] {
        let said = said(&program, mark, name, false);
        assert!(said.contains(words), "{name}: {said}");
    }
    // All servers end; the machine is there.
    let mark = program.mark();
    segment.conf("10.77.0.1/10.77.0.60/checks", &["ping", "tcp 80", "ssh"].map(every).concat());
    said(&program, mark, "tcp 80", true);
    let mark = program.mark();
    drop(running);
    assert_eq!(said(&program, mark, "tcp 80", false), "nobody listens at port 80");
    let lost = |event: &Event| matches!(&event.fact, Fact::CheckFailed { check, .. } if check == "ping");
    assert!(!program.events().iter().any(lost));
}

#[test]
fn who_logs_nothing_is_told_and_a_message_mends_it() {
    if !can_run(&["logger"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("silence");
    segment.conf("10.77.0.1/10.77.0.60/checks", "syslog 3s every 1s");
    let program = Program::start(&segment);
    let said_first = said(&program, 0, "syslog", false);
    assert!(said_first.starts_with("it logged nothing for "), "{said_first}");
    let mark = program.mark();
    host.sh("logger --server 10.77.0.1 --udp hello");
    assert!(said(&program, mark, "syslog", true).starts_with("it logged "));
}

#[test]
fn disk_and_load_are_asked_over_ssh() {
    if !can_run(debian::NEEDED) {
        return;
    }
    let segment = Segment::new("inside");
    let _web1 = Debian::start(&segment, 60, "web1");
    segment.conf("10.77.0.1/10.77.0.60/checks", "disk 100 every 2s\nload 100000 every 2s\nssh every 2s");
    let program = Program::start(&segment);
    assert!(said(&program, 0, "disk", true).ends_with(" % of its root is in use"));
    assert!(said(&program, 0, "load", true).ends_with(" % of its processors"));
    assert!(said(&program, 0, "ssh", true).starts_with("SSH-2.0-OpenSSH"));
    let mark = program.mark();
    segment.conf("10.77.0.1/10.77.0.60/checks", "disk 1 every 2s\nssh every 2s");
    let told = program.wait_for(
        "a disk that is too full",
        SOON + Duration::from_secs(20),
        |event| matches!(&event.fact, Fact::CheckFailed { check, .. } if check == "disk"),
    );
    let Fact::CheckFailed { said, .. } = told.fact else { panic!("{told:?}") };
    assert!(said.ends_with("expected 1 % at most"), "{said}");
    let paused = |event: &Event| matches!(&event.fact, Fact::CheckPaused { check, .. } if check == "load");
    program.wait_since(mark, "that the load is not looked at any more", paused);
}
