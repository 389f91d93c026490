//! Packets that make no sense, and floods: the servers go on, tell, and answer whom they should.

use crate::support::{Client, Host, Program, SOON, Segment, can_run, wait_for};
use pxelator::event::{Event, Fact, Service, Silence};
use std::{
    io::Write,
    net::{Ipv4Addr, TcpStream, UdpSocket},
};

const KNOWN: [u8; 6] = [2, 0, 0, 0, 0, 0x60];
const SENDER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 9);

fn bed(name: &str) -> (Segment, Host, Program) {
    let segment = Segment::new(name);
    segment.machine(60, "02:00:00:00:00:60", "known");
    let host = segment.host("bad", "02:00:00:00:00:09");
    host.address("10.77.0.9");
    let program = Program::start(&segment);
    (segment, host, program)
}

/// What was told of bad packets to `service`, in order.
fn rejected(program: &Program, service: Service) -> Vec<(Event, u64)> {
    let told = program.events().into_iter().filter_map(|event| match event.fact {
        Fact::PacketRejected { service: s, source, count, .. } if s == service && source == SENDER => {
            Some((event.clone(), count))
        }
        _ => None,
    });
    told.collect()
}

/// Waits until `sent` bad packets to `service` are told, each once, and no more often than once a second.
fn all_are_told(program: &Program, service: Service, sent: u64) {
    wait_for(&format!("{sent} bad packets of {service}"), SOON, || {
        let told: u64 = rejected(program, service).iter().map(|(_, count)| count).sum();
        assert!(told <= sent, "{told} bad packets were told, {sent} were sent");
        (told == sent).then_some(())
    });
    for pair in rejected(program, service).windows(2) {
        let apart = pair[1].0.time.duration_since(pair[0].0.time);
        assert!(apart.as_millis() >= 900, "told twice within {apart:#}");
    }
}

#[test]
fn dhcp_that_makes_no_sense() {
    if !can_run(&[]) {
        return;
    }
    let (_segment, host, program) = bed("baddhcp");
    let client = Client::new(&host);
    let discover = Client::message(KNOWN, 1, &[53, 1, 1]);
    let changed = |at: usize, byte: u8| {
        let mut packet = discover.clone();
        packet[at] = byte;
        packet
    };
    let bad = [
        Vec::new(),
        vec![0xff; 64],
        discover[..200].to_vec(),
        changed(0, 2),   // a server's
        changed(2, 16),  // not Ethernet
        changed(28, 1),  // from a group
        changed(236, 0), // BOOTP
        Client::message(KNOWN, 2, &[53, 1, 1, 12, 200, b'a']),
        Client::message(KNOWN, 3, &[53, 1, 2]),
        Client::message(KNOWN, 4, &[53, 2, 1, 1]),
        Client::message(KNOWN, 5, &[12, 1, b'a']),
        Client::message(KNOWN, 6, &[[53, 1, 1].as_slice(), &[43, 255], &[0x41; 40_000]].concat()),
    ];
    (0..25).for_each(|_| bad.iter().for_each(|packet| client.send(packet)));
    client.send(&Client::message(KNOWN, 99, &[53, 1, 1]));
    let first = client.receive().expect("an answer to the packet that is right");
    assert_eq!((first.xid, first.kind), (99, 2), "the others are not answered");
    all_are_told(&program, Service::Dhcp, 25 * bad.len() as u64);
    assert_eq!(client.lease(KNOWN, 100), Ipv4Addr::new(10, 77, 0, 60));
}

#[test]
fn syslog_that_makes_no_sense() {
    if !can_run(&[]) {
        return;
    }
    let (_segment, host, program) = bed("badsyslog");
    let socket = host.udp(0);
    let bad: [&[u8]; 4] = [b"", b" \n\0", &[0xff; 60_000], &[7; 9]];
    for packet in bad.iter().cycle().take(10 * bad.len()) {
        socket.send_to(packet, "10.77.0.1:514").unwrap();
    }
    let connect = || host.inside(|| TcpStream::connect("10.77.0.1:514").unwrap());
    connect().write_all(b"9999999 too long").unwrap();
    connect().write_all(b"70000 too long").unwrap();
    all_are_told(&program, Service::Syslog, 42);
    let mut stream = connect();
    stream.write_all(b"<13>still here\n").unwrap();
    socket.send_to(b"<13>here too", "10.77.0.1:514").unwrap();
    for words in ["still here", "here too"] {
        let is_it = |event: &Event| matches!(&event.fact, Fact::SyslogReceived { text, .. } if text == words);
        program.wait(words, is_it);
    }
}

#[test]
fn tftp_that_makes_no_sense() {
    if !can_run(&[]) {
        return;
    }
    let (segment, host, program) = bed("badtftp");
    segment.serve("file", "content");
    let bad: [&[u8]; 7] = [
        b"",
        b"\x00",
        b"\0\x01name",
        b"\0\x01file\0morse\0",
        b"\0\x01file\0octet\0blksize\0",
        b"\0\x04\0\x01",
        &[0xff; 9_000],
    ];
    let socket = host.udp(0);
    for packet in bad.iter().cycle().take(10 * bad.len()) {
        socket.send_to(packet, "10.77.0.1:69").unwrap();
    }
    // Its answer would come to the same socket as those to the others.
    assert_eq!(read_over_tftp(&socket), b"content");
    all_are_told(&program, Service::Tftp, 70);
}

