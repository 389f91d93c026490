//! Tables for `decide`: who gets which answer.

use super::{addresses::Addresses, *};
use crate::{
    conf::{Conf, Machine, Mode, Pool, Profile, Segment},
    event::{Architecture, Event, Fact},
    net::Mac,
    state::Leases,
};
use dhcproto::v4::{DhcpOption, Message, MessageType, OptionCode};
use jiff::Timestamp;
use std::{net::Ipv4Addr, sync::Arc};

const KNOWN: Mac = Mac([2, 0, 0, 0, 0, 60]);
const STRANGER: Mac = Mac([2, 0, 0, 0, 0, 99]);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn ip(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 77, 0, last)
}

struct Bed {
    conf: Conf,
    addresses: Addresses,
    now: i64,
}

impl Bed {
    fn new(change: impl FnOnce(&mut Segment)) -> Bed {
        let mut segment = Segment {
            pool: Some(Pool { first: ip(100), last: ip(103) }),
            boot: Some("p".into()),
            ..Segment::new(ip(1))
        };
        let machine = Machine::new(ip(60), KNOWN, "known");
        segment.machines.insert(ip(60), Arc::new(machine));
        change(&mut segment);
        let profile = Profile::new("p", &[("kernel", "k")]);
        let conf = Conf {
            segments: [(ip(1), Arc::new(segment))].into(),
            profiles: [("p".to_owned(), Arc::new(profile))].into(),
            ..Conf::default()
        };
        let mut bed = Bed { conf, addresses: Addresses::new(Leases::default()), now: 0 };
        bed.probe();
        bed
    }

    fn probe(&mut self) {
        let segment = self.conf.segments[&ip(1)].clone();
        let asked = self.addresses.to_probe(&[], 0, &segment, at(self.now), 100);
        asked.into_iter().for_each(|address| self.addresses.unanswered(address, at(self.now)));
    }

    fn ask(&mut self, request: &Request) -> (Option<Message>, Vec<String>) {
        self.ask_port(request, Port::Server)
    }

    fn ask_port(&mut self, request: &Request, port: Port) -> (Option<Message>, Vec<String>) {
        let segment = self.conf.segments[&ip(1)].clone();
        let view = View {
            conf: &self.conf,
            segment: &segment,
            addresses: &self.addresses,
            now: at(self.now),
            standing: Default::default(),
        };
        let Decision::Answer(answer) = decide(request, port, view) else { return (None, vec!["probe".into()]) };
        answer.settle(request, &mut self.addresses);
        (answer.reply, answer.events.iter().map(|event| event.kind().to_owned()).collect())
    }

    fn lease(&mut self, mac: Mac) -> Ipv4Addr {
        let (offer, _) = self.ask(&request(Kind::Discover, mac));
        let address = offer.expect("an offer").yiaddr();
        let wish = Request { requested: Some(address), server: Some(ip(1)), ..request(Kind::Request, mac) };
        let (ack, kinds) = self.ask(&wish);
        assert_eq!((ack.unwrap().yiaddr(), kinds), (address, vec!["dhcp.acknowledged".to_owned()]));
        address
    }
}

fn request(kind: Kind, mac: Mac) -> Request {
    Request {
        kind,
        xid: 7,
        secs: 0,
        broadcast: false,
        ciaddr: None,
        giaddr: None,
        mac,
        requested: None,
        server: None,
        hostname: None,
        vendor: None,
        architecture: None,
        ipxe: false,
        client_id: None,
        relay_info: None,
        uuid: None,
        wanted: vec![],
    }
}

fn pxe(kind: Kind, architecture: Architecture) -> Request {
    Request {
        vendor: Some("PXEClient:Arch:00007".into()),
        architecture: Some(architecture),
        uuid: Some(vec![0; 17]),
        ..request(kind, KNOWN)
    }
}

fn kind(message: &Option<Message>) -> Option<MessageType> {
    message.as_ref().and_then(|m| m.opts().msg_type())
}

#[test]
fn a_reservation_is_offered_and_a_stranger_gets_from_the_pool() {
    let mut bed = Bed::new(|_| {});
    assert_eq!(bed.lease(KNOWN), ip(60));
    assert_eq!(bed.lease(STRANGER), ip(100));
    bed.now = 4000;
    bed.probe();
    assert_eq!(bed.lease(Mac([2, 0, 0, 0, 0, 98])), ip(101), "an ended lease is kept for its client");
    assert_eq!(bed.lease(STRANGER), ip(100));
}

