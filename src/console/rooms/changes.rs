//! What changed on machines: commits of the record, and one of them with its diff and what happened around it. Pure, but for the look
//! at what was answered.

use super::{Room, typed::Typed};
use crate::{
    command::{Command, Place},
    console::{
        keys::Wish,
        lines::current,
        model::Model,
        record::{Asked, Record, Whole},
        update::Effect,
    },
    state::State,
    track::Commit,
};
use crossterm::event::KeyEvent;
use std::sync::Arc;

/// Where the operator is.
#[derive(Clone, Debug, PartialEq)]
pub struct Changes {
    /// Of this machine's folder only.
    pub host: Option<String>,
    /// Commits, the newest first; none while they are looked for.
    pub commits: Option<Result<Arc<Vec<Commit>>, String>>,
    /// Lines with these words.
    pub filter: Typed,
    /// The one before the operator as a whole.
    pub open: Option<Open>,
    /// Lines on the screen.
    pub height: usize,
    /// The first line shown.
    pub offset: usize,
    selected: usize,
    /// What is to be asked at the next look.
    ask: Option<Asked>,
    /// How often the record had changed when it was asked.
    seen: u64,
}

/// A commit as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Open {
    /// Which.
    pub commit: Commit,
    /// None while it is looked for.
    pub whole: Option<Result<Arc<Whole>, String>>,
    /// Lines above the screen.
    pub scrolled: usize,
}

/// Opens the room: from a machine's page with its changes, else with all.
pub fn enter(model: &mut Model, state: &State) {
    let host = model.page.and_then(|_| model.machine(state)).map(crate::state::Machine::name);
    open(model, state, host, "");
}

/// Opens the room of one machine or of all, with words that lines are to have.
pub fn open(model: &mut Model, state: &State, host: Option<String>, words: &str) {
    let mut room = Changes {
        host: None,
        commits: None,
        filter: Typed { text: words.to_owned(), before: None },
        open: None,
        height: model.height.max(10),
        offset: 0,
        selected: 0,
        ask: None,
        seen: state.changes,
    };
    room.ask_for(host);
    model.room = Some(Room::Changes(Box::new(room)));
}

/// What a wish changes here.
pub fn follow(model: &mut Model, state: &State, wish: Wish) -> Option<Effect> {
    let Some(Room::Changes(room)) = &mut model.room else { return None };
    let screen = isize::try_from(room.height.max(2) - 1).unwrap_or(1);
    match wish {
        Wish::Down => room.step(1),
        Wish::Up => room.step(-1),
        Wish::PageDown => room.step(screen),
        Wish::PageUp => room.step(-screen),
        Wish::First => room.step(isize::MIN / 2),
        Wish::Last => room.step(isize::MAX / 2),
        Wish::Filter if room.open.is_none() => room.filter.begin(),
        Wish::Filter => {}
        Wish::AllChanges => room.ask_for(None),
        Wish::MachineChanges => {
            let host = room.commit().map(|commit| commit.host.clone());
            if let Some(host) = host {
                room.ask_for(Some(host));
            }
        }
        Wish::Open if room.open.is_none() => {
            if let Some(commit) = room.commit().cloned() {
                let place = place(state, &commit.host);
                room.ask = Some(Asked::Commit(commit.clone(), place));
                room.open = Some(Open { commit, whole: None, scrolled: 0 });
            }
        }
        Wish::Open => {}
        Wish::Pull => return Some(pull(model, state)),
        Wish::Back if room.open.is_some() => room.open = None,
        Wish::Back if !room.filter.text.is_empty() => room.filter.text.clear(),
        _ => return None,
    }
    Some(Effect::None)
}

/// Looks at machines now: at the one whose changes are shown, else at all that are looked at.
fn pull(model: &mut Model, state: &State) -> Effect {
    let Some(Room::Changes(room)) = &model.room else { return Effect::None };
    let whose = room.open.as_ref().map(|open| &open.commit.host).or(room.host.as_ref()).cloned();
    let machines: Vec<Place> = match &whose {
        Some(host) => place(state, host).into_iter().collect(),
        None => looked_at(state),
    };
    let words = match (machines.len(), whose) {
        (0, Some(host)) => format!("{host} is no machine of conf here"),
        (0, None) => "no machine is looked at: name paths in `track` of a machine or its segment".to_owned(),
        (1, Some(host)) => format!("{host} is looked at"),
        (count, _) => format!("{count} machines are looked at"),
    };
    model.word = Some(words);
    if machines.is_empty() { Effect::None } else { Effect::Send(Command::Pull { machines, cause: None }) }
}

