//! The lines before receivers: each is told one thing after the other, and is left alone for a while where that fails.

use crate::{
    alert::{
        Due, GIVE_UP, Notice, back_off,
        tell::{TellError, Teller},
    },
    bus::Bus,
    command::AlertKey,
    conf::alerts::Receiver,
    event::{Event, Fact},
};
use jiff::{SignedDuration, Timestamp};
use std::{collections::BTreeMap, net::Ipv4Addr, sync::Arc, time::Duration};
use tokio::time::Instant;

/// What the journal gets to have it on the disk.
const STORED: Duration = Duration::from_secs(2);

/// After people were told something, what comes up for so long is told together: a switch that fails is not forty mails.
const GATHER: Duration = Duration::from_secs(10);

/// A receiver: its name, in its segment.
pub type Who = (Option<Ipv4Addr>, String);

#[derive(Default)]
struct Line {
    busy: bool,
    /// Fails in a row.
    fails: u32,
    /// Left alone until then.
    until: Option<Instant>,
}

/// What a receiver could not be told.
#[derive(Clone, Copy, Default)]
struct Failed {
    tries: u32,
    /// Was looked at and not taken; is tried again by itself, so that it keeps nothing else back.
    refused: bool,
}

/// All of them.
#[derive(Default)]
pub struct Lines {
    lines: BTreeMap<Who, Line>,
    failed: BTreeMap<(Who, AlertKey, bool), Failed>,
}

/// One of those alerts that are told at once.
pub struct Part {
    pub key: AlertKey,
    /// Its end is told.
    pub over: bool,
    pub machine: Option<Ipv4Addr>,
    /// When there was something to tell.
    pub begin: Timestamp,
    /// Which try this is of it.
    pub tries: u32,
}

/// A delivery that ended.
pub struct Told {
    /// What is told of it, an event each alert.
    pub events: Vec<Event>,
    who: Who,
    parts: Vec<Part>,
    gathers: bool,
    /// Which fail of this receiver it would be.
    fails: u32,
    /// None where it came; else whether it was looked at and not taken.
    refused: Option<bool>,
    /// For so long the receiver is left alone where it did not come.
    pause: Duration,
}

/// What is to be delivered.
pub struct Job {
    pub who: Who,
    pub parts: Vec<Part>,
    /// What is said of each of them.
    pub notices: Vec<Notice>,
    pub receiver: Receiver,
    /// Which fail of this receiver it would be.
    pub fails: u32,
    /// Who tells.
    pub teller: Arc<Teller>,
    pub bus: Bus,
}

impl Lines {
    fn failed(&self, who: &Who, due: &Due<'_>) -> Failed {
        self.failed.get(&(who.clone(), due.key.clone(), due.over)).copied().unwrap_or_default()
    }

    /// How often it was tried to tell this; what never was goes first.
    pub fn tries(&self, who: &Who, due: &Due<'_>) -> u32 {
        self.failed(who, due).tries
    }

    /// Takes the receiver's line, if it is free now, for those of `due` that are told together. Gives which fail of the receiver it
    /// would be.
    pub fn begin<'a>(&mut self, who: &Who, mut due: Vec<Due<'a>>) -> Option<(u32, Vec<Due<'a>>)> {
        let line = self.lines.entry(who.clone()).or_default();
        if line.busy || line.until.is_some_and(|until| Instant::now() < until) {
            return None;
        }
        let fails = line.fails + 1;
        due.sort_by_cached_key(|due| (self.failed(who, due).refused, self.tries(who, due)));
        let first = due.first()?;
        if first.receiver.way.gathers() && !self.failed(who, first).refused {
            due.retain(|due| !self.failed(who, due).refused);
        } else {
            due.truncate(1);
        }
        self.lines.entry(who.clone()).or_default().busy = true;
        Some((fails, due))
    }

    /// Gives it free again, at once or later.
    pub fn end(&mut self, told: &Told) {
        let line = self.lines.entry(told.who.clone()).or_default();
        *line = Line::default();
        if told.refused.is_some() {
            (line.fails, line.until) = (told.fails, Some(Instant::now() + told.pause));
        } else if told.gathers {
            line.until = Some(Instant::now() + GATHER);
        }
        for Part { key, over, tries, .. } in &told.parts {
            let delivery = (told.who.clone(), key.clone(), *over);
            match told.refused {
                None => drop(self.failed.remove(&delivery)),
                Some(refused) => drop(self.failed.insert(delivery, Failed { tries: *tries, refused })),
            }
        }
    }

    /// Nothing is due: what failed is of no interest any more.
    pub fn forget(&mut self) {
        self.failed.clear();
    }

    /// Nobody is left alone any longer.
    pub fn anew(&mut self) {
        self.lines.values_mut().for_each(|line| (line.fails, line.until) = (0, None));
        self.failed.clear();
    }
}

