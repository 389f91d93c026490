//! An edit of the conf tree takes effect at once, in every server; one that makes no sense is named and changes nothing.

use crate::support::{Host, Program, SOON, Segment, Station, can_run, kind, server, wait_for};
use dhcproto::v4::{DhcpOption, MessageType, OptionCode};
use pxelator::event::{Event, Fact};
use std::{fs, net::Ipv4Addr};

const MAC: &str = "52:54:00:77:00:60";
const GUEST: &str = "52:54:00:77:00:99";

fn ip(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 77, 0, last)
}

fn segment(name: &str) -> Segment {
    let segment = Segment::new(name);
    segment.machine(60, MAC, "web1");
    segment.conf("10.77.0.1/boot", "live");
    segment.conf("boot/live/kernel", "live/vmlinuz");
    segment.conf("boot/rescue/kernel", "rescue/vmlinuz");
    segment
}

fn prints(host: &Host, line: &str) -> String {
    String::from_utf8_lossy(&host.sh(line).stdout).trim().to_owned()
}

/// Edits a value, and waits until `now` says what is `expected`.
fn takes_effect(segment: &Segment, path: &str, value: &str, expected: &str, now: impl Fn() -> String) {
    assert_ne!(now(), expected, "{path}: as it will be, before it is edited");
    segment.conf(path, value);
    wait_for(&format!("{path} = {value} takes effect"), SOON, || (now() == expected).then_some(()));
}

#[test]
fn each_server_follows_an_edit_without_a_new_start() {
    if !can_run(&["curl", "dig"]) {
        return;
    }
    let segment = segment("live");
    let program = Program::start(&segment);
    let host = segment.host("web1", MAC);
    let mut station = Station::on(&host, MAC);
    host.address("10.77.0.60");
    let kernel = || prints(&host, "curl -sS http://10.77.0.1/boot.ipxe | grep '^kernel'");
    let machine = |file: &str| format!("10.77.0.1/10.77.0.60/{file}");
    takes_effect(
        &segment,
        &machine("boot"),
        "rescue",
        "kernel http://10.77.0.1/rescue/vmlinuz  || goto failed",
        kernel,
    );
    takes_effect(
        &segment,
        "boot/rescue/append",
        "quiet",
        "kernel http://10.77.0.1/rescue/vmlinuz quiet || goto failed",
        kernel,
    );
    let address = |name: &str| prints(&host, &format!("dig +short +time=5 @10.77.0.1 {name} A"));
    takes_effect(&segment, &machine("hostname"), "web9", "10.77.0.60", || address("web9.test.lan"));
    assert_eq!(address("web1.test.lan"), "");
    takes_effect(&segment, "10.77.0.1/domain", "new.lan", "10.77.0.60", || address("web9.new.lan"));

    let station = std::cell::RefCell::new(&mut station);
    let offered = |code: OptionCode| {
        let mut station = station.borrow_mut();
        let discover = station.message(MessageType::Discover, vec![]);
        format!("{:?}", station.ask(&discover).message.opts().get(code))
    };
    takes_effect(&segment, "10.77.0.1/lease", "2h", "Some(AddressLeaseTime(7200))", || {
        offered(OptionCode::AddressLeaseTime)
    });
    takes_effect(&segment, "10.77.0.1/gateway", "10.77.0.9", "Some(Router([10.77.0.9]))", || {
        offered(OptionCode::Router)
    });
    assert_eq!(offered(OptionCode::Hostname), "Some(Hostname(\"web9\"))");
    assert_eq!(offered(OptionCode::DomainName), "Some(DomainName(\"new.lan\"))");
    fs::remove_file(segment.conf_dir().join("10.77.0.1/lease")).unwrap();
    wait_for("a value that is taken away gives room to the default", SOON, || {
        (offered(OptionCode::AddressLeaseTime) == "Some(AddressLeaseTime(3600))").then_some(())
    });
    for path in ["10.77.0.1/lease", "10.77.0.1/domain", "boot/rescue/append", "10.77.0.1/10.77.0.60/hostname"] {
        program.wait(path, |event| matches!(&event.fact, Fact::ConfChanged { path: p } if p == path));
    }
    let stopped = |event: &Event| matches!(event.fact, Fact::ServiceStopped { .. } | Fact::ServiceFailed { .. });
    assert!(!program.events().iter().any(stopped), "no server was started anew");
}

