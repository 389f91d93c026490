//! DHCP messages: decoded, decided on in every mode, answered, folded.

use super::{
    is_printable,
    segment::{MACHINE, SERVER, at, conf},
};
use dhcproto::{
    Decodable, Decoder,
    v4::{Message, MessageType, Opcode},
};
use jiff::Timestamp;
use pxelator::{
    conf::{Conf, Loader, Mode},
    event::Event,
    servers::dhcp::{Addresses, Answer, Decision, Port, Request, View, decide, encode},
    state::{Leases, State},
};
use std::sync::Arc;

/// One packet.
pub fn dhcp_request(data: &[u8]) {
    match Request::decode(data) {
        Ok(request) => {
            assert!(!request.mac.is_nobody());
            assert!([&request.hostname, &request.vendor].into_iter().flatten().all(|text| is_printable(text)));
            assert!(!request.client().is_empty());
        }
        Err(error) => assert!(is_printable(&error.to_string())),
    }
}

/// A talk: the mode, then packets, each after its seconds since the last and its length in two bytes.
pub fn dhcp_decide(data: &[u8]) {
    let Some((&choice, mut rest)) = data.split_first() else { return };
    let mode = [Mode::Authoritative, Mode::Proxy, Mode::Off][usize::from(choice) % 3];
    let port = if choice & 0x40 == 0 { Port::Server } else { Port::BootServer };
    let loader = if choice & 0x80 == 0 { Loader::Ipxe } else { Loader::Pxelinux };
    let mut bed =
        Bed { conf: conf(mode, loader, ""), addresses: Addresses::new(Leases::default()), state: State::default() };
    let mut second = 0;
    while let [seconds, high, low, tail @ ..] = rest {
        second += i64::from(*seconds);
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(tail.len());
        let (packet, next) = tail.split_at(length);
        rest = next;
        if let Ok(request) = Request::decode(packet) {
            bed.ask(&request, port, at(second));
        }
    }
}

struct Bed {
    conf: Conf,
    addresses: Addresses,
    state: State,
}

impl Bed {
    fn ask(&mut self, request: &Request, port: Port, now: Timestamp) {
        let Some(segment) = self.conf.segments.get(&SERVER).cloned() else { return };
        let mut asked = Vec::new();
        // Nobody ever answers a probe here, so the second look must end in an answer.
        for _ in 0..2 {
            let view = View {
                conf: &self.conf,
                segment: &segment,
                addresses: &self.addresses,
                now,
                standing: Default::default(),
            };
            match decide(request, port, view) {
                Decision::Answer(answer) => return self.settle(request, answer, now),
                Decision::Probe(address) => asked.extend(address),
            }
            let probed = self.addresses.to_probe(&asked, 1, &segment, now, 16);
            probed.into_iter().for_each(|address| self.addresses.unanswered(address, now));
        }
        panic!("{request:?} is never answered");
    }

    fn settle(&mut self, request: &Request, answer: Answer, now: Timestamp) {
        if let Some(reply) = &answer.reply {
            self.check(request, reply, now);
        }
        answer.settle(request, &mut self.addresses);
        for event in answer.events {
            let text = serde_json::to_string(&event).expect("an event is JSON");
            assert_eq!(serde_json::from_str::<Event>(&text).expect("and back"), event);
            assert!(is_printable(&event.fact.to_string()));
            self.state.apply(&Arc::new(event));
        }
        let due = self.state.due(now);
        due.into_iter().for_each(|event| self.state.apply(&Arc::new(event)));
    }

    fn check(&self, request: &Request, reply: &Message, now: Timestamp) {
        let bytes = encode(reply).expect("a reply can be encoded");
        let read = Message::decode(&mut Decoder::new(&bytes)).expect("a reply can be decoded");
        assert_eq!((read.opcode(), read.xid(), read.chaddr()), (Opcode::BootReply, request.xid, &request.mac.0[..]));
        let (kind, address) = (read.opts().msg_type(), read.yiaddr());
        if address.is_unspecified() {
            return;
        }
        assert!(matches!(kind, Some(MessageType::Offer | MessageType::Ack)), "{kind:?} gives {address}");
        if request.mac == MACHINE.1 {
            assert_eq!(address, MACHINE.0);
            return;
        }
        let pool = self.conf.segments[&SERVER].pool.expect("a pool");
        assert!(pool.contains(address) && address != MACHINE.0, "{address} is given to {}", request.mac);
        if let Some(lease) = self.addresses.leases().get(address).filter(|lease| lease.is_active(now)) {
            assert_eq!(lease.client, request.client(), "{address} is given to two");
        }
    }
}
