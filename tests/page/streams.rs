//! Streams of what changes: 200 that nobody needs cost next to nothing, all get what happens, and the end of the program ends them.

use crate::support::{Program, SOON, Segment, can_run, wait_for};
use nix::sys::signal::Signal;
use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::Duration,
};

const STREAMS: usize = 200;

/// Hundredths of a second that a process had a processor (proc(5), utime and stime).
fn used(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let behind: Vec<u64> =
        stat.rsplit(')').next().unwrap().split_whitespace().skip(11).take(2).map(|n| n.parse().unwrap()).collect();
    behind.iter().sum()
}

fn read_until(stream: &mut TcpStream, said: &mut String, wanted: &str) {
    let mut buffer = [0; 65_536];
    while !said.contains(wanted) {
        let count = stream.read(&mut buffer).unwrap_or_else(|error| panic!("{wanted}: {error}: {said}"));
        assert!(count > 0, "{wanted}: the stream ended: {said}");
        said.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
}

#[test]
fn two_hundred_watch_and_nothing_happens() {
    if !can_run(&["logger"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("pagestreams");
    let mut program = Program::start(&segment);
    let mut streams: Vec<(TcpStream, String)> = segment.inside(|| {
        let views = ["/pxelator", "/pxelator/machines", "/pxelator/syslog", "/pxelator/alerts"];
        (0..STREAMS)
            .map(|number| {
                let mut stream = TcpStream::connect("10.77.0.1:80").unwrap();
                stream.set_read_timeout(Some(SOON)).unwrap();
                let view = views[number % views.len()];
                write!(stream, "GET /pxelator/live?view={view} HTTP/1.1\r\nHost: 10.77.0.1\r\n\r\n").unwrap();
                (stream, String::new())
            })
            .collect()
    });
    for (stream, said) in &mut streams {
        read_until(stream, said, "\"parts\":");
        assert!(said.contains("text/event-stream"), "{said}");
    }
    let before = used(program.pid());
    thread::sleep(Duration::from_secs(5));
    let cost = used(program.pid()) - before;
    println!("{STREAMS} idle streams: {cost} hundredths of a second of a processor in 5 s");
    assert!(cost < 100, "idle streams cost {cost} hundredths of a second in 5 s");

    assert!(host.sh("logger -n 10.77.0.1 -d -t test 'all hear this'").status.success());
    for (number, (stream, said)) in streams.iter_mut().enumerate() {
        said.clear();
        let wanted = match number % 4 {
            3 => continue,
            2 => "all hear this",
            // A machine that spoke was heard of.
            _ => "\"parts\":",
        };
        read_until(stream, said, wanted);
    }
    // A view that is none, or does not change, has no stream.
    let got = segment.inside(|| {
        let mut stream = TcpStream::connect("10.77.0.1:80").unwrap();
        write!(stream, "GET /pxelator/live?view=/etc/passwd HTTP/1.0\r\nHost: 10.77.0.1\r\n\r\n").unwrap();
        let mut got = String::new();
        stream.read_to_string(&mut got).unwrap();
        got
    });
    assert!(got.starts_with("HTTP/1.0 404"), "{got}");
    program.signal(Signal::SIGTERM);
    assert_eq!(program.end(), Some(0));
    for (stream, _) in &mut streams {
        wait_for("the stream's end", SOON, || matches!(stream.read(&mut [0; 65_536]), Ok(0) | Err(_)).then_some(()));
    }
}
