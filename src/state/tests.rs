//! Boots as they are told, and what is made of them.

use super::*;
use crate::boot::role_of;
use crate::event::{
    Action, Architecture, Asker, Evidence, Fact, LeaseSource, MachineSummary, Manner, PowerState, Refusal, Role,
    Silence, Transfer,
};

const MAC: Mac = Mac([0x52, 0x54, 0, 0x77, 0, 0x60]);

struct Story {
    state: State,
    next_id: u64,
}

fn at(second: f64) -> Timestamp {
    Timestamp::from_microsecond(1_800_000_000_000_000 + (second * 1e6) as i64).unwrap()
}

fn server() -> Ipv4Addr {
    Ipv4Addr::new(10, 77, 0, 1)
}

impl Story {
    fn new(in_conf: bool) -> Story {
        let mut story = Story { state: State::default(), next_id: 0 };
        let machine = MachineSummary {
            address: Ipv4Addr::new(10, 77, 0, 60),
            mac: MAC,
            hostname: "bios1".into(),
            boot: Some("debian".into()),
            armed: None,
            last: None,
            firmware: None,
            power: Some("qemu".into()),
        };
        let machines = if in_conf { vec![machine] } else { vec![] };
        let loaded = Fact::ConfLoaded { domain: "lan".into(), mode: "authoritative".into(), pool: None, machines };
        story.state.apply(&Arc::new(Event::new(Some(server()), loaded)));
        story
    }

    fn tell(&mut self, second: f64, fact: Fact) {
        let event = Event { time: at(second), ..Event::new(Some(server()), fact) };
        self.state.apply(&Arc::new(event.about(None, Some(MAC))));
    }

    fn lease(&mut self, second: f64, architecture: Option<Architecture>, ipxe: bool) {
        let address = Ipv4Addr::new(10, 77, 0, 60);
        let (xid, source, lease) = (1, LeaseSource::Reservation, 3600);
        let boot_file = Some("undionly.kpxe".to_owned());
        self.tell(second, Fact::DhcpDiscovered { xid, architecture, vendor: None, ipxe, hostname: None, relay: None });
        self.tell(
            second,
            Fact::DhcpOffered { xid, address, boot_file: boot_file.clone(), refusal: None, lease, source },
        );
        let (client, hostname) = (MAC.to_string(), None);
        let renewal = false;
        self.tell(
            second + 0.1,
            Fact::DhcpAcknowledged {
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
            },
        );
    }

    fn fetch(&mut self, second: f64, file: &str) {
        self.next_id += 1;
        let mut transfer =
            Transfer { id: self.next_id, file: file.into(), role: role_of(file), size: Some(9), bytes: 0, millis: 0 };
        self.tell(second, Fact::HttpRequested { transfer: transfer.clone() });
        transfer.bytes = 9;
        self.tell(second + 0.2, Fact::HttpCompleted { transfer });
    }

    fn refuse(&mut self, second: f64, file: &str, refusal: Refusal) {
        self.tell(second, Fact::of_refusal(Service::Tftp, file.into(), role_of(file), refusal));
    }

    fn machine(&self) -> &Machine {
        &self.state.segments[&server()].machines[&MAC]
    }

    /// What is due at `second`, told.
    fn judge(&mut self, second: f64) -> Vec<Fact> {
        let due = self.state.due(at(second));
        due.iter().for_each(|event| self.state.apply(&Arc::new(event.clone())));
        due.into_iter().map(|event| event.fact).collect()
    }

    fn verdict(&mut self, second: f64) -> String {
        match self.judge(second).as_slice() {
            [Fact::BootStalled { cause, next_step, .. }] => format!("{cause} -> {next_step}"),
            other => format!("{other:?}"),
        }
    }
}

#[test]
fn a_boot_from_power_on_to_up() {
    let mut story = Story::new(true);
    story.tell(0.0, Fact::PowerRequested { action: Action::On, method: "qemu".into(), by: Asker::Operator });
    story.tell(0.2, Fact::PowerAccepted { action: Action::On, method: "qemu".into(), manner: Manner::Done });
    story.lease(1.0, Some(Architecture::UefiX64), false);
    story.fetch(2.0, "ipxe.efi");
    story.lease(3.0, Some(Architecture::UefiX64), true);
    story.fetch(4.0, "boot.ipxe");
    story.fetch(5.0, "practice/vmlinuz");
    story.fetch(6.0, "practice/initrd.img");
    assert_eq!(story.judge(7.0), []);
    story.lease(8.0, None, false);
    let boot = story.machine().boot().unwrap();
    let reached: Vec<Stage> = boot.milestones.keys().copied().collect();
    assert_eq!((reached, story.machine().boots.len()), (Stage::ALL.to_vec(), 1));
    assert_eq!(story.judge(8.5), [Fact::BootCompleted { millis: 8100 }]);
    assert_eq!(story.judge(9.0), []);
    assert_eq!(story.machine().firmware, Some(Architecture::UefiX64));
    story.lease(100.0, Some(Architecture::UefiX64), false);
    assert_eq!((story.machine().boots.len(), story.machine().boot().unwrap().stage()), (2, Some(Stage::Acknowledged)));
}

