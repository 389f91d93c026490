//! Telling: a receiver that is not there, one that never answers while the program is killed, and each way.

use crate::{
    orders::{alerts, said},
    receivers::{Mail, Web},
    stories::{fired, resolved},
    support::{Host, Program, SOON, Segment, can_run, wait_for},
};
use nix::sys::signal::Signal;
use pxelator::event::{Event, Fact};
use std::{fs, time::Duration};

/// A try, a pause, and another.
const AGAIN: Duration = Duration::from_secs(60);

/// A rule that the host raises by what it logs, and ends so.
pub fn rule(segment: &Segment, name: &str, more: &str) {
    let lines = format!(
        "when kind=syslog.received text~\"{name} broken\"\nclear kind=syslog.received text~\"{name} whole\"\n{more}"
    );
    segment.conf(&format!("10.77.0.1/alerts/{name}"), &lines);
}

/// The host logs something.
pub fn log(host: &Host, text: &str) {
    let said = host.sh(&format!("logger -n 10.77.0.1 -d '{text}'"));
    assert!(said.status.success(), "{said:?}");
}

fn delivered(event: &Event, to: &str) -> bool {
    matches!(&event.fact, Fact::AlertDelivered { receiver, .. } if receiver == to)
}

fn chat(segment: &Segment) {
    segment.conf("10.77.0.1/receivers/chat", &format!("webhook json http://127.0.0.1:{}/hook", Web::PORT));
}

