//! Who may read, and who may act: this host, users, nobody else; and by no other name.

use crate::{
    here, page,
    support::{Program, SOON, Segment, can_run, wait_for},
    there, token,
};
use pxelator::event::Fact;

const SEGMENTS: &str = "http://10.77.0.1/api/v1/segments";
const COMMANDS: &str = "http://10.77.0.1/api/v1/commands";
const JSON: &str = "Content-Type: application/json";
const ARM: &str = r#"{"arm":{"machine":["10.77.0.1","10.77.0.60"],"profile":"local","then":null}}"#;

#[test]
fn machines_read_nothing_unless_conf_says_so() {
    if !can_run(&["curl"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("access");
    let program = Program::start(&segment);
    // As it comes: this host alone.
    for path in ["pxelator", "api/v1/segments", "api/v1/openapi.json", "metrics"] {
        let url = format!("http://10.77.0.1/{path}");
        assert_eq!(there(&host, &[&url]).status, 403, "{path}");
        let got = here(&segment, &[&url]);
        assert_eq!(got.status, 200, "{path} {got:?}");
        assert_eq!(got.field("x-content-type-options"), Some("nosniff"));
        assert!(got.field("content-security-policy").unwrap().starts_with("default-src 'none'"));
    }
    let refused = program.wait("the machine is told", |event| matches!(event.fact, Fact::PageRefused { .. }));
    assert!(refused.fact.to_string().starts_with("10.77.0.60 was refused (/pxelator)"), "{}", refused.fact);
    let got = there(&host, &[SEGMENTS]);
    assert!(got.body.contains(r#""next_step":"open it on the host itself"#), "{got:?}");
    // Names that are not ours (DNS rebinding), and what a proxy here passes on.
    for (header, status) in [
        ("Host: evil.example", 421),
        ("Host: evil.example:80", 421),
        ("Host: localhost", 200),
        ("Host: pxelator.test.lan", 200),
        ("Host: 127.0.0.1:80", 200),
        ("X-Forwarded-For: 192.0.2.1", 403),
        ("Forwarded: for=192.0.2.1", 403),
    ] {
        assert_eq!(here(&segment, &["-H", header, SEGMENTS]).status, status, "{header}");
    }
    assert_eq!(here(&segment, &["-H", JSON, "-d", ARM, COMMANDS]).status, 401, "reading is not acting");
    let mark = program.mark();
    // Boot files stay as they are.
    segment.serve("file", "content");
    assert_eq!(there(&host, &["http://10.77.0.1/file"]).body, "content");

    let robot = format!("Authorization: Bearer {}", token(&segment, &["robot"]));
    let looker = format!("Authorization: Bearer {}", token(&segment, &["--read-only", "looker"]));
    page(&segment, "read users\ntrust loopback");
    let answers = |status| move |got: crate::Got| (got.status == status).then_some(got);
    let got = wait_for("who has not logged in", SOON, || answers(401)(there(&host, &[SEGMENTS])));
    assert_eq!(got.field("www-authenticate"), Some("bearer"));
    wait_for("a token lets in", SOON, || answers(200)(there(&host, &["-H", &robot, SEGMENTS])));
    let got = there(&host, &["http://10.77.0.1/pxelator/audit?filter=x"]);
    let to = "/pxelator/login?to=%2fpxelator%2faudit%3ffilter%3dx";
    assert_eq!((got.status, got.field("location")), (303, Some(to)));
    assert_eq!(there(&host, &["-H", "Authorization: Bearer x", SEGMENTS]).status, 401);
    assert_eq!(there(&host, &["-H", &looker, SEGMENTS]).status, 200);
    assert_eq!(there(&host, &["-H", &looker, "-H", JSON, "-d", ARM, COMMANDS]).status, 403, "read-only");
    // Scripts and answer files are for who may act.
    let offer = "http://10.77.0.1/api/v1/segments/10.77.0.1/machines/10.77.0.60/profile";
    for (path, status) in
        [("http://10.77.0.1/api/v1/track", 200), ("http://10.77.0.1/api/v1/profiles", 403), (offer, 403)]
    {
        assert_eq!(there(&host, &["-H", &looker, path]).status, status, "{path}");
    }

    // Acting: as who was let in, whatever the command says.
    let got = there(&host, &["-H", &robot, "-H", JSON, "-d", ARM, COMMANDS]);
    assert_eq!((got.status, &*got.body), (202, r#"{"taken":"arm"}"#));
    let acted = program.wait_since(mark, "it is told", |event| matches!(event.fact, Fact::PageActed { .. }));
    assert_eq!(acted.fact.to_string(), "robot from 10.77.0.60: arm with local of web1");
    assert_eq!(acted.machine.map(|machine| machine.to_string()).as_deref(), Some("10.77.0.60"));
    program.wait_since(mark, "it is done", |event| matches!(event.fact, Fact::BootArmed { .. }));
    let forged = r#"{"power":{"machines":[["10.77.0.1","10.77.0.60"]],"action":"on","stagger":{"secs":0,"nanos":0},"by":"operator"}}"#;
    assert_eq!(there(&host, &["-H", &robot, "-H", JSON, "-d", forged, COMMANDS]).status, 202);
    for (sent, status) in [
        (r#""quit""#, 403),
        (r#"{"arm":{"machine":["10.77.0.1","10.77.0.99"],"profile":"local","then":null}}"#, 404),
        (r#"{"arm":{"machine":["10.77.0.1","10.77.0.60"],"profile":"../x","then":null}}"#, 404),
        (r#"{"recipe":{"machines":[],"container":null,"recipe":"../../x","manner":"apply","by":"operator"}}"#, 404),
        (r#"{"adopt":{"segment":"10.77.0.1","mac":"52:54:00:77:00:98","address":"10.77.0.60","hostname":"x"}}"#, 422),
        (r#"{"adopt":{"segment":"10.88.0.1","mac":"52:54:00:77:00:98","address":"10.88.0.9","hostname":"x"}}"#, 404),
        ("{}", 400),
        ("{", 400),
    ] {
        assert_eq!(there(&host, &["-H", &robot, "-H", JSON, "-d", sent, COMMANDS]).status, status, "{sent}");
    }
    assert_eq!(there(&host, &["-H", &robot, "-d", ARM, COMMANDS]).status, 415, "a form of another site");
    // Who is trusted here is asked by a browser too: another site's page must not act by it.
    assert_eq!(here(&segment, &["-H", JSON, "-d", ARM, COMMANDS]).status, 202);
    for other in ["Origin: http://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site"] {
        assert_eq!(here(&segment, &["-H", other, "-H", JSON, "-d", ARM, COMMANDS]).status, 403, "{other}");
    }
    let large = format!("@{}", segment.folder.path().join("large").display());
    std::fs::write(segment.folder.path().join("large"), " ".repeat(300 << 10)).unwrap();
    assert_eq!(here(&segment, &["-H", JSON, "-H", "Expect:", "--data-binary", &large, COMMANDS]).status, 413);
}

#[test]
fn a_machine_that_asks_too_much_is_told_to_wait() {
    if !can_run(&["curl"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("limit");
    let _program = Program::start(&segment);
    let output = host.sh("curl -s -o /dev/null -w '%{http_code}\\n' 'http://10.77.0.1/api/v1/segments?[1-600]'");
    let told = String::from_utf8(output.stdout).unwrap();
    let with = |status| told.lines().filter(|line| *line == status).count();
    assert!(with("403") >= 200 && with("429") > 0, "{} {}", with("403"), with("429"));
    assert_eq!(here(&segment, &[SEGMENTS]).status, 200, "others are not held up");
}
