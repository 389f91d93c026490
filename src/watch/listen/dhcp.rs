//! DHCP as others speak it: who asks, and which server answers. And the question that only others answer. Pure.

use super::sight::{Sight, What};
use crate::{event::printable, net::Mac, packet::options};
use dhcproto::{
    Encodable,
    v4::{DhcpOption, Flags, Message, MessageType, OptionCode},
};
use std::net::Ipv4Addr;

/// The header and the magic cookie (RFC 2131, section 2).
const OPTIONS: usize = 240;
const COOKIE: [u8; 4] = [99, 130, 83, 99];
/// BOOTP's least: some servers take no shorter message (RFC 1542, section 2.1).
const LEAST: usize = 300;
/// Characters of a name.
const NAME: usize = 63;

/// What the payload of a datagram from or to port 67 tells.
pub fn sight(sender: Mac, source: Ipv4Addr, payload: &[u8]) -> Option<Sight> {
    let header = payload.get(..OPTIONS)?;
    if header[236..240] != COOKIE || (header[1], header[2]) != (1, 6) {
        return None;
    }
    let at = |place: usize| Ipv4Addr::new(header[place], header[place + 1], header[place + 2], header[place + 3]);
    let some = |address: Ipv4Addr| (!address.is_unspecified()).then_some(address);
    let options = options(payload);
    match header[0] {
        1 => {
            let mac = Mac::from_slice(&header[28..34]).filter(|mac| !mac.is_nobody())?;
            // A relay speaks for others, who are on another segment.
            if some(at(24)).is_some() {
                return None;
            }
            let name = options
                .get(12)
                .map(|name| printable(&String::from_utf8_lossy(name), NAME))
                .filter(|name| !name.is_empty());
            Some(Sight { mac, what: What::DhcpAsked { name, address: some(at(12)) } })
        }
        2 => {
            let own = options.get(54).and_then(|own| <[u8; 4]>::try_from(own).ok()).map(Ipv4Addr::from);
            // OFFER, ACK, NAK; BOOTP's answer has no kind.
            if !matches!(options.get(53), None | Some([2 | 5 | 6])) {
                return None;
            }
            let server = own.and_then(some).or(some(source))?;
            Some(Sight { mac: sender, what: What::DhcpAnswered { server, offered: some(at(16)) } })
        }
        _ => None,
    }
}

/// A DHCPDISCOVER of this client, whose answers are broadcast.
pub fn discover(client: Mac, xid: u32) -> Option<Vec<u8>> {
    let mut message = Message::default();
    message.set_xid(xid).set_flags(Flags::default().set_broadcast()).set_chaddr(&client.0);
    let options = message.opts_mut();
    options.insert(DhcpOption::MessageType(MessageType::Discover));
    options.insert(DhcpOption::ParameterRequestList(vec![OptionCode::SubnetMask, OptionCode::Router]));
    let mut bytes = message.to_vec().ok()?;
    bytes.resize(bytes.len().max(LEAST), 0);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use dhcproto::v4::Opcode;

    #[test]
    fn questions_and_answers() {
        let (client, server) = (Mac([0x56, 0x54, 0, 0, 0, 1]), Mac([0x52, 0x54, 0, 0, 0, 9]));
        let asked = discover(client, 7).unwrap();
        assert!(asked.len() >= LEAST && asked[10] == 0x80, "broadcast");
        let seen = sight(server, Ipv4Addr::UNSPECIFIED, &asked);
        assert_eq!(seen, Some(Sight { mac: client, what: What::DhcpAsked { name: None, address: None } }));
        let mut offer = Message::default();
        offer.set_opcode(Opcode::BootReply).set_yiaddr([10, 77, 0, 200]).set_chaddr(&client.0);
        offer.opts_mut().insert(DhcpOption::MessageType(MessageType::Offer));
        let source = Ipv4Addr::new(10, 77, 0, 2);
        let answered = |server| What::DhcpAnswered { server, offered: Some(Ipv4Addr::new(10, 77, 0, 200)) };
        let seen = sight(server, source, &offer.to_vec().unwrap());
        assert_eq!(seen, Some(Sight { mac: server, what: answered(source) }));
        let other = Ipv4Addr::new(10, 77, 0, 3);
        offer.opts_mut().insert(DhcpOption::ServerIdentifier(other));
        let bytes = offer.to_vec().unwrap();
        assert_eq!(sight(server, source, &bytes), Some(Sight { mac: server, what: answered(other) }));
        for length in 0..bytes.len() {
            sight(server, source, &bytes[..length]);
        }
    }
}
