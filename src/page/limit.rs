//! How much one source may ask for: reading, acting, and guessing passwords. This host reads without limit.

use super::{
    access::{Visit, Way},
    denied::Denied,
};
use crate::event::Asker;
use governor::{
    DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};
use std::{
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    time::Duration,
};

/// Sources that are remembered; then those that were quiet are forgotten.
const SOURCES: usize = 4096;

/// The limits of all.
pub struct Limits {
    reads: DefaultKeyedRateLimiter<IpAddr>,
    acts: DefaultKeyedRateLimiter<(IpAddr, String)>,
    guesses: DefaultKeyedRateLimiter<IpAddr>,
    /// Of all that are not this host together: who has many addresses guesses no faster.
    strange_guesses: DefaultDirectRateLimiter,
    clock: DefaultClock,
}

fn quota(each: Duration, burst: u32) -> Quota {
    let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
    Quota::with_period(each).unwrap_or(Quota::per_second(burst)).allow_burst(burst)
}

/// One source: the address; of IPv6 the network, for a host has all addresses of it.
fn source(visit: &Visit) -> IpAddr {
    match visit.way {
        Way::Unix => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        Way::Tcp { client, .. } => match client.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
            v4 => v4,
        },
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            reads: RateLimiter::keyed(quota(Duration::from_millis(20), 200)),
            acts: RateLimiter::keyed(quota(Duration::from_millis(100), 60)),
            guesses: RateLimiter::keyed(quota(Duration::from_secs(10), 10)),
            strange_guesses: RateLimiter::direct(quota(Duration::from_secs(1), 30)),
            clock: DefaultClock::default(),
        }
    }
}

impl Limits {
    fn check<K: Hash + Eq + Clone>(&self, limiter: &DefaultKeyedRateLimiter<K>, key: &K) -> Result<(), Denied> {
        if limiter.len() > SOURCES {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
        limiter.check_key(key).map_err(|not_until| limited(not_until.wait_time_from(self.clock.now())))
    }

    /// A request of whatever kind.
    pub fn may_ask(&self, visit: &Visit) -> Result<(), Denied> {
        if visit.here { Ok(()) } else { self.check(&self.reads, &source(visit)) }
    }

    /// Something is changed.
    pub fn may_act(&self, visit: &Visit, by: &Asker) -> Result<(), Denied> {
        self.check(&self.acts, &(source(visit), by.to_string()))
    }

    /// A password or a token that may be wrong.
    pub fn may_guess(&self, visit: &Visit) -> Result<(), Denied> {
        self.check(&self.guesses, &source(visit))?;
        if visit.here {
            return Ok(());
        }
        let checked = self.strange_guesses.check();
        checked.map_err(|not_until| limited(not_until.wait_time_from(self.clock.now())))
    }
}

fn limited(wait: Duration) -> Denied {
    Denied::Limited { wait: wait.as_secs() + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::access::Kind;

    fn from(client: [u8; 4], here: bool) -> Visit {
        let way = Way::Tcp { client: IpAddr::from(client), tls: false };
        Visit { way, here, person: None, kind: Kind::Html, path: "/".into(), csrf: String::new() }
    }

    #[test]
    fn guesses_are_few() {
        let limits = Limits::default();
        let let_through = |visit: &Visit| (0..100).filter(|_| limits.may_guess(visit).is_ok()).count();
        assert_eq!(let_through(&from([10, 77, 0, 60], false)), 10);
        assert_eq!(let_through(&from([10, 77, 0, 61], false)), 10);
        assert!(limits.may_guess(&from([10, 77, 0, 60], false)).is_err());
        for last in 62..90 {
            let_through(&from([10, 77, 0, last], false));
        }
        assert!(limits.may_guess(&from([10, 77, 0, 90], false)).is_err(), "all together");
        assert_eq!(let_through(&from([127, 0, 0, 1], true)), 10, "this host is not locked out by others");
    }

    #[test]
    fn this_host_reads_without_limit() {
        let limits = Limits::default();
        let machine = from([10, 77, 0, 60], false);
        let asked = (0..1000).filter(|_| limits.may_ask(&machine).is_ok()).count();
        assert!((200..400).contains(&asked), "{asked}");
        assert!((0..1000).all(|_| limits.may_ask(&from([10, 77, 0, 1], true)).is_ok()));
    }
}
