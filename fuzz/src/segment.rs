//! The segment that the targets work on: one machine of conf, a pool of four addresses, a profile.

use jiff::Timestamp;
use pxelator::{
    conf::{Conf, Loader, Machine, Mode, Pool, Profile, Segment},
    net::Mac,
};
use std::{collections::BTreeMap, net::Ipv4Addr, sync::Arc, time::Duration};

/// The server.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
/// The machine of conf.
pub const MACHINE: (Ipv4Addr, Mac) = (Ipv4Addr::new(10, 77, 0, 102), Mac([0x52, 0x54, 0, 0x77, 0, 0x60]));

/// The tree. The machine has an address of the pool, and an `extra` value that templates use.
pub fn conf(mode: Mode, loader: Loader, extra: &str) -> Conf {
    let machine = Machine {
        boot: Some("live".into()),
        extra: BTreeMap::from([("page".to_owned(), extra.to_owned())]),
        ..Machine::new(MACHINE.0, MACHINE.1, "web1")
    };
    let segment = Segment {
        domain: "test.lan".into(),
        gateway: Some(Ipv4Addr::new(10, 77, 0, 254)),
        pool: Some(Pool { first: Ipv4Addr::new(10, 77, 0, 100), last: Ipv4Addr::new(10, 77, 0, 104) }),
        lease: Duration::from_secs(60),
        boot: Some("live".into()),
        loader,
        mode,
        machines: BTreeMap::from([(MACHINE.0, Arc::new(machine))]),
        ..Segment::new(SERVER)
    };
    let profile = Profile::new(
        "live",
        &[
            ("kernel", "live/vmlinuz"),
            ("initrd", "live/initrd.img"),
            ("append", "host={{ machine.hostname }} page={{ machine.page }}"),
        ],
    );
    Conf {
        segments: [(SERVER, Arc::new(segment))].into(),
        profiles: [("live".to_owned(), Arc::new(profile))].into(),
        ..Conf::default()
    }
}

/// Some time.
pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap_or_default()
}