#[test]
fn a_missing_kernel_is_named_with_the_next_step() {
    let mut story = Story::new(true);
    story.lease(1.0, Some(Architecture::Bios), true);
    story.fetch(2.0, "boot.ipxe");
    let missing = Refusal::Missing { path: "tftpboot/debian/vmlinuz".into() };
    (0..3).for_each(|n| story.refuse(3.0 + f64::from(n), "debian/vmlinuz", missing.clone()));
    let expected = "asked for `debian/vmlinuz` 3 times over TFTP, the file is not there -> \
        put it at tftpboot/debian/vmlinuz or change conf/boot/debian/";
    assert_eq!(story.verdict(5.5), expected);
    assert!(matches!(story.machine().boot().unwrap().outcome, Outcome::Stalled(_)));
    story.fetch(9.0, "debian/vmlinuz");
    assert_eq!(story.machine().boot().unwrap().outcome, Outcome::Underway, "it goes on once the file is there");
}

#[test]
fn verdicts() {
    let discovered = |ipxe| Fact::DhcpDiscovered {
        xid: 1,
        architecture: Some(Architecture::Bios),
        vendor: None,
        ipxe,
        hostname: None,
        relay: None,
    };
    let offered = Fact::DhcpOffered {
        xid: 1,
        address: server(),
        boot_file: None,
        refusal: None,
        lease: 1,
        source: LeaseSource::Reservation,
    };
    let on = Fact::PowerRequested { action: Action::On, method: "wol".into(), by: Asker::Operator };
    let accepted = Fact::PowerAccepted { action: Action::On, method: "wol".into(), manner: Manner::Done };
    let kisok = Refusal::UnknownProfile { profile: "kisok".into() };
    let (address, source) = (server(), LeaseSource::Reservation);
    let no_file = Fact::DhcpOffered { xid: 1, address, boot_file: None, refusal: Some(kisok), lease: 1, source };
    let nak = Fact::DhcpRefused { xid: 1, address: Some(server()), reason: "no".into() };
    let declined = Fact::DhcpDeclined { address: server(), until: at(99.0) };
    let not_in_conf = Fact::DhcpIgnored { xid: 1, reason: Silence::NotInConf };
    let outbid = Fact::DhcpOutbid { xid: 1, server: Ipv4Addr::new(10, 77, 0, 9) };
    for (in_conf, facts, words) in [
        (true, vec![on, accepted], "nothing was heard"),
        (true, vec![discovered(false), no_file], "it got nothing to boot: there is no profile kisok in conf/boot"),
        (true, vec![discovered(false), offered.clone(), nak], "the lease that it asked for was refused: 10.77.0.1, no"),
        (true, vec![discovered(false), offered.clone(), declined], "it found 10.77.0.1, which it was given, in use"),
        (false, vec![discovered(false), not_in_conf], "not in conf, and the segment has no pool"),
        (true, vec![discovered(false), offered.clone()], "never asked for it: another DHCP server?"),
        (true, vec![discovered(false), offered, outbid], "another DHCP server, 10.77.0.9"),
    ] {
        let mut story = Story::new(in_conf);
        let is_switched = matches!(facts[0], Fact::PowerRequested { .. });
        facts.into_iter().for_each(|fact| story.tell(0.0, fact));
        assert_eq!(story.judge(1.0), []);
        if is_switched {
            assert_eq!(story.judge(61.0), [], "whether it goes on, who switches it tells");
            story.tell(60.0, seen(Evidence::State));
            story.tell(60.0, Fact::PowerObserved { state: PowerState::On, method: "qemu".into() });
        }
        let verdict = story.verdict(61.0);
        assert!(verdict.contains(words), "{verdict}");
    }
}

