//! The days of 200 machines, event by event in the order of time.

use jiff::{SignedDuration, Timestamp};
use pxelator::{
    boot::role_of,
    event::{Architecture, Event, Fact, LeaseSource, Severity, Transfer},
    net::Mac,
};
use std::{cmp::Ordering, collections::BinaryHeap, net::Ipv4Addr};

const MACHINES: u32 = 200;
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
/// The first second, 2026-11-20T00:00:00Z.
const BEGIN: i64 = 1_795_132_800;
const SECOND: i64 = 1_000_000;
/// How long a machine is up, about.
const UP: i64 = 8 * 3600;
/// Between two renewals of a lease of an hour.
const RENEWAL: i64 = 1800;
/// Between two rounds of what a machine that is up has to say.
const ROUND: i64 = 300;

const KERNEL: [&str; 6] = [
    "pci 0000:00:1f.2: reg 0x24: [mem 0xfebf1000-0xfebf1fff]",
    "ACPI: PCI Interrupt Link [LNKA] (IRQs 5 *10 11)",
    "systemd[1]: Mounted /sys/kernel/debug - Kernel Debug File System.",
    "e1000e 0000:02:00.0 eth0: NIC Link is Up 1000 Mbps Full Duplex, Flow Control: Rx/Tx",
    "usb 1-1: New USB device found, idVendor=0627, idProduct=0001, bcdDevice= 0.00",
    "audit: type=1400 audit(1732439999.101:2): apparmor=\"STATUS\" operation=\"profile_load\" name=\"lsb_release\"",
];

/// What comes for a machine at a moment.
struct Coming {
    /// Microseconds since the first second, and what makes it differ from others of the same.
    at: (i64, u64),
    machine: u32,
    what: What,
}

enum What {
    Boot,
    Renewal,
    Round,
    Fact(Box<Fact>),
}

/// Events without an end.
pub struct Story {
    coming: BinaryHeap<Coming>,
    number: u64,
    random: u64,
}

impl Story {
    pub fn new() -> Story {
        let mut story = Story { coming: BinaryHeap::new(), number: 0, random: 0x9e37_79b9_7f4a_7c15 };
        for machine in 0..MACHINES {
            let first = story.below(UP * SECOND);
            story.add(machine, first, What::Boot);
        }
        story
    }

    fn add(&mut self, machine: u32, micros: i64, what: What) {
        self.number += 1;
        self.coming.push(Coming { at: (micros, self.number), machine, what });
    }

    /// A number below `most`: xorshift, the same at each run.
    fn below(&mut self, most: i64) -> i64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 1) as i64 % most
    }

    /// From power-on to the login prompt, and what follows from it.
    fn boot(&mut self, machine: u32, begin: i64) {
        let mut at = begin;
        for ipxe in [false, true] {
            let xid = self.below(1 << 32) as u32;
            for fact in dhcp(machine, xid, ipxe) {
                at += 3_000 + self.below(9_000);
                self.fact(machine, at, fact);
            }
            let files: &[(&str, i64)] = if ipxe {
                &[("live/vmlinuz", 12_000_000), ("live/initrd.img", 90_000_000)]
            } else {
                &[("ipxe.efi", 1_000_000)]
            };
            for (file, size) in files {
                at = self.transfer(machine, at + 300_000, file, *size, ipxe);
            }
        }
        let lines = 120 + self.below(160);
        at += 2 * SECOND;
        for line in 0..lines {
            at += self.below(30_000);
            let text = format!("[{:5}.{:06}] {}", line / 40, self.below(1_000_000), KERNEL[self.below(6) as usize]);
            self.fact(machine, at, message("kernel", Severity::Info, text));
        }
        for unit in 0..30 + self.below(20) {
            at += self.below(400_000);
            self.fact(
                machine,
                at,
                message("systemd[1]", Severity::Info, format!("Started unit{unit}.service - Unit {unit}.")),
            );
        }
        let next = begin + UP * SECOND + self.below(600 * SECOND);
        self.add(machine, at + RENEWAL * SECOND, What::Renewal);
        self.add(machine, at + ROUND * SECOND, What::Round);
        self.add(machine, next, What::Boot);
    }

    /// A file on its way; the moment at which it is there.
    fn transfer(&mut self, machine: u32, begin: i64, file: &str, size: i64, http: bool) -> i64 {
        let id = self.number;
        let step = |bytes: i64, micros: i64| Transfer {
            id,
            file: file.to_owned(),
            role: role_of(file),
            size: Some(size as u64),
            bytes: bytes as u64,
            millis: (micros / 1000) as u64,
        };
        let (mut at, mut bytes) = (begin, 0);
        let fact = |bytes, at| match (http, bytes) {
            (true, 0) => Fact::HttpRequested { transfer: step(0, 0) },
            (true, _) if bytes == size => Fact::HttpCompleted { transfer: step(bytes, at - begin) },
            (true, _) => Fact::HttpProgressed { transfer: step(bytes, at - begin) },
            (false, 0) => Fact::TftpRequested { transfer: step(0, 0) },
            (false, _) if bytes == size => Fact::TftpCompleted { transfer: step(bytes, at - begin) },
            (false, _) => Fact::TftpProgressed { transfer: step(bytes, at - begin) },
        };
        self.fact(machine, at, fact(0, at));
        while bytes < size {
            at += 250_000;
            bytes = (bytes + 2_000_000 + self.below(4_000_000)).min(size);
            self.fact(machine, at, fact(bytes, at));
        }
        at
    }

    /// Names asked for, and messages of what runs by the clock.
    fn round(&mut self, machine: u32, at: i64) {
        for line in 0..2 + self.below(5) {
            let text = format!("({}) CMD (/usr/local/bin/collect --round {line} --host m{machine})", "root");
            let soon = at + self.below(900_000);
            self.fact(machine, soon, message("CRON[4711]", Severity::Info, text));
        }
        if self.below(40) == 0 {
            let text =
                "I/O error, dev sda, sector 1188136 op 0x0:(READ) flags 0x80700 phys_seg 1 prio class 2".to_owned();
            self.fact(machine, at, message("kernel", Severity::Err, text));
        }
    }

    fn fact(&mut self, machine: u32, at: i64, fact: Fact) {
        self.add(machine, at, What::Fact(Box::new(fact)));
    }
}

