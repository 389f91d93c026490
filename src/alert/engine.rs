//! Decides which alerts there are: it is told what happened and what time it is, and says what comes of it as events. Pure.
//!
//! Beneath the alerts are *conditions*: what is so. A condition that something else explains (its machine is not reached, a switch
//! before it is not, the operator switched it off) is no alert as long as that holds.

use super::{
    condition::{Condition, Explained, Times},
    rules::{Compiled, Rules},
    text,
};
use crate::{
    command::AlertKey,
    event::{Cause, Event, Fact},
    net::Mac,
    state::alerts::{Alert, Alerts, Phase},
};
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// Conditions at most: what comes from outside could make one of each word.
const MOST: usize = 5_000;
/// An alert that fires so often within [`HOUR`] comes and goes.
const OFTEN: usize = 4;
const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// One that comes and goes is over when it is quiet for so long.
const QUIET: SignedDuration = SignedDuration::from_mins(10);
/// A machine behind another one waits at least so long, so that the other one is known to be dead first.
const BEHIND: SignedDuration = SignedDuration::from_secs(12);
/// The rule that says of a machine that it is not there.
const DOWN: &str = "down";

/// The alerts, and what they come from.
#[derive(Debug, Default)]
pub struct Engine {
    /// As they stand.
    pub alerts: Alerts,
    conditions: BTreeMap<AlertKey, Condition>,
    /// Why conditions ended whose alert is still open.
    ended: BTreeMap<AlertKey, Cause>,
    explained: BTreeMap<Explained, Timestamp>,
    counts: BTreeMap<AlertKey, Times>,
    fired: BTreeMap<AlertKey, Times>,
}

impl Engine {
    /// Goes on from the alerts that there were when the program ended. `past` is what happened before, in order: what was not
    /// looked at any more, and what is so without being an alert.
    pub fn begin(alerts: Alerts, rules: &Rules, past: &[Arc<Event>]) -> Engine {
        let mut engine = Engine { alerts, ..Engine::default() };
        for (key, alert) in &engine.alerts.open {
            let condition = Condition {
                machine: alert.machine,
                last: alert.since,
                cleared: None,
                free: Some(alert.since),
                text: alert.text.clone(),
                unreachable: false,
                by_reach: false,
            };
            engine.conditions.insert(key.clone(), condition);
        }
        past.iter().for_each(|event| engine.recall(rules, event));
        engine
    }

    /// Something happened. What comes of it says [`Engine::tick`].
    pub fn hear(&mut self, rules: &Rules, event: &Event) {
        // What this engine itself says is folded already.
        if matches!(
            event.fact,
            Fact::AlertAcknowledged { .. }
                | Fact::AlertSilenced { .. }
                | Fact::AlertUnsilenced { .. }
                | Fact::AlertDelivered { .. }
                | Fact::AlertUndelivered { .. }
        ) {
            self.alerts.apply(event);
        }
        for rule in rules.for_event(event) {
            let mac = rules.mac_of(event);
            let of = (rule.name.clone(), event.segment, mac);
            if rule.unless.as_ref().is_some_and(|unless| unless.matches(event)) {
                self.explained.insert(of.clone(), event.time);
            }
            if rule.when.matches(event) {
                self.raise(rules, rule, event, mac);
            } else if rule.clear.as_ref().is_some_and(|clear| clear.matches(event)) {
                self.clear(rules, rule, event, mac);
                // What explained that it was so explains nothing that comes later.
                self.explained.remove(&of);
            }
        }
    }

    /// Something happened before the program began; the alerts as they stood then are known.
    fn recall(&mut self, rules: &Rules, event: &Event) {
        let of = |rule: &String, subject: &String| AlertKey {
            segment: event.segment,
            mac: event.mac,
            rule: rule.clone(),
            subject: subject.clone(),
        };
        match &event.fact {
            Fact::AlertFired { rule, subject, .. } => {
                self.fired.entry(of(rule, subject)).or_default().add(event.time, HOUR);
            }
            Fact::AlertResolved { rule, subject, cause, .. } if *cause != Cause::Explained => {
                let key = of(rule, subject);
                if self.conditions.get(&key).is_some_and(|condition| condition.last <= event.time) {
                    self.end(rules, key, Cause::Cleared);
                }
            }
            fact if fact.kind().starts_with("alert.") => {}
            _ => self.hear(rules, event),
        }
    }

