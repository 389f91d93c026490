//! The alarms of ours in a machine's own clock, as they were last told. Pure.

use crate::event::{Event, Fact};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// What a machine's alarm clock holds of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alarms {
    /// When it goes off, and of what switches it: `amt`.
    pub set: BTreeSet<(Timestamp, String)>,
    /// Why the clock cannot be set, and what to do about it; none where it can.
    pub trouble: Option<(String, String)>,
}

impl Alarms {
    /// Folds an event in.
    pub(super) fn apply(&mut self, event: &Event) {
        match &event.fact {
            Fact::AlarmSet { due, method } => {
                // One that went off is gone from the clock.
                self.set.retain(|(due, _)| *due > event.time);
                self.set.insert((*due, method.clone()));
                self.trouble = None;
            }
            Fact::AlarmRemoved { due, method } => {
                self.set.remove(&(*due, method.clone()));
                self.trouble = None;
            }
            Fact::AlarmRefused { method, error, next_step, .. } => {
                self.trouble = Some((format!("{method}: {error}"), next_step.clone()));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alarms_come_go_and_fail() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let (today, tomorrow) = (at("2026-11-24T07:30:00Z"), at("2026-11-25T07:30:00Z"));
        let mut alarms = Alarms::default();
        let mut tell = |time: &str, fact| {
            alarms.apply(&Event { time: at(time), ..Event::new(None, fact) });
            (alarms.set.iter().map(|(due, _)| *due).collect::<Vec<_>>(), alarms.trouble.is_some())
        };
        let set = |due| Fact::AlarmSet { due, method: "amt".into() };
        assert_eq!(tell("2026-11-23T20:00:00Z", set(today)), (vec![today], false));
        let (error, next_step) = ("it has five alarms already".to_owned(), "take one out".to_owned());
        let refused = Fact::AlarmRefused { due: None, method: "amt".into(), error, next_step };
        assert_eq!(tell("2026-11-23T21:00:00Z", refused), (vec![today], true));
        assert_eq!(tell("2026-11-24T08:00:00Z", set(tomorrow)), (vec![tomorrow], false), "the first went off");
        let removed = Fact::AlarmRemoved { due: tomorrow, method: "amt".into() };
        assert_eq!(tell("2026-11-24T09:00:00Z", removed), (vec![], false));
    }
}
