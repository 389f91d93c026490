//! The console of lines: what it answers.

use super::story::{SERVER, Story};
use crate::event::Asker;
use crate::{
    command::Command,
    console::{lock, plain::talk::Talk, update::Effect},
    event::*,
};
use std::net::Ipv4Addr;
use std::time::Duration;

fn says(story: &Story, talk: &mut Talk, line: &str) -> (Vec<String>, Effect) {
    talk.line(story.world(), line)
}

#[test]
fn everything_can_be_asked() {
    let story = Story::of_three();
    let mut talk = Talk::new(None, false);
    let mut all = String::new();
    for order in [
        "machines",
        "machines uefi",
        "machine bios1",
        "machine uefi1",
        "machine broken1",
        "machine 52:54:00:77:00:63",
        "leases",
        "syslog",
        "syslog severity<=err",
        "audit kind=boot.*",
        "troubles",
        "servers",
        "segments",
        "replicas",
        "fleet",
        "help",
        "zoom",
        "power",
        "hepl",
        "filter kind=dhcp.*",
        "filter x=",
        "quiet",
        "follow",
        "at",
        "",
        "theme dark",
    ] {
        let (lines, _) = says(&story, &mut talk, order);
        all.push_str(&format!("> {order}\n{}\n", lines.join("\n")));
    }
    assert!(all.chars().all(|c| !('\u{2500}'..='\u{259f}').contains(&c) && c != '\u{1b}'), "{all}");
    insta::assert_snapshot!("plain", all);
}

#[test]
fn what_destroys_is_asked_for_in_a_line() {
    let story = Story::of_three();
    let off = || {
        let (segment, machine) = (SERVER, Ipv4Addr::new(10, 77, 0, 60));
        Effect::Send(Command::Power {
            machines: vec![(segment, machine)],
            action: Action::Off,
            stagger: Duration::ZERO,
            by: Asker::Operator,
        })
    };
    let mut talk = Talk::new(None, false);
    for (line, words, effect) in [
        ("power off bios1", "bios1: It runs. Switch it off? Its system is asked", Effect::None),
        ("n", "left as it is", Effect::None),
        ("power off bios1", "y does it", Effect::None),
        ("y", "asked for", off()),
        ("quit", "2 boots are under way", Effect::None),
        ("no", "left as it is", Effect::None),
        ("quit", "y quits", Effect::None),
        ("yes", "", Effect::Send(Command::Quit)),
    ] {
        let (lines, came) = says(&story, &mut talk, line);
        assert!(lines.join("\n").contains(words) && came == effect, "{line}: {lines:?} {came:?}");
    }
    let mut locked = Talk::new(None, true);
    for line in ["power on uefi1", "power off bios1", "y", "serial bios1"] {
        let (lines, came) = says(&story, &mut locked, line);
        assert_eq!(came, Effect::None, "{line}");
        assert!(line == "y" || lines == [lock::REFUSED], "{line}: {lines:?}");
    }
}

#[test]
fn events_come_as_lines_unless_they_are_not_wanted() {
    let mut story = Story::of_three();
    let mut talk = Talk::new(None, false);
    let (severity, tag) = (Severity::Err, Some("sshd".to_owned()));
    let text = "no host key".to_owned();
    let fact = Fact::SyslogReceived { severity, facility: None, tag, host: None, sent: None, text };
    story.tell(0, Some(60), fact);
    let event = story.state.segments[&SERVER].syslog.back().unwrap().clone();
    let told = talk.event(story.world(), &event);
    assert_eq!(told.as_deref(), Some("09:20:23 bios1 err syslog.received: sshd: no host key"));
    says(&story, &mut talk, "filter severity>=info");
    assert_eq!(talk.event(story.world(), &event), None);
    says(&story, &mut talk, "filter");
    assert!(talk.event(story.world(), &event).is_some());
    says(&story, &mut talk, "quiet");
    assert_eq!(talk.event(story.world(), &event), None);
    says(&story, &mut talk, "follow");
    let transfer = Transfer { id: 1, file: "x".into(), role: Role::Kernel, size: None, bytes: 1, millis: 1 };
    let progress = Event::new(Some(SERVER), Fact::HttpProgressed { transfer });
    assert_eq!(talk.event(story.world(), &progress), None);
}