#[test]
fn a_new_pool_is_used_and_the_old_one_no_more() {
    if !can_run(&[]) {
        return;
    }
    let segment = segment("pool");
    segment.conf("10.77.0.1/pool", "10.77.0.100-10.77.0.110");
    let program = Program::start(&segment);
    let host = segment.host("guest", GUEST);
    let mut guest = Station::on(&host, GUEST);
    assert_eq!(guest.lease(), ip(100));
    let mark = program.mark();
    segment.conf("10.77.0.1/pool", "10.77.0.200-10.77.0.210");
    program.wait_since(
        mark,
        "the pool is told",
        |event| matches!(event.fact, Fact::ConfLoaded { pool: Some((first, _)), .. } if first == ip(200)),
    );
    let keep = guest.message(MessageType::Request, vec![DhcpOption::RequestedIpAddress(ip(100))]);
    assert_eq!(kind(&guest.ask(&keep).message), MessageType::Nak);
    assert_eq!(guest.lease(), ip(200));
    fs::remove_file(segment.conf_dir().join("10.77.0.1/pool")).unwrap();
    program.wait_since(mark, "the pool is gone", |event| matches!(event.fact, Fact::ConfLoaded { pool: None, .. }));
    let mark = program.mark();
    let discover = guest.message(MessageType::Discover, vec![]);
    guest.send(&discover);
    program.wait_since(mark, "nothing for strangers", |event| matches!(event.fact, Fact::DhcpIgnored { .. }));
    assert!(guest.rest().is_empty());
}

#[test]
fn nonsense_is_named_and_the_last_good_value_stays() {
    if !can_run(&["dig"]) {
        return;
    }
    let segment = segment("nonsense");
    segment.conf("10.77.0.1/pool", "10.77.0.100-10.77.0.110");
    segment.conf("10.77.0.1/lease", "600");
    let program = Program::start(&segment);
    let host = segment.host("guest", GUEST);
    let mut guest = Station::on(&host, GUEST);
    let good = guest.lease();
    for (path, nonsense, told, expected) in [
        ("10.77.0.1/lease", "soon", "soon", "a duration"),
        ("10.77.0.1/pool", "10.99.0.1-10.99.0.9", "10.99.0.1-10.99.0.9", "a range of 10.77.0.0/24"),
        ("10.77.0.1/10.77.0.60/mac", "52:54:00", "52:54:00", "a hardware address"),
        ("10.77.0.1/10.77.0.60/hostname", "web 1", "web 1", "a host name"),
        ("10.77.0.1/mode", "maybe", "maybe", "one of authoritative, proxy, off"),
    ] {
        let before = fs::read_to_string(segment.conf_dir().join(path)).ok();
        let mark = program.mark();
        segment.conf(path, nonsense);
        let event = program.wait_since(mark, &format!("{path} is named"), |event| {
            matches!(&event.fact, Fact::ConfRejected { path: p, value, expected: e }
                if p == path && value == told && e.starts_with(expected))
        });
        assert_eq!(event.segment, Some(ip(1)));
        assert_eq!(event.machine.is_some(), path.contains("10.77.0.60"), "{path}");

        let options = vec![server(ip(1)), DhcpOption::RequestedIpAddress(good)];
        let request = guest.message(MessageType::Request, options);
        let ack = guest.ask(&request).message;
        assert_eq!((kind(&ack), ack.yiaddr()), (MessageType::Ack, good), "{path}");
        assert_eq!(ack.opts().get(OptionCode::AddressLeaseTime), Some(&DhcpOption::AddressLeaseTime(600)), "{path}");
        host.address("10.77.0.99");
        assert_eq!(prints(&host, "dig +short @10.77.0.1 web1.test.lan A"), "10.77.0.60", "{path}");

        let mark = program.mark();
        match before {
            Some(before) => segment.conf(path, before.trim()),
            None => fs::remove_file(segment.conf_dir().join(path)).unwrap(),
        }
        program.wait_since(
            mark,
            &format!("{path} is right again"),
            |event| matches!(&event.fact, Fact::ConfMended { path: p } if p == path),
        );
    }
    let mark = program.mark();
    segment.conf("10.77.0.1/lease", "900");
    program.wait_since(mark, "a good value after a bad one", |event| matches!(event.fact, Fact::ConfLoaded { .. }));
    let discover = guest.message(MessageType::Discover, vec![]);
    let offer = guest.insist(&discover).message;
    assert_eq!(offer.opts().get(OptionCode::AddressLeaseTime), Some(&DhcpOption::AddressLeaseTime(900)));
}

