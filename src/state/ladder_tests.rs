//! Rows of events, and where a machine stands on the ladder of boot files after them.

use super::*;
use crate::event::{LeaseSource, Refusal, Transfer};
use Architecture::{Bios, UefiHttpX64, UefiX64};
use std::net::Ipv4Addr;

/// What a machine does, in short.
#[derive(Clone, Copy, Debug)]
enum Did {
    /// A DHCPDISCOVER of firmware, the offer with what its ladder says, and the request.
    Asks(Architecture),
    /// A DHCPDISCOVER of iPXE.
    Ipxe,
    /// It fetches what it was told to load.
    Loads,
    /// What it was told to load is not there.
    Misses,
    /// It breaks off.
    Breaks,
    /// A loader of its own choice.
    Chains(&'static str),
    Script,
    Kernel,
    NoKernel,
    /// A system asks for an address.
    System,
    Switched,
    Waits(i64),
}

use Did::*;

struct Story {
    /// The judge looks after each step; else only when it is asked to.
    judged: bool,
    ladder: Ladder,
    now: Timestamp,
    given: Vec<&'static str>,
}

impl Story {
    fn of(row: &[Did]) -> Story {
        let mut story =
            Story { judged: true, ladder: Ladder::default(), now: Timestamp::UNIX_EPOCH, given: Vec::new() };
        row.iter().for_each(|did| story.does(*did));
        story
    }

    fn does(&mut self, did: Did) {
        // Less than a second from one to the next.
        self.pass(500);
        let told = self.given.last().copied().unwrap_or_default();
        match did {
            Asks(architecture) => {
                // The server decides before it is told what it decides on.
                let before = self.ladder.ahead().program(Some(architecture));
                self.discover(Some(architecture), false);
                assert_eq!(self.ladder.ahead().program(Some(architecture)), before);
                let file = before.unwrap().name();
                self.given.push(file);
                self.offer(Some(file));
            }
            Ipxe => {
                self.discover(Some(Bios), true);
                self.offer(Some("http://10.77.0.1/boot.ipxe?mac=x"));
            }
            Loads => self.fetch(told, Role::Loader),
            Chains(file) => self.fetch(file, Role::Loader),
            Script => self.fetch("boot.ipxe", Role::Script),
            Kernel => self.fetch("live/vmlinuz", Role::Kernel),
            Misses => self.miss(told, Role::Loader),
            NoKernel => self.miss("live/vmlinuz", Role::Kernel),
            Breaks => {
                let transfer = transfer(told, Role::Loader);
                self.tell(Fact::TftpRequested { transfer: transfer.clone() });
                self.tell(Fact::TftpAbandoned { transfer, reason: "silence".into() });
            }
            System => self.discover(None, false),
            Switched => {
                self.tell(Fact::PowerAccepted { action: Action::Reset, method: "qemu".into(), manner: Manner::Done })
            }
            Waits(seconds) => self.pass(seconds * 1000),
        }
        if self.judged {
            self.judge();
        }
    }

    fn judge(&mut self) {
        if let Some((architecture, program)) = self.ladder.news() {
            self.tell(Fact::BootLearned { architecture, boot_file: program.name().into() });
        }
    }

    fn pass(&mut self, millis: i64) {
        self.now += SignedDuration::from_millis(millis);
    }

    fn tell(&mut self, fact: Fact) {
        self.ladder.apply(&Event { time: self.now, ..Event::new(None, fact) });
    }

    fn discover(&mut self, architecture: Option<Architecture>, ipxe: bool) {
        let vendor = None;
        self.tell(Fact::DhcpDiscovered { xid: 1, architecture, vendor, ipxe, hostname: None, relay: None });
    }

    fn offer(&mut self, file: Option<&str>) {
        let (address, source) = (Ipv4Addr::new(10, 77, 0, 60), LeaseSource::Reservation);
        let boot_file = file.map(str::to_owned);
        self.tell(Fact::DhcpOffered { xid: 1, address, boot_file, refusal: None, lease: 1, source });
    }

    fn fetch(&mut self, file: &str, role: Role) {
        // Firmware asks for the size first.
        self.tell(Fact::TftpRequested { transfer: transfer(file, role) });
        self.tell(Fact::TftpProbed { transfer: transfer(file, role) });
        self.tell(Fact::TftpRequested { transfer: transfer(file, role) });
        self.tell(Fact::TftpCompleted { transfer: transfer(file, role) });
    }