    fn raise(&mut self, rules: &Rules, rule: &Compiled, event: &Event, mac: Option<Mac>) {
        let Some(subject) = text::subject(rule, event) else { return };
        let key = AlertKey { segment: event.segment, mac, rule: rule.name.clone(), subject };
        if rule.rule.count > 1 {
            let counts = self.counts.len();
            let Some(times) = room(&mut self.counts, &key, counts) else { return };
            if times.add(event.time, signed(rule.rule.within)) < rule.rule.count as usize {
                return;
            }
        }
        let machine = event.machine.or_else(|| rules.machine(event.segment, mac).map(|(_, address)| address));
        let new = Condition::new(event, machine, text::text(rules, rule, event));
        let is_full = self.conditions.len() >= MOST;
        match self.conditions.get_mut(&key) {
            Some(known) => {
                (known.last, known.cleared) = (known.last.max(event.time), None);
                (known.unreachable, known.by_reach) = (known.unreachable || new.unreachable, new.by_reach);
                known.machine = known.machine.or(machine);
            }
            None if is_full => {}
            None => drop(self.conditions.insert(key, new)),
        }
    }

    fn clear(&mut self, rules: &Rules, rule: &Compiled, event: &Event, mac: Option<Mac>) {
        // Who says no subject, or no machine, means all.
        let subject = text::subject(rule, event);
        let is_meant = |key: &AlertKey| {
            key.rule == rule.name
                && key.segment == event.segment
                && (mac.is_none() || key.mac == mac)
                && subject.as_ref().is_none_or(|subject| *subject == key.subject)
        };
        let meant: Vec<AlertKey> = match (mac, &subject) {
            (Some(_), Some(subject)) => {
                let (rule, subject) = (rule.name.clone(), subject.clone());
                vec![AlertKey { segment: event.segment, mac, rule, subject }]
            }
            _ => self.conditions.keys().filter(|key| is_meant(key)).cloned().collect(),
        };
        for key in meant {
            // What was told of the past in another order does not end what began later.
            let Some(condition) = self.conditions.get_mut(&key).filter(|known| known.last <= event.time) else {
                continue;
            };
            if self.alerts.open.get(&key).is_some_and(|alert| alert.damped) {
                condition.cleared.get_or_insert(event.time);
            } else {
                self.end(rules, key, Cause::Cleared);
            }
        }
    }

    fn end(&mut self, rules: &Rules, key: AlertKey, cause: Cause) {
        if let Some(ended) = self.conditions.remove(&key)
            && (ended.unreachable || key.rule == DOWN)
        {
            // What it explained begins to wait when it is looked at again.
            for (other, condition) in &mut self.conditions {
                if condition.by_reach
                    && other.segment == key.segment
                    && (other.mac == key.mac
                        || key.mac.is_some_and(|mac| {
                            rules.depends(other.segment, other.mac).is_some_and(|above| above.contains(&mac))
                        }))
                {
                    condition.free = None;
                }
            }
        }
        if self.alerts.open.contains_key(&key) {
            self.ended.insert(key, cause);
        }
    }

    /// Time has come this far: what is to be told of alerts, in order. It is folded in here already.
    pub fn tick(&mut self, rules: &Rules, now: Timestamp) -> Vec<Event> {
        self.expire(rules, now);
        let mut told = Vec::new();
        let explained = self.explained_now(rules, now);
        let keys: BTreeSet<AlertKey> = self.conditions.keys().chain(self.alerts.open.keys()).cloned().collect();
        for key in keys {
            self.step(rules, &key, explained.contains(&key), now, &mut told);
        }
        told
    }

    /// Ends what ends by itself: after its time, with its rule or machine, or since it is quiet.
    fn expire(&mut self, rules: &Rules, now: Timestamp) {
        let mut over = Vec::new();
        for (key, condition) in &self.conditions {
            let Some(rule) = rules.rule(key.segment, &key.rule) else {
                over.push((key.clone(), Cause::Removed));
                continue;
            };
            let since = |at: Timestamp| now.duration_since(at);
            if rule.after.is_some_and(|after| since(condition.last) >= signed(after)) {
                over.push((key.clone(), Cause::Expired));
            } else if condition.cleared.is_some_and(|at| since(at) >= QUIET) {
                over.push((key.clone(), Cause::Cleared));
            }
        }
        over.into_iter().for_each(|(key, cause)| self.end(rules, key, cause));
        let within = |(rule, segment, _): &Explained| {
            rules.rule(*segment, rule).map_or(SignedDuration::ZERO, |rule| signed(rule.within))
        };
        self.explained.retain(|of, at| now.duration_since(*at) < within(of));
        self.fired.retain(|_, times| {
            times.within(now, HOUR);
            !times.is_empty()
        });
        self.counts.retain(|key, times| {
            times.within(now, rules.rule(key.segment, &key.rule).map_or(HOUR, |rule| signed(rule.within)));
            !times.is_empty()
        });
    }

