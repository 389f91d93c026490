use super::{
    fold::{Act, Recorder},
    track::SOFT,
};
use crate::{
    event::{Action, Asker, Event, Fact, LeaseSource, MachineSummary, Manner},
    net::Mac,
    state::State,
};
use etherparse::PacketBuilder;
use jiff::Timestamp;
use std::{net::Ipv4Addr, sync::Arc};

const SERVER: Mac = Mac([2, 0, 0, 0, 0, 1]);
const WEB1: Mac = Mac([2, 0, 0, 0, 0, 0x60]);
const WEB2: Mac = Mac([2, 0, 0, 0, 0, 0x61]);
const SEGMENT: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

/// A segment, its recorder, and what came of it: a line an act.
struct Story {
    state: State,
    recorder: Recorder,
    told: Vec<String>,
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(1_795_000_000_000 + millis).unwrap()
}

fn udp(from: Mac, to: Mac, ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    let builder = PacketBuilder::ethernet2(from.0, to.0).ipv4([10, 77, 0, 1], [10, 77, 0, 60], 64);
    builder.udp(ports.0, ports.1).write(&mut frame, payload).unwrap();
    frame
}

fn message(mac: Mac, kind: u8, xid: u8) -> Vec<u8> {
    let mut payload = vec![0; 240];
    payload[..8].copy_from_slice(&[1, 1, 6, 0, 0, 0, 0, xid]);
    payload[28..34].copy_from_slice(&mac.0);
    payload.extend([53, 1, kind, 255]);
    payload
}

impl Story {
    fn begin() -> Story {
        let mut story =
            Story { state: State::default(), recorder: Recorder::new(Some(SERVER), at(-1_000)), told: vec![] };
        let machine = |last: u8, mac, hostname: &str| MachineSummary {
            address: Ipv4Addr::new(10, 77, 0, last),
            mac,
            hostname: hostname.into(),
            boot: None,
            armed: None,
            last: None,
            firmware: None,
            power: None,
        };
        let machines = vec![machine(60, WEB1, "web1"), machine(61, WEB2, "web2")];
        story.event(
            0,
            None,
            Fact::ConfLoaded { domain: "lan".into(), mode: "authoritative".into(), pool: None, machines },
        );
        story
    }

    fn event(&mut self, millis: i64, mac: Option<Mac>, fact: Fact) {
        let address = mac.map(|mac| Ipv4Addr::new(10, 77, 0, if mac == WEB1 { 60 } else { 61 }));
        let event = Arc::new(Event { time: at(millis), ..Event::new(Some(SEGMENT), fact).about(address, mac) });
        self.state.apply(&event);
        self.recorder.event(&event);
    }

    fn frame(&mut self, millis: i64, frame: &[u8]) {
        self.recorder.frame(at(millis), u32::try_from(frame.len()).unwrap(), frame);
    }

    /// A firmware's DHCPDISCOVER and the server's event of it.
    fn discover(&mut self, millis: i64, mac: Mac, xid: u8) {
        self.frame(millis, &udp(mac, Mac::BROADCAST, (68, 67), &message(mac, 1, xid)));
        let fact = Fact::DhcpDiscovered {
            xid: xid.into(),
            architecture: Some("uefi".parse().unwrap()),
            vendor: Some("PXEClient".into()),
            ipxe: false,
            hostname: None,
            relay: None,
        };
        self.event(millis + 1, Some(mac), fact);
    }

    fn offer(&mut self, millis: i64, mac: Mac, xid: u8) {
        // The event is told before the packet is out.
        let fact = Fact::DhcpOffered {
            xid: xid.into(),
            address: Ipv4Addr::new(10, 77, 0, 60),
            boot_file: Some("ipxe.efi".into()),
            refusal: None,
            lease: 60,
            source: LeaseSource::Reservation,
        };
        self.event(millis - 1, Some(mac), fact);
        self.frame(millis, &udp(SERVER, Mac::BROADCAST, (67, 68), &message(mac, 2, xid)));
    }

    /// A request for a file.
    fn request(&mut self, millis: i64, mac: Mac) {
        self.frame(millis, &udp(mac, SERVER, (2070, 69), b"\0\x01ipxe.efi\0octet\0"));
    }

    /// A block of a file.
    fn block(&mut self, millis: i64, mac: Mac) {
        self.frame(millis, &udp(SERVER, mac, (40_000, 2070), &[&[0, 3, 0, 1][..], &[7; 1_400]].concat()));
    }

