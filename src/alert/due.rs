//! Who is to be told of what, from the alerts as they stand: so it is the same after a restart. Pure.

use super::rules::Rules;
use crate::{
    command::AlertKey,
    conf::alerts::Receiver,
    state::alerts::{Alert, Alerts, Phase},
};
use jiff::{SignedDuration, Timestamp};
use std::{collections::BTreeMap, time::Duration};

/// Nobody is told any more what could not be told for so long; but those who want to be told again while it fires.
pub const GIVE_UP: SignedDuration = SignedDuration::from_hours(24);
/// From one try to the next.
const BACK_OFF: [u64; 7] = [2, 5, 10, 30, 60, 120, 300];

/// One receiver that is to be told of one alert.
#[derive(Clone, Copy, Debug)]
pub struct Due<'a> {
    /// Which alert.
    pub key: &'a AlertKey,
    /// As it stands.
    pub alert: &'a Alert,
    /// A name of `receivers`.
    pub name: &'a str,
    /// As conf says.
    pub receiver: &'a Receiver,
    /// Its end is told.
    pub over: bool,
    /// It was told before that it fires.
    pub again: bool,
}

/// How long a receiver is left alone that could not be told so often in a row.
pub fn back_off(tries: u32) -> Duration {
    let at = (tries.max(1) as usize - 1).min(BACK_OFF.len() - 1);
    Duration::from_secs(BACK_OFF[at])
}

/// All that is due, in the order in which it happened.
pub fn due<'a>(alerts: &'a Alerts, rules: &'a Rules, now: Timestamp) -> Vec<Due<'a>> {
    let mut due = Vec::new();
    let long_ago = |at: Option<Timestamp>| at.is_none_or(|at| now.duration_since(at) > GIVE_UP);
    for (key, alert) in alerts.open.iter().filter(|(_, alert)| alert.phase == Phase::Firing) {
        if alerts.silence_of(key, now).is_some() {
            continue;
        }
        let receivers = receivers(key, alert, rules);
        for (name, receiver) in receivers.filter(|(_, receiver)| alert.acknowledged.is_none() || receiver.keeps()) {
            let again = match alert.told.get(name) {
                None => false,
                Some(Err(_)) if long_ago(alert.fired) && receiver.repeat.is_none() => continue,
                Some(Err(_)) => false,
                Some(Ok(told)) => {
                    let every = receiver.repeat.and_then(|every| SignedDuration::try_from(every).ok());
                    if every.is_none_or(|every| now.duration_since(*told) < every) {
                        continue;
                    }
                    true
                }
            };
            due.push(Due { key, alert, name, receiver, over: false, again });
        }
    }
    for (key, alert) in alerts.over.iter().filter(|(_, alert)| !alert.unsaid && !long_ago(alert.resolved)) {
        for (name, receiver) in receivers(key, alert, rules) {
            // Of what somebody looked after, the end is told to those who were told of it.
            let knows = alert.told.contains_key(name) || alert.acknowledged.is_none();
            if knows && !matches!(alert.told_over.get(name), Some(Ok(_))) {
                due.push(Due { key, alert, name, receiver, over: true, again: false });
            }
        }
    }
    due.sort_by_key(|due| (due.alert.resolved.or(due.alert.fired), due.over));
    due
}

/// Who is told of an alert: as its rule says, and where it matters enough.
fn receivers<'a>(
    key: &AlertKey,
    alert: &Alert,
    rules: &'a Rules,
) -> impl Iterator<Item = (&'a str, &'a Receiver)> + use<'a> {
    static NONE: BTreeMap<String, Receiver> = BTreeMap::new();
    let (severity, all) = (alert.severity, rules.receivers(key.segment).unwrap_or(&NONE));
    let to = rules.rule(key.segment, &key.rule).map(|rule| rule.to.as_slice()).unwrap_or_default();
    all.iter()
        .filter(move |(name, receiver)| severity <= receiver.severity && (to.is_empty() || to.contains(name)))
        .map(|(name, receiver)| (name.as_str(), receiver))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        conf::{self, Conf, Segment},
        event::{Asker, Event, Fact, Means, Severity},
    };
    use std::sync::Arc;

    #[test]
    fn who_keeps_alerts_hears_of_those_that_somebody_looks_after() {
        let server = [10, 77, 0, 1].into();
        let mut segment = Segment::new(server);
        for (name, lines) in
            [("chat", "bell\nrepeat 1m"), ("mail", "bell"), ("manager", "webhook alertmanager http://am\nrepeat 1m")]
        {
            segment.receivers.insert(name.to_owned(), conf::alerts::receiver(lines).unwrap());
        }
        let conf = Conf { segments: [(server, Arc::new(segment))].into(), ..Conf::default() };
        let (rules, mut alerts) = (Rules::of(Arc::new(conf)), Alerts::default());
        let at = |second| Timestamp::from_second(second).unwrap();
        let happens = |alerts: &mut Alerts, second, fact| {
            alerts.apply(&Event { time: at(second), ..Event::new(Some(server), fact) });
        };
        let due_at = |alerts: &Alerts, second| {
            let due = due(alerts, &rules, at(second));
            due.iter().map(|due| format!("{}{}", due.name, if due.again { " again" } else { "" })).collect::<Vec<_>>()
        };
        let (rule, subject) = (|| "fan".to_owned(), String::new);
        let fired = Fact::AlertFired { rule: rule(), subject: subject(), severity: Severity::Err, text: "dark".into() };
        happens(&mut alerts, 0, fired);
        assert_eq!(due_at(&alerts, 1), ["chat", "mail", "manager"]);
        // Who cannot be told for days is given up, but where they are to be told again and again.
        for receiver in ["chat", "mail", "manager"] {
            let (means, receiver, error) = (Means::Bell, receiver.to_owned(), "gone".to_owned());
            let (rule, subject, next_step) = (rule(), subject(), String::new());
            let over = false;
            let failed = Fact::AlertUndelivered { rule, subject, receiver, means, over, error, next_step, retry: None };
            happens(&mut alerts, 1, failed);
        }
        assert_eq!(due_at(&alerts, 2), ["chat", "mail", "manager"]);
        assert_eq!(due_at(&alerts, 3 * 86_400), ["chat", "manager"]);
        for receiver in ["chat", "mail", "manager"] {
            let (means, receiver) = (Means::Bell, receiver.to_owned());
            let told =
                Fact::AlertDelivered { rule: rule(), subject: subject(), receiver, means, over: false, tries: 1 };
            happens(&mut alerts, 1, told);
        }
        assert!(due_at(&alerts, 60).is_empty());
        assert_eq!(due_at(&alerts, 61), ["chat again", "manager again"]);
        let taken = Fact::AlertAcknowledged { rule: rule(), subject: subject(), by: Asker::Operator, note: None };
        happens(&mut alerts, 61, taken);
        assert_eq!(due_at(&alerts, 61), ["manager again"]);
    }
}
