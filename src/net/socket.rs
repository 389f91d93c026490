//! Ordinary sockets that hear one interface only.

use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use std::{io, net::SocketAddr, time::Duration};
use tokio::net::{TcpListener, UdpSocket};

/// Bytes that may wait in a UDP socket.
const BURST: usize = 8 << 20;
/// A machine that was switched off closes no connection. One that is idle is found out by these; one with data on the way
/// by the kernel's retransmissions (tcp_retries2), for TCP_USER_TIMEOUT would also cut off who reads slowly.
const KEEPALIVE: TcpKeepalive =
    TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(10)).with_retries(3);

/// A UDP socket on `address`, bound to `interface` where one is given; it may send broadcasts.
///
/// Errors are those of socket(2), bind(2) and SO_BINDTODEVICE.
pub fn udp(address: SocketAddr, interface: Option<&str>) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
    bound(&socket, interface)?;
    // Without SO_REUSEADDR: with it another server on the port would take a part of the datagrams, and nobody be told.
    socket.set_broadcast(true)?;
    // A burst of a whole room's machines has to wait somewhere. Beyond net.core.rmem_max only CAP_NET_ADMIN gets it.
    if setsockopt(&socket, sockopt::RcvBufForce, &BURST).is_err() {
        socket.set_recv_buffer_size(BURST)?;
    }
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}

/// A listening TCP socket on `address`, bound to `interface` where one is given.
///
/// Errors are those of socket(2), bind(2), listen(2) and SO_BINDTODEVICE.
pub fn tcp(address: SocketAddr, interface: Option<&str>) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    bound(&socket, interface)?;
    socket.set_reuse_address(true)?;
    // Connections have these from the socket that accepted them.
    socket.set_tcp_keepalive(&KEEPALIVE)?;
    socket.bind(&address.into())?;
    socket.listen(1024)?;
    TcpListener::from_std(socket.into())
}

fn bound(socket: &Socket, interface: Option<&str>) -> io::Result<()> {
    match interface {
        Some(name) => socket.bind_device(Some(name.as_bytes())),
        None => Ok(()),
    }
}