    fn up(&mut self, millis: i64, mac: Mac) {
        let fact = Fact::DhcpAcknowledged {
            xid: 9,
            address: Ipv4Addr::new(10, 77, 0, 60),
            boot_file: None,
            lease: 60,
            source: LeaseSource::Reservation,
            client: String::new(),
            hostname: None,
            renewal: false,
            architecture: None,
            ipxe: false,
        };
        self.event(millis, Some(mac), fact);
        self.event(millis + 400, Some(mac), Fact::BootCompleted { millis: 1 });
    }

    fn stalled(&mut self, millis: i64, mac: Mac) {
        let fact = Fact::BootStalled { stage: "offered".into(), cause: "silence".into(), next_step: "look".into() };
        self.event(millis, Some(mac), fact);
    }

    /// Lets time pass as the recorder's thread does.
    fn until(&mut self, from: i64, to: i64) {
        for millis in (from..=to).step_by(250) {
            self.recorder.look(&self.state.segments[&SEGMENT], at(millis));
            let acts = self.recorder.advance(at(millis));
            self.note(acts);
        }
    }

    fn finish(&mut self, millis: i64) {
        let acts = self.recorder.finish(at(millis), "stopped");
        self.note(acts);
    }

    fn note(&mut self, acts: Vec<Act>) {
        for act in acts {
            self.told.push(match act {
                Act::Begin { mac, subject } => {
                    format!("{} begin {} {}", mac.0[5], millis(subject.began), subject.hostname.unwrap_or_default())
                }
                Act::Packet { mac, frame } => format!(
                    "{} packet {} {}/{} {}",
                    mac.0[5],
                    millis(frame.time),
                    frame.data.len(),
                    frame.length,
                    frame.comments.join("|")
                )
                .trim_end()
                .to_owned(),
                Act::End { mac, words } => format!("{} end {}", mac.0[5], words.join("|")),
            });
        }
    }
}

fn millis(time: Timestamp) -> i64 {
    time.as_millisecond() - at(0).as_millisecond()
}

#[test]
fn a_boot_is_kept_from_its_first_packet_with_what_happened() {
    let mut story = Story::begin();
    story.request(50, WEB1);
    story.discover(100, WEB1, 1);
    story.offer(120, WEB1, 1);
    // Another machine's is not of it.
    story.discover(130, WEB2, 2);
    story.until(250, 1_000);
    story.request(1_100, WEB1);
    story.block(1_200, WEB1);
    story.until(1_250, 2_000);
    story.up(2_100, WEB1);
    story.until(2_250, 9_000);
    story.told.retain(|line| line.starts_with("96 "));
    assert_eq!(
        story.told,
        [
            "96 begin 101 web1",
            "96 packet 100 286/286 dhcp.discovered: looks for a server (uefi)",
            "96 packet 120 286/286 dhcp.offered: offered 10.77.0.60, to boot ipxe.efi",
            "96 packet 1100 59/59",
            "96 packet 1200 96/1446 dhcp.acknowledged: leased 10.77.0.60 for 60 s|boot.completed: up after 0.0 s",
            "96 end up after 2.0 s",
        ]
    );
}

#[test]
fn a_machine_that_is_switched_on_is_kept_from_there() {
    let mut story = Story::begin();
    story.request(100, WEB1);
    story.event(
        1_000,
        Some(WEB1),
        Fact::PowerRequested { action: Action::On, method: "qemu".into(), by: Asker::Operator },
    );
    story.event(
        1_500,
        Some(WEB1),
        Fact::PowerAccepted { action: Action::On, method: "qemu".into(), manner: Manner::Done },
    );
    story.until(1_500, 4_000);
    story.request(4_100, WEB1);
    story.discover(4_200, WEB1, 1);
    story.until(4_250, 7_000);
    story.event(
        7_100,
        Some(WEB1),
        Fact::PowerAccepted { action: Action::Off, method: "qemu".into(), manner: Manner::Done },
    );
    story.until(7_250, 10_000);
    assert_eq!(
        story.told,
        [
            "96 begin 1000 web1",
            "96 packet 4100 59/59 power.requested: power on asked of qemu|power.accepted: power on accepted by qemu",
            "96 packet 4200 286/286 dhcp.discovered: looks for a server (uefi)|power.accepted: power off accepted by qemu",
            "96 end the machine was switched off or booted anew",
        ]
    );
}

