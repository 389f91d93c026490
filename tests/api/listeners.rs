//! Where the page is to be had beside port 80: TLS, a Unix socket, and clients that say little or much.

use crate::{
    curl, page,
    support::{Program, SOON, Segment, can_run, wait_for},
    there, token,
};
use pxelator::event::{Event, Fact, Service};
use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    time::Duration,
};

/// Where the page listens since `mark`, at a place that begins so.
pub fn listens(program: &Program, mark: usize, place: &str) -> String {
    let is_it = |event: &Event| matches!(&event.fact, Fact::ServiceStarted { service: Service::Page, address } if address.starts_with(place));
    match program.wait_since(mark, place, is_it).fact {
        Fact::ServiceStarted { address, .. } => address,
        other => panic!("{other:?}"),
    }
}

/// The SHA-256 of its certificate.
pub fn fingerprint(address: &str) -> String {
    address.split_once("certificate ").unwrap().1.split_whitespace().next().unwrap().to_owned()
}

#[test]
fn tls_and_a_socket() {
    if !can_run(&["curl", "openssl"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("listen");
    let program = Program::start(&segment);
    let socket = segment.folder.path().join("page.socket");
    let mark = program.mark();
    let text = format!("listen 10.77.0.1:8443 tls\nlisten unix:{}\ntrust unix\nread users", socket.display());
    page(&segment, &text);
    let address = listens(&program, mark, "TCP 10.77.0.1:8443 with TLS");
    let made = segment.folder.path().join("run/page.pem");
    let shown = crate::support::run(
        std::process::Command::new("openssl").args(["x509", "-noout", "-fingerprint", "-sha256", "-in"]).arg(&made),
    );
    let shown = shown.trim().split_once('=').unwrap().1.replace(':', "").to_lowercase();
    assert_eq!(fingerprint(&address), shown);
    let mode = |file: &str| std::fs::metadata(segment.folder.path().join(file)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("run/page.key"), mode("page.socket")), (0o600, 0o600));
    let robot = format!("Authorization: Bearer {}", token(&segment, &["robot"]));
    let url = "https://10.77.0.1:8443/api/v1/segments";
    wait_for("the user is known", SOON, || (there(&host, &["-k", "-H", &robot, url]).status == 200).then_some(()));
    let made = std::fs::read(&made).unwrap();
    std::fs::write(host.folder().join("page.pem"), &made).unwrap();
    let trusted = host.folder().join("page.pem").display().to_string();
    assert_eq!(there(&host, &["--cacert", &trusted, "-H", &robot, url]).status, 200, "it is for this address");
    assert_eq!(there(&host, &["-k", url]).status, 401);
    let got = there(&host, &["-k", "-H", "Accept: text/html", "https://10.77.0.1:8443/pxelator/login"]);
    let cookie = got.field("set-cookie").unwrap();
    assert!(cookie.starts_with("__host-pxelator=") && cookie.contains("secure"), "{cookie}");
    assert!(!got.body.contains("not encrypted"));

    let by_socket = socket.display().to_string();
    let asked = |words: &[&str]| curl(segment.command("curl"), &[&["--unix-socket", &by_socket], words].concat());
    assert_eq!(asked(&["http://localhost/api/v1/segments"]).status, 200);
    let check = r#"{"check":{"segment":"10.77.0.1","machines":[]}}"#;
    let sent = ["-H", "Content-Type: application/json", "-d", check, "http://localhost/api/v1/commands"];
    assert_eq!(asked(&sent).status, 202, "who can open it is trusted");
    program.wait("it is told", |event| event.fact.to_string() == "the operator from the Unix socket: check");

    // What conf says no more is closed, and the rest goes on.
    page(&segment, "listen 10.77.0.1:8443 tls\nread users");
    wait_for("the socket is gone", SOON, || (!socket.exists()).then_some(()));
    assert_eq!(there(&host, &["-k", "-H", &robot, url]).status, 200);
}

#[test]
fn who_says_little_is_not_waited_for() {
    if !can_run(&["curl"]) {
        return;
    }
    let (segment, host) = Segment::with_web1("slow");
    let program = Program::start(&segment);
    let mark = program.mark();
    page(&segment, "listen 10.77.0.1:8080\nread all");
    listens(&program, mark, "TCP 10.77.0.1:8080");
    let open = |port: u16| {
        let stream = host.inside(|| TcpStream::connect(("10.77.0.1", port)).unwrap());
        stream.set_read_timeout(Some(3 * SOON)).unwrap();
        stream
    };
    // The boot files' port as well as one of the page alone.
    let slow = [80, 8080].map(|port| {
        let mut slow = open(port);
        slow.write_all(b"GET /api/v1/segments HTTP/1.1\r\nHost: 10.77.0.1\r\n").unwrap();
        slow
    });
    let closed = |mut stream: &TcpStream| {
        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        matches!(stream.read(&mut [0; 16]), Ok(0)) || stream.write_all(b"x").is_err()
    };
    for port in [80, 8080] {
        // Of those that are open one has no more than its share.
        let many: Vec<TcpStream> = (0..300).map(|_| open(port)).collect();
        // Sooner than one that is silent is.
        wait_for("some of them are closed", Duration::from_secs(10), || {
            many.iter().rev().take(20).any(closed).then_some(())
        });
    }
    for (mut slow, port) in slow.into_iter().zip([80, 8080]) {
        let mut rest = Vec::new();
        let ended = slow.read_to_end(&mut rest);
        let is_late = |error: &std::io::Error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
        assert!(!ended.is_err_and(|error| is_late(&error)), "it is still open at port {port}");
        assert!(!String::from_utf8_lossy(&rest).contains("200 OK"), "{port}: {rest:?}");
        let long = format!("X-Long: {}", "x".repeat(40_000));
        let url = format!("http://10.77.0.1:{port}/api/v1/segments");
        let got = there(&host, &["-H", &long, &url]);
        assert_eq!(got.status, 431, "{port}: {got:?}");
        assert_eq!(there(&host, &[&url]).status, 200);
    }
}
