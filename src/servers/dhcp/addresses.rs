//! Which addresses of the pool are free, held, leased or not to be trusted. Pure: the clock comes in as a value.

use crate::{
    conf::Segment,
    event::{Event, Fact, LeaseSource},
    state::{Lease, Leases},
};
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    net::Ipv4Addr,
};

/// How long an offered address waits for its client's request.
pub const HOLD: SignedDuration = SignedDuration::from_secs(30);
/// How long an address that a stranger uses is left alone (RFC 2131, section 3.1, step 5).
pub const QUARANTINE: SignedDuration = SignedDuration::from_mins(10);
/// How long it is believed that nobody answered for an address.
const FRESH: SignedDuration = SignedDuration::from_mins(5);
/// Addresses probed ahead, at first and at most; doubled as often as they run low.
const STOCK: (usize, usize) = (64, 8192);

/// The addresses of a segment.
#[derive(Clone, Debug)]
pub struct Addresses {
    leases: Leases,
    /// The address that a client had last.
    by_client: HashMap<String, Ipv4Addr>,
    offers: BTreeMap<Ipv4Addr, Offer>,
    offered_to: HashMap<String, Ipv4Addr>,
    quarantine: BTreeMap<Ipv4Addr, Timestamp>,
    /// Free addresses for which nobody answered, and when that was.
    stock: VecDeque<(Ipv4Addr, Timestamp)>,
    wanted: usize,
    probing: BTreeMap<Ipv4Addr, Timestamp>,
    cursor: u32,
    /// The last look for addresses to probe found none.
    dry: bool,
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
        let by_client = leases.iter().map(|lease| (lease.client.clone(), lease.address)).collect();
        Addresses {
            leases,
            by_client,
            offers: BTreeMap::new(),
            offered_to: HashMap::new(),
            quarantine: BTreeMap::new(),
            stock: VecDeque::new(),
            wanted: STOCK.0,
            probing: BTreeMap::new(),
            cursor: 0,
            dry: false,
        }
    }

    /// The leases.
    pub fn leases(&self) -> &Leases {
        &self.leases
    }

    /// Folds an event of this server in.
    pub fn apply(&mut self, event: &Event) {
        self.leases.apply(event);
        match &event.fact {
            Fact::DhcpOffered { address, source: LeaseSource::Pool, .. } => {
                if let Some(at) = self.stock.iter().take(STOCK.0).position(|(free, _)| free == address) {
                    self.stock.remove(at);
                }
            }
            Fact::DhcpAcknowledged { address, client, source: LeaseSource::Pool, .. } => {
                self.forget_offer(*address);
                self.by_client.insert(client.clone(), *address);
            }
            Fact::DhcpDeclined { address, until } | Fact::DhcpConflicted { address, until, .. } => {
                self.forget_offer(*address);
                self.probing.remove(address);
                self.stock.retain(|(free, _)| free != address);
                self.quarantine.insert(*address, *until);
                if matches!(event.fact, Fact::DhcpDeclined { .. }) {
                    self.by_client.retain(|_, had| had != address);
                }
            }
            _ => {}
        }
    }

    /// Keeps `address` for `client` until it asks for it or the hold runs out.
    pub fn hold(&mut self, address: Ipv4Addr, client: String, now: Timestamp) {
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
            let checked = fresh || self.stock.iter().any(|(free, _)| free == address);
            return if checked { Pooled::Address(*address) } else { Pooled::Probe(Some(*address)) };
        }
        let wished = self.stock.iter().take(STOCK.0).map(|(free, _)| *free).filter(|free| Some(*free) == wish);
        let mut free = wished.chain(self.stock.iter().map(|(free, _)| *free));
        match free.find(|address| self.is_free(*address, client, segment, now)) {
            Some(address) => Pooled::Address(address),
            None if self.dry && self.probing.is_empty() => Pooled::Exhausted,
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
        let mut chosen: Vec<Ipv4Addr> = asked.to_vec();
        let Some(pool) = segment.pool else { return Vec::new() };
        self.offers.retain(|_, offer| offer.until > now);
        self.offered_to.retain(|_, address| self.offers.contains_key(address));
        self.quarantine.retain(|_, until| *until > now);
        self.stock.retain(|(_, checked)| now < *checked + FRESH);
        if waiting > 0 {
            self.wanted = (self.wanted * 4).min(STOCK.1);
        }
        let missing = self.wanted.saturating_sub(self.stock.len() + self.probing.len()).min(most);
        let size = pool.last.to_bits() - pool.first.to_bits() + 1;
        let in_stock: std::collections::HashSet<Ipv4Addr> = self.stock.iter().map(|(free, _)| *free).collect();
        let mut ended: Vec<&Lease> = Vec::new();
        for step in 0..size {
            if chosen.len() >= missing + asked.len() {
                break;
            }
            let address = Ipv4Addr::from_bits(pool.first.to_bits() + (self.cursor + step) % size);
            if in_stock.contains(&address)
                || self.probing.contains_key(&address)
                || !self.is_free(address, "", segment, now)
            {
                continue;
            }
            match self.leases.get(address) {
                Some(lease) => ended.push(lease),
                None => chosen.push(address),
            }
        }
        ended.sort_by_key(|lease| lease.expires);
        let room = (missing + asked.len()).saturating_sub(chosen.len());
        chosen.extend(ended.into_iter().map(|lease| lease.address).take(room));
        self.dry = chosen.is_empty() && self.stock.is_empty();
        if let Some(last) = chosen.last() {
            self.cursor = last.to_bits().saturating_sub(pool.first.to_bits()).wrapping_add(1) % size;
        }
        self.probing.extend(chosen.iter().map(|address| (*address, now)));
        chosen
    }

    /// A probe of `address` went unanswered.
    pub fn unanswered(&mut self, address: Ipv4Addr, now: Timestamp) {
        if self.probing.remove(&address).is_some() {
            self.stock.push_back((address, now));
        }
    }

    /// Someone says that `address` is its own; true if that is news: the address was about to be given away.
    pub fn is_conflict(&self, address: Ipv4Addr, now: Timestamp) -> bool {
        let leased = self.leases.get(address).is_some_and(|lease| lease.is_active(now));
        !leased && (self.probing.contains_key(&address) || self.stock.iter().any(|(free, _)| *free == address))
    }

    /// How many addresses are ready to be offered.
    pub fn ready(&self) -> usize {
        self.stock.len()
    }

    /// True if no address is ready and none is left to ask for.
    pub fn is_dry(&self) -> bool {
        self.dry
    }

    /// Leases that ran out since the last look at `since`; those that were given back are not among them.
    pub fn expired(&self, since: Timestamp, now: Timestamp) -> impl Iterator<Item = &Lease> {
        self.leases.iter().filter(move |lease| !lease.ended && since < lease.expires && lease.expires <= now)
    }
}
