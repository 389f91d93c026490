//! One check: how it stands, and what a look at it makes of that. Pure: time is told.

use super::plan::Planned;
use crate::{
    conf::checks::What,
    event::Fact,
    state::checked::{CheckResult, Checked},
};
use jiff::Timestamp;
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::{Duration, Instant},
};

/// What is not known to be there is looked for so often.
const LEARN: Duration = Duration::from_secs(10 * 60);
/// A machine that is gone is looked for so often, for as long as that is recent.
const GONE: Duration = Duration::from_secs(5);
const RECENT: Duration = Duration::from_secs(10 * 60);
/// All first looks are within so long.
const FIRST: Duration = Duration::from_secs(10);

/// What a look found.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// All is well.
    pub well: bool,
    /// What was found, in words.
    pub said: String,
    /// How long the answer took, in milliseconds.
    pub millis: Option<f64>,
}

/// How a check stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Unknown,
    Passed,
    Failed(Timestamp),
    Paused,
}

/// A check from turn to turn.
#[derive(Clone, Debug)]
pub struct Turn {
    pub planned: Planned,
    standing: Standing,
    /// It came through at some time.
    ever: bool,
    /// Looks in a row that found it wrong.
    pub losses: u32,
    pub due: Instant,
    /// When the look began that is under way.
    pub began: Option<Instant>,
    /// When the last look began that found it well.
    pub well: Option<Instant>,
    failing: Option<Instant>,
    round: u64,
    /// What is found is told, also where it is no news.
    pub is_asked: bool,
}

/// How a look is to be taken that found something wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// It counts.
    Full,
    /// Something else explains it.
    None,
}

impl Turn {
    /// A check as it stood when it was last told; its first look comes within some seconds, not with all others.
    pub fn new(planned: Planned, known: Option<&Checked>, seed: impl Hash, now: Instant) -> Turn {
        let standing = match known {
            None => Standing::Unknown,
            Some(Checked { result: CheckResult::Passed, .. }) => Standing::Passed,
            Some(Checked { result: CheckResult::Failed, since, .. }) => Standing::Failed(*since),
            Some(Checked { result: CheckResult::Paused, .. }) => Standing::Paused,
        };
        let first = planned.check.every.min(FIRST).mul_f64(part(&seed, 0));
        Turn {
            planned,
            standing,
            ever: known.is_some(),
            losses: 0,
            due: now + first,
            began: None,
            well: None,
            failing: matches!(standing, Standing::Failed(_)).then_some(now),
            round: 0,
            is_asked: false,
        }
    }

    /// It shows whether its machine is there at all.
    pub fn is_sign(&self) -> bool {
        matches!(self.planned.check.what, What::Ping | What::Arp)
    }

    /// It does not come through, or did not the last time.
    pub fn is_in_trouble(&self) -> bool {
        self.ever && (self.is_failed() || self.losses > 0)
    }

    pub fn is_failed(&self) -> bool {
        matches!(self.standing, Standing::Failed(_))
    }

    /// Its machine answered once, and does no longer: one that never did tells nothing of the rest.
    pub fn is_gone(&self) -> bool {
        self.is_sign() && self.ever && self.is_failed()
    }

    pub fn is_passed(&self) -> bool {
        self.standing == Standing::Passed
    }

    /// Nobody told that it is there, and it never was.
    pub fn is_guess(&self) -> bool {
        !self.planned.wanted && !self.ever
    }

    /// A look came to its end. What is news of it, and when the next is.
    pub fn take(
        &mut self,
        look: Look,
        weight: Weight,
        seed: impl Hash,
        (now, time): (Instant, Timestamp),
    ) -> Option<Fact> {
        let began = self.began.take();
        self.round += 1;
        let (check, said) = (self.planned.check.name(), look.said);
        if look.well {
            let was = std::mem::replace(&mut self.standing, Standing::Passed);
            (self.ever, self.losses, self.failing, self.well) = (true, 0, None, began.or(Some(now)));
            self.due = now + self.pace(self.planned.check.every, &seed);
            let is_asked = std::mem::take(&mut self.is_asked);
            return match was {
                Standing::Failed(since) => {
                    let millis = u64::try_from(time.duration_since(since).as_millis()).unwrap_or(0);
                    Some(Fact::CheckRecovered { check, said, millis })
                }
                Standing::Passed if !is_asked => None,
                _ => Some(Fact::CheckPassed { check, said }),
            };
        }
        if weight == Weight::None {
            self.due = now + self.soon();
            return None;
        }
        self.losses = self.losses.saturating_add(1);
        if self.is_guess() {
            self.due = now + self.pace(LEARN, &seed);
            return None;
        }
        if self.losses < self.planned.check.times && !self.is_failed() {
            self.due = now + self.soon();
            return None;
        }
        let failing = *self.failing.get_or_insert(now);
        self.due = now + self.again(now.saturating_duration_since(failing), &seed);
        let is_asked = std::mem::take(&mut self.is_asked);
        let is_news = !self.is_failed();
        if is_news {
            self.standing = Standing::Failed(time);
        }
        (is_news || is_asked).then_some(Fact::CheckFailed { check, said, times: self.losses })
    }

    /// It is not looked at for now. True where that is news.
    pub fn pause(&mut self) -> bool {
        self.losses = 0;
        self.failing = None;
        let is_news = matches!(self.standing, Standing::Passed | Standing::Failed(_));
        if is_news {
            self.standing = Standing::Paused;
        }
        is_news
    }

    /// It is not looked at, and who asks is to be told. False of what nobody knows to be there, and of what failed: that it did counts.
    pub fn pause_again(&mut self) -> bool {
        self.is_asked = false;
        !self.is_guess() && (self.pause() || self.standing == Standing::Paused)
    }

    /// The next look, where this one was spared.
    pub fn pass_over(&mut self, seed: impl Hash, now: Instant) {
        self.round += 1;
        self.due = now + self.pace(self.planned.check.every, &seed);
    }

    /// After a look that found it wrong the next comes soon.
    pub fn soon(&self) -> Duration {
        let most = Duration::from_secs(if self.is_sign() { 2 } else { 15 });
        (self.planned.check.every / 8).clamp(Duration::from_secs(1), most)
    }

    fn again(&self, failing: Duration, seed: impl Hash) -> Duration {
        let every = self.planned.check.every;
        let quick = if self.is_sign() { GONE } else { every / 2 };
        self.pace(if failing < RECENT { every.min(quick) } else { every }, seed)
    }

    /// A tenth of the pace more or less, so that what began together does not stay so.
    fn pace(&self, every: Duration, seed: impl Hash) -> Duration {
        every.mul_f64(0.95 + 0.1 * part(seed, self.round))
    }
}

/// From 0 to 1: another for each thing and each of its rounds.
fn part(of: impl Hash, round: u64) -> f64 {
    let mut hasher = DefaultHasher::new();
    (of, round).hash(&mut hasher);
    f64::from(u32::try_from(hasher.finish() >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}
