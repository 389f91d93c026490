//! Builds the messages of a server, and says where they go. Pure.

use super::request::Request;
use crate::conf::{Machine, Segment};
use dhcproto::{
    Encodable,
    v4::{DhcpOption, Flags, Message, MessageType, Opcode, OptionCode, UnknownOption},
};
use std::net::{Ipv4Addr, SocketAddrV4};

/// The shortest message that old BOOTP relays and clients take (RFC 1542, section 2.1).
const SHORTEST: usize = 300;
/// The option that ends all options.
const END: u8 = 255;
/// PXE_DISCOVERY_CONTROL = 8: load the file that is named here, ask no other boot server (PXE 2.1, table 2-1).
const NO_DISCOVERY: [u8; 4] = [6, 1, 8, 255];
/// iPXE's own option 175 with 176 = 1: do not wait for a proxyDHCP.
const NO_PROXY: [u8; 3] = [176, 1, 1];

/// What a client is told.
pub struct Terms<'a> {
    pub kind: MessageType,
    pub segment: &'a Segment,
    pub machine: Option<&'a Machine>,
    pub address: Ipv4Addr,
    /// Seconds; none in the answer to a DHCPINFORM.
    pub lease: Option<u32>,
    pub boot_file: Option<String>,
}

/// Where a reply is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Through the socket.
    Socket(SocketAddrV4),
    /// In a frame to the client's hardware address: it cannot answer ARP yet.
    Station(SocketAddrV4),
}

/// An offer or acknowledgement.
pub fn build(request: &Request, terms: &Terms<'_>) -> Message {
    let segment = terms.segment;
    let mut message = begun(request, terms.kind, segment);
    if terms.lease.is_some() {
        message.set_yiaddr(terms.address);
    }
    if terms.kind == MessageType::Ack {
        message.set_ciaddr(request.ciaddr.unwrap_or(Ipv4Addr::UNSPECIFIED)); // RFC 2131, table 3
    }
    let options = message.opts_mut();
    options.insert(DhcpOption::SubnetMask(segment.network().netmask()));
    options.insert(DhcpOption::BroadcastAddr(segment.network().broadcast()));
    options.insert(DhcpOption::DomainNameServer(vec![segment.server]));
    options.insert(DhcpOption::DomainName(segment.domain.clone()));
    if let Some(gateway) = segment.gateway {
        options.insert(DhcpOption::Router(vec![gateway]));
    }
    if !segment.ntp.is_empty() {
        options.insert(DhcpOption::NtpServers(segment.ntp.clone()));
    }
    if let Some(machine) = terms.machine {
        options.insert(DhcpOption::Hostname(machine.hostname.clone()));
    }
    options.insert(raw(7, segment.server.octets().to_vec()));
    if let Some(lease) = terms.lease {
        options.insert(DhcpOption::AddressLeaseTime(lease));
        options.insert(DhcpOption::Renewal(lease / 2));
        options.insert(DhcpOption::Rebinding(u32::try_from(u64::from(lease) * 7 / 8).unwrap_or(lease)));
    }
    boot(&mut message, request, segment, terms.boot_file.as_deref());
    message
}

/// A DHCPNAK.
pub fn refusal(request: &Request, segment: &Segment) -> Message {
    let mut message = begun(request, MessageType::Nak, segment);
    if request.giaddr.is_some() {
        // The relay is to broadcast it, for the client has no address that is right (RFC 2131, section 4.3.2).
        message.set_flags(Flags::default().set_broadcast());
    }
    message
}

/// Boot information without an address.
pub fn proxy(request: &Request, kind: MessageType, segment: &Segment, file: String) -> Message {
    let mut message = begun(request, kind, segment);
    message.set_ciaddr(request.ciaddr.unwrap_or(Ipv4Addr::UNSPECIFIED));
    boot(&mut message, request, segment, Some(&file));
    message
}

