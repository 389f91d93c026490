//! What frames are in words, and that no bytes at all bring the decoder down.

use super::{Conversations, Frame, decode, dump, line, line_of};
use bytes::Bytes;
use etherparse::PacketBuilder;
use hickory_proto::{
    op::{Message, MessageType, OpCode, Query},
    rr::{RData, Record, RecordType, rdata},
};
use proptest::prelude::*;

const MACHINE: [u8; 6] = [0x52, 0x54, 0, 0x77, 0, 0x60];
const SERVER: [u8; 6] = [2, 0x50, 10, 77, 0, 1];

fn frame(data: Vec<u8>) -> Frame {
    let time = "2026-11-24T09:20:05.123456Z".parse().unwrap();
    Frame { time, length: u32::try_from(data.len()).unwrap(), data: Bytes::from(data), comments: Vec::new() }
}

fn udp(from: ([u8; 4], u16), to: ([u8; 4], u16), payload: &[u8]) -> Frame {
    let mut data = Vec::new();
    PacketBuilder::ethernet2(MACHINE, SERVER)
        .ipv4(from.0, to.0, 64)
        .udp(from.1, to.1)
        .write(&mut data, payload)
        .unwrap();
    frame(data)
}

fn tcp(from: u16, to: u16, payload: &[u8]) -> Frame {
    let mut data = Vec::new();
    let builder = PacketBuilder::ethernet2(MACHINE, SERVER).ipv4([10, 77, 0, 60], [10, 77, 0, 1], 64);
    builder.tcp(from, to, 7, 1000).syn().write(&mut data, payload).unwrap();
    frame(data)
}

