//! What fires and what does not: a machine that is unplugged, a switch that takes others along, what comes and goes.

use crate::{
    receivers::{Mail, Web},
    support::{Program, Segment, can_run, run, wait_for},
};
use pxelator::event::{Event, Fact};
use std::{process::Command, time::Duration};

/// The issue's own bound.
pub const TOLD: Duration = Duration::from_secs(30);

pub fn fired(event: &Event, wanted: &str) -> bool {
    matches!(&event.fact, Fact::AlertFired { rule, .. } if rule == wanted)
}

pub fn resolved(event: &Event, wanted: &str) -> bool {
    matches!(&event.fact, Fact::AlertResolved { rule, .. } if rule == wanted)
}

fn of(event: &Event, last: u8) -> bool {
    event.machine.is_some_and(|address| address.octets()[3] == last)
}

/// Switches the port of a host on the segment's bridge.
pub fn cable(segment: &Segment, host: &str, state: &str) {
    run(Command::new("ip").args(["-n", &segment.name, "link", "set", &format!("h-{host}"), state]));
}

fn is_pinged(event: &Event, last: u8) -> bool {
    matches!(&event.fact, Fact::CheckPassed { check, .. } if check == "ping") && of(event, last)
}

#[test]
fn a_machine_that_is_unplugged_is_told_by_mail_and_webhook_once() {
    if !can_run(&["aiosmtpd"]) {
        return;
    }
    let (segment, _host) = Segment::with_web1("al-down");
    let (web, mail) = (Web::start(&segment), Mail::start(&segment));
    let at = format!("email smtp://127.0.0.1:{} ann@example.net bob@example.net\nfrom pxe@example.net", Mail::PORT);
    segment.conf("10.77.0.1/receivers/mail", &at);
    segment.conf("10.77.0.1/receivers/chat", &format!("webhook json http://127.0.0.1:{}/hook", Web::PORT));
    let program = Program::start(&segment);
    program.wait("its ping", |event| is_pinged(event, 60));

    cable(&segment, "web1", "down");
    wait_for("both receivers", TOLD, || {
        (web.alerts() == ["firing down web1"] && mail.subjects() == ["web1: down"]).then_some(())
    });
    cable(&segment, "web1", "up");
    wait_for("its return", TOLD, || {
        let both = ["firing down web1", "resolved down web1"];
        (web.alerts() == both && mail.subjects() == ["over: web1: down", "web1: down"]).then_some(())
    });

    let letter = mail.mails().into_iter().find(|mail| mail.contains("Subject: web1")).unwrap();
    for part in
        ["From: PXElator <pxe@example.net>", "To: ann@example.net, bob@example.net", "Auto-Submitted:", "10.77.0.60"]
    {
        assert!(letter.contains(part), "{part}:\n{letter}");
    }
    // What is told, is in the audit: who, by what, and that it is over.
    let delivered = |event: &&Event| matches!(event.fact, Fact::AlertDelivered { .. });
    wait_for("the audit", TOLD, || (program.events().iter().filter(delivered).count() == 4).then_some(()));
}

#[test]
fn a_dead_switch_is_one_alert() {
    if !can_run(&[]) {
        return;
    }
    let (segment, _web1) = Segment::with_web1("al-switch");
    segment.machine(2, "52:54:00:77:00:02", "switch1");
    segment.conf("10.77.0.1/10.77.0.60/depends", "switch1");
    let switch = segment.host("switch1", "52:54:00:77:00:02");
    switch.address("10.77.0.2");
    let program = Program::start(&segment);
    for last in [2, 60] {
        program.wait("its ping", |event| is_pinged(event, last));
    }
    cable(&segment, "web1", "down");
    cable(&segment, "switch1", "down");
    program.wait_for("the switch", TOLD, |event| fired(event, "down") && of(event, 2));
    for last in [2, 60] {
        let failed = |event: &Event| matches!(&event.fact, Fact::CheckFailed { check, .. } if check == "ping");
        program.wait_for("its ping that fails", TOLD, |event| failed(event) && of(event, last));
    }
    cable(&segment, "switch1", "up");
    program.wait_for("its return", TOLD, |event| resolved(event, "down") && of(event, 2));
    // The machine behind it is still gone, and nothing explains it any more.
    program.wait_for("the machine", TOLD, |event| fired(event, "down") && of(event, 60));
    let events = program.events();
    let place = |last: u8, is: fn(&Event, &str) -> bool| events.iter().position(|e| is(e, "down") && of(e, last));
    assert!(place(60, fired) > place(2, resolved), "it is told when the switch is back: {events:?}");
}

#[test]
fn what_comes_and_goes_is_told_seldom() {
    if !can_run(&["logger"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("al-flap");
    let web = Web::start(&segment);
    segment.conf("10.77.0.1/receivers/chat", &format!("webhook json http://127.0.0.1:{}/hook", Web::PORT));
    let rule = "when kind=syslog.received text~\"link down\"\nclear kind=syslog.received text~\"link up\"";
    segment.conf("10.77.0.1/alerts/link", rule);
    let program = Program::start(&segment);
    let log = |text: &str| assert!(host.sh(&format!("logger -n 10.77.0.1 -d '{text}'")).status.success());
    for round in 1..=4 {
        let mark = program.mark();
        log("link down");
        program.wait_since(mark, &format!("round {round}"), |event| fired(event, "link"));
        log("link up");
        if round < 4 {
            program.wait_since(mark, "its end", |event| resolved(event, "link"));
        }
    }
    program.wait("that it is damped", |event| matches!(event.fact, Fact::AlertDamped { times: 4, .. }));
    let told = web.wait(7, TOLD);
    assert!(told[6]["body"].as_str().unwrap().contains("\"damped\":true"), "{:?}", told[6]);
    // What it does from now on is told nobody: another alert of the machine is, and it is the next one.
    for text in ["link down", "link up", "link down"] {
        log(text);
    }
    segment.conf("10.77.0.1/alerts/fan", "when kind=syslog.received text~\"fan stopped\"\nafter 1h");
    program.wait("the rule", |event| matches!(&event.fact, Fact::ConfChanged { path } if path.ends_with("alerts/fan")));
    wait_for("the other alert", TOLD, || {
        log("fan stopped");
        program.events().iter().any(|event| fired(event, "fan")).then_some(())
    });
    web.wait(8, TOLD);
    assert_eq!(web.alerts().pop().unwrap(), "firing fan web1", "{:?}", web.alerts());
}