#[test]
fn strangers_get_nothing_without_a_pool() {
    let mut bed = Bed::new(|segment| segment.pool = None);
    let (reply, kinds) = bed.ask(&request(Kind::Discover, STRANGER));
    assert_eq!((reply, kinds), (None, vec!["dhcp.discovered".into(), "dhcp.ignored".into()]));
    assert_eq!(bed.lease(KNOWN), ip(60));
}

#[test]
fn an_empty_stock_asks_for_a_probe_and_a_full_pool_says_so() {
    let mut bed = Bed::new(|_| {});
    bed.addresses = Addresses::new(Leases::default());
    assert_eq!(bed.ask(&request(Kind::Discover, STRANGER)).1, ["probe"]);
    bed.probe();
    let leased: Vec<_> = (1..=4).map(|n| bed.lease(Mac([2, 0, 0, 0, 1, n]))).collect();
    assert_eq!(leased, [100, 101, 102, 103].map(ip));
    bed.probe();
    assert_eq!(bed.ask(&request(Kind::Discover, STRANGER)).1, ["dhcp.discovered", "dhcp.ignored"]);
    bed.now = 4000;
    bed.probe();
    bed.lease(STRANGER);
}

#[test]
fn two_that_ask_at_once_are_offered_different_addresses() {
    let mut bed = Bed::new(|_| {});
    let first = bed.ask(&request(Kind::Discover, STRANGER)).0.unwrap().yiaddr();
    let again = bed.ask(&request(Kind::Discover, STRANGER)).0.unwrap().yiaddr();
    let other = bed.ask(&request(Kind::Discover, Mac([2, 0, 0, 0, 0, 98]))).0.unwrap().yiaddr();
    assert_eq!((first, again, other), (ip(100), ip(100), ip(101)));
    let elsewhere = Request { server: Some(ip(2)), requested: Some(ip(9)), ..request(Kind::Request, STRANGER) };
    assert_eq!(bed.ask(&elsewhere), (None, vec!["dhcp.outbid".to_owned()]));
    bed.probe();
    assert!((0..3).any(|n| bed.ask(&request(Kind::Discover, Mac([2, 0, 0, 0, 2, n]))).0.unwrap().yiaddr() == ip(100)));
}

#[test]
fn what_a_request_is_answered() {
    use MessageType::{Ack, Nak};
    let mut bed = Bed::new(|_| {});
    assert_eq!(bed.lease(STRANGER), ip(100));
    let other = Mac([2, 0, 0, 0, 0, 98]);
    let base = request(Kind::Request, STRANGER);
    let init = |address| Request { requested: Some(address), ..base.clone() };
    let renew = |address| Request { ciaddr: Some(address), ..base.clone() };
    let by = |mac, request: Request| Request { mac, ..request };
    for (what, request, answer) in [
        ("INIT-REBOOT with its own", init(ip(100)), Some(Ack)),
        ("INIT-REBOOT with another's", by(other, init(ip(100))), Some(Nak)),
        ("INIT-REBOOT of a stranger", by(other, init(ip(103))), None),
        ("INIT-REBOOT from another network", init([192, 168, 0, 5].into()), Some(Nak)),
        ("INIT-REBOOT outside the pool", init(ip(200)), Some(Nak)),
        ("renewing", renew(ip(100)), Some(Ack)),
        ("renewing another's", by(other, renew(ip(100))), Some(Nak)),
        ("renewing what was forgotten", by(other, renew(ip(102))), Some(Ack)),
        ("a reservation with a wrong address", by(KNOWN, init(ip(100))), Some(Nak)),
        ("a reservation", by(KNOWN, init(ip(60))), Some(Ack)),
        ("what is another's by conf", init(ip(60)), Some(Nak)),
        ("no address at all", base.clone(), Some(Nak)),
        ("a relay of another subnet", Request { giaddr: Some([10, 9, 9, 9].into()), ..init(ip(100)) }, None),
    ] {
        assert_eq!(kind(&bed.ask(&request).0), answer, "{what}");
    }
}

