//! The pure decision: a client's message, the conf and the addresses in; the answer and the events out.
//! No clock, no socket, no lock.

use super::{
    addresses::{Addresses, Pooled, QUARANTINE},
    reply::{self, Terms},
    request::{Kind, Request},
};
use crate::{
    boot::{self, Asker, Firmware, Standing},
    conf::{Conf, Machine, Mode, Segment},
    event::{Event, Fact, LeaseSource, Refusal, Silence},
};
use dhcproto::v4::{Message, MessageType};
use jiff::Timestamp;
use std::net::Ipv4Addr;

/// The port that a message came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// 67
    Server,
    /// 4011: PXE boot server (PXE 2.1, section 2.2.2).
    BootServer,
}

/// All that a decision looks at.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The tree, for profiles.
    pub conf: &'a Conf,
    /// The segment that the message came from.
    pub segment: &'a Segment,
    /// Its addresses.
    pub addresses: &'a Addresses,
    /// The time of the decision.
    pub now: Timestamp,
    /// How the client stands.
    pub standing: Standing,
}

/// What to do with a message.
#[derive(Clone, Debug)]
pub enum Decision {
    /// Answer it, or not, and tell what happened.
    Answer(Answer),
    /// Ask the segment who has this address (or any of the pool) and decide again.
    Probe(Option<Ipv4Addr>),
}

/// An answer to a message, which may be silence.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The message to send.
    pub reply: Option<Message>,
    /// What happened by it.
    pub events: Vec<Event>,
    /// The events are to be on disk before the reply is sent: a lease must not be forgotten.
    pub durable: bool,
    /// An address to be kept for the client.
    pub hold: Option<Ipv4Addr>,
    /// What the client was offered is free again.
    pub let_go: bool,
}

impl Answer {
    /// Takes into `addresses` what the answer to `request` means: what is held, let go, leased.
    pub fn settle(&self, request: &Request, addresses: &mut Addresses) {
        if self.let_go {
            addresses.let_go(&request.client());
        }
        if let (Some(address), Some(event)) = (self.hold, self.events.first()) {
            addresses.hold(address, request.client(), event.time);
        }
        self.events.iter().for_each(|event| addresses.apply(event));
    }
}

/// Decides what to do with `request`.
pub fn decide(request: &Request, port: Port, view: View<'_>) -> Decision {
    let machine = view.segment.machine_by_mac(request.mac).map(AsRef::as_ref);
    let case = Case { request, view, machine };
    if let Some(relay) = request.giaddr
        && !view.segment.network().contains(&relay)
    {
        return case.silent(Silence::ForeignRelay { relay });
    }
    // Declining and releasing name the server that gave the address (RFC 2131, table 5).
    if let (Kind::Decline | Kind::Release, Some(server)) = (request.kind, request.server)
        && server != view.segment.server
    {
        return case.silent(Silence::OtherServer { server });
    }
    match (view.segment.mode, port) {
        (Mode::Off, _) => case.silent(Silence::Off),
        (Mode::Proxy, _) | (_, Port::BootServer) => case.proxy(port),
        (Mode::Authoritative, Port::Server) => match request.kind {
            Kind::Discover => case.discover(),
            Kind::Request => case.request(),
            Kind::Decline => case.decline(),
            Kind::Release => case.release(),
            Kind::Inform => case.inform(),
        },
    }
}

struct Case<'a> {
    request: &'a Request,
    view: View<'a>,
    machine: Option<&'a Machine>,
}

/// How a client asks for an address (RFC 2131, section 4.3.2).
enum Asking {
    Selecting,
    InitReboot,
    Renewing,
}

