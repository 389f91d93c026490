//! What web servers answer that is no yes: another place, not now, a certificate that nobody trusts.

use crate::{
    deliveries::{log, rule, secret_file},
    orders::{alerts, said},
    receivers::{Identity, Web},
    support::{Program, SOON, Segment, can_run, wait_for},
};
use pxelator::event::{Event, Fact};
use std::fs;

#[test]
fn who_wants_to_be_left_alone_is() {
    if !can_run(&["logger"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("al-later");
    let web = Web::start(&segment);
    segment.conf("10.77.0.1/receivers/chat", &format!("webhook json http://127.0.0.1:{}/{{secret}}", Web::PORT));
    secret_file(&segment, "10.77.0.1/receivers/chat.secret", "hush");
    rule(&segment, "fan", "");
    rule(&segment, "psu", "");
    let program = Program::start(&segment);

    // Where it is now, the alert and its secret do not go by themselves.
    web.answers("308\nLocation: http://127.0.0.1:8099/new/hush");
    let tried = alerts(&segment, &["try", "chat"]);
    let words = "127.0.0.1:8099 answered 308: it is at http://127.0.0.1:8099/new/…; write the URL that it names";
    assert!(tried.status.code() == Some(1) && said(&tried).contains(words), "{}", said(&tried));

    web.answers("429\nRetry-After: 4");
    log(&host, "fan broken");
    let answered = |status: &str| {
        let is = |event: &Event| matches!(&event.fact, Fact::AlertUndelivered { error, .. } if error.contains(status));
        let Fact::AlertUndelivered { error, next_step, retry, .. } = program.wait(status, is).fact else { panic!() };
        (error, next_step, retry)
    };
    let (error, next_step, retry) = answered("answered 429");
    assert_eq!((error.as_str(), retry), ("127.0.0.1:8099 answered 429: no room", Some(4_000)));
    assert!(next_step.starts_with("wait; "), "{next_step}");
    // It says nothing of when: as after any second try.
    web.answers("503");
    let (_, next_step, retry) = answered("answered 503");
    assert_eq!((next_step.as_str(), retry), ("see what 127.0.0.1:8099 logs", Some(5_000)));
    web.answers("");
    log(&host, "psu broken");
    web.wait(2, 2 * SOON);
    let mut told = web.alerts();
    told.sort();
    assert_eq!(told, ["firing fan web1", "firing psu web1"]);
    assert!(web.told().iter().all(|told| told["path"] == "/hush"), "{:?}", web.told());
    let journal = fs::read(segment.journal()).unwrap();
    assert!(!journal.windows(4).any(|part| part == b"hush"), "a secret is in the journal");
}

#[test]
fn a_certificate_that_nobody_trusts() {
    if !can_run(&["openssl"]) {
        return;
    }
    let (segment, _host) = Segment::with_web1("al-https");
    let (own, other) = (Identity::make(&segment, "own"), Identity::make(&segment, "other"));
    let web = Web::start_as(&segment, Some(&own));
    segment.conf("10.77.0.1/receivers/chat", &format!("webhook json https://127.0.0.1:{}/hook", Web::PORT));
    segment.conf("10.77.0.1/receivers/script", "command true");
    let trusted = segment.folder.path().join("trusted");
    let mut command = segment.command(env!("CARGO_BIN_EXE_pxelator"));
    command.current_dir(segment.folder.path()).args(["run", "--headless", "--json"]);
    command.env("SSL_CERT_FILE", &trusted).env("SSL_CERT_DIR", segment.folder.path().join("none"));
    let program = Program::spawn(command).until_it_listens();
    let tried = |receiver: &str| {
        let tried = alerts(&segment, &["try", receiver]);
        (tried.status.code(), said(&tried))
    };

    // A host that trusts nobody still tells in other ways.
    let (code, words) = tried("chat");
    assert!(code == Some(1) && words.contains("install ca-certificates"), "{words}");
    assert_eq!(tried("script").0, Some(0));
    fs::copy(&other.authority, &trusted).unwrap();
    let (code, words) = tried("chat");
    assert!(code == Some(1) && words.contains("the certificate of 127.0.0.1:8099 is not trusted: "), "{words}");
    assert!(words.contains("UnknownIssuer") && words.contains("update-ca-certificates"), "{words}");
    assert!(web.told().is_empty(), "{:?}", web.told());
    // What the operator does about it takes effect while the program runs.
    fs::copy(&own.authority, &trusted).unwrap();
    assert_eq!(tried("chat"), (Some(0), "chat was told by webhook\n".to_owned()));
    assert_eq!(web.alerts(), ["test test -"]);
    let undelivered = |event: &&Event| matches!(event.fact, Fact::AlertUndelivered { .. });
    wait_for("both in the audit", SOON, || (program.events().iter().filter(undelivered).count() == 2).then_some(()));
}
