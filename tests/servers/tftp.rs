//! TFTP with real clients and by hand: files whole, refusals by name, and what becomes of clients that go away.

use crate::support::{Host, Program, SOON, Segment, WEB1, can_run, noise};
use pxelator::event::{Event, Fact, Refusal};
use std::{
    net::{SocketAddr, UdpSocket},
    os::unix::fs::symlink,
};

/// Fetches with a real client into `got` and compares.
fn fetch(host: &Host, line: &str, expected: &[u8]) {
    let out = host.sh(&format!("rm -f got; {line}"));
    let words = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{line}: {words}");
    let got = std::fs::read(host.folder().join("got")).unwrap_or_else(|e| panic!("{line}: {e}; {words}"));
    let differs = got.iter().zip(expected).position(|(a, b)| a != b);
    assert!(got == expected, "{line}: {} bytes, expected {}, first differs at {differs:?}", got.len(), expected.len());
}

fn completed(program: &Program, mark: usize, file: &str, size: usize) {
    let size = size as u64;
    program.wait_since(mark, &format!("{file} is complete"), |event| {
        event.machine.is_some_and(|machine| machine.to_string() == "10.77.0.60")
            && event.mac.is_some_and(|mac| mac.to_string() == WEB1)
            && matches!(&event.fact, Fact::TftpCompleted { transfer: t }
                if t.file == file && t.size == Some(size) && t.bytes == size)
    });
}

