//! Hears who is on a segment: hosts, other DHCP servers, addresses that two have. A thread of its own a segment; what it decides is pure and in
//! the files beside.

mod claims;
mod dhcp;
mod ear;
mod heard;
mod hosts;
mod lldp;
mod mdns;
mod rivals;
mod sight;
mod vendor;

pub use heard::Heard;
pub use lldp::{Neighbour, neighbour};
pub use mdns::name_of as mdns_name;
pub use sight::{Sight, What, sight};
pub use vendor::vendor;

use crate::{
    bus::Bus,
    conf::Conf,
    event::{Event, Fact, Service, now},
    net::{Interface, Mac, Neighbours, Tap},
    state::Shared,
};
use ear::{Act, Before, Ear, Place as Where};
use std::{
    collections::BTreeSet,
    io,
    net::Ipv4Addr,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

/// ARP, DHCP and mDNS; LLDP comes by a socket of its own.
const FILTER: &str = "arp or udp port 67 or udp port 68 or udp port 5353";
/// A whole Ethernet packet.
const LONGEST: i32 = 1_600;
/// Room for frames that wait: such are few, or too many to be told all.
const RING: i32 = 1 << 20;
/// How long frames are waited for, before all else is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// How often conf and interfaces are looked at.
const ANEW: Duration = Duration::from_secs(1);

/// What is listened to.
#[derive(Clone)]
pub struct Place {
    /// The segment's server address.
    pub segment: Ipv4Addr,
    /// Its interface.
    pub interface: Interface,
    /// The conf tree as it stands.
    pub conf: watch::Receiver<Arc<Conf>>,
    /// The segment as it stands.
    pub state: Shared,
    /// Where events go.
    pub bus: Bus,
    /// Where it is kept who spoke last.
    pub heard: Heard,
    /// Cancelled when it is to end.
    pub shutdown: CancellationToken,
}

/// Listens until shutdown. Errors are those of the interface.
pub async fn serve(place: Place) -> io::Result<()> {
    // mDNS and LLDP go to groups that this host is not of. A bridge hears them anyway, and would take all that passes through it.
    let open = if place.interface.is_bridge() { Tap::with_ring } else { Tap::of_all };
    let tap = open(&place.interface.name, FILTER, LONGEST, RING)?;
    let neighbours = Neighbours::open()?;
    let address = format!("who is on {}", place.interface.name);
    place.bus.publish(Event::new(Some(place.segment), Fact::ServiceStarted { service: Service::Watch, address }));
    let (told, outcome) = oneshot::channel();
    let stop = place.shutdown.child_token();
    let _stop = stop.clone().drop_guard();
    thread::Builder::new().name("listen".to_owned()).spawn(move || {
        let _ = told.send(listen(&place, (tap, neighbours), &stop));
    })?;
    outcome.await.unwrap_or_else(|_| Err(io::Error::other("the thread that listens broke")))
}

fn listen(place: &Place, (mut tap, mut neighbours): (Tap, Neighbours), stop: &CancellationToken) -> io::Result<()> {
    let mut ear = Ear::new(Instant::now());
    let mut known: Option<Instant> = None;
    while !stop.is_cancelled() {
        let began = Instant::now();
        if known.is_none_or(|known| began.duration_since(known) >= ANEW) {
            if known.is_none() {
                recall(place, &mut ear, began);
            }
            ear.know(whereabouts(place));
            known = Some(began);
        }
        let mut sights = Vec::new();
        tap.read(LOOK, |_, _, data| sights.extend(sight(data)))?;
        neighbours.read(&place.interface.name, |data| sights.extend(sight(data)));
        let now = Instant::now();
        for sight in sights {
            if let Some(address) = ear.speaks(&sight) {
                place.heard.note(place.segment, sight.mac, address, now);
            }
            ear.hear(sight, |mac| before(place, mac), now);
        }
        ear.advance(now);
        for act in ear.acts() {
            match act {
                Act::Send(frame) => tap.send(&frame)?,
                Act::Tell { mac, address, fact } => {
                    place.bus.publish(Event {
                        time: self::now(),
                        ..Event::new(Some(place.segment), fact).about(address, mac)
                    });
                }
            }
        }
        for address in place.heard.take_questions(place.segment) {
            tap.send(&ear.question(address))?;
        }
    }
    Ok(())
}

/// What conf and the host's interfaces say now.
fn whereabouts(place: &Place) -> Where {
    let conf = place.conf.borrow().clone();
    let segment = conf.segments.get(&place.segment);
    let interfaces = Interface::all().unwrap_or_default();
    let mine = interfaces.iter().find(|interface| interface.name == place.interface.name);
    Where {
        server: place.segment,
        network: segment.map(|segment| segment.network()),
        own: mine.and_then(|mine| mine.mac).or(place.interface.mac).unwrap_or(Mac([0; 6])),
        all: interfaces.iter().filter_map(|interface| interface.mac).collect(),
        is_alone: segment.is_some_and(|segment| segment.mode == crate::conf::Mode::Authoritative),
        machines: segment
            .iter()
            .flat_map(|s| s.machines.values())
            .map(|machine| machine.mac)
            .collect::<BTreeSet<Mac>>(),
    }
}

/// What an earlier run told, as far as state knows, is not told again: other servers that are not gone, and the cable's other end.
fn recall(place: &Place, ear: &mut Ear, now: Instant) {
    let state = place.state.read();
    let Some(segment) = state.segments.get(&place.segment) else { return };
    segment.rivals.iter().for_each(|(mac, (server, _))| ear.recall_rival(*mac, *server, now));
    for (mac, (link, _)) in &segment.links {
        ear.recall_link(*mac, Neighbour { system: link.system.clone(), port: link.port.clone() });
    }
}

/// What state knows of a host.
fn before(place: &Place, mac: Mac) -> Option<Before> {
    let state = place.state.read();
    let machine = state.machine(place.segment, mac)?;
    Some(Before {
        address: machine.address,
        name: machine.hostname.clone(),
        has_vendor: machine.vendor.is_some(),
        is_told: machine.first_seen.is_some(),
    })
}