#[test]
fn a_receiver_that_is_not_there_is_told_when_it_is() {
    if !can_run(&["logger"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("al-back");
    chat(&segment);
    rule(&segment, "fan", "severity warning");
    rule(&segment, "psu", "");
    let program = Program::start(&segment);
    log(&host, "fan broken");
    let failed = |event: &Event| matches!(&event.fact, Fact::AlertUndelivered { retry: Some(_), .. });
    let first = program.wait("that nobody is there", failed);
    assert!(first.fact.to_string().contains("127.0.0.1:8099 cannot be reached"), "{}", first.fact);
    // What is over before anybody can be told is told as one thing; what still fires, as that.
    log(&host, "fan whole");
    program.wait("its end", |event| resolved(event, "fan"));
    log(&host, "psu broken");
    program.wait("the other", |event| fired(event, "psu"));
    let web = Web::start(&segment);
    web.wait(2, AGAIN);
    program.wait("the last", |event| delivered(event, "chat"));
    let mut told = web.alerts();
    told.sort();
    assert_eq!(told, ["firing psu web1", "resolved fan web1"]);
}

#[test]
fn a_kill_in_the_middle_of_a_delivery_forgets_none_and_tells_nobody_twice() {
    if !can_run(&["logger", "aiosmtpd"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("al-kill");
    let (web, mail) = (Web::start(&segment), Mail::start(&segment));
    chat(&segment);
    segment.conf("10.77.0.1/receivers/mail", &format!("email smtp://127.0.0.1:{} ann@example.net", Mail::PORT));
    rule(&segment, "fan", "");
    web.hangs(true);
    let program = Program::start(&segment);
    log(&host, "fan broken");
    program.wait("the mail", |event| delivered(event, "mail"));
    wait_for("a request that hangs", SOON, || (web.hung() == 1).then_some(()));
    // Told is who is told in the journal; until then it may be told again, under the same id.
    wait_for("the mail in the journal", SOON, || {
        said(&alerts(&segment, &["--json"])).contains("\"receiver\":\"mail\"").then_some(())
    });
    program.kill();

    web.hangs(false);
    let mut program = Program::start(&segment);
    program.wait("what was not told yet", |event| delivered(event, "chat"));
    assert_eq!((web.alerts(), mail.subjects()), (vec!["firing fan web1".to_owned()], vec!["web1: fan".to_owned()]));
    program.signal(Signal::SIGTERM);
    program.end();

    // Once more: nothing is left to tell. That it ends is the next thing that both hear.
    let program = Program::start(&segment);
    log(&host, "fan whole");
    wait_for("the end, told to both", SOON, || (web.told().len() > 1 && mail.mails().len() > 1).then_some(()));
    program.wait("its end", |event| resolved(event, "fan"));
    assert_eq!(web.alerts(), ["firing fan web1", "resolved fan web1"]);
    assert_eq!(mail.subjects(), ["over: web1: fan", "web1: fan"]);
}

#[test]
fn what_comes_up_together_is_one_mail_and_a_request_each() {
    if !can_run(&["logger", "aiosmtpd"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("al-many");
    let (web, mail) = (Web::start(&segment), Mail::start(&segment));
    chat(&segment);
    segment.conf("10.77.0.1/receivers/mail", &format!("email smtp://127.0.0.1:{} ann@example.net", Mail::PORT));
    let names: Vec<String> = (10..22).map(|n| format!("fan{n}")).collect();
    names.iter().for_each(|name| rule(&segment, name, ""));
    rule(&segment, "switch", "");
    let program = Program::start(&segment);
    let subjects = |count: usize| {
        wait_for(&format!("{count} mails"), AGAIN, || Some(mail.subjects()).filter(|all| all.len() >= count))
    };
    log(&host, "switch broken");
    assert_eq!(subjects(1), ["web1: switch"], "the first is not waited with");
    names.iter().for_each(|name| log(&host, &format!("{name} broken")));
    let told = subjects(2);
    assert_eq!(told, ["12 alerts: web1: fan10, web1: fan11, web1: fan12 and 9 more", "web1: switch"]);
    let all = mail.mails().concat();
    assert!(names.iter().all(|name| all.contains(&format!("{name} broken"))), "{all}");
    web.wait(13, AGAIN);

    // Ends are gathered too, and each alert is in the audit as told to each.
    names[..2].iter().for_each(|name| log(&host, &format!("{name} whole")));
    let told = subjects(3);
    assert!(told.contains(&"2 alerts are over: over: web1: fan10, over: web1: fan11".to_owned()), "{told:?}");
    web.wait(15, AGAIN);
    for to in ["mail", "chat"] {
        let count = || program.events().iter().filter(|event| delivered(event, to)).count();
        wait_for(&format!("{to} in the audit"), SOON, || (count() >= 15).then_some(()));
        assert_eq!(count(), 15, "{to}");
    }
    assert_eq!((mail.mails().len(), web.told().len()), (3, 15));
}

#[test]
fn each_way_and_form() {
    if !can_run(&["logger"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("al-ways");
    let web = Web::start(&segment);
    let url = format!("http://127.0.0.1:{}", Web::PORT);
    for (name, lines) in [
        ("slack", format!("webhook slack {url}/services/{{secret}}")),
        ("ntfy", format!("webhook ntfy {url}/lab")),
        ("matrix", format!("webhook matrix {url}/_matrix/client/v3/rooms/!lab:example.net")),
        ("manager", format!("webhook alertmanager {url}")),
        ("seldom", format!("webhook json {url}/seldom\nseverity crit")),
    ] {
        segment.conf(&format!("10.77.0.1/receivers/{name}"), &lines);
    }
    for (name, secret) in [("slack", "T0/B0/hush"), ("matrix", "hush")] {
        secret_file(&segment, &format!("10.77.0.1/receivers/{name}.secret"), secret);
    }
    let script = segment.folder.path().join("page");
    let out = segment.folder.path().join("paged");
    fs::write(
        &script,
        format!(
            "#!/bin/sh\n{{ echo \"$PXELATOR_ALERT_STATUS $PXELATOR_ALERT_HOSTNAME $PXELATOR_ALERT_TEXT $*\"; cat; echo; }} >> {}\n",
            out.display()
        ),
    )
    .unwrap();
    segment.conf("10.77.0.1/receivers/script", &format!("command sh {} 'two words'", script.display()));
    segment.conf("10.77.0.1/receivers/broken", "command sh -c 'echo no paper >&2; exit 3'");
    rule(&segment, "fan", "text {{ machine }}: {{ tag }} says {{ text }}");
    let program = Program::start(&segment);
    log(&host, "fan broken");
    let told = web.wait(4, SOON);
    let to = |path: &str| {
        let found = told.iter().find(|told| told["path"].as_str().unwrap().starts_with(path));
        found.unwrap_or_else(|| panic!("{path}: {told:?}")).clone()
    };
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    assert!(text(&to("/services/T0/B0/hush")["body"]).contains("*web1: fan*"));
    let ntfy = to("/lab");
    assert_eq!(
        (text(&ntfy["headers"]["title"]), text(&ntfy["headers"]["priority"])),
        ("web1: fan".into(), "high".into())
    );
    assert_eq!(text(&ntfy["body"]), "web1: root says fan broken");
    let matrix = to("/_matrix/client/v3/rooms/!lab:example.net/send/m.room.message/");
    assert_eq!(
        (text(&matrix["method"]), text(&matrix["headers"]["authorization"])),
        ("PUT".into(), "Bearer hush".into())
    );
    assert!(text(&to("/api/v2/alerts")["body"]).contains("\"alertname\":\"fan\""));
    let paged = wait_for("the script", SOON, || fs::read_to_string(&out).ok().filter(|said| said.ends_with("}\n")));
    let (first, rest) = paged.split_once('\n').unwrap();
    assert_eq!(first, "firing web1 web1: root says fan broken two words");
    let json: serde_json::Value = serde_json::from_str(rest).unwrap();
    assert_eq!((&json["rule"], &json["machine"]), (&"fan".into(), &"10.77.0.60".into()));
    let broken = |event: &Event| matches!(&event.fact, Fact::AlertUndelivered { receiver, .. } if receiver == "broken");
    let broken = program.wait("the broken one", broken).fact.to_string();
    assert!(broken.contains("sh ended with exit status: 3: no paper; try sh by hand"), "{broken}");
    // No secret is in any event.
    let all = fs::read(segment.journal()).unwrap();
    assert!(!all.windows(4).any(|part| part == b"hush"), "a secret is in the journal");
    assert!(!web.told().iter().any(|told| told["path"] == "/seldom"), "it matters too little for that one");
}

/// Writes a file of conf for its owner alone.
pub fn secret_file(segment: &Segment, path: &str, secret: &str) {
    use std::os::unix::fs::PermissionsExt;
    let path = segment.conf_dir().join(path);
    fs::write(&path, format!("{secret}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}
