//! A router solicitation is answered at once with an advertisement that there is no router to wait for.

use crate::support::{Host, Program, Segment, can_run, wait_for};
use pxelator::event::{Event, Fact, Service};
use std::net::Ipv6Addr;

const MAC: &str = "52:54:00:77:00:60";

/// The host, once the kernel lets it use its link-local address.
fn host(segment: &Segment, name: &str, mac: &str) -> (Host, Ipv6Addr) {
    let host = segment.host(name, mac);
    // The kernel's own solicitations are not to be mixed up with those of the test.
    host.sh("sysctl -qw net.ipv6.conf.eth0.accept_ra=0");
    let address = wait_for("a link-local address", crate::support::SOON, || {
        let shown = String::from_utf8(host.sh("ip -6 -o addr show dev eth0 scope link -tentative").stdout).unwrap();
        let address = shown.split_whitespace().skip_while(|word| *word != "inet6").nth(1)?;
        address.split('/').next()?.parse().ok()
    });
    (host, address)
}

fn answered(event: &Event, to: Ipv6Addr) -> bool {
    matches!(event.fact, Fact::RadvAnswered { source } if source == to)
}

#[test]
fn there_is_no_router_to_wait_for() {
    if !can_run(&["rdisc6"]) {
        return;
    }
    let segment = Segment::new("radv");
    segment.machine(60, MAC, "web1");
    let program = Program::start(&segment);
    let (host, address) = host(&segment, "web1", MAC);
    let mark = program.mark();
    let out = host.sh("rdisc6 -r 5 -w 3000 -1 eth0");
    let words = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
    for (what, value) in [
        ("Stateful address conf.", "No"),
        ("Stateful other conf.", "No"),
        ("Router lifetime", "0 (0x00000000) seconds"),
        ("Hop limit", "64"),
    ] {
        let line = words.lines().find(|line| line.trim_start().starts_with(what));
        assert!(line.is_some_and(|line| line.contains(value)), "{what} is not {value}: {words}");
    }
    assert!(!words.contains("Prefix"), "{words}");
    assert!(words.contains("Source link-layer address") && words.contains("from fe80::"), "{words}");
    let event = program.wait_since(mark, "the answer is told", |event| answered(event, address));
    assert_eq!(event.mac.map(|mac| mac.to_string()).as_deref(), Some(MAC));
}

#[test]
fn off_says_nothing_and_on_speaks_again() {
    if !can_run(&["rdisc6"]) {
        return;
    }
    let segment = Segment::new("radvoff");
    segment.conf("10.77.0.1/radv", "off");
    let program = Program::start(&segment);
    let (host, address) = host(&segment, "web1", MAC);
    let out = host.sh("rdisc6 -r 1 -w 1000 -1 eth0");
    let words = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(!out.status.success() && !words.contains("Router lifetime"), "{words}");
    assert!(!program.events().iter().any(|event| matches!(event.fact, Fact::RadvAnswered { .. })));

    let mark = program.mark();
    segment.conf("10.77.0.1/radv", "on");
    program.wait_since(mark, "conf is read", |event| matches!(event.fact, Fact::ConfLoaded { .. }));
    assert!(host.sh("rdisc6 -r 5 -w 3000 -1 eth0").status.success());
    program.wait_since(mark, "it is answered", |event| answered(event, address));
}

#[test]
fn a_solicitation_that_was_forwarded_is_named_and_not_answered() {
    if !can_run(&["rdisc6"]) {
        return;
    }
    let segment = Segment::new("radvhop");
    let program = Program::start(&segment);
    let (host, address) = host(&segment, "web1", MAC);
    // A hop limit of 64 shows that it could have come from beyond the link (RFC 4861, section 6.1.1).
    let socket = host.inside(|| {
        let socket =
            socket2::Socket::new(socket2::Domain::IPV6, socket2::Type::RAW, Some(socket2::Protocol::ICMPV6)).unwrap();
        socket.bind_device(Some(b"eth0")).unwrap();
        socket.set_multicast_hops_v6(64).unwrap();
        socket
    });
    let to = std::net::SocketAddrV6::new("ff02::2".parse().unwrap(), 0, 0, 0);
    socket.send_to(&[133, 0, 0, 0, 0, 0, 0, 0], &to.into()).unwrap();
    program.wait("it is named", |event| {
        matches!(&event.fact, Fact::PacketRejected { service: Service::Radv, source, error, .. }
            if *source == address && error.contains("hop limit 64"))
    });
    assert!(!program.events().iter().any(|event| matches!(event.fact, Fact::RadvAnswered { .. })));
}
