//! A virtual machine of a segment behind a device that switches it, as AMT's firmware or a BMC does.

use super::{Segment, amt::Drive, inside_of};
use pxelator::{
    conf,
    event::{Action, PowerState},
    net::Interface,
    power::{Power, Target, Ways},
};
use std::{future::Future, net::Ipv4Addr, path::PathBuf, sync::Arc};

/// Switches QEMU as the machine of conf at this address, whatever its `power` says.
pub fn drive(segment: &Segment, address: Ipv4Addr) -> Drive {
    let read = conf::read(&segment.conf_dir(), None).conf;
    let of_conf = read.segments.values().next().unwrap().clone();
    let mut machine = (**of_conf.machines.get(&address).unwrap()).clone();
    machine.power = conf::power::ladder("qemu").unwrap();
    let machine = Arc::new(machine);
    let interface = segment.inside(|| Interface::named("br0").unwrap().unwrap());
    let run = segment.folder.path().join("run");
    let target = Arc::new(Target { segment: of_conf, machine, interface, run, owner: None });
    let way = Ways::default().of(&target).remove(0);
    let namespace = PathBuf::from("/run/netns").join(&segment.name);
    let does = |action| -> Box<dyn Fn() -> bool + Send + Sync> {
        let (way, target, namespace) = (way.clone(), target.clone(), namespace.clone());
        Box::new(move || inside_of(&namespace, || wait(way.switch(&target, action, false)).is_ok()))
    };
    let (on, off, reset) = (does(Action::On), does(Action::Off), does(Action::Reset));
    let is_on = move || wait(way.observe(&target)) == Ok(Some(PowerState::On));
    Drive { on, off, reset, is_on: Box::new(is_on) }
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