/// The machine of a folder in the record: `web1`, or `db@web1` of a container of it.
pub fn place(state: &State, host: &str) -> Option<Place> {
    let name = host.rsplit_once('@').map_or(host, |(_, machine)| machine);
    let own = current(state).filter(|(_, segment)| !segment.remote);
    let mut all = own.flat_map(|(at, segment)| segment.machines.values().map(move |machine| (at, machine)));
    let (at, machine) = all.find(|(_, machine)| machine.in_conf && machine.name() == name)?;
    Some((at, machine.address?))
}

/// The machines of conf that were looked at.
fn looked_at(state: &State) -> Vec<Place> {
    let own = current(state).filter(|(_, segment)| !segment.remote);
    let all = own.flat_map(|(at, segment)| segment.machines.values().map(move |machine| (at, machine)));
    let tracked = all.filter(|(_, machine)| machine.in_conf && !machine.tracked.is_empty());
    tracked.filter_map(|(at, machine)| Some((at, machine.address?))).collect()
}

/// A commit in a line, for the filter.
fn line(commit: &Commit) -> String {
    let files: Vec<&str> = commit.files.iter().map(|(_, path)| path.as_str()).collect();
    format!("{} {} {} {}", commit.host, commit.subject, commit.cause.as_deref().unwrap_or_default(), files.join(" "))
}

impl Changes {
    /// The lines: commits that the filter wants.
    pub fn lines(&self) -> Vec<&Commit> {
        let all = self.commits.as_ref().and_then(|commits| commits.as_ref().ok());
        all.into_iter().flat_map(|all| all.iter()).filter(|commit| self.filter.fits(&line(commit))).collect()
    }

    /// The selected line.
    pub fn selected(&self) -> usize {
        self.selected.min(self.lines().len().saturating_sub(1))
    }

    fn commit(&self) -> Option<&Commit> {
        match &self.open {
            Some(open) => Some(&open.commit),
            None => self.lines().get(self.selected()).copied(),
        }
    }

    fn ask_for(&mut self, host: Option<String>) {
        self.ask = Some(Asked::Log(host.clone()));
        (self.host, self.commits, self.open, self.selected) = (host, None, None, 0);
    }

    /// Moves by so many lines.
    pub fn step(&mut self, by: isize) {
        if let Some(open) = &mut self.open {
            let lines = match &open.whole {
                Some(Ok(whole)) => whole.lines(),
                _ => 0,
            };
            let most = lines.saturating_sub(self.height);
            open.scrolled = open.scrolled.min(most).saturating_add_signed(by).min(most);
            return;
        }
        let last = self.lines().len().saturating_sub(1);
        self.selected = self.selected().saturating_add_signed(by).min(last);
    }

    /// Selects a line that is shown.
    pub fn choose(&mut self, line: usize) {
        if self.open.is_none() {
            self.selected = self.offset + line;
        }
    }

    /// Takes a key of the filter that is being typed; false where none is.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        self.filter.key(key)
    }

    /// Asks what is to be asked, and takes over what was answered.
    pub fn look(&mut self, record: &Record, state: &State) {
        if state.changes != self.seen && self.ask.is_none() {
            self.ask = Some(Asked::Log(self.host.clone()));
        }
        if let Some(asked) = self.ask.take() {
            let is_log = matches!(asked, Asked::Log(_));
            match record.ask(asked.clone()) {
                true if is_log => self.seen = state.changes,
                true => {}
                false => self.ask = Some(asked),
            }
        }
        let shelf = record.shelf();
        if let Some((host, commits)) = shelf.log.as_ref().filter(|(host, _)| *host == self.host)
            && self.commits.as_ref() != Some(commits)
        {
            let chosen = self.commit().map(|commit| commit.hash.clone());
            debug_assert_eq!(*host, self.host);
            self.commits = Some(commits.clone());
            // The same commit stays chosen, wherever it is now; the newest where none was moved to.
            if let Some(chosen) = chosen.filter(|_| self.selected > 0) {
                self.selected = self.lines().iter().position(|commit| commit.hash == chosen).unwrap_or(self.selected);
            }
        }
        if let (Some(open), Some((hash, whole))) = (&mut self.open, &shelf.commit)
            && open.commit.hash == *hash
            && open.whole.is_none()
        {
            open.whole = Some(whole.clone());
        }
    }
}

impl Whole {
    /// Lines that it has on the screen: the events with their head, and the diff.
    pub fn lines(&self) -> usize {
        // Two heads, and a line between.
        self.events.len().max(1) + self.diff.len().max(1) + 3
    }
}
