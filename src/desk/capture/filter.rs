//! What of an interface is captured, as a program for the kernel (pcap-filter(7)). Pure.

use crate::net::Mac;

/// What boots need: addresses and names, files, and what they tell.
///
/// Blocks of TFTP go between two ports of no fixed number, so they are known by their opcode; those of large blocks come in
/// fragments, of which only the first has ports.
const BOOT: &str = "arp or icmp or icmp6 \
    or udp port 67 or udp port 68 or udp port 69 or udp port 4011 or udp port 53 or udp port 514 \
    or udp port 546 or udp port 547 \
    or tcp port 80 or tcp port 53 or tcp port 514 \
    or (udp src portrange 1024-65535 and udp dst portrange 1024-65535 \
        and udp[8] = 0 and udp[9] >= 3 and udp[9] <= 6) \
    or (ip proto 17 and ip[6:2] & 0x1fff != 0)";

/// The program; empty where everything is wanted.
pub fn program(machine: Option<Mac>, boot: bool) -> String {
    let station = machine.map(|mac| format!("ether host {mac}"));
    match (station, boot) {
        (None, false) => String::new(),
        (Some(station), false) => station,
        (None, true) => BOOT.to_owned(),
        (Some(station), true) => format!("{station} and ({BOOT})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Mac;
    use etherparse::PacketBuilder;
    use pcap::{Capture, Linktype};

    const MACHINE: Mac = Mac([0x52, 0x54, 0, 0x77, 0, 0x60]);
    const OTHER: Mac = Mac([0x52, 0x54, 0, 0x77, 0, 0x61]);

    fn frame(machine: Mac, transport: &str, from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        let builder = PacketBuilder::ethernet2(machine.0, [2, 0, 0, 0, 0, 1]).ipv4([10, 77, 0, 60], [10, 77, 0, 1], 64);
        match transport {
            "udp" => builder.udp(from, to).write(&mut frame, payload).unwrap(),
            _ => builder.tcp(from, to, 1, 1).write(&mut frame, payload).unwrap(),
        }
        frame
    }

    #[test]
    fn the_kernel_takes_what_it_is_to() {
        let mut fragment = frame(MACHINE, "udp", 1, 2, &[7; 64]);
        fragment[21] = 185;
        let arp = [&[0xff; 6][..], &MACHINE.0, &[8, 6], &[0; 28]].concat();
        let dead = Capture::dead(Linktype::ETHERNET).unwrap();
        for (machine, boot, bytes, taken) in [
            (None, false, frame(OTHER, "tcp", 22, 40000, b""), true),
            (Some(MACHINE), false, frame(MACHINE, "tcp", 22, 40000, b""), true),
            (Some(MACHINE), false, frame(OTHER, "tcp", 22, 40000, b""), false),
            (Some(MACHINE), true, frame(MACHINE, "tcp", 22, 40000, b""), false),
            (Some(MACHINE), true, frame(MACHINE, "tcp", 80, 40000, b""), true),
            (Some(MACHINE), true, frame(OTHER, "tcp", 80, 40000, b""), false),
            (Some(MACHINE), true, frame(MACHINE, "udp", 68, 67, b""), true),
            (Some(MACHINE), true, frame(MACHINE, "udp", 2070, 69, b"\0\x01a\0octet\0"), true),
            (Some(MACHINE), true, frame(MACHINE, "udp", 40000, 2070, b"\0\x03\0\x01data"), true),
            (Some(MACHINE), true, frame(MACHINE, "udp", 2070, 40000, b"\0\x04\0\x01"), true),
            (Some(MACHINE), true, frame(MACHINE, "udp", 2070, 40000, b"something else"), false),
            (Some(MACHINE), true, frame(MACHINE, "udp", 40000, 4011, b""), true),
            (None, true, frame(OTHER, "udp", 40000, 514, b"<3>x"), true),
            (None, true, frame(OTHER, "udp", 40000, 2049, b""), false),
            (Some(MACHINE), true, fragment, true),
            (None, true, arp.clone(), true),
            (Some(OTHER), true, arp, false),
        ] {
            let compiled = dead.compile(&program(machine, boot), true).unwrap();
            assert_eq!(compiled.filter(&bytes), taken, "{machine:?} {boot} {bytes:02x?}");
        }
    }
}
