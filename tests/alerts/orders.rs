//! What the operator does with alerts: on the command line and in the console.

use crate::{
    deliveries::{log, rule},
    receivers::Web,
    stories::{fired, resolved},
    support::{Program, SOON, Screen, Segment, can_run, wait_for},
};
use std::process::Output;

/// `pxelator alerts …` in the segment's folder.
pub fn alerts(segment: &Segment, words: &[&str]) -> Output {
    let mut command = segment.command(env!("CARGO_BIN_EXE_pxelator"));
    command.current_dir(segment.folder.path()).arg("alerts").args(words).output().unwrap()
}

pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn silence_acknowledge_and_try() {
    if !can_run(&["logger"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("al-words");
    let web = Web::start(&segment);
    segment.conf("10.77.0.1/receivers/chat", &format!("webhook json http://127.0.0.1:{}/hook", Web::PORT));
    segment.conf("10.77.0.1/receivers/nowhere", "webhook json http://127.0.0.1:9/");
    for name in ["fan", "psu"] {
        rule(&segment, name, "to chat");
    }
    let program = Program::start(&segment);
    let quiet = alerts(&segment, &[]);
    assert_eq!((quiet.status.code(), said(&quiet).as_str()), (Some(0), "nothing fires\n"));

    // Whether a receiver can be told.
    let tried = alerts(&segment, &["try", "chat"]);
    assert_eq!((tried.status.code(), said(&tried).as_str()), (Some(0), "chat was told by webhook\n"));
    assert_eq!(web.alerts(), ["test test -"]);
    let tried = alerts(&segment, &["try", "nowhere"]);
    assert_eq!(tried.status.code(), Some(1));
    assert!(said(&tried).contains("127.0.0.1:9 cannot be reached"), "{}", said(&tried));
    assert_eq!(alerts(&segment, &["try", "nobody"]).status.code(), Some(2));

    // What is silenced is not told; it is when the silence ends.
    let silenced = alerts(&segment, &["silence", "web1", "--rule", "fan", "--for", "1h"]);
    assert_eq!(silenced.status.code(), Some(0), "{}", said(&silenced));
    log(&host, "fan broken");
    program.wait("that it fires", |event| fired(event, "fan"));
    log(&host, "psu broken");
    web.wait(2, SOON);
    assert_eq!(web.alerts()[1..], ["firing psu web1"]);
    let listed = wait_for("both in the list", SOON, || {
        let listed = alerts(&segment, &[]);
        said(&listed).contains("psu").then_some(listed)
    });
    assert_eq!(listed.status.code(), Some(1));
    assert!(said(&listed).contains("[silenced for ") && said(&listed).contains("[firing, "), "{}", said(&listed));
    let undone = alerts(&segment, &["silence", "web1", "--rule", "fan", "--undo"]);
    assert_eq!(undone.status.code(), Some(0), "{}", said(&undone));
    web.wait(3, SOON);
    assert_eq!(web.alerts()[2..], ["firing fan web1"]);

    // Somebody looks after them: nothing is loud any more.
    let taken = alerts(&segment, &["acknowledge", "web1", "--note", "on my way"]);
    assert_eq!(taken.status.code(), Some(0), "{}", said(&taken));
    let listed = wait_for("both are looked after", SOON, || {
        let listed = alerts(&segment, &["--json"]);
        (listed.status.code() == Some(0)).then_some(listed)
    });
    assert_eq!(said(&listed).matches("\"note\":\"on my way\"").count(), 2, "{}", said(&listed));

    log(&host, "fan whole");
    program.wait("its end", |event| resolved(event, "fan"));
    web.wait(4, SOON);
    assert!(said(&alerts(&segment, &["--all"])).contains("[over "));
    let rules = said(&alerts(&segment, &["rules"]));
    assert!(rules.contains("# 10.77.0.1/alerts/down  (there by default)") && rules.contains("to chat"), "{rules}");
}

#[test]
fn the_room_of_alerts() {
    if !can_run(&["logger", "tmux"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("al-room");
    rule(&segment, "fan", "severity warning");
    rule(&segment, "psu", "");
    let line = format!("{} run", env!("CARGO_BIN_EXE_pxelator"));
    let screen = Screen::open(&segment, 80, 24, &line);
    screen.wait("web1");
    screen.wait("dhcp tftp http dns syslog radv");
    wait_for("an alert in the head", SOON, || {
        log(&host, "fan broken");
        screen.shown().contains("1 alert: A").then_some(())
    });
    log(&host, "psu broken");
    screen.wait("2 alerts: A");
    screen.keys(&["A"]);
    let shown = screen.wait("Alerts 2 2 that nobody looks after");
    let at = |name: &str| shown.lines().position(|line| line.contains(&format!("web1 {name}:")));
    assert!(at("psu") < at("fan"), "the worse one stands first:\n{shown}");
    screen.keys(&["a"]);
    screen.wait("1 alert: A");
    screen.wait("taken");
    screen.keys(&["g"]);
    screen.wait("fan broken");
    screen.keys(&["s"]);
    screen.wait("2  this alert for 2 hours");
    screen.keys(&["2"]);
    screen.wait("silenced");
    screen
        .wait_until("nothing is loud", |shown| shown.contains("Alerts 2 0 that nobody") && !shown.contains("alert: A"));
    screen.keys(&["Enter"]);
    screen.wait("Silenced  by the operator until");
    // On the machine's page, too.
    screen.keys(&["Escape"]);
    screen.wait("Alerts 2 0");
    screen.keys(&["Escape"]);
    screen.wait("Machines 1");
    screen.keys(&["Enter"]);
    screen.wait("taken since");
}
