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

/// What it means that `owner` says `address` is its own, if anything.
pub fn conflict(addresses: &Addresses, segment: &Segment, address: Ipv4Addr, owner: Mac) -> Option<Event> {
    let now = now();
    addresses.is_conflict(address, now).then(|| {
        let fact = Fact::DhcpConflicted { address, owner, until: now + QUARANTINE };
        Event::new(Some(segment.server), fact).about(Some(address), Some(owner))
    })
}