    fn miss(&mut self, file: &str, role: Role) {
        let refusal = Refusal::Missing { path: file.to_owned() };
        self.tell(Fact::HttpRefused { file: file.to_owned(), role, refusal });
    }
}

fn transfer(file: &str, role: Role) -> Transfer {
    Transfer { id: 1, file: file.to_owned(), role, size: Some(1), bytes: 1, millis: 1 }
}

#[test]
fn what_firmware_is_given() {
    let (bios, uefi, http) = (Asks(Bios), Asks(UefiX64), Asks(UefiHttpX64));
    for (name, row, expected) in [
        ("asks twice and fetches nothing", &[bios, bios][..], &["undionly.kpxe", "undionly.kpxe"][..]),
        ("fetches, and is back", &[bios, Loads, bios], &["undionly.kpxe", "ipxe.pxe"]),
        ("it is not there", &[bios, Misses, bios], &["undionly.kpxe", "ipxe.pxe"]),
        ("breaks off", &[bios, Breaks, bios], &["undionly.kpxe", "ipxe.pxe"]),
        ("iPXE runs and is back", &[bios, Loads, Ipxe, bios], &["undionly.kpxe", "undionly.kpxe"]),
        ("the kernel is not there", &[bios, Loads, Script, NoKernel, bios], &["undionly.kpxe", "undionly.kpxe"]),
        (
            "Secure Boot goes from PXE to HTTP by itself",
            &[uefi, Loads, http, Loads, Waits(60), Switched, uefi, Loads, Chains("grubx64.efi"), Script, Kernel],
            &["ipxe.efi", "snponly.efi", "shimx64.efi"],
        ),
        (
            "what worked comes first",
            &[uefi, Loads, uefi, Loads, Script, Kernel, System, Switched, uefi, Loads, Script, System, uefi],
            &["ipxe.efi", "snponly.efi", "snponly.efi", "snponly.efi"],
        ),
        (
            "what was learned fails",
            &[uefi, Loads, uefi, Loads, Script, Kernel, System, uefi, Loads, uefi, Loads, uefi],
            &["ipxe.efi", "snponly.efi", "snponly.efi", "ipxe.efi", "shimx64.efi"],
        ),
        (
            "at the end anew",
            &[bios, Loads, bios, Loads, bios, Loads, bios],
            &["undionly.kpxe", "ipxe.pxe", "pxelinux.0", "undionly.kpxe"],
        ),
        ("switched while it loads", &[bios, Loads, Switched, bios], &["undionly.kpxe", "undionly.kpxe"]),
        ("switched when it hung", &[bios, Loads, Waits(4), Switched, bios], &["undionly.kpxe", "ipxe.pxe"]),
        (
            "another BIOS of the same machine",
            &[uefi, Loads, bios, Loads, uefi],
            &["ipxe.efi", "undionly.kpxe", "snponly.efi"],
        ),
    ] {
        assert_eq!(Story::of(row).given, expected, "{name}");
    }
}

#[test]
fn what_is_a_loop() {
    let round = |row: &[Did], times: usize| row.repeat(times);
    let found = |row: &[Did]| {
        let story = Story::of(row);
        story.ladder.found(story.now).map(|found| (found.file, found.times))
    };
    let (bios, ladder) = (Asks(Bios), round(&[Asks(Bios), Loads, Waits(5)], 23));
    let chained = [Ipxe, Script, Chains("ipxe.efi"), Waits(3)];
    for (name, row, expected) in [
        ("a boot", vec![bios, Loads, Ipxe, Script, Kernel], None),
        // Each of three rungs, seven times; then the first for the eighth time.
        ("round the ladder, seven times", ladder[..63].to_vec(), None),
        ("round the ladder without end", ladder, Some(("undionly.kpxe".to_owned(), 8))),
        ("slowly", round(&[bios, Loads, Waits(120)], 60), None),
        ("a script that chains a loader, seven times", round(&chained, 7), None),
        ("a script that chains a loader", round(&chained, 8), Some(("ipxe.efi".to_owned(), 8))),
        ("a script that chains itself", round(&[Script], 20), Some(("its script".to_owned(), 20))),
        ("a script whose kernel is elsewhere", round(&[Script, Waits(5)], 100), None),
        ("a script whose kernel is not there", round(&[Script, NoKernel], 100), None),
        ("a kernel between", [round(&chained, 7), vec![Kernel], round(&chained, 7)].concat(), None),
        ("a system between", [round(&chained, 7), vec![System], round(&chained, 7)].concat(), None),
        ("its power was switched", [round(&chained, 8), vec![Switched]].concat(), None),
        ("long ago", [round(&chained, 8), vec![Waits(601)]].concat(), None),
    ] {
        assert_eq!(found(&row), expected, "{name}");
    }
}

#[test]
fn a_loop_is_broken_for_a_while() {
    let mut story = Story::of(&[Script; 20]);
    assert!(story.ladder.found(story.now).is_some() && !story.ladder.is_looped(story.now));
    let until = Ladder::until(story.now);
    story.tell(Fact::BootLooped { cause: String::new(), next_step: String::new(), until });
    assert!(story.ladder.found(story.now).is_none() && story.ladder.is_looped(story.now));
    // It asks on, and is offered nothing.
    story.discover(Some(Bios), false);
    story.offer(None);
    assert!(story.ladder.is_looped(story.now));
    for (name, end) in
        [("its time is over", Waits(600)), ("its power was switched", Switched), ("a system runs", System)]
    {
        let mut after = Story { judged: true, ladder: story.ladder.clone(), now: story.now, given: Vec::new() };
        after.does(end);
        assert!(!after.ladder.is_looped(after.now), "{name}");
    }
    story.ladder.anew();
    assert!(!story.ladder.is_looped(story.now));
}

#[test]
fn the_judge_may_look_when_the_kernel_is_long_on_its_way() {
    let mut story = Story { judged: false, ladder: Ladder::default(), now: Timestamp::UNIX_EPOCH, given: Vec::new() };
    let boot = [Asks(UefiX64), Loads, Asks(UefiX64), Loads, Script, Kernel, Kernel];
    boot.into_iter().for_each(|did| story.does(did));
    story.judge();
    [System, Asks(UefiX64)].into_iter().for_each(|did| story.does(did));
    assert_eq!(story.given, ["ipxe.efi", "snponly.efi", "snponly.efi"]);
}

#[test]
fn what_is_told_on_the_page() {
    let tries = |row: &[Did]| {
        let story = Story::of(row);
        story.ladder.tries().map(|tried| (tried.program.name(), tried.worked)).collect::<Vec<_>>()
    };
    assert_eq!(tries(&[Asks(Bios), Loads, Ipxe, Script, Kernel]), []);
    let secure = [Asks(UefiX64), Loads, Asks(UefiX64), Loads, Script];
    assert_eq!(tries(&secure), [("ipxe.efi", false), ("snponly.efi", true)]);
}
