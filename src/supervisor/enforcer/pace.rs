//! Keeps machines as their `recipes` say, where these say how often.

use super::{failed, load, one::Who, one::mend, tell};
use crate::{
    conf::Wanted,
    event::{Asker, Fact, RecipeManner},
    part::part,
    power::ladder::evidence,
    recipe::{Loaded, Trouble},
    supervisor::segments::{Shared, choose},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::{
    sync::broadcast,
    task::JoinSet,
    time::{Instant, MissedTickBehavior},
};

/// How often is looked who is due.
const TICK: Duration = Duration::from_secs(1);
/// Machines that are looked at at the same time: gently.
const AT_ONCE: usize = 4;
/// A machine that is away is tried again so soon, or when it is seen to come.
const AGAIN: Duration = Duration::from_secs(60);
/// A new machine is first looked at within this time.
const SPREAD: Duration = Duration::from_secs(30);

/// What is known of a machine.
struct Kept {
    wanted: Wanted,
    every: Duration,
    due: Instant,
    round: u64,
    is_looked_at: bool,
    /// It was away when it was last looked at.
    is_away: bool,
    /// Recipes that it had at the last look.
    had: BTreeSet<String>,
    /// What was last told that went wrong.
    told: Option<String>,
}

/// What a look came to.
enum Looked {
    Done(BTreeSet<String>),
    Away,
    Failed { recipe: String, error: String, next_step: String },
}

/// Mends what is other until shutdown.
pub async fn keep(shared: Shared) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut events = shared.events.subscribe();
    let mut kept: BTreeMap<Who, Kept> = BTreeMap::new();
    let mut looks: JoinSet<(Who, Looked)> = JoinSet::new();
    loop {
        tokio::select! {
            () = shared.shutdown.cancelled() => return,
            Some(Ok((who, looked))) = looks.join_next() => {
                if let Some(kept) = kept.get_mut(&who) {
                    kept.take(&shared, &who, looked);
                }
            }
            event = events.recv() => match event {
                // What boots may be another than it was, and who was away shows itself.
                Ok(event) if matches!(event.fact, Fact::BootCompleted { .. }) || evidence(&event).is_some() => {
                    let place = event.segment.zip(event.machine);
                    let is_boot = matches!(event.fact, Fact::BootCompleted { .. });
                    for (who, kept) in kept.iter_mut().filter(|(who, _)| Some(who.place) == place) {
                        if is_boot || kept.is_away {
                            kept.is_away = false;
                            kept.due = kept.due.min(Instant::now() + spread(who, kept.round, TICK * 5));
                        }
                    }
                    continue;
                }
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => continue,
                Err(broadcast::error::RecvError::Closed) => return,
            },
            _ = ticks.tick() => list(&shared, &mut kept),
        }
        let now = Instant::now();
        for (who, kept) in &mut kept {
            if looks.len() >= AT_ONCE {
                break;
            }
            if kept.due > now || kept.is_looked_at {
                continue;
            }
            kept.is_looked_at = true;
            let (shared, who, wanted, had) = (shared.clone(), who.clone(), kept.wanted.clone(), kept.had.clone());
            looks.spawn(async move {
                let looked = look(&shared, &who, &wanted, &had).await;
                (who, looked)
            });
        }
    }
}

/// Brings the list to what conf says.
fn list(shared: &Shared, kept: &mut BTreeMap<Who, Kept>) {
    let conf = shared.conf.borrow().clone();
    let mut there = BTreeSet::new();
    for (address, _) in choose(&shared.options, &conf).unwrap_or_default() {
        let Some(segment) = conf.segments.get(&address) else { continue };
        for machine in segment.machines.values() {
            let own = segment.recipes_of(machine).map(|wanted| (None, wanted));
            let within =
                machine.containers.iter().filter_map(|(name, c)| Some((Some(name.clone()), c.recipes.as_ref()?)));
            for (container, wanted) in own.into_iter().chain(within) {
                let Some(every) = wanted.every.filter(|_| !wanted.recipes.is_empty()) else { continue };
                let who = Who { place: (address, machine.address), container };
                there.insert(who.clone());
                if kept.get(&who).is_none_or(|kept| kept.wanted != *wanted) {
                    let due = Instant::now() + spread(&who, 0, SPREAD.min(every / 20));
                    let is_looked_at = kept.get(&who).is_some_and(|kept| kept.is_looked_at);
                    let had = BTreeSet::new();
                    let new = Kept {
                        wanted: wanted.clone(),
                        every,
                        due,
                        round: 0,
                        is_looked_at,
                        is_away: false,
                        had,
                        told: None,
                    };
                    kept.insert(who, new);
                }
            }
        }
    }
    kept.retain(|who, _| there.contains(who));
}

/// A share of `most`, another for each machine and round.
fn spread(who: &Who, round: u64, most: Duration) -> Duration {
    most.mul_f64(part((who, round)))
}

impl Kept {
    fn take(&mut self, shared: &Shared, who: &Who, looked: Looked) {
        self.is_looked_at = false;
        self.round += 1;
        // A twentieth sooner or later, so that machines part that began together.
        let pace = self.every - self.every / 20 + spread(who, self.round, self.every / 10);
        self.due = Instant::now() + if matches!(looked, Looked::Away) { pace.min(AGAIN) } else { pace };
        self.is_away = matches!(looked, Looked::Away);
        match looked {
            Looked::Away => {}
            Looked::Done(had) => (self.had, self.told) = (had, None),
            // The same is not told at each look.
            Looked::Failed { recipe, error, next_step } => {
                if self.told.as_ref() != Some(&error) {
                    tell(shared, who, failed(&recipe, who, RecipeManner::Enforce, &error, &next_step));
                    self.told = Some(error);
                }
            }
        }
    }
}

/// All that a machine is to have, each with what it needs, each once.
async fn look(shared: &Shared, who: &Who, wanted: &Wanted, had: &BTreeSet<String>) -> Looked {
    let by = Asker::Schedule("recipes".to_owned());
    let (mut done, mut has) = (BTreeSet::new(), BTreeSet::new());
    for recipe in &wanted.recipes {
        let order = match load(shared, recipe).await {
            Ok(order) => order,
            Err(wrong) => {
                return Looked::Failed { recipe: recipe.clone(), error: wrong.error, next_step: wrong.next_step };
            }
        };
        let order: Vec<Loaded> =
            order.iter().filter(|loaded| done.insert(loaded.recipe.name.clone())).cloned().collect();
        match mend(shared, who, &order, had, &by).await {
            Ok(found) => has.extend(found),
            Err(Trouble { is_away: true, .. }) => return Looked::Away,
            Err(Trouble { error, next_step, .. }) => {
                return Looked::Failed { recipe: recipe.clone(), error, next_step };
            }
        }
    }
    Looked::Done(has)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_are_parted() {
        let of = |last: u8, round| {
            let who = Who { place: ([10, 77, 0, 1].into(), [10, 77, 0, last].into()), container: None };
            spread(&who, round, Duration::from_secs(10))
        };
        let first: BTreeSet<Duration> = (0..200).map(|last| of(last, 1)).collect();
        assert!(first.len() > 150 && first.iter().all(|after| *after < Duration::from_secs(10)), "{first:?}");
        assert_ne!(of(1, 1), of(1, 2));
    }
}
