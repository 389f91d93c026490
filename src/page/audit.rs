//! What users do is told: who came in, who was not let in, who did what.

use super::{Actor, Source, access::Visit, denied::Denied};
use crate::event::{Event, Fact, printable};
use parking_lot::Mutex;
use std::{
    collections::HashMap,
    net::Ipv4Addr,
    sync::Arc,
    time::{Duration, Instant},
};

/// From one word about a source to the next.
const EVERY: Duration = Duration::from_secs(1);
/// Sources kept apart; those beyond are told as one.
const SOURCES: usize = 256;
/// The longest word of a stranger that is told.
const LONGEST: usize = 120;

/// Those that were not let in, and are told later: once a second a source.
#[derive(Default)]
pub struct Refusals(Mutex<HashMap<String, Count>>);

struct Count {
    told: Instant,
    untold: u64,
    wanted: String,
    reason: String,
}

impl Refusals {
    /// Tells of those that nobody was told of, until the program ends.
    pub(super) fn keep_telling(self: Arc<Self>, source: Source) {
        let mut ticks = tokio::time::interval(EVERY);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = source.shutdown.cancelled() => return,
                    _ = ticks.tick() => {}
                }
                let due = self.sweep(Instant::now());
                due.into_iter()
                    .for_each(|(address, count)| tell(&source, address, count.wanted, count.reason, count.untold));
            }
        });
    }

    /// Somebody was not let in; the first of a source is told at once.
    pub(super) fn note(&self, source: &Source, visit: &Visit, wanted: &str, denied: &Denied) {
        let (wanted, reason) = (printable(wanted, LONGEST), printable(&denied.to_string(), LONGEST));
        let address = visit.way.to_string();
        if let Some(address) = self.count(address, &wanted, &reason, Instant::now()) {
            tell(source, address, wanted, reason, 1);
        }
    }

    /// The source, where it is to be told at once.
    fn count(&self, address: String, wanted: &str, reason: &str, now: Instant) -> Option<String> {
        let mut sources = self.0.lock();
        let known = sources.contains_key(&address) || sources.len() < SOURCES;
        let address = if known { address } else { "many addresses".to_owned() };
        let (wanted, reason) = (wanted.to_owned(), reason.to_owned());
        match sources.get_mut(&address) {
            Some(count) => {
                (count.untold, count.wanted, count.reason) = (count.untold + 1, wanted, reason);
                None
            }
            None => {
                sources.insert(address.clone(), Count { told: now, untold: 0, wanted, reason });
                Some(address)
            }
        }
    }

    /// What is due to be told. Sources that were quiet for a second are forgotten.
    fn sweep(&self, now: Instant) -> Vec<(String, Count)> {
        let mut due = Vec::new();
        self.0.lock().retain(|address, count| {
            if now.duration_since(count.told) < EVERY {
                return true;
            }
            let is_quiet = count.untold == 0;
            if !is_quiet {
                let (wanted, reason) = (count.wanted.clone(), count.reason.clone());
                due.push((address.clone(), Count { told: now, untold: count.untold, wanted, reason }));
                (count.told, count.untold) = (now, 0);
            }
            !is_quiet
        });
        due
    }
}

fn tell(source: &Source, address: String, wanted: String, reason: String, count: u64) {
    source.bus.publish(Event::new(None, Fact::PageRefused { address, wanted, reason, count }));
}

impl Source {
    /// Somebody logged in.
    pub(super) fn tell_entered(&self, user: &str, visit: &Visit) {
        let fact = Fact::PageEntered { user: user.to_owned(), address: visit.way.to_string() };
        self.bus.publish(Event::new(None, fact));
    }

    /// Somebody does something; of a machine where it is one's.
    pub(super) fn tell_acted(&self, actor: &Actor, place: Option<(Ipv4Addr, Option<Ipv4Addr>)>, what: &str) {
        let (user, address) = (actor.by.to_string(), actor.address.clone());
        let fact = Fact::PageActed { user, address, what: printable(what, 2 * LONGEST) };
        let (segment, machine) = place.map_or((None, None), |(segment, machine)| (Some(segment), machine));
        self.bus.publish(Event::new(segment, fact).about(machine, None));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_a_second_a_source() {
        let (refusals, now) = (Refusals::default(), Instant::now());
        let count = |address: &str| refusals.count(address.to_owned(), "/", "no", now).is_some();
        assert!(count("a") && !count("a") && count("b") && !count("a"));
        assert!(refusals.sweep(now).is_empty());
        let due: Vec<_> = refusals.sweep(now + EVERY).into_iter().map(|(a, count)| (a, count.untold)).collect();
        assert_eq!(due, [("a".to_owned(), 2)]);
        assert!(refusals.sweep(now + 2 * EVERY).is_empty());
        assert!(count("a"), "it is forgotten");
        let told = (0..2 * SOURCES).filter(|n| count(&n.to_string())).count();
        assert_eq!(told, SOURCES, "with the one that stands for the rest");
    }
}
