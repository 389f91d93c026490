//! What clients of HTTP may take of a listener: connections at the same time, each and all together, and time to say what they
//! want. Who opens thousands, or says a letter a minute, leaves room for others.

use axum_server::{
    Address, Server,
    accept::{Accept, DefaultAcceptor},
};
use parking_lot::Mutex;
use std::{
    collections::HashMap,
    future::Future,
    io,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::net::{TcpStream, UnixStream};
use tower::Service;

/// Of one address. Event streams stay open.
const OF_ONE: usize = 256;
const OF_ALL: usize = 4096;
/// What a client gets to say what it wants.
const PATIENCE: Duration = Duration::from_secs(15);
/// Bytes of the longest head of a request.
const HEAD: usize = 32 << 10;

/// The server with these bounds.
pub fn bounded<A: Address>(
    server: Server<A, DefaultAcceptor>,
    connections: &Connections,
) -> Server<A, Counted<DefaultAcceptor>> {
    let mut server = server.first_request_timeout(PATIENCE);
    server.http_builder().http1().header_read_timeout(PATIENCE).max_buf_size(HEAD);
    server.map(|inner| Counted { inner, connections: connections.clone() })
}

/// Those that are open.
#[derive(Clone, Default)]
pub struct Connections(Arc<Mutex<HashMap<Option<IpAddr>, usize>>>);

/// The place of one; free again when it is dropped.
pub struct Room {
    connections: Connections,
    client: Option<IpAddr>,
}

impl Connections {
    /// A place for one more of this client; none where it has all of its own, or all are taken.
    fn take(&self, client: Option<IpAddr>) -> Option<Room> {
        let mut open = self.0.lock();
        let all: usize = open.values().sum();
        let own = open.get(&client).copied().unwrap_or(0);
        // This host is many people, and proxies.
        let most = if client.is_some_and(|client| !client.is_loopback()) { OF_ONE } else { OF_ALL };
        if all >= OF_ALL || own >= most {
            return None;
        }
        open.insert(client, own + 1);
        Some(Room { connections: self.clone(), client })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut open = self.connections.0.lock();
        if let Some(own) = open.get_mut(&self.client) {
            *own -= 1;
            if *own == 0 {
                open.remove(&self.client);
            }
        }
    }
}

/// Who is at the other end; none of a Unix socket.
pub trait Client {
    /// The address.
    fn client(&self) -> Option<IpAddr>;
}

impl Client for TcpStream {
    fn client(&self) -> Option<IpAddr> {
        self.peer_addr().ok().map(|peer| peer.ip().to_canonical())
    }
}

impl Client for UnixStream {
    fn client(&self) -> Option<IpAddr> {
        None
    }
}

/// Takes connections that there is room for.
#[derive(Clone)]
pub struct Counted<A> {
    inner: A,
    connections: Connections,
}

impl<A, I, S> Accept<I, S> for Counted<A>
where
    I: Client + Send + 'static,
    S: Send + 'static,
    A: Accept<I, S>,
    A::Future: Send + 'static,
{
    type Stream = A::Stream;
    type Service = Held<A::Service>;
    type Future = Pin<Box<dyn Future<Output = io::Result<(A::Stream, Held<A::Service>)>> + Send>>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        let room = self.connections.take(stream.client());
        let accepting = self.inner.accept(stream, service);
        Box::pin(async move {
            let room = room.ok_or_else(|| io::Error::from(io::ErrorKind::QuotaExceeded))?;
            let (stream, inner) = accepting.await?;
            Ok((stream, Held { inner, _room: Arc::new(room) }))
        })
    }
}

/// A connection's service; it has its place as long as it lives.
#[derive(Clone)]
pub struct Held<S> {
    inner: S,
    _room: Arc<Room>,
}

impl<S: Service<R>, R> Service<R> for Held<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> S::Future {
        self.inner.call(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_leaves_room_for_others() {
        let connections = Connections::default();
        let client = |last| Some(IpAddr::from([10, 77, 0, last]));
        let rooms: Vec<_> = (0..2 * OF_ONE).filter_map(|_| connections.take(client(60))).collect();
        assert_eq!(rooms.len(), OF_ONE);
        let other = connections.take(client(61));
        assert!(other.is_some() && connections.take(client(60)).is_none());
        drop(rooms);
        assert!(connections.take(client(60)).is_some());
        drop(other);
        assert!(connections.0.lock().is_empty(), "nobody is remembered");
    }
}
