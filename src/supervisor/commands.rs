//! Carries out what the operator asks for; the answers are events.

use super::{
    finder, scheduler,
    segments::{Shared, choose},
};
use crate::{
    command::Command,
    conf,
    event::{Action, Asker, Event, Evidence, Fact, Tried},
    net::Mac,
    power::{PowerError, Target},
};
use parking_lot::Mutex;
use std::{collections::BTreeSet, net::Ipv4Addr, sync::Arc};
use tokio::{sync::mpsc, task::JoinSet};

/// Machines whose power is being changed, by segment and address: one change at a time.
type Busy = Arc<Mutex<BTreeSet<(Ipv4Addr, Ipv4Addr)>>>;

/// Obeys until shutdown. Slow wishes do not hold up others.
pub async fn obey(mut wishes: mpsc::Receiver<Command>, shared: Shared) {
    let mut under_way = JoinSet::new();
    let busy = Busy::default();
    loop {
        tokio::select! {
            () = shared.shutdown.cancelled() => return,
            Some(_) = under_way.join_next() => {}
            wish = wishes.recv() => match wish {
                None | Some(Command::Quit) => shared.shutdown.cancel(),
                Some(command) => { under_way.spawn(carry_out(command, shared.clone(), busy.clone())); }
            },
        }
    }
}

async fn carry_out(command: Command, shared: Shared, busy: Busy) {
    match command {
        Command::Power { machines, action, stagger: _, by } => {
            for (segment, machine) in machines {
                if busy.lock().insert((segment, machine)) {
                    switch(&shared, segment, machine, action, &by).await;
                    busy.lock().remove(&(segment, machine));
                } else {
                    let fact = not_begun(action, "another change of its power is under way", "wait for that");
                    shared.bus.publish(Event::new(Some(segment), fact).about(Some(machine), None));
                }
            }
        }
        Command::Look { .. } | Command::Examine { .. } | Command::Trust { .. } => {}
        Command::Skip { machine, skip } => scheduler::pass_over(&shared, machine, skip),
        Command::Adopt { segment, mac, address, hostname } => adopt(&shared, segment, mac, address, &hostname),
        Command::Find { segment, filter, asked } => finder::find(&shared, segment, filter, asked).await,
        Command::Quit => shared.shutdown.cancel(),
    }
}

/// A change of power that no way of switching was asked for.
fn not_begun(action: Action, error: &str, next_step: &str) -> Fact {
    Fact::PowerRefused { action, error: error.to_owned(), next_step: next_step.to_owned() }
}

fn target(shared: &Shared, segment: Ipv4Addr, machine: Ipv4Addr) -> Option<Target> {
    let conf = shared.conf.borrow().clone();
    let interface = choose(&shared.options, &conf).ok()?.into_iter().find(|(address, _)| *address == segment)?.1;
    let segment = conf.segments.get(&segment)?.clone();
    let machine = segment.machines.get(&machine)?.clone();
    Some(Target { segment, machine, interface, run: shared.options.run.clone(), owner: shared.desk.operator().owner() })
}

async fn switch(shared: &Shared, segment: Ipv4Addr, machine: Ipv4Addr, action: Action, by: &Asker) {
    let Some(target) = target(shared, segment, machine) else {
        let fact = not_begun(action, "it is not in conf, or its segment is not served here", "adopt the machine first");
        return shared.bus.publish(Event::new(Some(segment), fact).about(Some(machine), None));
    };
    let tell =
        |fact| shared.bus.publish(Event::new(Some(segment), fact).about(Some(machine), Some(target.machine.mac)));
    let ladder = shared.ways.of(&target);
    if ladder.is_empty() {
        let next_step = format!("write amt, redfish, ipmi, wol or qemu into the `power` file of {machine}");
        return tell(not_begun(action, "conf does not say how it is switched", &next_step));
    }
    let mut tried = Vec::new();
    for way in ladder {
        let method = way.method().to_owned();
        tell(Fact::PowerRequested { action, method: method.clone(), by: by.clone() });
        match way.switch(&target, action, true).await {
            Ok(manner) => {
                tell(Fact::PowerAccepted { action, method: method.clone(), manner });
                return tell(Fact::PowerConfirmed { action, method, evidence: Evidence::State, millis: 0 });
            }
            Err(PowerError { error, next_step }) => {
                tried.push(Tried { method: method.clone(), said: error.clone() });
                tell(Fact::PowerFailed { action, method, error, next_step });
            }
        }
    }
    tell(Fact::PowerUnconfirmed { action, tried, next_step: "see what each way said".to_owned() });
}

fn adopt(shared: &Shared, segment: Ipv4Addr, mac: Mac, address: Ipv4Addr, hostname: &str) {
    let conf = shared.conf.borrow().clone();
    let Some(there) = conf.segments.get(&segment) else { return };
    let fact = match conf::adopt(&shared.options.conf, there, mac, address, hostname) {
        Ok(()) => Fact::ConfAdopted { hostname: hostname.to_owned() },
        Err(error) => Fact::ConfUnwritten { path: format!("{segment}/{address}"), error: error.to_string() },
    };
    shared.bus.publish(Event::new(Some(segment), fact).about(Some(address), Some(mac)));
}
