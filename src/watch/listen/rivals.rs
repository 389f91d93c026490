//! Other DHCP servers of a segment: found by what they answer, also to a question of our own. Pure: time is told.

use super::vendor::vendor;
use crate::{event::Fact, net::Mac};
use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    time::{Duration, Instant},
};

/// How often is asked. An answer may take three seconds: servers look first whether the address is free.
const ASK: Duration = Duration::from_secs(3);
/// Who did not answer for so long is gone.
const GONE: Duration = Duration::from_secs(31);
/// Servers that are remembered.
const MOST: usize = 64;

/// Those that are there.
pub struct Rivals {
    known: BTreeMap<Mac, (Ipv4Addr, Instant)>,
    asks: Instant,
}

impl Rivals {
    pub fn new(now: Instant) -> Rivals {
        Rivals { known: BTreeMap::new(), asks: now }
    }

    /// This one was told in an earlier run, and is not gone as far as is known.
    pub fn remember(&mut self, mac: Mac, server: Ipv4Addr, now: Instant) {
        self.known.insert(mac, (server, now));
    }

    /// One answered.
    pub fn answered(&mut self, mac: Mac, server: Ipv4Addr, offered: Option<Ipv4Addr>, now: Instant) -> Option<Fact> {
        if let Some((known, last)) = self.known.get_mut(&mac) {
            *last = now;
            if *known == server {
                return None;
            }
        }
        if self.known.len() >= MOST {
            return None;
        }
        self.known.insert(mac, (server, now));
        Some(Fact::RivalFound { server, vendor: vendor(mac), offered })
    }

    /// True where it is time to ask who is there.
    pub fn asks(&mut self, now: Instant) -> bool {
        let is_due = self.asks <= now;
        if is_due {
            self.asks = now + ASK;
        }
        is_due
    }

    /// Those that are gone; all where others may be there.
    pub fn gone(&mut self, is_alone: bool, now: Instant) -> Vec<(Mac, Fact)> {
        let mut gone = Vec::new();
        self.known.retain(|mac, (server, last)| {
            let stays = is_alone && now.saturating_duration_since(*last) < GONE;
            if !stays {
                gone.push((*mac, Fact::RivalGone { server: *server }));
            }
            stays
        });
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_found_once_and_gone_when_it_is_silent() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let (mac, server) = (Mac([0x52, 0x54, 0, 0, 0, 9]), Ipv4Addr::new(10, 77, 0, 2));
        let offered = Some(Ipv4Addr::new(10, 77, 0, 200));
        let mut rivals = Rivals::new(start);
        let asked: Vec<u64> = (0..20).filter(|second| rivals.asks(at(*second))).collect();
        assert_eq!(asked, [0, 3, 6, 9, 12, 15, 18]);
        let found = Some(Fact::RivalFound { server, vendor: Some("QEMU".into()), offered });
        assert_eq!(rivals.answered(mac, server, offered, at(1)), found);
        assert_eq!(rivals.answered(mac, server, offered, at(20)), None);
        assert_eq!(rivals.gone(true, at(50)), []);
        assert_eq!(rivals.gone(true, at(51)), [(mac, Fact::RivalGone { server })]);
        assert_eq!(rivals.answered(mac, server, offered, at(60)), found, "it is back");
        assert_eq!(rivals.gone(false, at(61)).len(), 1, "beside us one is wanted");
        // One that an earlier run told.
        rivals.remember(mac, server, at(70));
        assert_eq!(rivals.answered(mac, server, offered, at(71)), None);
    }
}
