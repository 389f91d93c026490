//! A segment with something to show in each view: machines that are up, boot and stand still, alerts, checks, messages. It is in the journal
//! before the program starts.

use crate::support::Segment;
use jiff::{SignedDuration, Timestamp};
use pxelator::{
    boot::role_of,
    bus::Bus,
    event::{
        Action, Architecture, Asker, Event, Evidence, Fact, LeaseSource, Manner, Means, Refusal, Service, Severity,
        Silence, Transfer,
    },
    journal::Journal,
    net::Mac,
};
use std::net::Ipv4Addr;

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

struct Story {
    bus: Bus,
    now: Timestamp,
    transfers: u64,
}

/// Fills a segment that is not served yet. What boots began a minute ago.
pub fn fill(segment: &Segment) {
    for (last, name) in [(60, "web1"), (61, "web2"), (62, "db1"), (63, "switch1")] {
        segment.machine(last, &mac(last).to_string(), name);
        segment.conf(&format!("10.77.0.1/10.77.0.{last}/power"), "wol");
    }
    segment.conf("10.77.0.1/pool", "10.77.0.100-10.77.0.200");
    segment.conf("boot/debian/kernel", "debian/vmlinuz");
    let bus = Bus::default();
    let queue = bus.subscribe_durable("journal", 4096);
    let writer = Journal::open(&segment.journal()).unwrap().write(queue, bus.clone()).unwrap();
    let mut story = Story { bus, now: pxelator::event::now() - SignedDuration::from_secs(60), transfers: 0 };
    story.tell_all();
    let Story { bus, .. } = story;
    bus.close();
    drop(bus);
    writer.join().unwrap();
}

fn mac(last: u8) -> Mac {
    Mac([0x52, 0x54, 0, 0x77, 0, last])
}

impl Story {
    fn tell(&mut self, after: i64, machine: Option<u8>, fact: Fact) {
        self.now += SignedDuration::from_millis(after);
        let address = machine.filter(|last| *last < 90).map(|last| Ipv4Addr::new(10, 77, 0, last));
        let event = Event { time: self.now, ..Event::new(Some(SERVER), fact) };
        self.bus.publish(event.about(address, machine.map(mac)));
    }

    fn lease(&mut self, machine: u8, architecture: Option<Architecture>, ipxe: bool, source: LeaseSource) {
        let (xid, lease, address) = (1, 3_600, Ipv4Addr::new(10, 77, 0, machine));
        let (vendor, relay, boot_file) =
            (architecture.map(|_| "PXEClient".to_owned()), None, architecture.map(|_| "undionly.kpxe".to_owned()));
        let discovered = Fact::DhcpDiscovered { xid, architecture, vendor, ipxe, hostname: None, relay };
        self.tell(300, Some(machine), discovered);
        let offered = Fact::DhcpOffered { xid, address, boot_file: boot_file.clone(), refusal: None, lease, source };
        self.tell(4, Some(machine), offered);
        let (client, hostname, renewal) = (mac(machine).to_string(), None, false);
        let given = Fact::DhcpAcknowledged {
            xid,
            address,
            boot_file,
            lease,
            source,
            client,
            hostname,
            renewal,
            architecture,
            ipxe,
        };
        self.tell(30, Some(machine), given);
    }

    fn fetch(&mut self, machine: u8, file: &str, size: u64, part: u64, millis: u64) {
        self.transfers += 1;
        let (id, role) = (self.transfers, role_of(file));
        let transfer = Transfer { id, file: file.into(), role, size: Some(size), bytes: 0, millis: 0 };
        self.tell(25, Some(machine), Fact::HttpRequested { transfer: transfer.clone() });
        let transfer = Transfer { bytes: size * part / 100, millis, ..transfer };
        let fact = if part == 100 { Fact::HttpCompleted { transfer } } else { Fact::HttpProgressed { transfer } };
        self.tell(i64::try_from(millis).unwrap(), Some(machine), fact);
    }

