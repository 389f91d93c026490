//! What was measured, on its way to the trends. Knows neither who measures nor who keeps it.
//!
//! [`Samples::put`] never waits: what finds no room is lost and counted, for a trend is no record of what happened.

use jiff::Timestamp;
use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};
use tokio::sync::mpsc;

/// Samples that may wait: some seconds of a thousand machines.
const WAITING: usize = 1 << 14;

/// What a sample is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Of {
    /// A machine of conf: its segment's server address and its own.
    Machine(Ipv4Addr, Ipv4Addr),
    /// A segment, by its server's address.
    Segment(Ipv4Addr),
    /// The program itself.
    Program,
}

/// Values of one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// When.
    pub time: Timestamp,
    /// Of what.
    pub of: Of,
    /// The family, which names the file: `ping`, `boot`, `interface-br0`, `check-tcp-22`. Of lower case letters, digits and `-`.
    pub family: String,
    /// The values by name, always the same names of one family: `rtt` (milliseconds), `loss` (parts of 1). None where there is none: a hole.
    pub values: Vec<(&'static str, Option<f64>)>,
}

/// Where samples go; cheap to clone.
#[derive(Clone)]
pub struct Samples {
    queue: mpsc::Sender<Sample>,
    lost: Arc<AtomicU64>,
}

impl Samples {
    /// The way in, and the way out.
    pub fn new() -> (Samples, mpsc::Receiver<Sample>) {
        let (queue, samples) = mpsc::channel(WAITING);
        (Samples { queue, lost: Arc::default() }, samples)
    }

    /// Hands one over, without waiting.
    pub fn put(&self, sample: Sample) {
        if self.queue.try_send(sample).is_err() {
            self.lost.fetch_add(1, Relaxed);
        }
    }

    /// How many were lost since this was asked last.
    pub fn take_lost(&self) -> u64 {
        self.lost.swap(0, Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_room_is_counted() {
        let (samples, mut out) = Samples::new();
        let sample = Sample { time: Timestamp::UNIX_EPOCH, of: Of::Program, family: "bus".into(), values: vec![] };
        (0..WAITING + 3).for_each(|_| samples.put(sample.clone()));
        assert_eq!((samples.take_lost(), samples.take_lost()), (3, 0));
        assert_eq!(out.try_recv(), Ok(sample));
    }
}
