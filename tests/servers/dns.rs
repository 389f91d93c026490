//! DNS with dig: the segment's own names, those that pool clients give themselves, and the rest from elsewhere or not at all.

use crate::support::{Host, Program, SOON, Segment, Station, can_run, kind, wait_for};
use dhcproto::v4::{DhcpOption, MessageType};
use pxelator::event::Fact;
use std::process::{Child, Stdio};

const MAC: &str = "52:54:00:77:00:60";

/// What dig says: the code, the flags, and the answer and authority sections a line a record.
struct Said {
    code: String,
    flags: String,
    answers: Vec<String>,
    authority: Vec<String>,
    whole: String,
}

fn dig(host: &Host, words: &str) -> Said {
    let out = host.sh(&format!("dig +time=15 +tries=1 @10.77.0.1 {words}"));
    let whole = String::from_utf8(out.stdout).unwrap();
    let after = |text: &str, end: char| {
        let found = whole.split(text).nth(1).and_then(|rest| rest.split(end).next());
        found.unwrap_or_default().trim().to_owned()
    };
    let section = |name: &str| {
        let lines = whole.lines().skip_while(|line| *line != format!(";; {name} SECTION:")).skip(1);
        let records = lines.take_while(|line| !line.is_empty());
        records.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    };
    Said {
        code: after("status: ", ','),
        flags: after("flags: ", ';'),
        answers: section("ANSWER"),
        authority: section("AUTHORITY"),
        whole: whole.clone(),
    }
}

fn segment(name: &str) -> (Segment, Host) {
    let segment = Segment::new(name);
    segment.machine(60, MAC, "web1");
    let host = segment.host("web1", MAC);
    host.address("10.77.0.60");
    (segment, host)
}

#[test]
fn the_segments_own_names() {
    if !can_run(&["dig"]) {
        return;
    }
    let (segment, host) = segment("names");
    let program = Program::start(&segment);
    for (asked, answer) in [
        ("web1.test.lan A", "web1.test.lan. 60 IN A 10.77.0.60"),
        ("WEB1.Test.LAN A", "WEB1.Test.LAN. 60 IN A 10.77.0.60"),
        ("web1.test.lan ANY", "web1.test.lan. 60 IN A 10.77.0.60"),
        ("web1 A", "web1. 60 IN A 10.77.0.60"),
        ("test.lan A", "test.lan. 60 IN A 10.77.0.1"),
        ("pxelator.test.lan A", "pxelator.test.lan. 60 IN A 10.77.0.1"),
        ("-x 10.77.0.60", "60.0.77.10.in-addr.arpa. 60 IN PTR web1.test.lan."),
        ("-x 10.77.0.1", "1.0.77.10.in-addr.arpa. 60 IN PTR pxelator.test.lan."),
        ("test.lan NS", "test.lan. 60 IN NS pxelator.test.lan."),
        ("test.lan SOA", "test.lan. 60 IN SOA pxelator.test.lan. hostmaster.test.lan. 1 3600 600 86400 60"),
        ("+tcp web1.test.lan A", "web1.test.lan. 60 IN A 10.77.0.60"),
        ("+noedns web1.test.lan A", "web1.test.lan. 60 IN A 10.77.0.60"),
    ] {
        let said = dig(&host, asked);
        assert_eq!(
            (said.code.as_str(), said.answers.as_slice()),
            ("NOERROR", &[answer.to_owned()][..]),
            "{asked}: {}",
            said.whole
        );
        assert!(said.flags.split(' ').any(|flag| flag == "aa"), "{asked}: {}", said.flags);
    }
    let soa = "IN SOA pxelator.test.lan. hostmaster.test.lan. 1 3600 600 86400 60";
    for (asked, code, zone) in [
        ("web1.test.lan AAAA", "NOERROR", "test.lan. 60"),
        ("test.lan AAAA", "NOERROR", "test.lan. 60"),
        ("-x 10.77.0.60 -t TXT", "NOERROR", "0.77.10.in-addr.arpa. 60"),
        ("nobody.test.lan A", "NXDOMAIN", "test.lan. 60"),
        ("a.web1.test.lan A", "NXDOMAIN", "test.lan. 60"),
        ("-x 10.77.0.61", "NXDOMAIN", "0.77.10.in-addr.arpa. 60"),
    ] {
        let said = dig(&host, asked);
        assert_eq!((said.code.as_str(), said.answers.len()), (code, 0), "{asked}: {}", said.whole);
        assert_eq!(said.authority, [format!("{zone} {soa}")], "{asked}: a resolver is to know how long this holds");
    }
    // With nobody to ask, what is of elsewhere is refused; above all no top-level domain is denied.
    for asked in ["example.org A", "com NS", "nobody A", "-x 192.0.2.1", "wtest.lan A", "web1.test.lan CH TXT"] {
        let said = dig(&host, asked);
        assert_eq!((said.code.as_str(), said.answers.len()), ("REFUSED", 0), "{asked}: {}", said.whole);
        assert!(!said.flags.split(' ').any(|flag| flag == "ra" || flag == "aa"), "{asked}: {}", said.flags);
    }
    let event = program.wait("the answer is told", |event| {
        matches!(&event.fact, Fact::DnsAnswered { name, record, answers }
            if name == "web1.test.lan." && record == "A" && *answers == ["10.77.0.60"])
    });
    assert_eq!(event.machine.map(|machine| machine.to_string()).as_deref(), Some("10.77.0.60"));
    program.wait(
        "the refusal is told",
        |event| matches!(&event.fact, Fact::DnsRefused { name, .. } if name == "example.org."),
    );
}

