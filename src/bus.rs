//! Carries each event to its readers (state, journal, …). Knows events and nothing of who publishes or reads.
//!
//! [`Bus::publish`] never waits: where a reader's queue is full the event is dropped for that reader and counted,
//! and the count is told as soon as there is room. [`Bus::store`] waits until the durable reader has the events.

use crate::event::{Event, Fact};
use parking_lot::RwLock;
use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::sync::{mpsc, oneshot};

/// How often it is looked whether readers have caught up.
const CATCHING_UP: Duration = Duration::from_millis(1);

/// One thing in a reader's queue.
#[derive(Debug)]
pub enum Delivery {
    /// An event.
    Event(Arc<Event>),
    /// Everything queued before is to be durable before this is answered. Only the durable reader gets it.
    Barrier(oneshot::Sender<()>),
}

/// Why [`Bus::store`] did not see its events stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the journal did not confirm within {0:?}")]
pub struct NotStored(Duration);

struct Reader {
    name: &'static str,
    durable: bool,
    queue: mpsc::Sender<Delivery>,
    dropped: AtomicU64,
}

/// A handle to publish with; cheap to clone.
#[derive(Clone, Default)]
pub struct Bus {
    readers: Arc<RwLock<Vec<Arc<Reader>>>>,
}

impl Bus {
    /// Adds a reader that sees every event published from now on, in order. `capacity` is in events.
    pub fn subscribe(&self, name: &'static str, capacity: usize) -> mpsc::Receiver<Delivery> {
        self.add(name, capacity, false)
    }

    /// Adds the reader that answers barriers: the journal.
    pub fn subscribe_durable(&self, name: &'static str, capacity: usize) -> mpsc::Receiver<Delivery> {
        self.add(name, capacity, true)
    }

    fn add(&self, name: &'static str, capacity: usize, durable: bool) -> mpsc::Receiver<Delivery> {
        let (queue, receiver) = mpsc::channel(capacity);
        self.readers.write().push(Arc::new(Reader { name, durable, queue, dropped: AtomicU64::new(0) }));
        receiver
    }

    /// Lets every reader come to its end: what is queued is still delivered, what is published later is not.
    pub fn close(&self) {
        self.readers.write().clear();
    }

    /// Hands an event to every reader, without waiting.
    pub fn publish(&self, event: Event) {
        let event = Arc::new(event);
        for reader in self.readers.read().iter() {
            let _ = reader.offer(&event);
        }
    }

    /// Waits until every reader has half of its queue free, for who has more to tell at once than is read meanwhile: so others still find
    /// room. Not longer than `patience`, since a reader that hangs is to hinder nobody for good.
    pub async fn room(&self, patience: Duration) {
        let is_free = |reader: &Arc<Reader>| {
            let queue = &reader.queue;
            queue.is_closed() || queue.capacity() * 2 >= queue.max_capacity()
        };
        let free = async {
            while !self.readers.read().iter().all(is_free) {
                tokio::time::sleep(CATCHING_UP).await;
            }
        };
        let _ = tokio::time::timeout(patience, free).await;
    }

    /// Hands events to every reader at once, as [`Bus::publish`] does, so that they keep their place among others.
    /// The future waits for room in the durable readers for what did not fit, until those have all on disk or
    /// `patience` is over; what was not handed over by then counts as dropped.
    pub fn store(
        &self,
        events: Vec<Event>,
        patience: Duration,
    ) -> impl Future<Output = Result<(), NotStored>> + Send + use<> {
        let mut durable = Vec::new();
        let events: Vec<Arc<Event>> = events.into_iter().map(Arc::new).collect();
        for reader in self.readers.read().iter() {
            if !reader.durable {
                for event in &events {
                    let _ = reader.offer(event);
                }
                continue;
            }
            let fit =
                events.iter().take_while(|event| reader.queue.try_send(Delivery::Event((*event).clone())).is_ok());
            let fit = fit.count();
            durable
                .push((reader.clone(), Undelivered { reader: reader.clone(), events: events[fit..].to_vec().into() }));
        }
        let confirmed = async move {
            for (reader, mut rest) in durable {
                while let Some(event) = rest.events.front() {
                    let _ = reader.queue.send(Delivery::Event(event.clone())).await;
                    rest.events.pop_front();
                }
                let (barrier, passed) = oneshot::channel();
                if reader.queue.send(Delivery::Barrier(barrier)).await.is_ok() {
                    passed.await.map_err(|_| NotStored(patience))?;
                }
            }
            Ok(())
        };
        async move { tokio::time::timeout(patience, confirmed).await.unwrap_or(Err(NotStored(patience))) }
    }
}

/// Events on their way to a reader without room; what is left when nobody waits any longer is counted.
struct Undelivered {
    reader: Arc<Reader>,
    events: VecDeque<Arc<Event>>,
}

