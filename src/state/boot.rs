//! One boot of one machine: its stages, what it fetched, how it ended.

use super::Verdict;
use crate::event::{Refusal, Service, Silence};
use jiff::Timestamp;
use std::{collections::BTreeMap, fmt, net::Ipv4Addr};

/// How far a boot is. A machine may leave stages out (a loader may be in the firmware).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// It was switched on or reset from here.
    PoweredOn,
    /// Its first DHCPDISCOVER came.
    Seen,
    /// It was offered an address.
    Offered,
    /// It has an address.
    Acknowledged,
    /// Its boot loader was fetched.
    BootFile,
    /// Its script was fetched.
    Script,
    /// Its kernel was fetched.
    Kernel,
    /// Its last initrd was fetched.
    Initrd,
    /// The system runs: it took a lease itself or logged.
    Up,
}

/// One boot, from power-on or first sight to a running system or a standstill.
#[derive(Clone, Debug, PartialEq)]
pub struct Boot {
    /// Power-on, or the first packet.
    pub began: Timestamp,
    /// When each stage was reached.
    pub milestones: BTreeMap<Stage, Milestone>,
    /// Files on their way and fetched, in the order asked for; bounded.
    pub transfers: Vec<Underway>,
    /// Files not given, in the order of their first refusal; bounded.
    pub refused: Vec<Refused>,
    /// The last reason for which DHCP did not answer, with how often.
    pub silence: Option<(Silence, u32)>,
    /// The other DHCP server that the machine chose.
    pub outbid: Option<Ipv4Addr>,
    /// The boot file that the last offer named.
    pub offered_file: Option<String>,
    /// Why the last offer named none, where the machine wanted one.
    pub no_boot_file: Option<Refusal>,
    /// Why it got no lease, since it last asked.
    pub no_lease: Option<NoLease>,
    /// Its last DHCPDISCOVER was that of firmware or of iPXE, not of a system.
    pub asks_as_firmware: bool,
    /// How often the machine looked for a server in this boot.
    pub discovers: u32,
    /// The last time anything was heard of the machine in this boot.
    pub last_heard: Timestamp,
    /// How it stands.
    pub outcome: Outcome,
    /// Its packets, where they are kept.
    pub recording: Option<Recording>,
}

/// The packets of a boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// The pcapng file.
    pub file: String,
    /// How many; 0 while it is under way.
    pub packets: u64,
    /// The file's size.
    pub bytes: u64,
    /// Packets that the system had no room for.
    pub dropped: u64,
}

/// When a stage was reached, with a word on it (a file's name, an address).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Milestone {
    /// When.
    pub at: Timestamp,
    /// Address, file or tag.
    pub note: String,
}

/// A file on its way to a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Underway {
    /// TFTP or HTTP.
    pub service: Service,
    /// The transfer's number within the service.
    pub id: u64,
    /// The path as asked.
    pub file: String,
    /// The stage that this file means.
    pub stage: Option<Stage>,
    /// When it was asked for.
    pub asked: Timestamp,
    /// Bytes of the whole.
    pub size: Option<u64>,
    /// Bytes sent.
    pub bytes: u64,
    /// Milliseconds since it was asked for, at the last report.
    pub millis: u64,
    /// How it ended: none while under way, else all sent, or why not.
    pub ended: Option<Result<(), String>>,
}

/// A file that a machine asked for and did not get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// TFTP or HTTP.
    pub service: Service,
    /// The path as asked.
    pub file: String,
    /// The stage that the file would have meant.
    pub stage: Option<Stage>,
    /// Why.
    pub refusal: Refusal,
    /// How often.
    pub times: u32,
    /// The last time.
    pub last: Timestamp,
}

/// Why a machine that was offered an address does not have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoLease {
    /// The server said no (DHCPNAK): the address and the reason.
    Refused(String),
    /// The machine found the address in use (DHCPDECLINE).
    Declined(Ipv4Addr),
}

/// How a boot stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It goes on.
    Underway,
    /// The system runs since then.
    Up(Timestamp),
    /// It stands still, since the event that said so.
    Stalled(Verdict),
    /// The machine was switched off or began again.
    Ended,
}

impl Stage {
    /// Every stage in order.
    pub const ALL: [Stage; 9] = [
        Stage::PoweredOn,
        Stage::Seen,
        Stage::Offered,
        Stage::Acknowledged,
        Stage::BootFile,
        Stage::Script,
        Stage::Kernel,
        Stage::Initrd,
        Stage::Up,
    ];

    /// A word for the screen.
    pub fn name(self) -> &'static str {
        match self {
            Stage::PoweredOn => "power-on",
            Stage::Seen => "seen",
            Stage::Offered => "offered",
            Stage::Acknowledged => "leased",
            Stage::BootFile => "boot file",
            Stage::Script => "script",
            Stage::Kernel => "kernel",
            Stage::Initrd => "initrd",
            Stage::Up => "up",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Boot {
    /// The furthest stage reached.
    pub fn stage(&self) -> Option<Stage> {
        self.milestones.keys().next_back().copied()
    }
}
