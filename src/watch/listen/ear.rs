//! What is made of what is heard: who is told, what is asked. Pure: frames and time are told, frames to send come back.

use super::{
    claims::{Claims, Step},
    dhcp,
    hosts::{Hosts, Seen},
    lldp::Neighbour,
    rivals::Rivals,
    sight::{Sight, What},
};
use crate::{
    event::{Fact, Sighting},
    net::{Mac, arp_probe, udp_frame},
};
use ipnet::Ipv4Net;
use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{BuildHasher, RandomState},
    net::{Ipv4Addr, SocketAddrV4},
    sync::Arc,
    time::Instant,
};

/// Neighbours that are remembered.
const NEIGHBOURS: usize = 256;

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Send this frame.
    Send(Vec<u8>),
    /// Tell it.
    Tell { mac: Option<Mac>, address: Option<Ipv4Addr>, fact: Fact },
}

/// Where it listens.
#[derive(Clone, Debug)]
pub struct Place {
    pub server: Ipv4Addr,
    pub network: Option<Ipv4Net>,
    /// The interface's hardware address.
    pub own: Mac,
    /// Those of all interfaces of this host.
    pub all: BTreeSet<Mac>,
    /// No other DHCP server is wanted here.
    pub is_alone: bool,
    /// Machines of conf.
    pub machines: BTreeSet<Mac>,
}

/// What was known of a host.
#[derive(Clone, Debug)]
pub struct Before {
    pub address: Option<Ipv4Addr>,
    pub name: Option<String>,
    pub has_vendor: bool,
    /// It was heard of.
    pub is_told: bool,
}

/// The memory of who listens.
pub struct Ear {
    place: Option<Arc<Place>>,
    hosts: Hosts,
    rivals: Rivals,
    claims: Claims,
    neighbours: BTreeMap<Mac, Neighbour>,
    xid: u32,
    acts: Vec<Act>,
}

impl Ear {
    pub fn new(now: Instant) -> Ear {
        Ear {
            place: None,
            hosts: Hosts::new(now),
            rivals: Rivals::new(now),
            claims: Claims::default(),
            neighbours: BTreeMap::new(),
            // Others' answers are not taken for those to our own question.
            xid: RandomState::new().hash_one(0) as u32,
            acts: Vec::new(),
        }
    }

    /// Takes over where it listens now.
    pub fn know(&mut self, place: Place) {
        self.place = Some(Arc::new(place));
    }

    /// Another server that an earlier run told.
    pub fn recall_rival(&mut self, mac: Mac, server: Ipv4Addr, now: Instant) {
        self.rivals.remember(mac, server, now);
    }

    /// The other end of the cable, as an earlier run told it.
    pub fn recall_link(&mut self, mac: Mac, link: Neighbour) {
        self.neighbours.insert(mac, link);
    }

    /// Where a machine of conf shows itself: the address that it said is its own, if it did. None of others.
    pub fn speaks(&self, sight: &Sight) -> Option<Option<Ipv4Addr>> {
        self.place.as_ref().filter(|place| place.machines.contains(&sight.mac))?;
        Some(match sight.what {
            What::Arp(address) => Some(address),
            _ => None,
        })
    }

    /// Takes in what was seen.
    pub fn hear(&mut self, sight: Sight, before: impl FnOnce(Mac) -> Option<Before>, now: Instant) {
        // What this host says itself is heard too.
        let Some(place) = self.place.clone().filter(|place| !place.all.contains(&sight.mac)) else { return };
        let Sight { mac, what } = sight;
        let here = |address: Ipv4Addr| place.network.is_some_and(|network| network.contains(&address));
        let (by, address, name) = match what {
            What::Arp(address) => {
                if here(address) {
                    self.claim(&place, address, mac, now);
                }
                (Sighting::Arp, Some(address).filter(|address| here(*address)), None)
            }
            What::Probe(_) => (Sighting::Arp, None, None),
            What::DhcpAsked { name, address } if mac != stand_in(place.own) => {
                (Sighting::Dhcp, address.filter(|address| here(*address)), name)
            }
            What::DhcpAsked { .. } => return,
            What::DhcpAnswered { server, offered } => {
                if place.is_alone
                    && server != place.server
                    && let Some(fact) = self.rivals.answered(mac, server, offered, now)
                {
                    self.acts.push(Act::Tell { mac: Some(mac), address: Some(server), fact });
                }
                (Sighting::Dhcp, None, None)
            }
            What::Mdns { address, name } => (Sighting::Mdns, Some(address).filter(|address| here(*address)), name),
            What::Lldp(neighbour) => {
                let name = neighbour.system.clone();
                self.neighbour(mac, neighbour);
                (Sighting::Lldp, None, Some(name))
            }
        };
        if place.machines.contains(&mac) {
            return;
        }
        if let Some((address, fact)) = self.hosts.see(Seen { mac, by, address, name }, before, now) {
            self.acts.push(Act::Tell { mac: Some(mac), address, fact });
        }
    }

