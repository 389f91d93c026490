//! Changes of power, from the wish to what is seen of the machine: the ladder's hands and ears.

use super::{
    look::{self, Look},
    segments::{Shared, choose},
};
use crate::{
    command::Place,
    event::{Action, Asker, Event, Evidence, Fact},
    net::Tap,
    power::{
        Power, PowerError, Target,
        ladder::{Heard, Ladder, Next, Wish, evidence, first_frame, usual},
    },
};
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};
use tokio::{
    sync::{broadcast, mpsc, oneshot, watch},
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

/// What a way gets to answer, with all that it does for it.
const ANSWER: Duration = Duration::from_secs(60);
/// How often the state is looked at while something is waited for.
const LOOK: Duration = Duration::from_secs(1);
/// How long the tap waits for a frame before it looks whether it is still wanted.
const GLANCE: Duration = Duration::from_millis(250);
/// What a tap gets to be opened: without it a change goes on all the same.
const OPENING: Duration = Duration::from_secs(2);
/// Of a frame only whose it is matters.
const SNAP: i32 = 96;
/// Room for frames that wait: the first is enough.
const RING: i32 = 1 << 18;

/// Machines whose power is being changed: one change at a time.
#[derive(Clone, Default)]
pub struct Presses {
    under_way: Arc<Mutex<BTreeMap<Place, Change>>>,
}

/// A change that is under way, as others see it.
#[derive(Clone)]
struct Change {
    action: Action,
    /// What is asked for instead.
    instead: watch::Sender<Option<Action>>,
    over: CancellationToken,
}

/// A change that is under way, until it is dropped.
struct UnderWay<'a> {
    presses: &'a Presses,
    place: Place,
    change: Change,
}

impl Presses {
    /// True while a change of this machine is under way.
    pub fn is_under_way(&self, place: Place) -> bool {
        self.under_way.lock().contains_key(&place)
    }

    /// Begins a change. One of the other kind that is under way gives way as soon as it only waits; none where one of the
    /// same kind is, or one that comes already instead of another.
    async fn begin(&self, place: Place, action: Action) -> Option<UnderWay<'_>> {
        loop {
            let there = {
                let mut under_way = self.under_way.lock();
                match under_way.get(&place) {
                    Some(there) if there.action == action || there.instead.borrow().is_some() => return None,
                    Some(there) => there.clone(),
                    None => {
                        let instead = watch::Sender::new(None);
                        let change = Change { action, instead, over: CancellationToken::new() };
                        under_way.insert(place, change.clone());
                        return Some(UnderWay { presses: self, place, change });
                    }
                }
            };
            there.instead.send_replace(Some(action));
            there.over.cancelled().await;
        }
    }
}

impl UnderWay<'_> {
    /// What is asked for instead, once it is.
    async fn instead(&self) -> Action {
        match self.change.instead.subscribe().wait_for(Option::is_some).await.map(|action| *action) {
            Ok(Some(action)) => action,
            _ => std::future::pending().await,
        }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.presses.under_way.lock().remove(&self.place);
        self.change.over.cancel();
    }
}

/// Changes the power of machines, one `stagger` after the other, until the last has come to its end.
pub async fn press_all(shared: &Shared, machines: Vec<Place>, action: Action, stagger: Duration, by: &Asker) {
    let mut presses = JoinSet::new();
    for (at, place) in machines.into_iter().enumerate() {
        if at > 0 {
            sleep(stagger).await;
        }
        let (shared, by) = (shared.clone(), by.clone());
        presses.spawn(async move { press(&shared, place, action, by).await });
    }
    while presses.join_next().await.is_some() {}
}

/// Where a machine of conf is, and what it is; an error where it is not in conf, or its segment is not served here.
pub fn target(shared: &Shared, (segment, machine): Place) -> Result<Target, PowerError> {
    let conf = shared.conf.borrow().clone();
    let found = || {
        let interface = choose(&shared.options, &conf).ok()?.into_iter().find(|(address, _)| *address == segment)?.1;
        let (segment, machine) = conf.machine((segment, machine)).map(|(s, m)| (s.clone(), m.clone()))?;
        let (run, vms) = (shared.options.run.clone(), shared.options.vm.clone());
        Some(Target { segment, machine, interface, run, vms, owner: shared.desk.operator().owner() })
    };
    found().ok_or_else(|| PowerError {
        error: "it is not in conf, or its segment is not served here".to_owned(),
        next_step: "adopt the machine first".to_owned(),
    })
}

