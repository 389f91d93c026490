//! Router advertisements: tells firmware that asks for an IPv6 router, at once, that there is none to wait for.

use super::{Context, Rejects, ServerError};
use crate::{
    event::{Event, Fact, Service},
    net::Mac,
};
use nix::{
    errno::Errno,
    sys::socket::{MsgFlags, SockaddrIn6, recvfrom},
};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::{
    io,
    net::{Ipv6Addr, SocketAddrV6},
    os::fd::AsRawFd,
};
use tokio::io::{Interest, unix::AsyncFd};

const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
const SOLICITATION: u8 = 133;
const ADVERTISEMENT: u8 = 134;

/// Serves until shutdown.
pub async fn serve(context: Context) -> Result<(), ServerError> {
    let name = format!("ICMPv6 of {}", context.interface.name);
    let socket = match open(&context) {
        Err(error) if error.raw_os_error() == Some(Errno::EAFNOSUPPORT as i32) => {
            context.started(Service::Radv, "nothing to do: this host has no IPv6");
            context.shutdown.cancelled().await;
            return Ok(());
        }
        other => other.map_err(ServerError::bind(name.clone()))?,
    };
    context.started(Service::Radv, &name);
    let rejects = Rejects::new(&context, Service::Radv);
    let mut packet = [0; 1500];
    loop {
        let received = socket.async_io(Interest::READABLE, |socket| {
            recvfrom::<SockaddrIn6>(socket.as_raw_fd(), &mut packet).map_err(io::Error::from)
        });
        let (length, source) = tokio::select! {
            () = context.shutdown.cancelled() => return Ok(()),
            received = received => received.map_err(ServerError::io(format!("receiving {name}")))?,
        };
        let source = source.map_or(Ipv6Addr::UNSPECIFIED, |source| source.ip());
        if packet[..length].first() != Some(&SOLICITATION) || !context.segment().is_some_and(|s| s.radv) {
            continue;
        }
        if let Err(error) = check(&packet[..length], source) {
            rejects.note(source.into(), error);
            continue;
        }
        let to = SockAddr::from(SocketAddrV6::new(ALL_NODES, 0, 0, context.interface.index));
        match socket.get_ref().send_to_with_flags(&advertisement(context.interface.mac), &to, MsgFlags::empty().bits())
        {
            Ok(_) => {
                let mac = mac_of(&packet[..length]);
                context.bus.publish(Event::new(Some(context.segment), Fact::RadvAnswered { source }).about(None, mac));
            }
            Err(error) => rejects.note(source.into(), format!("its router advertisement could not be sent: {error}")),
        }
    }
}

fn open(context: &Context) -> io::Result<AsyncFd<Socket>> {
    let socket = Socket::new(Domain::IPV6, Type::RAW.nonblocking(), Some(Protocol::ICMPV6))?;
    socket.bind_device(Some(context.interface.name.as_bytes()))?;
    // Receivers take nothing that a router could have forwarded (RFC 4861, section 6.1.2).
    socket.set_multicast_hops_v6(255)?;
    socket.set_multicast_loop_v6(false)?;
    socket.set_multicast_if_v6(context.interface.index)?;
    socket.join_multicast_v6(&ALL_ROUTERS, context.interface.index)?;
    // The safe constructor is deprecated for types that could lend a closed descriptor; a Socket owns its own.
    #[allow(deprecated)]
    AsyncFd::with_interest(socket, Interest::READABLE)
}

/// A router solicitation's form (RFC 4861, section 6.1.1).
pub fn check(packet: &[u8], source: Ipv6Addr) -> Result<(), String> {
    if packet.len() < 8 {
        return Err(format!("a router solicitation of {} bytes; expected at least 8", packet.len()));
    }
    if !source.is_unspecified() && !source.is_unicast_link_local() {
        return Err("a router solicitation from beyond the link".to_owned());
    }
    let mut rest = &packet[8..];
    while let Some(&units) = rest.get(1) {
        let length = usize::from(units) * 8;
        if units == 0 || rest.len() < length {
            return Err(format!("a router solicitation with an option of {length} bytes, {} are left", rest.len()));
        }
        rest = &rest[length..];
    }
    Ok(())
}

/// The sender's hardware address, from its source link-layer address option (RFC 4861, section 4.6.1).
pub fn mac_of(solicitation: &[u8]) -> Option<Mac> {
    match solicitation.get(8..16)? {
        [1, 1, mac @ ..] => Mac::from_slice(mac).filter(|mac| !mac.is_nobody()),
        _ => None,
    }
}

/// No prefix, router lifetime 0, M and O clear (RFC 4861, section 4.2); the kernel fills the checksum in.
fn advertisement(own: Option<Mac>) -> Vec<u8> {
    let mut packet = vec![ADVERTISEMENT, 0, 0, 0, 64, 0, 0, 0];
    packet.extend([0; 8]);
    if let Some(mac) = own {
        packet.extend([1, 1]);
        packet.extend(mac.0);
    }
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solicitations_are_checked() {
        let local: Ipv6Addr = "fe80::1".parse().unwrap();
        let whole = [133, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 0, 0, 0, 0, 9];
        assert_eq!(check(&whole, local), Ok(()));
        assert_eq!(mac_of(&whole), Some(Mac([2, 0, 0, 0, 0, 9])));
        assert!(check(&whole[..12], local).unwrap_err().contains("option of 8 bytes"));
        assert!(check(&[133, 0, 0], local).unwrap_err().contains("3 bytes"));
        assert!(check(&whole, "2001:db8::1".parse().unwrap()).unwrap_err().contains("beyond"));
        assert_eq!(advertisement(None).len(), 16);
    }
}