impl Drop for Undelivered {
    fn drop(&mut self) {
        self.reader.dropped.fetch_add(self.events.len() as u64, Relaxed);
    }
}

impl Reader {
    /// True if the event went into the queue. A reader that is gone counts as served.
    fn offer(&self, event: &Arc<Event>) -> bool {
        self.tell_dropped(event);
        match self.queue.try_send(Delivery::Event(event.clone())) {
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => true,
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.dropped.fetch_add(1, Relaxed);
                false
            }
        }
    }

    fn tell_dropped(&self, event: &Event) {
        if self.dropped.load(Relaxed) == 0 {
            return;
        }
        // The permit is taken first, so that a count is never lost between reading it and telling it.
        if let Ok(permit) = self.queue.try_reserve() {
            let count = self.dropped.swap(0, Relaxed);
            if count > 0 {
                let fact = Fact::EventsDropped { reader: self.name.to_owned(), count };
                permit.send(Delivery::Event(Arc::new(Event { time: event.time, ..Event::new(None, fact) })));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(delivery: Delivery) -> Fact {
        match delivery {
            Delivery::Event(event) => event.fact.clone(),
            Delivery::Barrier(_) => panic!("a barrier"),
        }
    }

    fn started() -> Event {
        Event::new(None, Fact::ProgramStarted { version: "1".into() })
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_much_to_tell_waits_for_room() {
        let bus = Bus::default();
        let mut slow = bus.subscribe("slow", 4);
        (0..3).for_each(|_| bus.publish(started()));
        let begun = tokio::time::Instant::now();
        bus.room(Duration::from_secs(5)).await;
        assert_eq!(begun.elapsed().as_secs(), 5, "one that hangs is not waited for without end");
        let (read, ()) = tokio::join!(async { slow.recv().await.is_some() }, bus.room(Duration::MAX));
        assert!(read);
        drop(slow);
        bus.room(Duration::MAX).await;
    }

    #[test]
    fn a_full_reader_is_told_what_it_missed_and_the_other_misses_nothing() {
        let bus = Bus::default();
        let mut slow = bus.subscribe("slow", 2);
        let mut quick = bus.subscribe("quick", 10);
        (0..5).for_each(|_| bus.publish(started()));
        assert_eq!(quick.len(), 5);
        for _ in 0..2 {
            assert_eq!(fact(slow.try_recv().unwrap()), started().fact);
        }
        bus.publish(started());
        assert_eq!(fact(slow.try_recv().unwrap()), Fact::EventsDropped { reader: "slow".into(), count: 3 });
        assert_eq!(fact(slow.try_recv().unwrap()), started().fact);
        (0..6).for_each(|_| assert_eq!(fact(quick.try_recv().unwrap()), started().fact));
    }

    #[tokio::test]
    async fn store_waits_for_the_barrier() {
        let bus = Bus::default();
        let mut journal = bus.subscribe_durable("journal", 1);
        let storing = tokio::spawn(async move { bus.store(vec![started(), started()], Duration::from_secs(60)).await });
        for _ in 0..2 {
            assert_eq!(fact(journal.recv().await.unwrap()), started().fact);
        }
        let Some(Delivery::Barrier(barrier)) = journal.recv().await else { panic!("no barrier") };
        assert!(!storing.is_finished());
        barrier.send(()).unwrap();
        assert_eq!(storing.await.unwrap(), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_full_journal_never_got_is_counted() {
        let bus = Bus::default();
        let mut journal = bus.subscribe_durable("journal", 2);
        let stored = bus.store(vec![started(), started(), started(), started()], Duration::from_millis(200)).await;
        assert!(stored.is_err());
        (0..2).for_each(|_| assert_eq!(fact(journal.try_recv().unwrap()), started().fact));
        bus.publish(started());
        assert_eq!(fact(journal.try_recv().unwrap()), Fact::EventsDropped { reader: "journal".into(), count: 2 });
    }

    #[tokio::test]
    async fn stored_events_keep_their_place() {
        let bus = Bus::default();
        let mut journal = bus.subscribe_durable("journal", 10);
        let storing = bus.store(vec![started()], Duration::from_secs(60));
        let stopped = Fact::ProgramStopped { reason: "x".into() };
        bus.publish(Event::new(None, stopped.clone()));
        assert_eq!(fact(journal.try_recv().unwrap()), started().fact);
        assert_eq!(fact(journal.try_recv().unwrap()), stopped);
        drop(storing);
    }

    #[tokio::test(start_paused = true)]
    async fn store_gives_up_on_a_journal_that_hangs() {
        let bus = Bus::default();
        let _journal = bus.subscribe_durable("journal", 1);
        let patience = Duration::from_millis(200);
        assert_eq!(bus.store(vec![started()], patience).await, Err(NotStored(patience)));
    }
}