fn begun(request: &Request, kind: MessageType, segment: &Segment) -> Message {
    let mut message = Message::default();
    let flags = if request.broadcast { Flags::default().set_broadcast() } else { Flags::default() };
    message
        .set_opcode(Opcode::BootReply)
        .set_xid(request.xid)
        .set_flags(flags)
        .set_giaddr(request.giaddr.unwrap_or(Ipv4Addr::UNSPECIFIED))
        .set_chaddr(&request.mac.0);
    let options = message.opts_mut();
    options.insert(DhcpOption::MessageType(kind));
    options.insert(DhcpOption::ServerIdentifier(segment.server));
    if let Some(info) = &request.relay_info {
        // As it came, whatever is in it (RFC 3046, section 2.2).
        options.insert(raw(82, info.clone()));
    }
    if let Some(id) = &request.client_id {
        options.insert(raw(61, id.clone())); // RFC 6842
    }
    message
}

fn boot(message: &mut Message, request: &Request, segment: &Segment, file: Option<&str>) {
    let Some(file) = file else { return };
    message.set_siaddr(segment.server);
    if file.len() < 128 {
        message.set_fname_str(file);
    }
    let options = message.opts_mut();
    options.insert(DhcpOption::TFTPServerName(segment.server.to_string().into_bytes()));
    options.insert(DhcpOption::BootfileName(file.as_bytes().to_vec()));
    if request.is_http() {
        options.insert(DhcpOption::ClassIdentifier(b"HTTPClient".to_vec()));
    } else if request.is_pxe() {
        options.insert(DhcpOption::ClassIdentifier(b"PXEClient".to_vec()));
        options.insert(raw(43, NO_DISCOVERY.to_vec()));
    }
    if let Some(uuid) = &request.uuid {
        options.insert(raw(97, uuid.clone())); // RFC 4578, section 2.3
    }
    if request.ipxe {
        options.insert(raw(175, NO_PROXY.to_vec()));
    }
}

fn raw(code: u8, bytes: Vec<u8>) -> DhcpOption {
    DhcpOption::Unknown(UnknownOption::new(OptionCode::from(code), bytes))
}

/// Where `reply` to `request` goes (RFC 2131, section 4.1).
pub fn destination(request: &Request, reply: &Message) -> Destination {
    const CLIENT: u16 = 68;
    let broadcast = Destination::Socket(SocketAddrV4::new(Ipv4Addr::BROADCAST, CLIENT));
    if let Some(relay) = request.giaddr {
        return Destination::Socket(SocketAddrV4::new(relay, 67));
    }
    if reply.opts().msg_type() == Some(MessageType::Nak) {
        return broadcast;
    }
    match request.ciaddr {
        Some(address) => Destination::Socket(SocketAddrV4::new(address, CLIENT)),
        None if request.broadcast || reply.yiaddr().is_unspecified() => broadcast,
        None => Destination::Station(SocketAddrV4::new(reply.yiaddr(), CLIENT)),
    }
}

/// The bytes of a message. Errors are dhcproto's: none for messages of this file.
pub fn encode(message: &Message) -> Result<Vec<u8>, dhcproto::error::EncodeError> {
    let mut message = message.clone();
    // dhcproto would write an option 82 of raw bytes twice, and of one beyond 255 bytes a wrong length.
    let info = match message.opts_mut().remove(OptionCode::RelayAgentInformation) {
        Some(DhcpOption::Unknown(info)) => info.into_parts().1,
        _ => Vec::new(),
    };
    let mut bytes = message.to_vec()?;
    if bytes.last() == Some(&END) {
        bytes.pop();
    }
    for part in info.chunks(255) {
        bytes.extend([82, u8::try_from(part.len()).unwrap_or(u8::MAX)]); // RFC 3396, section 5
        bytes.extend_from_slice(part);
    }
    bytes.push(END);
    bytes.resize(bytes.len().max(SHORTEST), 0);
    Ok(bytes)
}