/// Of a machine whose `power` says nothing.
pub fn no_way(machine: Ipv4Addr) -> PowerError {
    PowerError {
        error: "conf does not say how it is switched".to_owned(),
        next_step: format!("write amt, redfish, ipmi, wol or qemu into the `power` file of {machine}"),
    }
}

async fn press(shared: &Shared, place: Place, action: Action, by: Asker) {
    let refuse = |PowerError { error, next_step }| {
        let fact = Fact::PowerRefused { action, error, next_step };
        let mac = shared.conf.borrow().machine(place).map(|(_, machine)| machine.mac);
        shared.bus.publish(Event::new(Some(place.0), fact).about(Some(place.1), mac));
    };
    let Some(under_way) = shared.presses.begin(place, action).await else {
        let error = "another change of its power is under way".to_owned();
        return refuse(PowerError { error, next_step: "wait for that".to_owned() });
    };
    let target = match target(shared, place) {
        Ok(target) => target,
        Err(error) => return refuse(error),
    };
    let ways = shared.ways.of(&target);
    if ways.is_empty() {
        return refuse(no_way(place.1));
    }
    tokio::select! {
        () = climb(shared, &target, &ways, &under_way, by) => {}
        () = shared.shutdown.cancelled() => {}
    }
}

/// Goes up the ladder to its end.
async fn climb(shared: &Shared, target: &Target, ways: &[Arc<dyn Power>], under_way: &UnderWay<'_>, by: Asker) {
    let action = under_way.change.action;
    let (mac, place) = (target.machine.mac, target.place());
    let wish = wish(shared, target, ways, action, by);
    let begins = match action {
        Action::On => false,
        Action::Off | Action::Setup => true,
        Action::Reset | Action::Cycle | Action::Pxe => wish.was != Some(crate::event::PowerState::Off),
    };
    let (told, mut heard) = mpsc::channel(64);
    let mut ears = JoinSet::new();
    ears.spawn(listen(shared.events.subscribe(), place, mac, told.clone()));
    let shares = ways.iter().any(|way| matches!(way.method(), "amt" | "redfish" | "ipmi"));
    let is_proof = !matches!(action, Action::Off | Action::Setup);
    let _tap = match is_proof {
        true => tap(target.interface.name.clone(), first_frame(mac, begins, shares), begins, told.clone()).await,
        false => None,
    };
    let mut looks = JoinSet::new();
    let began = Instant::now();
    let mut ladder = Ladder::new(wish);
    let mut step = ladder.begin();
    loop {
        for fact in step.told {
            look::tell(shared, target, fact);
        }
        let next = match step.next {
            Next::Over => return,
            Next::Ask { rung, gently } => {
                looks.shutdown().await;
                let answer = ask(ways, rung, target, action, gently).await;
                if matches!(answer, Heard::Accepted(_)) {
                    looks.spawn(keep_looking(shared.clone(), target.clone(), ways.to_vec(), rung, told.clone()));
                }
                answer
            }
            Next::Wait { until } => tokio::select! {
                Some(heard) = heard.recv() => heard,
                action = under_way.instead() => Heard::Instead(action),
                () = sleep_until(began + until) => Heard::Time,
            },
        };
        step = ladder.hear(began.elapsed(), next);
    }
}

fn wish(shared: &Shared, target: &Target, ways: &[Arc<dyn Power>], action: Action, by: Asker) -> Wish {
    let methods: Vec<String> = ways.iter().map(|way| way.method().to_owned()).collect();
    let is_virtual = methods.iter().any(|method| method == "qemu");
    let state = shared.state.read();
    let known = state.machine(target.segment.server, target.machine.mac);
    Wish {
        action,
        by,
        machine: target.machine.hostname.clone(),
        methods,
        usual: usual(known.into_iter().flat_map(|machine| &machine.boots), is_virtual),
        was: known.and_then(|machine| machine.power),
    }
}

