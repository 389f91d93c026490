//! How long the DHCP server takes to decode, decide and encode.

mod segment;

use criterion::{Criterion, criterion_group, criterion_main};
use pxelator::{
    conf::Conf,
    net::Mac,
    servers::dhcp::{Addresses, Decision, Port, Request, View, decide, encode},
};
use segment::{SERVER, addresses, at, conf, mac};
use std::{hint::black_box, net::Ipv4Addr};

/// A client's message as firmware sends it.
fn packet(kind: u8, mac: Mac, wish: Option<Ipv4Addr>) -> Vec<u8> {
    let mut packet = vec![0; 240];
    packet[..3].copy_from_slice(&[1, 1, 6]);
    packet[28..34].copy_from_slice(&mac.0);
    packet[236..240].copy_from_slice(&[99, 130, 83, 99]);
    packet.extend([53, 1, kind, 55, 6, 1, 3, 6, 43, 66, 67, 93, 2, 0, 7, 60, 9]);
    packet.extend(b"PXEClient");
    if let Some(wish) = wish {
        packet.extend([&[50, 4][..], &wish.octets(), &[54, 4], &SERVER.octets()].concat());
    }
    packet.push(255);
    packet
}

fn answer(packet: &[u8], conf: &Conf, addresses: &Addresses) -> Vec<u8> {
    let request = Request::decode(packet).unwrap();
    let view = View { conf, segment: &conf.segments[&SERVER], addresses, now: at(2), standing: Default::default() };
    let Decision::Answer(answer) = decide(&request, Port::Server, view) else { panic!("no answer") };
    encode(&answer.reply.unwrap()).unwrap()
}

fn benches(c: &mut Criterion) {
    let small = conf(100);
    let full = addresses(&small, 10_000);
    let mut group = c.benchmark_group("decide");
    let mut run = |name: &str, packet: Vec<u8>, conf: &Conf| {
        group.bench_function(name, |b| b.iter(|| answer(black_box(&packet), conf, &full)));
    };
    run("discover, reservation", packet(1, mac(1, 50), None), &small);
    run("discover, reservation of 10k machines", packet(1, mac(1, 9_000), None), &conf(10_000));
    run("discover, pool with 10k leases", packet(1, mac(3, 1), None), &small);
    run("request, reservation", packet(3, mac(1, 50), Some(Ipv4Addr::new(10, 88, 0, 60))), &small);
    run("request, pool with 10k leases", packet(3, mac(2, 0), Some(Ipv4Addr::new(10, 88, 64, 0))), &small);
}

criterion_group!(all, benches);
criterion_main!(all);
