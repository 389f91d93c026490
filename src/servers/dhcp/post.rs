//! Sends replies, no more at once than the buffer of a relay or of a slow client takes.

use super::{decide::Port, reply::Destination};
use crate::{
    net::{Interface, Link, Mac},
    servers::Rejects,
};
use parking_lot::Mutex;
use std::{
    collections::VecDeque,
    io,
    net::{Ipv4Addr, SocketAddrV4},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::net::UdpSocket;

/// Replies that may wait to be sent; those beyond are lost, and their clients ask again.
const WAITING: usize = 8192;
/// Replies sent at once: what a hundred clients wait for when the disk was slow would else be one burst.
const AT_ONCE: usize = 32;
const PAUSE: Duration = Duration::from_millis(1);

/// A reply ready to go.
pub struct Letter {
    pub bytes: Vec<u8>,
    pub station: Mac,
    pub to: Destination,
    pub port: Port,
}

/// Takes letters; cheap to clone.
#[derive(Clone)]
pub struct Post(Arc<Mutex<Desk>>);

struct Desk {
    ways: Ways,
    /// Letters of this moment, and when it began.
    sent: usize,
    began: Instant,
    /// What has to wait for the next; a task sends it while there is any.
    waiting: VecDeque<Letter>,
}

/// The ways out.
pub struct Ways {
    pub address: Ipv4Addr,
    pub server: Arc<UdpSocket>,
    pub boot_server: Arc<UdpSocket>,
    pub link: Link,
    pub rejects: Rejects,
}

impl Post {
    /// Sends through `ways`.
    pub fn new(ways: Ways) -> Post {
        Post(Arc::new(Mutex::new(Desk { ways, sent: 0, began: Instant::now(), waiting: VecDeque::new() })))
    }

    /// Sends as `interface` is now: a bridge's hardware address may have changed.
    pub fn follow(&self, interface: &Interface) {
        self.0.lock().ways.link.follow(interface);
    }

    /// Sends at once, or soon where that would be too many. Must be called within a tokio runtime.
    pub fn send(&self, letter: Letter) {
        let mut desk = self.0.lock();
        if desk.waiting.is_empty() {
            if desk.began.elapsed() >= PAUSE {
                (desk.sent, desk.began) = (0, Instant::now());
            }
            if desk.sent < AT_ONCE {
                desk.sent += 1;
                return desk.ways.send(&letter);
            }
            tokio::spawn(deliver(self.0.clone()));
        }
        if desk.waiting.len() < WAITING {
            desk.waiting.push_back(letter);
        }
    }
}

/// Sends what waits.
async fn deliver(desk: Arc<Mutex<Desk>>) {
    loop {
        tokio::time::sleep(PAUSE).await;
        let mut desk = desk.lock();
        for _ in 0..AT_ONCE {
            let Some(letter) = desk.waiting.pop_front() else { break };
            desk.ways.send(&letter);
        }
        if desk.waiting.is_empty() {
            return;
        }
    }
}

impl Ways {
    fn send(&mut self, letter: &Letter) {
        let (socket, own) = match letter.port {
            Port::Server => (&self.server, 67),
            Port::BootServer => (&self.boot_server, 4011),
        };
        let (sent, target) = match letter.to {
            Destination::Socket(to) => (socket.try_send_to(&letter.bytes, to.into()).map(drop), to),
            Destination::Station(to) => {
                let from = SocketAddrV4::new(self.address, own);
                (self.link.send(letter.station, from, to, &letter.bytes), to)
            }
        };
        // A full queue loses one reply, and the client asks again.
        if let Err(error) = sent
            && error.kind() != io::ErrorKind::WouldBlock
        {
            self.rejects.note((*target.ip()).into(), format!("its reply could not be sent: {error}"));
        }
    }
}
