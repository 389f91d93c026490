//! Wake-on-LAN: the magic packet, sent to all stations of the segment, or of another network behind a router.

use super::{Ill, Power, PowerError, Steps, Target};
use crate::{
    conf::power,
    event::{Action, Manner, PowerState},
    net::{self, Mac},
};
use ipnet::Ipv4Net;
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};
use tokio::net::UdpSocket;

/// The discard port, which magic packets are sent to by custom.
const PORT: u16 = 9;

pub struct WakeOnLan {
    broadcast: Option<Ipv4Addr>,
}

impl WakeOnLan {
    pub fn new(conf: &power::Wol) -> WakeOnLan {
        WakeOnLan { broadcast: conf.broadcast }
    }
}

#[async_trait::async_trait]
impl Power for WakeOnLan {
    fn method(&self) -> &'static str {
        "wol"
    }

    async fn switch(&self, target: &Target, action: Action, _gently: bool) -> Result<Manner, PowerError> {
        if action != Action::On {
            return Err(PowerError::new(
                format!("wake-on-LAN cannot switch {}", action.name()),
                "do it on the machine itself, or give it another `power`",
            ));
        }
        let road = self.road(target);
        let sent = async { road.socket()?.send_to(&magic(target.machine.mac), (road.to, PORT)).await };
        sent.await.map(|_| Manner::Done).map_err(|error| road.blocked(&error))
    }

    async fn observe(&self, _: &Target) -> Result<Option<PowerState>, PowerError> {
        Ok(None)
    }

    async fn examine(&self, target: &Target, steps: &mut Steps) -> Result<(), Ill> {
        let road = self.road(target);
        let found = async {
            let socket = road.socket()?;
            // Sends nothing, but asks the kernel for a way.
            socket.connect((road.to, PORT)).await
        };
        let found = found.await.map_err(|error| road.blocked(&error));
        steps.step("socket", found, |()| match road.by {
            Some(interface) => format!("a magic packet can be sent on {interface}"),
            None => format!("there is a way to {}; a router there has to let directed broadcasts through", road.to),
        })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(3600)
    }
}

/// The way of a packet.
#[derive(Debug, PartialEq, Eq)]
struct Road<'a> {
    to: Ipv4Addr,
    from: Ipv4Addr,
    /// The interface that it has to take; none for the one of the routing table.
    by: Option<&'a str>,
}

impl WakeOnLan {
    fn road<'a>(&self, target: &'a Target) -> Road<'a> {
        road(self.broadcast, target.segment.network(), target.segment.server, &target.interface.name)
    }
}

fn road(broadcast: Option<Ipv4Addr>, own: Ipv4Net, server: Ipv4Addr, interface: &str) -> Road<'_> {
    match broadcast {
        // Behind a router, or on another interface of this host.
        Some(to) if to != own.broadcast() && to != Ipv4Addr::BROADCAST => {
            Road { to, from: Ipv4Addr::UNSPECIFIED, by: None }
        }
        to => Road { to: to.unwrap_or(own.broadcast()), from: server, by: Some(interface) },
    }
}

impl Road<'_> {
    fn socket(&self) -> io::Result<UdpSocket> {
        net::udp(SocketAddr::from((self.from, 0)), self.by)
    }

    fn blocked(&self, error: &io::Error) -> PowerError {
        match self.by {
            Some(interface) => PowerError::new(
                format!("the magic packet cannot be sent on {interface}: {error}"),
                "see that the interface is up: ip link",
            ),
            None => PowerError::new(
                format!("the magic packet cannot be sent to {}: {error}", self.to),
                format!("see that there is a way to it: ip route get {}", self.to),
            ),
        }
    }
}

/// Six octets of ones, then the address sixteen times.
fn magic(mac: Mac) -> Vec<u8> {
    let mut packet = vec![0xff; 6];
    packet.extend(mac.0.repeat(16));
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_of_packets() {
        let (own, server) = ("10.77.0.0/24".parse().unwrap(), Ipv4Addr::new(10, 77, 0, 1));
        let far = Ipv4Addr::new(10, 88, 0, 255);
        let near = Ipv4Addr::new(10, 77, 0, 255);
        for (broadcast, to, by) in [
            (None, near, Some("br0")),
            (Some(near), near, Some("br0")),
            (Some(Ipv4Addr::BROADCAST), Ipv4Addr::BROADCAST, Some("br0")),
            (Some(far), far, None),
        ] {
            let from = if by.is_some() { server } else { Ipv4Addr::UNSPECIFIED };
            assert_eq!(road(broadcast, own, server, "br0"), Road { to, from, by }, "{broadcast:?}");
        }
    }

    #[test]
    fn a_magic_packet() {
        let packet = magic(Mac([2, 0, 0, 0, 0, 9]));
        assert_eq!((packet.len(), &packet[..12]), (102, &[255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 9][..]));
    }
}
