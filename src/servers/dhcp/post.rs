//! Sends replies, no more at once than the buffer of a relay or of a slow client takes.

use super::{decide::Port, reply::Destination};
use crate::{
    net::{Interface, Link, Mac},
    servers::Rejects,
};
use std::{
    io,
    net::{Ipv4Addr, SocketAddrV4},
    sync::Arc,
    time::Duration,
};
use tokio::{net::UdpSocket, sync::mpsc};

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

/// What the post is asked.
enum Order {
    Send(Letter),
    Follow(Interface),
}

/// Takes letters; cheap to clone. What was taken is still sent when the last clone is gone.
#[derive(Clone)]
pub struct Post(mpsc::Sender<Order>);

/// The ways out.
pub struct Ways {
    pub address: Ipv4Addr,
    pub server: Arc<UdpSocket>,
    pub boot_server: Arc<UdpSocket>,
    pub link: Link,
    pub rejects: Rejects,
}

impl Post {
    /// Sends through `ways`, in a task of its own.
    pub fn new(ways: Ways) -> Post {
        let (post, orders) = mpsc::channel(WAITING);
        tokio::spawn(deliver(orders, ways));
        Post(post)
    }

    /// Sends soon.
    pub fn send(&self, letter: Letter) {
        let _ = self.0.try_send(Order::Send(letter));
    }

    /// Sends as `interface` is now: a bridge's hardware address may have changed.
    pub fn follow(&self, interface: Interface) {
        let _ = self.0.try_send(Order::Follow(interface));
    }
}

async fn deliver(mut orders: mpsc::Receiver<Order>, mut ways: Ways) {
    let mut some = Vec::with_capacity(AT_ONCE);
    while orders.recv_many(&mut some, AT_ONCE).await > 0 {
        let many = some.len() == AT_ONCE;
        for order in some.drain(..) {
            match order {
                Order::Send(letter) => ways.send(&letter),
                Order::Follow(interface) => ways.link.follow(&interface),
            }
        }
        if many {
            tokio::time::sleep(PAUSE).await;
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
