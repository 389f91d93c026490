//! The record of a machine's files and the recipes that it has, as they were last told. Pure.

use crate::event::{Asker, Came, Event, Fact, RecipeManner};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

/// Lines of a recipe's output that are kept, the newest.
const LINES: usize = 500;

/// What is known of the files of a machine, or of a container of it.
#[derive(Clone, Debug, Default)]
pub struct Tracked {
    /// When they were last looked at.
    pub looked: Option<Timestamp>,
    /// Files that are kept, where that was told.
    pub files: Option<u64>,
    /// The last change of them.
    pub change: Option<Change>,
    /// Why they could not be looked at, and what helps; none since the last good look.
    pub trouble: Option<(String, String)>,
    /// How much of it is in use.
    pub measured: Option<Measured>,
    /// What is known of recipes, by name.
    pub recipes: BTreeMap<String, Had>,
    /// The recipe that runs, or ran last.
    pub run: Option<Run>,
}

/// A change of files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// When it was seen.
    pub at: Timestamp,
    /// git's name of the commit.
    pub commit: String,
    /// Its first line without the machine's name.
    pub subject: String,
    /// What made it, where that is known.
    pub cause: Option<String>,
}

/// How much of a machine is in use; see `track.measured`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Processors.
    pub cpus: u32,
    /// Load over a minute, in hundredths of a processor.
    pub load: u32,
    /// Bytes of memory: all, and in use.
    pub memory: (u64, u64),
    /// Bytes of the root file system: all, and in use.
    pub disk: (u64, u64),
}

/// What is known of a recipe on a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Had {
    /// What came of it last.
    pub came: Came,
    /// When that was.
    pub at: Timestamp,
    /// When it last changed something.
    pub applied: Option<Timestamp>,
    /// SHA-256 of the recipe as it was then.
    pub digest: String,
}

/// A recipe that runs, or ran.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its name.
    pub recipe: String,
    /// How far it is to go.
    pub manner: RecipeManner,
    /// Who asked.
    pub by: Asker,
    /// When it began.
    pub began: Timestamp,
    /// What it printed, the newest [`LINES`] lines: `recipe.said`.
    pub said: VecDeque<Arc<Event>>,
    /// How it ended: `recipe.ended` or `recipe.failed`.
    pub end: Option<Arc<Event>>,
}

impl Had {
    /// The machine has it, as far as is known.
    pub fn is_there(&self) -> bool {
        matches!(self.came, Came::Unchanged | Came::Applied)
    }
}

/// The container of which an event of the record tells; none where it tells of none.
fn container(fact: &Fact) -> Option<&Option<String>> {
    match fact {
        Fact::TrackLooked { container, .. }
        | Fact::TrackChanged { container, .. }
        | Fact::TrackFailed { container, .. }
        | Fact::TrackMeasured { container, .. }
        | Fact::RecipeBegun { container, .. }
        | Fact::RecipeSaid { container, .. }
        | Fact::RecipeEnded { container, .. }
        | Fact::RecipeFailed { container, .. } => Some(container),
        _ => None,
    }
}

/// Folds an event in. Those of the machine itself have no name of a container.
pub(super) fn apply(all: &mut BTreeMap<Option<String>, Tracked>, event: &Arc<Event>) {
    if let Some(container) = container(&event.fact) {
        all.entry(container.clone()).or_default().apply(event);
    }
}

impl Tracked {
    fn apply(&mut self, event: &Arc<Event>) {
        match &event.fact {
            Fact::TrackLooked { files, .. } => {
                (self.looked, self.files, self.trouble) = (Some(event.time), Some(*files), None);
            }
            Fact::TrackChanged { commit, subject, cause, .. } => {
                let (commit, subject, cause) = (commit.clone(), subject.clone(), cause.clone());
                self.change = Some(Change { at: event.time, commit, subject, cause });
                (self.looked, self.trouble) = (Some(event.time), None);
            }
            Fact::TrackFailed { doing, error, next_step, .. } => {
                self.trouble = Some((format!("{doing}: {error}"), next_step.clone()));
            }
            Fact::TrackMeasured { cpus, load, memory, memory_used, disk, disk_used, .. } => {
                let (memory, disk) = ((*memory, *memory_used), (*disk, *disk_used));
                self.measured = Some(Measured { cpus: *cpus, load: *load, memory, disk });
            }
            Fact::RecipeBegun { recipe, manner, by, .. } => self.run = Some(Run::new(event, recipe, *manner, by)),
            Fact::RecipeSaid { recipe, .. } => {
                if let Some(run) = self.run.as_mut().filter(|run| run.recipe == *recipe) {
                    if run.said.len() == LINES {
                        run.said.pop_front();
                    }
                    run.said.push_back(event.clone());
                }
            }
            Fact::RecipeEnded { recipe, manner, came, digest, .. } => {
                self.end(event, recipe, *manner);
                let before = self.recipes.get(recipe).and_then(|had| had.applied);
                let applied = if *came == Came::Applied { Some(event.time) } else { before };
                let had = Had { came: *came, at: event.time, applied, digest: digest.clone() };
                self.recipes.insert(recipe.clone(), had);
            }
            Fact::RecipeFailed { recipe, manner, .. } => self.end(event, recipe, *manner),
            _ => {}
        }
    }

