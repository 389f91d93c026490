//! Choosing what a machine boots.

use super::story::{SERVER, Story};
use crate::{command::Command, conf, console::update::Effect};
use std::{fs, net::Ipv4Addr};

/// The three machines in a conf tree with some profiles.
fn story() -> Story {
    let dir = tempfile::tempdir().unwrap();
    for (path, value) in [
        ("10.77.0.1/boot", "practice"),
        ("10.77.0.1/10.77.0.60/mac", "52:54:00:77:00:3c"),
        ("10.77.0.1/10.77.0.60/hostname", "bios1"),
        ("boot/practice/kernel", "practice/vmlinuz"),
        ("boot/practice/initrd", "practice/initrd.img"),
        ("boot/practice/append", "console=ttyS0 practice=go"),
        ("boot/debian/from", "practice"),
        ("boot/debian/append", "url={{ answers }}/preseed.cfg"),
        ("boot/debian/preseed.cfg", "one\ntwo {{ machine.hostname }}\n"),
        ("boot/broken/kernel", "{{ machine.nothing }}"),
        ("boot/nocloud/user-data", "only for others to take\n"),
    ] {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, value).unwrap();
    }
    let mut story = Story::of_three();
    story.conf = conf::read(dir.path(), None).conf;
    story
}

#[test]
fn a_profile_is_chosen_with_what_it_brings() {
    let mut story = story();
    let machine = (SERVER, Ipv4Addr::new(10, 77, 0, 60));
    story.types("b");
    insta::assert_snapshot!("profiles", story.screen(80, 24));
    let screen = story.types("d").first().cloned().map_or_else(|| story.screen(80, 24), |effect| panic!("{effect:?}"));
    for words in [
        "first    undionly.kpxe",
        "append   url=http://10.77.0.1/answers/preseed.cfg",
        "answers  preseed.cfg (2 lines)",
    ] {
        assert!(screen.contains(words), "{words}: {screen}");
    }
    let assign = |profile: Option<&str>| Effect::Send(Command::Assign { machine, profile: profile.map(str::to_owned) });
    assert_eq!(story.types("<enter>"), [assign(Some("debian"))]);
    assert_eq!(story.types("bs"), [assign(None)]);
    story.types("bl");
    assert!(story.screen(80, 24).contains("then     its own disk"));
    story.types("<esc>");
    // The first one is broken.
    story.types("bb");
    assert!(story.screen(80, 24).contains("line 1, column 4: undef"), "{}", story.screen(80, 24));
}

#[test]
fn nothing_is_chosen_for_a_stranger_nor_read_only() {
    let mut story = story();
    story.types("G");
    assert_eq!(story.types("b"), []);
    assert!(story.screen(80, 24).contains("only a machine of conf is told what to boot"), "{}", story.screen(80, 24));
    story.model.read_only = true;
    story.types("gb");
    assert!(story.model.dialog.is_none());
}
