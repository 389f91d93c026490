use super::*;
use std::str::FromStr;

const TOKEN: &str = "0123456789abcdef";

fn named(text: &str) -> Option<Result<Asked, Said>> {
    parse(&Name::from_str(text).unwrap(), "test.lan")
}

#[test]
fn names_that_are_commands() {
    let token = TOKEN.parse().ok();
    let asked = |verb: &str, argument: &str| {
        let (verb, argument) = (verb.to_owned(), argument.to_owned());
        Some(Ok(Asked { verb, argument, token }))
    };
    for (name, expected) in [
        ("done.0123456789abcdef.do.test.lan.", asked("done", "")),
        ("DONE.0123456789ABCDEF.Do.Test.Lan.", asked("done", "")),
        ("stage.partman.0123456789abcdef.do.test.lan.", asked("stage", "partman")),
        ("log.a.b_c.d-1.0123456789abcdef.do.test.lan.", asked("log", "a.b_c.d-1")),
        ("done.do.test.lan.", Some(Err(Said::Argument))),
        ("do.test.lan.", None),
        ("web1.test.lan.", None),
        ("test.lan.", None),
        (".", None),
        ("done.0123456789abcdef.do.other.lan.", None),
        ("done.0123456789abcdef.do.", None),
        // A resolver that appends its search domain.
        ("done.0123456789abcdef.do.test.lan.test.lan.", None),
    ] {
        assert_eq!(named(name), expected, "{name}");
    }
    for argument in [&b"a b"[..], b"a\0", b"a.b", b"a/b", "\u{e4}".as_bytes(), b"$(x)"] {
        let labels = [b"log", argument, TOKEN.as_bytes(), b"do", b"test", b"lan"];
        let name = Name::from_labels(labels).unwrap();
        assert_eq!(parse(&name, "test.lan"), Some(Err(Said::Argument)), "{name}");
    }
    let forged = named("done.nonsense.do.test.lan.").unwrap().unwrap();
    assert_eq!((forged.verb.as_str(), forged.token), ("done", None));
}

#[test]
fn what_is_done() {
    let lists = [Evidence::Dns("installed".into()), Evidence::Dns("stage.finished".into())];
    let (debian, of_arming) = (Some(("debian", &lists[..])), true);
    let calm =
        Here { before: None, in_pace: true, armed: None, of_arming: false, boots: Some("kiosk"), has_script: false };
    let armed = Here { armed: debian, of_arming, boots: Some("debian"), ..calm };
    let other = Here { of_arming: false, ..armed };
    let said = Spoken {
        boot: None,
        verb: "done".into(),
        argument: String::new(),
        at: Timestamp::UNIX_EPOCH,
        script: false,
        ran: None,
    };
    let again = Here { before: Some(&said), in_pace: false, ..armed };
    let script = Here { has_script: true, ..calm };
    for (name, here, expected) in [
        ("done", armed, Ok(Deed::Disarm)),
        ("done", calm, Ok(Deed::Tell)),
        ("done", other, Err(Said::OtherBoot)),
        ("done.now", armed, Err(Said::Argument)),
        ("done", again, Ok(Deed::Again)),
        ("done", Here { in_pace: false, ..armed }, Err(Said::TooOften)),
        ("local", armed, Ok(Deed::Local)),
        ("local", calm, Ok(Deed::Local)),
        ("local", other, Err(Said::OtherBoot)),
        ("local", Here { boots: Some("local"), ..calm }, Ok(Deed::Tell)),
        ("stage.partman", armed, Ok(Deed::Tell)),
        ("stage.finished", armed, Ok(Deed::Disarm)),
        ("stage.finished", calm, Ok(Deed::Tell)),
        ("stage.finished", other, Err(Said::OtherBoot)),
        ("stage", armed, Err(Said::Argument)),
        ("log.disk-is-sda", calm, Ok(Deed::Tell)),
        ("log", calm, Err(Said::Argument)),
        ("ask.armed", armed, Ok(Deed::Answer(true))),
        ("ask.armed", calm, Ok(Deed::Answer(false))),
        ("ask.profile-kiosk", calm, Ok(Deed::Answer(true))),
        ("ask.profile-debian", calm, Ok(Deed::Answer(false))),
        ("ask.weather", calm, Err(Said::Argument)),
        ("installed", armed, Ok(Deed::Disarm)),
        ("installed", calm, Err(Said::Unknown)),
        ("notify", script, Ok(Deed::Run)),
        ("notify", calm, Err(Said::Unknown)),
        // A script of conf takes no name that is built in.
        ("done", script, Ok(Deed::Tell)),
    ] {
        let asked = named(&format!("{name}.{TOKEN}.do.test.lan.")).unwrap().unwrap();
        assert_eq!(decide(&asked, here), expected, "{name}");
    }
}

#[test]
fn what_answers() {
    use Said::*;
    let all = [Done, Already, Unknown, Stranger, TooOften, Failed, Argument, Unwritten, OtherBoot, No];
    let addresses: std::collections::BTreeSet<Ipv4Addr> = all.iter().map(|said| said.address()).collect();
    assert_eq!(addresses.len(), all.len());
    for said in all {
        assert_eq!(said.is_well(), matches!(said, Done | Already), "{said:?}");
        assert!(said.is_well() || said.address().octets()[0] == 240, "{said:?}");
    }
}

#[test]
fn the_pace() {
    let at = |millis: i64| Timestamp::from_millisecond(1_000_000 + millis).unwrap();
    let mut pace = Pace::default();
    assert!((0..10).all(|second| pace.takes(at(second))));
    assert!(!pace.takes(at(10)) && pace.is_news());
    assert!(!pace.takes(at(9_999)) && !pace.is_news(), "a flood is told once");
    assert!(pace.takes(at(10_000)) && !pace.takes(at(10_000)));
    assert!(pace.is_news(), "and the next once more");
    assert!(!pace.is_idle(at(19_999)) && pace.is_idle(at(20_000)));
    // The clock was set back.
    assert!(pace.takes(at(20_000)) && pace.takes(at(0)));
}