    fn claim(&mut self, place: &Place, address: Ipv4Addr, mac: Mac, now: Instant) {
        // Whoever says that the server's address is his contests it: the server itself is not heard here.
        if address == place.server {
            self.claims.claim(address, place.own, now);
        }
        let step = self.claims.claim(address, mac, now);
        self.step(place, step);
        if address == place.server {
            let step = self.claims.claim(address, place.own, now);
            self.step(place, step);
        }
    }

    fn neighbour(&mut self, mac: Mac, told: Neighbour) {
        let is_known = self.neighbours.get(&mac) == Some(&told);
        if is_known || self.neighbours.len() >= NEIGHBOURS && !self.neighbours.contains_key(&mac) {
            return;
        }
        let fact = Fact::LinkTold { system: told.system.clone(), port: told.port.clone() };
        self.neighbours.insert(mac, told);
        self.acts.push(Act::Tell { mac: Some(mac), address: None, fact });
    }

    /// Does what is due.
    pub fn advance(&mut self, now: Instant) {
        let Some(place) = self.place.clone() else { return };
        for (mac, fact) in self.rivals.gone(place.is_alone, now) {
            let address = match fact {
                Fact::RivalGone { server } => Some(server),
                _ => None,
            };
            self.acts.push(Act::Tell { mac: Some(mac), address, fact });
        }
        // Loopback has no hardware address, and would bring the question to this host's own server.
        if place.is_alone && !place.own.is_nobody() && self.rivals.asks(now) {
            self.xid = self.xid.wrapping_add(1);
            self.acts.extend(discover(place.own, self.xid).map(Act::Send));
        }
        for step in self.claims.advance(now) {
            self.step(&place, Some(step));
        }
    }

    fn step(&mut self, place: &Place, step: Option<Step>) {
        match step {
            Some(Step::Ask(address)) => self.acts.extend(arp_probe(place.own, address).ok().map(Act::Send)),
            Some(Step::Tell(address, fact)) => self.acts.push(Act::Tell { mac: None, address: Some(address), fact }),
            None => {}
        }
    }

    /// A frame that asks who has an address.
    pub fn question(&self, address: Ipv4Addr) -> Vec<u8> {
        let own = self.place.as_ref().map(|place| place.own);
        own.and_then(|own| arp_probe(own, address).ok()).unwrap_or_default()
    }

    /// Takes what is to be done.
    pub fn acts(&mut self) -> Vec<Act> {
        std::mem::take(&mut self.acts)
    }
}

/// The client that asks: none that could be there, so that no server takes it for this host.
fn stand_in(own: Mac) -> Mac {
    let [first, rest @ ..] = own.0;
    let [a, b, c, d, e] = rest;
    Mac([first & !1 | 2, a, b, c, d, e ^ 0x80])
}

