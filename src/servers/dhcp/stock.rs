//! Addresses for which nobody answered an ARP probe, kept ready ahead of demand. Pure: knows no pool and no lease.

use jiff::{SignedDuration, Timestamp};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    net::Ipv4Addr,
};

/// How long it is believed that nobody answered for an address.
pub const FRESH: SignedDuration = SignedDuration::from_mins(5);
/// Addresses kept ready at least and at most, where the pool has as many.
const SIZE: (usize, usize) = (1024, 8192);
/// Looks a second (the shell's turns): what was taken since the last one, times this, is needed in a second.
const LOOKS: usize = 20;

/// The addresses that are ready, and those being asked for.
#[derive(Clone, Debug, Default)]
pub struct Stock {
    /// When each was found to be nobody's.
    ready: HashMap<Ipv4Addr, Timestamp>,
    /// The same, oldest first; an entry that is not in `ready` with its time has been taken.
    order: VecDeque<(Ipv4Addr, Timestamp)>,
    probing: HashSet<Ipv4Addr>,
    /// Taken since the last look.
    taken: usize,
    /// What a second needs, from the last looks.
    demand: usize,
}

impl Stock {
    /// True if `address` is ready.
    pub fn has(&self, address: Ipv4Addr) -> bool {
        self.ready.contains_key(&address)
    }

    /// True if `address` is being asked for.
    pub fn is_probing(&self, address: Ipv4Addr) -> bool {
        self.probing.contains(&address)
    }

    /// True if something is being asked for.
    pub fn is_waiting(&self) -> bool {
        !self.probing.is_empty()
    }

    /// How many are ready.
    pub fn len(&self) -> usize {
        self.ready.len()
    }

    /// Those that are ready, the longest known first.
    pub fn iter(&self) -> impl Iterator<Item = Ipv4Addr> {
        self.order.iter().filter(|(address, at)| self.ready.get(address) == Some(at)).map(|(address, _)| *address)
    }

    /// `address` is offered.
    pub fn take(&mut self, address: Ipv4Addr) {
        if self.ready.remove(&address).is_some() {
            self.taken += 1;
            self.tidy();
        }
    }

    /// `address` is somebody's.
    pub fn drop(&mut self, address: Ipv4Addr) {
        self.probing.remove(&address);
        self.ready.remove(&address);
        self.tidy();
    }

    /// `addresses` are being asked for now.
    pub fn ask(&mut self, addresses: &[Ipv4Addr]) {
        self.probing.extend(addresses);
    }

    /// Nobody answered for `address`.
    pub fn unanswered(&mut self, address: Ipv4Addr, now: Timestamp) {
        if self.probing.remove(&address) && self.ready.insert(address, now).is_none() {
            self.order.push_back((address, now));
        }
    }

    /// How many more are wanted, with `waiting` requests unanswered for want of an address. Forgets what is too old.
    pub fn missing(&mut self, waiting: usize, now: Timestamp) -> usize {
        while let Some((address, at)) = self.order.front().copied()
            && at + FRESH <= now
        {
            self.order.pop_front();
            if self.ready.get(&address) == Some(&at) {
                self.ready.remove(&address);
            }
        }
        let needed = std::mem::take(&mut self.taken) * LOOKS;
        self.demand = (self.demand - self.demand / 16).max(needed).max(waiting * 2).min(SIZE.1);
        self.demand.max(SIZE.0).saturating_sub(self.ready.len() + self.probing.len())
    }

    /// Lets go of entries that were taken, so that `order` does not grow beyond what is ready for long.
    fn tidy(&mut self) {
        while let Some((address, at)) = self.order.front()
            && self.ready.get(address) != Some(at)
        {
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn ip(last: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, 0, last)
    }

    #[test]
    fn what_was_taken_or_is_too_old_is_gone() {
        let mut stock = Stock::default();
        stock.ask(&[ip(1), ip(2), ip(3)]);
        assert!(stock.is_waiting() && stock.is_probing(ip(1)) && stock.len() == 0);
        [(1, 0), (2, 1), (3, 2)].into_iter().for_each(|(last, second)| stock.unanswered(ip(last), at(second)));
        stock.unanswered(ip(9), at(2));
        stock.take(ip(2));
        assert_eq!(stock.iter().collect::<Vec<_>>(), [ip(1), ip(3)]);
        stock.take(ip(1));
        assert_eq!((stock.order.len(), stock.len()), (1, 1), "what is ahead of the queue's oldest is let go");
        stock.ask(&[ip(1)]);
        stock.unanswered(ip(1), at(300));
        stock.missing(0, at(302));
        assert_eq!(stock.iter().collect::<Vec<_>>(), [ip(1)], "the third was asked for five minutes ago");
    }

    #[test]
    fn it_follows_demand() {
        let mut stock = Stock::default();
        assert_eq!(stock.missing(0, at(0)), 1024);
        let all: Vec<Ipv4Addr> = (0..1024u32).map(|n| Ipv4Addr::from_bits(0x0a00_0000 + n)).collect();
        stock.ask(&all);
        all.iter().for_each(|address| stock.unanswered(*address, at(0)));
        assert_eq!(stock.missing(0, at(0)), 0);
        all[..100].iter().for_each(|address| stock.take(*address));
        assert_eq!(stock.missing(0, at(0)), 2000 - 924, "a hundred in a twentieth of a second are 2000 a second");
        assert_eq!(stock.missing(9999, at(0)), 8192 - 924, "bounded");
        (0..200).for_each(|_| {
            stock.missing(0, at(0));
        });
        assert_eq!(stock.missing(0, at(0)), 100, "calm again");
    }
}