    fn end(&mut self, event: &Arc<Event>, recipe: &str, manner: RecipeManner) {
        if self.run.as_ref().is_none_or(|run| run.recipe != recipe) {
            // One that was refused did not begin.
            self.run = Some(Run::new(event, recipe, manner, &Asker::Operator));
        }
        if let Some(run) = &mut self.run {
            run.end = Some(event.clone());
        }
    }
}

impl Run {
    fn new(event: &Event, recipe: &str, manner: RecipeManner, by: &Asker) -> Run {
        let (recipe, by, began) = (recipe.to_owned(), by.clone(), event.time);
        Run { recipe, manner, by, began, said: VecDeque::new(), end: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64, fact: Fact) -> Arc<Event> {
        Arc::new(Event { time: Timestamp::from_second(second).unwrap(), ..Event::new(None, fact) })
    }

    #[test]
    fn looks_changes_and_troubles_of_a_machine_and_its_container() {
        let mut all = BTreeMap::new();
        let own = || None;
        let of = |name: &str| Some(name.to_owned());
        let failed = |container| Fact::TrackFailed {
            container,
            doing: "pull".into(),
            error: "its ssh host key is another".into(),
            next_step: "pxelator track trust web1".into(),
        };
        apply(&mut all, &at(1, failed(own())));
        apply(&mut all, &at(2, failed(of("db"))));
        assert_eq!(all[&None].trouble.as_ref().unwrap().0, "pull: its ssh host key is another");
        apply(&mut all, &at(3, Fact::TrackLooked { container: own(), files: 7, millis: 5 }));
        assert_eq!((all[&None].files, all[&None].trouble.is_some()), (Some(7), false));
        assert!(all[&of("db")].trouble.is_some(), "a container has troubles of its own");
        let changed = Fact::TrackChanged {
            container: of("db"),
            commit: "c".into(),
            subject: "etc/motd changed".into(),
            added: 0,
            changed: 1,
            removed: 0,
            cause: None,
            millis: 1,
        };
        apply(&mut all, &at(4, changed));
        let db = &all[&of("db")];
        assert_eq!((db.change.as_ref().unwrap().subject.as_str(), db.trouble.is_some()), ("etc/motd changed", false));
        assert_eq!(db.looked, Some(Timestamp::from_second(4).unwrap()));
    }

    #[test]
    fn recipes_run_and_are_had() {
        let mut all = BTreeMap::new();
        let (recipe, container) = (String::from("nginx"), None::<String>);
        let begun = |manner| Fact::RecipeBegun {
            recipe: recipe.clone(),
            container: container.clone(),
            manner,
            by: Asker::Operator,
        };
        let ended = |manner, came| Fact::RecipeEnded {
            recipe: recipe.clone(),
            container: container.clone(),
            manner,
            came,
            digest: "d".into(),
            changed: Vec::new(),
            commit: None,
            millis: 1,
        };
        apply(&mut all, &at(1, begun(RecipeManner::Apply)));
        for line in 0..600 {
            let text = line.to_string();
            let said = Fact::RecipeSaid { recipe: recipe.clone(), container: None, text, error: false };
            apply(&mut all, &at(2, said));
        }
        let run = all[&None].run.as_ref().unwrap();
        assert_eq!((run.said.len(), run.end.is_none()), (LINES, true));
        apply(&mut all, &at(3, ended(RecipeManner::Apply, Came::Applied)));
        apply(&mut all, &at(9, begun(RecipeManner::Check)));
        apply(&mut all, &at(10, ended(RecipeManner::Check, Came::Drifted)));
        let had = &all[&None].recipes["nginx"];
        assert_eq!(
            (had.is_there(), had.applied, had.at),
            (false, Timestamp::from_second(3).ok(), Timestamp::from_second(10).unwrap())
        );
        let failed = Fact::RecipeFailed {
            recipe: "other".into(),
            container: None,
            manner: RecipeManner::Apply,
            error: "there is no such recipe".into(),
            next_step: "see conf/recipes".into(),
        };
        apply(&mut all, &at(11, failed));
        let run = all[&None].run.as_ref().unwrap();
        assert_eq!((run.recipe.as_str(), run.said.len(), run.end.is_some()), ("other", 0, true));
    }
}