#[test]
fn a_machine_that_boots_its_own_disk_comes_up() {
    let logged = Fact::SyslogReceived {
        severity: crate::event::Severity::Info,
        facility: None,
        tag: None,
        host: None,
        sent: None,
        text: "hello".into(),
    };
    for (name, from_net) in [("after PXE", true), ("without", false)] {
        for by_syslog in [false, true] {
            let mut story = Story::new(true);
            story.tell(0.0, Fact::PowerRequested { action: Action::On, method: "wol".into(), by: Asker::Operator });
            story.tell(0.1, Fact::PowerAccepted { action: Action::On, method: "wol".into(), manner: Manner::Done });
            assert_eq!(story.machine().power, None, "a magic packet says nothing of power");
            // What was on its way when it was switched is no sign of its new system.
            story.tell(0.5, logged.clone());
            assert_eq!(story.judge(0.6), []);
            if from_net {
                story.lease(5.0, Some(Architecture::UefiX64), false);
            }
            if by_syslog {
                story.tell(9.0, logged.clone());
            } else {
                story.lease(9.0, None, false);
            }
            assert!(matches!(story.judge(10.0).as_slice(), [Fact::BootCompleted { .. }]), "{name}");
            let up = story.machine().boot().unwrap().milestones[&Stage::Up].note.clone();
            assert!(up.starts_with("its own system"), "{up}");
        }
    }
}

#[test]
fn a_reset_leaves_the_last_boots_transfers_behind() {
    let mut story = Story::new(true);
    story.lease(1.0, Some(Architecture::Bios), true);
    story.fetch(2.0, "boot.ipxe");
    let file = "debian/vmlinuz".to_owned();
    let mut transfer = Transfer { id: 99, file, role: Role::Kernel, size: Some(9), bytes: 0, millis: 0 };
    story.tell(3.0, Fact::HttpRequested { transfer: transfer.clone() });
    story.tell(4.0, Fact::PowerRequested { action: Action::Reset, method: "qemu".into(), by: Asker::Operator });
    story.tell(4.1, Fact::PowerAccepted { action: Action::Reset, method: "qemu".into(), manner: Manner::Done });
    transfer.bytes = 9;
    story.tell(4.2, Fact::HttpCompleted { transfer });
    story.lease(5.0, Some(Architecture::Bios), true);
    let boot = story.machine().boot().unwrap();
    assert_eq!((story.machine().boots.len(), boot.stage(), boot.transfers.len()), (2, Some(Stage::Acknowledged), 0));
    assert!(boot.milestones.contains_key(&Stage::PoweredOn));
}

#[test]
fn who_reads_a_script_does_not_boot() {
    let mut story = Story::new(true);
    story.fetch(1.0, "boot.ipxe");
    assert_eq!(story.machine().boots.len(), 0);
}

#[test]
fn a_part_of_a_loader_that_is_missing_is_named() {
    let mut story = Story::new(true);
    story.lease(1.0, Some(Architecture::Bios), false);
    story.fetch(2.0, "pxelinux.0");
    story.refuse(2.5, "ldlinux.c32", Refusal::Missing { path: "tftpboot/ldlinux.c32".into() });
    let verdict = story.verdict(10.0);
    assert!(verdict.contains("`ldlinux.c32`") && verdict.contains("beside the loader"), "{verdict}");
    story.fetch(11.0, "boot/ldlinux.c32");
    assert_eq!(story.judge(12.0), [], "it was found elsewhere");
}

#[test]
fn segments_of_conf_alone_are_current() {
    let mut story = Story::new(true);
    assert!(story.state.segments[&server()].current);
    let started = Event::new(None, Fact::ProgramStarted { version: "1".into() });
    story.state.apply(&Arc::new(started));
    assert!(!story.state.segments[&server()].current);
}

#[test]
fn a_power_on_that_fails_is_no_boot() {
    let mut story = Story::new(true);
    story.lease(1.0, Some(Architecture::Bios), false);
    story.tell(2.0, Fact::PowerRequested { action: Action::On, method: "qemu".into(), by: Asker::Operator });
    let (error, next_step) = ("it is already on".to_owned(), "reset it".to_owned());
    story.tell(2.1, Fact::PowerFailed { action: Action::On, method: "qemu".into(), error, next_step });
    assert_eq!((story.machine().boots.len(), &story.machine().boot().unwrap().outcome), (1, &Outcome::Underway));
    story.tell(3.0, Fact::PowerRequested { action: Action::Reset, method: "qemu".into(), by: Asker::Operator });
    story.tell(3.4, Fact::PowerAccepted { action: Action::Reset, method: "qemu".into(), manner: Manner::Done });
    assert_eq!((story.machine().boots.len(), story.machine().boot().unwrap().began), (2, at(3.0)));
    assert_eq!(story.machine().boots[0].outcome, Outcome::Ended);
}

fn seen(evidence: Evidence) -> Fact {
    Fact::PowerConfirmed { action: Action::On, method: "qemu".into(), evidence, millis: 1 }
}

