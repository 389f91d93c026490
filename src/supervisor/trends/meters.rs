//! Measures what nobody else does: interfaces, the pool, power, virtual machines, the program itself.

use super::{
    super::segments::{Shared, choose},
    next_step, this_step,
};
use crate::{
    conf::Rung,
    event::PowerState,
    net::Meter,
    sample::{Of, Sample},
    trend::{
        family::name_of,
        process::{self, Used},
    },
    vm::{Qmp, Traces},
};
use jiff::Timestamp;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    path::Path,
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::timeout};

/// What QEMU gets to tell what its disks did: longer, and others wait for it.
const PATIENCE: Duration = Duration::from_secs(1);
/// Virtual machines asked at the same time.
const AT_ONCE: usize = 16;

type Place = (Ipv4Addr, Ipv4Addr);
type Values = Vec<(&'static str, Option<f64>)>;

/// What a virtual machine's process has done so far.
#[derive(Clone, Copy)]
struct Done {
    pid: u32,
    at: Instant,
    used: Used,
    /// Bytes that its disks read and wrote.
    disk: Option<(u64, u64)>,
}

/// Measures once a step until shutdown.
pub async fn measure(shared: &Shared) {
    let mut meter = Meter::default();
    let mut looked = Instant::now();
    let mut machines: BTreeMap<Place, Option<Done>> = BTreeMap::new();
    let mut own: Option<(Instant, Used)> = None;
    loop {
        tokio::select! {
            () = shared.shutdown.cancelled() => return,
            () = next_step(Duration::ZERO) => {}
        }
        let time = this_step();
        let put = |of, family: String, values| shared.samples.put(Sample { time, of, family, values });
        interfaces(shared, &mut meter, &mut looked, &put);
        segments(shared, time, &put);
        virtual_machines(shared, &mut machines, &put).await;
        if let Some(used) = process::used(std::process::id()) {
            let now = Instant::now();
            let cpu = own.map(|(at, before)| share(before.cpu, used.cpu, now - at));
            put(Of::Program, "process".into(), vec![("cpu", cpu), ("memory", Some(used.memory as f64))]);
            own = Some((now, used));
        }
    }
}

/// Bytes through the interfaces of the segments.
fn interfaces(shared: &Shared, meter: &mut Meter, looked: &mut Instant, put: &impl Fn(Of, String, Values)) {
    let Ok(traffic) = meter.look(looked.elapsed()) else { return };
    *looked = Instant::now();
    let conf = shared.conf.borrow().clone();
    for (segment, interface) in choose(&shared.options, &conf).unwrap_or_default() {
        if let Some(traffic) = traffic.iter().find(|traffic| traffic.interface == interface.name) {
            let bytes = |bits: u64| Some(bits as f64 / 8.0);
            let values = vec![("received", bytes(traffic.received.bits)), ("sent", bytes(traffic.sent.bits))];
            put(Of::Segment(segment), format!("interface-{}", name_of(&interface.name)), values);
        }
    }
}

/// What the state knows: the pool, and who has power.
fn segments(shared: &Shared, time: Timestamp, put: &impl Fn(Of, String, Values)) {
    let state = shared.state.read();
    for (address, segment) in state.segments.iter().filter(|(_, segment)| segment.current && !segment.remote) {
        if let Some((first, last)) = segment.pool {
            let leased =
                segment.leases.iter().filter(|lease| (first..=last).contains(&lease.address) && lease.is_active(time));
            let size = f64::from(u32::from(last).saturating_sub(u32::from(first))) + 1.0;
            put(
                Of::Segment(*address),
                "pool".into(),
                vec![("used", Some(leased.count() as f64)), ("size", Some(size))],
            );
        }
        for machine in segment.machines.values().filter(|machine| machine.in_conf) {
            let on = match machine.power {
                Some(PowerState::On) => Some(1.0),
                Some(PowerState::Off) => Some(0.0),
                _ => None,
            };
            if let Some(at) = machine.address.filter(|_| on.is_some()) {
                put(Of::Machine(*address, at), "power".into(), vec![("on", on)]);
            }
        }
    }
}

/// Processors and memory of QEMU's processes, and what their disks do.
async fn virtual_machines(
    shared: &Shared,
    before: &mut BTreeMap<Place, Option<Done>>,
    put: &impl Fn(Of, String, Values),
) {
    let mut wanted = Vec::new();
    let conf = shared.conf.borrow().clone();
    for (address, _) in choose(&shared.options, &conf).unwrap_or_default() {
        let machines = conf.segments.get(&address).into_iter().flat_map(|segment| segment.machines.values());
        for machine in machines {
            let qemu = machine.power.iter().find_map(|rung| match rung {
                Rung::Qemu(qemu) => Some(qemu),
                _ => None,
            });
            if let Some(qemu) = qemu {
                wanted.push(((address, machine.address), qemu.disk.is_some()));
            }
        }
    }
    before.retain(|place, _| wanted.iter().any(|(wanted, _)| wanted == place));
    let mut asked = JoinSet::new();
    let mut wanted = wanted.into_iter();
    loop {
        while asked.len() < AT_ONCE
            && let Some((place, has_disk)) = wanted.next()
        {
            let traces = Traces::of(&shared.options.run, place.1);
            asked.spawn(async move { (place, look(traces, has_disk).await) });
        }
        let Some(looked) = asked.join_next().await else { return };
        let Ok((place, looked)) = looked else { continue };
        let Some(done) = looked else {
            // While it is off, its graph has a hole: values would be taken to stand for the time since the last.
            if let Some(last) = before.get_mut(&place) {
                *last = None;
                let none = ["cpu", "memory", "read", "written"].map(|name| (name, None));
                put(Of::Machine(place.0, place.1), "vm".into(), none.to_vec());
            }
            continue;
        };
        let last = before.insert(place, Some(done)).flatten().filter(|last| last.pid == done.pid);
        let elapsed = last.map(|last| done.at - last.at);
        let rate = |of: fn((u64, u64)) -> u64| {
            let (last, elapsed) = (last?, elapsed?);
            Some(of(done.disk?).saturating_sub(of(last.disk?)) as f64 / elapsed.as_secs_f64().max(0.001))
        };
        let cpu = last.zip(elapsed).map(|(last, elapsed)| share(last.used.cpu, done.used.cpu, elapsed));
        let (read, written) = (rate(|disk| disk.0), rate(|disk| disk.1));
        let memory = Some(done.used.memory as f64);
        let values = vec![("cpu", cpu), ("memory", memory), ("read", read), ("written", written)];
        put(Of::Machine(place.0, place.1), "vm".into(), values);
    }
}

/// None where it does not run: that is a hole.
async fn look(traces: Traces, has_disk: bool) -> Option<Done> {
    let pid = u32::try_from(traces.running()?.as_raw()).ok()?;
    let used = process::used(pid)?;
    let disk = if has_disk { timeout(PATIENCE, disks(&traces.qmp)).await.ok().flatten() } else { None };
    Some(Done { pid, at: Instant::now(), used, disk })
}

/// Bytes that all disks of a virtual machine read and wrote since it runs.
async fn disks(socket: &Path) -> Option<(u64, u64)> {
    let mut qmp = Qmp::open(socket).await.ok()?;
    let told = qmp.ask("query-blockstats", Value::Null).await.ok()?;
    Some(sum(&told))
}

fn sum(told: &Value) -> (u64, u64) {
    let disks = told.as_array().into_iter().flatten();
    let of = |disk: &Value, value: &str| disk["stats"][value].as_u64().unwrap_or(0);
    disks.fold((0, 0), |(read, written), disk| (read + of(disk, "rd_bytes"), written + of(disk, "wr_bytes")))
}

/// Parts of one processor.
fn share(before: Duration, now: Duration, elapsed: Duration) -> f64 {
    now.saturating_sub(before).as_secs_f64() / elapsed.as_secs_f64().max(0.001)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_qemu_says_of_its_disks() {
        let told = json!([
            { "device": "disk", "stats": { "rd_bytes": 1000, "wr_bytes": 20, "rd_operations": 3 } },
            { "device": "flash" },
            { "device": "two", "stats": { "rd_bytes": 1, "wr_bytes": 2 } }
        ]);
        assert_eq!((sum(&told), sum(&Value::Null)), ((1001, 22), (0, 0)));
        let two = Duration::from_secs(2);
        assert!((share(two, two + two, Duration::from_secs(4)) - 0.5).abs() < 1e-9);
    }
}
