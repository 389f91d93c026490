//! Logging in as a browser does, acting by forms, and what other sites could try.

use crate::{
    Got, curl, page, pxelator,
    support::{Host, Program, SOON, Segment, can_run, wait_for},
    there,
};
use pxelator::event::Fact;

const LOGIN: &str = "http://10.77.0.1/pxelator/login";
const ARM: &str = "http://10.77.0.1/pxelator/act/arm";
const ADOPT: &str = "http://10.77.0.1/pxelator/act/adopt";
const HTML: &str = "Accept: text/html";

/// A browser: it keeps its cookies.
fn browse(host: &Host, words: &[&str]) -> Got {
    let jar = host.folder().join("jar").display().to_string();
    curl(host.command("curl"), &[&["-b", &jar, "-c", &jar, "-H", HTML], words].concat())
}

fn cookie(host: &Host) -> String {
    let jar = std::fs::read_to_string(host.folder().join("jar")).unwrap();
    jar.lines().find(|line| line.contains("pxelator")).unwrap().split('\t').next_back().unwrap().to_owned()
}

/// What forms of the page have in them.
fn csrf(got: &Got) -> String {
    let rest = got.body.split_once(r#"name="csrf" value=""#).unwrap_or_else(|| panic!("no form: {got:?}")).1;
    rest.split_once('"').unwrap().0.to_owned()
}

#[test]
fn who_logged_in_acts_by_forms() {
    if !can_run(&["curl", "ping"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("login");
    pxelator(&segment, &["user", "add", "anna"], "correct horse battery\n");
    assert_eq!(pxelator(&segment, &["user", "list"], ""), "anna  password\n");
    let program = Program::start(&segment);
    page(&segment, "read users");
    let got = wait_for("the login", SOON, || Some(browse(&host, &[LOGIN])).filter(|got| got.status == 200));
    assert!(got.body.contains("not encrypted"), "{got:?}");
    let set = got.field("set-cookie").unwrap();
    assert!(set.contains("httponly") && set.contains("samesite=strict") && set.contains("path=/"), "{set}");
    let (before, form) = (cookie(&host), csrf(&got));
    let login = |password: &str, csrf: &str, more: &[&str]| {
        let fields =
            ["user=anna".to_owned(), format!("password={password}"), format!("csrf={csrf}"), "to=//evil".to_owned()];
        let words: Vec<&str> = fields.iter().flat_map(|field| ["--data-urlencode", field]).collect();
        browse(&host, &[&words[..], more, &[LOGIN]].concat())
    };
    assert_eq!(login("correct horse battery", "00", &[]).status, 403, "no form of ours");
    assert_eq!(login("correct horse battery", &form, &["-H", "Origin: http://evil.example"]).status, 403);
    let got = login("wrong", &form, &[]);
    assert!(got.status == 401 && got.body.contains("the name or the password is wrong"), "{got:?}");
    assert_eq!(cookie(&host), before);
    let got = login("correct horse battery", &form, &[]);
    assert_eq!((got.status, got.field("location")), (303, Some("/pxelator")), "and nobody is led away");
    assert_ne!(cookie(&host), before, "what the browser had before is no login");
    program.wait("it is told", |event| event.fact.to_string() == "anna logged in from 10.77.0.60");
    let old = format!("Cookie: pxelator={before}");
    assert_eq!(there(&host, &["-H", &old, "http://10.77.0.1/pxelator"]).status, 303);

    let got = browse(&host, &["http://10.77.0.1/pxelator"]);
    assert!(got.status == 200 && got.body.contains("anna"), "{got:?}");
    let form = csrf(&got);
    let fields = ["-d", "segment=10.77.0.1&machine=10.77.0.60&profile=local&then=local&back=/pxelator"];
    assert_eq!(browse(&host, &[&fields[..], &[ARM]].concat()).status, 403, "without the word of our forms");
    let word = format!("csrf={form}");
    let with = [&fields[..], &["-d", &word]].concat();
    assert_eq!(browse(&host, &[&with[..], &["-H", "Origin: http://10.77.0.60", ARM]].concat()).status, 403);
    assert_eq!(
        there(&host, &[&with[..], &[ARM]].concat()).status,
        303,
        "without the cookie it is nobody: to the login"
    );
    let got = browse(&host, &[&with[..], &["-H", "Origin: http://10.77.0.1", ARM]].concat());
    assert_eq!((got.status, got.field("location")), (303, Some("/pxelator")), "{got:?}");
    program.wait("it is told", |event| event.fact.to_string() == "anna from 10.77.0.60: arm with local of web1");
    program.wait("it is done", |event| matches!(event.fact, Fact::BootArmed { .. }));
    let other = ["-d", "segment=10.77.0.1&machine=10.77.0.99&profile=local", "-d", &word, ARM];
    let got = browse(&host, &other);
    assert!(got.status == 422 && got.body.contains("no machine 10.77.0.99"), "{got:?}");

    // Who was only seen is adopted on its page.
    let stranger = segment.host("stranger", "52:54:00:77:00:99");
    stranger.address("10.77.0.99");
    stranger.sh("ping -c 1 -W 5 10.77.0.1");
    program.wait("it is seen", |event| matches!(event.fact, Fact::HostSeen { .. }));
    let its_page = "http://10.77.0.1/pxelator/machines/10.77.0.1/52-54-00-77-00-99";
    wait_for("its page, with the address that it has", SOON, || {
        let body = browse(&host, &[its_page]).body;
        (body.contains("act/adopt") && body.contains(r#"name="address" value="10.77.0.99""#)).then_some(())
    });
    let fields = ["-d", "segment=10.77.0.1&mac=52:54:00:77:00:99&address=10.77.0.99&hostname=kiosk&back=/pxelator"];
    assert_eq!(browse(&host, &[&fields[..], &[ADOPT]].concat()).status, 403, "without the word of our forms");
    let with = [&fields[..], &["-d", &word, ADOPT]].concat();
    assert_eq!(browse(&host, &with).status, 303);
    program.wait("it is adopted", |event| matches!(&event.fact, Fact::ConfAdopted { hostname } if hostname == "kiosk"));
    let got = browse(&host, &with);
    assert!(got.status == 422 && got.body.contains("kiosk has it"), "{got:?}");
    assert!(!browse(&host, &[its_page]).body.contains("act/adopt"));

    assert_eq!(browse(&host, &["-d", &word, "http://10.77.0.1/pxelator/logout"]).status, 303);
    assert_eq!(browse(&host, &["http://10.77.0.1/pxelator"]).status, 303, "logged out");
    // Who is taken away is out at once.
    let got = browse(&host, &[LOGIN]);
    assert_eq!(login("correct horse battery", &csrf(&got), &[]).status, 303);
    assert_eq!(browse(&host, &["http://10.77.0.1/pxelator"]).status, 200);
    pxelator(&segment, &["user", "remove", "anna"], "");
    wait_for("anna is out", SOON, || (browse(&host, &["http://10.77.0.1/pxelator"]).status == 303).then_some(()));
}

#[test]
fn passwords_are_not_guessed() {
    if !can_run(&["curl"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("guess");
    pxelator(&segment, &["user", "add", "anna"], "correct horse battery\n");
    let program = Program::start(&segment);
    page(&segment, "read users");
    let got = wait_for("the login", SOON, || Some(browse(&host, &[LOGIN])).filter(|got| got.status == 200));
    let word = format!("csrf={}", csrf(&got));
    let guess = |user: &str| browse(&host, &["-d", &word, "-d", user, "-d", "password=x", LOGIN]);
    let mut told = Vec::new();
    while !told.contains(&429) {
        assert!(told.len() < 60, "nobody says that it is enough: {told:?}");
        told.push(guess(if told.len() % 2 == 0 { "user=anna" } else { "user=%1b%5b31mben" }).status);
    }
    assert!(told.len() > 10 && told.starts_with(&[401; 10]), "{told:?}");
    let refused = program.wait(
        "guesses are told",
        |event| matches!(&event.fact, Fact::PageRefused { wanted, .. } if wanted.starts_with("login as")),
    );
    assert!(!refused.fact.to_string().contains('\u{1b}'), "{}", refused.fact);
    let got = guess("user=anna");
    assert!(got.status == 429 && got.field("retry-after").is_some(), "{got:?}");
}
