//! The pool on the wire: what is in use is not offered, found by declines and by probes ahead.

use crate::support::strangers::{GUEST, KNOWN, OTHER, ignored, ip, segment, station};
use crate::support::{Program, SOON, can_run, option, run, server, wait_for};
use dhcproto::v4::{DhcpOption, MessageType};
use pxelator::event::{Event, Fact, Silence};

#[test]
fn what_a_client_finds_in_use_is_left_alone() {
    if !can_run(&[]) {
        return;
    }
    let segment = segment("decline", Some("10.77.0.100-10.77.0.102"));
    let program = Program::start(&segment);
    let ((_a, mut guest), (_b, mut other)) = (station(&segment, "guest", GUEST), station(&segment, "other", OTHER));
    let first = guest.lease();

    // Neither a stranger nor a message for another server takes an address away.
    let mark = program.mark();
    let decline = |by: u8| vec![server(ip(by)), DhcpOption::RequestedIpAddress(first)];
    let foreign = other.message(MessageType::Decline, decline(1));
    other.send(&foreign);
    ignored(&program, mark, OTHER, &Silence::UnknownLease);
    let elsewhere = guest.message(MessageType::Decline, decline(2));
    guest.send(&elsewhere);
    ignored(&program, mark, GUEST, &Silence::OtherServer { server: ip(2) });

    let own = guest.message(MessageType::Decline, decline(1));
    guest.send(&own);
    let declined = |event: &Event| matches!(event.fact, Fact::DhcpDeclined { address, .. } if address == first);
    program.wait("it is declined", declined);
    let (second, third) = (guest.lease(), other.lease());
    assert!(second != first && third != first && second != third, "{first} {second} {third}");

    // The pool is used up but for the one that is left alone.
    let (_c, mut late) = station(&segment, "late", "52:54:00:77:00:97");
    let mark = program.mark();
    let discover = late.message(MessageType::Discover, vec![]);
    late.send(&discover);
    ignored(&program, mark, "52:54:00:77:00:97", &Silence::PoolExhausted);
    assert!(late.rest().is_empty());

    // A release frees it for others, and once only is told that it ended.
    let mut release = guest.message(MessageType::Release, vec![server(ip(1))]);
    release.set_ciaddr(second);
    guest.send(&release);
    program.wait("it is released", |event| matches!(event.fact, Fact::DhcpReleased { address } if address == second));
    assert_eq!(late.lease(), second);
    assert!(!program.events().iter().any(|event| matches!(event.fact, Fact::DhcpExpired { .. })));
}

#[test]
fn who_is_silent_is_found_before_an_address_is_offered_and_reservations_wait_for_nobody() {
    if !can_run(&[]) {
        return;
    }
    let segment = segment("probe", Some("10.77.0.100-10.77.0.101"));
    let silent = segment.host("silent", OTHER);
    silent.address("10.77.0.100");
    let ((_a, mut guest), (_b, mut known)) = (station(&segment, "guest", GUEST), station(&segment, "known", KNOWN));
    let program = Program::start(&segment);
    let discover = known.message(MessageType::Discover, vec![]);
    assert_eq!(known.ask(&discover).message.yiaddr(), ip(60));
    assert!(!known.asked.contains(&ip(60)), "nobody is asked whether a reservation is free");

    assert_eq!(guest.lease(), ip(101));
    assert!(guest.asked.contains(&ip(101)), "asked before it was offered: {:?}", guest.asked);
    program.wait("the silent host is named", |event| {
        matches!(event.fact, Fact::DhcpConflicted { address, owner, .. }
            if address == ip(100) && owner.to_string() == OTHER)
    });
    let (_c, mut late) = station(&segment, "late", "52:54:00:77:00:97");
    let mark = program.mark();
    let discover = late.message(MessageType::Discover, vec![DhcpOption::RequestedIpAddress(ip(100))]);
    late.send(&discover);
    ignored(&program, mark, "52:54:00:77:00:97", &Silence::PoolExhausted);
    assert!(late.rest().is_empty(), "10.77.0.100 is not even offered to who asks for it");
}

#[test]
fn who_gave_an_address_back_is_no_stranger_to_it() {
    if !can_run(&[]) {
        return;
    }
    let segment = segment("return", Some("10.77.0.100-10.77.0.101"));
    let program = Program::start(&segment);
    let ((host, mut guest), (_b, mut other)) = (station(&segment, "guest", GUEST), station(&segment, "other", OTHER));
    assert_eq!(guest.lease(), ip(100));
    // Clients give an address back before they take it off their interface, so this one still answers for it.
    host.address("10.77.0.100");
    guest.rest();
    guest.asked.clear();
    guest.release(ip(100));
    wait_for("the address is asked for", SOON, || {
        guest.rest();
        guest.asked.contains(&ip(100)).then_some(())
    });
    assert_eq!(other.lease(), ip(101), "nobody else gets it while it is answered for");
    assert_eq!(guest.lease(), ip(100), "and its last client gets it again");
    assert!(!program.events().iter().any(|event| matches!(event.fact, Fact::DhcpConflicted { .. })));
}

#[test]
fn a_bridge_may_change_its_hardware_address() {
    if !can_run(&[]) {
        return;
    }
    let segment = segment("bridge", None);
    let program = Program::start(&segment);
    let (_host, mut known) = station(&segment, "known", KNOWN);
    let discover = known.message(MessageType::Discover, vec![]);
    assert_eq!(known.ask(&discover).sender.to_string(), "52:54:00:77:00:01");
    // As one does that has none of its own, whenever a machine is switched on or off.
    let changed = "52:54:00:00:00:07";
    run(std::process::Command::new("ip").args(["-n", &segment.name, "link", "set", "br0", "address", changed]));
    wait_for("replies have the new address", SOON, || {
        let discover = known.message(MessageType::Discover, vec![]);
        (known.ask(&discover).sender.to_string() == changed).then_some(())
    });
    // Who has an address is found out as before: the answers come to the new one.
    let silent = segment.host("silent", OTHER);
    silent.address("10.77.0.100");
    segment.conf("10.77.0.1/pool", "10.77.0.100-10.77.0.101");
    program.wait(
        "the silent host is named",
        |event| matches!(event.fact, Fact::DhcpConflicted { address, .. } if address == ip(100)),
    );
}

#[test]
fn only_addresses_of_hosts_are_offered() {
    if !can_run(&[]) {
        return;
    }
    // 10.77.0.255 is everybody's.
    let segment = segment("edge", Some("10.77.0.254-10.77.0.255"));
    let program = Program::start(&segment);
    let ((_a, mut guest), (_b, mut other)) = (station(&segment, "guest", GUEST), station(&segment, "other", OTHER));
    assert_eq!(guest.lease(), ip(254));
    let mark = program.mark();
    let discover = other.message(MessageType::Discover, vec![]);
    other.send(&discover);
    ignored(&program, mark, OTHER, &Silence::PoolExhausted);
    // The same machine as firmware, with an identifier that repeats its MAC, keeps its address.
    let id = [&[1][..], &guest.mac.0].concat();
    let as_firmware = guest.message(MessageType::Discover, vec![option(61, &id)]);
    assert_eq!(guest.ask(&as_firmware).message.yiaddr(), ip(254));
}