fn icmp6(message: &[u8]) -> Frame {
    let mut data = Vec::new();
    let (from, to) =
        ([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    let builder = PacketBuilder::ethernet2(MACHINE, SERVER).ipv6(from, to, 255);
    builder.write(&mut data, etherparse::IpNumber::IPV6_ICMP, message).unwrap();
    frame(data)
}

fn dhcp(op: u8, yiaddr: [u8; 4], options: &[&[u8]]) -> Vec<u8> {
    let mut message = vec![0; 240];
    message[..3].copy_from_slice(&[op, 1, 6]);
    message[4..8].copy_from_slice(&[0x1a, 0x2b, 0x3c, 0x4d]);
    message[16..20].copy_from_slice(&yiaddr);
    message[28..34].copy_from_slice(&MACHINE);
    message[236..240].copy_from_slice(&[99, 130, 83, 99]);
    message.extend(options.concat());
    message.push(255);
    message
}

const CLIENT: [u8; 4] = [10, 77, 0, 60];
const HOST: [u8; 4] = [10, 77, 0, 1];

#[test]
fn a_boot_in_lines() {
    let discover = dhcp(
        1,
        [0; 4],
        &[
            &[53, 1, 1, 93, 2, 0, 7, 50, 4, 10, 77, 0, 60, 55, 2, 66, 67, 77, 4],
            b"iPXE",
            &[60, 9],
            b"PXEClient",
            &[175, 1, 1],
        ],
    );
    let offer = dhcp(2, CLIENT, &[&[53, 1, 2, 54, 4, 10, 77, 0, 1, 67, 9], b"boot.ipxe"]);
    let arp = |operation: u8, sender: [u8; 4], target: [u8; 4]| {
        let head = [&SERVER[..], &MACHINE, &[8, 6, 0, 1, 8, 0, 6, 4, 0, operation]].concat();
        frame([&head[..], &MACHINE, &sender, &[0; 6], &target].concat())
    };
    for (frame, words) in [
        (
            udp(([0; 4], 68), ([255; 4], 67), &discover),
            "0.0.0.0 > 255.255.255.255 DHCP DISCOVER for 52:54:00:77:00:60 xid 1a2b3c4d wants 10.77.0.60 arch uefi \
             vendor PXEClient class iPXE options 53,93,50,55,77,60,175",
        ),
        (
            udp((HOST, 67), (CLIENT, 68), &offer),
            "10.77.0.1 > 10.77.0.60 DHCP OFFER 10.77.0.60 for 52:54:00:77:00:60 xid 1a2b3c4d of server 10.77.0.1 \
             boot file boot.ipxe options 53,54,67",
        ),
        (arp(1, HOST, CLIENT), "52:54:00:77:00:60 > 02:50:0a:4d:00:01 ARP who has 10.77.0.60? tell 10.77.0.1"),
        (arp(2, CLIENT, HOST), "52:54:00:77:00:60 > 02:50:0a:4d:00:01 ARP 10.77.0.60 is at 52:54:00:77:00:60"),
        (
            arp(1, [0; 4], CLIENT),
            "52:54:00:77:00:60 > 02:50:0a:4d:00:01 ARP 52:54:00:77:00:60 probes whether 10.77.0.60 is taken",
        ),
        (
            udp((CLIENT, 2070), (HOST, 69), b"\0\x01undionly.kpxe\0octet\0tsize\x000\0blksize\x001456\0"),
            "10.77.0.60 > 10.77.0.1 TFTP RRQ undionly.kpxe octet tsize 0 blksize 1456",
        ),
        (udp((HOST, 40000), (CLIENT, 2070), b"\0\x06tsize\x00900\0"), "10.77.0.1 > 10.77.0.60 TFTP OACK tsize 900"),
        (udp((HOST, 40000), (CLIENT, 2070), b"\0\x03\0\x01abc"), "10.77.0.1 > 10.77.0.60 TFTP DATA 1, 3 bytes"),
        (udp((CLIENT, 2070), (HOST, 40000), b"\0\x04\0\x01"), "10.77.0.60 > 10.77.0.1 TFTP ACK 1"),
        (
            udp((HOST, 40000), (CLIENT, 2070), b"\0\x05\0\x01no such file\0"),
            "10.77.0.1 > 10.77.0.60 TFTP ERROR 1 file not found: no such file",
        ),
        (udp((CLIENT, 5000), (HOST, 6000), b"\0\x04"), "10.77.0.60 > 10.77.0.1 UDP 5000 > 6000, 2 bytes"),
        (
            udp((CLIENT, 514), (HOST, 514), b"<3>Nov 24 09:20:05 web1 sshd: \x1b[31mno key"),
            "10.77.0.60 > 10.77.0.1 SYSLOG err web1 sshd: [31mno key",
        ),
        (
            tcp(43210, 80, b"GET /boot.ipxe HTTP/1.1\r\nHost: 10.77.0.1\r\nUser-Agent: iPXE/1.21\r\n\r\n"),
            "10.77.0.60 > 10.77.0.1 HTTP GET /boot.ipxe HTTP/1.1 by iPXE/1.21",
        ),
        (
            tcp(80, 43210, b"HTTP/1.1 200 OK\r\nContent-Length: 8500000\r\nDestination: x\r\n\r\nxyz"),
            "10.77.0.60 > 10.77.0.1 HTTP HTTP/1.1 200 OK, 8500000 bytes",
        ),
        (tcp(80, 43210, b"more"), "10.77.0.60 > 10.77.0.1 HTTP 4 bytes of a body"),
        (tcp(43210, 22, b""), "10.77.0.60 > 10.77.0.1 TCP 43210 > 22 [SYN] seq 7 ack 0"),
        (
            icmp6(&[133, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 0, 0, 0, 0, 9]),
            "fe80::1 > ff02::2 ICMPv6 RS router solicitation, from 02:00:00:00:00:09",
        ),
        (
            icmp6(
                &[
                    &[134, 0, 0, 0, 64, 0xc0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0, 3, 4, 64, 0xc0][..],
                    &[0; 12],
                    &[0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
                ]
                .concat(),
            ),
            "fe80::1 > ff02::2 ICMPv6 RA router advertisement: router for 1800 s, addresses by DHCPv6, the rest by \
             DHCPv6, prefix fd77::/64",
        ),
        (
            icmp6(&[&[135, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0x80][..], &[0; 13], &[2]].concat()),
            "fe80::1 > ff02::2 ICMPv6 NS who has fe80::2?",
        ),
        (
            icmp6(&[&[136, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0x80][..], &[0; 13], &[2]].concat()),
            "fe80::1 > ff02::2 ICMPv6 NA fe80::2 is here",
        ),
        (frame(vec![1, 2, 3]), " >  ETH 3 bytes of a frame, too few for its head"),
    ] {
        assert_eq!(line(&frame).what(), words);
        assert_eq!(line(&frame).to_string(), format!("09:20:05.123456 {words}"));
    }
}

#[test]
fn names_and_echoes() {
    let mut query = Message::new(7, MessageType::Query, OpCode::Query);
    query.add_query(Query::query("web1.test.lan.".parse().unwrap(), RecordType::A));
    let mut answer = Message::new(7, MessageType::Response, OpCode::Query);
    answer.add_query(Query::query("web1.test.lan.".parse().unwrap(), RecordType::A));
    let record = RData::A(rdata::A(CLIENT.into()));
    answer.add_answer(Record::from_rdata("web1.test.lan.".parse().unwrap(), 60, record));
    let asked = udp((CLIENT, 40000), (HOST, 53), &query.to_vec().unwrap());
    assert_eq!(line(&asked).what(), "10.77.0.60 > 10.77.0.1 DNS query A web1.test.lan.");
    let answered = udp((HOST, 53), (CLIENT, 40000), &answer.to_vec().unwrap());
    assert_eq!(line(&answered).words, "answer A web1.test.lan.: A 10.77.0.60");
    let none = udp((HOST, 53), (CLIENT, 40000), b"12345");
    assert_eq!(line(&none).words, "5 bytes that are no message");

    let mut data = Vec::new();
    let builder = PacketBuilder::ethernet2(MACHINE, SERVER).single_vlan(42.try_into().unwrap()).ipv4(CLIENT, HOST, 64);
    builder.icmpv4_echo_request(3, 4).write(&mut data, &[0; 56]).unwrap();
    let echo = frame(data);
    assert_eq!(line(&echo).what(), "10.77.0.60 > 10.77.0.1 ICMP echo request id 3 seq 4, 56 bytes");
    let layers: Vec<&str> = decode(&echo, None).iter().map(|layer| layer.protocol).collect();
    assert_eq!(layers, ["ETH", "VLAN", "IPv4", "ICMP"]);
}

#[test]
fn blocks_are_those_of_their_file() {
    let mut talk = Conversations::default();
    let mut told = |frame: &Frame| {
        let file = talk.follow(frame);
        line_of(frame, file.as_deref()).words
    };
    let asks = |file: &str| udp((CLIENT, 2070), (HOST, 69), format!("\0\x01{file}\0octet\0").as_bytes());
    let block = udp((HOST, 40000), (CLIENT, 2070), b"\0\x03\0\x01abc");
    assert_eq!(told(&block), "DATA 1, 3 bytes");
    assert_eq!(told(&asks("a.cfg")), "RRQ a.cfg octet");
    assert_eq!(told(&block), "DATA 1 of a.cfg, 3 bytes");
    assert_eq!(told(&udp((CLIENT, 2070), (HOST, 40000), b"\0\x04\0\x01")), "ACK 1 of a.cfg");
    assert_eq!(told(&asks("b.cfg")), "RRQ b.cfg octet");
    assert_eq!(told(&block), "DATA 1 of b.cfg, 3 bytes", "the port is used again");
    assert_eq!(told(&udp((CLIENT, 2070), (HOST, 40000), b"x")), "1 byte without an opcode of TFTP");
    assert_eq!(told(&udp((HOST, 40000), (CLIENT, 2071), b"\0\x03\0\x01abc")), "DATA 1, 3 bytes");
}

#[test]
fn what_is_cut_is_said_to_be() {
    let mut kept = udp((HOST, 40000), (CLIENT, 2070), &[&b"\0\x03\0\x01"[..], &[7; 512]].concat());
    kept.data = kept.data.slice(..100);
    let words = line(&kept).words;
    assert_eq!(words, "DATA 1, 54 bytes [100 of 558 bytes kept]");
    let mut short = udp((HOST, 40000), (CLIENT, 2070), &[7; 512]);
    (short.data, short.length) = (short.data.slice(..36), 36);
    assert!(line(&short).words.contains("malformed"), "{}", line(&short));
    let cut = udp((CLIENT, 68), (HOST, 67), &[&dhcp(1, [0; 4], &[&[53, 1, 1]])[..243], &[12, 9, b'a']].concat());
    assert!(line(&cut).words.ends_with("[option 12 is cut off at byte 243]"), "{}", line(&cut));
}

#[test]
fn details_by_layer() {
    let offer = dhcp(2, CLIENT, &[&[53, 1, 2, 51, 4, 0, 0, 14, 16, 3, 4, 10, 77, 0, 1, 250, 2, 0, 9]]);
    let layers = decode(&udp((HOST, 67), (CLIENT, 68), &offer), None);
    let fields = &layers.last().unwrap().fields;
    for (name, value) in
        [("51 lease", "3600 s"), ("3 routers", "10.77.0.1"), ("option 250", "0009"), ("address", "10.77.0.60")]
    {
        assert!(fields.contains(&(name.to_owned(), value.to_owned())), "{name} in {fields:?}");
    }
    assert_eq!(
        dump(b"0123456789abcdef\x00\xff"),
        [
            "0000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  0123456789abcdef",
            "0010  00 ff                                             ..",
        ]
    );
}

/// Frames that reach every protocol, each with a place to be broken at.
fn seeds() -> Vec<Frame> {
    let ports = [(68, 67), (67, 68), (2070, 69), (40000, 2070), (40000, 53), (514, 514), (546, 547)];
    let payloads = [
        dhcp(1, CLIENT, &[&[53, 1, 1, 81, 3, 0, 0, 0, 94, 3, 1, 3, 16, 77, 5, 4], b"iPXE"]),
        b"\0\x01a\0octet\0tsize\x000\0".to_vec(),
        b"\0\x03\0\x01abc".to_vec(),
        b"<3>1 2026-11-24T09:20:05Z web1 sshd - - -".to_vec(),
        vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, b'a', 0, 0, 1, 0, 1],
    ];
    let mut seeds: Vec<Frame> =
        ports.iter().flat_map(|(from, to)| payloads.iter().map(|p| udp((CLIENT, *from), (HOST, *to), p))).collect();
    seeds.push(tcp(43210, 80, b"GET / HTTP/1.1\r\na: b\r\n\r\n"));
    seeds
        .push(icmp6(&[&[134, 0, 0, 0, 64, 0xc0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0, 3, 4, 64, 0xc0][..], &[0; 28]].concat()));
    seeds
}

fn holds(frame: &Frame) {
    let file = Conversations::default().follow(frame);
    let line = line_of(frame, file.as_deref()).to_string();
    assert!(!line.chars().any(char::is_control), "{line:?}");
    for layer in decode(frame, Some("file")) {
        let shown =
            layer.fields.iter().flat_map(|(name, value)| [name, value]).all(|t| !t.chars().any(char::is_control));
        assert!(shown, "{layer:?}");
    }
    dump(&frame.data);
}

proptest! {
    #[test]
    fn any_bytes_will_do(data in proptest::collection::vec(any::<u8>(), 0..200), more in 0u32..9) {
        let length = u32::try_from(data.len()).unwrap() + more;
        holds(&Frame { length, ..frame(data) });
    }

    #[test]
    fn broken_packets_will_do(which in 0usize..37, changes in proptest::collection::vec((any::<u16>(), any::<u8>()), 0..6), cut in any::<u16>()) {
        let seeds = seeds();
        let mut data = seeds[which % seeds.len()].data.to_vec();
        for (at, byte) in changes {
            let at = usize::from(at) % data.len();
            data[at] = byte;
        }
        let length = u32::try_from(data.len()).unwrap();
        data.truncate(data.len() - usize::from(cut) % 8 * (data.len() / 8));
        holds(&Frame { length, ..frame(data) });
    }
}
