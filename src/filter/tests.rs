use super::*;
use crate::event::{Architecture, Fact, LeaseSource, MachineSummary, Refusal, Role, Transfer};

const SEGMENT: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

fn mac(last: u8) -> Mac {
    // 60 reads 60.
    Mac([0x52, 0x54, 0, 0, 0, last / 10 * 16 + last % 10])
}

fn names() -> Names {
    let machine = |last, name: &str| MachineSummary {
        address: Ipv4Addr::new(10, 77, 0, last),
        mac: mac(last),
        hostname: name.to_owned(),
        boot: None,
        armed: None,
        last: None,
        firmware: None,
        power: None,
    };
    let machines = vec![machine(60, "web1"), machine(61, "web2"), machine(62, "db1")];
    let loaded = Fact::ConfLoaded { domain: "test.lan".into(), mode: "authoritative".into(), pool: None, machines };
    Names::of(&Event::new(Some(SEGMENT), loaded))
}

fn parse(text: &str) -> Result<Filter, FilterError> {
    let now = "2026-11-24T12:00:00Z".parse().unwrap();
    Filter::parse(text, &Here { now, zone: &TimeZone::UTC, names: &names() })
}

fn at(time: &str, fact: Fact) -> Event {
    Event { time: time.parse().unwrap(), ..Event::new(Some(SEGMENT), fact) }
}

fn message() -> Event {
    let fact = Fact::SyslogReceived {
        severity: Severity::Err,
        facility: Some("kern".into()),
        tag: None,
        host: Some("5".into()),
        sent: None,
        text: "Kernel panic - not syncing: 100% (\"VFS\")".into(),
    };
    at("2026-11-24T11:00:00.5Z", fact).about(Some(Ipv4Addr::new(10, 77, 0, 60)), Some(mac(60)))
}

fn transfer() -> Event {
    let transfer =
        Transfer { id: 1, file: "vmlinuz".into(), role: Role::Kernel, size: None, bytes: 1_000_001, millis: 7 };
    at("2026-11-24T08:00:00Z", Fact::HttpCompleted { transfer }).about(None, Some(mac(61)))
}

fn answered() -> Event {
    let (name, record) = ("web1.test.lan.".to_owned(), "A".to_owned());
    let answers = vec!["10.77.0.60".to_owned(), "10.77.0.7".to_owned()];
    at("2026-11-23T08:00:00Z", Fact::DnsAnswered { name, record, answers })
}

fn offered() -> Event {
    let fact = Fact::DhcpOffered {
        xid: 7,
        address: Ipv4Addr::new(10, 77, 0, 100),
        boot_file: None,
        refusal: Some(Refusal::Missing { path: "tftpboot/x".into() }),
        lease: 60,
        source: LeaseSource::Pool,
    };
    at("2026-11-24T11:59:00Z", fact).about(Some(Ipv4Addr::new(10, 77, 0, 60)), None)
}

fn discovered() -> Event {
    let (xid, architecture, vendor) = (7, Some(Architecture::Bios), Some(String::new()));
    Event {
        segment: None,
        ..at(
            "2026-11-24T12:00:00Z",
            Fact::DhcpDiscovered { xid, architecture, vendor, ipxe: true, hostname: None, relay: None },
        )
    }
}