#[test]
fn a_second_rung_begins_no_second_boot() {
    let asked = |method: &str| Fact::PowerRequested { action: Action::On, method: method.into(), by: Asker::Operator };
    let (action, manner) = (Action::On, Manner::Done);
    let accepted = |method: &str| Fact::PowerAccepted { action, method: method.into(), manner };
    let observed = |state| Fact::PowerObserved { state, method: "amt".into() };
    let failed = || Fact::PowerFailed {
        action,
        method: "amt".into(),
        error: "accepted, and it is off after 60 s".into(),
        next_step: "look".into(),
    };
    let mut story = Story::new(true);
    story.tell(0.0, asked("amt"));
    story.tell(0.1, accepted("amt"));
    assert_eq!(story.machine().power, None, "that it is accepted is no proof");
    story.tell(1.0, observed(PowerState::Off));
    assert_eq!(story.machine().boot().unwrap().outcome, Outcome::Underway, "it is on its way");
    story.tell(60.0, failed());
    story.tell(60.0, asked("qemu"));
    story.tell(60.5, accepted("qemu"));
    story.lease(63.0, Some(Architecture::Bios), false);
    story.tell(63.1, seen(Evidence::Discover));
    let boot = story.machine().boot().unwrap();
    assert_eq!((story.machine().boots.len(), boot.began, boot.outcome.clone()), (1, at(0.0), Outcome::Underway));
    assert_eq!(boot.milestones[&Stage::PoweredOn].at, at(60.5), "its usual time is that of the way that worked");
    assert_eq!(story.machine().power, Some(PowerState::On));
    assert_eq!(story.machine().press.as_ref().unwrap().tried.len(), 1);

    let mut story = Story::new(true);
    story.tell(0.0, asked("amt"));
    story.tell(0.1, accepted("amt"));
    story.tell(1.0, observed(PowerState::Off));
    story.tell(60.0, failed());
    story.tell(60.0, Fact::PowerUnconfirmed { action, tried: Vec::new(), next_step: "look".into() });
    assert_eq!(story.machine().boot().unwrap().outcome, Outcome::Ended);
    assert_eq!(story.judge(900.0), [], "what was not begun does not stand still");
}

#[test]
fn a_boot_of_an_earlier_run_is_not_waited_for() {
    for (minutes, outcome) in [(1, Outcome::Underway), (20, Outcome::Ended)] {
        let mut story = Story::new(true);
        story.lease(1.0, Some(Architecture::Bios), false);
        let time = at(f64::from(minutes * 60));
        let started = Event { time, ..Event::new(None, Fact::ProgramStarted { version: "1".into() }) };
        story.state.apply(&Arc::new(started));
        assert_eq!(story.machine().boot().unwrap().outcome, outcome);
    }
}

#[test]
fn strangers_are_bounded_and_machines_of_conf_stay() {
    let mut story = Story::new(true);
    for n in 0..2000u16 {
        let [a, b] = n.to_be_bytes();
        let fact = Fact::DhcpIgnored { xid: 1, reason: Silence::NotInConf };
        let event = Event { time: at(f64::from(n)), ..Event::new(Some(server()), fact) };
        story.state.apply(&Arc::new(event.about(None, Some(Mac([2, 0, 0, 0, a, b])))));
    }
    let segment = &story.state.segments[&server()];
    assert!((400..=513).contains(&segment.machines.len()) && segment.machines.contains_key(&MAC));
    assert!(segment.machines.contains_key(&Mac([2, 0, 0, 0, 7, 207])), "the last one is there");
}

#[test]
fn the_cables_other_ends_are_bounded() {
    let mut story = Story::new(false);
    for last in 0..12_u8 {
        let mac = Mac([2, 0, 0, 0, 1, last]);
        let fact = Fact::LinkTold { system: format!("switch{last}"), port: "1".into() };
        let event = Event { time: at(last.into()), ..Event::new(Some(server()), fact).about(None, Some(mac)) };
        story.state.apply(&Arc::new(event));
    }
    let links = &story.state.segments[&server()].links;
    let kept: Vec<&str> = links.values().map(|(link, _)| link.system.as_str()).collect();
    assert_eq!(kept, ["switch4", "switch5", "switch6", "switch7", "switch8", "switch9", "switch10", "switch11"]);
}

#[test]
fn what_is_given_last_is_no_standstill() {
    for (last, files, stalls) in [
        (None, &["boot.ipxe"][..], true),
        (Some(Role::Script), &["boot.ipxe"], false),
        (Some(Role::Script), &["boot.ipxe", "debian/vmlinuz"], true),
        (Some(Role::Kernel), &["boot.ipxe", "debian/vmlinuz"], false),
        (Some(Role::Kernel), &["boot.ipxe"], true),
    ] {
        let mut story = Story::new(true);
        let segment = story.state.segments.get_mut(&server()).unwrap();
        segment.machines.get_mut(&MAC).unwrap().last = last;
        story.lease(0.0, Some(Architecture::Bios), true);
        for (second, file) in (1_u32..).zip(files) {
            story.fetch(f64::from(second), file);
        }
        assert_eq!(story.judge(400.0).len(), usize::from(stalls), "{last:?} {files:?}");
    }
}