#[test]
fn pool_clients_by_the_names_they_give_themselves() {
    if !can_run(&["dig"]) {
        return;
    }
    let (segment, host) = segment("given");
    segment.conf("10.77.0.1/pool", "10.77.0.100-10.77.0.110");
    let program = Program::start(&segment);
    let named = |number: u8, name: &str| {
        let mac = format!("52:54:00:77:01:{number:02x}");
        let client = segment.host(&format!("c{number}"), &mac);
        let mut station = Station::on(&client, &mac);
        let address = station.lease_as(Some(name));
        (client, station, address.to_string())
    };
    let (_a, mut anna, laptop) = named(1, "Anna's Laptop.example.org");
    let (_b, _, thief) = named(2, "WEB1");
    let (_c, _, server) = named(3, "pxelator");
    let (_d, mut gone, gone_address) = named(4, "gone");
    assert_eq!(dig(&host, "anna-s-laptop.test.lan A").answers, [format!("anna-s-laptop.test.lan. 60 IN A {laptop}")]);
    assert!(dig(&host, &format!("-x {laptop}")).answers[0].ends_with("IN PTR anna-s-laptop.test.lan."));
    // Never over a configured machine or the server.
    assert_eq!(dig(&host, "web1.test.lan A").answers, ["web1.test.lan. 60 IN A 10.77.0.60"]);
    assert_eq!(dig(&host, "pxelator.test.lan A").answers, ["pxelator.test.lan. 60 IN A 10.77.0.1"]);
    for address in [thief, server] {
        assert_eq!(dig(&host, &format!("-x {address}")).code, "NXDOMAIN");
    }
    // Who renews need not say its name again.
    let renewal = anna.message(MessageType::Request, vec![DhcpOption::RequestedIpAddress(laptop.parse().unwrap())]);
    assert_eq!(kind(&anna.ask(&renewal).message), MessageType::Ack);
    program.wait("it is renewed", |event| matches!(event.fact, Fact::DhcpAcknowledged { renewal: true, .. }));
    assert_eq!(dig(&host, "anna-s-laptop.test.lan A").answers.len(), 1);
    // Of two with one name the later has it, and a lease that ended has none.
    let (_e, _, newer) = named(5, "anna-s-laptop");
    assert_eq!(dig(&host, "anna-s-laptop.test.lan A").answers, [format!("anna-s-laptop.test.lan. 60 IN A {newer}")]);
    assert_eq!(dig(&host, "gone.test.lan A").answers.len(), 1);
    gone.release(gone_address.parse().unwrap());
    program.wait("it is released", |event| matches!(event.fact, Fact::DhcpReleased { .. }));
    wait_for("its name is gone", SOON, || (dig(&host, "gone.test.lan A").code == "NXDOMAIN").then_some(()));
}

/// A name server of elsewhere, on a host of the segment.
struct Upstream {
    _host: Host,
    running: Child,
}