impl Case<'_> {
    fn event(&self, fact: Fact, address: Option<Ipv4Addr>) -> Event {
        Event {
            time: self.view.now,
            segment: Some(self.view.segment.server),
            machine: address.or(self.machine.map(|m| m.address)),
            mac: Some(self.request.mac),
            fact,
        }
    }

    fn only(&self, fact: Fact) -> Decision {
        Decision::Answer(Answer { events: vec![self.event(fact, None)], ..Answer::default() })
    }

    fn silent(&self, reason: Silence) -> Decision {
        let mut events = self.discovered();
        events.push(self.event(Fact::DhcpIgnored { xid: self.request.xid, reason }, None));
        Decision::Answer(Answer { events, ..Answer::default() })
    }

    fn discovered(&self) -> Vec<Event> {
        let request = self.request;
        if request.kind != Kind::Discover {
            return Vec::new();
        }
        let fact = Fact::DhcpDiscovered {
            xid: request.xid,
            architecture: request.architecture,
            vendor: request.vendor.clone(),
            ipxe: request.ipxe,
            hostname: request.hostname.clone(),
            relay: request.giaddr,
        };
        vec![self.event(fact, None)]
    }

    /// What the client is to load, or why it gets nothing; neither where it does not boot from the network.
    fn boot_file(&self) -> (Option<String>, Option<Refusal>) {
        if !self.request.boots_from_net() {
            return (None, None);
        }
        let firmware = Firmware { architecture: self.request.architecture, ipxe: self.request.ipxe };
        let View { conf, segment, standing, .. } = self.view;
        let (machine, mac) = (self.machine, self.request.mac);
        let address = machine.map_or(Ipv4Addr::UNSPECIFIED, |machine| machine.address);
        let asker = Asker { address, mac: Some(mac), machine, standing };
        match boot::boot_file(conf, segment, &asker, mac, firmware) {
            Ok(file) => (Some(file.0), None),
            Err(refusal) => (None, Some(refusal)),
        }
    }

    fn terms(&self, kind: MessageType, address: Ipv4Addr) -> Terms<'_> {
        let segment = self.view.segment;
        let lease = u32::try_from(segment.lease.as_secs()).unwrap_or(u32::MAX);
        Terms { kind, segment, machine: self.machine, address, lease: Some(lease), boot_file: self.boot_file().0 }
    }

    /// The address for the client, `wish` if it may be had.
    fn address(&self, wish: Option<Ipv4Addr>) -> Result<(Ipv4Addr, LeaseSource), Box<Decision>> {
        let View { segment, addresses, now, .. } = self.view;
        if let Some(machine) = self.machine {
            return Ok((machine.address, LeaseSource::Reservation));
        }
        if segment.pool.is_none() {
            return Err(Box::new(self.silent(Silence::NotInConf)));
        }
        match addresses.pooled(&self.request.client(), wish, segment, now) {
            Pooled::Address(address) => Ok((address, LeaseSource::Pool)),
            Pooled::Probe(address) => Err(Box::new(Decision::Probe(address))),
            Pooled::Exhausted => Err(Box::new(self.silent(Silence::PoolExhausted))),
        }
    }

    fn discover(&self) -> Decision {
        let (address, source) = match self.address(self.request.requested) {
            Ok(found) => found,
            Err(decision) => return *decision,
        };
        let terms = self.terms(MessageType::Offer, address);
        let offered = Fact::DhcpOffered {
            xid: self.request.xid,
            address,
            boot_file: terms.boot_file.clone(),
            refusal: self.boot_file().1,
            lease: terms.lease.unwrap_or_default(),
            source,
        };
        let mut events = self.discovered();
        events.push(self.event(offered, Some(address)));
        let hold = (source == LeaseSource::Pool).then_some(address);
        let reply = Some(reply::build(self.request, &terms));
        Decision::Answer(Answer { reply, events, hold, ..Answer::default() })
    }

    fn request(&self) -> Decision {
        let (request, segment) = (self.request, self.view.segment);
        if let Some(server) = request.server
            && server != segment.server
        {
            let outbid = self.event(Fact::DhcpOutbid { xid: request.xid, server }, None);
            return Decision::Answer(Answer { events: vec![outbid], let_go: true, ..Answer::default() });
        }
        let (asking, address) = match (request.server, request.requested, request.ciaddr) {
            (Some(_), Some(address), _) => (Asking::Selecting, address),
            (None, Some(address), None) => (Asking::InitReboot, address),
            (None, _, Some(address)) | (Some(_), None, Some(address)) => (Asking::Renewing, address),
            (_, None, None) => return self.refuse(None, "it names no address to lease"),
        };
        if !segment.network().contains(&address) {
            let network = segment.network();
            return self.refuse(Some(address), &format!("it is not of this segment's network {network}"));
        }
        if let Some(machine) = self.machine {
            return match machine.address == address {
                true => self.acknowledge(address, LeaseSource::Reservation, &asking),
                false => self.refuse(Some(address), &format!("conf gives this machine {}", machine.address)),
            };
        }
        let (client, now) = (request.client(), self.view.now);
        let has_it = self.view.addresses.leases().get(address).is_some_and(|lease| lease.client == client);
        if self.view.addresses.is_free(address, &client, segment, now) {
            return match asking {
                // It keeps what no one else has, also where this server does not remember (RFC 2131, 4.3.2, is for
                // servers that share a segment; with a pool of its own nobody else could have given it).
                Asking::Selecting | Asking::Renewing => self.acknowledge(address, LeaseSource::Pool, &asking),
                Asking::InitReboot if has_it => self.acknowledge(address, LeaseSource::Pool, &asking),
                Asking::InitReboot => self.silent(Silence::UnknownLease),
            };
        }
        if let Some(owner) = segment.machines.get(&address) {
            return self.refuse(Some(address), &format!("conf gives it to {}", owner.hostname));
        }
        match segment.pool {
            Some(pool) if pool.contains(address) => self.refuse(Some(address), "another machine has it"),
            Some(_) => self.refuse(Some(address), "it is not in the pool"),
            None => self.silent(Silence::NotInConf),
        }
    }

    fn acknowledge(&self, address: Ipv4Addr, source: LeaseSource, asking: &Asking) -> Decision {
        let terms = self.terms(MessageType::Ack, address);
        let fact = Fact::DhcpAcknowledged {
            xid: self.request.xid,
            address,
            boot_file: terms.boot_file.clone(),
            lease: terms.lease.unwrap_or_default(),
            source,
            client: self.request.client(),
            hostname: self.request.hostname.clone(),
            renewal: !matches!(asking, Asking::Selecting),
            architecture: self.request.architecture,
            ipxe: self.request.ipxe,
        };
        let events = vec![self.event(fact, Some(address))];
        let reply = Some(reply::build(self.request, &terms));
        Decision::Answer(Answer { reply, events, durable: true, ..Answer::default() })
    }

    fn refuse(&self, address: Option<Ipv4Addr>, reason: &str) -> Decision {
        let fact = Fact::DhcpRefused { xid: self.request.xid, address, reason: reason.to_owned() };
        let reply = Some(reply::refusal(self.request, self.view.segment));
        Decision::Answer(Answer { reply, events: vec![self.event(fact, None)], ..Answer::default() })
    }

    fn decline(&self) -> Decision {
        let Some(address) = self.request.requested else {
            return Decision::Answer(Answer::default());
        };
        let client = self.request.client();
        let leases = self.view.addresses.leases();
        // Only who has an address may say that it is taken; else anybody could empty the pool.
        let its_own = leases.get(address).is_some_and(|lease| lease.client == client)
            || self.machine.is_some_and(|machine| machine.address == address);
        if !its_own {
            return self.silent(Silence::UnknownLease);
        }
        self.only(Fact::DhcpDeclined { address, until: self.view.now + QUARANTINE })
    }

    fn release(&self) -> Decision {
        let Some(address) = self.request.ciaddr else { return Decision::Answer(Answer::default()) };
        let lease = self.view.addresses.leases().get(address);
        match lease.is_some_and(|lease| lease.client == self.request.client()) {
            true => self.only(Fact::DhcpReleased { address }),
            false => self.silent(Silence::UnknownLease),
        }
    }

    fn inform(&self) -> Decision {
        let Some(address) = self.request.ciaddr.filter(|a| self.view.segment.network().contains(a)) else {
            return self.silent(Silence::UnknownLease);
        };
        let terms = Terms { lease: None, ..self.terms(MessageType::Ack, address) };
        let fact = Fact::DhcpInformed { xid: self.request.xid, address };
        let reply = Some(reply::build(self.request, &terms));
        Decision::Answer(Answer { reply, events: vec![self.event(fact, Some(address))], ..Answer::default() })
    }

    /// Boot information and no address (PXE 2.1, section 2.2.3).
    fn proxy(&self, port: Port) -> Decision {
        let request = self.request;
        let asks = match port {
            Port::Server => request.kind == Kind::Discover,
            Port::BootServer => matches!(request.kind, Kind::Request | Kind::Inform),
        };
        if !request.boots_from_net() {
            return if asks { self.silent(Silence::NotPxe) } else { Decision::Answer(Answer::default()) };
        }
        if !asks {
            return Decision::Answer(Answer::default());
        }
        let number = if port == Port::Server { 67 } else { 4011 };
        let kind = if port == Port::Server { MessageType::Offer } else { MessageType::Ack };
        let mut events = self.discovered();
        let (boot_file, refusal) = self.boot_file();
        let fact = Fact::DhcpProxied { xid: request.xid, boot_file: boot_file.clone(), refusal, port: number };
        events.push(self.event(fact, None));
        let reply = boot_file.map(|file| reply::proxy(request, kind, self.view.segment, file));
        Decision::Answer(Answer { reply, events, ..Answer::default() })
    }
}
