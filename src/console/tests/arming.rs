//! Machines that are armed: the orders, the page, and what is wrong.

use super::story::{SERVER, Story};
use crate::{command::Command, console::update::Effect, event::Fact, state::troubles::troubles};
use std::net::Ipv4Addr;

const UEFI1: (Ipv4Addr, Ipv4Addr) = (SERVER, Ipv4Addr::new(10, 77, 0, 61));

fn page(story: &mut Story) -> String {
    story.types(":page uefi1<enter>");
    story.screen(140, 45).to_string()
}

#[test]
fn orders() {
    let mut story = Story::of_three();
    let arm = |profile: Option<&str>, then: Option<&str>| {
        let (profile, then) = (profile.map(str::to_owned), then.map(str::to_owned));
        [Effect::Send(Command::Arm { machine: UEFI1, profile, then })]
    };
    assert_eq!(story.types(":arm uefi1 local<enter>"), arm(Some("local"), None));
    assert_eq!(story.types(":arm uefi1 local then local<enter>"), arm(Some("local"), Some("local")));
    assert_eq!(story.types(":disarm uefi1<enter>"), arm(None, None));
    assert_eq!(story.types(":arm uefi1 debian<enter>"), []);
    assert!(story.screen(140, 45).contains("there is no profile debian in conf/boot"));
    story.model.read_only = true;
    assert_eq!(story.types(":disarm uefi1<enter>"), []);
}

#[test]
fn the_page_tells_how_it_went() {
    let mut story = Story::of_three();
    let (profile, then, tries) = ("debian".to_owned(), "local".to_owned(), 1);
    let armed = Fact::BootArmed { profile: profile.clone(), then: then.clone() };
    story.tell(1_000, Some(61), armed.clone());
    let shown = page(&mut story);
    assert!(
        shown.contains("Armed  with debian since 09:20:") && shown.contains(", then local, not booted yet"),
        "{shown}"
    );
    let boot = story.state.segments[&SERVER].machines[&super::story::mac(61)].present_boot().unwrap();
    story.tell(1_000, Some(61), Fact::BootTried { profile: profile.clone(), boot, number: 1, tries });
    let (verb, argument) = ("stage".to_owned(), "partman".to_owned());
    story.tell(1_000, Some(61), Fact::DnsObeyed { verb, argument, script: false, boot: Some(boot) });
    let shown = page(&mut story);
    assert!(
        shown.contains(", then local, boot 1 of 1") && shown.contains("stage") && shown.contains("partman"),
        "{shown}"
    );
    assert!(!troubles(&story.state, &story.replicas).iter().any(|trouble| trouble.what.contains("debian")));
    story.tell(1_000, Some(61), Fact::BootSpent { profile: profile.clone(), tries });
    let shown = page(&mut story);
    assert!(
        shown.contains("it came again at 09:20:") && shown.contains("`arm uefi1 debian` gives it once more"),
        "{shown}"
    );
    let wrong = troubles(&story.state, &story.replicas);
    assert!(wrong.iter().any(|trouble| trouble.what.starts_with("uefi1 was armed with debian, had its boots")));
    story.tell(1_000, Some(61), armed);
    let evidence = "it fetched answers/finished".to_owned();
    story.tell(1_000, Some(61), Fact::BootDisarmed { profile, evidence, then });
    assert!(page(&mut story).contains("it fetched answers/finished at 09:20:"));
    story.load(&[(60, "bios1"), (61, "uefi1"), (62, "broken1")]);
    let shown = page(&mut story);
    assert!(shown.contains("Before armed with debian at 09:20:"), "{shown}");
    assert!(shown.contains("boot 1 of 1: it was armed anew at 09:20:"), "{shown}");
    assert!(!shown.contains("Armed "), "{shown}");
}
