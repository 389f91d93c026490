//! Conf files that make no sense: told with path and value, the last good value stays in force, the rest goes on.

use crate::support::{Client, Program, Segment, can_run};
use pxelator::event::Fact;
use std::{fs, net::Ipv4Addr};

const KNOWN: [u8; 6] = [2, 0, 0, 0, 0, 0x60];

/// Waits until the file at `path` is told to be wrong; the result is what was expected of it.
fn rejected(program: &Program, path: &str) -> String {
    let is_it = |fact: &Fact| match fact {
        Fact::ConfRejected { path: p, expected, .. } if p == path => Some(expected.clone()),
        _ => None,
    };
    let event = program.wait(&format!("{path} is rejected"), |event| is_it(&event.fact).is_some());
    is_it(&event.fact).unwrap()
}

fn mended(program: &Program, path: &str) {
    program
        .wait(&format!("{path} is mended"), |event| matches!(&event.fact, Fact::ConfMended { path: p } if p == path));
}

#[test]
fn a_tree_full_of_mistakes_still_serves_what_makes_sense() {
    if !can_run(&[]) {
        return;
    }
    let segment = Segment::new("mistakes");
    let conf = segment.conf_dir().join("10.77.0.1");
    segment.machine(60, "02:00:00:00:00:60", "known");
    // Two machines with one MAC; a machine without; one whose MAC is a folder; one that is a file.
    segment.machine(61, "02:00:00:00:00:60", "copy");
    segment.conf("10.77.0.1/10.77.0.62/hostname", "nomac");
    fs::create_dir_all(conf.join("10.77.0.63/mac")).unwrap();
    segment.conf("10.77.0.1/10.77.0.64", "a file");
    segment.conf("10.77.0.1/10.99.0.1/mac", "02:00:00:00:00:61");
    fs::create_dir_all(conf.join("lease")).unwrap();
    fs::write(conf.join("gateway"), [0xff, 0xfe, b'x']).unwrap();
    fs::write(conf.join("ntp"), vec![b'1'; 70_000]).unwrap();
    nix::unistd::mkfifo(&conf.join("dns"), nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
    fs::write(conf.join("mode"), "\n").unwrap();
    let program = Program::start(&segment);
    for (file, expected) in [
        ("10.77.0.61/mac", "this machine's alone: 10.77.0.60 has the same MAC"),
        ("10.77.0.62/mac", "there; every machine has a file mac"),
        ("10.77.0.63/mac", "a file that can be read"),
        ("10.77.0.64", "a machine's address, nor one of"),
        ("10.99.0.1", "an address of a machine in 10.77.0.0/24"),
        ("lease", "a file that can be read"),
        ("gateway", "text in UTF-8"),
        ("ntp", "a value of at most 64 KiB"),
        ("dns", "a file that can be read"),
        ("mode", "a value; remove the file to take the default"),
    ] {
        let told = rejected(&program, &format!("10.77.0.1/{file}"));
        assert!(told.starts_with(expected), "{file}: {told}");
    }
    let host = segment.host("known", "02:00:00:00:00:60");
    host.address("10.77.0.60");
    assert_eq!(Client::new(&host).lease(KNOWN, 1), Ipv4Addr::new(10, 77, 0, 60));
}

#[test]
fn the_last_good_value_stays_in_force() {
    if !can_run(&[]) {
        return;
    }
    let segment = Segment::new("lastgood");
    segment.conf("10.77.0.1/pool", "10.77.0.100-10.77.0.109");
    segment.machine(60, "02:00:00:00:00:60", "known");
    let program = Program::start(&segment);
    let host = segment.host("any", "02:00:00:00:00:09");
    host.address("10.77.0.9");
    let client = Client::new(&host);
    segment.conf("10.77.0.1/pool", "10.77.0.100-10.77.0.300");
    assert_eq!(rejected(&program, "10.77.0.1/pool"), "a range as 10.77.0.100-10.77.0.200");
    let mac = segment.conf_dir().join("10.77.0.1/10.77.0.60/mac");
    fs::write(mac, [0xff; 20]).unwrap();
    assert_eq!(rejected(&program, "10.77.0.1/10.77.0.60/mac"), "text in UTF-8");
    let stranger = client.lease([2, 0, 0, 0, 1, 1], 0x10);
    assert!((100..=109).contains(&stranger.octets()[3]), "{stranger} is of the last good pool");
    assert_eq!(client.lease(KNOWN, 0x20), Ipv4Addr::new(10, 77, 0, 60));
    segment.conf("10.77.0.1/pool", "10.77.0.200-10.77.0.209");
    mended(&program, "10.77.0.1/pool");
    let other = client.lease([2, 0, 0, 0, 1, 2], 0x30);
    assert!((200..=209).contains(&other.octets()[3]), "{other} is of the new pool");
}
