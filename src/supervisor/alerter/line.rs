//! The lines before receivers: each is told one thing after the other, and is left alone for a while where that fails.

use crate::{
    alert::{
        GIVE_UP, Notice, back_off,
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

/// A receiver: its name, in its segment.
type Who = (Option<Ipv4Addr>, String);

#[derive(Default)]
struct Line {
    busy: bool,
    /// Fails in a row.
    fails: u32,
    /// Left alone until then.
    until: Option<Instant>,
}

/// All of them.
#[derive(Default)]
pub struct Lines {
    lines: BTreeMap<Who, Line>,
    /// How often each delivery failed.
    failed: BTreeMap<(AlertKey, String, bool), u32>,
}

/// A delivery that begins.
pub struct Begun {
    key: AlertKey,
    name: String,
    over: bool,
    /// Which try this is of it.
    tries: u32,
    /// Which of this receiver that fails this would be.
    fails: u32,
}

/// A delivery that ended.
pub struct Told {
    /// What is told of it.
    pub event: Event,
    begun: Begun,
    came: bool,
}

/// What is to be delivered.
pub struct Job {
    pub begun: Begun,
    pub notice: Notice,
    pub receiver: Receiver,
    pub machine: Option<Ipv4Addr>,
    /// When there was something to tell.
    pub begin: Timestamp,
    /// Who tells, or why nobody can.
    pub teller: Result<Arc<Teller>, String>,
    pub bus: Bus,
}

impl Lines {
    /// How often this failed; what never did goes first.
    pub fn failed(&self, key: &AlertKey, name: &str, over: bool) -> u32 {
        self.failed.get(&(key.clone(), name.to_owned(), over)).copied().unwrap_or(0)
    }

    /// Takes the receiver's line, if it is free now.
    pub fn begin(&mut self, key: &AlertKey, name: &str, over: bool) -> Option<Begun> {
        let tries = self.failed(key, name, over) + 1;
        let line = self.lines.entry((key.segment, name.to_owned())).or_default();
        if line.busy || line.until.is_some_and(|until| Instant::now() < until) {
            return None;
        }
        line.busy = true;
        Some(Begun { key: key.clone(), name: name.to_owned(), over, tries, fails: line.fails + 1 })
    }

    /// Gives it free again, at once or later.
    pub fn end(&mut self, told: &Told) {
        let Begun { key, name, over, tries, fails } = &told.begun;
        let line = self.lines.entry((key.segment, name.clone())).or_default();
        let delivery = (key.clone(), name.clone(), *over);
        *line = Line::default();
        if told.came {
            self.failed.remove(&delivery);
        } else {
            self.failed.insert(delivery, *tries);
            (line.fails, line.until) = (*fails, Some(Instant::now() + back_off(*fails)));
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

/// Tells it, and has the journal know.
pub async fn deliver(job: Job) -> Told {
    let Job { begun, notice, receiver, machine, begin, teller, bus } = job;
    let result = match teller {
        Ok(teller) => teller.tell(&receiver, &notice).await,
        Err(error) => Err(TellError::Client(error)),
    };
    let came = result.is_ok();
    let pause = back_off(begun.fails);
    let age = crate::event::now().duration_since(begin);
    let is_last = age.checked_add(SignedDuration::try_from(pause).unwrap_or_default()).is_none_or(|age| age > GIVE_UP);
    let retry = (!is_last).then_some(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
    let event = event(&begun.key, machine, &begun.name, &receiver, begun.over, begun.tries, result, retry);
    let _ = bus.store(vec![event.clone()], STORED).await;
    Told { event, begun, came }
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
    result: Result<(), TellError>,
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
