//! One recipe on one machine, from the begin to the end: one after the other on each, the record kept before and after.

use super::{failed, tell};
use crate::{
    command::Place,
    conf::environment,
    desk::CommandLine,
    event::{Asker, Came, Fact, RecipeManner, printable},
    reach::{Reach, subjects},
    recipe::{Loaded, Outcome, Trouble, carry, known},
    supervisor::{segments::Shared, tracker},
    track::Recorded,
};
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Instant,
};
use tokio::sync::OwnedMutexGuard;

/// Lines of output that are told of one run.
const LINES: usize = 5_000;
/// Characters of a line.
const WIDTH: usize = 1_000;
/// Changed files that are told.
const TOLD: usize = 200;

/// A machine, or a container of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Who {
    pub place: Place,
    pub container: Option<String>,
}

/// Recipes that are under way: one at a time on each machine.
#[derive(Clone, Default)]
pub struct UnderWay {
    turns: Arc<Mutex<BTreeMap<Who, Arc<tokio::sync::Mutex<()>>>>>,
}

impl UnderWay {
    async fn turn(&self, who: &Who) -> OwnedMutexGuard<()> {
        let turn = self.turns.lock().entry(who.clone()).or_default().clone();
        turn.lock_owned().await
    }
}

/// How a machine is reached, what its recipes are told of it, and whether it is in the record.
pub struct Target {
    reach: Reach,
    environment: Vec<(String, String)>,
    is_tracked: bool,
}

impl Target {
    /// Of conf as it is now; what is wrong and what helps where it has no such machine.
    pub fn of(shared: &Shared, who: &Who) -> Result<Target, (String, String)> {
        let conf = shared.conf.borrow().clone();
        let Some((segment, machine)) = conf.machine(who.place) else {
            return Err((format!("{} is not in conf", who.place.1), "adopt the machine first".to_owned()));
        };
        let through = shared.desk.operator().as_operator(CommandLine::default()).words;
        let container = who.container.as_deref();
        let Some(reach) = Reach::of((segment, machine), container, &shared.options.run, &through) else {
            let known: Vec<&str> = machine.containers.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let next_step =
                format!("make conf/{}/{}/containers/{}", who.place.0, who.place.1, container.unwrap_or("NAME"));
            return Err((format!("it has no such container; it has {known}"), next_step));
        };
        let mut environment = environment(segment, machine);
        if let Some(name) = container {
            environment.push(("PXE_CONTAINER".to_owned(), name.to_owned()));
        }
        let kept = subjects(&conf, shared.options.folders(), &through, who.place);
        let is_tracked = kept.iter().any(|subject| subject.container == who.container);
        Ok(Target { reach, environment, is_tracked })
    }
}

/// The last of `order` and before it what it needs.
pub async fn carry_in_order(shared: &Shared, who: &Who, order: &[Loaded], manner: RecipeManner, by: &Asker) {
    let Some((last, needed)) = order.split_last() else { return };
    let target = match Target::of(shared, who) {
        Ok(target) => target,
        Err((error, next_step)) => {
            return tell(shared, who, failed(&last.recipe.name, who, manner, &error, &next_step));
        }
    };
    let _turn = shared.recipes.turn(who).await;
    for loaded in needed {
        // What is there is only carried through again where it was asked for by its name.
        let manner = match manner {
            RecipeManner::Check => break,
            RecipeManner::Again => RecipeManner::Apply,
            other => other,
        };
        if !carry_told(shared, who, &target, loaded, manner, by).await {
            let name = &loaded.recipe.name;
            let error = format!("it needs recipe {name}, which failed");
            let next_step = format!("see what it said: pxelator log 'kind=recipe.* and recipe={name}'");
            return tell(shared, who, failed(&last.recipe.name, who, manner, &error, &next_step));
        }
    }
    carry_told(shared, who, &target, last, manner, by).await;
}

/// True where it was carried through.
async fn carry_told(
    shared: &Shared,
    who: &Who,
    target: &Target,
    loaded: &Loaded,
    manner: RecipeManner,
    by: &Asker,
) -> bool {
    let (recipe, container) = (loaded.recipe.name.clone(), who.container.clone());
    tell(shared, who, Fact::RecipeBegun { recipe: recipe.clone(), container, manner, by: by.clone() });
    match carry_one(shared, who, target, loaded, manner).await {
        Ok(ended) => {
            tell(shared, who, ended);
            true
        }
        Err(Trouble { error, next_step, .. }) => {
            tell(shared, who, failed(&recipe, who, manner, &error, &next_step));
            false
        }
    }
}