impl Upstream {
    fn start(segment: &Segment) -> Upstream {
        let host = segment.host("up", "52:54:00:77:00:05");
        host.address("10.77.0.5");
        let many: String = (1..=60).map(|n| format!(" --host-record=many.example.org,192.0.2.{n}")).collect();
        let line = format!(
            "exec dnsmasq --keep-in-foreground --no-resolv --no-hosts --conf-file=/dev/null --pid-file= --user=root \
             --log-facility=- --listen-address=10.77.0.5 --bind-interfaces --local=/example.org/ \
             --host-record=www.example.org,192.0.2.80,2001:db8::80 --cname=alias.example.org,www.example.org \
             --txt-record=text.example.org,hello --mx-host=example.org,www.example.org,10 \
             --ptr-record=80.2.0.192.in-addr.arpa,www.example.org --edns-packet-max=4096{many}"
        );
        let log = std::fs::File::create(host.folder().join("log")).unwrap();
        let mut command = host.command("sh");
        command.args(["-c", &line]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let running = command.spawn().unwrap();
        wait_for("the upstream server", SOON, || {
            let out = host.sh("dig +time=1 +tries=1 +short @10.77.0.5 www.example.org A");
            String::from_utf8_lossy(&out.stdout).contains("192.0.2.80").then_some(())
        });
        Upstream { _host: host, running }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        let _ = self.running.kill();
        let _ = self.running.wait();
    }
}

#[test]
fn names_of_elsewhere_are_asked_there() {
    if !can_run(&["dig", "dnsmasq"]) {
        return;
    }
    let (segment, host) = segment("forward");
    segment.conf("10.77.0.1/dns", "10.77.0.5");
    let program = Program::start(&segment);
    let upstream = Upstream::start(&segment);
    for (asked, expected) in [
        ("www.example.org A", "IN A 192.0.2.80"),
        ("www.example.org AAAA", "IN AAAA 2001:db8::80"),
        ("text.example.org TXT", "IN TXT \"hello\""),
        ("example.org MX", "IN MX 10 www.example.org."),
        ("-x 192.0.2.80", "IN PTR www.example.org."),
        ("+tcp www.example.org A", "IN A 192.0.2.80"),
    ] {
        let said = dig(&host, asked);
        assert!(said.code == "NOERROR" && said.answers.len() == 1, "{asked}: {}", said.whole);
        assert!(said.answers[0].ends_with(expected), "{asked}: {}", said.whole);
        assert!(said.flags.split(' ').any(|flag| flag == "ra"), "{asked}: {}", said.flags);
        assert!(!said.flags.split(' ').any(|flag| flag == "aa"), "{asked}: {}", said.flags);
    }
    let alias = dig(&host, "alias.example.org A");
    assert_eq!(alias.answers.len(), 2, "the alias and what it stands for: {}", alias.whole);
    let missing = dig(&host, "nobody.example.org A");
    assert_eq!((missing.code.as_str(), missing.answers.len()), ("NXDOMAIN", 0), "{}", missing.whole);
    let other_type = dig(&host, "www.example.org TXT");
    assert_eq!((other_type.code.as_str(), other_type.answers.len()), ("NOERROR", 0), "{}", other_type.whole);
    // More than 512 bytes: cut for who takes no more, whole over EDNS and TCP.
    let cut = dig(&host, "+noedns +ignore many.example.org A");
    assert!(cut.flags.split(' ').any(|flag| flag == "tc"), "{}", cut.whole);
    for way in ["+noedns", "+bufsize=4096", "+tcp"] {
        let said = dig(&host, &format!("{way} many.example.org A"));
        assert_eq!((said.code.as_str(), said.answers.len()), ("NOERROR", 60), "{way}: {}", said.whole);
    }
    // Its own names are never asked elsewhere.
    assert_eq!(dig(&host, "web1.test.lan A").answers, ["web1.test.lan. 60 IN A 10.77.0.60"]);
    assert_eq!(dig(&host, "nobody.test.lan A").code, "NXDOMAIN");
    program.wait("it is told", |event| {
        matches!(&event.fact, Fact::DnsForwarded { name, code, .. } if name == "www.example.org." && code == "NOERROR")
    });

    // The server of elsewhere dies: that is said, and in time for a client that waits five seconds.
    drop(upstream);
    let said = dig(&host, "+time=5 late.example.org A");
    assert_eq!(said.code, "SERVFAIL", "{}", said.whole);
    let silent = "52:54:00:77:00:06";
    let dead = segment.host("dead", silent);
    dead.address("10.77.0.6");
    let _hole = dead.inside(|| std::net::UdpSocket::bind("10.77.0.6:53").unwrap());
    let mark = program.mark();
    segment.conf("10.77.0.1/dns", "10.77.0.6");
    program.wait_since(mark, "conf is read", |event| matches!(event.fact, Fact::ConfChanged { .. }));
    wait_for("the silent one is asked", SOON, || {
        let said = dig(&host, "+time=5 later.example.org A");
        assert_eq!(said.code, "SERVFAIL", "{}", said.whole);
        let told = program.events().into_iter().any(|event| {
            matches!(&event.fact, Fact::DnsForwarded { name, code, .. } if name == "later.example.org." && code == "SERVFAIL")
        });
        told.then_some(())
    });
    assert_eq!(dig(&host, "web1.test.lan A").answers.len(), 1, "its own names do not depend on it");
}
