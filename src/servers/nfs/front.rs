//! The one door of the segment: looks at who comes, and leads each machine to its own files and nobody else's.

use super::{
    files::{Place, Tell},
    machine::Machine,
    relay::relay,
    stranger,
};
use crate::{
    conf::{NfsServer, Segment},
    event::{Event, Fact, Service},
    servers::{Context, Rejects},
};
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Mutex, Semaphore},
};

/// Connections at one time, of all and of strangers.
const CONNECTIONS: usize = 1024;
const STRANGERS: usize = 64;
/// Ports below this are given to root only.
const RESERVED: u16 = 1024;
/// How often a refusal of the same source is told, and of how many sources that is remembered.
const AGAIN: Duration = Duration::from_secs(1);
const SOURCES: usize = 256;
/// A moment after a failed accept, as when there are too many open files.
const PAUSE: Duration = Duration::from_millis(100);

/// The door.
pub struct Front {
    context: Context,
    rejects: Rejects,
    machines: Mutex<HashMap<Ipv4Addr, Arc<Machine>>>,
    told: parking_lot::Mutex<HashMap<IpAddr, Instant>>,
    connections: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
}

/// The base that the machine at `address` has as its root, served by this program.
pub fn base_of(context: &Context, segment: &Segment, address: Ipv4Addr) -> Option<String> {
    let machine = segment.machines.get(&address)?;
    let conf = context.conf.borrow().clone();
    let armed = machine.boot_once.as_ref().map(|once| once.profile.as_str());
    let names = armed.into_iter().chain(segment.profile_of(Some(machine)));
    for profile in names.filter_map(|name| conf.profiles.get(name)) {
        if let Some(root) = profile.root_of(Some(machine)) {
            return (profile.nfs != Some(NfsServer::Kernel)).then(|| root.to_owned());
        }
    }
    // It runs on a root that was its own, whatever it is to boot next.
    let note = context.overlay.join(address.to_string()).join("base");
    let was = std::fs::read_to_string(note).ok()?;
    Some(was.trim().to_owned())
}

/// That some machine of the segment has a root here.
pub fn is_wanted(context: &Context) -> bool {
    let Some(segment) = context.segment() else { return false };
    segment.machines.keys().any(|address| base_of(context, &segment, *address).is_some())
}

impl Front {
    /// Of this segment; within a runtime.
    pub fn new(context: Context) -> Arc<Front> {
        let rejects = Rejects::new(&context, Service::Nfs);
        Arc::new(Front {
            context,
            rejects,
            machines: Mutex::default(),
            told: parking_lot::Mutex::default(),
            connections: Arc::new(Semaphore::new(CONNECTIONS)),
            strangers: Arc::new(Semaphore::new(STRANGERS)),
        })
    }

    /// Lets in who comes, until shutdown.
    pub async fn open(self: Arc<Front>, listener: TcpListener) {
        loop {
            let Ok(permit) = self.connections.clone().acquire_owned().await else { return };
            let accepted = tokio::select! {
                () = self.context.shutdown.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            let Ok((stream, peer)) = accepted else {
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            let front = self.clone();
            tokio::spawn(async move {
                front.lead(stream, peer).await;
                drop(permit);
            });
        }
    }

    async fn lead(&self, mut stream: TcpStream, peer: SocketAddr) {
        let led = match self.machine(peer).await {
            Ok(machine) => machine.connect().await.map_err(|error| error.to_string()),
            Err(reason) => Err(reason),
        };
        match led {
            Ok(inner) => {
                if let Err(garbage) = relay(stream, inner).await {
                    self.rejects.note(peer.ip(), garbage);
                }
            }
            Err(reason) => {
                let Ok(_permit) = self.strangers.try_acquire() else { return };
                let wanted = stranger::refuse(&mut stream).await;
                match wanted.garbage {
                    Some(garbage) => self.rejects.note(peer.ip(), garbage),
                    None => self.tell_refused(peer, wanted.path, reason),
                }
            }
        }
    }

    /// The machine that comes from `peer`; or why it is not let in.
    async fn machine(&self, peer: SocketAddr) -> Result<Arc<Machine>, String> {
        let IpAddr::V4(address) = peer.ip() else { return Err("it comes by IPv6".to_owned()) };
        let segment = self.context.segment().ok_or("the segment is no longer in conf")?;
        let machine = segment.machines.get(&address).ok_or("conf has no machine of this address")?;
        let base = base_of(&self.context, &segment, address)
            .ok_or_else(|| format!("the profile of {} has no root", machine.hostname))?;
        if peer.port() >= RESERVED {
            let port = peer.port();
            return Err(format!(
                "it comes from port {port}; only ports below {RESERVED} are root's, and only root mounts"
            ));
        }
        let place =
            Place { roots: self.context.roots.clone(), overlay: self.context.overlay.clone(), base, machine: address };
        let mut machines = self.machines.lock().await;
        if let Some(machine) = machines.get(&address)
            && *machine.files.place() == place
            && !machine.has_ended()
        {
            return Ok(machine.clone());
        }
        // First the old one, whose folder it may be.
        machines.remove(&address);
        let (bus, segment_address, mac) = (self.context.bus.clone(), self.context.segment, machine.mac);
        let tell: Tell = Arc::new(move |fact| {
            bus.publish(Event::new(Some(segment_address), fact).about(Some(address), Some(mac)));
        });
        let machine = Machine::serve(place, tell).await.map_err(|error| error.to_string())?;
        let machine = Arc::new(machine);
        machines.insert(address, machine.clone());
        Ok(machine)
    }

    fn tell_refused(&self, peer: SocketAddr, path: Option<String>, reason: String) {
        let source = peer.ip();
        {
            let mut told = self.told.lock();
            told.retain(|_, when| when.elapsed() < AGAIN);
            if told.contains_key(&source) || told.len() >= SOURCES {
                return;
            }
            told.insert(source, Instant::now());
        }
        let machine = if let IpAddr::V4(address) = source { Some(address) } else { None };
        let mac = machine.and_then(|address| Some(self.context.segment()?.machines.get(&address)?.mac));
        let fact = Fact::NfsRefused { source, path, reason };
        self.context.bus.publish(Event::new(Some(self.context.segment), fact).about(machine, mac));
    }
}
