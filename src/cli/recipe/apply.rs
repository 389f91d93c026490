//! `recipe apply` and `enforce`: sends the wish, shows what recipes say as they say it, and sums up.

use super::{
    Shown, Which, stopped,
    who::{self, Who},
};
use crate::{
    cli::{
        Places,
        power::{ALL, Line, SOME, Stopped, Told, Wrong, runtime},
    },
    command::Command,
    conf,
    event::{Asker, Event, Fact, RecipeManner},
    recipe::{names, order},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Files that are named of one that was changed.
const NAMED: usize = 20;

/// One recipe for some.
pub struct Run {
    /// Its name.
    pub recipe: String,
    /// For whom.
    pub whom: Vec<Who>,
    /// How far.
    pub manner: RecipeManner,
}

/// Applies one.
pub fn apply(name: &str, which: &Which, manner: RecipeManner, shown: Shown, places: Places) -> Result<u8, Stopped> {
    let conf = conf::read(&places.conf, None).conf;
    let order = order(&places.conf.join("recipes"), name).map_err(stopped)?;
    let whom = who::who(&conf, &which.machines, which.segment)?;
    let runtime = runtime()?;
    let names: BTreeSet<String> = order.into_iter().map(|loaded| loaded.recipe.name).collect();
    let run = Run { recipe: name.to_owned(), whom, manner };
    let done = runtime.block_on(async {
        let mut line = Line::open(&places.options(None)).await?;
        let done = run_all(&mut line, &[run], &names, shown).await;
        line.close().await;
        done
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(if done? == 0 { ALL } else { SOME })
}

/// Mends what is to be on machines.
pub fn enforce(which: &Which, shown: Shown, places: Places) -> Result<u8, Stopped> {
    let conf = conf::read(&places.conf, None).conf;
    let whom = who::who(&conf, &which.machines, which.segment)?;
    let mut runs: Vec<Run> = Vec::new();
    for who in whom {
        let wanted = who::wanted(&conf, &who);
        if wanted.recipes.is_empty() {
            let (segment, address) = who.place;
            let file = format!("conf/{segment}/{address}/recipes");
            return Err(
                Wrong::Words(format!("{} is to have no recipe; name some in {file}, one a line", who.name)).into()
            );
        }
        for recipe in wanted.recipes {
            order(&places.conf.join("recipes"), &recipe).map_err(stopped)?;
            match runs.iter_mut().find(|run| run.recipe == recipe) {
                Some(run) => run.whom.push(who.clone()),
                None => runs.push(Run { recipe, whom: vec![who.clone()], manner: RecipeManner::Enforce }),
            }
        }
    }
    let names = names(&places.conf.join("recipes")).unwrap_or_default().into_iter().collect();
    let runtime = runtime()?;
    let done = runtime.block_on(async {
        let mut line = Line::open(&places.options(None)).await?;
        let mut failed = 0;
        // One after the other: a later one may build on an earlier.
        for run in &runs {
            failed += run_all(&mut line, std::slice::from_ref(run), &names, shown).await?;
        }
        line.close().await;
        Ok::<usize, Stopped>(failed)
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(if done? == 0 { ALL } else { SOME })
}

/// Has them carried through, shows it, and gives how many failed. Events of the recipes `names` are shown.
pub async fn run_all(line: &mut Line, runs: &[Run], names: &BTreeSet<String>, shown: Shown) -> Result<usize, Stopped> {
    let mut waits: BTreeSet<(Who, String)> = BTreeSet::new();
    for run in runs {
        let mut groups: BTreeMap<Option<String>, Vec<Who>> = BTreeMap::new();
        for who in &run.whom {
            groups.entry(who.container.clone()).or_default().push(who.clone());
            waits.insert((who.clone(), run.recipe.clone()));
        }
        for (container, whom) in groups {
            let machines = whom.iter().map(|who| who.place).collect();
            let (recipe, manner, by) = (run.recipe.clone(), run.manner, Asker::Operator);
            line.send(Command::Recipe { machines, container, recipe, manner, by }).await?;
        }
    }
    let all: Vec<Who> = runs.iter().flat_map(|run| run.whom.clone()).collect();
    let is_one = all.iter().collect::<BTreeSet<_>>().len() == 1;
    let mut failed = 0;
    while !waits.is_empty() {
        let event = match line.next().await? {
            Told::Taken => continue,
            Told::Missed(missed) => {
                eprintln!("pxelator: {missed} events were missed; see them in pxelator log");
                continue;
            }
            Told::Event(event) => event,
        };
        let Some((who, recipe)) = about(&event, &all).filter(|(_, recipe)| names.contains(recipe)) else { continue };
        let of = runs.iter().find(|run| run.recipe == recipe);
        let manner = of.map(|run| run.manner);
        show(&event, &who, is_one, shown);
        match &event.fact {
            Fact::RecipeEnded { manner: ended, .. } if Some(*ended) == manner => {
                waits.remove(&(who, recipe));
            }
            Fact::RecipeFailed { manner: ended, .. } if Some(*ended) == manner => {
                failed += usize::from(waits.remove(&(who, recipe)));
            }
            _ => {}
        }
    }
    Ok(failed)
}

/// Of whom an event of recipes is, and of which recipe.
pub fn about(event: &Event, all: &[Who]) -> Option<(Who, String)> {
    let (Fact::RecipeBegun { recipe, container, .. }
    | Fact::RecipeSaid { recipe, container, .. }
    | Fact::RecipeEnded { recipe, container, .. }
    | Fact::RecipeFailed { recipe, container, .. }) = &event.fact
    else {
        return None;
    };
    let place = event.segment.zip(event.machine)?;
    let who = all.iter().find(|who| who.place == place && who.container == *container)?;
    Some((who.clone(), recipe.clone()))
}

fn show(event: &Event, who: &Who, is_one: bool, shown: Shown) {
    if shown.json {
        if !(shown.quiet && matches!(event.fact, Fact::RecipeSaid { .. })) {
            say!("{}", serde_json::to_string(event).unwrap_or_default());
        }
        return;
    }
    let name = &who.name;
    match &event.fact {
        Fact::RecipeSaid { .. } if shown.quiet => {}
        Fact::RecipeSaid { text, .. } if is_one => say!("{text}"),
        Fact::RecipeSaid { text, .. } => say!("{name}: {text}"),
        Fact::RecipeEnded { recipe, came, changed, commit, .. } => {
            let commit = commit.as_ref().map_or(String::new(), |commit| {
                format!(" (pxelator changes {name}: {})", commit.get(..10).unwrap_or(commit))
            });
            say!("{name}: recipe {recipe}: {came}{commit}");
            for path in changed.iter().take(NAMED) {
                say!("  {path}");
            }
            if changed.len() > NAMED {
                say!("  and {} more", changed.len() - NAMED);
            }
        }
        Fact::RecipeFailed { recipe, error, next_step, .. } => {
            eprintln!("pxelator: {name}: recipe {recipe}: {error}; {next_step}");
        }
        _ => {}
    }
}
