//! How long the state takes to fold events: one boot, and a day's worth of many.

mod segment;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use pxelator::{
    boot::role_of,
    event::{Architecture, Event, Fact, LeaseSource, MachineSummary, Severity, Transfer},
    state::State,
};
use segment::{SERVER, at, mac};
use std::{hint::black_box, net::Ipv4Addr, sync::Arc};

fn address(n: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(Ipv4Addr::new(10, 88, 0, 10).to_bits() + n)
}

/// The events of a boot of the `n`th machine, from its first packet to its first message.
fn boot(n: u32, begin: i64) -> Vec<Arc<Event>> {
    let (xid, address, architecture) = (n, address(n), Some(Architecture::UefiX64));
    let mut facts = Vec::new();
    for ipxe in [false, true] {
        let boot_file = Some("ipxe.efi".to_owned());
        let source = LeaseSource::Reservation;
        facts.push(Fact::DhcpDiscovered { xid, architecture, vendor: None, ipxe, hostname: None, relay: None });
        facts.push(Fact::DhcpOffered {
            xid,
            address,
            boot_file: boot_file.clone(),
            refusal: None,
            lease: 3600,
            source,
        });
        facts.push(Fact::DhcpAcknowledged {
            xid,
            address,
            boot_file,
            lease: 3600,
            source,
            client: mac(1, n).to_string(),
            hostname: None,
            renewal: false,
            architecture,
            ipxe,
        });
    }
    for (id, file) in (0..).zip(["boot.ipxe", "live/vmlinuz", "live/initrd.img"]) {
        let whole = 50_000_000;
        let transfer = |bytes| Transfer {
            id,
            file: file.into(),
            role: role_of(file),
            size: Some(whole),
            bytes,
            millis: bytes / 50_000,
        };
        facts.push(Fact::HttpRequested { transfer: transfer(0) });
        facts.extend((1..10).map(|part| Fact::HttpProgressed { transfer: transfer(whole / 10 * part) }));
        facts.push(Fact::HttpCompleted { transfer: transfer(whole) });
    }
    facts.extend((0..40).map(|line| Fact::SyslogReceived {
        severity: Severity::Info,
        facility: Some("kern".into()),
        tag: Some("kernel".into()),
        host: None,
        sent: None,
        text: format!("line {line} of a boot's log, as long as such lines are on the average"),
    }));
    let event = |(second, fact)| {
        let event = Event { time: at(begin + second), ..Event::new(Some(SERVER), fact) };
        Arc::new(event.about(Some(address), Some(mac(1, n))))
    };
    (0..).zip(facts).map(event).collect()
}

/// A state with as many machines of conf.
fn state(machines: u32) -> State {
    let summary = |n| MachineSummary {
        address: address(n),
        mac: mac(1, n),
        hostname: format!("m{n}"),
        boot: Some("live".into()),
        armed: None,
        last: None,
        firmware: None,
        power: None,
    };
    let machines = (0..machines).map(summary).collect();
    let fact = Fact::ConfLoaded { domain: "lan".into(), mode: "authoritative".into(), pool: None, machines };
    let mut state = State::default();
    state.apply(&Arc::new(Event::new(Some(SERVER), fact)));
    state
}

fn benches(c: &mut Criterion) {
    let mut group = c.benchmark_group("fold");
    group.sample_size(20);
    let mut run = |name: &str, events: Vec<Arc<Event>>| {
        group.throughput(Throughput::Elements(events.len() as u64));
        group.bench_function(name, |b| {
            b.iter_batched(
                || state(500),
                |mut state| {
                    events.iter().for_each(|event| state.apply(event));
                    black_box(state)
                },
                BatchSize::LargeInput,
            );
        });
    };
    run("a boot", boot(7, 0));
    let many: Vec<_> = (0..).flat_map(|n| boot(n % 500, i64::from(n) * 10)).take(100_000).collect();
    run("100k events of 500 machines", many);
    let strangers = (0..20_000u32).map(|n| {
        let fact =
            Fact::DhcpDiscovered { xid: n, architecture: None, vendor: None, ipxe: false, hostname: None, relay: None };
        let event = Event { time: at(i64::from(n)), ..Event::new(Some(SERVER), fact) };
        Arc::new(event.about(None, Some(mac(9, n))))
    });
    run("20k strangers", strangers.collect());
}

criterion_group!(all, benches);
criterion_main!(all);
