//! What views say, as words; and that parts stay the same while nothing happens.

use super::{Extra, Places, Scene, Wanted, body, parts};
use crate::{
    console::tests::story::{SERVER, Story, mac},
    event::{Fact, Severity},
    filter::{Filter, Here, Names},
    page::{
        layout,
        part::{Content, difference},
        view::{Graphs, Span, View},
    },
    sample::Of,
    trend::{Line, Series},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use std::{collections::HashSet, net::Ipv4Addr};

const NOW: &str = "2026-11-24T09:21:00Z";

fn scene<'a>(story: &'a Story, extra: &'a Extra) -> Scene<'a> {
    let now = NOW.parse().unwrap();
    Scene { state: &story.state, conf: &story.conf, replicas: &story.replicas, extra, now }
}

fn wanted(typed: &str) -> Extra {
    let here = Here { now: NOW.parse().unwrap(), zone: &TimeZone::UTC, names: &Names(Vec::new()) };
    Extra::Filter(Filter::parse(typed, &here).map(|filter| Wanted { filter, ..Wanted::default() }))
}

/// A view as lines of words. A moment is told in UTC.
fn shown(story: &Story, view: &View, extra: &Extra) -> String {
    let scene = scene(story, extra);
    let parts = parts(view, scene);
    let html = body(view, &Places::new(&parts, scene.now), scene, &layout::anybody(view)).into_string();
    let mut words = String::new();
    let mut rest = html.as_str();
    while let Some((text, behind)) = rest.split_once('<') {
        words.push_str(text);
        let (tag, behind) = behind.split_once('>').unwrap();
        let moment = tag.strip_prefix("time datetime=\"").and_then(|moment| moment.strip_suffix('"'));
        if let Some(moment) = moment {
            words.push_str(moment);
            rest = behind.split_once("</time>").unwrap().1;
            continue;
        }
        // A picture has times of where the host is.
        if tag.starts_with("svg") {
            rest = behind.split_once("</svg>").unwrap().1;
            continue;
        }
        match tag {
            "/td" | "/th" | "/dt" | "/option" | "/button" | "/label" | "/summary" => words.push_str(" | "),
            "/tr" | "/li" | "/p" | "/h2" | "/h3" | "/dd" | "/form" | "/details" | "/section" | "/caption" | "/pre"
            | "/div" => {
                words.push('\n');
            }
            _ => {}
        }
        rest = behind;
    }
    let lines = words.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

fn alert(rule: &str, subject: &str, severity: Severity, text: &str) -> Fact {
    let (rule, subject, text) = (rule.to_owned(), subject.to_owned(), text.to_owned());
    Fact::AlertFired { rule, subject, severity, text }
}

#[test]
fn the_overview() {
    let mut story = Story::of_three();
    story.tell(10, Some(62), alert("boot-stalled", "", Severity::Warning, "its boot stands still"));
    insta::assert_snapshot!(shown(&story, &View::Overview, &Extra::None));
}

#[test]
fn machines() {
    let story = Story::of_three();
    insta::assert_snapshot!(shown(&story, &View::Machines(String::new()), &Extra::None));
    let found = shown(&story, &View::Machines("UEFI 10.77".to_owned()), &Extra::None);
    assert!(found.contains("1 of 4 machines") && found.contains("uefi1") && !found.contains("bios1"), "{found}");
}

#[test]
fn one_machine() {
    let mut story = Story::of_three();
    let check = "ping".to_owned();
    story.tell(10, Some(60), Fact::CheckFailed { check, said: "no answer".to_owned(), times: 2 });
    story.tell(10, Some(60), alert("down", "", Severity::Err, "it does not answer"));
    let line = Line { name: "rtt".into(), unit: "ms".into(), values: vec![Some(0.4), None, Some(1.5)] };
    let (family, from, step) = ("ping".into(), "2026-11-24T09:20:00Z".parse().unwrap(), SignedDuration::from_secs(10));
    let extra = Extra::Graphs(vec![Ok(Series { family, from, step, lines: vec![line] })]);
    insta::assert_snapshot!("up", shown(&story, &View::Machine(SERVER, mac(60)), &extra));
    insta::assert_snapshot!("under_way", shown(&story, &View::Machine(SERVER, mac(61)), &Extra::None));
    insta::assert_snapshot!("stands_still", shown(&story, &View::Machine(SERVER, mac(62)), &Extra::None));
    let gone = shown(&story, &View::Machine(SERVER, mac(1)), &Extra::None);
    assert!(gone.contains("It is gone"), "{gone}");
}

#[test]
fn events() {
    let story = Story::of_three();
    insta::assert_snapshot!(shown(&story, &View::Syslog(String::new()), &wanted("")));
    let audit = shown(&story, &View::Audit("severity<=warning".to_owned()), &wanted("severity<=warning"));
    assert!(audit.contains("boot.stalled") && !audit.contains("dhcp.offered"), "{audit}");
    let wrong = shown(&story, &View::Audit("severity<=loud".to_owned()), &wanted("severity<=loud"));
    assert!(wrong.contains('^') && !wrong.contains("boot.stalled"), "{wrong}");
}

#[test]
fn alerts() {
    let mut story = Story::of_three();
    story.tell(10, Some(60), alert("service-down", "tcp 22", Severity::Err, "port 22 is closed"));
    story.tell(10, Some(62), alert("down", "", Severity::Crit, "it does not answer"));
    let (rule, subject, by) = ("down".to_owned(), String::new(), crate::event::Asker::User("anna".to_owned()));
    story.tell(10, Some(62), Fact::AlertAcknowledged { rule, subject, by: by.clone(), note: Some("<b>".to_owned()) });
    let until = "2026-11-24T10:21:00Z".parse().unwrap();
    story.tell(10, None, Fact::AlertSilenced { rule: Some("pool".to_owned()), subject: None, until, by });
    insta::assert_snapshot!(shown(&story, &View::Alerts, &Extra::None));
}

#[test]
fn graphs_of_a_time() {
    let story = Story::of_three();
    let of = Of::Machine(SERVER, Ipv4Addr::new(10, 77, 0, 60));
    let to: Option<Timestamp> = "2026-11-23T09:21:00Z".parse().ok();
    let graphs = |to| View::Graphs(Graphs { of: Some(of), family: None, span: Span::Day, to });
    let now = shown(&story, &graphs(None), &Extra::Graphs(Vec::new()));
    assert!(now.contains("← earlier") && !now.contains("later →") && now.contains("Nothing was measured"), "{now}");
    let past = shown(&story, &graphs(to), &Extra::Graphs(vec![Err("rrdtool: it is gone".to_owned())]));
    assert!(past.contains("later →") && past.contains("now") && past.contains("rrdtool: it is gone"), "{past}");
}

/// Whatever a machine says of itself, it is words.
#[test]
fn nothing_that_is_told_becomes_markup() {
    let mut story = Story::of_three();
    let text = "<script>alert(1)</script>\"'&".to_owned();
    let tag = Some("<i>".to_owned());
    let severity = Severity::Err;
    story.tell(
        1,
        Some(60),
        Fact::SyslogReceived { severity, facility: None, tag, host: None, sent: None, text: text.clone() },
    );
    story.tell(1, Some(60), alert(&text, &text, severity, &text));
    let views = [
        (View::Overview, Extra::None),
        (View::Machine(SERVER, mac(60)), Extra::None),
        (View::Alerts, Extra::None),
        (View::Syslog(text.clone()), wanted("")),
        (View::Machines(text.clone()), Extra::None),
        (View::Changes(Some(text.clone())), Extra::Commits(Err(text))),
    ];
    for (view, extra) in views {
        let scene = scene(&story, &extra);
        let parts = parts(&view, scene);
        let html = body(&view, &Places::new(&parts, scene.now), scene, &layout::anybody(&view)).into_string();
        assert!(!html.contains("<script") && !html.contains("<i>"), "{view:?}: {html}");
        assert!(!html.contains(" style="), "{view:?}: the security policy lets no style through");
    }
}

#[test]
fn parts_tell_only_what_happened() {
    let mut story = Story::of_three();
    for (view, extra) in [
        (View::Overview, Extra::None),
        (View::Machines(String::new()), Extra::None),
        (View::Machine(SERVER, mac(61)), Extra::None),
        (View::Syslog(String::new()), wanted("")),
    ] {
        let look = |story: &Story, later: i64| {
            let scene = scene(story, &extra);
            let now = scene.now + SignedDuration::from_secs(later);
            parts(&view, Scene { now, ..scene })
        };
        let before = look(&story, 0);
        assert!(difference(&before, &look(&story, 100)).is_empty(), "{view:?}: time alone changes nothing");
        let text = format!("what {} is told", view.title());
        let (severity, tag) = (Severity::Info, Some("test".to_owned()));
        story.tell(
            1,
            Some(61),
            Fact::SyslogReceived { severity, facility: None, tag, host: None, sent: None, text: text.clone() },
        );
        let after = look(&story, 0);
        let told = serde_json::Value::Array(difference(&before, &after)).to_string();
        assert_eq!(told.contains(&text), !matches!(view, View::Overview), "{view:?}: {told}");
        assert!(told.len() < 8_000, "{view:?}: {told}");
        // Each id is there once, in all parts together.
        let mut seen = HashSet::new();
        for part in &after {
            assert!(seen.insert(part.id.to_owned()), "{}", part.id);
            if let Content::Rows(rows) = &part.content {
                assert!(rows.iter().all(|(id, row)| seen.insert(id.clone()) && row.contains(&format!("id=\"{id}\""))));
            }
        }
    }
}
