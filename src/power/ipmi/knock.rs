//! Whether anything speaks RMCP at a place: a presence ping (ASF 2.0, section 3.2.4.2) and IPMI's first question, which
//! needs no session. Knows nothing of ipmitool and of users.

use super::PowerError;
use crate::net;
use std::{
    io::ErrorKind,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

/// Asked so often, since datagrams get lost.
const TIMES: usize = 3;
/// What each may take.
const EACH: Duration = Duration::from_secs(1);

/// RMCP 1.0, no sequence, class ASF; ASF's number at IANA, presence ping, tag 1.
const PING: [u8; 12] = [6, 0, 0xff, 6, 0, 0, 0x11, 0xbe, 0x80, 1, 0, 0];
/// RMCP 1.0, class IPMI; no session; Get Channel Authentication Capabilities (IPMI 2.0, section 22.13): version 2 where it can,
/// this channel, operator.
const CAPABILITIES: [u8; 23] =
    [6, 0, 0xff, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0x20, 0x18, 0xc8, 0x81, 0, 0x38, 0x8e, 0x03, 0xb6];

/// Waits for any answer by RMCP. `place` is how the operator knows it.
pub async fn knock(at: SocketAddr, place: &str) -> Result<(), PowerError> {
    let own: SocketAddr = match at {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let ask = async {
        let socket = net::udp(own, None)?;
        socket.connect(at).await?;
        let mut answer = [0; 512];
        for _ in 0..TIMES {
            socket.send(&PING).await?;
            socket.send(&CAPABILITIES).await?;
            let Ok(answered) = tokio::time::timeout(EACH, socket.recv(&mut answer)).await else { continue };
            return Ok(Some(is_rmcp(&answer[..answered?])));
        }
        std::io::Result::Ok(None)
    };
    match ask.await {
        Ok(Some(true)) => Ok(()),
        Ok(Some(false)) => Err(PowerError::new(
            format!("what answers at {place} (UDP) does not speak RMCP"),
            "see that host and port in `power` are those of the controller",
        )),
        Ok(None) => Err(silent(place)),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Err(PowerError::new(
            format!("nothing listens at {place} (UDP)"),
            "switch IPMI over LAN on in the controller's settings, and see that host and port in `power` are its own",
        )),
        Err(error) => Err(PowerError::new(
            format!("{place} cannot be reached: {error}"),
            "see that there is a way to it: ip route get",
        )),
    }
}

/// Nothing answers there.
pub fn silent(place: &str) -> PowerError {
    PowerError::new(
        format!("no answer from {place} (UDP)"),
        "see that the controller has power and a cable, and that IPMI over LAN is switched on in its settings",
    )
}

/// Version 1.0 with a class that is known: ASF or IPMI.
fn is_rmcp(answer: &[u8]) -> bool {
    matches!(answer, [6, _, _, class, ..] if matches!(class & 0x1f, 6 | 7))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_of_the_first_question() {
        let sum = |bytes: &[u8]| bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        assert_eq!(sum(&CAPABILITIES[14..17]), 0, "of addresses");
        assert_eq!(sum(&CAPABILITIES[17..]), 0, "of the command");
        assert_eq!(usize::from(CAPABILITIES[13]), CAPABILITIES.len() - 14, "its length");
    }

    #[test]
    fn answers() {
        for (answer, is) in [
            (&[6, 0, 0xff, 6, 0, 0, 0x11, 0xbe, 0x40][..], true),
            (&[6, 0, 0xff, 7, 0], true),
            (&[6, 0, 0xff, 0x86], true),
            (&[6, 0, 0xff, 8], false),
            (b"HTTP/1.1 400", false),
            (&[6], false),
            (&[], false),
        ] {
            assert_eq!(is_rmcp(answer), is, "{answer:?}");
        }
    }
}