#[test]
fn the_next_boot_takes_what_is_its() {
    let mut story = Story::begin();
    story.discover(100, WEB1, 1);
    story.offer(110, WEB1, 1);
    story.until(250, 3_000);
    story.event(
        3_050,
        Some(WEB1),
        Fact::PowerRequested { action: Action::Reset, method: "qemu".into(), by: Asker::Operator },
    );
    story.request(3_040, WEB1);
    story.event(
        3_060,
        Some(WEB1),
        Fact::PowerAccepted { action: Action::Reset, method: "qemu".into(), manner: Manner::Done },
    );
    story.request(3_070, WEB1);
    story.until(3_250, 5_000);
    story.finish(5_000);
    assert_eq!(
        story.told,
        [
            "96 begin 101 web1",
            "96 packet 100 286/286 dhcp.discovered: looks for a server (uefi)",
            "96 packet 110 286/286 dhcp.offered: offered 10.77.0.60, to boot ipxe.efi",
            "96 packet 3040 59/59",
            "96 end the next boot began",
            "96 begin 3050 web1",
            "96 packet 3070 59/59 power.requested: power reset asked of qemu|power.accepted: power reset accepted by qemu",
            "96 end stopped",
        ]
    );
}

#[test]
fn one_that_stands_still_goes_on_in_the_same_file() {
    let mut story = Story::begin();
    story.discover(100, WEB1, 1);
    story.until(250, 8_000);
    story.stalled(8_100, WEB1);
    story.until(8_250, 30_000);
    assert_eq!(
        story.told,
        [
            "96 begin 101 web1",
            "96 packet 100 286/286 dhcp.discovered: looks for a server (uefi)|boot.stalled: boot stands at offered: silence: look",
            "96 end stands still at seen: silence",
        ]
    );
    story.told.clear();
    story.discover(40_000, WEB1, 2);
    story.offer(40_010, WEB1, 2);
    story.until(40_250, 42_000);
    story.finish(42_000);
    assert_eq!(
        story.told,
        [
            "96 begin 101 web1",
            "96 packet 40000 286/286 dhcp.discovered: looks for a server (uefi)",
            "96 packet 40010 286/286 dhcp.offered: offered 10.77.0.60, to boot ipxe.efi",
            "96 end stopped",
        ]
    );
}

#[test]
fn a_boot_that_is_over_is_not_kept_again() {
    let mut story = Story::begin();
    story.discover(100, WEB1, 1);
    story.up(500, WEB1);
    story.until(750, 8_000);
    assert_eq!(story.told.last().unwrap(), "96 end up after 0.4 s");
    let so_far = story.told.len();
    story.request(20_000, WEB1);
    let fact = Fact::SyslogReceived {
        severity: crate::event::Severity::Info,
        facility: None,
        tag: None,
        host: None,
        sent: None,
        text: "hello".into(),
    };
    story.event(20_001, Some(WEB1), fact);
    story.until(20_250, 40_000);
    assert_eq!(story.told.len(), so_far, "{:?}", story.told);
}

#[test]
fn a_full_recording_keeps_what_tells() {
    let mut story = Story::begin();
    story.discover(100, WEB1, 1);
    story.until(250, 2_000);
    let blocks = SOFT / 144 + 1_000;
    (0..blocks).for_each(|_| story.block(2_100, WEB1));
    story.request(2_200, WEB1);
    story.request(2_300, WEB1);
    story.until(2_250, 4_000);
    story.finish(4_000);
    let packets = story.told.iter().filter(|line| line.contains(" 96/1446")).count();
    assert!(packets < blocks && packets > SOFT / 150, "{packets}");
    let end = story.told.split_off(story.told.len() - 3);
    assert_eq!(
        end,
        [
            "96 packet 2200 59/59 recording: 8 MiB are full; from here on only control packets".to_owned(),
            "96 packet 2300 59/59".to_owned(),
            format!("96 end stopped|{} packets are left out: the recording was full", blocks - packets),
        ]
    );
}

#[test]
fn what_is_fetched_before_the_boot_is_known_is_kept() {
    let mut story = Story::begin();
    story.block(10, WEB1);
    story.discover(100, WEB1, 1);
    (0..5_000).for_each(|_| story.block(150, WEB1));
    // Nobody who did not look for a server boots.
    story.block(160, WEB2);
    story.until(250, 4_000);
    story.finish(4_000);
    assert_eq!(story.told[1], "96 packet 100 286/286 dhcp.discovered: looks for a server (uefi)");
    let blocks = story.told.iter().filter(|line| *line == "96 packet 150 96/1446").count();
    assert_eq!(story.told.len(), blocks + 3, "{:?}", &story.told[..5]);
    assert!((1_000..5_000).contains(&blocks), "{blocks}: what waits is bounded");
}