/// A broadcast of nobody's, whose answers are broadcast.
fn discover(own: Mac, xid: u32) -> Option<Vec<u8>> {
    let payload = dhcp::discover(stand_in(own), xid)?;
    let (from, to) = (SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68), SocketAddrV4::new(Ipv4Addr::BROADCAST, 67));
    udp_frame(own, Mac::BROADCAST, from, to, &payload).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Mac = Mac([0x52, 0x54, 0, 0x77, 0, 1]);
    const CONF: Mac = Mac([0x52, 0x54, 0, 0x77, 0, 0x60]);
    const OTHER: Mac = Mac([0x52, 0x54, 0, 0x77, 0, 2]);

    fn at(last: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, 0, last)
    }

    fn ear(is_alone: bool, own: Mac, now: Instant) -> Ear {
        let mut ear = Ear::new(now);
        let network = Some(Ipv4Net::new_assert(at(0), 24));
        let place = Place { server: at(1), network, own, all: [own].into(), is_alone, machines: [CONF].into() };
        ear.know(place);
        ear
    }

    /// The kinds of what is told, and how many frames are sent.
    fn acts(ear: &mut Ear) -> (Vec<&'static str>, usize) {
        let acts = ear.acts();
        let told = acts.iter().filter_map(|act| match act {
            Act::Tell { fact, .. } => Some(fact.kind()),
            Act::Send(_) => None,
        });
        let told: Vec<&'static str> = told.collect();
        let sent = acts.len() - told.len();
        (told, sent)
    }

    #[test]
    fn who_is_told() {
        let now = Instant::now();
        let answered = || What::DhcpAnswered { server: at(2), offered: None };
        let lldp = || What::Lldp(Neighbour { system: "a".into(), port: "1".into() });
        for (is_alone, mac, what, told) in [
            (true, OTHER, What::Arp(at(9)), &["host.seen"][..]),
            (true, CONF, What::Arp(at(60)), &[]),
            (true, OWN, What::Arp(at(1)), &[]),
            (true, OTHER, answered(), &["rival.found", "host.seen"]),
            (true, CONF, answered(), &["rival.found"]),
            (false, OTHER, answered(), &["host.seen"]),
            (true, OWN, answered(), &[]),
            (true, OTHER, What::DhcpAnswered { server: at(1), offered: None }, &["host.seen"]),
            (true, stand_in(OWN), What::DhcpAsked { name: None, address: None }, &[]),
            (true, OTHER, lldp(), &["link.told", "host.seen"]),
        ] {
            let mut ear = ear(is_alone, OWN, now);
            ear.hear(Sight { mac, what: what.clone() }, |_| None, now);
            assert_eq!(acts(&mut ear), (told.to_vec(), 0), "{mac} {what:?}");
            // A second time there is no news.
            ear.hear(Sight { mac, what }, |_| None, now);
            assert_eq!(acts(&mut ear), (vec![], 0), "{mac}");
        }
    }

    #[test]
    fn what_an_earlier_run_told_is_not_told_again() {
        let now = Instant::now();
        let mut ear = ear(true, OWN, now);
        let link = |port: &str| Neighbour { system: "sw1".into(), port: port.into() };
        ear.recall_rival(OTHER, at(2), now);
        ear.recall_link(OTHER, link("1"));
        let before = || Before { address: None, name: Some("sw1".into()), has_vendor: true, is_told: true };
        ear.hear(
            Sight { mac: OTHER, what: What::DhcpAnswered { server: at(2), offered: None } },
            |_| Some(before()),
            now,
        );
        ear.hear(Sight { mac: OTHER, what: What::Lldp(link("1")) }, |_| Some(before()), now);
        assert_eq!(acts(&mut ear), (vec![], 0));
        ear.hear(Sight { mac: OTHER, what: What::Lldp(link("2")) }, |_| Some(before()), now);
        assert_eq!(acts(&mut ear), (vec!["link.told"], 0), "it is another port");
    }

    #[test]
    fn others_are_asked_only_where_none_is_wanted_and_not_by_loopback() {
        let now = Instant::now();
        for (is_alone, own, sent) in [(true, OWN, 1), (false, OWN, 0), (true, Mac([0; 6]), 0)] {
            let mut ear = ear(is_alone, own, now);
            ear.advance(now);
            assert_eq!(acts(&mut ear), (vec![], sent), "{is_alone} {own}");
        }
    }

    #[test]
    fn who_takes_the_servers_address_contests_it() {
        let now = Instant::now();
        let mut ear = ear(true, OWN, now);
        let claim = || Sight { mac: CONF, what: What::Arp(at(1)) };
        ear.hear(claim(), |_| None, now);
        assert_eq!(acts(&mut ear), (vec![], 1), "it is asked once more");
        ear.hear(claim(), |_| None, now);
        assert_eq!(acts(&mut ear), (vec!["address.contested"], 0));
    }

    #[test]
    fn only_machines_of_conf_speak() {
        let ear = ear(true, OWN, Instant::now());
        let sight = |mac, what| Sight { mac, what };
        assert_eq!(ear.speaks(&sight(CONF, What::Arp(at(60)))), Some(Some(at(60))));
        assert_eq!(ear.speaks(&sight(CONF, What::Probe(at(60)))), Some(None));
        assert_eq!(ear.speaks(&sight(OTHER, What::Arp(at(60)))), None);
    }
}
