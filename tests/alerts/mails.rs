//! Mails by TLS and with a login: what arrives, what is refused, and what is never said in the clear.

use crate::{
    deliveries::{log, rule, secret_file},
    orders::{alerts, said},
    receivers::{Identity, Post},
    support::{Program, SOON, Segment, can_run, wait_for},
};
use pxelator::event::{Event, Fact};
use std::fs;

const LOGIN: &str = "pxe:hush:word";
/// As SASL's PLAIN says it (RFC 4616).
const SAID: &str = "AHB4ZQBodXNoOndvcmQ=";

#[test]
fn mails_by_tls_with_a_login() {
    if !can_run(&["aiosmtpd", "logger", "openssl"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("al-smtps");
    let (own, other) = (Identity::make(&segment, "own"), Identity::make(&segment, "other"));
    let tls = Post::start(&segment, "tls", 2465, &own);
    let starttls = Post::start(&segment, "starttls", 2587, &own);
    let stranger = Post::start(&segment, "starttls", 2588, &other);
    let plain = Post::start(&segment, "plain", 2525, &own);
    let receiver = |name: &str, server: &str, login: &str| {
        let to = if matches!(name, "later" | "never") { name } else { "ann" };
        let lines = format!("email {server} {to}@example.net\nfrom pxe@example.net");
        segment.conf(&format!("10.77.0.1/receivers/{name}"), &lines);
        secret_file(&segment, &format!("10.77.0.1/receivers/{name}.secret"), login);
    };
    receiver("tls", "smtps://127.0.0.1:2465", LOGIN);
    receiver("starttls", "smtp+starttls://127.0.0.1:2587", LOGIN);
    receiver("wrong", "smtps://127.0.0.1:2465", "pxe:hush:wort");
    receiver("nobody", "smtps://127.0.0.1:2465", LOGIN);
    fs::remove_file(segment.conf_dir().join("10.77.0.1/receivers/nobody.secret")).unwrap();
    receiver("stranger", "smtp+starttls://127.0.0.1:2588", LOGIN);
    receiver("stripped", "smtp+starttls://127.0.0.1:2525", LOGIN);
    receiver("here", "smtp://127.0.0.1:2525", LOGIN);
    receiver("later", "smtps://127.0.0.1:2465", LOGIN);
    receiver("never", "smtps://127.0.0.1:2465", LOGIN);
    receiver("elsewhere", "smtp://10.77.0.1:2525", LOGIN);
    rule(&segment, "fan", "to tls starttls");
    let mut command = segment.command(env!("CARGO_BIN_EXE_pxelator"));
    command.current_dir(segment.folder.path()).args(["run", "--headless", "--json"]);
    command.env("SSL_CERT_FILE", &own.authority).env("SSL_CERT_DIR", segment.folder.path().join("none"));
    let program = Program::spawn(command).until_it_listens();

    log(&host, "fan broken");
    wait_for("both mails", SOON, || ((tls.mails(), starttls.mails()) == (1, 1)).then_some(()));
    assert_eq!(tls.heard(), ["EHLO", "AUTH", "MAIL"]);
    assert_eq!(starttls.heard(), ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL"]);

    let refused = |name: &str, words: &[&str]| {
        let tried = alerts(&segment, &["try", name]);
        assert_eq!(tried.status.code(), Some(1), "{}", said(&tried));
        words.iter().for_each(|word| assert!(said(&tried).contains(word), "{name}: {word}: {}", said(&tried)));
    };
    refused("wrong", &["does not take the mail", "535", "… is wrong", "write user:password into NAME.secret"]);
    refused("nobody", &["530", "write user:password into NAME.secret"]);
    refused("later", &["451", "greylisted", "wait; "]);
    refused("never", &["550", "no such user", "see the addresses of this receiver"]);
    refused(
        "stranger",
        &[
            "the certificate of smtp+starttls://127.0.0.1:2588 is not trusted: ",
            "UnknownIssuer",
            "update-ca-certificates",
        ],
    );
    assert_eq!(stranger.heard(), ["EHLO", "STARTTLS"], "whom nobody trusts is told nothing");
    refused("stripped", &["STARTTLS is not supported", "see what smtp+starttls://127.0.0.1:2525 offers"]);
    assert_eq!(plain.heard(), ["EHLO"], "without STARTTLS neither login nor mail");
    assert_eq!((tls.mails(), starttls.mails(), stranger.mails(), plain.mails()), (1, 1, 0, 0));

    // In the clear a login goes to this host alone. Where it would leave it, conf says so.
    let tried = alerts(&segment, &["try", "here"]);
    assert_eq!(said(&tried), "here was told by email\n");
    assert_eq!((plain.heard(), plain.mails()), (["EHLO", "EHLO", "AUTH", "MAIL"].map(str::to_owned).to_vec(), 1));
    let rejected = program.wait("that conf is wrong", |event: &Event| matches!(event.fact, Fact::ConfRejected { .. }));
    let words = rejected.fact.to_string();
    assert!(words.contains("receivers/elsewhere") && words.contains("smtps:// or smtp+starttls://"), "{words}");

    drop(program);
    let journal = fs::read(segment.journal()).unwrap();
    for secret in ["hush", "wort", SAID] {
        assert!(!journal.windows(secret.len()).any(|part| part == secret.as_bytes()), "{secret} is in the journal");
    }
}
