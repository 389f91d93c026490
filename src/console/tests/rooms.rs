//! The rooms of interfaces and packets: how they look, and what their keys change.

use super::story::{SERVER, Story, mac};
use crate::{
    console::{
        rooms::{Room, packets::Packets},
        update::Effect,
    },
    desk::{
        self, Wanted,
        capture::{Kept, Page, Row},
    },
    net::{Rate, Traffic},
    packet::{Frame, line},
};
use bytes::Bytes;
use etherparse::PacketBuilder;

/// The room of interfaces with three of them.
fn interfaces(story: &mut Story) {
    story.types("w");
    let traffic = |name: &str, address: Option<[u8; 4]>, packets, bits| Traffic {
        interface: name.to_owned(),
        addresses: address.map(Into::into).into_iter().collect(),
        received: Rate { packets, bits },
        sent: Rate { packets: packets * 2, bits: bits * 40 },
    };
    let Some(Room::Interfaces(room)) = &mut story.model.room else { panic!("no room") };
    room.rates = Ok(vec![
        traffic("br0", Some(SERVER.octets()), 1234, 987_654),
        traffic("h-web1", None, 12, 9_000),
        traffic("lo", Some([127, 0, 0, 1]), 0, 0),
    ]);
}

fn frame(payload: &[u8], from: u16, to: u16) -> Frame {
    let mut data = Vec::new();
    let builder = PacketBuilder::ethernet2(mac(61).0, mac(1).0).ipv4([10, 77, 0, 61], [10, 77, 0, 1], 64);
    builder.udp(from, to).write(&mut data, payload).unwrap();
    let time = "2026-11-24T09:20:05.123456Z".parse().unwrap();
    Frame { time, length: u32::try_from(data.len()).unwrap(), data: Bytes::from(data), comments: Vec::new() }
}

fn packets(story: &mut Story) -> &mut Packets {
    match &mut story.model.room {
        Some(Room::Packets(room)) => room,
        other => panic!("{other:?}"),
    }
}

/// What would be seen of a transfer.
fn transfer(story: &mut Story) {
    let frames = [
        frame(b"\0\x01ipxe.efi\0octet\0tsize\x000\0blksize\x001468\0", 2070, 69),
        frame(b"\0\x05\0\x01no such file\0", 40000, 2070),
    ];
    let mut rows: Vec<Row> = frames.iter().map(|frame| Row::Packet(line(frame))).collect();
    rows.insert(1, Row::Comment(frames[0].time, "tftp.requested ipxe.efi".to_owned()));
    let picked = Some(Kept::Packet(frames[0].clone(), Some("ipxe.efi".into())));
    packets(story).page =
        Page { rows, selected: Some(0), picked, count: 3, came: 50_007, dropped: 7, lost: 3, ..Page::default() };
}

#[test]
fn interfaces_of_a_machine_and_without_one() {
    let mut story = Story::of_three();
    story.types("j");
    interfaces(&mut story);
    insta::assert_snapshot!("interfaces", story.screen(80, 24));
    story.types("b");
    insta::assert_snapshot!("interfaces_of_boots_at_140x45", story.screen(140, 45));
    let mut empty = Story::begin();
    interfaces(&mut empty);
    empty.types("m");
    insta::assert_snapshot!("interfaces_without_a_machine", empty.screen(80, 24));
    insta::assert_snapshot!("help_of_interfaces", {
        empty.types("?");
        empty.screen(80, 24)
    });
}

#[test]
fn packets_and_one_of_them() {
    let mut story = Story::of_three();
    story.types("j");
    interfaces(&mut story);
    story.types("b<enter>");
    insta::assert_snapshot!("packets_before_any", story.screen(80, 24));
    transfer(&mut story);
    insta::assert_snapshot!("packets", story.screen(80, 24));
    insta::assert_snapshot!("packets_at_140x45", story.screen(140, 45));
    story.types("v");
    insta::assert_snapshot!("packet_at_140x45", story.screen(140, 45));
    story.types("<esc>?");
    insta::assert_snapshot!("help_of_packets", story.screen(80, 24));
    story.types("<esc>/tftp error");
    insta::assert_snapshot!("packets_filter", story.screen(80, 24));
    packets(&mut story).page.ended = Some("the interface br0 is gone".to_owned());
    story.types("<enter> f");
    insta::assert_snapshot!("packets_ended_and_paused", story.screen(80, 24));
}

#[test]
fn which_packets_are_opened_and_where() {
    let wanted = |machine, boot| desk::Packets::Live { interface: "br0".to_owned(), machine, boot };
    for (windows, keys, window) in [
        (true, "<enter>", Some(wanted(Some(mac(60)), false))),
        (true, "b<enter>", Some(wanted(Some(mac(60)), true))),
        (true, "a<enter>", Some(wanted(None, false))),
        (true, "ai", None),
        (false, "a<enter>", None),
    ] {
        let mut story = Story::of_three();
        story.model.windows = windows;
        interfaces(&mut story);
        let effects = story.types(keys);
        let expected: Vec<Effect> =
            window.iter().map(|packets| Effect::Desk(Wanted::Packets(packets.clone()))).collect();
        assert_eq!(effects, expected, "{windows} {keys}");
        if window.is_none() {
            assert_eq!(packets(&mut story).packets, wanted(None, false), "{keys}");
            assert_eq!(story.types("e"), [Effect::Desk(Wanted::Kept)]);
            story.types("<esc>");
            assert!(matches!(story.model.room, Some(Room::Interfaces(_))), "back where one came from");
        }
        story.types("<esc>");
        assert_eq!(story.model.room, None);
    }
    let mut story = Story::of_three();
    interfaces(&mut story);
    story.types("Gi");
    let desk::Packets::Live { interface, .. } = &packets(&mut story).packets else { panic!("no interface") };
    assert_eq!(interface, "lo");
}

#[test]
fn a_filter_is_typed_kept_and_cleared() {
    let mut story = Story::of_three();
    interfaces(&mut story);
    story.types("i/tftp q?<back>");
    assert_eq!(packets(&mut story).view.filter, "tftp q", "keys are text while it is typed");
    story.types("<enter>");
    assert_eq!(packets(&mut story).filter.before, None);
    story.types("/xyz<esc>");
    assert_eq!(packets(&mut story).view.filter, "tftp q", "as it was");
    story.types("<esc>");
    assert_eq!(packets(&mut story).view.filter, "");
    story.types(" f");
    let room = packets(&mut story);
    assert!(room.view.paused && !room.cursor.follow);
}

#[test]
fn rooms_can_be_drawn_at_every_size() {
    for keys in ["", "i", "iv", "i/x", "?"] {
        let mut story = Story::of_three();
        interfaces(&mut story);
        story.types(&keys.chars().take(1).collect::<String>());
        if keys.starts_with('i') {
            transfer(&mut story);
        }
        story.types(&keys.chars().skip(1).collect::<String>());
        for (width, height) in (1..40).map(|height| (80, height)).chain((1..130).map(|width| (width, 24))) {
            story.screen(width, height);
        }
    }
}
