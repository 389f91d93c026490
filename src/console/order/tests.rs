//! Orders, one by one: what they mean, and what is said of those that mean nothing.

use super::*;
use crate::console::tests::story::{SERVER, Story, mac};

#[test]
fn what_words_mean() {
    let story = Story::of_three();
    let scope = Scope { state: &story.state, segment: Some(SERVER) };
    let uefi1 = mac(61);
    let show = |list, words: Option<&str>| Order::Show(list, words.map(ToOwned::to_owned));
    for (text, order) in [
        ("power on uefi1", Order::Power(vec![(SERVER, uefi1)], Action::On)),
        ("  POWER  Off 10.77.0.61 ", Order::Power(vec![(SERVER, uefi1)], Action::Off)),
        ("reset UEFI1", Order::Power(vec![(SERVER, uefi1)], Action::Reset)),
        ("power reset 52:54:00:77:00:3d", Order::Power(vec![(SERVER, uefi1)], Action::Reset)),
        ("power pxe uefi1 bios1 uefi1", Order::Power(vec![(SERVER, uefi1), (SERVER, mac(60))], Action::Pxe)),
        ("power cycle *1", Order::Power(vec![(SERVER, mac(60)), (SERVER, uefi1), (SERVER, mac(62))], Action::Cycle)),
        (
            "power setup b* uefi1",
            Order::Power(vec![(SERVER, mac(60)), (SERVER, mac(62)), (SERVER, uefi1)], Action::Setup),
        ),
        ("look all", Order::Look(vec![(SERVER, mac(60)), (SERVER, uefi1), (SERVER, mac(62))])),
        ("doctor uefi1", Order::Doctor((SERVER, uefi1))),
        ("skip uefi1", Order::Skip((SERVER, uefi1), true)),
        ("unskip uefi1", Order::Skip((SERVER, uefi1), false)),
        ("trust uefi1", Order::Trust((SERVER, uefi1))),
        ("arm uefi1 debian", Order::Arm((SERVER, uefi1), Some("debian".to_owned()), None)),
        (
            "arm uefi1 debian then kiosk",
            Order::Arm((SERVER, uefi1), Some("debian".to_owned()), Some("kiosk".to_owned())),
        ),
        ("disarm uefi1", Order::Arm((SERVER, uefi1), None, None)),
        ("power", show(List::Power, None)),
        ("page uefi1", Order::Page(SERVER, uefi1)),
        ("machine uefi1", Order::Page(SERVER, uefi1)),
        ("terminal uefi1", Order::Terminal(SERVER, uefi1, None)),
        ("ssh uefi1", Order::Terminal(SERVER, uefi1, Some(Way::Ssh))),
        ("packets uefi1", Order::Packets(SERVER, uefi1)),
        ("segment 10.77.0.1", Order::Segment(SERVER)),
        ("segment", Order::Wish(Wish::Segment)),
        ("pane audit", show(List::Audit, None)),
        ("machines", show(List::Machines, None)),
        ("audit kind=boot.*  x", show(List::Audit, Some("kind=boot.*  x"))),
        ("filter a  b", Order::Filter("a  b".to_owned())),
        ("filter", Order::Wish(Wish::Filter)),
        ("theme light", Order::Theme("light".to_owned())),
        ("go to -2h", Order::At("-2h".to_owned())),
        ("at 2026-11-24 09:30", Order::At("2026-11-24 09:30".to_owned())),
        ("now", Order::Now),
        ("next-pane", Order::Wish(Wish::NextPane)),
        ("quit", Order::Wish(Wish::Quit)),
    ] {
        assert_eq!(parse(text, scope), Ok(order), "{text}");
    }
}

#[test]
fn what_means_nothing_is_told() {
    let story = Story::of_three();
    let scope = Scope { state: &story.state, segment: Some(SERVER) };
    for (text, error) in [
        ("", "expected an order, as power on web1; help lists them"),
        ("pwoer on uefi1", "\"pwoer\" is no order: did you mean power?"),
        ("hoover", "\"hoover\" is no order"),
        ("power on", "expected machines: names, addresses or MACs, web*, or all after \"power on\""),
        ("power on db*", "no machine is called \"db*\""),
        ("doctor", "expected a machine: its name, address or MAC after \"doctor\""),
        ("arm uefi1", "expected a machine and a profile, as web1 debian or web1 debian then kiosk after \"arm\""),
        ("arm uefi1 a b", "expected a machine and a profile"),
        ("arm 52:54:00:77:00:63 debian", "52:54:00:77:00:63 is not in conf: adopt it first"),
        ("skip all", "no machine is called \"all\""),
        ("power on uefi1 now", "no machine is called \"now\""),
        ("power now", "expected nothing more after \"power\" and before \"now\""),
        ("power on uefi", "no machine is called \"uefi\": did you mean uefi1?"),
        ("power on 10.77.0.99", "no machine is called \"10.77.0.99\""),
        ("power on 52:54:00:77:00:63", "52:54:00:77:00:63 is not in conf: adopt it first"),
        ("segment 10.9.9.9", "\"10.9.9.9\" is no segment; there are 10.77.0.1"),
        ("pane kitchen", "expected machines, syslog, leases or audit after \"pane\""),
        ("at", "expected a moment: -2h, 09:30"),
        ("adopt x", "expected a machine's MAC, its address and its name from now on after \"adopt\""),
        ("now please", "expected nothing more after \"now\" and before \"please\""),
    ] {
        let told = parse(text, scope).unwrap_err().to_string();
        assert!(told.starts_with(error), "{text}: {told}");
    }
}
