//! Random events and random filters that have something to do with each other.

use jiff::Timestamp;
use proptest::{collection::vec, option, prelude::*, sample::select};
use pxelator::{
    event::{
        Action, Architecture, Asker, Event, Fact, LeaseSource, MachineSummary, Refusal, Role, Service, Severity,
        Silence, Transfer,
    },
    filter::Names,
    net::Mac,
};
use std::net::Ipv4Addr;

const TEXTS: &[&str] = &[
    "",
    "panic",
    "Kernel Panic",
    "ÄÖ panic",
    "äö",
    "100%",
    "a_b",
    "a*b",
    "a\\b",
    "say \"x\"",
    "5",
    "5.0",
    "true",
    "null",
    "Null",
    "-1",
    "10.77.0.60",
    "x\u{1}y",
    "x\0y",
    "\u{feff}",
    "日本 kernel",
    "[a-z]+(b|c)$^.",
    "line\nbreak",
    "İI",
    "ß",
    "~",
    "'; drop table event; --",
];
const FIELDS: &[&str] = &[
    "text",
    "tag",
    "xid",
    "bytes",
    "size",
    "id",
    "ipxe",
    "vendor",
    "hostname",
    "refusal",
    "refusal.path",
    "refusal.why",
    "refusal.kind",
    "reason",
    "answers",
    "machines",
    "pool",
    "pool.x",
    "address",
    "architecture",
    "source",
    "details.severity",
    "details.service",
    "nowhere",
    "a.b.c",
    "millis",
    "count",
    "file",
    "role",
];

/// The servers that events are of.
pub const SEGMENTS: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 77, 0, 1), Ipv4Addr::new(10, 78, 0, 1)];

fn segment(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, last, 0, 1)
}

fn address(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 77, last % 3, last)
}

fn mac(last: u8) -> Mac {
    Mac([0x52, 0x54, 0, 0, 0, last])
}

/// Two segments, in which two machines have one name, and one address is of two machines.
pub fn here_names() -> Names {
    let machine = |last: u8, hostname: &str| MachineSummary {
        address: address(last),
        mac: mac(last),
        hostname: hostname.to_owned(),
        boot: None,
        armed: None,
        last: None,
        firmware: None,
        power: None,
    };
    let loaded = |server, machines| {
        let fact = Fact::ConfLoaded { domain: "a.lan".into(), mode: "off".into(), pool: None, machines };
        Names::of(&Event::new(Some(segment(server)), fact)).0
    };
    let mut names = loaded(77, vec![machine(1, "web1"), machine(2, "web2")]);
    names.extend(loaded(78, vec![machine(3, "web1"), machine(1, "db")]));
    Names(names)
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![4 => select(TEXTS).prop_map(ToOwned::to_owned), 1 => "\\PC{0,12}"]
}

/// Some of them beyond what JavaScript is exact in, where `large`.
fn number(large: bool) -> impl Strategy<Value = u64> {
    let exact = vec![1_000_000, (1 << 53) - 1, 1 << 53];
    let beyond = vec![(1 << 53) + 1, i64::MAX as u64, u64::MAX, 1 << 63];
    prop_oneof![3 => 0_u64..8, 1 => select(if large { [exact, beyond].concat() } else { exact })]
}

fn refusal() -> impl Strategy<Value = Refusal> {
    prop_oneof![
        text().prop_map(|path| Refusal::Missing { path }),
        Just(Refusal::NotAFile),
        (text(), text()).prop_map(|(profile, error)| Refusal::BrokenProfile { profile, error }),
    ]
}

fn facts(large: bool) -> impl Strategy<Value = Fact> {
    let severity = select(Severity::ALL.to_vec());
    let number = || number(large);
    let transfer = (number(), text(), option::of(number()), number(), number())
        .prop_map(|(id, file, size, bytes, millis)| Transfer { id, file, role: Role::Kernel, size, bytes, millis })
        .boxed();
    let machine = (0_u8..5, text()).prop_map(|(last, hostname)| MachineSummary {
        address: address(last),
        mac: mac(last),
        hostname,
        boot: None,
        armed: None,
        last: None,
        firmware: Some(Architecture::Bios),
        power: None,
    });
    prop_oneof![
        (severity, option::of(text()), text()).prop_map(|(severity, tag, text)| Fact::SyslogReceived {
            severity,
            facility: None,
            tag,
            host: None,
            sent: None,
            text,
        }),
        (any::<bool>(), option::of(text()), option::of(text()), 0_u32..8).prop_map(|(ipxe, vendor, hostname, xid)| {
            Fact::DhcpDiscovered {
                xid,
                architecture: ipxe.then_some(Architecture::UefiX64),
                vendor,
                ipxe,
                hostname,
                relay: None,
            }
        }),
        (option::of(refusal()), 0_u8..5, option::of(text())).prop_map(|(refusal, last, boot_file)| Fact::DhcpOffered {
            xid: 5,
            address: address(last),
            boot_file,
            refusal,
            lease: 60,
            source: LeaseSource::Pool,
        }),
        Just(Fact::DhcpIgnored { xid: 5, reason: Silence::ForeignRelay { relay: segment(9) } }),
        transfer.clone().prop_map(|transfer| Fact::TftpCompleted { transfer }),
        (transfer, text()).prop_map(|(transfer, reason)| Fact::HttpAbandoned { transfer, reason }),
        (refusal(), text()).prop_map(|(refusal, file)| Fact::HttpRefused { file, role: Role::Other, refusal }),
        vec(text(), 0..3).prop_map(|answers| Fact::DnsAnswered { name: "a.".into(), record: "A".into(), answers }),
        (vec(machine, 0..3), option::of(0_u8..5)).prop_map(|(machines, pool)| Fact::ConfLoaded {
            domain: String::new(),
            mode: "off".into(),
            pool: pool.map(|last| (address(last), segment(last))),
            machines,
        }),
        Just(Fact::PowerRequested { action: Action::On, method: "qemu".into(), by: Asker::Operator }),
        (select(Service::ALL.to_vec()), number(), text()).prop_map(|(service, count, error)| Fact::PacketRejected {
            service,
            source: "fe80::1".parse().unwrap(),
            error,
            count,
        }),
        text().prop_map(|version| Fact::ProgramStarted { version }),
    ]
}

