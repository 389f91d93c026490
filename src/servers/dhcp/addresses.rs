//! Which addresses of the pool are free, held, leased or not to be trusted. Pure: the clock comes in as a value.

use super::stock::{FRESH, Stock};
use crate::{
    conf::Segment,
    event::{Event, Fact, LeaseSource},
    state::{Lease, Leases},
};
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::Ipv4Addr,
};

/// How long an offered address waits for its client's request.
pub const HOLD: SignedDuration = SignedDuration::from_secs(30);
/// How long an address that a stranger uses is left alone (RFC 2131, section 3.1, step 5).
pub const QUARANTINE: SignedDuration = SignedDuration::from_mins(10);
/// Addresses of the pool looked at in one go for such as were never used.
const SCAN: u32 = 4096;

/// The addresses of a segment. Everything here is bounded by the number of addresses, whoever asks.
#[derive(Clone, Debug)]
pub struct Addresses {
    leases: Leases,
    /// The leases' ends.
    ends: BTreeSet<(Timestamp, Ipv4Addr)>,
    /// The address that a client had last.
    by_client: HashMap<String, Ipv4Addr>,
    offers: BTreeMap<Ipv4Addr, Offer>,
    offered_to: HashMap<String, Ipv4Addr>,
    quarantine: BTreeMap<Ipv4Addr, Timestamp>,
    stock: Stock,
    /// Where in the pool the last look ended, and how many addresses it has passed since it found one never used.
    cursor: u32,
    passed: u32,
    /// The last look for addresses to probe found none.
    dry: bool,
    tidied: Timestamp,
}

#[derive(Clone, Debug)]
struct Offer {
    client: String,
    until: Timestamp,
}

/// An address of the pool for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooled {
    /// This one.
    Address(Ipv4Addr),
    /// Not before someone has asked the segment who has it; none: whichever is probed next.
    Probe(Option<Ipv4Addr>),
    /// Every address is in use.
    Exhausted,
}

impl Addresses {
    /// Goes on from what is known of leases.
    pub fn new(leases: Leases) -> Addresses {
        let mut by_age: Vec<&Lease> = leases.iter().collect();
        by_age.sort_by_key(|lease| lease.given);
        Addresses {
            by_client: by_age.into_iter().map(|lease| (lease.client.clone(), lease.address)).collect(),
            ends: leases.iter().map(|lease| (lease.expires, lease.address)).collect(),
            leases,
            offers: BTreeMap::new(),
            offered_to: HashMap::new(),
            quarantine: BTreeMap::new(),
            stock: Stock::default(),
            cursor: 0,
            passed: 0,
            dry: false,
            tidied: Timestamp::UNIX_EPOCH,
        }
    }

    /// The leases.
    pub fn leases(&self) -> &Leases {
        &self.leases
    }

    /// Folds an event of this server in.
    pub fn apply(&mut self, event: &Event) {
        match &event.fact {
            Fact::DhcpOffered { address, source: LeaseSource::Pool, .. } => self.stock.take(*address),
            Fact::DhcpAcknowledged { address, client, source, .. } => {
                self.forget_offer(*address);
                self.forget_client_of(*address);
                // A client may ask for an address that it was not offered.
                self.stock.take(*address);
                self.follow(*address, event);
                if *source == LeaseSource::Pool {
                    self.by_client.insert(client.clone(), *address);
                }
            }
            Fact::DhcpReleased { address } | Fact::DhcpExpired { address } => self.follow(*address, event),
            Fact::DhcpDeclined { address, until } | Fact::DhcpConflicted { address, until, .. } => {
                self.forget_offer(*address);
                self.stock.drop(*address);
                self.quarantine.insert(*address, *until);
                if matches!(event.fact, Fact::DhcpDeclined { .. }) {
                    self.forget_client_of(*address);
                    self.follow(*address, event);
                }
            }
            _ => {}
        }
    }

    /// Folds an event about the lease of `address` in, and keeps the ends in step.
    fn follow(&mut self, address: Ipv4Addr, event: &Event) {
        let end = |leases: &Leases| leases.get(address).map(|lease| (lease.expires, address));
        if let Some(before) = end(&self.leases) {
            self.ends.remove(&before);
        }
        self.leases.apply(event);
        self.ends.extend(end(&self.leases));
    }

    /// Who had `address` last is not given it again.
    fn forget_client_of(&mut self, address: Ipv4Addr) {
        if let Some(lease) = self.leases.get(address)
            && self.by_client.get(&lease.client) == Some(&address)
        {
            self.by_client.remove(&lease.client);
        }
    }

    /// Keeps `address` for `client` until it asks for it or the hold runs out.
    pub fn hold(&mut self, address: Ipv4Addr, client: String, now: Timestamp) {
        self.let_go(&client);
        self.forget_offer(address);
        self.offered_to.insert(client.clone(), address);
        self.offers.insert(address, Offer { client, until: now + HOLD });
    }

