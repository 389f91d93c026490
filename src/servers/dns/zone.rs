//! What the segment's own names are: machines of conf, clients of the pool, the server. Pure.

use crate::{conf::Segment, event::LeaseSource, state::Leases};
use hickory_proto::rr::{Name, RData, RecordType, rdata};
use jiff::Timestamp;
use std::{net::Ipv4Addr, str::FromStr};

/// Seconds; machines come and go.
pub const TTL: u32 = 60;
/// The server's name in its domain.
const SERVER: &str = "pxelator";

/// An answer from the segment's own names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Own {
    /// These records; none where the name has none of the type asked for.
    Records(Vec<RData>),
    /// The name would be the segment's, but there is none.
    NoSuchName,
    /// The name is not the segment's.
    Elsewhere,
}

/// Looks `name` up among the segment's own names.
pub fn look_up(segment: &Segment, leases: &Leases, now: Timestamp, name: &Name, kind: RecordType) -> Own {
    if let Some(address) = reverse(name) {
        if !segment.network().contains(&address) {
            return Own::Elsewhere;
        }
        let host = host_of(segment, leases, now, address);
        let pointer = host.and_then(|host| Name::from_str(&format!("{host}.{}.", segment.domain)).ok());
        return match pointer {
            Some(pointer) => records(kind, RecordType::PTR, RData::PTR(rdata::PTR(pointer))),
            None => Own::NoSuchName,
        };
    }
    let text = name.to_string().trim_end_matches('.').to_lowercase();
    let domain = segment.domain.to_lowercase();
    let host = match text.strip_suffix(&domain) {
        Some("") => return apex(segment, kind),
        Some(host) if host.ends_with('.') => host.trim_end_matches('.'),
        // A bare name is this segment's if a machine has it. To deny others would deny whole top-level domains.
        _ if !text.contains('.') => {
            let machine = address_of(segment, leases, now, &text);
            return machine.map_or(Own::Elsewhere, |address| address_record(kind, address));
        }
        _ => return Own::Elsewhere,
    };
    match address_of(segment, leases, now, host) {
        Some(address) => address_record(kind, address),
        None => Own::NoSuchName,
    }
}

/// The segment's own name: the server's address, and who answers for the domain.
fn apex(segment: &Segment, kind: RecordType) -> Own {
    let data = match kind {
        RecordType::SOA => start_of_authority(&segment.domain).map(RData::SOA),
        RecordType::NS => {
            Name::from_str(&format!("{SERVER}.{}.", segment.domain)).ok().map(|n| RData::NS(rdata::NS(n)))
        }
        other => return address_record(other, segment.server),
    };
    Own::Records(data.into_iter().collect())
}

/// How long clients may remember that a name was not there (RFC 2308, section 3).
pub fn start_of_authority(domain: &str) -> Option<rdata::SOA> {
    let server = Name::from_str(&format!("{SERVER}.{domain}.")).ok()?;
    let owner = Name::from_str(&format!("hostmaster.{domain}.")).ok()?;
    Some(rdata::SOA::new(server, owner, 1, 3600, 600, 86_400, TTL))
}

/// The zone that `name` is denied by: the domain, or the reverse zone of its last octet.
pub fn zone_of(name: &Name, domain: &str) -> Option<Name> {
    match reverse(name) {
        Some(_) => Some(name.base_name()),
        None => Name::from_str(&format!("{domain}.")).ok(),
    }
}

fn address_record(asked: RecordType, address: Ipv4Addr) -> Own {
    records(asked, RecordType::A, RData::A(rdata::A(address)))
}

fn records(asked: RecordType, kind: RecordType, data: RData) -> Own {
    Own::Records(if asked == kind || asked == RecordType::ANY { vec![data] } else { Vec::new() })
}

fn address_of(segment: &Segment, leases: &Leases, now: Timestamp, host: &str) -> Option<Ipv4Addr> {
    let machine = segment.machines.values().find(|machine| machine.hostname.eq_ignore_ascii_case(host));
    if let Some(machine) = machine {
        return Some(machine.address);
    }
    if host == SERVER {
        return Some(segment.server);
    }
    let given = leases.iter().filter(|lease| lease.is_active(now) && lease.source == LeaseSource::Pool);
    // Of two clients with one name the one that came last has it.
    let newest = given.filter(|lease| sanitised(lease.hostname.as_deref()).as_deref() == Some(host));
    newest.max_by_key(|lease| lease.given).map(|lease| lease.address)
}

fn host_of(segment: &Segment, leases: &Leases, now: Timestamp, address: Ipv4Addr) -> Option<String> {
    if address == segment.server {
        return Some(SERVER.to_owned());
    }
    if let Some(machine) = segment.machines.get(&address) {
        return Some(machine.hostname.clone());
    }
    let lease = leases.get(address).filter(|lease| lease.is_active(now))?;
    let host = sanitised(lease.hostname.as_deref())?;
    // Only a name that leads back to the address: a configured machine's is never taken.
    (address_of(segment, leases, now, &host) == Some(address)).then_some(host)
}

/// A name as a client gives itself, as a host name (RFC 1123, section 2.1): letters, digits and inner hyphens,
/// its first label only, lower case.
pub fn sanitised(name: Option<&str>) -> Option<String> {
    let first = name?.split('.').next()?;
    let kept = first.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
    let kept: String = kept.take(63).collect();
    let kept = kept.trim_matches('-');
    (!kept.is_empty()).then(|| kept.to_owned())
}

/// The address of a name below in-addr.arpa (RFC 1035, section 3.5).
fn reverse(name: &Name) -> Option<Ipv4Addr> {
    let text = name.to_string().to_lowercase();
    let numbers = text.trim_end_matches('.').strip_suffix(".in-addr.arpa")?;
    let octets: Vec<u8> = numbers.split('.').map(|n| n.parse().ok()).collect::<Option<_>>()?;
    let [d, c, b, a]: [u8; 4] = octets.try_into().ok()?;
    Some(Ipv4Addr::new(a, b, c, d))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_clients_give_themselves() {
        for (given, name) in [
            ("Laptop", Some("laptop")),
            ("anna's phone", Some("anna-s-phone")),
            ("-x-.example.org", Some("x")),
            ("...", None),
            ("\u{1b}[31m", Some("31m")),
        ] {
            assert_eq!(sanitised(Some(given)).as_deref(), name, "{given:?}");
        }
    }

    #[test]
    fn reverse_names() {
        let of = |text: &str| reverse(&Name::from_str(text).unwrap());
        assert_eq!(of("60.0.77.10.in-addr.arpa."), Some(Ipv4Addr::new(10, 77, 0, 60)));
        assert_eq!((of("0.77.10.in-addr.arpa."), of("bios1.lan."), of("999.0.0.1.in-addr.arpa.")), (None, None, None));
    }
}
