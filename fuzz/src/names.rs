//! Names asked of the segment's DNS, and names that clients give themselves.

use super::segment::{SERVER, at, conf};
use hickory_proto::{
    rr::{Name, RData, RecordType},
    serialize::binary::{BinDecodable, BinDecoder},
};
use pxelator::{
    conf::{Loader, Mode},
    event::{Event, Fact, LeaseSource},
    net::Mac,
    servers::dns::{Own, look_up, parse, sanitised},
    state::Leases,
};
use std::net::Ipv4Addr;

/// A record type, the length of a client's name for itself, that name, and a name as the wire has it.
pub fn dns_name(data: &[u8]) {
    let [kind, length, rest @ ..] = data else { return };
    let (own_name, wire) = rest.split_at(usize::from(*length).min(rest.len()));
    let own_name = String::from_utf8_lossy(own_name);
    if let Some(host) = sanitised(Some(&own_name)) {
        assert!(host.len() <= 63 && host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'), "{host:?}");
    }
    let leases = leases(&own_name);
    let tree = conf(Mode::Authoritative, Loader::Ipxe, "");
    let segment = &tree.segments[&SERVER];
    let ask = |name: &Name, kind| look_up(segment, &leases, at(1), name, kind);
    let Ok(name) = Name::read(&mut BinDecoder::new(wire)) else { return };
    ask(&name, RecordType::from(u16::from(*kind)));
    if let Own::Records(records) = ask(&name, RecordType::A) {
        for record in records {
            let RData::A(address) = record else { panic!("{record:?} is no address") };
            assert!(segment.network().contains(&address.0));
        }
    }
    if let Own::Records(records) = ask(&name, RecordType::PTR) {
        for record in records {
            let RData::PTR(target) = record else { panic!("{record:?} is no pointer") };
            let Own::Records(back) = ask(&target, RecordType::A) else { panic!("{} leads nowhere", target.0) };
            assert_eq!(back.len(), 1, "{} leads back", target.0);
        }
    }
}

/// A client of the pool that calls itself `hostname`.
fn leases(hostname: &str) -> Leases {
    let address = Ipv4Addr::new(10, 77, 0, 100);
    let fact = Fact::DhcpAcknowledged {
        xid: 1,
        address,
        boot_file: None,
        lease: 3600,
        source: LeaseSource::Pool,
        client: "a".into(),
        hostname: Some(hostname.to_owned()),
        renewal: false,
        architecture: None,
        ipxe: false,
    };
    let event = Event { time: at(0), ..Event::new(Some(SERVER), fact) };
    let mut leases = Leases::default();
    leases.apply(&event.about(Some(address), Some(Mac([2, 0, 0, 0, 0, 1]))));
    leases
}

/// A name as the wire has it, that may be a command.
pub fn dns_command(data: &[u8]) {
    let Ok(name) = Name::read(&mut BinDecoder::new(data)) else { return };
    let Some(Ok(asked)) = parse(&name, "test.lan") else { return };
    let fits = |text: &str| text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b));
    assert!(!asked.verb.contains('.') && !asked.verb.is_empty(), "{asked:?}");
    assert!(fits(&asked.verb) && fits(&asked.argument) && asked.argument.len() < 255, "{asked:?}");
    let point = if asked.argument.is_empty() { "" } else { "." };
    let token = asked.token.map(|token| token.to_string()).unwrap_or("x".to_owned());
    let again = format!("{}{point}{}.{token}.do.test.lan.", asked.verb, asked.argument);
    let again = parse(&Name::from_ascii(&again).expect("a name again"), "test.lan");
    assert!(matches!(again, Some(Ok(again)) if again.verb == asked.verb && again.argument == asked.argument));
}
