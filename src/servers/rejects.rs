//! Tells of packets and requests that make no sense, once a second a source, in bounded memory.

use super::Context;
use crate::event::{Event, Fact, Service};
use parking_lot::Mutex;
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::{Duration, Instant},
};

/// Sources kept apart; with spoofed ones there may be any number, and those beyond are told as 0.0.0.0.
const SOURCES: usize = 256;
const EVERY: Duration = Duration::from_secs(1);

/// The counts of one server; cheap to clone.
#[derive(Clone)]
pub struct Rejects {
    context: Context,
    service: Service,
    sources: Arc<Mutex<HashMap<IpAddr, Count>>>,
}

struct Count {
    last_told: Instant,
    error: String,
    untold: u64,
}

impl Rejects {
    /// For the server `service` of `context`; what is untold is told by a task that ends with the server.
    pub fn new(context: &Context, service: Service) -> Rejects {
        let rejects = Rejects { context: context.clone(), service, sources: Arc::default() };
        let (weak, shutdown) = (Arc::downgrade(&rejects.sources), context.shutdown.clone());
        let (context, mut ticks) = (context.clone(), tokio::time::interval(EVERY));
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    _ = ticks.tick() => {}
                }
                let Some(sources) = weak.upgrade() else { return };
                let due = sweep(&mut sources.lock(), Instant::now());
                due.into_iter().for_each(|(source, error, count)| tell(&context, service, source, error, count));
            }
        });
        rejects
    }

    /// Counts one; the first of a source is told at once.
    pub fn note(&self, source: IpAddr, error: impl ToString) {
        let error = error.to_string();
        let told = count(&mut self.sources.lock(), source, &error, Instant::now());
        if let Some((source, count)) = told {
            tell(&self.context, self.service, source, error, count);
        }
    }
}

fn tell(context: &Context, service: Service, source: IpAddr, error: String, count: u64) {
    let machine = match source {
        IpAddr::V4(address) if !address.is_unspecified() => Some(address),
        _ => None,
    };
    let fact = Fact::PacketRejected { service, source, error, count };
    context.bus.publish(Event::new(Some(context.segment), fact).about(machine, None));
}

fn count(sources: &mut HashMap<IpAddr, Count>, source: IpAddr, error: &str, now: Instant) -> Option<(IpAddr, u64)> {
    let rest = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let source = if sources.contains_key(&source) || sources.len() < SOURCES { source } else { rest };
    match sources.get_mut(&source) {
        None => {
            sources.insert(source, Count { last_told: now, error: error.to_owned(), untold: 0 });
            Some((source, 1))
        }
        Some(count) => {
            count.untold += 1;
            error.clone_into(&mut count.error);
            None
        }
    }
}

/// What is due to be told; sources that have been quiet for a second are forgotten.
fn sweep(sources: &mut HashMap<IpAddr, Count>, now: Instant) -> Vec<(IpAddr, String, u64)> {
    let mut due = Vec::new();
    sources.retain(|source, count| {
        if now.duration_since(count.last_told) < EVERY {
            return true;
        }
        if count.untold == 0 {
            return false;
        }
        due.push((*source, count.error.clone(), count.untold));
        (count.untold, count.last_told) = (0, now);
        true
    });
    due
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_a_second_a_source_and_bounded() {
        let mut sources = HashMap::new();
        let (now, a) = (Instant::now(), IpAddr::from([10, 0, 0, 1]));
        assert_eq!(count(&mut sources, a, "first", now), Some((a, 1)));
        assert_eq!(count(&mut sources, a, "second", now), None);
        assert_eq!(count(&mut sources, a, "third", now), None);
        assert_eq!(sweep(&mut sources, now), []);
        assert_eq!(sweep(&mut sources, now + EVERY), [(a, "third".to_owned(), 2)]);
        assert_eq!(sweep(&mut sources, now + 2 * EVERY), []);
        assert!(sources.is_empty());
        let told = (0..10_000u32).filter(|n| count(&mut sources, Ipv4Addr::from(*n + 1).into(), "x", now).is_some());
        assert_eq!((told.count(), sources.len()), (SOURCES + 1, SOURCES + 1));
        let untold: u64 = sweep(&mut sources, now + EVERY).iter().map(|(_, _, count)| count).sum();
        assert_eq!(untold, 10_000 - SOURCES as u64 - 1);
    }
}
