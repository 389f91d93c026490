//! Words of the record of machines' files and of recipes, and their sentences.

use super::Fact;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How far a recipe is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecipeManner {
    /// Look whether the machine has it; change nothing.
    Check,
    /// Say what would be changed; change nothing.
    DryRun,
    /// Change what differs.
    Apply,
    /// The same, because the machine is to have it.
    Enforce,
    /// Carry it through also where nothing differs.
    Again,
}

/// What came of a recipe on a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Came {
    /// Nothing differed, and nothing was touched.
    Unchanged,
    /// What differed was changed.
    Applied,
    /// Something differs; nothing was touched.
    WouldChange,
    /// The machine had it, and something differs by now.
    Drifted,
    /// The machine never had it.
    Lacking,
}

impl RecipeManner {
    /// As in events.
    pub fn name(self) -> &'static str {
        match self {
            RecipeManner::Check => "check",
            RecipeManner::DryRun => "dry-run",
            RecipeManner::Apply => "apply",
            RecipeManner::Enforce => "enforce",
            RecipeManner::Again => "again",
        }
    }
}

impl fmt::Display for Came {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Came::Unchanged => "nothing differs",
            Came::Applied => "applied",
            Came::WouldChange => "would change something",
            Came::Drifted => "drifted",
            Came::Lacking => "not there",
        })
    }
}

/// `web1: ` has been said before it.
pub fn sentence(fact: &Fact, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let within = |f: &mut fmt::Formatter<'_>, container: &Option<String>| match container {
        Some(name) => write!(f, "container {name}: "),
        None => Ok(()),
    };
    match fact {
        Fact::TrackLooked { container, files, .. } => {
            within(f, container)?;
            write!(f, "its {files} files are as they are kept")
        }
        Fact::TrackChanged { container, commit, subject, cause, .. } => {
            within(f, container)?;
            let short = commit.get(..10).unwrap_or(commit);
            write!(f, "{subject} ({short})")?;
            cause.as_ref().map_or(Ok(()), |cause| write!(f, ", by {cause}"))
        }
        Fact::TrackFailed { container, doing, error, next_step } => {
            within(f, container)?;
            write!(f, "{doing}: {error}; {next_step}")
        }
        Fact::TrackLeft { container, paths, count, reason } => {
            within(f, container)?;
            write!(f, "{count} files are not kept, {reason}: {}", paths.join(", "))
        }
        Fact::TrackMeasured { container, cpus, load, memory, memory_used, disk, disk_used } => {
            within(f, container)?;
            // A small container may have no tool that tells.
            let part = |used: u64, all: u64| match used.saturating_mul(100).checked_div(all) {
                Some(part) => format!("{part} %"),
                None => "an unknown part".to_owned(),
            };
            let load = format!("{}.{:02}", load / 100, load % 100);
            let (memory, disk) = (part(*memory_used, *memory), part(*disk_used, *disk));
            write!(f, "load {load} on {cpus} processors, {memory} of memory and {disk} of disk in use")
        }
        Fact::TrackRestored { container, path, commit, .. } => {
            within(f, container)?;
            write!(f, "{path} put back to {}", commit.get(..10).unwrap_or(commit))
        }
        Fact::TrackTrusted { fingerprint, .. } => write!(f, "its ssh key is trusted from now on: {fingerprint}"),
        Fact::TrackRepaired { kept, error } => {
            write!(
                f,
                "the repository of machines' files was broken ({error}); it is kept in {kept}, and a new one goes on"
            )
        }
        Fact::TrackDocumented { file } => write!(f, "its recovery document is {file}"),
        Fact::RecipeBegun { recipe, container, manner, .. } => {
            within(f, container)?;
            write!(f, "recipe {recipe}: {}", manner.name())
        }
        Fact::RecipeSaid { recipe, container, text, .. } => {
            within(f, container)?;
            write!(f, "{recipe}: {text}")
        }
        Fact::RecipeEnded { recipe, container, came, changed, .. } => {
            within(f, container)?;
            write!(f, "recipe {recipe}: {came}")?;
            match changed.as_slice() {
                [] => Ok(()),
                [one] => write!(f, ", {one}"),
                [one, rest @ ..] => write!(f, ", {one} and {} more", rest.len()),
            }
        }
        Fact::RecipeFailed { recipe, container, error, next_step, .. } => {
            within(f, container)?;
            write!(f, "recipe {recipe}: {error}; {next_step}")
        }
        _ => Ok(()),
    }
}
