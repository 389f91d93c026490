//! All checks and their turns: what is looked at next, and what comes of it. Pure: time is told.

use super::{
    Excuse, Key, Subject,
    plan::Planned,
    turn::{Look, Turn, Weight},
};
use crate::{conf::checks::Check, event::Fact, state::checked::Checked};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

/// What came of a check.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Of what.
    pub subject: Subject,
    /// What.
    pub fact: Fact,
}

/// A check whose turn it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Which.
    pub key: Key,
    /// What is looked at.
    pub check: Check,
}

/// What is known of something besides its checks.
#[derive(Clone, Debug, Default)]
struct Known {
    excuse: Option<Excuse>,
    /// When it was last heard of.
    heard: Option<Instant>,
    /// Its sign fails: nothing else of it is looked at.
    is_gone: bool,
}

/// All checks.
#[derive(Default)]
pub struct Rounds {
    turns: BTreeMap<Key, Turn>,
    /// Those that no look is under way of, by when the next is.
    queue: BTreeSet<(Instant, Key)>,
    known: BTreeMap<Subject, Known>,
}

impl Rounds {
    /// Takes over what is to be looked at from now on; `told` says how a check stood last.
    pub fn follow(
        &mut self,
        plan: BTreeMap<Key, Planned>,
        told: impl Fn(&Key) -> Option<Checked>,
        now: Instant,
    ) -> Vec<Told> {
        let gone: Vec<Key> = self.turns.keys().filter(|key| !plan.contains_key(*key)).cloned().collect();
        let mut news = Vec::new();
        for key in gone {
            let Some(mut turn) = self.turns.remove(&key) else { continue };
            self.queue.remove(&(turn.due, key.clone()));
            if turn.pause() {
                news.push(paused(&key, "conf says so no longer"));
            }
        }
        for (key, planned) in plan {
            match self.turns.get_mut(&key) {
                Some(turn) => turn.planned = planned,
                None => {
                    let turn = Turn::new(planned, told(&key).as_ref(), &key, now);
                    if turn.is_gone() {
                        self.known.entry(key.subject).or_default().is_gone = true;
                    }
                    self.queue.insert((turn.due, key.clone()));
                    self.turns.insert(key, turn);
                }
            }
        }
        let there: BTreeSet<Subject> = self.turns.keys().map(|key| key.subject).collect();
        self.known.retain(|subject, _| there.contains(subject));
        news
    }

    /// All that is looked at.
    pub fn subjects(&self) -> BTreeSet<Subject> {
        self.turns.keys().map(|key| key.subject).collect()
    }

    /// How often a check is done.
    pub fn every(&self, key: &Key) -> Option<Duration> {
        self.turns.get(key).map(|turn| turn.planned.check.every)
    }

    /// It was heard of at that time: where it was gone, it is looked for at once.
    pub fn heard(&mut self, subject: Subject, at: Instant) {
        let known = self.known.entry(subject).or_default();
        if known.heard.is_some_and(|heard| heard >= at) {
            return;
        }
        known.heard = Some(at);
        if known.is_gone {
            self.hasten(subject, at, |turn| turn.is_sign() && turn.is_failed());
        }
    }

    /// Why what is found wrong of it is no news, or why it is not looked at, from now on.
    pub fn excuse(&mut self, subject: Subject, excuse: Option<Excuse>, now: Instant) -> Vec<Told> {
        let known = self.known.entry(subject).or_default();
        if known.excuse == excuse {
            return Vec::new();
        }
        let was_off = matches!(known.excuse, Some(Excuse::Off(_)));
        known.excuse = excuse;
        let mut news = Vec::new();
        if let Some(Excuse::Off(reason)) = &known.excuse {
            known.is_gone = false;
            for (key, turn) in of(&mut self.turns, subject) {
                if turn.pause() {
                    news.push(paused(key, reason));
                }
            }
        } else if was_off {
            self.hasten(subject, now, |_| true);
        }
        news
    }

    /// Looks at all of it at once, and tells also what is no news; of what is not looked at, why.
    pub fn ask(&mut self, subject: Subject, now: Instant) -> Vec<Told> {
        let known = self.known.entry(subject).or_default().clone();
        let mut news = Vec::new();
        let sign = of(&mut self.turns, subject).find(|(_, turn)| turn.is_gone());
        let gone = sign.filter(|_| known.is_gone).map(|(key, _)| fails(key));
        for (key, turn) in of(&mut self.turns, subject) {
            match (&known.excuse, &gone) {
                (Some(Excuse::Off(reason)), _) if turn.pause_again() => news.push(paused(key, reason)),
                (_, Some(reason)) if !turn.is_sign() && turn.pause_again() => news.push(paused(key, reason)),
                _ => turn.is_asked = !turn.is_guess(),
            }
        }
        self.hasten(subject, now, |_| true);
        news
    }

