//! A segment with machines in every kind of state, told as events.

use crate::event::{Asker, Manner};
use crate::{
    boot::role_of,
    conf::Conf,
    console::{
        model::Model,
        plain::talk::World,
        theme::{self, Abilities},
        timeline,
        update::{self, Effect},
        view::{self, Scene, Sight},
    },
    desk::Desk,
    event::*,
    net::Mac,
    state::{
        Replica, State,
        past::{Bucket, Kept, Past},
    },
};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::{Timestamp, tz::TimeZone};
use ratatui::{Terminal, backend::TestBackend};
use std::{collections::BTreeMap, net::Ipv4Addr, path::Path, sync::Arc};

pub const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

static ZONE: TimeZone = TimeZone::UTC;

pub fn mac(last: u8) -> Mac {
    Mac([0x52, 0x54, 0, 0x77, 0, last])
}

/// A console and the state it shows.
pub struct Story {
    pub state: State,
    pub replicas: BTreeMap<String, Replica>,
    pub conf: Conf,
    pub desk: Desk,
    pub model: Model,
    pub sight: Sight,
    pub abilities: Abilities,
    now: Timestamp,
    transfers: u64,
}

impl Story {
    /// Nothing but a segment without machines.
    pub fn begin() -> Story {
        let mut story = Story {
            state: State::default(),
            replicas: BTreeMap::new(),
            conf: Conf::default(),
            desk: Desk::default(),
            model: Model::new(Some("practice segment".to_owned())),
            sight: Sight::default(),
            abilities: Abilities { colours: true, unicode: true },
            now: "2026-11-24T09:20:00Z".parse().unwrap(),
            transfers: 0,
        };
        story.load(&[]);
        for service in [Service::Dhcp, Service::Tftp, Service::Http, Service::Dns, Service::Syslog, Service::Radv] {
            story.tell(0, None, Fact::ServiceStarted { service, address: format!("{service} of br0") });
        }
        story
    }

    /// Three machines: one up, one in the middle of its kernel, one that stands still; and a stranger.
    pub fn of_three() -> Story {
        let mut story = Story::begin();
        story.load(&[(60, "bios1"), (61, "uefi1"), (62, "broken1")]);
        story.boots(60, Architecture::Bios, "undionly.kpxe");
        story.fetches(60, "practice/vmlinuz", 8_500_000, 8_500_000, 310);
        story.fetches(60, "practice/initrd.img", 6_100_000, 6_100_000, 222);
        story.leases(60, None, false, None);
        story.logs(60, Severity::Info, "kernel", "Linux version 6.1.0-39-cloud-amd64");
        story.logs(60, Severity::Err, "sshd[42]", "error: no host key");
        story.tell(10, Some(60), Fact::BootCompleted { millis: 4_700 });
        story.boots(61, Architecture::UefiX64, "ipxe.efi");
        story.boots(62, Architecture::Bios, "undionly.kpxe");
        let refusal = Refusal::Missing { path: "tftpboot/practice/vmlinuz-missing".to_owned() };
        for _ in 0..3 {
            let fact =
                Fact::of_refusal(Service::Http, "practice/vmlinuz-missing".to_owned(), Role::Kernel, refusal.clone());
            story.tell(5_000, Some(62), fact);
        }
        story.judge();
        story.discovers(99, Some(Architecture::Bios), false);
        story.tell(0, Some(99), Fact::DhcpIgnored { xid: 9, reason: Silence::NotInConf });
        story.fetches(61, "practice/vmlinuz", 8_500_000, 3_900_000, 900);
        story
    }

    /// Conf as it is read: machines by the last octet of address and MAC.
    pub fn load(&mut self, machines: &[(u8, &str)]) {
        let summary = |(last, name): &(u8, &str)| MachineSummary {
            address: Ipv4Addr::new(10, 77, 0, *last),
            mac: mac(*last),
            hostname: (*name).to_owned(),
            boot: Some(if *name == "broken1" { "practice-broken" } else { "practice" }.to_owned()),
            armed: None,
            last: None,
            firmware: None,
            power: Some("qemu".to_owned()),
        };
        let machines = machines.iter().map(summary).collect();
        let pool = Some((Ipv4Addr::new(10, 77, 0, 100), Ipv4Addr::new(10, 77, 0, 200)));
        let loaded = Fact::ConfLoaded { domain: "practice.lan".into(), mode: "authoritative".into(), pool, machines };
        self.tell(0, None, loaded);
    }

