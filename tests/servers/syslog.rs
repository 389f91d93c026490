//! Syslog of real programs, in every framing and grammar that they speak, tied to the machine that said it.

use crate::support::{Program, Segment, Station, WEB1, can_run, wait_for};
use pxelator::{
    event::{Event, Fact, Severity},
    journal::{Journal, Query},
};
use std::{
    io::Write,
    net::{TcpStream, UdpSocket},
};

const GUEST: &str = "52:54:00:77:00:99";

/// Severity, facility, tag and text of a message.
fn parts(event: &Event) -> Option<(Severity, Option<&str>, Option<&str>, &str)> {
    match &event.fact {
        Fact::SyslogReceived { severity, facility, tag, text, .. } => {
            Some((*severity, facility.as_deref(), tag.as_deref(), text))
        }
        _ => None,
    }
}

#[test]
fn what_loggers_send() {
    if !can_run(&["logger", "busybox"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("logger");
    let program = Program::start(&segment);
    let ways = [
        "-d --rfc3164",
        "-d --rfc5424",
        "-T --rfc3164",
        "-T --rfc5424",
        "-T --rfc3164 --octet-count",
        "-T --rfc5424 --octet-count",
    ];
    for (number, way) in ways.iter().enumerate() {
        let text = format!("message {number} of logger {way}");
        let line = format!("logger -n 10.77.0.1 -P 514 {way} -p daemon.err -t nginx -i -- '{text}'");
        let out = host.sh(&line);
        assert!(out.status.success(), "{line}: {}", String::from_utf8_lossy(&out.stderr));
        let event = program.wait(&line, |event| parts(event).is_some_and(|(.., t)| t == text));
        let (severity, facility, tag, _) = parts(&event).unwrap();
        assert_eq!((severity, facility), (Severity::Err, Some("daemon")), "{way}");
        assert!(tag.is_some_and(|tag| tag.starts_with("nginx[") && tag.ends_with(']')), "{way}: {tag:?}");
        assert_eq!(event.machine.map(|machine| machine.to_string()).as_deref(), Some("10.77.0.60"), "{way}");
        assert_eq!(event.mac.map(|mac| mac.to_string()).as_deref(), Some(WEB1), "{way}");
        let Fact::SyslogReceived { host, sent, .. } = &event.fact else { unreachable!() };
        assert!(host.is_some() && sent.is_some(), "{way}: {:?}", event.fact);
    }

    // busybox has the remote half of syslog in its daemon: it hands on what its own logger writes to /dev/log.
    let socket = host.folder().display();
    let line = format!(
        "mount --bind {socket} /dev/shm; busybox syslogd -n -R 10.77.0.1:514 -O /dev/shm/file & daemon=$!; \
         for n in 1 2 3 4 5 6 7 8 9 10; do [ -S /dev/log ] && break; sleep 0.2; done; \
         busybox logger -p user.warning -t init 'hello of busybox'; sleep 1; kill $daemon"
    );
    // A /dev of its own, so that the machine's /dev/log is left alone.
    host.sh(&format!("mount -t tmpfs d /dev && mkdir /dev/shm && mknod /dev/null c 1 3 && {line}"));
    let event =
        program.wait("busybox", |event| parts(event).is_some_and(|(.., text)| text.ends_with("hello of busybox")));
    assert_eq!(parts(&event).map(|(severity, facility, tag, _)| (severity, facility, tag)), {
        Some((Severity::Warning, Some("user"), Some("init")))
    });
}

#[test]
fn every_severity_is_kept() {
    if !can_run(&["logger"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("severity");
    let program = Program::start(&segment);
    for (number, name) in ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"].iter().enumerate() {
        host.sh(&format!("logger -n 10.77.0.1 -P 514 -d -p user.{name} -t t 'it is {name}'"));
        let event = program.wait(name, |event| parts(event).is_some_and(|(.., text)| text == format!("it is {name}")));
        assert_eq!(event.severity(), Severity::from_number(number as u8), "{name}");
    }
}

#[test]
fn both_framings_in_one_stream() {
    if !can_run(&[]) {
        return;
    }
    let (segment, host) = Segment::with_web1("frames");
    let program = Program::start(&segment);
    let mut stream = host.inside(|| TcpStream::connect("10.77.0.1:514").unwrap());
    let counted = "<14>1 2026-11-24T09:20:05Z web1 app - - - counted\nover two lines";
    let whole = format!(
        "<13>Nov 24 09:20:05 web1 app: a line\n{} {counted}<12>app: after it\r\n<11>app: the last",
        counted.len()
    );
    // In pieces, as a network may deliver it.
    for piece in whole.as_bytes().chunks(7) {
        stream.write_all(piece).unwrap();
        stream.flush().unwrap();
    }
    drop(stream);
    let said = |program: &Program| -> Vec<(Severity, String)> {
        let events = program.events();
        events.iter().filter_map(parts).map(|(severity, .., text)| (severity, text.to_owned())).collect()
    };
    wait_for("all four", crate::support::SOON, || (said(&program).len() == 4).then_some(()));
    assert_eq!(
        said(&program),
        [
            (Severity::Notice, "a line".to_owned()),
            (Severity::Info, "counted over two lines".to_owned()),
            (Severity::Warning, "after it".to_owned()),
            (Severity::Err, "the last".to_owned()),
        ]
    );
}

#[test]
fn a_pool_client_is_known_by_its_lease() {
    if !can_run(&["logger"]) {
        return;
    }
    let (segment, _) = Segment::with_web1("lease");
    segment.conf("10.77.0.1/pool", "10.77.0.100-10.77.0.100");
    let program = Program::start(&segment);
    let host = segment.host("guest", GUEST);
    assert_eq!(Station::on(&host, GUEST).lease().to_string(), "10.77.0.100");
    host.address("10.77.0.100");
    host.sh("logger -n 10.77.0.1 -P 514 -d -t t 'from the pool'");
    let event = program.wait("it is told", |event| parts(event).is_some_and(|(.., text)| text == "from the pool"));
    assert_eq!(event.machine.map(|machine| machine.to_string()).as_deref(), Some("10.77.0.100"));
    assert_eq!(event.mac.map(|mac| mac.to_string()).as_deref(), Some(GUEST));
}

#[test]
fn two_thousand_messages_at_once_are_all_in_the_journal_in_order() {
    if !can_run(&[]) {
        return;
    }
    let (segment, host) = Segment::with_web1("burst");
    let mut program = Program::start(&segment);
    let socket = host.inside(|| UdpSocket::bind("10.77.0.60:0").unwrap());
    let mut stream = host.inside(|| TcpStream::connect("10.77.0.1:514").unwrap());
    for number in 0..1000 {
        socket.send_to(format!("<14>udp: {number}").as_bytes(), "10.77.0.1:514").unwrap();
        writeln!(stream, "<14>tcp: {number}").unwrap();
    }
    drop(stream);
    wait_for("all are told", crate::support::SOON, || {
        (program.events().iter().filter_map(parts).count() == 2000).then_some(())
    });
    program.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(program.end(), Some(0));
    let journal = Journal::read(&segment.journal()).unwrap();
    for way in ["udp", "tcp"] {
        let mut numbers = Vec::new();
        journal
            .select(&Query::default(), |event| {
                if let Some((_, _, Some(tag), text)) = parts(&event)
                    && tag == way
                {
                    numbers.push(text.parse::<u32>().unwrap());
                }
            })
            .unwrap();
        assert_eq!(numbers, (0..1000).collect::<Vec<u32>>(), "{way}");
    }
}
