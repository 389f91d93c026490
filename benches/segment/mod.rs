//! The segment that the benchmarks work on: a /16 with a pool, machines of conf, and clients that have leases.
#![allow(dead_code)] // each benchmark uses a part of it

use jiff::Timestamp;
use pxelator::{
    conf::{Conf, Machine, Pool, Profile, Segment},
    event::{Event, Fact, LeaseSource},
    net::Mac,
    servers::dhcp::Addresses,
    state::Leases,
};
use std::{net::Ipv4Addr, sync::Arc};

/// The server.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(10, 88, 0, 1);

/// Some time.
pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// The `n`th machine of conf, or client of the pool.
pub fn mac(kind: u8, n: u32) -> Mac {
    let [_, a, b, c] = n.to_be_bytes();
    Mac([2, kind, 0, a, b, c])
}

/// The tree with as many machines, from 10.88.0.10 on; the pool is 10.88.64.0-10.88.127.255.
pub fn conf(machines: u32) -> Conf {
    let machine = |n: u32| {
        let address = Ipv4Addr::from_bits(Ipv4Addr::new(10, 88, 0, 10).to_bits() + n);
        let named = Machine::new(address, mac(1, n), &format!("m{n}"));
        let machine = Machine { boot: Some("live".into()), ..named };
        (address, Arc::new(machine))
    };
    let segment = Segment {
        prefix: 16,
        pool: Some(Pool { first: Ipv4Addr::new(10, 88, 64, 0), last: Ipv4Addr::new(10, 88, 127, 255) }),
        boot: Some("live".into()),
        machines: (0..machines).map(machine).collect(),
        ..Segment::new(SERVER)
    };
    let profile = Profile::new("live", &[("kernel", "k")]);
    Conf {
        segments: [(SERVER, Arc::new(segment))].into(),
        profiles: [("live".to_owned(), Arc::new(profile))].into(),
        ..Conf::default()
    }
}

/// `leases` clients of the pool with their addresses, and a stock of probed ones.
pub fn addresses(conf: &Conf, leases: u32) -> Addresses {
    let mut known = Leases::default();
    for n in 0..leases {
        let address = Ipv4Addr::from_bits(Ipv4Addr::new(10, 88, 64, 0).to_bits() + n);
        let fact = Fact::DhcpAcknowledged {
            xid: 1,
            address,
            boot_file: None,
            lease: 3600,
            source: LeaseSource::Pool,
            client: mac(2, n).to_string(),
            hostname: None,
            renewal: false,
            architecture: None,
            ipxe: false,
        };
        let event = Event { time: at(0), ..Event::new(Some(SERVER), fact) };
        known.apply(&event.about(Some(address), Some(mac(2, n))));
    }
    let mut addresses = Addresses::new(known);
    // Each look takes a part of the pool.
    while addresses.ready() == 0 {
        let asked = addresses.to_probe(&[], 0, &conf.segments[&SERVER], at(1), 1024);
        asked.into_iter().for_each(|address| addresses.unanswered(address, at(1)));
    }
    addresses
}