#[test]
fn real_clients_fetch_files_whole() {
    if !can_run(&["tftp", "atftp", "curl", "busybox"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("tftp");
    let program = Program::start(&segment);
    // With a last block in part, with one that is empty (for both block sizes), and with nothing at all.
    for (name, length) in [("big", 5_000_123), ("even", 512 * 1400), ("one", 1), ("none", 0)] {
        let content = noise(length);
        segment.serve(&format!("boot/{name}"), &content);
        let file = format!("boot/{name}");
        for line in [
            format!("tftp -m binary 10.77.0.1 -c get {file} got"),
            format!("atftp -g -r {file} -l got 10.77.0.1"),
            format!(
                "atftp --option 'windowsize 16' --option 'blksize 1400' --option 'tsize 0' -g -r {file} -l got 10.77.0.1"
            ),
            // curl 7.88 itself fails on a file of no bytes.
            match length {
                0 => "touch got; atftp -g -r boot/none -l got 10.77.0.1".to_owned(),
                _ => format!("curl -sS --tftp-blksize 1400 -o got tftp://10.77.0.1/{file}"),
            },
            format!("busybox tftp -b 1400 -g -r /{file} -l got 10.77.0.1"),
        ] {
            let mark = program.mark();
            fetch(&host, &line, &content);
            completed(&program, mark, &file, length);
        }
    }
    assert!(!program.events().iter().any(|event| matches!(event.fact, Fact::TftpAbandoned { .. })));
}

#[test]
fn block_numbers_begin_anew_after_65535() {
    if !can_run(&["tftp", "atftp"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("wrap");
    let program = Program::start(&segment);
    let content = noise(65_536 * 512 + 1_000);
    segment.serve("vast", &content);
    for line in [
        "tftp -m binary 10.77.0.1 -c get vast got",
        "atftp --option 'windowsize 16' --option 'blksize 512' -g -r vast -l got 10.77.0.1",
    ] {
        let mark = program.mark();
        fetch(&host, line, &content);
        completed(&program, mark, "vast", content.len());
    }
}

#[test]
fn many_at_once() {
    if !can_run(&["curl"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("many");
    let program = Program::start(&segment);
    let content = noise(300_000);
    segment.serve("kernel", &content);
    let mark = program.mark();
    let line =
        "for n in $(seq 40); do curl -sS -o got$n tftp://10.77.0.1/kernel & done; wait; cat got?* > got; rm got?*";
    fetch(&host, line, &content.repeat(40));
    let whole = |event: &Event| matches!(&event.fact, Fact::TftpCompleted { transfer } if transfer.bytes == 300_000);
    crate::support::wait_for("all 40 are told", SOON, || {
        (program.since(mark).iter().filter(|event| whole(event)).count() == 40).then_some(())
    });
}

/// A client by hand.
struct ByHand {
    socket: UdpSocket,
    peer: Option<SocketAddr>,
}

impl ByHand {
    fn on(host: &Host) -> ByHand {
        let socket = host.inside(|| UdpSocket::bind("10.77.0.60:0").unwrap());
        socket.set_read_timeout(Some(SOON)).unwrap();
        ByHand { socket, peer: None }
    }

    fn request(&mut self, code: u8, words: &[&str]) {
        let mut packet = vec![0, code];
        for word in words {
            packet.extend(word.as_bytes());
            packet.push(0);
        }
        self.socket.send_to(&packet, "10.77.0.1:69").unwrap();
    }

    fn receive(&mut self) -> Vec<u8> {
        let mut buffer = [0; 2048];
        let (length, from) = self.socket.recv_from(&mut buffer).unwrap();
        self.peer = Some(from);
        buffer[..length].to_vec()
    }

    fn send(&self, packet: &[u8]) {
        self.socket.send_to(packet, self.peer.unwrap()).unwrap();
    }
}

#[test]
fn what_is_refused_is_named() {
    if !can_run(&["tftp"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("refuse");
    std::fs::write(segment.folder.path().join("secret"), "s").unwrap();
    segment.serve("folder/file", "f");
    symlink("../secret", segment.tftpboot().join("out")).unwrap();
    symlink("folder/file", segment.tftpboot().join("in")).unwrap();
    let program = Program::start(&segment);
    let missing = |path: &str| Refusal::Missing { path: format!("tftpboot/{path}") };
    for (path, code, refusal) in [
        ("../secret", 2, Refusal::Outside),
        ("folder/../../secret", 2, Refusal::Outside),
        ("out", 2, Refusal::Outside),
        ("vmlinuz", 1, missing("vmlinuz")),
        ("/etc/passwd", 1, missing("etc/passwd")),
        ("folder", 0, Refusal::NotAFile),
        ("pxelinux.cfg/default", 0, Refusal::NoProfile),
        ("pxelinux.cfg/01-52-54-00-77-00-61", 2, Refusal::UnknownMachine),
    ] {
        let mut client = ByHand::on(&host);
        client.request(1, &[path, "octet"]);
        let answer = client.receive();
        assert_eq!(answer[..4], [0, 5, 0, code], "{path}: {answer:?}");
        assert!(answer.ends_with(&[0]) && answer.len() > 6, "with words for the screen");
        let file = path.trim_start_matches('/');
        program.wait(&format!("{path} is refused"), |event| {
            event.machine.is_some_and(|machine| machine.to_string() == "10.77.0.60")
                && matches!(&event.fact, Fact::TftpRefused { file: f, refusal: r, .. } if f == file && *r == refusal)
        });
    }
    let mut client = ByHand::on(&host);
    client.request(1, &["in", "octet"]);
    assert_eq!(client.receive(), [0, 3, 0, 1, b'f'], "a link that stays inside");
    client.send(&[0, 4, 0, 1]);

    std::fs::write(host.folder().join("mine"), "mine").unwrap();
    let out = host.sh("tftp -m binary 10.77.0.1 -c put mine mine");
    let words = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
    assert!(words.contains("Error code 4"), "{words}");
    assert!(!segment.tftpboot().join("mine").exists());
    program.wait("writing is refused", |event| {
        matches!(&event.fact, Fact::TftpRefused { file, refusal: Refusal::NotAllowed { .. }, .. } if file == "mine")
    });
}

#[test]
fn pxelinux_gets_its_machines_own_configuration() {
    if !can_run(&["tftp"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("pxelinux");
    segment.conf("boot/live/kernel", "live/vmlinuz");
    segment.conf("boot/live/initrd", "live/initrd.img");
    segment.conf("boot/live/append", "console=ttyS0 hostname={{ machine.hostname }} ip={{ machine.address }}");
    segment.conf("10.77.0.1/10.77.0.60/boot", "live");
    let program = Program::start(&segment);
    let config = "DEFAULT live\nPROMPT 0\nTIMEOUT 0\nLABEL live\n  KERNEL /live/vmlinuz\n  INITRD /live/initrd.img\n  \
                  APPEND console=ttyS0 hostname=web1 ip=10.77.0.60\n";
    for name in ["01-52-54-00-77-00-60", "0A4D003C", "default"] {
        fetch(&host, &format!("tftp -m binary 10.77.0.1 -c get pxelinux.cfg/{name} got"), config.as_bytes());
    }
    program.wait("it is told", |event| {
        matches!(&event.fact, Fact::TftpCompleted { transfer } if transfer.file == "pxelinux.cfg/01-52-54-00-77-00-60")
    });
}

#[test]
fn a_client_that_vanishes_is_told_and_holds_up_nobody() {
    if !can_run(&["tftp"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("vanish");
    let content = noise(200_000);
    segment.serve("kernel", &content);
    let program = Program::start(&segment);
    let mut client = ByHand::on(&host);
    client.request(1, &["kernel", "octet", "blksize", "1000", "windowsize", "4"]);
    assert_eq!(client.receive(), b"\0\x06blksize\x001000\0windowsize\x004\0");
    client.send(&[0, 4, 0, 0]);
    for block in 1..=4 {
        assert_eq!(client.receive()[..4], [0, 3, 0, block]);
    }
    drop(client);
    let mark = program.mark();
    fetch(&host, "tftp -m binary 10.77.0.1 -c get kernel got", &content);
    completed(&program, mark, "kernel", content.len());
    let abandoned = program.wait(
        "the first is abandoned",
        |event| matches!(&event.fact, Fact::TftpAbandoned { transfer, .. } if transfer.bytes == 4000),
    );
    assert!(abandoned.fact.to_string().contains("the client stopped acknowledging"), "{}", abandoned.fact);
}

#[test]
fn firmware_that_asks_for_the_size_alone_is_understood() {
    if !can_run(&[]) {
        return;
    }
    let (segment, host) = Segment::with_web1("size");
    segment.serve("ipxe.efi", noise(10_000));
    let program = Program::start(&segment);
    // As EDK2 does: the size, then an ERROR, then the file (RFC 2349, section 4).
    let mut client = ByHand::on(&host);
    client.request(1, &["ipxe.efi", "octet", "tsize", "0", "blksize", "1468"]);
    let options = client.receive();
    assert!(options.starts_with(&[0, 6]) && options.windows(12).any(|w| w == b"tsize\x0010000\0"), "{options:?}");
    client.send(b"\0\x05\0\x08User aborted the transfer\0");
    let probed = program.wait("its end is told", |event| matches!(event.fact, Fact::TftpProbed { .. }));
    assert!(probed.fact.to_string().starts_with("asked how large"), "{}", probed.fact);
}