#[test]
fn dns_that_makes_no_sense() {
    if !can_run(&[]) {
        return;
    }
    let (_segment, host, program) = bed("baddns");
    let asked = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x05known\x04test\x03lan\0\0\x01\0\x01";
    let bad: [&[u8]; 6] = [
        b"",
        &asked[..11],
        &asked[..20],
        b"\x12\x34\x81\0\0\0\0\0\0\0\0\0",
        b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\xc0\x0c\0\x01\0\x01",
        &[0xff; 9_000],
    ];
    let socket = host.udp(0);
    for packet in bad.iter().cycle().take(10 * bad.len()) {
        socket.send_to(packet, "10.77.0.1:53").unwrap();
    }
    socket.send_to(asked, "10.77.0.1:53").unwrap();
    let mut answer = [0; 512];
    let length = socket.recv(&mut answer).unwrap();
    assert!(answer[..length].ends_with(&[10, 77, 0, 60]), "the others are not answered: {:02x?}", &answer[..length]);
    all_are_told(&program, Service::Dns, 60);
}

/// A packet of each kind to every server, also such as are right for another one.
#[test]
fn every_server_goes_on_after_nonsense() {
    if !can_run(&["dig", "curl"]) {
        return;
    }
    let (segment, host, program) = bed("nonsense");
    segment.serve("file", "content");
    let socket = host.udp(0);
    let mut noise: Vec<Vec<u8>> = vec![Vec::new(), vec![0], vec![0; 3], vec![0xff; 65_000], b"\0\x01".to_vec()];
    noise.push([&b"\0\x01"[..], &[b'a'; 5000]].concat()); // a TFTP name without end
    noise.push(b"\0\x01file\0octet\0blksize\0".to_vec()); // an option without value
    noise.push(b"\0\x01file\0octet\0blksize\x00999999999999\0windowsize\0-1\0".to_vec());
    noise.push(b"\0\x09file\0octet\0".to_vec());
    noise.push(b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\xc0\x0c\0\x01\0\x01".to_vec()); // a DNS name that points at itself
    noise.push(b"\x12\x34\x01\0\xff\xff\xff\xff\0\0\0\0".to_vec());
    noise.push(Client::message(KNOWN, 7, &[53, 1, 1]));
    noise.push(b"GET / HTTP/1.1\r\n\r\n".to_vec());
    for port in [53, 67, 69, 514, 4011] {
        for packet in &noise {
            socket.send_to(packet, ("10.77.0.1", port)).unwrap();
        }
    }
    for port in [53, 80, 514] {
        for packet in &noise {
            let mut stream = host.inside(|| TcpStream::connect(("10.77.0.1", port)).unwrap());
            // The server may hang up in the middle.
            let _ = stream.write_all(packet);
        }
    }
    let fetched = host.sh("curl -s -m 10 http://10.77.0.1/file");
    assert_eq!(String::from_utf8_lossy(&fetched.stdout), "content");
    let named = host.sh("dig +short @10.77.0.1 known.test.lan");
    assert_eq!(String::from_utf8_lossy(&named.stdout).trim(), "10.77.0.60");
    assert_eq!(read_over_tftp(&host.udp(0)), b"content");
    assert_eq!(Client::new(&host).lease(KNOWN, 100), Ipv4Addr::new(10, 77, 0, 60));
    socket.send_to(b"<13>here", "10.77.0.1:514").unwrap();
    program.wait("syslog", |event| matches!(&event.fact, Fact::SyslogReceived { text, .. } if text == "here"));
    let broke = |event: &Event| matches!(event.fact, Fact::ServiceFailed { .. });
    assert!(!program.events().iter().any(broke), "no server broke");
}

/// A file of one block.
fn read_over_tftp(socket: &UdpSocket) -> Vec<u8> {
    socket.send_to(b"\0\x01file\0octet\0", "10.77.0.1:69").unwrap();
    let mut buffer = [0; 600];
    let (length, from) = socket.recv_from(&mut buffer).unwrap();
    assert_eq!(buffer[..4], [0, 3, 0, 1], "the first block");
    socket.send_to(&[0, 4, 0, 1], from).unwrap();
    buffer[4..length].to_vec()
}

#[test]
fn ten_thousand_strangers_in_a_second() {
    if !can_run(&[]) {
        return;
    }
    let segment = Segment::new("flood");
    segment.machine(60, "02:00:00:00:00:60", "known");
    segment.conf("10.77.0.1/pool", "10.77.0.100-10.77.0.109");
    let host = segment.host("bad", "02:00:00:00:00:09");
    host.address("10.77.0.9");
    let program = Program::start(&segment);
    let client = Client::new(&host);
    for n in 0..10_000u32 {
        let [_, _, a, b] = n.to_be_bytes();
        client.send(&Client::message([2, 1, 0x5a, 0xc3, a, b], 0x1_0000 + n, &[53, 1, 1]));
    }
    assert_eq!(client.lease(KNOWN, 0x100), Ipv4Addr::new(10, 77, 0, 60), "the machine of conf gets its address");
    program.wait("it is told that the pool is exhausted", |event| {
        matches!(event.fact, Fact::DhcpIgnored { reason: Silence::PoolExhausted, .. })
    });
    let offered: Vec<_> = program.events().into_iter().filter(|event| event.kind() == "dhcp.offered").collect();
    let of_pool: std::collections::BTreeSet<_> = offered.iter().filter_map(|event| event.machine).collect();
    assert!(of_pool.len() <= 11, "ten of the pool and the machine's own: {of_pool:?}");
    let memory = program.most_memory();
    assert!(memory < 256, "{memory} MiB");
}
