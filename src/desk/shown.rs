//! Terminals inside the console and the sessions that they show: opened, found again, watched, ended.

use super::{Answer, Desk, Held, Plan, What, inside, seat::Unopened};
use std::{
    sync::{Arc, atomic::Ordering},
    thread,
    time::Duration,
};

/// How often it is looked whether sessions still run.
const LOOK: Duration = Duration::from_secs(3);

impl Desk {
    /// Opens a terminal inside the console.
    pub(super) fn open_inside(&self, plan: Plan, what: &What) -> Result<(), Unopened> {
        let desk = self.clone();
        let at_end = Arc::new(move |plan: &Plan, how: &str| desk.told_of_end(plan, how));
        let id = self.terminals.open(plan, Some(what.clone()), self.seat.operator.owner(), at_end);
        self.watch();
        self.answer(Answer::Inside(id.map_err(Unopened::Failed)?));
        Ok(())
    }

    /// How another terminal shows what one inside the console does, in words.
    pub fn attaching(&self, id: inside::Id) -> Option<String> {
        let plan = &self.terminals.get(id)?.plan;
        let how = self.seat.settings().0.holder.by_hand(&plan.session);
        Some(format!("{} runs; in another terminal: {how}", plan.title))
    }

    /// Tells how a terminal inside the console ended, and what became of its session.
    fn told_of_end(&self, plan: &Plan, how: &str) -> String {
        let goes_on = self.sessions().is_ok_and(|held| held.iter().any(|held| held.name == plan.session));
        let session = if goes_on { "its session goes on" } else { "its session has ended" };
        self.answer(Answer::Word(format!("{}: {how}, {session}; t opens it again", plan.title)));
        format!("{how}, {session}")
    }

    /// Looks now and then whether the sessions still run that terminals inside the console show: the client of a
    /// screen that was killed waits for ever. Ends with the last of the terminals.
    fn watch(&self) {
        if self.watches.swap(true, Ordering::Relaxed) {
            return;
        }
        let desk = self.clone();
        self.on_a_thread(move || {
            let mut any = true;
            while any {
                thread::sleep(LOOK);
                let Ok(held) = desk.sessions() else {
                    any = desk.terminals.list().iter().any(|(_, terminal)| terminal.ended().is_none());
                    continue;
                };
                let running: Vec<String> = held.iter().map(|held| held.name.clone()).collect();
                if std::mem::replace(&mut *desk.known.lock(), held.clone()) != held {
                    desk.touch();
                }
                any = desk.terminals.lose(&running, 2 * LOOK);
            }
            desk.watches.store(false, Ordering::Relaxed);
        });
    }

    /// Shows a session that is held inside the console.
    pub fn open_session(&self, name: &str) {
        let what = self.known.lock().iter().find(|held| held.name == name).and_then(|held| held.what.clone());
        let Some(what) = what else {
            let word = format!("what {name} shows is gone from conf; x ends it");
            return self.answer(Answer::Word(word));
        };
        let desk = self.clone();
        self.on_a_thread(move || {
            let opened = desk.plan(&what).and_then(|plan| desk.open_inside(plan, &what));
            if let Err(error) = opened {
                desk.answer(Answer::Word(error.to_string()));
            }
        });
    }

    /// The sessions that ran when they were last looked for.
    pub fn known_sessions(&self) -> Vec<Held> {
        self.known.lock().clone()
    }

    /// Looks for sessions that run.
    pub fn look_for_sessions(&self) {
        let desk = self.clone();
        self.on_a_thread(move || desk.find_sessions());
    }

    fn find_sessions(&self) {
        match self.sessions() {
            Ok(found) => *self.known.lock() = found,
            Err(error) => self.answer(Answer::Word(error.to_string())),
        }
        self.touch();
    }

    /// Ends a session and what runs in it.
    pub fn end(&self, name: &str) {
        let (desk, name) = (self.clone(), name.to_owned());
        self.on_a_thread(move || {
            if let Err(error) = desk.end_session(&name) {
                desk.answer(Answer::Word(error.to_string()));
            }
            desk.find_sessions();
        });
    }

    /// Ends the session that a terminal inside the console shows.
    pub fn end_shown(&self, id: inside::Id) {
        if let Some(terminal) = self.terminals.get(id) {
            self.end(&terminal.plan.session);
        }
    }
}