    /// The conditions that something else explains.
    fn explained_now(&self, rules: &Rules, now: Timestamp) -> BTreeSet<AlertKey> {
        let holding = || self.conditions.iter().filter(|(_, condition)| condition.holds());
        let down: BTreeSet<_> = holding()
            .filter(|(key, condition)| condition.unreachable || key.rule == DOWN)
            .map(|(key, _)| (key.segment, key.mac))
            .collect();
        let any: BTreeSet<_> = holding().map(|(key, _)| (key.segment, key.mac)).collect();
        let is_down = |segment, mac: &Mac| down.contains(&(segment, Some(*mac)));
        let is_explained = |(key, condition): &(&AlertKey, &Condition)| {
            let AlertKey { segment, mac, .. } = **key;
            let Some(rule) = rules.rule(segment, &key.rule) else { return false };
            let of = (key.rule.clone(), segment, mac);
            let is_said = self.explained.get(&of).is_some_and(|at| now.duration_since(*at) < signed(rule.within));
            let is_itself = condition.unreachable || key.rule == DOWN;
            let above = rules.depends(segment, mac);
            let not_reached = condition.by_reach
                && (!is_itself && down.contains(&(segment, mac))
                    || above.is_some_and(|above| above.iter().any(|mac| is_down(segment, mac))));
            let others = || rules.called(segment, &rule.depends).into_iter().map(Some).filter(|other| *other != mac);
            is_said || not_reached || others().any(|other| any.contains(&(segment, other)))
        };
        holding().filter(is_explained).map(|(key, _)| key.clone()).collect()
    }

    /// Brings one alert to where its condition is.
    fn step(&mut self, rules: &Rules, key: &AlertKey, explained: bool, now: Timestamp, told: &mut Vec<Event>) {
        let Some(condition) = self.conditions.get_mut(key) else {
            let cause = self.ended.remove(key).unwrap_or(Cause::Cleared);
            return self.resolve(key, cause, now, told);
        };
        if explained {
            condition.free = None;
            return self.resolve(key, Cause::Explained, now, told);
        }
        let Some(rule) = rules.rule(key.segment, &key.rule) else { return };
        // What was explained until now begins to wait now.
        let free = *condition.free.get_or_insert(now);
        let mut wait = signed(rule.wait);
        if condition.by_reach && rules.depends(key.segment, key.mac).is_some() {
            wait = wait.max(BEHIND);
        }
        let phase = self.alerts.open.get(key).map(|alert| alert.phase);
        let (severity, text) = (rule.severity, condition.text.clone());
        let (rule, subject) = (key.rule.clone(), key.subject.clone());
        let machine = condition.machine;
        if phase == Some(Phase::Firing) {
            return;
        }
        if now.duration_since(free) >= wait {
            self.put(key, machine, now, Fact::AlertFired { rule, subject, severity, text }, told);
            let times = self.fired.entry(key.clone()).or_default().add(now, HOUR);
            if times >= OFTEN {
                let (rule, subject) = (key.rule.clone(), key.subject.clone());
                let times = u32::try_from(times).unwrap_or(u32::MAX);
                self.put(key, machine, now, Fact::AlertDamped { rule, subject, times }, told);
            }
        } else if phase.is_none() {
            self.put(key, machine, now, Fact::AlertPending { rule, subject, severity, text }, told);
        }
    }

    /// It is over, if it is open.
    fn resolve(&mut self, key: &AlertKey, cause: Cause, now: Timestamp, told: &mut Vec<Event>) {
        let Some(Alert { phase, machine, since, .. }) = self.alerts.open.get(key) else { return };
        let millis = u64::try_from(now.duration_since(*since).as_millis()).unwrap_or(0);
        let (rule, subject, machine) = (key.rule.clone(), key.subject.clone(), *machine);
        let fact = match phase {
            Phase::Pending => Fact::AlertWithdrawn { rule, subject, millis },
            _ => Fact::AlertResolved { rule, subject, cause, millis },
        };
        self.put(key, machine, now, fact, told);
    }

    fn put(
        &mut self,
        key: &AlertKey,
        machine: Option<std::net::Ipv4Addr>,
        time: Timestamp,
        fact: Fact,
        told: &mut Vec<Event>,
    ) {
        let event = Event { time, segment: key.segment, machine, mac: key.mac, fact };
        self.alerts.apply(&event);
        told.push(event);
    }

    /// Machines that are on the way to those that are not reached and of which nothing is known yet: to be looked at soon.
    pub fn suspects(&self, rules: &Rules) -> BTreeSet<(std::net::Ipv4Addr, Mac)> {
        let waiting = self.conditions.iter().filter(|(key, condition)| {
            let is_pending = self.alerts.open.get(key).is_some_and(|alert| alert.phase == Phase::Pending);
            condition.by_reach && condition.holds() && is_pending
        });
        let above = waiting.flat_map(|(key, _)| {
            let above = rules.depends(key.segment, key.mac).into_iter().flatten();
            above.filter_map(|mac| Some((key.segment?, *mac)))
        });
        above.collect()
    }
}

/// The entry of a key, where there is one or room for one.
fn room<'a>(counts: &'a mut BTreeMap<AlertKey, Times>, key: &AlertKey, full: usize) -> Option<&'a mut Times> {
    if full >= MOST && !counts.contains_key(key) {
        return None;
    }
    Some(counts.entry(key.clone()).or_default())
}

fn signed(span: Duration) -> SignedDuration {
    SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX)
}
