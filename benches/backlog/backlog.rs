//! Writes a journal as some days of 200 machines leave it: boots, bursts of messages, leases, names. The same each time.
//!
//!     backlog JOURNAL COUNT
//!
//! Prints how many events it has, the documents that they make in a database (one a second, machine and service) and
//! their bytes as JSON.

mod story;

use pxelator::{
    bus::{Bus, Delivery},
    event::{Event, Service},
    journal::Journal,
};
use std::{collections::HashSet, error::Error, net::Ipv4Addr, path::Path, sync::Arc};
use tokio::sync::mpsc;

/// What the journal's thread may have before it.
const QUEUE: usize = 16_384;

/// What the events make in a database.
#[derive(Default)]
struct Sum {
    events: usize,
    documents: usize,
    bytes: usize,
    second: i64,
    /// Machines and services of this second.
    seen: HashSet<(Option<Ipv4Addr>, Service)>,
}

impl Sum {
    fn add(&mut self, event: &Event) -> Result<(), serde_json::Error> {
        if event.time.as_second() != self.second {
            self.second = event.time.as_second();
            self.seen.clear();
        }
        self.events += 1;
        self.documents += usize::from(self.seen.insert((event.machine, event.service())));
        self.bytes += serde_json::to_vec(event)?.len();
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [path, count] = words.as_slice() else { return Err("call it as: backlog JOURNAL COUNT".into()) };
    let count: usize = count.parse().map_err(|_| format!("{count:?} is no number of events"))?;
    let (queue, events) = mpsc::channel(QUEUE);
    let written = Journal::open(Path::new(path))?.write(events, Bus::default())?;
    let mut sum = Sum::default();
    for event in story::Story::new().take(count) {
        sum.add(&event)?;
        queue.blocking_send(Delivery::Event(Arc::new(event)))?;
    }
    drop(queue);
    written.join().map_err(|_| "the journal's thread panicked")?;
    println!("{} events, {} documents, {} bytes", sum.events, sum.documents, sum.bytes);
    Ok(())
}
