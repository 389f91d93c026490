//! HTTP with curl and by hand: files and parts of them, each machine its own script, nothing outside, and slow or lost clients.

use crate::support::{Host, Program, SOON, Segment, WEB1, can_run, noise, run, wait_for};
use pxelator::event::{Event, Fact, Refusal};
use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    os::unix::fs::symlink,
    time::Duration,
};

const OTHER: &str = "52:54:00:77:00:61";

fn segment(name: &str) -> (Segment, Host) {
    let (segment, host) = Segment::with_web1(name);
    segment.machine(61, OTHER, "web2");
    (segment, host)
}

/// What curl printed and the body it got.
fn curl(host: &Host, words: &str) -> (String, Vec<u8>) {
    let out = host.sh(&format!("rm -f got; curl -sS --path-as-is -o got -D - {words}"));
    assert!(out.status.success(), "curl {words}: {}", String::from_utf8_lossy(&out.stderr));
    let body = std::fs::read(host.folder().join("got")).unwrap_or_default();
    (String::from_utf8(out.stdout).unwrap().to_lowercase(), body)
}

fn status(head: &str) -> &str {
    head.split_whitespace().nth(1).unwrap_or_default()
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).map(str::trim)
}

#[test]
fn files_and_parts_of_them() {
    if !can_run(&["curl"]) {
        return;
    }
    let (segment, host) = segment("http");
    let content = noise(3_000_000);
    segment.serve("live/vmlinuz", &content);
    let program = Program::start(&segment);
    let url = "http://10.77.0.1/live/vmlinuz";
    let (head, body) = curl(&host, url);
    assert_eq!((status(&head), field(&head, "content-length")), ("200", Some("3000000")));
    assert!(body == content);
    let event = program.wait("it is complete", |event| matches!(event.fact, Fact::HttpCompleted { .. }));
    let (_, transfer) = event.fact.transfer().unwrap();
    assert_eq!((transfer.file.as_str(), transfer.bytes, transfer.size), ("live/vmlinuz", 3_000_000, Some(3_000_000)));
    assert_eq!(event.machine.map(|machine| machine.to_string()).as_deref(), Some("10.77.0.60"));

    for (range, from, to) in
        [("0-0", 0, 1), ("1000-1999", 1000, 2000), ("2999990-", 2_999_990, 3_000_000), ("-7", 2_999_993, 3_000_000)]
    {
        let mark = program.mark();
        let (head, body) = curl(&host, &format!("-r {range} {url}"));
        let expected = format!("bytes {from}-{}/3000000", to - 1);
        assert_eq!((status(&head), field(&head, "content-range")), ("206", Some(expected.as_str())), "{range}");
        assert!(body == content[from..to], "{range}");
        program.wait_since(
            mark,
            "the part is told",
            |event| matches!(&event.fact, Fact::HttpCompleted { transfer: t } if t.bytes == (to - from) as u64),
        );
    }
    let (head, _) = curl(&host, &format!("-r 3000000- {url}"));
    assert_eq!((status(&head), field(&head, "content-range")), ("416", Some("bytes */3000000")));
    // Several parts: the whole is given instead, as a server may.
    let (head, body) = curl(&host, &format!("-r 0-1,5-9 {url}"));
    assert!(status(&head) == "200" && body == content);
    // A part of what it was, but it is another now.
    let (head, body) = curl(&host, &format!("-r 0-1 -H 'If-Range: \"other\"' {url}"));
    assert!(status(&head) == "200" && body == content);

    let (head, _) = curl(&host, &format!("-I {url}"));
    assert_eq!((status(&head), field(&head, "content-length")), ("200", Some("3000000")));
    let modified = field(&head, "last-modified").unwrap().to_owned();
    let (head, body) = curl(&host, &format!("-z '{modified}' {url}"));
    assert_eq!((status(&head), body.len()), ("304", 0));
    let (head, body) = curl(&host, &format!("-z 'Thu, 01 Jan 2004 00:00:00 GMT' {url}"));
    assert!(status(&head) == "200" && body == content);
    // Resumed in the middle, as curl does it.
    std::fs::write(host.folder().join("part"), &content[..1_000_000]).unwrap();
    assert!(host.sh(&format!("curl -sS -C - -o part {url}")).status.success());
    assert!(std::fs::read(host.folder().join("part")).unwrap() == content);
}