impl Iterator for Story {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        loop {
            let Coming { at: (at, _), machine, what } = self.coming.pop()?;
            // What a machine does every now and then ends when it boots again: a boot is an hour or more after the last.
            match what {
                What::Boot => self.boot(machine, at),
                What::Renewal => {
                    if self.below(14) > 0 {
                        self.add(machine, at + RENEWAL * SECOND, What::Renewal);
                    }
                    let xid = self.below(1 << 32) as u32;
                    self.fact(machine, at, acknowledged(machine, xid, false, true));
                }
                What::Round => {
                    if self.below(90) > 0 {
                        self.add(machine, at + ROUND * SECOND, What::Round);
                    }
                    self.round(machine, at);
                }
                What::Fact(fact) => {
                    let begin = Timestamp::from_second(BEGIN).ok()?;
                    let time = begin.checked_add(SignedDuration::from_micros(at)).ok()?;
                    let event = Event { time, ..Event::new(Some(SERVER), *fact) };
                    return Some(event.about(Some(address(machine)), Some(mac(machine))));
                }
            }
        }
    }
}

fn address(machine: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(Ipv4Addr::new(10, 77, 0, 10).to_bits() + machine)
}

fn mac(machine: u32) -> Mac {
    Mac([0x52, 0x54, 0, 0x77, (machine >> 8) as u8, machine as u8])
}

/// The four packets of a lease as the server tells them.
fn dhcp(machine: u32, xid: u32, ipxe: bool) -> [Fact; 3] {
    let architecture = Some(Architecture::UefiX64);
    let vendor = Some("PXEClient:Arch:00007:UNDI:003001".to_owned());
    let discovered = Fact::DhcpDiscovered { xid, architecture, vendor, ipxe, hostname: None, relay: None };
    let offered = Fact::DhcpOffered {
        xid,
        address: address(machine),
        boot_file: boot_file(ipxe),
        refusal: None,
        lease: 3600,
        source: LeaseSource::Reservation,
    };
    [discovered, offered, acknowledged(machine, xid, ipxe, false)]
}

fn acknowledged(machine: u32, xid: u32, ipxe: bool, renewal: bool) -> Fact {
    Fact::DhcpAcknowledged {
        xid,
        address: address(machine),
        boot_file: boot_file(ipxe).filter(|_| !renewal),
        lease: 3600,
        source: LeaseSource::Reservation,
        client: mac(machine).to_string(),
        hostname: Some(format!("m{machine}")),
        renewal,
        architecture: Some(Architecture::UefiX64),
        ipxe,
    }
}

fn boot_file(ipxe: bool) -> Option<String> {
    Some(if ipxe { "http://10.77.0.1/boot.ipxe" } else { "ipxe.efi" }.to_owned())
}

fn message(tag: &str, severity: Severity, text: String) -> Fact {
    let facility = Some(if tag == "kernel" { "kern" } else { "daemon" }.to_owned());
    Fact::SyslogReceived { severity, facility, tag: Some(tag.to_owned()), host: None, sent: None, text }
}

// The earliest is the greatest, as the heap wants it.
impl Ord for Coming {
    fn cmp(&self, other: &Coming) -> Ordering {
        other.at.cmp(&self.at)
    }
}

impl PartialOrd for Coming {
    fn partial_cmp(&self, other: &Coming) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Coming {
    fn eq(&self, other: &Coming) -> bool {
        self.at == other.at
    }
}

impl Eq for Coming {}
