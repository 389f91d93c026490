//! Carries out what the operator asks for; the answers are events.

use super::{alerter, arming, enforcer, examine, finder, press, scheduler, segments::Shared, tracker, watcher};
use crate::{
    command::{Command, Place},
    conf,
    event::{Event, Fact},
    fetch::{self, Fetcher},
    net::Mac,
};
use std::{net::Ipv4Addr, time::Duration};
use tokio::{sync::mpsc, task::JoinSet};

/// What the tree gets to be read.
const KNOWN: Duration = Duration::from_secs(5);

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
        Command::Alarms { machines } => examine::list_alarms(&shared, machines).await,
        Command::Examine { machine } => examine::examine(&shared, machine).await,
        Command::Trust { machine, method, fingerprint } => examine::trust(&shared, machine, method, &fingerprint),
        Command::Skip { machine, skip } => scheduler::pass_over(&shared, machine, skip),
        Command::Arm { machine, profile, then } => arming::obey(&shared, machine, profile, then).await,
        Command::Adopt { segment, mac, address, hostname } => {
            adopt(&shared, segment, mac, address, &hostname).await;
        }
        Command::Assign { machine, profile } => assign(&shared, machine, profile.as_deref()),
        Command::Find { segment, filter, asked } => finder::find(&shared, segment, filter, asked).await,
        Command::Tell { event } => tell(&shared, *event).await,
        Command::Fetch { profile } => fetch(&shared, profile).await,
        Command::Pull { machines, cause } => tracker::pull_all(&shared, machines, cause).await,
        Command::Recipe { machines, container, recipe, manner, by } => {
            enforcer::carry_through(&shared, machines, container, recipe, manner, by).await;
        }
        Command::Check { segment, machines } => watcher::check(&shared, segment, machines).await,
        Command::Acknowledge { alerts, note, by } => alerter::acknowledge(&shared, alerts, note, by),
        Command::Silence { segment, mac, rule, subject, until, by } => {
            alerter::silence(&shared, segment, mac, rule, subject, until, by);
        }
        Command::Ring { segment, receiver } => alerter::ring(&shared, segment, &receiver).await,
        Command::Quit => shared.shutdown.cancel(),
    }
}

/// Publishes it; of a new machine as soon as it is known here, so that it can be switched by who hears of it.
async fn tell(shared: &Shared, event: Event) {
    if let (Fact::VmCreated { .. }, Some(place)) = (&event.fact, event.segment.zip(event.machine)) {
        known(shared, place).await;
    }
    shared.bus.publish(event);
}

/// Brings in the files of a profile; what came is kept where the program ends meanwhile.
async fn fetch(shared: &Shared, profile: String) {
    let tell = |fact: Fact| shared.bus.publish(Event::new(None, fact));
    let refused = |error: String, next_step: String| {
        tell(Fact::FetchRefused { profile: profile.clone(), error, next_step });
    };
    let conf = shared.conf.borrow().clone();
    let Some(found) = conf.profiles.get(&profile) else {
        return refused("there is no such profile".to_owned(), format!("see what is in conf/boot: {profile} is not"));
    };
    if found.files.is_empty() {
        let next_step = format!("name them in conf/boot/{profile}/files, or put them into tftpboot yourself");
        return refused("it names no files to fetch".to_owned(), next_step);
    }
    match Fetcher::new(&shared.options.tftpboot, fetch::PATIENCE) {
        Err(error) => {
            refused(error.to_string(), "install the certificates that this host trusts: ca-certificates".to_owned())
        }
        Ok(fetcher) => tokio::select! {
            () = shared.shutdown.cancelled() => {}
            _ = fetcher.all(&profile, &found.files, &tell) => {}
        },
    }
}

fn assign(shared: &Shared, (segment, machine): Place, profile: Option<&str>) {
    if let Err(error) = conf::assign(&shared.options.conf, (segment, machine), profile) {
        let fact = Fact::ConfUnwritten { path: format!("{segment}/{machine}/boot"), error: error.to_string() };
        shared.bus.publish(Event::new(Some(segment), fact).about(Some(machine), None));
    }
}

/// Tells it when it is known here, so that who hears of it can go on with the machine.
async fn adopt(shared: &Shared, segment: Ipv4Addr, mac: Mac, address: Ipv4Addr, hostname: &str) {
    let conf = shared.conf.borrow().clone();
    let path = format!("{segment}/{address}");
    let fact = match conf.segments.get(&segment) {
        None => Fact::ConfUnwritten { path, error: format!("conf has no segment {segment}") },
        Some(there) => match conf::adopt(&shared.options.conf, there, mac, address, hostname, &[]) {
            Ok(()) => {
                known(shared, (segment, address)).await;
                Fact::ConfAdopted { hostname: hostname.to_owned() }
            }
            Err(error) => Fact::ConfUnwritten { path, error: error.to_string() },
        },
    };
    shared.bus.publish(Event::new(Some(segment), fact).about(Some(address), Some(mac)));
}

/// Waits until the tree as it is known here has the machine; not for long.
async fn known(shared: &Shared, place: Place) {
    let mut conf = shared.conf.clone();
    let known = conf.wait_for(|conf| conf.machine(place).is_some());
    let _ = tokio::time::timeout(KNOWN, known).await;
}
