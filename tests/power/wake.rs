//! Power by packets: what wake-on-LAN sends, and to whom.

use crate::support::{Program, Segment, can_run, hear, run};
use pxelator::event::{Action, Fact};

#[test]
fn a_magic_packet_reaches_the_segment() {
    if !can_run(&[]) {
        return;
    }
    let segment = Segment::new("wol");
    segment.machine(60, "52:54:00:00:00:60", "web1");
    segment.conf("10.77.0.1/10.77.0.60/power", "wol");
    let host = segment.host("sleeper", "52:54:00:00:00:60");
    host.address("10.77.0.60");
    let ears = host.udp(9);
    let program = Program::launch(&segment, &["--power-on", "web1"]);
    let mut packet = [0; 200];
    let (length, from) = hear(&ears, &mut packet).unwrap();
    assert_eq!((length, from.ip().to_string().as_str()), (102, "10.77.0.1"));
    assert_eq!(packet[..6], [0xff; 6]);
    assert!(packet[6..102].chunks(6).all(|mac| mac == [0x52, 0x54, 0, 0, 0, 0x60]));
    program.wait(
        "it is accepted",
        |event| matches!(&event.fact, Fact::PowerAccepted { action: Action::On, method, .. } if method == "wol"),
    );
}

#[test]
fn a_directed_broadcast_goes_by_a_router() {
    if !can_run(&["sysctl"]) {
        return;
    }
    let segment = Segment::new("wol-far");
    segment.machine(60, "52:54:00:00:00:60", "web1");
    segment.conf("10.77.0.1/10.77.0.60/power", "wol 10.88.0.255");
    let (router, far) = (segment.host("router", "52:54:00:00:00:02"), segment.host("far", "52:54:00:00:00:61"));
    router.address("10.77.0.2");
    let link = format!("ip link add eth1 type veth peer name eth1 netns {}", far.namespace());
    // RFC 2644: a router lets directed broadcasts through where it is told to.
    for line in [&link, "ip addr add 10.88.0.1/24 dev eth1", "ip link set eth1 up", "sysctl -w net.ipv4.ip_forward=1"]
        .into_iter()
        .chain(["sysctl -w net.ipv4.conf.all.bc_forwarding=1 net.ipv4.conf.eth0.bc_forwarding=1"])
    {
        assert!(router.sh(line).status.success(), "{line}");
    }
    for line in ["ip link set eth0 down", "ip addr add 10.88.0.60/24 dev eth1", "ip link set eth1 up"] {
        assert!(far.sh(line).status.success(), "{line}");
    }
    run(segment.command("ip").args("route add 10.88.0.0/24 via 10.77.0.2".split(' ')));
    let ears = far.udp(9);
    let program = Program::launch(&segment, &["--power-on", "web1"]);
    let mut packet = [0; 200];
    let (length, from) = hear(&ears, &mut packet).unwrap();
    assert_eq!((length, from.ip().to_string().as_str()), (102, "10.77.0.1"));
    assert!(packet[6..102].chunks(6).all(|mac| mac == [0x52, 0x54, 0, 0, 0, 0x60]));
    program.wait("it is accepted", |event| matches!(event.fact, Fact::PowerAccepted { .. }));
}