#[test]
fn what_is_wanted() {
    // Letters stand for the events: m(essage), t(ransfer), a(nswered), o(ffered), d(iscovered).
    let events = [('m', message()), ('t', transfer()), ('a', answered()), ('o', offered()), ('d', discovered())];
    for (text, expected) in [
        ("", "mtaod"),
        ("  ", "mtaod"),
        ("panic", "m"),
        ("PANIC syncing", "m"),
        ("\"panic - not\"", "m"),
        ("52:54:00:00:00:61", "t"),
        ("err", "m"),
        ("machine=web1", "mo"),
        ("machine=WEB1.test.lan", "mo"),
        ("machine=web*", "mto"),
        ("machine!=web1", "tad"),
        ("machine=db1,web2", "t"),
        ("machine=10.77.0.60", "mo"),
        ("machine=10.77.0.56/29", "mo"),
        ("machine=10.77.0.6*", "mo"),
        ("machine=52-54-00-00-00-61", "t"),
        ("machine=*", "mo"),
        ("machine~eb2", "t"),
        ("machine~nothing", ""),
        ("mac=*", "mt"),
        ("mac=52:54:*:61", "t"),
        ("mac~00:61", "t"),
        ("mac=525400000060", "m"),
        ("not mac=*", "aod"),
        ("segment=10.77.0.1", "mtao"),
        ("segment!=*", "d"),
        ("service=dhcp,syslog", "mod"),
        ("service=d*", "aod"),
        ("service!=dhcp", "mta"),
        ("service~s", "ma"),
        ("kind=dhcp.*", "od"),
        ("kind=*ed", "mtaod"),
        ("kind=http.completed", "t"),
        ("kind~offer", "o"),
        ("severity<=err", "m"),
        ("severity<=3", "m"),
        ("severity>info", "a"),
        ("severity=debug,err", "ma"),
        ("severity!=err", "taod"),
        ("severity<emerg", ""),
        ("since=-2h", "mod"),
        ("since=11:00", "mod"),
        ("since=2026-11-24 until=09:00", "t"),
        ("time>2026-11-24T11:59:00Z", "d"),
        ("time!=2026-11-24T12:00Z", "mtao"),
        ("bytes>1000000", "t"),
        ("bytes>1e6", "t"),
        ("bytes>1000001", ""),
        ("bytes = 1000001.0", "t"),
        ("bytes!=1000001", "maod"),
        ("bytes>a", ""),
        ("ipxe=true", "d"),
        ("ipxe=TRUE", "d"),
        ("ipxe!=true", "mtao"),
        ("text~\"panic - NOT\"", "m"),
        ("text~\\", ""),
        ("text=*panic*", "m"),
        ("text=\"*panic*\"", ""),
        ("text~\"(\\\"VFS\\\")\"", "m"),
        ("text!~panic", "taod"),
        ("host=5", "m"),
        ("host>4", ""),
        ("host>\"a\"", ""),
        ("text>K", "m"),
        ("text>k", ""),
        ("answers=10.77.0.7", "a"),
        ("answers=10.77.0.*", "a"),
        ("answers~77.0.6", "a"),
        ("refusal=tftpboot/x", "o"),
        ("refusal.path=TFTPBOOT/*", "o"),
        ("refusal.nothing=*", ""),
        ("refusal=*", "o"),
        ("boot_file=*", ""),
        ("boot_file!=*", "mtaod"),
        ("vendor=*", "d"),
        ("vendor=\"\"", "d"),
        ("details.xid=7", "od"),
        ("details.severity=err", "m"),
        ("nowhere=1", ""),
        ("tag=null", ""),
        ("service=dhcp ipxe=true or service=http", "td"),
        ("service=dhcp and (xid=8 or lease=60)", "o"),
        ("not (service=dhcp or service=dns)", "mt"),
        ("not not panic", "m"),
        ("NOT panic", "taod"),
        ("\"or\"", "d"),
        ("http://nothing?a=b", ""),
    ] {
        let filter = parse(text).unwrap_or_else(|error| panic!("{error}"));
        let found: String =
            events.iter().filter(|(_, event)| filter.matches(event)).map(|(letter, _)| letter).collect();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn errors_point_at_the_place() {
    for expected in [
        "machine=web1 severty<=>err\n                      ^ expected a value after `<=`",
        "machine=web9\n        ^^^^ expected a machine's address, MAC, network or name; there are db1, web1, web2",
        "machine=web1,\n             ^ expected a value after `,`",
        "service=dhpc\n        ^^^^ expected one of dhcp, tftp, http, dns, syslog, radv, nfs, power, vm, fetch, track, recipe, watch, alert, page, conf, boot, program",
        "severity<=bad\n          ^^^ expected 0 to 7 or one of emerg, alert, crit, err, warning, notice, info, debug",
        "severity<=*r*\n          ^^^ expected 0 to 7 or one of emerg, alert, crit, err, warning, notice, info, debug",
        "severity~err\n        ^ expected = != < <= > or >= after `severity`",
        "machine<=web1\n       ^^ expected = != ~ or !~ after `machine`",
        "since=soon\n      ^^^^ expected a moment: -2h, 09:30, 2026-11-24 or 2026-11-24T09:20:05Z",
        "since>=-2h\n     ^^ expected = after `since`",
        "mac=zz\n    ^^ expected six octets, as 52:54:00:12:34:56, or some with * as wildcard",
        "segment=lan\n        ^^^ expected the server's address on the segment, as 10.77.0.1, a network, or * as wildcard",
        "kind=http.read\n     ^^^^^^^^^ expected a kind: http.requested, http.progressed, http.completed, http.abandoned, http.refused",
        "ä \"open\n  ^ expected a closing \" after this one",
        "a \"\\n\"\n   ^ expected \\\" or \\\\ here; a backslash stands before a quote or another backslash",
        "(a or b\n^ expected a closing ) after this one",
        "a) b\n ^ expected an opening ( before this one",
        "()\n ^ expected a word or FIELD=VALUE after `(`",
        "a or\n    ^ expected a word or FIELD=VALUE after `or`",
        "or b\n^^ expected a word or FIELD=VALUE after the beginning",
        "a or or b\n     ^^ expected a word or FIELD=VALUE after `or`",
        "a not\n     ^ expected a word or FIELD=VALUE after `not`",
        "a =\n   ^ expected a value after `=`",
        "=b\n^ expected a field before `=`; as a word, put it in quotes",
        "a..b=1\n^^^^ expected the name of a field, as bytes or refusal.path",
    ] {
        let text = expected.split('\n').next().unwrap();
        let error = parse(text).expect_err(text);
        assert_eq!(error.to_string(), expected);
    }
    assert_eq!(parse("a\tb=").unwrap_err().line, "a b=");
}

#[test]
fn limits() {
    assert!(parse(&"a ".repeat(2048)).is_ok());
    assert_eq!(parse(&"a ".repeat(2049)).unwrap_err().column, 4097);
    let nested = |levels: usize| format!("{}a{}", "(".repeat(levels), ")".repeat(levels));
    assert!(parse(&nested(32)).is_ok());
    assert_eq!(parse(&nested(33)).unwrap_err().fault, Fault::TooDeep { most: 32 });
    assert_eq!(parse(&"not ".repeat(40)).unwrap_err().column, 129);
    assert_eq!(parse(&"(".repeat(4096)).unwrap_err().column, 33);
}

#[test]
fn both_filters() {
    let both = parse("panic").unwrap().and(parse("machine=web1 or machine=web2").unwrap());
    assert!(both.matches(&message()) && !both.matches(&transfer()));
    assert!(Filter::default().is_everything() && Filter::default().and(parse("").unwrap()).is_everything());
    assert!(parse(&format!("text~{}", quoted("(\"VFS\")"))).unwrap().matches(&message()));
}
