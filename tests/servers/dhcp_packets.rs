//! DHCP as frames on the wire: where replies go, relays, and silence where there is nothing to say.

use crate::support::strangers::{GUEST, KNOWN, OTHER, ignored, ip, segment, station};
use crate::support::{CLIENT, Program, SERVER, SOON, by_broadcast, can_run, kind, pxe, run, server, wait_for};
use dhcproto::{
    Decodable, Decoder, Encodable,
    v4::{DhcpOption, Message, MessageType, OptionCode},
};
use pxelator::{
    event::{Event, Fact, Silence},
    net::Mac,
};
use std::{
    net::{Ipv4Addr, SocketAddrV4, UdpSocket},
    process::Stdio,
};

#[test]
fn where_replies_go() {
    if !can_run(&[]) {
        return;
    }
    let segment = segment("replies", None);
    let program = Program::start(&segment);
    let (host, mut known) = station(&segment, "known", KNOWN);
    let server_port = SocketAddrV4::new(ip(1), SERVER);

    // No address yet, and it takes unicasts: a frame of its own, no broadcast (RFC 2131, section 4.1).
    let discover = known.message(MessageType::Discover, vec![]);
    let offer = known.ask(&discover);
    assert_eq!((offer.station, offer.from, offer.to), (known.mac, server_port, SocketAddrV4::new(ip(60), CLIENT)));
    let offered = offer.message;
    assert_eq!((kind(&offered), offered.yiaddr(), offered.ciaddr()), (MessageType::Offer, ip(60), [0, 0, 0, 0].into()));
    for (option, expected) in [
        (OptionCode::ServerIdentifier, DhcpOption::ServerIdentifier(ip(1))),
        (OptionCode::AddressLeaseTime, DhcpOption::AddressLeaseTime(3600)),
        (OptionCode::Renewal, DhcpOption::Renewal(1800)),
        (OptionCode::Rebinding, DhcpOption::Rebinding(3150)),
    ] {
        assert_eq!(offered.opts().get(option), Some(&expected));
    }

    let wish = vec![server(ip(1)), DhcpOption::RequestedIpAddress(ip(60))];
    let request = known.message(MessageType::Request, wish.clone());
    let ack = known.ask(&request);
    assert_eq!((ack.station, ack.to, kind(&ack.message)), (known.mac, offer.to, MessageType::Ack));

    // It asked for broadcasts.
    let mut deaf = known.message(MessageType::Discover, vec![]);
    by_broadcast(&mut deaf);
    let offer = known.ask(&deaf);
    assert_eq!((offer.station, offer.to), (Mac::BROADCAST, SocketAddrV4::new(Ipv4Addr::BROADCAST, CLIENT)));
    assert!(offer.message.flags().broadcast());

    // It has its address and renews: by unicast, through ARP.
    host.address("10.77.0.60");
    let mut renew = known.message(MessageType::Request, vec![]);
    renew.set_ciaddr(ip(60));
    known.send_from(SocketAddrV4::new(ip(60), CLIENT), server_port, &renew);
    let ack = known.reply(&renew);
    assert_eq!((ack.station, ack.to), (known.mac, SocketAddrV4::new(ip(60), CLIENT)));
    assert_eq!((kind(&ack.message), ack.message.ciaddr()), (MessageType::Ack, ip(60)));

    // A refusal is for all to hear, since its address is wrong.
    let wrong = known.message(MessageType::Request, vec![DhcpOption::RequestedIpAddress([192, 168, 0, 9].into())]);
    let nak = known.ask(&wrong);
    assert_eq!((nak.station, kind(&nak.message)), (Mac::BROADCAST, MessageType::Nak));
    assert_eq!((nak.message.yiaddr(), nak.message.ciaddr()), (Ipv4Addr::UNSPECIFIED, Ipv4Addr::UNSPECIFIED));

    // Parameters only: no address, no lease times.
    let mark = program.mark();
    let mut inform = known.message(MessageType::Inform, vec![]);
    inform.set_ciaddr(ip(77));
    host.sh("ip addr add 10.77.0.77/24 dev eth0");
    known.send_from(SocketAddrV4::new(ip(77), CLIENT), server_port, &inform);
    let told = known.reply(&inform);
    assert_eq!((told.to, kind(&told.message)), (SocketAddrV4::new(ip(77), CLIENT), MessageType::Ack));
    assert!(told.message.yiaddr().is_unspecified() && !told.message.opts().contains(OptionCode::AddressLeaseTime));
    assert!(told.message.opts().contains(OptionCode::SubnetMask));
    program.wait_since(
        mark,
        "it is told",
        |e| matches!(e.fact, Fact::DhcpInformed { address, .. } if address == ip(77)),
    );
    assert!(!program.since(mark).iter().any(|e| matches!(e.fact, Fact::DhcpAcknowledged { .. })));
}

