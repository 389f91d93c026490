//! ICMP echo (RFC 792), one socket a network interface.

use super::{Look, shown};
use crate::net::Interface;
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    io,
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering::Relaxed},
    },
    time::Duration,
};
use surge_ping::{Client, Config, IcmpPacket, PingIdentifier, PingSequence, SurgeError};

/// What a machine of the same segment gets to answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// As ping(8) sends it.
const PAYLOAD: [u8; 56] = *b"pxelator looks whether you are there, as you may see ...";
/// The type of an echo reply.
const ECHO_REPLY: u8 = 0;

/// Sockets by the interface's number: one that was made anew under its old name is another.
#[derive(Clone, Default)]
pub struct Pings {
    clients: Arc<Mutex<BTreeMap<u32, Client>>>,
    sequence: Arc<AtomicU16>,
}

impl Pings {
    /// Asks once.
    pub async fn ping(&self, interface: &Interface, address: Ipv4Addr) -> Look {
        let client = match self.client(interface) {
            Ok(client) => client,
            Err(error) => return Look::wrong(format!("no socket for pings on {}: {error}", interface.name)),
        };
        let identifier = PingIdentifier(std::process::id() as u16);
        let mut pinger = client.pinger(address.into(), identifier).await;
        pinger.timeout(PATIENCE);
        match pinger.ping(PingSequence(self.sequence.fetch_add(1, Relaxed)), &PAYLOAD).await {
            Ok((IcmpPacket::V4(packet), took)) if packet.get_icmp_type().0 == ECHO_REPLY => {
                Look::well(format!("it answers in {}", shown(took)), Some(took))
            }
            Ok((packet, _)) => Look::wrong(format!("not it, but a router answers: {packet:?}")),
            Err(SurgeError::Timeout { .. }) => Look::wrong("no answer within 1 s"),
            Err(error) => {
                // What is said of the interface may be over with a new socket.
                self.clients.lock().remove(&interface.index);
                match error {
                    SurgeError::IOError(error) if error.kind() == io::ErrorKind::HostUnreachable => {
                        Look::wrong("nobody has its address on this segment")
                    }
                    SurgeError::IOError(error) => Look::wrong(format!("cannot be asked: {error}")),
                    other => Look::wrong(format!("cannot be asked: {other}")),
                }
            }
        }
    }

    fn client(&self, interface: &Interface) -> io::Result<Client> {
        let mut clients = self.clients.lock();
        if let Some(client) = clients.get(&interface.index) {
            return Ok(client.clone());
        }
        let client = Client::new(&Config::builder().interface(&interface.name).build())?;
        clients.insert(interface.index, client.clone());
        Ok(client)
    }
}
