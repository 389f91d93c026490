//! Hosts that are not in conf: which are told, once each. Pure: time is told.

use super::{ear::Before, vendor::vendor};
use crate::{
    event::{Fact, Sighting},
    net::Mac,
};
use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    time::{Duration, Instant},
};

/// Hosts that are remembered.
const MOST: usize = 4096;
/// Of hosts that come at once so many are told, and then one each so often: others when they speak again.
const AT_ONCE: u32 = 64;
const EACH: Duration = Duration::from_millis(500);
/// What changes of one host is told no more often.
const CHANGES: Duration = Duration::from_secs(60);

/// What was told of a host.
#[derive(Clone, Debug)]
struct Told {
    address: Option<Ipv4Addr>,
    name: Option<String>,
    at: Option<Instant>,
    seen: Instant,
}

/// Those that are known.
pub struct Hosts {
    told: BTreeMap<Mac, Told>,
    left: u32,
    filled: Instant,
}

/// Somebody was seen.
pub struct Seen {
    pub mac: Mac,
    pub by: Sighting,
    pub address: Option<Ipv4Addr>,
    pub name: Option<String>,
}

impl Hosts {
    pub fn new(now: Instant) -> Hosts {
        Hosts { told: BTreeMap::new(), left: AT_ONCE, filled: now }
    }

    /// What is news of a host that is not in conf, with its address; `before` is what was known of it in an earlier run.
    pub fn see(
        &mut self,
        seen: Seen,
        before: impl FnOnce(Mac) -> Option<Before>,
        now: Instant,
    ) -> Option<(Option<Ipv4Addr>, Fact)> {
        let Seen { mac, by, address, name } = seen;
        let vendor = vendor(mac);
        let mut is_new = false;
        if !self.told.contains_key(&mac) {
            self.make_room();
            let before = before(mac);
            is_new = before.as_ref().is_none_or(|known| !known.is_told || vendor.is_some() && !known.has_vendor);
            let (had, called) = before.map_or((None, None), |known| (known.address, known.name));
            if is_new && !self.spend(now) {
                return None;
            }
            self.told.insert(mac, Told { address: had, name: called, at: None, seen: now });
        }
        let told = self.told.get_mut(&mac)?;
        told.seen = now;
        let is_other = address.is_some() && address != told.address || name.is_some() && name != told.name;
        let is_quiet = told.at.is_none_or(|at| now.saturating_duration_since(at) >= CHANGES);
        // What it is called may come with its second word.
        let is_more = told.address.is_none() && address.is_some() || told.name.is_none() && name.is_some();
        if !is_new && !(is_other && (is_quiet || is_more)) {
            return None;
        }
        told.at = Some(now);
        told.address = address.or(told.address);
        told.name = name.or_else(|| told.name.take());
        Some((told.address, Fact::HostSeen { by, vendor, name: told.name.clone() }))
    }

    fn spend(&mut self, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.filled);
        let more = u32::try_from(since.as_millis() / EACH.as_millis()).unwrap_or(AT_ONCE);
        if more > 0 {
            (self.left, self.filled) = (self.left.saturating_add(more).min(AT_ONCE), now);
        }
        let is_left = self.left > 0;
        self.left = self.left.saturating_sub(1);
        is_left
    }

    /// Forgets those that were silent longest.
    fn make_room(&mut self) {
        if self.told.len() < MOST {
            return;
        }
        let mut oldest: Vec<(Instant, Mac)> = self.told.iter().map(|(mac, told)| (told.seen, *mac)).collect();
        oldest.sort_unstable();
        for (_, mac) in &oldest[..MOST / 8] {
            self.told.remove(mac);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mac(last: u8) -> Mac {
        Mac([0x52, 0x54, 0, 0, 0, last])
    }

    fn seen(last: u8, address: Option<u8>, name: Option<&str>) -> Seen {
        let address = address.map(|last| Ipv4Addr::new(10, 77, 0, last));
        Seen { mac: mac(last), by: Sighting::Arp, address, name: name.map(str::to_owned) }
    }

    #[test]
    fn a_host_is_told_once_and_what_is_new_of_it() {
        let start = Instant::now();
        let mut hosts = Hosts::new(start);
        let mut see = |seconds: u64, seen: Seen| {
            let told = hosts.see(seen, |_| None, start + Duration::from_secs(seconds));
            told.map(|(address, fact)| match fact {
                Fact::HostSeen { vendor, name, .. } => (address.map(|a| a.octets()[3]), vendor, name),
                other => panic!("{other:?}"),
            })
        };
        let qemu = || Some("QEMU".to_owned());
        assert_eq!(see(0, seen(1, None, None)), Some((None, qemu(), None)));
        assert_eq!(see(1, seen(1, None, None)), None);
        // Its address and its name come later, each at once.
        assert_eq!(see(1, seen(1, Some(9), None)), Some((Some(9), qemu(), None)));
        assert_eq!(see(2, seen(1, None, Some("a"))), Some((Some(9), qemu(), Some("a".into()))));
        // One that changes all the time is not told each time.
        assert_eq!(see(3, seen(1, Some(8), None)), None);
        assert_eq!(see(70, seen(1, Some(8), None)), Some((Some(8), qemu(), Some("a".into()))));
    }

    #[test]
    fn what_an_earlier_run_told_is_not_told_again() {
        let now = Instant::now();
        let before = |address: u8, has_vendor: bool| Before {
            address: Some(Ipv4Addr::new(10, 77, 0, address)),
            name: Some("a".into()),
            has_vendor,
            is_told: true,
        };
        let told = |known: Before, seen: Seen| Hosts::new(now).see(seen, |_| Some(known), now).is_some();
        assert!(!told(before(9, true), seen(1, Some(9), Some("a"))));
        assert!(told(before(9, true), seen(1, Some(8), None)), "another address");
        assert!(told(before(9, true), seen(1, None, Some("b"))), "another name");
        assert!(told(before(9, false), seen(1, Some(9), None)), "its maker is new");
    }

    #[test]
    fn a_flood_of_hosts_is_told_in_part() {
        let start = Instant::now();
        let mut hosts = Hosts::new(start);
        let mut flood = |from: u32, at: Instant| {
            let all = (from..from + 10_000).filter(|number| {
                let [a, b, c, d] = number.to_be_bytes();
                let seen = Seen { mac: Mac([2, 0, a, b, c, d]), by: Sighting::Arp, address: None, name: None };
                hosts.see(seen, |_| None, at).is_some()
            });
            all.count()
        };
        assert_eq!(flood(0, start), 64);
        assert_eq!(flood(20_000, start + Duration::from_secs(5)), 10);
        assert!(hosts.told.len() <= MOST);
    }
}
