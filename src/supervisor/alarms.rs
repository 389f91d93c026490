//! Keeps the machines' own alarm clocks in step with their schedules, so that they go on also while this program is down.

use super::{look::tell, observer, segments::Shared};
use crate::{
    command::Place,
    event::{self, Action, Fact},
    power::{
        Power, PowerError, Target,
        alarms::{Reconciled, reconcile},
    },
};
use futures_util::{StreamExt, future::BoxFuture, stream};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::time::{Instant, timeout};

/// How often is looked whether the next `on` of a machine is another.
const LOOK_AGAIN: Duration = Duration::from_secs(20);
/// Others may set clocks too, or a battery dies.
const CHECK_AGAIN: Duration = Duration::from_secs(3600);
/// A device that does not answer.
const TRY_AGAIN: Duration = Duration::from_secs(300);
/// What a device gets for all that is to be done.
const PATIENCE: Duration = Duration::from_secs(30);
/// Devices asked at the same time.
const AT_ONCE: usize = 16;
/// How far ahead an `on` is looked for: over holidays that take long.
const CHANGES_AHEAD: usize = 2_000;

/// What is known of one clock.
struct Clock {
    /// What it was last to be set to.
    wanted: Option<Timestamp>,
    /// When it is looked at again, though nothing else is wanted.
    again: Instant,
    /// What was told of its trouble; not told again before all is well, or it is another.
    trouble: Option<String>,
}

/// Sets alarms until shutdown.
pub async fn keep(shared: Shared) {
    let mut conf = shared.conf.clone();
    let mut clocks: BTreeMap<Place, Clock> = BTreeMap::new();
    loop {
        conf.borrow_and_update();
        let now = event::now();
        let machines = machines(&shared);
        let there: BTreeSet<Place> = machines.iter().map(|(target, _)| target.place()).collect();
        clocks.retain(|place, _| there.contains(place));
        let mut looks: Vec<BoxFuture<'_, Look>> = Vec::new();
        for (target, way) in machines {
            let wanted = next_on(&target, now);
            let clock = clocks.get(&target.place());
            if clock.is_none_or(|clock| clock.wanted != wanted || Instant::now() >= clock.again) {
                looks.push(Box::pin(look(&shared, target, way, wanted)));
            }
        }
        let mut set = stream::iter(looks).buffer_unordered(AT_ONCE);
        loop {
            let Look { target, method, wanted, done } = tokio::select! {
                () = shared.shutdown.cancelled() => return,
                done = set.next() => match done {
                    Some(done) => done,
                    None => break,
                },
            };
            let before = clocks.remove(&target.place()).and_then(|clock| clock.trouble);
            let (pause, trouble) = match done {
                Ok(()) => (CHECK_AGAIN, None),
                Err(PowerError { error, next_step }) => {
                    // Where nothing is scheduled, nobody waits for its alarms.
                    if wanted.is_some() && before.as_ref() != Some(&error) {
                        let method = method.to_owned();
                        let fact = Fact::AlarmRefused { due: wanted, method, error: error.clone(), next_step };
                        tell(&shared, &target, fact);
                    }
                    (TRY_AGAIN, wanted.is_some().then_some(error))
                }
            };
            clocks.insert(target.place(), Clock { wanted, again: Instant::now() + pause, trouble });
        }
        tokio::select! {
            () = shared.shutdown.cancelled() => return,
            changed = conf.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
    }
}

/// What came of setting one clock.
struct Look {
    target: Target,
    method: &'static str,
    wanted: Option<Timestamp>,
    done: Result<(), PowerError>,
}

async fn look(shared: &Shared, target: Target, way: Arc<dyn Power>, wanted: Option<Timestamp>) -> Look {
    let done = timeout(PATIENCE, set(shared, &target, &*way, wanted)).await;
    Look { method: way.method(), target, wanted, done: done.unwrap_or_else(|_| Err(silent())) }
}

/// The machines that have an alarm clock, with the way that sets it.
fn machines(shared: &Shared) -> Vec<(Target, Arc<dyn Power>)> {
    let with_clock = |target: Target| {
        let way = shared.ways.of(&target).into_iter().find(|way| way.alarms().is_some())?;
        Some((target, way))
    };
    observer::targets(shared).into_iter().filter_map(with_clock).collect()
}

/// When the schedule switches a machine on next.
fn next_on(target: &Target, now: Timestamp) -> Option<Timestamp> {
    let mut changes = target.segment.changes(&target.machine, now).take(CHANGES_AHEAD);
    changes.find(|change| change.action == Action::On && change.skipped.is_none()).map(|change| change.due)
}

async fn set(shared: &Shared, target: &Target, way: &dyn Power, wanted: Option<Timestamp>) -> Result<(), PowerError> {
    let Some(clock) = way.alarms() else { return Ok(()) };
    let Reconciled { remove, add, full } = reconcile(&clock.list(target).await?, wanted);
    let (method, now) = (way.method().to_owned(), event::now());
    for alarm in remove {
        clock.remove(target, &alarm.name).await?;
        // One that went off is only tidied up.
        if alarm.due > now {
            tell(shared, target, Fact::AlarmRemoved { due: alarm.due, method: method.clone() });
        }
    }
    if let Some(count) = full {
        return Err(PowerError {
            error: format!("all its {count} alarms are set by others"),
            next_step: "take one of them out of its clock; until then it goes on only while this program runs"
                .to_owned(),
        });
    }
    if let Some(alarm) = add {
        clock.add(target, &alarm).await?;
        tell(shared, target, Fact::AlarmSet { due: alarm.due, method });
    }
    Ok(())
}

fn silent() -> PowerError {
    let next_step = "see what pxelator power doctor says of it; it is tried again".to_owned();
    PowerError { error: "it did not answer in time".to_owned(), next_step }
}