/// Tells them, and has the journal know.
pub async fn deliver(job: Job) -> Told {
    let Job { who, parts, notices, receiver, fails, teller, bus } = job;
    let result = teller.tell(&receiver, &notices).await;
    let wanted = result.as_ref().err().and_then(TellError::after);
    let pause = back_off(fails).max(wanted.unwrap_or_default());
    let retry = |begin: Timestamp, over: bool| {
        let age = crate::event::now().duration_since(begin);
        let age = age.checked_add(SignedDuration::try_from(pause).unwrap_or_default());
        let is_last = age.is_none_or(|age| age > GIVE_UP) && (over || receiver.repeat.is_none());
        (!is_last).then_some(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX))
    };
    let events: Vec<Event> = parts
        .iter()
        .map(|Part { key, over, machine, begin, tries }| {
            event(key, *machine, &who.1, &receiver, *over, *tries, &result, retry(*begin, *over))
        })
        .collect();
    let _ = bus.store(events.clone(), STORED).await;
    let refused = result.err().map(|error| error.is_refusal());
    Told { events, who, parts, gathers: receiver.way.gathers(), fails, refused, pause }
}

/// What is told of a delivery.
#[allow(clippy::too_many_arguments)]
pub fn event(
    key: &AlertKey,
    machine: Option<Ipv4Addr>,
    name: &str,
    receiver: &Receiver,
    over: bool,
    tries: u32,
    result: &Result<(), TellError>,
    retry: Option<u64>,
) -> Event {
    let (rule, subject, name) = (key.rule.clone(), key.subject.clone(), name.to_owned());
    let means = receiver.way.means();
    let fact = match result {
        Ok(()) => Fact::AlertDelivered { rule, subject, receiver: name, means, over, tries },
        Err(error) => {
            let next_step = error.next_step();
            let error = error.to_string();
            Fact::AlertUndelivered { rule, subject, receiver: name, means, over, error, next_step, retry }
        }
    };
    Event::new(key.segment, fact).about(machine, key.mac)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        conf::alerts::Way,
        event::Severity,
        state::alerts::{Alert, Phase},
    };

    fn told(who: &Who, due: &[Due<'_>], fails: u32, refused: Option<bool>) -> Told {
        let part = |due: &Due<'_>| Part {
            key: due.key.clone(),
            over: due.over,
            machine: None,
            begin: Timestamp::UNIX_EPOCH,
            tries: 1,
        };
        let parts = due.iter().map(part).collect();
        let gathers = due[0].receiver.way.gathers();
        Told { events: Vec::new(), who: who.clone(), parts, gathers, fails, refused, pause: back_off(fails) }
    }

    #[test]
    fn people_are_told_together_and_programs_each() {
        let alert = Alert {
            machine: None,
            phase: Phase::Firing,
            severity: Severity::Crit,
            text: "no answer".into(),
            since: Timestamp::UNIX_EPOCH,
            fired: None,
            resolved: None,
            acknowledged: None,
            damped: false,
            told: BTreeMap::new(),
            told_over: BTreeMap::new(),
            unsaid: false,
        };
        let keys = ["a", "b", "c"].map(|subject| AlertKey {
            segment: None,
            mac: None,
            rule: "down".into(),
            subject: subject.into(),
        });
        let receiver = |way| Receiver { way, severity: Severity::Debug, repeat: None };
        let (people, program) = (receiver(Way::Desktop), receiver(Way::Bell));
        let due_of = |receiver| {
            keys.each_ref().map(|key| Due { key, alert: &alert, name: "x", receiver, over: false, again: false })
        };
        let who: Who = (None, "x".into());
        let subjects = |due: &[Due<'_>]| due.iter().map(|due| due.key.subject.clone()).collect::<String>();

        let mut lines = Lines::default();
        let due = due_of(&program);
        let (_, first) = lines.begin(&who, due.to_vec()).unwrap();
        assert_eq!(subjects(&first), "a");
        assert!(lines.begin(&who, due.to_vec()).is_none(), "one after the other");
        lines.end(&told(&who, &first, 1, None));
        assert!(lines.begin(&who, due.to_vec()).is_some(), "and at once");

        let mut lines = Lines::default();
        let due = due_of(&people);
        let (fails, first) = lines.begin(&who, due.to_vec()).unwrap();
        assert_eq!((fails, subjects(&first).as_str()), (1, "abc"));
        lines.end(&told(&who, &first, 1, None));
        assert!(lines.begin(&who, due.to_vec()).is_none(), "what comes up now is gathered");
        lines.anew();
        // What could not be told for want of a way is told together again; what was refused does not keep back what was not.
        let (fails, first) = lines.begin(&who, due.to_vec()).unwrap();
        lines.end(&told(&who, &first, fails, Some(false)));
        assert!(lines.begin(&who, due.to_vec()).is_none(), "it is left alone");
        lines.lines.clear();
        let (_, again) = lines.begin(&who, due.to_vec()).unwrap();
        assert_eq!(subjects(&again), "abc");
        lines.end(&told(&who, &again[..2], 2, Some(true)));
        lines.lines.clear();
        let (_, rest) = lines.begin(&who, due.to_vec()).unwrap();
        assert_eq!(subjects(&rest), "c");
        lines.end(&told(&who, &rest, 3, None));
        lines.lines.clear();
        let (_, alone) = lines.begin(&who, due[..2].to_vec()).unwrap();
        assert_eq!(subjects(&alone), "a");
    }
}
