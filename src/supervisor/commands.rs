//! Carries out what the operator asks for; the answers are events.

use super::{arming, examine, finder, press, scheduler, segments::Shared};
use crate::{
    command::Command,
    conf,
    event::{Event, Fact},
    net::Mac,
};
use std::net::Ipv4Addr;
use tokio::{sync::mpsc, task::JoinSet};

/// Obeys until shutdown. Slow wishes do not hold up others.
pub async fn obey(mut wishes: mpsc::Receiver<Command>, shared: Shared) {
    let mut under_way = JoinSet::new();
    loop {
        tokio::select! {
            () = shared.shutdown.cancelled() => return,
            Some(_) = under_way.join_next() => {}
            wish = wishes.recv() => match wish {
                None | Some(Command::Quit) => shared.shutdown.cancel(),
                Some(command) => { under_way.spawn(carry_out(command, shared.clone())); }
            },
        }
    }
}

async fn carry_out(command: Command, shared: Shared) {
    match command {
        Command::Power { machines, action, stagger, by } => {
            press::press_all(&shared, machines, action, stagger, &by).await;
        }
        Command::Look { machines } => examine::look_all(&shared, machines).await,
        Command::Examine { machine } => examine::examine(&shared, machine).await,
        Command::Trust { machine, method, fingerprint } => examine::trust(&shared, machine, method, &fingerprint),
        Command::Skip { machine, skip } => scheduler::pass_over(&shared, machine, skip),
        Command::Arm { machine, profile, then } => arming::obey(&shared, machine, profile, then).await,
        Command::Adopt { segment, mac, address, hostname } => adopt(&shared, segment, mac, address, &hostname),
        Command::Find { segment, filter, asked } => finder::find(&shared, segment, filter, asked).await,
        Command::Quit => shared.shutdown.cancel(),
    }
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
