//! `pxelator same`: all recipes of one machine for others, and what these do not explain.

use super::{
    Places,
    power::{ALL, Line, SOME, Stopped, Wrong, exit_code, runtime},
    recipe::{
        Run, Shown, run_all, stopped,
        who::{self, Who},
        write::unexplained,
    },
};
use crate::{
    conf,
    event::RecipeManner,
    recipe::{known, names, order, path_word},
};
use clap::Args;
use color_eyre::eyre::Result;
use std::{collections::BTreeSet, net::Ipv4Addr, time::Duration};

/// Paths that are named.
const NAMED: usize = 20;

/// Which, and how.
#[derive(Debug, Args)]
pub struct Same {
    /// The machine that has them: host name, address, or CONTAINER@MACHINE
    this: String,
    /// Those that get them
    #[arg(value_name = "THAT", required = true)]
    those: Vec<String>,
    /// The segment, where several have machines of these names
    #[arg(long, value_name = "ADDRESS")]
    segment: Option<Ipv4Addr>,
    /// Say what would be changed; change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    shown: Shown,
}

/// Does it; the result is the exit code.
pub fn same(asked: &Same, places: Places) -> Result<u8> {
    Ok(exit_code(carry_over(asked, &places)))
}

fn carry_over(asked: &Same, places: &Places) -> Result<u8, Stopped> {
    let tree = conf::read(&places.conf, None).conf;
    let these = who::who(&tree, std::slice::from_ref(&asked.this), asked.segment)?;
    let [this] = &these[..] else {
        return Err(Wrong::Words(format!("{} are {} machines: one is the pattern", asked.this, these.len())).into());
    };
    let those = who::who(&tree, &asked.those, asked.segment)?;
    if those.contains(this) {
        return Err(Wrong::Words(format!("{} is to be made like itself; name others", this.name)).into());
    }
    let folder = places.conf.join("recipes");
    let there = names(&folder).unwrap_or_default();
    let mut failed = 0;
    let (mut runs, mut texts) = (Vec::new(), Vec::new());
    let manner = if asked.dry_run { RecipeManner::DryRun } else { RecipeManner::Apply };
    for recipe in had(this, &tree, places)? {
        if !there.contains(&recipe) {
            eprintln!("pxelator: {} has recipe {recipe}, which is not in {} any more", this.name, folder.display());
            failed += 1;
            continue;
        }
        let order = order(&folder, &recipe).map_err(stopped)?;
        texts.extend(order.iter().map(|loaded| String::from_utf8_lossy(&loaded.text).into_owned()));
        runs.push(Run { recipe, whom: those.clone(), manner });
    }
    if runs.is_empty() && !asked.shown.json {
        say!("{} has no recipe that could be applied", this.name);
    }
    if !runs.is_empty() {
        let all: BTreeSet<String> = there.into_iter().collect();
        let runtime = runtime()?;
        let done = runtime.block_on(async {
            let mut line = Line::open(&places.clone().options(None)).await?;
            let mut failed = 0;
            // In this order: a later one may build on an earlier.
            for run in &runs {
                failed += run_all(&mut line, std::slice::from_ref(run), &all, asked.shown).await?;
            }
            line.close().await;
            Ok::<usize, Stopped>(failed)
        });
        runtime.shutdown_timeout(Duration::from_secs(1));
        failed += done?;
    }
    if !asked.shown.json {
        rest(this, &texts, places);
    }
    Ok(if failed == 0 { ALL } else { SOME })
}

/// Its recipes: those that it had, as they came, then those that it is to have.
fn had(this: &Who, tree: &conf::Conf, places: &Places) -> Result<Vec<String>, Stopped> {
    let known = known(&places.journal).map_err(Stopped::Broken)?;
    let mine =
        known.into_iter().filter(|((place, container, _), _)| *place == this.place && *container == this.container);
    let mut mine: Vec<_> = mine.filter_map(|((_, _, recipe), had)| Some((had.first?, recipe))).collect();
    mine.sort();
    let mut recipes: Vec<String> = mine.into_iter().map(|(_, recipe)| recipe).collect();
    for recipe in who::wanted(tree, this).recipes {
        if !recipes.contains(&recipe) {
            recipes.push(recipe);
        }
    }
    Ok(recipes)
}

/// Says what else was changed there: a recipe explains what it names, and a link of a unit that it names.
fn rest(this: &Who, texts: &[String], places: &Places) {
    let name = &this.name;
    let explains = |path: &str| {
        let unit = path.split_once(".wants/").map(|(_, unit)| unit);
        let word = path_word(path.as_bytes());
        texts
            .iter()
            .any(|text| [Some(path), unit, Some(word.as_str())].into_iter().flatten().any(|word| text.contains(word)))
    };
    match unexplained(name, &explains, places) {
        Ok(Some((since, paths))) => {
            let more = if paths.len() > NAMED { format!(" and {} more", paths.len() - NAMED) } else { String::new() };
            let some: Vec<&str> = paths.iter().take(NAMED).map(String::as_str).collect();
            say!("changed on {name} outside of recipes: {}{more}", some.join(", "));
            say!("to take that along as well: pxelator recipe from {name} --since {since}");
        }
        Ok(None) => {}
        Err(error) => {
            eprintln!("pxelator: what else was changed on {name} is not known: {error}; {}", error.next_step())
        }
    }
}
