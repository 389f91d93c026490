//! Wake-on-LAN: the magic packet, sent to all stations of the segment.

use super::{Ill, Power, PowerError, Steps, Target};
use crate::{
    conf::power,
    event::{Action, Manner, PowerState},
    net::{self, Mac},
};
use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

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
        let sent = async {
            let socket = net::udp(SocketAddr::from((target.segment.server, 0)), Some(&target.interface.name))?;
            let everyone = self.broadcast.unwrap_or(target.segment.network().broadcast());
            let everyone = SocketAddr::from((everyone, PORT));
            socket.send_to(&magic(target.machine.mac), everyone).await
        };
        sent.await.map(|_| Manner::Done).map_err(|error| {
            PowerError::new(
                format!("the magic packet could not be sent on {}: {error}", target.interface.name),
                "see that the interface is up: ip link",
            )
        })
    }

    async fn observe(&self, _: &Target) -> Result<Option<PowerState>, PowerError> {
        Ok(None)
    }

    async fn examine(&self, target: &Target, steps: &mut Steps) -> Result<(), Ill> {
        let socket = net::udp(SocketAddr::from((target.segment.server, 0)), Some(&target.interface.name));
        let socket = socket.map(drop).map_err(|error| {
            PowerError::new(
                format!("no magic packet can be sent on {}: {error}", target.interface.name),
                "see that the interface is up: ip link",
            )
        });
        steps.step("socket", socket, |()| format!("a magic packet can be sent on {}", target.interface.name))
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(3600)
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
    #[test]
    fn a_magic_packet() {
        let packet = super::magic(crate::net::Mac([2, 0, 0, 0, 0, 9]));
        assert_eq!((packet.len(), &packet[..12]), (102, &[255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 9][..]));
    }
}
