//! `pxelator check`: every mistake of the conf tree, and every file that a machine would ask for and not find.

use crate::{
    boot::{self, Asker, Standing},
    conf, recipe,
    servers::open_below,
};
use color_eyre::eyre::{Result, eyre};
use std::{collections::BTreeSet, path::Path};

/// Prints what is wrong, a line each; true if nothing is.
pub fn check(tree: &Path, tftpboot: &Path) -> Result<bool> {
    if !tree.is_dir() {
        return Err(eyre!("{} is not a folder; make it, or name another tree with --conf", tree.display()));
    }
    let reading = conf::read(tree, None);
    for mistake in &reading.mistakes {
        say!("{}/{mistake}", tree.display());
    }
    let mut missing = missing(&reading.conf, tftpboot);
    missing.extend(recipes(&reading.conf, tree));
    for words in &missing {
        say!("{words}");
    }
    let (segments, profiles) = (&reading.conf.segments, reading.conf.profiles.len());
    let machines: usize = segments.values().map(|segment| segment.machines.len()).sum();
    let wrong = reading.mistakes.len() + missing.len();
    let verdict = if wrong == 0 { "nothing is wrong".to_owned() } else { format!("{wrong} wrong") };
    let many = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let (segments, machines) = (many(segments.len(), "segment"), many(machines, "machine"));
    eprintln!("{segments}, {machines}, {}: {verdict}", many(profiles, "profile"));
    Ok(wrong == 0)
}

/// What each machine would be refused, in words; the same for several machines once.
fn missing(conf: &conf::Conf, tftpboot: &Path) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for segment in conf.segments.values() {
        for machine in segment.machines.values() {
            // A machine without a profile boots from its disk: that is no mistake.
            if segment.profile_of(Some(machine)).is_none() {
                continue;
            }
            let standing = Standing { firmware: machine.firmware, ..Standing::default() };
            let asker = Asker { address: machine.address, mac: Some(machine.mac), machine: Some(machine), standing };
            match boot::files(conf, segment, asker) {
                Err(refusal) => drop(words.insert(format!("{} ({}): {refusal}", machine.hostname, machine.address))),
                Ok(files) => {
                    let lost = files.into_iter().filter_map(|named| {
                        let refusal = open_below(tftpboot, &named.path).err()?;
                        Some(format!("{} names {}: {refusal}", named.by, named.path))
                    });
                    words.extend(lost);
                }
            }
        }
    }
    words
}

/// Recipes that make no sense, and machines that are to have one that is not there.
fn recipes(conf: &conf::Conf, tree: &Path) -> Vec<String> {
    let folder = tree.join("recipes");
    let there = recipe::names(&folder).unwrap_or_default();
    let mut words: Vec<String> =
        there.iter().filter_map(|name| recipe::order(&folder, name).err()).map(|w| w.to_string()).collect();
    for (who, wanted) in super::recipe::who::all(conf, None) {
        let lost = wanted.recipes.iter().filter(|name| !there.contains(name));
        words.extend(
            lost.map(|name| format!("{} is to have recipe {name}, which is not in {}", who.name, folder.display())),
        );
    }
    words.sort();
    words.dedup();
    words
}
