//! Looks at which machines have power, so that the screen also tells what others switched.

use super::segments::{Shared, choose};
use crate::{
    event::{Event, Fact, PowerState},
    power::Target,
};
use futures_util::{StreamExt, stream};
use std::{collections::BTreeMap, net::Ipv4Addr, time::Duration};
use tokio::time::MissedTickBehavior;

/// How often each machine is looked at.
const EVERY: Duration = Duration::from_secs(2);
/// What one gets to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Machines asked at the same time.
const AT_ONCE: usize = 32;

/// Tells each change of power until shutdown.
pub async fn observe(shared: Shared) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut observed: BTreeMap<(Ipv4Addr, Ipv4Addr), PowerState> = BTreeMap::new();
    loop {
        tokio::select! {
            () = shared.shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let looks = targets(&shared).into_iter().map(|target| async {
            let way = shared.ways.of(&target).into_iter().next()?;
            let state = tokio::time::timeout(PATIENCE, way.observe(&target)).await.ok()?.ok().flatten()?;
            Some((target, state, way.method()))
        });
        let mut looks = stream::iter(looks).buffer_unordered(AT_ONCE);
        while let Some(look) = looks.next().await {
            let Some((target, state, method)) = look else { continue };
            let (segment, machine) = (target.segment.server, target.machine.address);
            if observed.insert((segment, machine), state) != Some(state) {
                let fact = Fact::PowerObserved { state, method: method.to_owned() };
                shared.bus.publish(Event::new(Some(segment), fact).about(Some(machine), Some(target.machine.mac)));
            }
        }
    }
}

/// The machines that can be switched, of the segments that are served now.
pub fn targets(shared: &Shared) -> Vec<Target> {
    let conf = shared.conf.borrow().clone();
    let mut targets = Vec::new();
    for (address, interface) in choose(&shared.options, &conf).unwrap_or_default() {
        let Some(segment) = conf.segments.get(&address) else { continue };
        let switched = segment.machines.values().filter(|machine| !machine.power.is_empty());
        targets.extend(switched.map(|machine| Target {
            segment: segment.clone(),
            machine: machine.clone(),
            interface: interface.clone(),
            run: shared.options.run.clone(),
            owner: shared.desk.operator().owner(),
        }));
    }
    targets
}
