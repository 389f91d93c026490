//! Which packets are of a TFTP transfer: blocks go between two ports of no fixed number, which only the request tells.

use super::{Frame, tftp};
use etherparse::{LaxNetSlice, LaxSlicedPacket, TransportSlice};
use std::{collections::VecDeque, net::IpAddr, sync::Arc};

/// Transfers that are remembered: more than a segment's machines have under way at once.
const MOST: usize = 1024;

/// The transfers that were asked for, the newest last. Packets are to be told in their order.
#[derive(Clone, Debug, Default)]
pub struct Conversations {
    transfers: VecDeque<((IpAddr, u16), Arc<str>)>,
}

impl Conversations {
    /// The file that this frame asks for or carries; none where it is of no transfer that was seen to begin.
    pub fn follow(&mut self, frame: &Frame) -> Option<Arc<str>> {
        let (from, to, payload) = datagram(&frame.data)?;
        if to.1 == 69 {
            let file: Arc<str> = tftp::file(payload)?.into();
            // The port may have been another transfer's before.
            self.transfers.retain(|(client, _)| *client != from);
            if self.transfers.len() >= MOST {
                self.transfers.pop_front();
            }
            self.transfers.push_back((from, file.clone()));
            return Some(file);
        }
        let is_free = |port: u16| port >= 1024;
        if !is_free(from.1) || !is_free(to.1) {
            return None;
        }
        let of = |client: &(IpAddr, u16)| *client == from || *client == to;
        self.transfers.iter().rev().find(|(client, _)| of(client)).map(|(_, file)| file.clone())
    }
}

type End = (IpAddr, u16);

fn datagram(data: &[u8]) -> Option<(End, End, &[u8])> {
    let sliced = LaxSlicedPacket::from_ethernet(data).ok()?;
    let TransportSlice::Udp(udp) = sliced.transport? else { return None };
    let (source, destination): (IpAddr, IpAddr) = match sliced.net? {
        LaxNetSlice::Ipv4(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        LaxNetSlice::Ipv6(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        LaxNetSlice::Arp(_) => return None,
    };
    let payload = udp.slice().get(8..).unwrap_or_default();
    Some(((source, udp.source_port()), (destination, udp.destination_port()), payload))
}