#[test]
fn machines_come_and_go() {
    if !can_run(&["dig"]) {
        return;
    }
    let segment = segment("machines");
    let program = Program::start(&segment);
    let host = segment.host("guest", GUEST);
    let mut guest = Station::on(&host, GUEST);
    let ignored = |guest: &mut Station| {
        let mark = program.mark();
        let discover = guest.message(MessageType::Discover, vec![]);
        guest.send(&discover);
        program.wait_since(mark, "a stranger gets nothing", |event| {
            event.mac == Some(guest.mac) && matches!(event.fact, Fact::DhcpIgnored { .. })
        });
        assert!(guest.rest().is_empty());
    };
    let machines = |mark: usize, count: usize| {
        program.wait_since(
            mark,
            &format!("{count} machines"),
            |event| matches!(&event.fact, Fact::ConfLoaded { machines, .. } if machines.len() == count),
        );
    };
    ignored(&mut guest);
    let mark = program.mark();
    segment.machine(61, GUEST, "web2");
    machines(mark, 2);
    assert_eq!(guest.lease(), ip(61));
    host.address("10.77.0.61");
    let name = || prints(&host, "dig +short @10.77.0.1 -x 10.77.0.61");
    wait_for("its name", SOON, || (name() == "web2.test.lan.").then_some(()));

    // Moved to another address: what it had is refused, the new one is given.
    let mark = program.mark();
    let at = |last: u8| segment.conf_dir().join(format!("10.77.0.1/10.77.0.{last}"));
    fs::rename(at(61), at(62)).unwrap();
    program.wait_since(mark, "it moved", |event| {
        matches!(&event.fact, Fact::ConfLoaded { machines, .. } if machines.iter().any(|m| m.address == ip(62)))
    });
    let keep = guest.message(MessageType::Request, vec![DhcpOption::RequestedIpAddress(ip(61))]);
    assert_eq!(kind(&guest.ask(&keep).message), MessageType::Nak);
    assert_eq!(guest.lease(), ip(62));

    let mark = program.mark();
    fs::remove_dir_all(at(62)).unwrap();
    machines(mark, 1);
    ignored(&mut guest);

    // The whole tree is replaced, as a checkout elsewhere and a rename do it.
    let mark = program.mark();
    let (tree, old, new) = (segment.conf_dir(), segment.folder.path().join("old"), segment.folder.path().join("new"));
    fs::create_dir_all(new.join("10.77.0.1/10.77.0.63")).unwrap();
    fs::write(new.join("10.77.0.1/10.77.0.63/mac"), GUEST).unwrap();
    fs::rename(&tree, &old).unwrap();
    fs::rename(&new, &tree).unwrap();
    program.wait_since(mark, "the new tree", |event| {
        matches!(&event.fact, Fact::ConfLoaded { machines, .. } if machines.len() == 1 && machines[0].address == ip(63))
    });
    assert_eq!(guest.lease(), ip(63));
    let mark = program.mark();
    segment.conf("10.77.0.1/10.77.0.63/hostname", "later");
    program.wait_since(
        mark,
        "and its edits are followed",
        |event| matches!(&event.fact, Fact::ConfLoaded { machines, .. } if machines[0].hostname == "later"),
    );
}
