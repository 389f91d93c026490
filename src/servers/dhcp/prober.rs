//! Asks the segment who has the addresses that are offered next. Knows ARP and nothing of DHCP's messages.

use super::addresses::{Addresses, QUARANTINE};
use crate::{
    conf::Segment,
    event::{Event, Fact, now},
    net::{Arp, Interface, Mac},
};
use std::{
    collections::VecDeque,
    io,
    net::Ipv4Addr,
    time::{Duration, Instant},
};

/// How long an owner gets to answer.
const PATIENCE: Duration = Duration::from_millis(200);
/// Addresses asked for in one go.
const BATCH: usize = 1024;

/// The probes under way, oldest first.
pub struct Prober {
    arp: Arp,
    asked: VecDeque<(Instant, Vec<Ipv4Addr>)>,
}

impl Prober {
    pub fn new(arp: Arp) -> Prober {
        Prober { arp, asked: VecDeque::new() }
    }

    /// Goes on from the hardware address that `interface` has now.
    pub fn follow(&mut self, interface: &Interface) {
        self.arp.follow(interface);
    }

    /// The next station that says which address it has. Cancel safe.
    pub async fn heard(&mut self) -> io::Result<(Ipv4Addr, Mac)> {
        self.arp.heard().await
    }

    /// Asks for what is missing, for the `asked` addresses first; returns true if answers came due.
    pub fn turn(
        &mut self,
        addresses: &mut Addresses,
        segment: &Segment,
        asked: &[Ipv4Addr],
        waiting: usize,
    ) -> io::Result<bool> {
        let mut matured = false;
        while self.asked.front().is_some_and(|(at, _)| at.elapsed() >= PATIENCE) {
            let (_, unanswered) = self.asked.pop_front().unwrap_or((Instant::now(), Vec::new()));
            unanswered.into_iter().for_each(|address| addresses.unanswered(address, now()));
            matured = true;
        }
        let chosen = addresses.to_probe(asked, waiting, segment, now(), BATCH);
        for address in &chosen {
            // A full send queue is no reason to stop: what was not asked is asked again when it is offered to someone.
            if let Err(error) = self.arp.ask(*address)
                && error.kind() != io::ErrorKind::Other
            {
                return Err(error);
            }
        }
        if !chosen.is_empty() {
            self.asked.push_back((Instant::now(), chosen));
        }
        Ok(matured)
    }
}

/// What it means that `owner` says `address` is its own, if anything. Who had it last still has it for a moment after
/// giving it back, or comes back to it: that is no conflict, but nobody else is to get it meanwhile.
pub fn conflict(addresses: &mut Addresses, segment: &Segment, address: Ipv4Addr, owner: Mac) -> Option<Event> {
    let now = now();
    if !addresses.is_conflict(address, now) {
        return None;
    }
    let last = addresses.leases().get(address).filter(|lease| lease.mac == owner).map(|lease| lease.client.clone());
    let until = if last.is_some() { now } else { now + QUARANTINE };
    let fact = Fact::DhcpConflicted { address, owner, until };
    let event = Event::new(Some(segment.server), fact).about(Some(address), Some(owner));
    let Some(client) = last else { return Some(event) };
    addresses.apply(&event);
    addresses.hold(address, client, now);
    None
}