/// In the machine's pace: nothing is told where it is away, nor of those of `had`, which it had at the last look, while nothing differs.
/// Gives those that it has.
pub async fn mend(
    shared: &Shared,
    who: &Who,
    order: &[Loaded],
    had: &BTreeSet<String>,
    by: &Asker,
) -> Result<BTreeSet<String>, Trouble> {
    let wrong = |(error, next_step)| Trouble { is_away: false, is_changed: false, error, next_step };
    let target = Target::of(shared, who).map_err(wrong)?;
    let _turn = shared.recipes.turn(who).await;
    let mut has = BTreeSet::new();
    for loaded in order {
        let (name, began) = (&loaded.recipe.name, Instant::now());
        let looked = carry(&target.reach, loaded, &target.environment, RecipeManner::Check, |_| {}).await?;
        if looked.came == Came::Unchanged {
            if !had.contains(name) {
                tell(shared, who, ended(shared, who, loaded, RecipeManner::Check, looked, None, began));
            }
        } else if !carry_told(shared, who, &target, loaded, RecipeManner::Enforce, by).await {
            break;
        }
        has.insert(name.clone());
    }
    Ok(has)
}

/// What it came to.
async fn carry_one(
    shared: &Shared,
    who: &Who,
    target: &Target,
    loaded: &Loaded,
    manner: RecipeManner,
) -> Result<Fact, Trouble> {
    let began = Instant::now();
    let (recipe, container) = (loaded.recipe.name.clone(), who.container.clone());
    let mut lines = 0;
    let said = |line: crate::reach::Line| {
        lines += 1;
        let text = match lines.cmp(&LINES) {
            std::cmp::Ordering::Less => shown(&line.text),
            std::cmp::Ordering::Equal => format!("… after {LINES} lines no more is kept of what it says"),
            std::cmp::Ordering::Greater => return,
        };
        let (recipe, container) = (recipe.clone(), container.clone());
        tell(shared, who, Fact::RecipeSaid { recipe, container, text, error: line.error });
    };
    let changes = matches!(manner, RecipeManner::Apply | RecipeManner::Enforce | RecipeManner::Again);
    let Target { reach, environment, is_tracked } = target;
    if !(changes && *is_tracked) {
        let outcome = carry(reach, loaded, environment, manner, said).await?;
        return Ok(ended(shared, who, loaded, manner, outcome, None, began));
    }
    // So that the record shows what it changed and nothing else: it is kept before, but only where something is to be changed.
    if manner != RecipeManner::Again {
        let looked = carry(reach, loaded, environment, RecipeManner::Check, |_| {}).await?;
        if looked.came == Came::Unchanged {
            return Ok(ended(shared, who, loaded, manner, looked, None, began));
        }
    }
    let only = || Some(who.container.clone());
    tracker::pull(shared, who.place, only(), None).await;
    let outcome = carry(reach, loaded, environment, manner, said).await;
    if matches!(&outcome, Err(trouble) if !trouble.is_changed) {
        return Ok(ended(shared, who, loaded, manner, outcome?, None, began));
    }
    // What a recipe that failed changed is kept as well.
    let cause = format!("recipe {}", loaded.recipe.name);
    let kept = tracker::pull(shared, who.place, only(), Some(cause)).await.pop().map(|(_, recorded)| recorded);
    let mut outcome = outcome?;
    let Recorded { commit, added, changed, removed, .. } = kept.unwrap_or_default();
    outcome.changed.extend([added, changed, removed].into_iter().flatten().map(|path| format!("/{path}")));
    outcome.changed.sort();
    outcome.changed.dedup();
    outcome.changed.truncate(TOLD);
    Ok(ended(shared, who, loaded, manner, outcome, commit, began))
}

fn ended(
    shared: &Shared,
    who: &Who,
    loaded: &Loaded,
    manner: RecipeManner,
    outcome: Outcome,
    commit: Option<String>,
    began: Instant,
) -> Fact {
    let Outcome { mut came, changed, .. } = outcome;
    let recipe = loaded.recipe.name.clone();
    // One that was found there without being applied from here is known to the journal alone.
    if came == Came::Lacking {
        let key = (who.place, who.container.clone(), recipe.clone());
        let all = known(&shared.options.journal).unwrap_or_default();
        if all.get(&key).is_some_and(|had| had.is_there()) {
            came = Came::Drifted;
        }
    }
    Fact::RecipeEnded {
        recipe,
        container: who.container.clone(),
        manner,
        came,
        digest: loaded.digest.clone(),
        changed,
        commit,
        millis: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
    }
}

/// A line fit for a screen, with the blanks that it begins with.
fn shown(line: &str) -> String {
    let begin =
        line.chars().take_while(|c| matches!(c, ' ' | '\t')).map(|c| if c == '\t' { 8 } else { 1 }).sum::<usize>();
    format!("{}{}", " ".repeat(begin.min(80)), printable(line, WIDTH))
}
