//! Which machine had which recipe, folded from events. Pure.

use crate::{
    command::Place,
    event::{Came, Event, Fact, RecipeManner},
};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// A recipe on a machine, or on a container of it.
pub type Key = (Place, Option<String>, String);

/// What is known of a recipe on a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Had {
    /// What it last came to.
    pub came: Came,
    /// When.
    pub time: Timestamp,
    /// When it was first there.
    pub first: Option<Timestamp>,
    /// The recipe's digest when it was last applied or found there whole.
    pub digest: Option<String>,
    /// Files that differed, or that it changed.
    pub changed: Vec<String>,
    /// Why it could not be carried through, where that came later.
    pub failed: Option<String>,
}

/// How it stands with a recipe on a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The machine has it.
    Has,
    /// It had it, and something differs.
    Drifted,
    /// It had an older version, and something differs from this one.
    Older,
    /// It never had it.
    Lacks,
    /// The machine does not say.
    Unknown,
}

impl Standing {
    /// As in tables.
    pub fn words(self) -> &'static str {
        match self {
            Standing::Has => "has it",
            Standing::Drifted => "drifted",
            Standing::Older => "older version",
            Standing::Lacks => "lacks it",
            Standing::Unknown => "unknown",
        }
    }
}

impl Had {
    /// The machine had it, as far as was told last. Of one that was made anew since, the machine knows better.
    pub fn is_there(&self) -> bool {
        matches!(self.came, Came::Unchanged | Came::Drifted)
    }

    /// How it stands, where a look came to this; `digest` is the recipe's as it is now.
    pub fn standing(before: Option<&Had>, came: Came, digest: &str) -> Standing {
        match came {
            Came::Unchanged | Came::Applied => Standing::Has,
            Came::Lacking | Came::WouldChange => Standing::Lacks,
            Came::Drifted => match before.and_then(|had| had.digest.as_deref()) {
                Some(had) if had != digest => Standing::Older,
                _ => Standing::Drifted,
            },
        }
    }
}

/// What is known after these events, the oldest first.
pub fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> BTreeMap<Key, Had> {
    let mut all: BTreeMap<Key, Had> = BTreeMap::new();
    for event in events {
        let Some(place) = event.segment.zip(event.machine) else { continue };
        match &event.fact {
            Fact::RecipeEnded { manner: RecipeManner::DryRun, .. } => {}
            Fact::RecipeEnded { recipe, container, came, digest, changed, .. } => {
                let key = (place, container.clone(), recipe.clone());
                let before = all.get(&key);
                let is_there = matches!(came, Came::Applied | Came::Unchanged);
                let first = before.and_then(|had| had.first).or(is_there.then_some(event.time));
                let known = before.and_then(|had| had.digest.clone());
                let had = Had {
                    came: *came,
                    time: event.time,
                    first: first.filter(|_| *came != Came::Lacking),
                    digest: if is_there { Some(digest.clone()) } else { known },
                    changed: changed.clone(),
                    failed: None,
                };
                all.insert(key, had);
            }
            Fact::RecipeFailed { recipe, container, error, .. } => {
                if let Some(had) = all.get_mut(&(place, container.clone(), recipe.clone())) {
                    had.failed = Some(error.clone());
                }
            }
            _ => {}
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_last_counts() {
        let place = ([10, 77, 0, 1].into(), [10, 77, 0, 60].into());
        let ended = |manner, came, digest: &str| {
            let fact = Fact::RecipeEnded {
                recipe: "web".into(),
                container: None,
                manner,
                came,
                digest: digest.into(),
                changed: vec!["/etc/motd".into()],
                commit: None,
                millis: 1,
            };
            Event::new(Some(place.0), fact).about(Some(place.1), None)
        };
        let (check, apply) = (RecipeManner::Check, RecipeManner::Apply);
        let key = (place, None, "web".to_owned());
        for (events, came, digest, standing) in [
            (vec![ended(check, Came::Lacking, "1")], Came::Lacking, None, Standing::Lacks),
            (vec![ended(apply, Came::Applied, "1")], Came::Applied, Some("1"), Standing::Has),
            (
                vec![ended(apply, Came::Applied, "2"), ended(check, Came::Drifted, "2")],
                Came::Drifted,
                Some("2"),
                Standing::Drifted,
            ),
            (
                vec![ended(apply, Came::Applied, "1"), ended(check, Came::Drifted, "2")],
                Came::Drifted,
                Some("1"),
                Standing::Older,
            ),
            (
                vec![ended(apply, Came::Applied, "1"), ended(RecipeManner::DryRun, Came::WouldChange, "2")],
                Came::Applied,
                Some("1"),
                Standing::Has,
            ),
        ] {
            let all = fold(&events);
            let had = &all[&key];
            assert_eq!((had.came, had.digest.as_deref()), (came, digest));
            assert_eq!(Had::standing(Some(had), had.came, "2"), standing, "{events:?}");
        }
    }
}
