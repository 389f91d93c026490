//! The room of alerts, what the head counts, machines' pages, and the orders in words.

use super::story::{SERVER, Story, mac};
use crate::{
    command::{AlertKey, Command},
    console::{rooms::Room, update::Effect},
    event::{Asker, Cause, Fact, Means, Severity},
};

/// One alert fires that nobody looks after, one is taken, one waits, and one is over.
fn story() -> Story {
    let mut story = Story::of_three();
    let fire = |story: &mut Story, machine, rule: &str, severity, text: &str| {
        let (rule, subject, text) = (rule.to_owned(), String::new(), text.to_owned());
        story.tell(1_000, machine, Fact::AlertFired { rule, subject, severity, text });
    };
    fire(&mut story, Some(60), "disk", Severity::Warning, "disk fails: 95 % of / is in use");
    fire(&mut story, Some(61), "down", Severity::Crit, "ping fails: no answer (3 times in a row)");
    fire(&mut story, Some(62), "boot-stalled", Severity::Err, "stands still: no kernel");
    let word = |rule: &str| (rule.to_owned(), String::new());
    let (rule, subject) = word("boot-stalled");
    let note = Some("on my way".to_owned());
    story.tell(1_000, Some(62), Fact::AlertAcknowledged { rule, subject, by: Asker::User("ann".into()), note });
    let (rule, subject) = word("server");
    let text = "dns fails".to_owned();
    story.tell(0, None, Fact::AlertPending { rule, subject, severity: Severity::Err, text });
    fire(&mut story, None, "pool", Severity::Warning, "pool fails: 2 are free");
    let (rule, subject) = word("pool");
    story.tell(60_000, None, Fact::AlertResolved { rule, subject, cause: Cause::Cleared, millis: 60_000 });
    let (rule, subject) = word("down");
    let receiver = "mail".to_owned();
    story.tell(
        0,
        Some(61),
        Fact::AlertDelivered { rule, subject, receiver, means: Means::Email, over: false, tries: 1 },
    );
    let (rule, subject) = word("down");
    let undelivered = Fact::AlertUndelivered {
        rule,
        subject,
        receiver: "chat".to_owned(),
        means: Means::Webhook,
        over: false,
        error: "chat.lan cannot be reached: refused".to_owned(),
        next_step: "see that chat.lan is there".to_owned(),
        retry: Some(5_000),
    };
    story.tell(0, Some(61), undelivered);
    story
}

fn key(last: u8, rule: &str) -> AlertKey {
    AlertKey { segment: Some(SERVER), mac: Some(mac(last)), rule: rule.to_owned(), subject: String::new() }
}

#[test]
fn what_fires_is_counted_and_listed() {
    let mut story = story();
    assert!(story.screen(80, 24).contains("2 alerts: A"));
    story.types("A");
    let shown = story.screen(80, 24).to_string();
    for part in [
        "Alerts 4 2 that nobody looks after",
        "fires",
        "uefi1",
        "taken",
        "pending",
        "over",
        "chat.lan cannot be reached",
    ] {
        assert!(shown.contains(part), "{part}:\n{shown}");
    }
    story.types("j<enter>");
    let shown = story.screen(140, 45).to_string();
    assert!(shown.contains("bios1: disk fails: 95 % of / is in use") && shown.contains("severity warning"), "{shown}");
    story.types("<esc>?");
    let shown = story.screen(80, 24).to_string();
    assert!(shown.contains("somebody looks after it") && shown.contains("not told for a while"), "{shown}");
}

#[test]
fn somebody_looks_after_it_or_has_it_silenced() {
    let mut story = story();
    story.types("A");
    let acknowledged = Command::Acknowledge { alerts: vec![key(61, "down")], note: None, by: Asker::Operator };
    assert_eq!(story.types("a"), [Effect::Send(acknowledged)], "the worst stands first");
    story.types("js");
    assert!(story.screen(80, 24).to_string().contains("2  this alert for 2 hours"));
    let until = |minutes| Some(story.model.now + jiff::SignedDuration::from_mins(minutes));
    let silence = |rule: Option<&str>, until| {
        let (segment, mac, by) = (Some(SERVER), Some(mac(60)), Asker::Operator);
        let subject = rule.map(|_| String::new());
        [Effect::Send(Command::Silence { segment, mac, rule: rule.map(str::to_owned), subject, until, by })]
    };
    let (two, day) = (silence(Some("disk"), until(120)), silence(None, until(1440)));
    assert_eq!(story.types("<enter>"), two);
    assert_eq!(story.types("s7"), day);
    assert_eq!(story.types("s<esc>"), []);
    // What is over cannot be looked after.
    assert_eq!(story.types("Ga"), []);
    assert!(story.screen(80, 24).contains("it is over already"));
    story.model.read_only = true;
    assert_eq!(story.types("ga"), []);
    assert!(matches!(story.model.room, Some(Room::Alerts(_))));
}

#[test]
fn in_words_and_on_the_page() {
    let mut story = story();
    let acknowledged = Command::Acknowledge { alerts: vec![key(61, "down")], note: None, by: Asker::Operator };
    assert_eq!(story.types(":acknowledge uefi1<enter>"), [Effect::Send(acknowledged)]);
    let until = Some(story.model.now + jiff::SignedDuration::from_mins(480));
    let silenced = |until| {
        let (segment, mac, by) = (Some(SERVER), Some(mac(61)), Asker::Operator);
        [Effect::Send(Command::Silence { segment, mac, rule: None, subject: None, until, by })]
    };
    assert_eq!(story.types(":silence uefi1 for 8h<enter>"), silenced(until));
    assert_eq!(story.types(":unsilence uefi1<enter>"), silenced(None));
    assert_eq!(story.types(":silence uefi1 soon<enter>"), []);
    story.types("<esc>");
    story.types(":page uefi1<enter>");
    let page = story.screen(140, 45).to_string();
    assert!(page.contains("fires since 1m03: down: ping fails"), "{page}");
}
