//! `recipe status`: asks machines which recipes they have, and says how that differs from before.

use super::{
    apply::about,
    stopped,
    who::{self, Who},
};
use crate::{
    cli::{
        Places,
        power::{ALL, Line, SOME, Stopped, Told, Wrong, runtime},
    },
    command::{Command, Place},
    conf,
    event::{Asker, Fact, RecipeManner},
    recipe::{Had, Key, Standing, known, names, order},
};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
    time::Duration,
};

/// What one machine said of one recipe.
struct Said {
    standing: Standing,
    /// Files that differ, or why it is not known.
    detail: String,
}

/// Prints a line a machine and recipe.
pub fn status(words: &[String], segment: Option<Ipv4Addr>, json: bool, places: Places) -> Result<u8, Stopped> {
    let conf = conf::read(&places.conf, None).conf;
    let folder = places.conf.join("recipes");
    let there = names(&folder).map_err(|error| Stopped::Broken(format!("{}: {error}", folder.display())))?;
    let before = known(&places.journal).map_err(Stopped::Broken)?;
    let (recipes, machines): (Vec<String>, Vec<String>) = words.iter().cloned().partition(|word| there.contains(word));
    let everybody = who::all(&conf, segment);
    let whom: Vec<Who> = match machines.is_empty() {
        true => everybody.iter().map(|(who, _)| who.clone()).collect(),
        false => who::who(&conf, &machines, segment).map_err(|wrong| match wrong {
            Wrong::Unknown { name, near } => Wrong::Words(format!(
                "no machine and no recipe of conf is called {name}{}",
                near.map_or(String::new(), |near| format!("; {near} is"))
            )),
            other => other,
        })?,
    };
    let wanted: BTreeMap<&Who, &Vec<String>> = everybody.iter().map(|(who, wanted)| (who, &wanted.recipes)).collect();
    let mut asked: Vec<(Who, String)> = Vec::new();
    for who in &whom {
        let key = |name: &String| (who.place, who.container.clone(), name.clone());
        let is_meant = |name: &String| {
            let had = before.get(&key(name)).is_some_and(|had| had.first.is_some());
            had || wanted.get(who).is_some_and(|recipes| recipes.contains(name))
        };
        let meant = there.iter().filter(|name| match recipes.is_empty() {
            true => is_meant(name),
            // Without machines those are meant that were named, for all.
            false => recipes.contains(name),
        });
        asked.extend(meant.map(|name| (who.clone(), name.clone())));
    }
    for who in &whom {
        for name in wanted.get(who).into_iter().flat_map(|recipes| recipes.iter()).filter(|name| !there.contains(name))
        {
            eprintln!("pxelator: {}: it is to have recipe {name}, which is not in {}", who.name, folder.display());
        }
    }
    if asked.is_empty() {
        if !json {
            say!("no machine had a recipe yet, nor is it to have one");
        }
        return Ok(ALL);
    }
    let digests = asked.iter().map(|(_, name)| name.clone()).collect::<BTreeSet<_>>().into_iter().map(|name| {
        let digest = order(&folder, &name).map_err(stopped)?.pop().map(|loaded| loaded.digest);
        Ok((name, digest.unwrap_or_default()))
    });
    let digests: BTreeMap<String, String> = digests.collect::<Result<_, Stopped>>()?;
    let runtime = runtime()?;
    let said = runtime.block_on(ask(&asked, &digests, &before, places));
    runtime.shutdown_timeout(Duration::from_secs(1));
    print(&asked, &said?, &before, json)
}

async fn ask(
    asked: &[(Who, String)],
    digests: &BTreeMap<String, String>,
    before: &BTreeMap<Key, Had>,
    places: Places,
) -> Result<BTreeMap<(Who, String), Said>, Stopped> {
    let mut line = Line::open(&places.options(None)).await?;
    let mut groups: BTreeMap<(Option<String>, String), Vec<Place>> = BTreeMap::new();
    for (who, recipe) in asked {
        groups.entry((who.container.clone(), recipe.clone())).or_default().push(who.place);
    }
    for ((container, recipe), machines) in groups {
        let (manner, by) = (RecipeManner::Check, Asker::Operator);
        line.send(Command::Recipe { machines, container, recipe, manner, by }).await?;
    }
    let all: Vec<Who> = asked.iter().map(|(who, _)| who.clone()).collect();
    let mut said = BTreeMap::new();
    while asked.iter().any(|key| !said.contains_key(key)) {
        let Told::Event(event) = line.next().await? else { continue };
        let Some(key) = about(&event, &all) else { continue };
        let had = before.get(&(key.0.place, key.0.container.clone(), key.1.clone()));
        match &event.fact {
            Fact::RecipeEnded { manner: RecipeManner::Check, came, changed, .. } => {
                let digest = digests.get(&key.1).map(String::as_str).unwrap_or_default();
                let standing = Had::standing(had, *came, digest);
                said.insert(key, Said { standing, detail: changed.join(", ") });
            }
            Fact::RecipeFailed { manner: RecipeManner::Check, error, .. } => {
                said.insert(key, Said { standing: Standing::Unknown, detail: error.clone() });
            }
            _ => {}
        }
    }
    line.close().await;
    Ok(said)
}

fn print(
    asked: &[(Who, String)],
    said: &BTreeMap<(Who, String), Said>,
    before: &BTreeMap<Key, Had>,
    json: bool,
) -> Result<u8, Stopped> {
    let width = |of: fn(&(Who, String)) -> usize| asked.iter().map(of).max().unwrap_or(0);
    let (machine, recipe) = (width(|(who, _)| who.name.len()).max(7), width(|(_, name)| name.len()).max(6));
    if !json {
        say!("{:machine$}  {:recipe$}  {:13}  {:16}  ", "MACHINE", "RECIPE", "STANDING", "FIRST HAD");
    }
    let mut code = ALL;
    for key in asked {
        let Some(Said { standing, detail }) = said.get(key) else { continue };
        let had = before.get(&(key.0.place, key.0.container.clone(), key.1.clone()));
        if *standing != Standing::Has {
            code = SOME;
        }
        let first = had.and_then(|had| had.first);
        if json {
            let (segment, address) = key.0.place;
            say!(
                "{}",
                json!({ "machine": key.0.name, "segment": segment, "address": address, "recipe": key.1,
                    "standing": standing.words(), "detail": detail, "first_had": first })
            );
            continue;
        }
        let mut detail = detail.clone();
        if let (Standing::Unknown, Some(had)) = (standing, had) {
            detail = format!("{detail}; at {:.0} it was: {}", had.time, had.came);
        }
        let first = first.map_or("-".to_owned(), |first| {
            jiff::tz::TimeZone::system().to_datetime(first).strftime("%Y-%m-%d %H:%M").to_string()
        });
        let line = format!("{:machine$}  {:recipe$}  {:13}  {first:16}  {detail}", key.0.name, key.1, standing.words());
        say!("{}", line.trim_end());
    }
    Ok(code)
}
