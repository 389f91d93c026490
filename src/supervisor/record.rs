//! The thread that reads the record of machines' files and the recipes for the console: git and files may take their time.

use super::Options;
use crate::{
    command::Place,
    console::{Asked, Recipe, Shelf, Whole},
    event::{Event, Fact, now},
    filter::{Filter, Here, Names},
    journal::{Journal, Query},
    recipe,
    track::{Commit, Repository, Wanted},
};
use jiff::tz::TimeZone;
use std::{
    path::PathBuf,
    sync::{Arc, mpsc::Receiver},
};
use tokio::sync::watch;

/// Commits that are listed, the newest.
const COMMITS: usize = 2_000;
/// Events around a commit that are told, the newest.
const AROUND: usize = 200;
/// Lines of a diff that are shown.
const LINES: usize = 20_000;

/// Where it is read from.
pub struct Shelves {
    repository: Repository,
    recipes: PathBuf,
    journal: PathBuf,
}

impl Shelves {
    /// Those of a program.
    pub fn of(options: &Options) -> Shelves {
        Shelves {
            repository: Repository::new(&options.hosts, &options.run),
            recipes: options.conf.join("recipes"),
            journal: options.journal.clone(),
        }
    }

    /// Answers until nobody can ask any longer. Of several questions of a kind that wait only the last is meant.
    pub fn answer(&self, asked: &Receiver<Asked>, shelf: &watch::Sender<Arc<Shelf>>) {
        while let Ok(first) = asked.recv() {
            let (mut log, mut commit, mut recipes) = (None, None, false);
            for asked in [first].into_iter().chain(asked.try_iter()) {
                match asked {
                    Asked::Log(host) => log = Some(host),
                    Asked::Commit(of, place) => commit = Some((of, place)),
                    Asked::Recipes => recipes = true,
                }
            }
            let put = |change: &mut dyn FnMut(&mut Shelf)| shelf.send_modify(|shelf| change(Arc::make_mut(shelf)));
            if let Some(host) = log {
                let commits = self.log(host.clone());
                put(&mut |shelf| shelf.log = Some((host.clone(), commits.clone())));
            }
            if let Some((commit, place)) = commit {
                let whole = self.whole(&commit, place);
                put(&mut |shelf| shelf.commit = Some((commit.hash.clone(), whole.clone())));
            }
            if recipes {
                let recipes = self.recipes();
                put(&mut |shelf| shelf.recipes = Some(recipes.clone()));
            }
        }
    }

    fn log(&self, host: Option<String>) -> Result<Arc<Vec<Commit>>, String> {
        let wanted = Wanted { host, limit: Some(COMMITS), ..Wanted::default() };
        let commits = self.repository.log(&wanted).map_err(|error| format!("{error}; {}", error.next_step()))?;
        Ok(Arc::new(commits))
    }

    fn whole(&self, commit: &Commit, place: Option<Place>) -> Result<Arc<Whole>, String> {
        let diff = self.repository.diff(&commit.hash, Some(&commit.host), None);
        let diff = diff.map_err(|error| format!("{error}; {}", error.next_step()))?;
        let mut lines: Vec<String> = diff.lines().take(LINES).map(printable).collect();
        if lines.len() == LINES {
            lines.push(format!("the rest is not shown: git -C hosts show {}", commit.hash));
        }
        let events = place.map(|place| self.around(commit, place)).transpose()?.unwrap_or_default();
        Ok(Arc::new(Whole { diff: lines, events }))
    }

    /// What the journal has of the machine between the look before and this one.
    fn around(&self, commit: &Commit, (segment, machine): Place) -> Result<Vec<Arc<Event>>, String> {
        if !self.journal.exists() {
            return Ok(Vec::new());
        }
        let journal = Journal::read(&self.journal).map_err(|error| error.to_string())?;
        let here = Here { now: now(), zone: &TimeZone::UTC, names: &Names(Vec::new()) };
        let since = commit.before.map(|before| format!(" and since={before}")).unwrap_or_default();
        let text = format!("segment={segment} and machine={machine} and until={}{since}", commit.time);
        let filter = Filter::parse(&text, &here).map_err(|error| error.to_string())?;
        let mut events = Vec::new();
        let says = |event: &Event| {
            !event.fact.is_progress() && !matches!(event.fact, Fact::TrackMeasured { .. } | Fact::TrackLooked { .. })
        };
        let query = Query { filter, after: 0, limit: Some(AROUND) };
        journal
            .select(&query, |event| {
                if says(&event) {
                    events.push(Arc::new(event));
                }
            })
            .map_err(|error| error.to_string())?;
        Ok(events)
    }

    fn recipes(&self) -> Result<Arc<Vec<Recipe>>, String> {
        let names = recipe::names(&self.recipes).map_err(|error| format!("{}: {error}", self.recipes.display()))?;
        let of = |name: String| match recipe::load(&self.recipes, &name) {
            Ok(loaded) => Recipe { name, title: loaded.recipe.title, fault: None },
            Err(error) => Recipe { name, title: String::new(), fault: Some(error.to_string()) },
        };
        Ok(Arc::new(names.into_iter().map(of).collect()))
    }
}

/// A line of a diff as a terminal can show it: what files hold is anything.
fn printable(line: &str) -> String {
    let shown = |c: char| match c {
        '\t' => "    ".to_owned(),
        c if c.is_control() => c.escape_default().to_string(),
        c => c.to_string(),
    };
    line.chars().map(shown).collect()
}