    /// Something happens `after` milliseconds.
    pub fn tell(&mut self, after: i64, machine: Option<u8>, fact: Fact) {
        self.now += jiff::SignedDuration::from_millis(after);
        let address = machine.filter(|last| *last < 99).map(|last| Ipv4Addr::new(10, 77, 0, last));
        let event = Event { time: self.now, ..Event::new(Some(SERVER), fact) };
        self.state.apply(&Arc::new(event.about(address, machine.map(mac))));
    }

    /// What the recorder would find due.
    pub fn judge(&mut self) {
        self.state.due(self.now).into_iter().for_each(|event| self.state.apply(&Arc::new(event)));
    }

    fn boots(&mut self, machine: u8, architecture: Architecture, loader: &str) {
        self.tell(
            1_000,
            Some(machine),
            Fact::PowerRequested { action: Action::On, method: "qemu".into(), by: Asker::Operator },
        );
        self.tell(
            120,
            Some(machine),
            Fact::PowerAccepted { action: Action::On, method: "qemu".into(), manner: Manner::Done },
        );
        self.leases(machine, Some(architecture), false, Some(loader));
        let (action, evidence) = (Action::On, Evidence::Discover);
        self.tell(1, Some(machine), Fact::PowerConfirmed { action, method: "qemu".into(), evidence, millis: 520 });
        self.fetches(machine, loader, 90_000, 90_000, 60);
        self.leases(machine, Some(architecture), true, Some("http://10.77.0.1/boot.ipxe"));
        self.fetches(machine, "boot.ipxe", 400, 400, 2);
    }

    pub fn discovers(&mut self, machine: u8, architecture: Option<Architecture>, ipxe: bool) {
        let (xid, vendor, hostname, relay) = (1, Some("PXEClient".to_owned()), None, None);
        self.tell(400, Some(machine), Fact::DhcpDiscovered { xid, architecture, vendor, ipxe, hostname, relay });
    }

