//! mDNS (RFC 6762): the name that a host gives itself. Pure.

use crate::event::printable;
use hickory_proto::{
    op::{Message, MessageType},
    rr::{Name, RData},
};
use std::net::Ipv4Addr;

/// Characters of a name.
const NAME: usize = 63;

/// The name of a host that answers with its own address, without `.local`.
pub fn name_of(payload: &[u8], sender: Ipv4Addr) -> Option<String> {
    let message = Message::from_vec(payload).ok()?;
    if message.metadata.message_type != MessageType::Response {
        return None;
    }
    // Also those that it adds without being asked.
    let records = message.answers.iter().chain(&message.additionals);
    let own = records.filter(|record| matches!(&record.data, RData::A(address) if address.0 == sender));
    own.map(|record| &record.name).find_map(label)
}

/// The first label of `web1.local`.
fn label(name: &Name) -> Option<String> {
    let mut labels = name.iter();
    let first = labels.next()?;
    let is_local = labels.next().is_some_and(|label| label.eq_ignore_ascii_case(b"local")) && labels.next().is_none();
    let text = printable(&String::from_utf8_lossy(first), NAME);
    (is_local && !text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::{
        op::OpCode,
        rr::{DNSClass, Record, rdata},
    };
    use std::str::FromStr;

    #[test]
    fn names() {
        let own = Ipv4Addr::new(10, 77, 0, 60);
        let of = |name: &str, address: Ipv4Addr, kind: MessageType| {
            let mut message = Message::new(0, kind, OpCode::Query);
            let mut record = Record::from_rdata(Name::from_str(name).unwrap(), 120, RData::A(rdata::A(address)));
            // Others are to forget what they knew (section 10.2).
            record.dns_class = DNSClass::from(0x8001);
            message.answers.push(record);
            message.to_vec().unwrap()
        };
        let answer = of("printer.local.", own, MessageType::Response);
        assert_eq!(name_of(&answer, own).as_deref(), Some("printer"));
        assert_eq!(name_of(&answer, Ipv4Addr::new(10, 77, 0, 61)), None, "another's address");
        assert_eq!(name_of(&of("printer.local.", own, MessageType::Query), own), None);
        assert_eq!(name_of(&of("printer.example.org.", own, MessageType::Response), own), None);
        for length in 0..answer.len() {
            assert_eq!(name_of(&answer[..length], own), None);
        }
    }
}