#[test]
fn what_is_refused_is_named() {
    if !can_run(&["curl"]) {
        return;
    }
    let (segment, host) = segment("refuse");
    std::fs::write(segment.folder.path().join("secret"), "s").unwrap();
    segment.serve("folder/a b", "inside");
    symlink("../secret", segment.tftpboot().join("out")).unwrap();
    symlink("/etc/passwd", segment.tftpboot().join("absolute")).unwrap();
    symlink("folder/a b", segment.tftpboot().join("in")).unwrap();
    let program = Program::start(&segment);
    let missing = |path: &str| Refusal::Missing { path: format!("tftpboot/{path}") };
    for (path, code, refusal) in [
        ("/../secret", "403", Refusal::Outside),
        ("/%2e%2e/secret", "403", Refusal::Outside),
        ("/folder/%2E%2e%2f..%2fsecret", "403", Refusal::Outside),
        ("/out", "403", Refusal::Outside),
        ("/absolute", "403", Refusal::Outside),
        ("//etc/passwd", "404", missing("etc/passwd")),
        ("/vmlinuz", "404", missing("vmlinuz")),
        ("/folder", "404", Refusal::NotAFile),
        ("/boot.ipxe", "404", Refusal::NoProfile),
    ] {
        let mark = program.mark();
        let (head, body) = curl(&host, &format!("'http://10.77.0.1{path}'"));
        assert_eq!(status(&head), code, "{path}");
        assert_eq!(String::from_utf8(body).unwrap(), format!("{refusal}\n"), "{path}");
        program.wait_since(
            mark,
            &format!("{path} is refused"),
            |event| matches!(&event.fact, Fact::HttpRefused { refusal: found, .. } if *found == refusal),
        );
    }
    for path in ["/folder/a%20b", "/in"] {
        assert_eq!(curl(&host, &format!("http://10.77.0.1{path}")).1, b"inside", "{path}");
    }
    let (head, _) = curl(&host, "-X PUT -d x http://10.77.0.1/mine");
    assert_eq!((status(&head), field(&head, "allow")), ("405", Some("get, head")));
    assert!(!segment.tftpboot().join("mine").exists());
}

#[test]
fn a_script_is_its_machines_alone() {
    if !can_run(&["curl"]) {
        return;
    }
    let (segment, host) = segment("script");
    segment.conf("boot/live/kernel", "live/vmlinuz");
    segment.conf("boot/live/append", "hostname={{ machine.hostname }}");
    segment.conf("10.77.0.1/boot", "live");
    let program = Program::start(&segment);
    let other = segment.host("web2", OTHER);
    other.address("10.77.0.61");
    for (asks, name, own, foreign) in [(&host, "web1", WEB1, OTHER), (&other, "web2", OTHER, WEB1)] {
        for path in ["boot.ipxe".to_owned(), format!("boot.ipxe?mac={}", own.replace(':', "-"))] {
            let (head, body) = curl(asks, &format!("'http://10.77.0.1/{path}'"));
            let text = String::from_utf8(body).unwrap();
            assert!(status(&head) == "200" && text.starts_with("#!ipxe\n"), "{path}: {head}{text}");
            assert!(text.contains(&format!("hostname={name}")), "{text}");
        }
        let (head, body) = curl(asks, &format!("'http://10.77.0.1/boot.ipxe?mac={}'", foreign.replace(':', "-")));
        assert_eq!(status(&head), "403");
        assert!(!String::from_utf8_lossy(&body).contains("#!ipxe"));
    }
    program.wait("the other's is refused", |event| {
        matches!(&event.fact, Fact::HttpRefused { refusal: Refusal::UnknownMachine, .. })
    });
}

