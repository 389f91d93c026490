//! Carries out what the operator asks for; the answers are events.

use super::segments::{Shared, choose};
use crate::{
    command::Command,
    conf,
    event::{Action, Event, Fact, PowerState},
    net::Mac,
    power::{self, PowerError, Target},
};
use std::{collections::BTreeMap, net::Ipv4Addr, time::Duration};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

/// How often machines are looked at whether they have power.
const OBSERVE: Duration = Duration::from_secs(2);

/// Obeys until shutdown. Slow wishes do not hold up others.
pub async fn obey(mut wishes: mpsc::Receiver<Command>, shared: Shared) {
    let mut under_way = JoinSet::new();
    let mut ticks = interval(OBSERVE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut observed = BTreeMap::new();
    loop {
        tokio::select! {
            () = shared.shutdown.cancelled() => return,
            Some(_) = under_way.join_next() => {}
            _ = ticks.tick() => observe(&shared, &mut observed).await,
            wish = wishes.recv() => match wish {
                None | Some(Command::Quit) => shared.shutdown.cancel(),
                Some(command) => { under_way.spawn(carry_out(command, shared.clone())); }
            },
        }
    }
}

async fn carry_out(command: Command, shared: Shared) {
    match command {
        Command::Power { segment, machine, action } => switch(&shared, segment, machine, action).await,
        Command::Adopt { segment, mac, address, hostname } => adopt(&shared, segment, mac, address, &hostname),
        Command::Quit => shared.shutdown.cancel(),
    }
}

fn target(shared: &Shared, segment: Ipv4Addr, machine: Ipv4Addr) -> Option<Target> {
    let conf = shared.conf.borrow().clone();
    let interface = choose(&shared.options, &conf).ok()?.into_iter().find(|(address, _)| *address == segment)?.1;
    let segment = conf.segments.get(&segment)?.clone();
    let machine = segment.machines.get(&machine)?.clone();
    Some(Target { segment, machine, interface, run: shared.options.run.clone() })
}

async fn switch(shared: &Shared, segment: Ipv4Addr, machine: Ipv4Addr, action: Action) {
    let Some(target) = target(shared, segment, machine) else {
        let fact = Fact::PowerFailed {
            action,
            method: String::new(),
            error: "it is not in conf, or its segment is not served here".to_owned(),
            next_step: "adopt the machine first".to_owned(),
        };
        return shared.bus.publish(Event::new(Some(segment), fact).about(Some(machine), None));
    };
    let tell =
        |fact| shared.bus.publish(Event::new(Some(segment), fact).about(Some(machine), Some(target.machine.mac)));
    let failed =
        |method: String, PowerError { error, next_step }| Fact::PowerFailed { action, method, error, next_step };
    let way = match power::of(&target.machine) {
        Ok(way) => way,
        Err(error) => return tell(failed(String::new(), error)),
    };
    let method = way.method().to_owned();
    tell(Fact::PowerRequested { action, method: method.clone() });
    match way.switch(&target, action).await {
        Ok(()) => tell(Fact::PowerAccepted { action, method }),
        Err(error) => tell(failed(method, error)),
    }
}

/// Tells which machines were switched on or off by others.
async fn observe(shared: &Shared, observed: &mut BTreeMap<(Ipv4Addr, Ipv4Addr), PowerState>) {
    let conf = shared.conf.borrow().clone();
    for (address, segment) in &conf.segments {
        for machine in segment.machines.values().filter(|machine| machine.power.is_some()) {
            let (Ok(way), Some(target)) = (power::of(machine), target(shared, *address, machine.address)) else {
                continue;
            };
            let Some(state) = way.observe(&target).await else { continue };
            if observed.insert((*address, machine.address), state) != Some(state) {
                let fact = Fact::PowerObserved { state, method: way.method().to_owned() };
                shared.bus.publish(Event::new(Some(*address), fact).about(Some(machine.address), Some(machine.mac)));
            }
        }
    }
}

fn adopt(shared: &Shared, segment: Ipv4Addr, mac: Mac, address: Ipv4Addr, hostname: &str) {
    let conf = shared.conf.borrow().clone();
    let Some(there) = conf.segments.get(&segment) else { return };
    let fact = match conf::adopt(&shared.options.conf, there, mac, address, hostname) {
        Ok(()) => Fact::ConfAdopted { hostname: hostname.to_owned() },
        Err(error) => Fact::ConfRejected {
            path: format!("{segment}/{address}/mac"),
            value: mac.to_string(),
            expected: format!("written: {error}"),
        },
    };
    shared.bus.publish(Event::new(Some(segment), fact).about(Some(address), Some(mac)));
}