#[test]
fn release_decline_and_conflict() {
    let mut bed = Bed::new(|_| {});
    assert_eq!(bed.lease(STRANGER), ip(100));
    let foreign = Request { ciaddr: Some(ip(100)), ..request(Kind::Release, KNOWN) };
    assert_eq!(bed.ask(&foreign).1, ["dhcp.ignored"]);
    let own = Request { ciaddr: Some(ip(100)), ..request(Kind::Release, STRANGER) };
    assert_eq!(bed.ask(&own).1, ["dhcp.released"]);
    assert!(!bed.addresses.leases().get(ip(100)).unwrap().is_active(at(bed.now)));
    assert_eq!(bed.lease(STRANGER), ip(100));
    let decline = Request { requested: Some(ip(100)), ..request(Kind::Decline, STRANGER) };
    assert_eq!(bed.ask(&Request { mac: KNOWN, ..decline.clone() }).1, ["dhcp.ignored"]);
    assert_eq!(bed.ask(&decline).1, ["dhcp.declined"]);
    assert_eq!(bed.lease(STRANGER), ip(101));
    assert!(bed.addresses.is_conflict(ip(102), at(0)) && !bed.addresses.is_conflict(ip(101), at(0)));
    let fact = Fact::DhcpConflicted { address: ip(102), owner: KNOWN, until: at(600) };
    bed.addresses.apply(&Event::new(Some(ip(1)), fact));
    assert_eq!(bed.lease(Mac([2, 0, 0, 0, 0, 98])), ip(103));
}

#[test]
fn the_boot_file_follows_the_firmware() {
    let mut bed = Bed::new(|_| {});
    for (architecture, file) in [
        (Architecture::Bios, "undionly.kpxe"),
        (Architecture::UefiX64, "ipxe.efi"),
        (Architecture::UefiArm64, "ipxe-arm64.efi"),
    ] {
        let offer = bed.ask(&pxe(Kind::Discover, architecture)).0.unwrap();
        assert_eq!(offer.fname_str().unwrap().unwrap().trim_end_matches('\0'), file);
        assert_eq!(offer.siaddr(), ip(1));
        assert!(offer.opts().contains(OptionCode::VendorExtensions));
    }
    let http = Request { vendor: Some("HTTPClient".into()), ..pxe(Kind::Discover, Architecture::UefiHttpX64) };
    let offer = bed.ask(&http).0.unwrap();
    assert_eq!(
        offer.opts().get(OptionCode::BootfileName),
        Some(&DhcpOption::BootfileName(b"http://10.77.0.1/ipxe.efi".to_vec()))
    );
    let ipxe = Request { ipxe: true, ..pxe(Kind::Discover, Architecture::Bios) };
    let bytes = encode(&bed.ask(&ipxe).0.unwrap()).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("http://10.77.0.1/boot.ipxe?mac=") && bytes.windows(5).any(|w| w == [175, 3, 176, 1, 1]));
    let plain = bed.ask(&request(Kind::Discover, KNOWN)).0.unwrap();
    assert_eq!(plain.opts().get(OptionCode::BootfileName), None);
}

#[test]
fn option_82_is_echoed_last_as_it_came_and_short_messages_are_padded() {
    let mut bed = Bed::new(|_| {});
    let info = vec![1, 4, 0, 0xff, 9, 9, 151, 0];
    let relayed = Request { giaddr: Some(ip(2)), relay_info: Some(info.clone()), ..request(Kind::Discover, KNOWN) };
    let bytes = encode(&bed.ask(&relayed).0.unwrap()).unwrap();
    let mut tail = vec![82, 8];
    tail.extend(&info);
    assert_eq!(bytes.windows(tail.len()).filter(|w| *w == tail).count(), 1, "{bytes:?}");
    tail.push(255);
    assert!(bytes.windows(tail.len()).any(|w| w == tail), "{bytes:?}");
    assert!(bytes.len() >= 300);
    let long = Request { relay_info: Some(vec![7; 300]), ..relayed };
    let bytes = encode(&bed.ask(&long).0.unwrap()).unwrap();
    let parts = [&[82, 255][..], &[7; 255], &[82, 45], &[7; 45], &[255]].concat();
    assert!(bytes.ends_with(&parts), "in two parts (RFC 3396): {bytes:?}");
}

#[test]
fn a_proxy_gives_boot_files_and_no_addresses() {
    let mut bed = Bed::new(|segment| segment.mode = Mode::Proxy);
    let offer = bed.ask(&pxe(Kind::Discover, Architecture::Bios)).0.unwrap();
    assert_eq!((offer.yiaddr(), offer.opts().contains(OptionCode::AddressLeaseTime)), (Ipv4Addr::UNSPECIFIED, false));
    let asked = Request { ciaddr: Some(ip(60)), ..pxe(Kind::Request, Architecture::UefiX64) };
    assert_eq!(kind(&bed.ask_port(&asked, Port::BootServer).0), Some(MessageType::Ack));
    assert_eq!(bed.ask(&asked).0, None, "the other server's to answer");
    assert_eq!(bed.ask(&request(Kind::Discover, KNOWN)).1, ["dhcp.discovered", "dhcp.ignored"]);
    let mut off = Bed::new(|segment| segment.mode = Mode::Off);
    assert_eq!(off.ask(&pxe(Kind::Discover, Architecture::Bios)).0, None);
}