    fn leases(&mut self, machine: u8, architecture: Option<Architecture>, ipxe: bool, boot_file: Option<&str>) {
        if architecture.is_some() {
            self.discovers(machine, architecture, ipxe);
        }
        let (xid, lease, address) = (1, 3_600, Ipv4Addr::new(10, 77, 0, machine));
        let (source, boot_file) = (LeaseSource::Reservation, boot_file.map(ToOwned::to_owned));
        self.tell(
            2,
            Some(machine),
            Fact::DhcpOffered { xid, address, boot_file: boot_file.clone(), refusal: None, lease, source },
        );
        let (client, hostname, renewal) = (mac(machine).to_string(), None, false);
        let acknowledged = Fact::DhcpAcknowledged {
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
        self.tell(40, Some(machine), acknowledged);
    }

    fn fetches(&mut self, machine: u8, file: &str, size: u64, bytes: u64, millis: u64) {
        self.transfers += 1;
        let transfer = Transfer {
            id: self.transfers,
            file: file.into(),
            role: role_of(file),
            size: Some(size),
            bytes: 0,
            millis: 0,
        };
        self.tell(30, Some(machine), Fact::HttpRequested { transfer: transfer.clone() });
        let transfer = Transfer { bytes, millis, ..transfer };
        let whole = bytes == size;
        let fact = if whole { Fact::HttpCompleted { transfer } } else { Fact::HttpProgressed { transfer } };
        self.tell(i64::try_from(millis).unwrap(), Some(machine), fact);
    }

    fn logs(&mut self, machine: u8, severity: Severity, tag: &str, text: &str) {
        let (tag, text) = (Some(tag.to_owned()), text.to_owned());
        self.tell(
            100,
            Some(machine),
            Fact::SyslogReceived { severity, facility: None, tag, host: None, sent: None, text },
        );
    }

    /// Shows the present state as the past of some hours ago, as the supervisor would.
    pub fn look_back(&mut self, playing: bool) {
        let mut buckets = vec![Bucket::default(); 480];
        for (number, bucket) in buckets.iter_mut().enumerate().filter(|(number, _)| !(100..160).contains(number)) {
            let events = u32::try_from(number * 7919 % 97).unwrap();
            *bucket = Bucket { events, errors: u32::from(number % 60 == 7) };
        }
        let begin = self.now - jiff::SignedDuration::from_hours(20);
        let kept = Kept { begin, end: self.now + jiff::SignedDuration::from_hours(3), buckets };
        let event = self.state.segments[&SERVER].events.iter().next_back().cloned();
        self.model.travelling = true;
        timeline::enter(&mut self.model);
        self.model.past = Some(Arc::new(Past {
            state: Arc::new(self.state.clone()),
            moment: self.now,
            event,
            kept: Arc::new(kept),
            at_begin: false,
            at_end: !playing,
            playing,
            speed: if playing { 60 } else { 1 },
        }));
        self.now += jiff::SignedDuration::from_mins(185);
    }

    /// Types keys: single characters, or names in angle brackets.
    pub fn types(&mut self, keys: &str) -> Vec<Effect> {
        let mut codes = Vec::new();
        let mut rest = keys;
        while let Some(first) = rest.chars().next() {
            let named = rest.strip_prefix('<').and_then(|named| named.split_once('>'));
            let (code, tail) = match named {
                Some(("enter", tail)) => (KeyCode::Enter, tail),
                Some(("esc", tail)) => (KeyCode::Esc, tail),
                Some(("tab", tail)) => (KeyCode::Tab, tail),
                Some(("back", tail)) => (KeyCode::Backspace, tail),
                Some(("up", tail)) => (KeyCode::Up, tail),
                Some(("down", tail)) => (KeyCode::Down, tail),
                Some(("pgdn", tail)) => (KeyCode::PageDown, tail),
                Some(("left", tail)) => (KeyCode::Left, tail),
                Some(("right", tail)) => (KeyCode::Right, tail),
                Some(("home", tail)) => (KeyCode::Home, tail),
                Some(("end", tail)) => (KeyCode::End, tail),
                _ => (KeyCode::Char(first), &rest[first.len_utf8()..]),
            };
            codes.push(code);
            rest = tail;
        }
        self.model.now = self.now;
        let type_one = |code| {
            let key = KeyEvent::new(code, KeyModifiers::NONE);
            update::key(&mut self.model, &self.state, &self.conf, key)
        };
        codes.into_iter().map(type_one).filter(|effect| *effect != Effect::None).collect()
    }

    /// The world as a console of lines knows it.
    pub fn world(&self) -> World<'_> {
        World {
            state: &self.state,
            conf: &self.conf,
            replicas: &self.replicas,
            desk: &self.desk,
            now: self.now,
            zone: &ZONE,
        }
    }

    /// The screen as text.
    pub fn screen(&mut self, width: u16, height: u16) -> String {
        self.terminal(width, height).backend().to_string()
    }

    pub fn terminal(&mut self, width: u16, height: u16) -> Terminal<TestBackend> {
        let theme = theme::load(Path::new("/nonexistent"), "dark", self.abilities).unwrap();
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let now = self.now;
        let (model, state, sight) = (&self.model, &self.state, &mut self.sight);
        let desk = &self.desk;
        let (conf, replicas) = (&self.conf, &self.replicas);
        let scene = Scene { model, state, conf, replicas, desk, theme: &theme, now, zone: &TimeZone::UTC };
        terminal.draw(|frame| view::draw(frame, scene, sight)).unwrap();
        self.model.height =
            if self.model.page.is_some() { self.sight.page.1 } else { self.sight.height(self.model.pane) };
        (self.model.page_lines, self.model.dialog_lines) = (self.sight.page.0, self.sight.dialog);
        terminal
    }
}