#[test]
fn a_relay_gets_the_reply_and_its_option_82_as_it_was() {
    if !can_run(&[]) {
        return;
    }
    let segment = segment("relay", Some("10.77.0.100-10.77.0.110"));
    let program = Program::start(&segment);
    let (_host, mut guest) = station(&segment, "guest", GUEST);
    let relay = segment.host("relay", "52:54:00:77:00:02");
    relay.address("10.77.0.2");
    let socket = relay.inside(|| UdpSocket::bind("10.77.0.2:67").unwrap());
    socket.set_read_timeout(Some(SOON)).unwrap();
    let mut buffer = [0; 2048];
    let through = |message: &mut Message, info: &[u8], giaddr: Ipv4Addr| {
        message.set_giaddr(giaddr).set_hops(1);
        let mut bytes = message.to_vec().unwrap();
        assert_eq!(bytes.pop(), Some(255));
        bytes.extend([82, info.len() as u8]);
        bytes.extend(info);
        bytes.push(255);
        socket.send_to(&bytes, "10.77.0.1:67").unwrap();
    };

    // Circuit 1, and a sub-option that nobody knows.
    let info = [1, 4, b'p', b'o', b'r', b't', 200, 2, 0, 255];
    let mut discover = guest.message(MessageType::Discover, vec![]);
    through(&mut discover, &info, ip(2));
    let (length, from) = socket.recv_from(&mut buffer).unwrap();
    let offer = Message::decode(&mut Decoder::new(&buffer[..length])).unwrap();
    assert_eq!(from, SocketAddrV4::new(ip(1), SERVER).into());
    assert_eq!((kind(&offer), offer.giaddr(), offer.xid()), (MessageType::Offer, ip(2), discover.xid()));
    let tail: Vec<u8> = [&[82, info.len() as u8][..], &info].concat();
    assert_eq!(
        buffer[..length].windows(tail.len()).filter(|part| *part == tail).count(),
        1,
        "option 82 as it came: {:?}",
        &buffer[240..length]
    );
    program.wait(
        "the relay is told",
        |event| matches!(event.fact, Fact::DhcpDiscovered { relay: Some(r), .. } if r == ip(2)),
    );

    // A refusal goes there too, to be broadcast.
    let mut wrong = guest.message(MessageType::Request, vec![DhcpOption::RequestedIpAddress([10, 9, 9, 9].into())]);
    through(&mut wrong, &info, ip(2));
    let (length, _) = socket.recv_from(&mut buffer).unwrap();
    let nak = Message::decode(&mut Decoder::new(&buffer[..length])).unwrap();
    assert_eq!((kind(&nak), nak.giaddr(), nak.flags().broadcast()), (MessageType::Nak, ip(2), true));

    // A relay of a subnet that conf does not know is named, not served.
    let mark = program.mark();
    let mut foreign = guest.message(MessageType::Discover, vec![]);
    through(&mut foreign, &info, [10, 99, 0, 1].into());
    ignored(&program, mark, GUEST, &Silence::ForeignRelay { relay: [10, 99, 0, 1].into() });
    assert!(guest.rest().is_empty(), "nothing of this went to the client itself");
}