    fn forget_offer(&mut self, address: Ipv4Addr) {
        if let Some(offer) = self.offers.remove(&address) {
            self.offered_to.remove(&offer.client);
        }
    }

    /// Lets go of what `client` was offered: it chose another server.
    pub fn let_go(&mut self, client: &str) {
        if let Some(address) = self.offered_to.get(client) {
            self.forget_offer(*address);
        }
    }

    /// True if nobody but `client` has or was offered `address`, and it may be given at all.
    pub fn is_free(&self, address: Ipv4Addr, client: &str, segment: &Segment, now: Timestamp) -> bool {
        let network = segment.network();
        segment.pool.is_some_and(|pool| pool.contains(address))
            && address != network.network()
            && address != network.broadcast()
            && address != segment.server
            && Some(address) != segment.gateway
            && !segment.machines.contains_key(&address)
            && self.quarantine.get(&address).is_none_or(|until| *until <= now)
            && self.offers.get(&address).is_none_or(|offer| offer.client == client || offer.until <= now)
            && self.leases.get(address).is_none_or(|lease| lease.client == client || !lease.is_active(now))
    }

    /// The address of the pool for `client`: the one it had, the one it asks for, else one that is free.
    pub fn pooled(&self, client: &str, wish: Option<Ipv4Addr>, segment: &Segment, now: Timestamp) -> Pooled {
        if let Some(address) = self.offered_to.get(client)
            && self.is_free(*address, client, segment, now)
        {
            return Pooled::Address(*address);
        }
        if let Some(address) = self.by_client.get(client)
            && self.is_free(*address, client, segment, now)
        {
            let fresh = self.leases.get(*address).is_some_and(|lease| now < lease.expires + FRESH);
            let checked = fresh || self.stock.has(*address);
            return if checked { Pooled::Address(*address) } else { Pooled::Probe(Some(*address)) };
        }
        let wished = wish.filter(|wish| self.stock.has(*wish));
        let mut free = wished.into_iter().chain(self.stock.iter());
        match free.find(|address| self.is_free(*address, client, segment, now)) {
            Some(address) => Pooled::Address(address),
            None if self.is_dry() => Pooled::Exhausted,
            None => Pooled::Probe(None),
        }
    }

    /// The addresses to ask the segment for now, so that offers need not wait: those `asked` for by the `waiting`
    /// requests first, then those never used, then those whose lease ended longest ago.
    pub fn to_probe(
        &mut self,
        asked: &[Ipv4Addr],
        waiting: usize,
        segment: &Segment,
        now: Timestamp,
        most: usize,
    ) -> Vec<Ipv4Addr> {
        let Some(pool) = segment.pool else { return Vec::new() };
        self.tidy(now);
        let missing = self.stock.missing(waiting, now).min(most);
        let mut chosen = asked.to_vec();
        chosen.sort_unstable();
        chosen.dedup();
        chosen.retain(|address| !self.stock.is_probing(*address));
        let asked = chosen.clone();
        let wanted = chosen.len() + missing;
        let size = pool.last.to_bits() - pool.first.to_bits() + 1;
        let mut steps = 0;
        while chosen.len() < wanted && steps < SCAN.min(size) {
            let address = Ipv4Addr::from_bits(pool.first.to_bits() + self.cursor % size);
            (self.cursor, steps) = ((self.cursor + 1) % size, steps + 1);
            let used = self.leases.get(address).is_some();
            if !used && self.may_probe(address, segment, now) && asked.binary_search(&address).is_err() {
                chosen.push(address);
                self.passed = 0;
            } else {
                self.passed = self.passed.saturating_add(1).min(size);
            }
        }
        // Ended leases come after what was never used, wherever in the pool that is.
        if self.passed >= size || steps >= size {
            let ended = self.ends.iter().take_while(|(end, _)| *end <= now).map(|(_, address)| *address);
            let free =
                ended.filter(|address| self.may_probe(*address, segment, now) && asked.binary_search(address).is_err());
            let room = wanted.saturating_sub(chosen.len());
            chosen.extend(free.take(room).collect::<Vec<_>>());
            self.dry = chosen.is_empty() && !self.stock.iter().any(|address| self.is_free(address, "", segment, now));
        } else {
            self.dry = false;
        }
        self.stock.ask(&chosen);
        chosen
    }

    fn may_probe(&self, address: Ipv4Addr, segment: &Segment, now: Timestamp) -> bool {
        !self.stock.has(address) && !self.stock.is_probing(address) && self.is_free(address, "", segment, now)
    }

    /// Forgets offers and quarantines that are over, once a second.
    fn tidy(&mut self, now: Timestamp) {
        if now.duration_since(self.tidied).as_secs() < 1 {
            return;
        }
        self.tidied = now;
        let (offers, offered_to) = (&mut self.offers, &mut self.offered_to);
        offers.retain(|_, offer| {
            let holds = offer.until > now;
            if !holds {
                offered_to.remove(&offer.client);
            }
            holds
        });
        self.quarantine.retain(|_, until| *until > now);
    }