    fn begin(&mut self, machine: u8) {
        let (action, method) = (Action::On, "wol".to_owned());
        self.tell(500, Some(machine), Fact::PowerRequested { action, method: method.clone(), by: Asker::Operator });
        let manner = Manner::Done;
        self.tell(100, Some(machine), Fact::PowerAccepted { action, method: method.clone(), manner });
        self.lease(machine, Some(Architecture::Bios), false, LeaseSource::Reservation);
        let evidence = Evidence::Discover;
        self.tell(1, Some(machine), Fact::PowerConfirmed { action, method, evidence, millis: 940 });
        self.fetch(machine, "undionly.kpxe", 90_000, 100, 140);
        self.lease(machine, Some(Architecture::Bios), true, LeaseSource::Reservation);
        self.fetch(machine, "boot.ipxe", 400, 100, 3);
    }

    fn log(&mut self, machine: u8, severity: Severity, tag: &str, text: &str) {
        let (tag, text) = (Some(tag.to_owned()), text.to_owned());
        let fact = Fact::SyslogReceived { severity, facility: None, tag, host: None, sent: None, text };
        self.tell(40, Some(machine), fact);
    }

    fn tell_all(&mut self) {
        self.begin(60);
        self.fetch(60, "debian/vmlinuz", 8_500_000, 100, 910);
        self.fetch(60, "debian/initrd.img", 31_000_000, 100, 2_650);
        self.now += SignedDuration::from_millis(3_900);
        self.lease(60, None, false, LeaseSource::Reservation);
        self.log(60, Severity::Info, "kernel", "Linux version 6.1.0-39-amd64 (debian-kernel@lists.debian.org)");
        self.log(
            60,
            Severity::Err,
            "sshd[411]",
            "error: kex_exchange_identification: Connection closed by remote host",
        );
        self.log(60, Severity::Warning, "systemd[1]", "networkd-wait-online.service: Main process exited, code=exited");
        self.log(60, Severity::Info, "cron[388]", "(CRON) INFO (Running @reboot jobs)");
        self.tell(10, Some(60), Fact::BootCompleted { millis: 9_800 });
        self.begin(62);
        let refusal = Refusal::Missing { path: "tftpboot/debian/vmlinuz-6.2".to_owned() };
        for _ in 0..3 {
            let file = "debian/vmlinuz-6.2".to_owned();
            let fact = Fact::of_refusal(Service::Http, file.clone(), role_of(&file), refusal.clone());
            self.tell(2_000, Some(62), fact);
        }
        let (stage, cause) =
            ("script".to_owned(), "asked for `debian/vmlinuz-6.2` 3 times over HTTP, the file is not there");
        let next_step = "put it at tftpboot/debian/vmlinuz-6.2 or change conf/boot/debian/".to_owned();
        self.tell(100, Some(62), Fact::BootStalled { stage, cause: cause.to_owned(), next_step });
        self.lease(104, None, false, LeaseSource::Pool);
        self.tell(0, Some(99), Fact::DhcpIgnored { xid: 9, reason: Silence::NotInConf });
        for (machine, check, said) in
            [(60, "ping", "answers in 0.3 ms"), (60, "ssh", "SSH-2.0-OpenSSH_9.2p1"), (63, "ping", "answers in 0.2 ms")]
        {
            self.tell(5, Some(machine), Fact::CheckPassed { check: check.to_owned(), said: said.to_owned() });
        }
        let said = "connection refused".to_owned();
        self.tell(5, Some(60), Fact::CheckFailed { check: "http /health".to_owned(), said, times: 2 });
        let fired = |rule: &str, subject: &str, severity, text: &str| {
            let (rule, subject, text) = (rule.to_owned(), subject.to_owned(), text.to_owned());
            Fact::AlertFired { rule, subject, severity, text }
        };
        self.tell(
            50,
            Some(60),
            fired("service-down", "http /health", Severity::Err, "http /health fails: connection refused"),
        );
        let (rule, subject, receiver) = ("service-down".to_owned(), "http /health".to_owned(), "mail".to_owned());
        let told = Fact::AlertDelivered { rule, subject, receiver, means: Means::Email, over: false, tries: 1 };
        self.tell(900, Some(60), told);
        self.tell(50, Some(62), fired("boot-stalled", "", Severity::Warning, "its boot stands still at script"));
        let (rule, subject, by) = ("boot-stalled".to_owned(), String::new(), Asker::User("anna".to_owned()));
        self.tell(900, Some(62), Fact::AlertAcknowledged { rule, subject, by, note: Some("I am on it".to_owned()) });
        self.begin(61);
        self.fetch(61, "debian/vmlinuz", 8_500_000, 46, 900);
    }
}