#[test]
fn a_client_behind_a_real_relay_gets_its_lease() {
    if !can_run(&["dhcrelay", "udhcpc", "busybox"]) {
        return;
    }
    let segment = segment("dhcrelay", Some("10.77.0.100-10.77.0.110"));
    let program = Program::start(&segment);
    let relay = segment.host("relay", "52:54:00:77:00:02");
    relay.address("10.77.0.3");
    let guest = segment.host("guest", GUEST);
    // The guest's cable is taken out of the segment's bridge and put into the relay.
    let ip = |words: String| run(std::process::Command::new("ip").args(words.split_whitespace()));
    ip(format!("-n {} link set h-guest nomaster netns {}", segment.name, relay.namespace()));
    ip(format!("-n {} link set h-guest up", relay.namespace()));
    ip(format!("-n {} addr add 10.77.0.2/32 dev h-guest", relay.namespace()));
    let mut relaying = relay.command("dhcrelay");
    let pid_file = relay.folder().join("pid");
    relaying.args(["-4", "-d", "-a", "-iu", "eth0", "-id", "h-guest", "--no-pid", "10.77.0.1"]);
    let mut relaying = relaying.stdin(Stdio::null()).stderr(std::fs::File::create(&pid_file).unwrap()).spawn().unwrap();
    // A script of the test's own: it sets the address and nothing else.
    let script = guest.folder().join("script");
    let set = "#!/bin/sh\n[ \"$1\" = bound ] && ip addr add $ip/24 dev eth0\n:\n";
    std::fs::write(&script, set).unwrap();
    run(std::process::Command::new("chmod").arg("+x").arg(&script));
    let out = guest.sh("udhcpc -f -q -n -i eth0 -s ./script -t 20 -T 1");
    let _ = relaying.kill();
    let _ = relaying.wait();
    let words = std::fs::read_to_string(&pid_file).unwrap_or_default();
    assert!(out.status.success(), "{}\n{words}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(guest.has_address().as_deref(), Some("10.77.0.100"));
    program.wait(
        "it came by the relay",
        |event| matches!(event.fact, Fact::DhcpDiscovered { relay: Some(by), .. } if by == Ipv4Addr::new(10, 77, 0, 2)),
    );
    program.wait("it is leased", |event| {
        event.mac.is_some_and(|mac| mac.to_string() == GUEST) && matches!(event.fact, Fact::DhcpAcknowledged { .. })
    });
}

#[test]
fn strangers_get_nothing_without_a_pool() {
    if !can_run(&[]) {
        return;
    }
    let segment = segment("nopool", None);
    let program = Program::start(&segment);
    let ((_a, mut guest), (_b, mut known)) = (station(&segment, "guest", GUEST), station(&segment, "known", KNOWN));
    let mark = program.mark();
    let discover = guest.message(MessageType::Discover, vec![]);
    guest.send(&discover);
    ignored(&program, mark, GUEST, &Silence::NotInConf);
    let mark = program.mark();
    let keep = guest.message(MessageType::Request, vec![DhcpOption::RequestedIpAddress(ip(150))]);
    guest.send(&keep);
    ignored(&program, mark, GUEST, &Silence::NotInConf);
    assert!(guest.rest().is_empty());
    // What is another's by conf is refused, since two would have it.
    let steal = guest.message(MessageType::Request, vec![DhcpOption::RequestedIpAddress(ip(60))]);
    assert_eq!(kind(&guest.ask(&steal).message), MessageType::Nak);
    assert_eq!(known.lease(), ip(60));
}

#[test]
fn who_takes_another_servers_offer_is_let_go() {
    if !can_run(&[]) {
        return;
    }
    let segment = segment("outbid", Some("10.77.0.100-10.77.0.100"));
    let program = Program::start(&segment);
    let ((_a, mut guest), (_b, mut other)) = (station(&segment, "guest", GUEST), station(&segment, "other", OTHER));
    let discover = guest.message(MessageType::Discover, vec![]);
    assert_eq!(guest.insist(&discover).message.yiaddr(), ip(100));
    let took = guest.message(MessageType::Request, vec![server(ip(2)), DhcpOption::RequestedIpAddress(ip(9))]);
    guest.send(&took);
    program.wait("it took another's", |event| matches!(event.fact, Fact::DhcpOutbid { server, .. } if server == ip(2)));
    assert_eq!(other.lease(), ip(100), "the address it was offered is free at once");
    assert!(guest.rest().iter().all(|got| got.message.xid() != took.xid()));
}

#[test]
fn off_says_nothing() {
    if !can_run(&[]) {
        return;
    }
    let segment = segment("off", Some("10.77.0.100-10.77.0.110"));
    segment.conf("10.77.0.1/mode", "off");
    let program = Program::start(&segment);
    let (_host, mut known) = station(&segment, "known", KNOWN);
    let mark = program.mark();
    let discover = known.message(MessageType::Discover, pxe());
    known.send(&discover);
    ignored(&program, mark, KNOWN, &Silence::Off);
    assert!(known.rest().is_empty());
}

#[test]
fn beside_another_server_it_tells_what_to_boot_and_gives_no_address() {
    if !can_run(&[]) {
        return;
    }
    let segment = segment("proxy", Some("10.77.0.100-10.77.0.110"));
    segment.conf("10.77.0.1/mode", "proxy");
    segment.conf("10.77.0.1/boot", "live");
    segment.conf("boot/live/kernel", "vmlinuz");
    let program = Program::start(&segment);
    let (host, mut known) = station(&segment, "known", KNOWN);
    let mark = program.mark();
    let plain = known.message(MessageType::Discover, vec![]);
    known.send(&plain);
    ignored(&program, mark, KNOWN, &Silence::NotPxe);

    let discover = known.message(MessageType::Discover, pxe());
    let offer = known.ask(&discover);
    assert_eq!((offer.station, kind(&offer.message)), (Mac::BROADCAST, MessageType::Offer));
    let boots = |message: &Message| {
        assert!(message.yiaddr().is_unspecified());
        assert!(!message.opts().contains(OptionCode::AddressLeaseTime));
        assert_eq!(message.opts().get(OptionCode::ServerIdentifier), Some(&server(ip(1))));
        assert_eq!(
            message.opts().get(OptionCode::ClassIdentifier),
            Some(&DhcpOption::ClassIdentifier(b"PXEClient".to_vec()))
        );
        assert_eq!(message.siaddr(), ip(1));
        let file = message.fname_str().unwrap().unwrap();
        assert_eq!(file.trim_end_matches('\0'), "undionly.kpxe");
    };
    boots(&offer.message);

    // A request on port 67 is the other server's to answer, 4011 is ours; what comes after shows that nothing came before.
    let mut request = known.message(MessageType::Request, pxe());
    known.send(&request);
    host.address("10.77.0.150");
    let socket = host.inside(|| UdpSocket::bind("10.77.0.150:68").unwrap());
    socket.set_read_timeout(Some(SOON)).unwrap();
    request.set_ciaddr(ip(150)).set_xid(0x4011);
    socket.send_to(&request.to_vec().unwrap(), "10.77.0.1:4011").unwrap();
    let mut buffer = [0; 2048];
    let (length, from) = socket.recv_from(&mut buffer).unwrap();
    assert_eq!(from.port(), 4011);
    let ack = Message::decode(&mut Decoder::new(&buffer[..length])).unwrap();
    assert_eq!((kind(&ack), ack.xid()), (MessageType::Ack, 0x4011));
    boots(&ack);
    assert!(known.rest().iter().all(|got| got.from.port() == 4011), "nothing from port 67");
    for port in [67, 4011] {
        let told = |event: &Event| matches!(event.fact, Fact::DhcpProxied { port: p, .. } if p == port);
        program.wait(&format!("answered on port {port}"), told);
    }
    wait_for("no lease", SOON, || {
        let given = |event: &Event| matches!(event.fact, Fact::DhcpOffered { .. } | Fact::DhcpAcknowledged { .. });
        (!program.events().iter().any(given)).then_some(())
    });
}