/// Asks for a file and reads nothing.
fn ask(host: &Host, path: &str) -> TcpStream {
    let mut stream = host.inside(|| TcpStream::connect("10.77.0.1:80").unwrap());
    stream.set_read_timeout(Some(SOON)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: 10.77.0.1\r\n\r\n").unwrap();
    stream
}

#[test]
fn who_takes_a_byte_at_a_time_is_seen_and_holds_up_nobody() {
    if !can_run(&["curl"]) {
        return;
    }
    let (segment, host) = segment("slow");
    let content = noise(40_000_000);
    segment.serve("initrd.img", &content);
    let program = Program::start(&segment);
    let mut slow: Vec<TcpStream> = (0..20).map(|_| ask(&host, "/initrd.img")).collect();
    slow.iter_mut().for_each(|stream| stream.read_exact(&mut [0]).unwrap());
    let id = |event: &Event| event.fact.transfer().map(|(_, transfer)| transfer.id);
    let first = id(&program.wait("the first is asked for", |event| matches!(event.fact, Fact::HttpRequested { .. })));
    program.wait("how far it is, though it takes no more", |event| {
        id(event) == first
            && matches!(&event.fact, Fact::HttpProgressed { transfer: t } if t.bytes > 0 && t.bytes < 40_000_000)
    });
    slow.iter_mut().for_each(|stream| stream.read_exact(&mut [0]).unwrap());

    let mark = program.mark();
    let (_, body) = curl(&host, "http://10.77.0.1/initrd.img");
    assert!(body == content);
    let whole = |event: &Event| matches!(&event.fact, Fact::HttpCompleted { transfer: t } if t.bytes == 40_000_000);
    program.wait_since(mark, "another gets it whole meanwhile", whole);
    assert!(!program.events().iter().any(|event| matches!(event.fact, Fact::HttpAbandoned { .. })));

    // One of them is content in the end, the others go away.
    let patient = slow.pop().unwrap();
    let mark = program.mark();
    std::io::copy(&mut (&patient).take(40_000_000), &mut std::io::sink()).unwrap();
    program.wait_since(mark, "the patient one gets it whole", whole);
    slow.iter().for_each(|stream| stream.shutdown(Shutdown::Both).unwrap());
    drop(slow);
    wait_for("all that went away are told", SOON, || {
        let events = program.since(mark);
        let gone = events.iter().filter(|event| {
            matches!(&event.fact, Fact::HttpAbandoned { transfer: t, reason } if t.bytes < 40_000_000 && reason.contains("went away"))
        });
        (gone.count() == 19).then_some(())
    });
}

#[test]
fn a_machine_that_is_switched_off_is_told_in_the_end() {
    if !can_run(&[]) {
        return;
    }
    let (segment, host) = segment("cut");
    segment.serve("initrd.img", noise(40_000_000));
    // The kernel gives up after a quarter of an hour unless told otherwise.
    run(segment.command("sh").args(["-c", "echo 3 > /proc/sys/net/ipv4/tcp_retries2"]));
    let program = Program::start(&segment);
    let mut stream = ask(&host, "/initrd.img");
    stream.read_exact(&mut [0]).unwrap();
    host.sh("ip link set eth0 down");
    program.wait_for(
        "it is abandoned",
        Duration::from_secs(120),
        |event| matches!(&event.fact, Fact::HttpAbandoned { transfer: t, .. } if t.bytes > 0 && t.bytes < 40_000_000),
    );
}

#[test]
fn idle_connections_hold_up_nobody() {
    if !can_run(&["curl"]) {
        return;
    }
    let (segment, host) = segment("idle");
    segment.serve("file", "content");
    let _program = Program::start(&segment);
    let open = |count: usize| -> Vec<TcpStream> {
        host.inside(|| (0..count).map(|_| TcpStream::connect("10.77.0.1:80").unwrap()).collect())
    };
    let mut idle = open(200);
    let fetched = |host: &Host| {
        let (head, body) = curl(host, "http://10.77.0.1/file");
        assert_eq!((status(&head), body.as_slice()), ("200", &b"content"[..]));
    };
    fetched(&host);
    // One has its share; the others have theirs.
    idle.extend(open(400));
    let other = segment.host("other", OTHER);
    other.address("10.77.0.61");
    fetched(&other);
    drop(idle);
    wait_for("its share is free again", SOON, || {
        host.sh("curl -sSf -o got http://10.77.0.1/file").status.success().then_some(())
    });
    // Many questions in one connection.
    let mut stream = ask(&host, "/file");
    for _ in 0..50 {
        let mut head = Vec::new();
        while !head.ends_with(b"content") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        write!(stream, "GET /file HTTP/1.1\r\nHost: 10.77.0.1\r\n\r\n").unwrap();
    }
}
