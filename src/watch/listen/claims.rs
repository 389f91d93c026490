//! Addresses that two cards say are theirs. One that moves to another card is none: both must say so when they are asked. Pure: time is told.

use crate::{event::Fact, net::Mac};
use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    time::{Duration, Instant},
};

/// Addresses that are remembered.
const MOST: usize = 4096;
/// Who had an address so long ago has it no longer.
const RECENT: Duration = Duration::from_secs(600);
/// What those who have it get to say so when they are asked.
const TRIAL: Duration = Duration::from_secs(3);
/// Where two have it, they are asked so often, until one was silent for so long.
const ASK: Duration = Duration::from_secs(10);
const SETTLED: Duration = Duration::from_secs(35);
/// Cards of one address that are remembered.
const CARDS: usize = 8;

#[derive(Clone, Debug)]
struct Claim {
    /// When each card said so last.
    by: BTreeMap<Mac, Instant>,
    /// Since when both are asked.
    trial: Option<Instant>,
    asked: Instant,
    is_contested: bool,
}

/// All addresses.
#[derive(Default)]
pub struct Claims {
    claims: BTreeMap<Ipv4Addr, Claim>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Ask who has this address.
    Ask(Ipv4Addr),
    /// Tell this of the address.
    Tell(Ipv4Addr, Fact),
}

impl Claims {
    /// A card says that an address is its own.
    pub fn claim(&mut self, address: Ipv4Addr, mac: Mac, now: Instant) -> Option<Step> {
        if self.claims.len() >= MOST && !self.claims.contains_key(&address) {
            self.forget(now);
        }
        let new = || Claim { by: BTreeMap::new(), trial: None, asked: now, is_contested: false };
        let claim = self.claims.entry(address).or_insert_with(new);
        claim.by.retain(|_, last| now.saturating_duration_since(*last) < RECENT);
        if claim.by.len() >= CARDS && !claim.by.contains_key(&mac) {
            return None;
        }
        claim.by.insert(mac, now);
        if claim.is_contested || claim.by.len() < 2 {
            return None;
        }
        match claim.trial {
            None => {
                (claim.trial, claim.asked) = (Some(now), now);
                // What was said before is no answer.
                claim.by.insert(mac, now.checked_sub(Duration::from_millis(1)).unwrap_or(now));
                Some(Step::Ask(address))
            }
            Some(trial) => {
                let macs = since(claim, trial);
                (macs.len() > 1).then(|| {
                    claim.is_contested = true;
                    Step::Tell(address, Fact::AddressContested { address, macs })
                })
            }
        }
    }

    /// What is due.
    pub fn advance(&mut self, now: Instant) -> Vec<Step> {
        let mut steps = Vec::new();
        for (address, claim) in &mut self.claims {
            let since_asked = now.saturating_duration_since(claim.asked);
            if claim.is_contested {
                let recent = now.checked_sub(SETTLED).unwrap_or(now);
                let left = since(claim, recent);
                if left.len() < 2 {
                    claim.by.retain(|mac, _| left.contains(mac));
                    (claim.is_contested, claim.trial) = (false, None);
                    steps.push(Step::Tell(*address, Fact::AddressSettled { address: *address }));
                } else if since_asked >= ASK {
                    claim.asked = now;
                    steps.push(Step::Ask(*address));
                }
            } else if let Some(trial) = claim.trial {
                if now.saturating_duration_since(trial) >= TRIAL {
                    // It moved: who did not answer has it no longer.
                    let left = since(claim, trial);
                    if !left.is_empty() {
                        claim.by.retain(|mac, _| left.contains(mac));
                    }
                    claim.trial = None;
                } else if since_asked >= Duration::from_secs(1) {
                    claim.asked = now;
                    steps.push(Step::Ask(*address));
                }
            }
        }
        steps
    }

    /// Where too many are known, those go that nobody has any longer; else all that are not contested.
    fn forget(&mut self, now: Instant) {
        let is_recent = |claim: &Claim| claim.by.values().any(|last| now.saturating_duration_since(*last) < RECENT);
        self.claims.retain(|_, claim| claim.is_contested || is_recent(claim));
        if self.claims.len() >= MOST {
            self.claims.retain(|_, claim| claim.is_contested);
        }
    }
}

fn since(claim: &Claim, at: Instant) -> Vec<Mac> {
    claim.by.iter().filter(|(_, last)| **last >= at).map(|(mac, _)| *mac).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 60);
    const A: Mac = Mac([2, 0, 0, 0, 0, 1]);
    const B: Mac = Mac([2, 0, 0, 0, 0, 2]);

    #[test]
    fn two_that_answer_are_told_and_when_one_gives_in() {
        let start = Instant::now();
        let at = |millis: u64| start + Duration::from_millis(millis);
        let mut claims = Claims::default();
        assert_eq!(claims.claim(AT, A, at(0)), None);
        assert_eq!(claims.claim(AT, B, at(60_000)), Some(Step::Ask(AT)));
        assert_eq!(claims.claim(AT, B, at(60_001)), None);
        let told = Step::Tell(AT, Fact::AddressContested { address: AT, macs: vec![A, B] });
        assert_eq!(claims.claim(AT, A, at(60_002)), Some(told));
        // It is told once; they are asked again and again.
        assert_eq!(claims.claim(AT, B, at(65_000)), None);
        assert_eq!(claims.advance(at(70_001)), [Step::Ask(AT)]);
        claims.claim(AT, A, at(70_002));
        assert_eq!(claims.advance(at(99_000)), [Step::Ask(AT)]);
        claims.claim(AT, A, at(99_001));
        assert_eq!(claims.advance(at(101_000)), [Step::Tell(AT, Fact::AddressSettled { address: AT })]);
        assert_eq!(claims.advance(at(200_000)), []);
    }

    #[test]
    fn an_address_that_moves_is_no_conflict() {
        let start = Instant::now();
        let at = |millis: u64| start + Duration::from_millis(millis);
        let mut claims = Claims::default();
        claims.claim(AT, A, at(0));
        assert_eq!(claims.claim(AT, B, at(10_000)), Some(Step::Ask(AT)));
        assert_eq!(claims.claim(AT, B, at(10_001)), None);
        assert_eq!(claims.advance(at(11_000)), [Step::Ask(AT)]);
        assert_eq!(claims.advance(at(14_000)), []);
        // And back again.
        assert_eq!(claims.claim(AT, A, at(20_000)), Some(Step::Ask(AT)));
        assert_eq!(claims.claim(AT, A, at(20_001)), None);
    }

    #[test]
    fn no_flood_fills_the_memory() {
        let now = Instant::now();
        let mut claims = Claims::default();
        (0..20_000_u32).for_each(|number| drop(claims.claim(Ipv4Addr::from_bits(number), A, now)));
        assert!(claims.claims.len() <= MOST);
    }
}
