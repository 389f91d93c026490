//! The alerts as they stand, folded from events. Pure.

use crate::{
    command::AlertKey,
    event::{Asker, Event, Fact, Severity},
    net::Mac,
};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, VecDeque},
    net::Ipv4Addr,
};

/// Alerts that are over and kept for the screen.
const KEPT: usize = 500;

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct Alerts {
    /// Those that wait or fire.
    pub open: BTreeMap<AlertKey, Alert>,
    /// Those that fired and are over, the newest last; bounded.
    pub over: VecDeque<(AlertKey, Alert)>,
    /// What is not told for a time.
    pub silences: Vec<Silence>,
    /// When the terminal's bell was last to ring.
    pub rung: Option<Timestamp>,
}

/// One alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// The machine's address, where it is about one.
    pub machine: Option<Ipv4Addr>,
    /// How far it is.
    pub phase: Phase,
    /// How much it matters.
    pub severity: Severity,
    /// What is so, in words.
    pub text: String,
    /// Since when it is so.
    pub since: Timestamp,
    /// When it fired.
    pub fired: Option<Timestamp>,
    /// When it was over.
    pub resolved: Option<Timestamp>,
    /// Who looks after it, since when, and what they say.
    pub acknowledged: Option<(Asker, Timestamp, Option<String>)>,
    /// It comes and goes.
    pub damped: bool,
    /// Receivers that were told, and of which the last try failed: why.
    pub told: BTreeMap<String, Result<Timestamp, String>>,
    /// The same of its end.
    pub told_over: BTreeMap<String, Result<Timestamp, String>>,
    /// A silence covered it when it ended: its end is told nobody.
    pub unsaid: bool,
}

/// How far an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// It is so, and not for long enough.
    Pending,
    /// It is told.
    Firing,
    /// It is over.
    Resolved,
}

/// What is not told for a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Silence {
    /// The segment; none for all.
    pub segment: Option<Ipv4Addr>,
    /// The machine; none for all.
    pub mac: Option<Mac>,
    /// The rule; none for all.
    pub rule: Option<String>,
    /// What of the machine; none for all.
    pub subject: Option<String>,
    /// Until then.
    pub until: Timestamp,
    /// Who said so.
    pub by: Asker,
}

impl Silence {
    /// True for an alert that it keeps from being told at that moment.
    pub fn covers(&self, key: &AlertKey, now: Timestamp) -> bool {
        now < self.until
            && (self.segment.is_none() || self.segment == key.segment)
            && (self.mac.is_none() || self.mac == key.mac)
            && self.rule.as_ref().is_none_or(|rule| *rule == key.rule)
            && self.subject.as_ref().is_none_or(|subject| *subject == key.subject)
    }
}

impl Alerts {
    /// The silence that keeps an alert from being told.
    pub fn silence_of(&self, key: &AlertKey, now: Timestamp) -> Option<&Silence> {
        self.silences.iter().find(|silence| silence.covers(key, now))
    }

    /// Those that fire, neither acknowledged nor silenced; with the most severe first.
    pub fn loud(&self, now: Timestamp) -> Vec<(&AlertKey, &Alert)> {
        let is_loud = |(key, alert): &(&AlertKey, &Alert)| {
            alert.phase == Phase::Firing && alert.acknowledged.is_none() && self.silence_of(key, now).is_none()
        };
        let mut loud: Vec<_> = self.open.iter().filter(is_loud).collect();
        loud.sort_by_key(|(_, alert)| (alert.severity, alert.fired));
        loud
    }

