//! Router advertisements: tells firmware that asks for an IPv6 router, at once, that there is none to wait for.

use super::{Context, Rejects, ServerError};
use crate::{
    event::{Event, Fact, Service},
    net::{Interface, Mac},
};
use nix::{
    errno::Errno,
    sys::socket::{ControlMessageOwned, MsgFlags, SockaddrIn6, recvmsg, setsockopt, sockopt},
};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::{
    io::{self, IoSliceMut},
    net::{Ipv6Addr, SocketAddrV6},
    os::fd::AsRawFd,
    time::Duration,
};
use tokio::io::{Interest, unix::AsyncFd};

const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
/// How often and how long to wait for the own address.
const TRIES: u32 = 40;
const TENTATIVE: Duration = Duration::from_millis(100);
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
        let received = socket.async_io(Interest::READABLE, |socket| receive(socket, &mut packet));
        let (length, source, hops) = tokio::select! {
            () = context.shutdown.cancelled() => return Ok(()),
            received = received => received.map_err(ServerError::io(format!("receiving {name}")))?,
        };
        if packet[..length].first() != Some(&SOLICITATION) || !context.segment().is_some_and(|s| s.radv) {
            continue;
        }
        if let Err(error) = check(&packet[..length], source, hops) {
            rejects.note(source.into(), error);
            continue;
        }
        let to = SockAddr::from(SocketAddrV6::new(ALL_NODES, 0, 0, context.interface.index));
        // A bridge's hardware address may change with the hosts on it.
        let own = Interface::named(&context.interface.name).ok().flatten().and_then(|interface| interface.mac);
        match send(socket.get_ref(), &advertisement(own), &to).await {
            Ok(_) => {
                let mac = mac_of(&packet[..length]).or_else(|| mac_in(source));
                context.bus.publish(Event::new(Some(context.segment), Fact::RadvAnswered { source }).about(None, mac));
            }
            Err(error) => rejects.note(source.into(), format!("its router advertisement could not be sent: {error}")),
        }
    }
}

/// A packet's length, its sender and its hop limit.
fn receive(socket: &Socket, packet: &mut [u8]) -> io::Result<(usize, Ipv6Addr, i32)> {
    let mut space = nix::cmsg_space!(nix::libc::c_int);
    let mut parts = [IoSliceMut::new(packet)];
    let received = recvmsg::<SockaddrIn6>(socket.as_raw_fd(), &mut parts, Some(&mut space), MsgFlags::empty())?;
    let hops = received.cmsgs()?.find_map(|message| match message {
        ControlMessageOwned::Ipv6HopLimit(hops) => Some(hops),
        _ => None,
    });
    let source = received.address.map_or(Ipv6Addr::UNSPECIFIED, |source| source.ip());
    Ok((received.bytes, source, hops.unwrap_or(0)))
}

/// Sends, as soon as the interface's own link-local address may be used: a bridge gets its carrier with the first
/// machine that is switched on, and the kernel then looks for duplicates of the address for a second or two.
async fn send(socket: &Socket, packet: &[u8], to: &SockAddr) -> io::Result<usize> {
    let mut sent = socket.send_to(packet, to);
    for _ in 0..TRIES {
        match &sent {
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {
                tokio::time::sleep(TENTATIVE).await;
                sent = socket.send_to(packet, to);
            }
            _ => break,
        }
    }
    sent
}

fn open(context: &Context) -> io::Result<AsyncFd<Socket>> {
    let socket = Socket::new(Domain::IPV6, Type::RAW.nonblocking(), Some(Protocol::ICMPV6))?;
    socket.bind_device(Some(context.interface.name.as_bytes()))?;
    // Receivers take nothing that a router could have forwarded (RFC 4861, section 6.1.2).
    socket.set_multicast_hops_v6(255)?;
    setsockopt(&socket, sockopt::Ipv6RecvHopLimit, &true)?;
    socket.set_multicast_loop_v6(false)?;
    socket.set_multicast_if_v6(context.interface.index)?;
    socket.join_multicast_v6(&ALL_ROUTERS, context.interface.index)?;
    // The safe constructor is deprecated for types that could lend a closed descriptor; a Socket owns its own.
    #[allow(deprecated)]
    AsyncFd::with_interest(socket, Interest::READABLE)
}

/// A router solicitation's form (RFC 4861, section 6.1.1); the kernel has checked its sum.
pub fn check(packet: &[u8], source: Ipv6Addr, hops: i32) -> Result<(), String> {
    if packet.len() < 8 {
        return Err(format!("a router solicitation of {} bytes; expected at least 8", packet.len()));
    }
    if hops != 255 {
        return Err(format!("a router solicitation from beyond the link: hop limit {hops}; expected 255"));
    }
    if packet[1] != 0 {
        return Err(format!("a router solicitation of code {}; expected 0", packet[1]));
    }
    if source.is_unspecified() && mac_of(packet).is_some() {
        return Err("a router solicitation of nobody with a hardware address".to_owned());
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

/// The hardware address that a link-local address is made of (RFC 4291, appendix A), if it is made of one.
fn mac_in(address: Ipv6Addr) -> Option<Mac> {
    match address.octets() {
        [0xfe, 0x80, 0, 0, 0, 0, 0, 0, a, b, c, 0xff, 0xfe, d, e, f] => {
            Some(Mac([a ^ 2, b, c, d, e, f])).filter(|mac| !mac.is_nobody())
        }
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
        let nobody = Ipv6Addr::UNSPECIFIED;
        assert_eq!(check(&whole, local, 255), Ok(()));
        assert_eq!(check(&whole[..8], nobody, 255), Ok(()));
        assert_eq!(mac_of(&whole), Some(Mac([2, 0, 0, 0, 0, 9])));
        assert!(check(&whole[..12], local, 255).unwrap_err().contains("option of 8 bytes"));
        assert!(check(&[133, 0, 0], local, 255).unwrap_err().contains("3 bytes"));
        assert!(check(&whole, local, 64).unwrap_err().contains("beyond the link"));
        assert!(check(&[133, 1, 0, 0, 0, 0, 0, 0], local, 255).unwrap_err().contains("code 1"));
        assert!(check(&whole, nobody, 255).unwrap_err().contains("of nobody"));
        let made_of_mac = "fe80::5054:ff:fe77:60".parse().unwrap();
        assert_eq!((mac_in(made_of_mac), mac_in(local)), ("52:54:00:77:00:60".parse().ok(), None));
        assert_eq!(advertisement(None).len(), 16);
    }
}
