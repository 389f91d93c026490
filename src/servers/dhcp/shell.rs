//! The shell around `decide`: sockets, clock, and the order of telling, storing and answering.

use super::{
    addresses::Addresses,
    decide::{Decision, Port, View, decide},
    post::{Letter, Post, Ways},
    prober::{self, Prober},
    reply::{self, Destination},
    request::Request,
};
use crate::{
    bus::Bus,
    event::{Event, Fact, Service, now},
    net::{self, Arp, Link},
    servers::{Context, Rejects, ServerError, who},
};
use jiff::Timestamp;
use std::{
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{net::UdpSocket, time::MissedTickBehavior};

/// How long a lease may take to reach the disk before it is acknowledged all the same.
const STORE: Duration = Duration::from_millis(100);
/// How often addresses are probed ahead and leases looked through.
const TURN: Duration = Duration::from_millis(50);
/// How long a message waits for a probe: clients ask again after four seconds (RFC 2131, section 4.1).
const PATIENCE: Duration = Duration::from_secs(3);
/// Messages that may wait for a probe; beyond, clients ask again by themselves.
const WAITING: usize = 4096;
/// Datagrams decided on before their acknowledgements go to disk together.
const BATCH: usize = 128;

/// Serves until shutdown.
pub async fn serve(context: Context) -> Result<(), ServerError> {
    let name = context.interface.name.clone();
    // Bound to the interface and to no address: broadcasts are to be heard.
    let bind = |port: u16| {
        net::udp(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)), Some(&name))
            .map_err(ServerError::bind(format!("UDP port {port} of {name}")))
    };
    let (server, boot_server) = (Arc::new(bind(67)?), Arc::new(bind(4011)?));
    let raw = |error| ServerError::Bind { socket: format!("Ethernet of {name}"), source: error };
    let link = Link::open(&context.interface).map_err(raw)?;
    let arp = Arp::open(&context.interface, context.segment).map_err(raw)?;
    let leases = context.state.read().segments.get(&context.segment).map(|s| s.leases.clone()).unwrap_or_default();
    let rejects = Rejects::new(&context, Service::Dhcp);
    let post = Post::new(Ways {
        address: context.segment,
        server: server.clone(),
        boot_server: boot_server.clone(),
        link,
        rejects: rejects.clone(),
    });
    let mut shell = Shell {
        post,
        addresses: Addresses::new(leases),
        rejects,
        waiting: Vec::new(),
        asked: Vec::new(),
        looked: now(),
        context,
    };
    shell.context.started(Service::Dhcp, format!("UDP port 67 of {name}"));
    shell.run(server, boot_server, Prober::new(arp)).await
}

struct Shell {
    context: Context,
    addresses: Addresses,
    post: Post,
    rejects: Rejects,
    /// Requests that wait for a probe, and the addresses they wait for.
    waiting: Vec<Asked>,
    asked: Vec<Ipv4Addr>,
    looked: Timestamp,
}

/// A client's message, and how it came.
struct Asked {
    request: Request,
    port: Port,
    from: SocketAddrV4,
    came: Instant,
}