    /// Folds an event in.
    pub fn apply(&mut self, event: &Event) {
        let key = |rule: &String, subject: &String| AlertKey {
            segment: event.segment,
            mac: event.mac,
            rule: rule.clone(),
            subject: subject.clone(),
        };
        match &event.fact {
            Fact::AlertPending { rule, subject, severity, text } => {
                let alert = self.entry(key(rule, subject), event);
                (alert.severity, alert.text) = (*severity, text.clone());
            }
            Fact::AlertFired { rule, subject, severity, text } => {
                let alert = self.entry(key(rule, subject), event);
                (alert.severity, alert.text, alert.phase) = (*severity, text.clone(), Phase::Firing);
                alert.fired.get_or_insert(event.time);
            }
            Fact::AlertWithdrawn { rule, subject, .. } => drop(self.open.remove(&key(rule, subject))),
            Fact::AlertResolved { rule, subject, .. } => {
                let key = key(rule, subject);
                if let Some(mut alert) = self.open.remove(&key).filter(|alert| alert.fired.is_some()) {
                    (alert.phase, alert.resolved) = (Phase::Resolved, Some(event.time));
                    alert.unsaid = self.silence_of(&key, event.time).is_some();
                    self.over.push_back((key, alert));
                    if self.over.len() > KEPT {
                        self.over.pop_front();
                    }
                }
            }
            Fact::AlertAcknowledged { rule, subject, by, note } => {
                if let Some(alert) = self.open.get_mut(&key(rule, subject)) {
                    alert.acknowledged = Some((by.clone(), event.time, note.clone()));
                }
            }
            Fact::AlertDamped { rule, subject, .. } => {
                if let Some(alert) = self.open.get_mut(&key(rule, subject)) {
                    alert.damped = true;
                }
            }
            Fact::AlertSilenced { rule, subject, until, by } => {
                self.silences.retain(|silence| silence.until > event.time);
                self.unsilence(event, rule.as_ref(), subject.as_ref());
                self.silences.push(Silence {
                    segment: event.segment,
                    mac: event.mac,
                    rule: rule.clone(),
                    subject: subject.clone(),
                    until: *until,
                    by: by.clone(),
                });
            }
            Fact::AlertUnsilenced { rule, subject, .. } => self.unsilence(event, rule.as_ref(), subject.as_ref()),
            Fact::AlertDelivered { rule, subject, receiver, over, .. } => {
                if event.fact.rings() {
                    self.rung = self.rung.max(Some(event.time));
                }
                self.tell(&key(rule, subject), receiver, *over, Ok(event.time));
            }
            Fact::AlertUndelivered { rule, subject, receiver, over, error, .. } => {
                self.tell(&key(rule, subject), receiver, *over, Err(error.clone()));
            }
            _ => {}
        }
    }

    fn entry(&mut self, key: AlertKey, event: &Event) -> &mut Alert {
        self.open.entry(key).or_insert_with(|| Alert {
            machine: event.machine,
            phase: Phase::Pending,
            severity: Severity::Err,
            text: String::new(),
            since: event.time,
            fired: None,
            resolved: None,
            acknowledged: None,
            damped: false,
            told: BTreeMap::new(),
            told_over: BTreeMap::new(),
            unsaid: false,
        })
    }

    /// Of the open one, else of the newest that is over. Its end is of one that is over.
    fn tell(&mut self, key: &AlertKey, receiver: &str, over: bool, came: Result<Timestamp, String>) {
        let newest = |over: &mut VecDeque<(AlertKey, Alert)>| over.iter().rposition(|(known, _)| known == key);
        let alert = match self.open.get_mut(key) {
            Some(alert) if !over => Some(alert),
            _ => newest(&mut self.over).map(|at| &mut self.over[at].1),
        };
        let Some(alert) = alert else { return };
        let told = if over { &mut alert.told_over } else { &mut alert.told };
        // Who was told once is not untold by a later try that failed.
        if !(came.is_err() && matches!(told.get(receiver), Some(Ok(_)))) {
            told.insert(receiver.to_owned(), came);
        }
    }

    fn unsilence(&mut self, event: &Event, rule: Option<&String>, subject: Option<&String>) {
        self.silences.retain(|silence| {
            (silence.segment, silence.mac, silence.rule.as_ref(), silence.subject.as_ref())
                != (event.segment, event.mac, rule, subject)
        });
    }
}