async fn ask(ways: &[Arc<dyn Power>], rung: usize, target: &Target, action: Action, gently: bool) -> Heard {
    let Some(way) = ways.get(rung) else { return Heard::Time };
    match timeout(ANSWER, way.switch(target, action, gently)).await {
        Ok(Ok(manner)) => Heard::Accepted(manner),
        Ok(Err(error)) => Heard::Failed(error),
        Err(_) => {
            let next_step = format!("go through it: pxelator power doctor {}", target.machine.hostname);
            Heard::Failed(PowerError { error: format!("no answer within {} s", ANSWER.as_secs()), next_step })
        }
    }
}

/// Says what the machine shows of itself to the servers.
async fn listen(
    mut events: broadcast::Receiver<Arc<Event>>,
    (segment, address): Place,
    mac: crate::net::Mac,
    told: mpsc::Sender<Heard>,
) {
    loop {
        match events.recv().await {
            Ok(event) => {
                let is_its = event.mac.map_or(event.machine == Some(address), |of| of == mac);
                if event.segment != Some(segment) || !is_its {
                    continue;
                }
                let Some((evidence, begins)) = evidence(&event) else { continue };
                if told.send(Heard::Seen { evidence, begins }).await.is_err() {
                    return;
                }
            }
            // What was missed is shown again: a machine that boots asks more than once.
            Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// Says each second whether the machine is on: the rung that was asked first, then the others.
async fn keep_looking(
    shared: Shared,
    target: Target,
    ways: Vec<Arc<dyn Power>>,
    rung: usize,
    told: mpsc::Sender<Heard>,
) {
    let mut order: Vec<_> = ways.get(rung).cloned().into_iter().collect();
    order.extend(ways.iter().enumerate().filter(|(at, _)| *at != rung).map(|(_, way)| way.clone()));
    loop {
        let state = match look::look(&order, &target).await {
            Look::Silent => return,
            Look::Blind(..) => None,
            Look::Seen(state, method) => {
                look::tell_news(&shared, &target, state, method);
                Some(state)
            }
        };
        if told.send(Heard::State(state)).await.is_err() {
            return;
        }
        sleep(LOOK).await;
    }
}

/// A tap that is wanted, until it is dropped.
struct Tapped(Arc<AtomicBool>);

impl Drop for Tapped {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Listens for the first frame that the filter wants; none where no tap can be opened. A thread: reading packets waits.
async fn tap(interface: String, filter: String, begins: bool, told: mpsc::Sender<Heard>) -> Option<Tapped> {
    let (opened, is_open) = oneshot::channel();
    let over = Arc::new(AtomicBool::new(false));
    let tapped = Tapped(over.clone());
    let work = move || {
        let Ok(mut tap) = Tap::with_ring(&interface, &filter, SNAP, RING) else { return };
        let _ = opened.send(());
        let mut is_seen = false;
        while !is_seen && !over.load(Relaxed) {
            if tap.read(GLANCE, |_, _, _| is_seen = true).is_err() {
                return;
            }
        }
        if is_seen {
            let _ = told.blocking_send(Heard::Seen { evidence: Evidence::Link, begins });
        }
    };
    thread::Builder::new().name("first frame".to_owned()).spawn(work).ok()?;
    timeout(OPENING, is_open).await.ok()?.ok()?;
    Some(tapped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_change_of_a_machine_at_a_time() {
        let presses = Presses::default();
        let place = |last| (Ipv4Addr::new(10, 77, 0, 1), Ipv4Addr::new(10, 77, 0, last));
        let first = presses.begin(place(60), Action::On).await.unwrap();
        assert!(presses.begin(place(60), Action::On).await.is_none());
        assert!(presses.begin(place(61), Action::On).await.is_some());
        assert!(presses.is_under_way(place(60)), "who was refused ends nothing");
        assert!(!presses.is_under_way(place(61)));
        let (second, ()) = tokio::join!(presses.begin(place(60), Action::Off), async {
            assert_eq!(first.instead().await, Action::Off);
            assert!(presses.begin(place(60), Action::Reset).await.is_none(), "one comes instead already");
            drop(first);
        });
        drop(second.unwrap());
        assert!(!presses.is_under_way(place(60)));
    }
}