    /// A probe of `address` went unanswered.
    pub fn unanswered(&mut self, address: Ipv4Addr, now: Timestamp) {
        self.stock.unanswered(address, now);
    }

    /// Someone says that `address` is its own; true if that is news: the address was about to be given away.
    pub fn is_conflict(&self, address: Ipv4Addr, now: Timestamp) -> bool {
        let leased = self.leases.get(address).is_some_and(|lease| lease.is_active(now));
        !leased && (self.stock.is_probing(address) || self.stock.has(address))
    }

    /// True if every address is in use, as far as the last look says.
    pub fn is_dry(&self) -> bool {
        self.dry && !self.stock.is_waiting()
    }

    /// How many addresses are ready to be offered.
    pub fn ready(&self) -> usize {
        self.stock.len()
    }

    /// Leases that ran out after `since` and until `now`; those that were given back are not among them.
    pub fn expired(&self, since: Timestamp, now: Timestamp) -> impl Iterator<Item = &Lease> {
        let after = (std::ops::Bound::Excluded((since, Ipv4Addr::BROADCAST)), std::ops::Bound::Unbounded);
        let ends = self.ends.range(after).take_while(move |(end, _)| *end <= now);
        ends.filter_map(|(_, address)| self.leases.get(*address)).filter(|lease| !lease.ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{conf::Pool, net::Mac};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn segment(pool: Pool) -> Segment {
        let lease = std::time::Duration::from_secs(60);
        Segment { prefix: 16, pool: Some(pool), lease, ..Segment::new(Ipv4Addr::new(10, 77, 0, 1)) }
    }

    fn acknowledged(address: Ipv4Addr, client: &str, now: Timestamp) -> Event {
        let fact = Fact::DhcpAcknowledged {
            xid: 1,
            address,
            boot_file: None,
            lease: 60,
            source: LeaseSource::Pool,
            client: client.to_owned(),
            hostname: None,
            renewal: false,
            architecture: None,
            ipxe: false,
        };
        let event = Event { time: now, ..Event::new(Some(Ipv4Addr::new(10, 77, 0, 1)), fact) };
        event.about(Some(address), Some(Mac([2, 0, 0, 0, 0, 1])))
    }

    fn probe(addresses: &mut Addresses, segment: &Segment, now: Timestamp) {
        let asked = addresses.to_probe(&[], 0, segment, now, 1024);
        asked.into_iter().for_each(|address| addresses.unanswered(address, now));
    }

    #[test]
    fn what_is_kept_is_bounded_by_the_pool_and_not_by_who_asks() {
        let segment = segment(Pool { first: Ipv4Addr::new(10, 77, 0, 100), last: Ipv4Addr::new(10, 77, 0, 109) });
        let mut addresses = Addresses::new(Leases::default());
        for n in 0..5_000 {
            let (now, client) = (at(n * 7), format!("client {n}"));
            probe(&mut addresses, &segment, now);
            let Pooled::Address(address) = addresses.pooled(&client, None, &segment, now) else {
                panic!("{client} gets none")
            };
            addresses.hold(address, client.clone(), now);
            // Every third one never asks for what it was offered.
            if n % 3 > 0 {
                addresses.apply(&acknowledged(address, &client, now));
            }
        }
        let kept = [
            addresses.ends.len(),
            addresses.by_client.len(),
            addresses.offers.len(),
            addresses.offered_to.len(),
            addresses.stock.len(),
        ];
        assert!(kept.iter().all(|count| *count <= 10), "{kept:?}");
    }

    #[test]
    fn a_large_pool_is_looked_through_in_parts_and_known_to_be_full() {
        let segment = segment(Pool { first: Ipv4Addr::new(10, 77, 16, 0), last: Ipv4Addr::new(10, 77, 95, 255) });
        let mut leases = Leases::default();
        let pool = segment.pool.unwrap();
        for (n, address) in pool.addresses().enumerate() {
            leases.apply(&acknowledged(address, &format!("client {n}"), at(0)));
        }
        let mut addresses = Addresses::new(leases);
        let looks = (1..100).find(|_| {
            probe(&mut addresses, &segment, at(1));
            addresses.is_dry()
        });
        assert_eq!(looks, Some(5), "20480 addresses, 4096 a look");
        assert_eq!(addresses.pooled("another", None, &segment, at(1)), Pooled::Exhausted);
        probe(&mut addresses, &segment, at(61));
        assert_eq!((addresses.is_dry(), addresses.ready()), (false, 1024), "the leases have ended");
        let mut gone: Vec<_> = addresses.expired(at(1), at(61)).map(|lease| lease.address).collect();
        gone.sort_unstable();
        assert!(gone.into_iter().eq(pool.addresses()), "each is told once");
        assert_eq!(addresses.expired(at(61), at(99)).count(), 0);
    }
}
