//! The segments as they stood at a moment that is gone: what may be asked for, and what is answered. Pure.

use super::State;
use crate::event::Event;
use jiff::{SignedDuration, Timestamp};
use std::{net::Ipv4Addr, sync::Arc};

/// A wish of who looks at the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Go {
    /// Begins to look back, at the newest event.
    Open,
    /// To this moment; begins to look back where that is not done yet.
    At(Timestamp),
    /// So many events on, or back, of those that the audit shows.
    Step(i64),
    /// So long on, or back.
    Jump(SignedDuration),
    /// To the oldest event kept.
    Begin,
    /// To the newest event.
    End,
    /// Lets time pass, or holds it.
    Play,
    /// Lets it pass faster, or slower, by so many steps of [`SPEEDS`].
    Speed(i32),
    /// Back to the present.
    Close,
}

/// A wish, with the segment whose events are stepped through. Those of the whole program count as its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is wished.
    pub go: Go,
    /// The segment that is looked at.
    pub segment: Option<Ipv4Addr>,
}

/// How many times faster than it passed time can pass.
pub const SPEEDS: [u32; 10] = [1, 2, 5, 10, 30, 60, 300, 600, 1800, 3600];

/// One part of the span that is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// Events in it.
    pub events: u32,
    /// Those of them that are errors.
    pub errors: u32,
}

/// What of the past is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The oldest moment that can be looked at.
    pub begin: Timestamp,
    /// The newest.
    pub end: Timestamp,
    /// Equal parts of the time between them, each with what happened in it.
    pub buckets: Vec<Bucket>,
}

/// The segments at one moment.
#[derive(Clone, Debug)]
pub struct Past {
    /// All segments as they stood.
    pub state: Arc<State>,
    /// The moment.
    pub moment: Timestamp,
    /// The last event until then that the audit shows.
    pub event: Option<Arc<Event>>,
    /// What is kept.
    pub kept: Arc<Kept>,
    /// There is nothing before this.
    pub at_begin: bool,
    /// There is nothing after this.
    pub at_end: bool,
    /// Time passes.
    pub playing: bool,
    /// How many times faster than it did.
    pub speed: u32,
}

/// What who looks at the past is shown.
#[derive(Clone, Debug, Default)]
pub enum Sight {
    /// The present.
    #[default]
    Present,
    /// The past.
    Past(Arc<Past>),
    /// The past cannot be had: why, in words.
    Failed(String),
}

/// Makes one wish of those that piled up where one does for them, so that a key held down does not queue work.
pub fn gather(wishes: impl IntoIterator<Item = Request>) -> Vec<Request> {
    let mut gathered: Vec<Request> = Vec::new();
    for wish in wishes {
        match (&wish.go, gathered.last_mut().map(|last| &mut last.go)) {
            (Go::Step(more), Some(Go::Step(steps))) => *steps += more,
            (Go::Jump(more), Some(Go::Jump(span))) => *span = span.saturating_add(*more),
            (Go::Open | Go::Close, _) => {
                gathered.clear();
                gathered.push(wish);
            }
            (Go::At(_) | Go::Begin | Go::End, _) => {
                gathered.retain(|last| !last.go.is_move());
                gathered.push(wish);
            }
            _ => gathered.push(wish),
        }
    }
    gathered
}

impl Go {
    fn is_move(&self) -> bool {
        matches!(self, Go::At(_) | Go::Step(_) | Go::Jump(_) | Go::Begin | Go::End)
    }
}

/// A pause without events is not watched for longer than this.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_secs(2);

/// The moment after `elapsed` of playing at `speed`, where the next event comes at `next`.
pub fn played(moment: Timestamp, next: Option<Timestamp>, elapsed: SignedDuration, speed: u32) -> Timestamp {
    let speed = i32::try_from(speed).unwrap_or(i32::MAX);
    let reached = moment.saturating_add(elapsed.saturating_mul(speed)).unwrap_or(moment);
    match next {
        // What is left of a pause is passed over, all but its last seconds.
        Some(next) => {
            let shortened = next.saturating_sub(LONGEST_PAUSE.saturating_mul(speed)).unwrap_or(next);
            reached.max(shortened.min(next))
        }
        None => reached,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_that_piled_up() {
        let wish = |go| Request { go, segment: None };
        let second = SignedDuration::from_secs;
        let at = Timestamp::UNIX_EPOCH;
        for (wishes, expected) in [
            (vec![Go::Step(1), Go::Step(1), Go::Step(-3)], vec![Go::Step(-1)]),
            (vec![Go::Jump(second(60)), Go::Jump(second(-3600))], vec![Go::Jump(second(-3540))]),
            (
                vec![Go::Step(1), Go::Jump(second(60)), Go::Step(1)],
                vec![Go::Step(1), Go::Jump(second(60)), Go::Step(1)],
            ),
            (vec![Go::Step(9), Go::Play, Go::Jump(second(60)), Go::At(at)], vec![Go::Play, Go::At(at)]),
            (vec![Go::Begin, Go::End, Go::Step(-1)], vec![Go::End, Go::Step(-1)]),
            (vec![Go::Step(9), Go::Play, Go::Close], vec![Go::Close]),
            (vec![Go::Close, Go::Open, Go::Step(-1)], vec![Go::Open, Go::Step(-1)]),
            (vec![Go::Speed(1), Go::Speed(1)], vec![Go::Speed(1), Go::Speed(1)]),
        ] {
            let gathered = gather(wishes.clone().into_iter().map(wish));
            assert_eq!(gathered, expected.into_iter().map(wish).collect::<Vec<_>>(), "{wishes:?}");
        }
    }

    #[test]
    fn playing_passes_over_pauses() {
        let at = |millis| Timestamp::from_millisecond(millis).unwrap();
        for (next, elapsed, speed, expected) in [
            (Some(1_500), 33, 1, 33),
            (Some(60_000), 33, 1, 58_000),
            (Some(60_000), 33, 10, 40_000),
            (Some(60_000), 33, 60, 1_980),
            (Some(10), 1_000, 3600, 3_600_000),
            (None, 33, 2, 66),
        ] {
            let reached = played(at(0), next.map(at), SignedDuration::from_millis(elapsed), speed);
            assert_eq!(reached, at(expected), "{next:?} {elapsed} {speed}");
        }
    }
}