/// Within some seconds, with numbers that are `large` for JavaScript or not; on two segments or none, about few machines or none.
pub fn events(large: bool) -> impl Strategy<Value = Event> {
    let seconds = "2026-11-24T11:59:50Z".parse::<Timestamp>().unwrap().as_microsecond();
    let time = (0_i64..8, select(vec![0, 1, 500_000, 999_999]))
        .prop_map(move |(second, micro)| Timestamp::from_microsecond(seconds + second * 1_000_000 + micro).unwrap());
    let segment = option::of(select(vec![segment(77), segment(78)]));
    let who = (option::of((0_u8..5).prop_map(address)), option::of((0_u8..5).prop_map(mac)));
    (time, segment, who, facts(large)).prop_map(|(time, segment, (machine, mac), fact)| Event {
        time,
        segment,
        machine,
        mac,
        fact,
    })
}

fn quoted(text: &str) -> String {
    pxelator::filter::quoted(text)
}

fn values() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => text().prop_map(|text| quoted(&text)),
        2 => select(vec![
            "*", "*panic*", "p*c", "5", "5.0", "5e0", "1e6", "true", "FALSE", "9007199254740992", "9007199254740993",
            "9223372036854775807", "18446744073709551615", "-1", "0.5", "10.77.0.*", "*%*", "*_*", "**", "null", "äö",
        ]).prop_map(ToOwned::to_owned),
    ]
}

fn terms() -> impl Strategy<Value = String> {
    let operators = select(vec!["=", "!=", "~", "!~", "<", "<=", ">", ">="]);
    let word = text().prop_map(|text| quoted(&text));
    let column = select(vec![
        "machine=web1",
        "machine!=web*",
        "machine=db",
        "machine~web",
        "machine~0.6",
        "machine=*",
        "machine!=*",
        "machine=10.77.1.1",
        "machine=10.77.0.0/23",
        "machine=10.77.0.0/16",
        "machine=0.0.0.0/0",
        "machine=10.77.2.2/32",
        "machine=10.77.*.1",
        "machine=52:54:00:00:00:01",
        "mac=*",
        "mac!=52-54-00-00-00-02",
        "mac=52:*:03",
        "mac~:00:0",
        "segment=10.77.0.1",
        "segment=10.78.0.0/24",
        "segment!=10.78.0.1",
        "segment!=*",
        "service=dhcp,tftp",
        "service!=syslog",
        "service=p*",
        "kind=dhcp.*",
        "kind=syslog.received",
        "kind!=http.*",
        "kind~refused",
        "severity<=err",
        "severity>3",
        "severity=info,debug",
        "severity!=info",
        "severity<emerg",
        "since=2026-11-24T11:59:53Z",
        "since=-8s",
        "until=2026-11-24T11:59:55.5Z",
        "time=2026-11-24T11:59:52Z",
        "time!=2026-11-24T11:59:52Z",
        "time<2026-11-24T11:59:54Z",
        "time>2026-11-24T11:59:51.999999Z",
        "since=0001-01-01T00:00Z",
        "panic",
        "kernel",
        "DHCP",
        "Ä",
    ])
    .prop_map(ToOwned::to_owned);
    prop_oneof![
        4 => (select(FIELDS), operators, values()).prop_map(|(field, operator, value)| format!("{field}{operator}{value}")),
        3 => column,
        1 => word,
    ]
}

/// Filters as people may write them, only more entangled.
pub fn filters() -> impl Strategy<Value = String> {
    terms().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(|terms| format!("({})", terms.join(" "))),
            vec(inner.clone(), 2..4).prop_map(|terms| format!("({})", terms.join(" or "))),
            inner.prop_map(|term| format!("not {term}")),
        ]
    })
}
