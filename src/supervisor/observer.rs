//! Looks at which machines have power, so that the screen also tells what others switched. Gently: each at its way's pace,
//! spread over time, a few at once; never because something is drawn.

use super::{
    look::{self, Look},
    segments::{Shared, choose},
};
use crate::{
    command::Place,
    conf::Rung,
    event::Fact,
    part::part,
    power::{Power, PowerError, Target},
};
use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    sync::Arc,
    time::Duration,
};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior},
};

/// How often is looked who is due.
const TICK: Duration = Duration::from_secs(1);
/// How often is looked which machines there are, where conf stays as it is.
const ANEW: Duration = Duration::from_secs(5);
/// Machines asked at the same time.
const AT_ONCE: usize = 32;
/// A way that did not tell is asked again so soon, before that is told.
const AGAIN: Duration = Duration::from_secs(5);
/// Looks without an answer that are told: one may be lost.
const FAILURES: u32 = 2;

/// What is known of one machine.
struct Seen {
    /// How it is switched; where that changes, all is looked at anew.
    power: Vec<Rung>,
    due: Instant,
    round: u64,
    is_asked: bool,
    /// It was told in this run of the program.
    is_told: bool,
    failures: u32,
}

/// Tells each change of power until shutdown.
pub async fn observe(shared: Shared) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut conf = shared.conf.clone();
    let mut all: Vec<Target> = Vec::new();
    let mut listed: Option<Instant> = None;
    let mut seen: BTreeMap<Place, Seen> = BTreeMap::new();
    let mut looks: JoinSet<(Target, Duration, Look)> = JoinSet::new();
    loop {
        tokio::select! {
            () = shared.shutdown.cancelled() => return,
            Some(Ok((target, pace, look))) = looks.join_next() => {
                if let Some(seen) = seen.get_mut(&target.place()) {
                    seen.take(&shared, &target, pace, look);
                }
            }
            _ = ticks.tick() => {}
        }
        if listed.is_none_or(|at| at.elapsed() >= ANEW) || conf.has_changed().unwrap_or(false) {
            conf.borrow_and_update();
            (all, listed) = (targets(&shared), Some(Instant::now()));
            let there: BTreeSet<Place> = all.iter().map(Target::place).collect();
            seen.retain(|place, _| there.contains(place));
        }
        let now = Instant::now();
        for target in &all {
            let place = target.place();
            let seen = match seen.entry(place) {
                Entry::Occupied(entry) if entry.get().power == target.machine.power || entry.get().is_asked => {
                    entry.into_mut()
                }
                Entry::Occupied(entry) => {
                    let seen = entry.into_mut();
                    *seen = Seen::new(target.machine.power.clone(), now);
                    seen
                }
                Entry::Vacant(entry) => entry.insert(Seen::new(target.machine.power.clone(), now)),
            };
            // Who switches it looks at it.
            let is_due = !seen.is_asked && seen.due <= now && !shared.presses.is_under_way(place);
            if !is_due || looks.len() >= AT_ONCE {
                continue;
            }
            let ways = shared.ways.of(target);
            seen.is_asked = true;
            let target = target.clone();
            looks.spawn(async move {
                let look = look::look(&ways, &target).await;
                let pace = pace(&ways, &look);
                (target, pace, look)
            });
        }
    }
}

impl Seen {
    fn new(power: Vec<Rung>, due: Instant) -> Seen {
        Seen { power, due, round: 0, is_asked: false, is_told: false, failures: 0 }
    }

    /// Takes in what a look came to.
    fn take(&mut self, shared: &Shared, target: &Target, pace: Duration, look: Look) {
        self.is_asked = false;
        self.round += 1;
        self.failures = if matches!(look, Look::Blind(..)) { self.failures + 1 } else { 0 };
        let pause = after(target.place(), self.round, pace);
        self.due = Instant::now() + if self.failures == 1 { pause.min(AGAIN) } else { pause };
        match look {
            Look::Silent => {}
            Look::Seen(..) if !self.is_told => {
                self.is_told = true;
                look::tell_all(shared, target, look);
            }
            Look::Seen(state, method) => look::tell_news(shared, target, state, method),
            Look::Blind(method, PowerError { error, next_step }) if self.failures == FAILURES => {
                // It is told again when it can tell again.
                self.is_told = false;
                look::tell(shared, target, Fact::PowerUnobserved { method: method.to_owned(), error, next_step });
            }
            Look::Blind(..) => {}
        }
    }
}

/// That of the way that told, or could have.
fn pace(ways: &[Arc<dyn Power>], look: &Look) -> Duration {
    let asked = match look {
        Look::Seen(_, method) | Look::Blind(method, _) => ways.iter().find(|way| way.method() == *method),
        Look::Silent => ways.first(),
    };
    asked.map_or(AGAIN, |way| way.pace())
}

/// When a machine is looked at again: machines that were looked at together are parted by their first pause, and stay so.
fn after(place: Place, round: u64, pace: Duration) -> Duration {
    let (least, width) = if round <= 1 { (0.3, 0.7) } else { (0.95, 0.1) };
    pace.mul_f64(least + width * part((place, round)))
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
            vms: shared.options.vm.clone(),
            owner: shared.desk.operator().owner(),
        }));
    }
    targets
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn machines_are_parted_and_keep_their_pace() {
        let pace = Duration::from_secs(10);
        let of = |last, round| after((Ipv4Addr::LOCALHOST, Ipv4Addr::new(10, 77, 0, last)), round, pace);
        let first: Vec<Duration> = (0..200).map(|last| of(last, 1)).collect();
        let tenth = |tenth: u32| first.iter().filter(|after| after.as_secs() == u64::from(tenth)).count();
        assert!((3..10).all(|at| (10..60).contains(&tenth(at))), "{first:?}");
        assert!((0..200).all(|last| (9_500..=10_500).contains(&of(last, 2).as_millis())));
    }
}