    fn hasten(&mut self, subject: Subject, now: Instant, which: impl Fn(&Turn) -> bool) {
        for (key, turn) in of(&mut self.turns, subject) {
            if which(turn) && turn.began.is_none() && turn.due > now {
                self.queue.remove(&(turn.due, key.clone()));
                turn.due = now;
                self.queue.insert((now, key.clone()));
            }
        }
    }

    /// When the next look is due.
    pub fn next(&self) -> Option<Instant> {
        self.queue.first().map(|(due, _)| *due)
    }

    /// The checks whose turn it is, so many at most. What need not be looked at, or cannot be now, has its next turn later.
    pub fn due(&mut self, now: Instant, most: usize) -> Vec<Due> {
        let mut due = Vec::new();
        while due.len() < most {
            match self.queue.first() {
                Some((at, _)) if *at <= now => {}
                _ => break,
            }
            let Some((_, key)) = self.queue.pop_first() else { break };
            let Some(turn) = self.turns.get_mut(&key) else { continue };
            let known = self.known.get(&key.subject);
            let is_off = known.is_some_and(|known| matches!(known.excuse, Some(Excuse::Off(_))));
            let is_gone = known.is_some_and(|known| known.is_gone) && !turn.is_sign();
            let heard = known.and_then(|known| known.heard);
            if is_off || is_gone || !turn.is_asked && is_spared(turn, heard, now) {
                turn.pass_over(&key, now);
                self.queue.insert((turn.due, key));
                continue;
            }
            turn.began = Some(now);
            due.push(Due { check: turn.planned.check.clone(), key });
        }
        due
    }

    /// Takes in what a look found.
    pub fn take(&mut self, key: &Key, look: Look, (now, time): (Instant, Timestamp)) -> Vec<Told> {
        let known = self.known.entry(key.subject).or_default().clone();
        let signs_trouble = of(&mut self.turns, key.subject).any(|(_, turn)| turn.is_sign() && turn.is_in_trouble());
        let Some(turn) = self.turns.get_mut(key) else { return Vec::new() };
        if matches!(known.excuse, Some(Excuse::Off(_))) {
            turn.began = None;
            turn.pass_over(key, now);
            self.queue.insert((turn.due, key.clone()));
            return Vec::new();
        }
        let spoke = turn.is_sign() && turn.began.zip(known.heard).is_some_and(|(began, heard)| heard >= began);
        let is_excused = known.excuse.is_some() || !turn.is_sign() && signs_trouble || spoke && !turn.is_failed();
        let (is_sign, well) = (turn.is_sign(), look.well);
        let began = turn.began.unwrap_or(now);
        let weight = if is_excused { Weight::None } else { Weight::Full };
        let fact = turn.take(look, weight, key, (now, time));
        self.queue.insert((turn.due, key.clone()));
        let mut news: Vec<Told> = fact.map(|fact| Told { subject: key.subject, fact }).into_iter().collect();
        let is_gone = turn.is_gone();
        if is_sign {
            news.extend(self.of_sign(key, is_gone, now));
        } else if !well {
            // Whether it is the machine or the service only, its sign tells.
            self.hasten(key.subject, now, |turn| turn.is_sign() && turn.well.is_none_or(|well| well < began));
        }
        news
    }

    /// A sign is gone, or not.
    fn of_sign(&mut self, sign: &Key, is_gone: bool, now: Instant) -> Vec<Told> {
        let known = self.known.entry(sign.subject).or_default();
        if known.is_gone == is_gone {
            return Vec::new();
        }
        known.is_gone = is_gone;
        if !is_gone {
            self.hasten(sign.subject, now + Duration::from_secs(1), |turn| !turn.is_sign());
            return Vec::new();
        }
        let reason = fails(sign);
        let others = of(&mut self.turns, sign.subject).filter(|(_, turn)| !turn.is_sign() && turn.is_passed());
        let paused = others.filter_map(|(key, turn)| turn.pause().then(|| paused(key, &reason)));
        paused.collect()
    }
}

/// What spoke just now need not be asked whether it is there; its time is measured now and then all the same.
fn is_spared(turn: &Turn, heard: Option<Instant>, now: Instant) -> bool {
    let every = turn.planned.check.every;
    let recent = |at: Option<Instant>, span: Duration| at.is_some_and(|at| now.saturating_duration_since(at) < span);
    turn.is_sign() && turn.is_passed() && turn.losses == 0 && recent(heard, every / 2) && recent(turn.well, 2 * every)
}

fn of(turns: &mut BTreeMap<Key, Turn>, subject: Subject) -> impl Iterator<Item = (&Key, &mut Turn)> {
    let first = Key { subject, name: Arc::from("") };
    turns.range_mut(first..).take_while(move |(key, _)| key.subject == subject)
}

fn fails(sign: &Key) -> String {
    format!("its {} fails", sign.name)
}

fn paused(key: &Key, reason: &str) -> Told {
    let fact = Fact::CheckPaused { check: key.name.to_string(), reason: reason.to_owned() };
    Told { subject: key.subject, fact }
}

#[cfg(test)]
mod tests;