impl Shell {
    async fn run(
        &mut self,
        server: Arc<UdpSocket>,
        boot_server: Arc<UdpSocket>,
        mut prober: Prober,
    ) -> Result<(), ServerError> {
        let mut ticks = tokio::time::interval(TURN);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut one, mut two) = (vec![0; 2048], vec![0; 2048]);
        let broken = |port: u16| ServerError::io(format!("receiving on UDP port {port}"));
        loop {
            tokio::select! {
                () = self.context.shutdown.cancelled() => return Ok(()),
                came = server.recv_from(&mut one) => {
                    let (length, from) = came.map_err(broken(67))?;
                    self.batch(&server, Port::Server, &mut one, length, from);
                }
                came = boot_server.recv_from(&mut two) => {
                    let (length, from) = came.map_err(broken(4011))?;
                    self.batch(&boot_server, Port::BootServer, &mut two, length, from);
                }
                heard = prober.heard() => {
                    let (address, owner) = heard.map_err(ServerError::io("listening for ARP"))?;
                    if let Some(segment) = self.context.segment()
                        && let Some(event) = prober::conflict(&mut self.addresses, &segment, address, owner)
                    {
                        self.tell(event);
                    }
                }
                _ = ticks.tick() => self.turn(&mut prober).await?,
            }
        }
    }

    /// Decides on a datagram and those right behind it; their leases go to disk together.
    fn batch(&mut self, socket: &UdpSocket, port: Port, buffer: &mut [u8], length: usize, from: SocketAddr) {
        let mut stored = (Vec::new(), Vec::new());
        let (mut came, mut taken) = (Some((length, from)), 0);
        while let Some((length, SocketAddr::V4(from))) = came {
            match Request::decode(&buffer[..length]) {
                Ok(request) => self.handle(Asked { request, port, from, came: Instant::now() }, &mut stored),
                Err(error) => self.rejects.note((*from.ip()).into(), error),
            }
            taken += 1;
            // What is not taken now must stay in the socket.
            came = if taken < BATCH { socket.try_recv_from(buffer).ok() } else { None };
        }
        self.confirm(stored);
    }

    fn handle(&mut self, asked: Asked, stored: &mut (Vec<Event>, Vec<Letter>)) {
        let Asked { ref request, port, from, .. } = asked;
        let conf = self.context.conf.borrow().clone();
        let Some(segment) = conf.segments.get(&self.context.segment) else { return };
        let standing = who::standing(&self.context, segment, Some(request.mac));
        let view = View { conf: &conf, segment, addresses: &self.addresses, now: now(), standing };
        let answer = match decide(request, port, view) {
            Decision::Answer(answer) => answer,
            Decision::Probe(address) => {
                if self.waiting.len() < WAITING {
                    self.asked.extend(address);
                    self.waiting.push(asked);
                }
                return;
            }
        };
        answer.settle(request, &mut self.addresses);
        let letter = answer.reply.and_then(|message| {
            let to = match port {
                Port::Server => reply::destination(request, &message),
                Port::BootServer => Destination::Socket(from),
            };
            let bytes = reply::encode(&message).map_err(|error| self.rejects.note((*from.ip()).into(), error)).ok()?;
            Some(Letter { bytes, station: request.mac, to, port })
        });
        if answer.durable {
            stored.0.extend(answer.events);
            stored.1.extend(letter);
        } else {
            if let Some(letter) = letter {
                self.post.send(letter);
            }
            answer.events.into_iter().for_each(|event| self.context.bus.publish(event));
        }
    }

    /// Sends acknowledgements once their leases are on disk, so that none is forgotten by a crash.
    fn confirm(&self, (events, letters): (Vec<Event>, Vec<Letter>)) {
        if events.is_empty() {
            return;
        }
        let (post, bus): (Post, Bus) = (self.post.clone(), self.context.bus.clone());
        // Handed over now, so that what happens to these leases next is told after this.
        let storing = bus.store(events, STORE);
        tokio::spawn(async move {
            // A journal that is late or broken says so itself; machines boot all the same.
            let _ = storing.await;
            letters.into_iter().for_each(|letter| post.send(letter));
        });
    }

    fn tell(&mut self, event: Event) {
        self.addresses.apply(&event);
        self.context.bus.publish(event);
    }

    async fn turn(&mut self, prober: &mut Prober) -> Result<(), ServerError> {
        let Some(segment) = self.context.segment() else { return Ok(()) };
        let asked = std::mem::take(&mut self.asked);
        let matured = prober
            .turn(&mut self.addresses, &segment, &asked, self.waiting.len())
            .map_err(ServerError::io("asking by ARP"))?;
        // Where no address is left to ask for, those that wait are told so.
        if matured || self.addresses.ready() > 0 || self.addresses.is_dry() {
            let mut stored = (Vec::new(), Vec::new());
            for asked in std::mem::take(&mut self.waiting) {
                // Its client has asked again by now; what this one would get is held for nobody.
                if asked.came.elapsed() < PATIENCE {
                    self.handle(asked, &mut stored);
                }
            }
            self.confirm(stored);
        }
        let now = now();
        if now.duration_since(self.looked).as_secs() >= 1 {
            if let Ok(Some(interface)) = net::Interface::named(&self.context.interface.name) {
                self.post.follow(&interface);
                prober.follow(&interface);
            }
            let over: Vec<Event> = self.addresses.expired(self.looked, now).map(|lease| self.expiry(lease)).collect();
            self.looked = now;
            over.into_iter().for_each(|event| self.tell(event));
        }
        Ok(())
    }

    fn expiry(&self, lease: &crate::state::Lease) -> Event {
        let fact = Fact::DhcpExpired { address: lease.address };
        Event::new(Some(self.context.segment), fact).about(Some(lease.address), Some(lease.mac))
    }
}
