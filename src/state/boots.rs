//! Folds the events of one machine into its boots: which stage each event means, and when a new boot begins. Pure.

use super::{Boot, Milestone, NoLease, Outcome, Recording, Refused, Stage, Underway, Verdict};
use crate::event::{Action, Event, Fact, Manner, PowerState, Refusal, Role, Service, Step, Transfer};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, VecDeque};

/// Boots, transfers and refusals kept.
const BOOTS: usize = 8;
const FILES: usize = 64;
/// What is on its way from the system that ran before may come so long after a power-on.
const ECHO: SignedDuration = SignedDuration::from_secs(3);

/// The machine was switched on or reset at this time.
pub fn power_on(boots: &mut VecDeque<Boot>, at: Timestamp) {
    begin(boots, at).reach(Stage::PoweredOn, at, String::new());
}

/// A further way was tried to begin the boot of which nothing was heard yet.
pub fn power_on_again(boots: &mut VecDeque<Boot>, at: Timestamp) {
    if let Some(boot) = boots.back_mut().filter(|boot| boot.stage() == Some(Stage::PoweredOn)) {
        boot.milestones.insert(Stage::PoweredOn, Milestone { at, note: String::new() });
        boot.outcome = Outcome::Underway;
        boot.hear(at);
    }
}

/// The boot that no way of switching brought about is over.
pub fn not_begun(boots: &mut VecDeque<Boot>) {
    if boots.back().is_some_and(|boot| boot.stage() == Some(Stage::PoweredOn)) {
        leave(boots);
    }
}

/// The boot that is under way ends.
pub fn leave(boots: &mut VecDeque<Boot>) {
    if let Some(boot) = boots.back_mut() {
        boot.leave();
    }
}

/// Folds one event of the machine in.
pub fn apply(boots: &mut VecDeque<Boot>, event: &Event) {
    match &event.fact {
        Fact::PowerAccepted { action: Action::Off, manner: Manner::Done, .. }
        | Fact::PowerConfirmed { action: Action::Off, .. }
        | Fact::PowerObserved { state: PowerState::Off, .. } => {
            if let Some(boot) = boots.back_mut()
                && boot.outcome != Outcome::Ended
            {
                boot.outcome = Outcome::Ended;
            }
        }
        Fact::DhcpDiscovered { architecture, ipxe, vendor, .. } => {
            let vendor = vendor.as_deref().unwrap_or_default();
            let from_firmware = architecture.is_some() || vendor.starts_with("PXEClient");
            if *ipxe || from_firmware {
                let boot = match boots.back() {
                    Some(boot) if boot.goes_on_with(*ipxe) => current(boots, event.time),
                    _ => begin(boots, event.time),
                };
                boot.discovers += 1;
                boot.asks_as_firmware = true;
                boot.reach(Stage::Seen, event.time, architecture.map_or(String::new(), |a| a.to_string()));
            } else if let Some(boot) = booting(boots, event.time) {
                boot.asks_as_firmware = false;
            }
        }
        Fact::DhcpOffered { address, boot_file, refusal, .. } => {
            if let Some(boot) = booting(boots, event.time).filter(|boot| boot.asks_as_firmware) {
                boot.no_boot_file.clone_from(refusal);
                boot.offered_file = boot_file.clone().or(boot.offered_file.take());
                boot.reach(Stage::Offered, event.time, address.to_string());
            }
        }
        Fact::DhcpProxied { boot_file, refusal, .. } => {
            if let Some(boot) = booting(boots, event.time) {
                boot.no_boot_file.clone_from(refusal);
                boot.offered_file.clone_from(boot_file);
                boot.reach(Stage::Offered, event.time, "boot information only".to_owned());
            }
        }
        Fact::DhcpAcknowledged { address, architecture, ipxe, .. } => {
            if let Some(boot) = booting(boots, event.time) {
                boot.no_lease = None;
                if architecture.is_some() || *ipxe {
                    boot.reach(Stage::Acknowledged, event.time, address.to_string());
                } else {
                    // A system asks otherwise than firmware; where no kernel came from here it is the machine's own.
                    let from = if boot.stage() >= Some(Stage::Script) { "" } else { "its own system " };
                    boot.reach(Stage::Up, event.time, format!("{from}took its lease of {address}"));
                }
            }
        }
        Fact::DhcpRefused { address, reason, .. } => {
            if let Some(boot) = booting(boots, event.time) {
                let address = address.map_or(String::new(), |address| format!("{address}, "));
                boot.no_lease = Some(NoLease::Refused(format!("{address}{reason}")));
            }
        }
        Fact::DhcpDeclined { address, .. } => {
            if let Some(boot) = booting(boots, event.time) {
                boot.no_lease = Some(NoLease::Declined(*address));
            }
        }
        Fact::DhcpIgnored { reason, .. } => {
            if let Some(boot) = booting(boots, event.time) {
                let times = boot.silence.as_ref().map_or(0, |(_, times)| *times);
                boot.silence = Some((reason.clone(), times + 1));
            }
        }
        Fact::DhcpOutbid { server, .. } => {
            if let Some(boot) = booting(boots, event.time) {
                boot.outbid = Some(*server);
            }
        }
        Fact::SyslogReceived { .. } => {
            if let Some(boot) = booting(boots, event.time)
                && (boot.stage() >= Some(Stage::Kernel) || event.time.duration_since(boot.began) > ECHO)
            {
                let own = if boot.stage() >= Some(Stage::Script) { "logged" } else { "its own system logged" };
                boot.reach(Stage::Up, event.time, own.to_owned());
            }
        }
        Fact::BootCompleted { .. } => {
            if let Some(boot) = boots.back_mut() {
                boot.outcome = Outcome::Up(event.time);
            }
        }
        Fact::BootStalled { cause, next_step, .. } => {
            if let Some(boot) = boots.back_mut() {
                let verdict = Verdict { stage: boot.stage(), cause: cause.clone(), next_step: next_step.clone() };
                boot.outcome = Outcome::Stalled(verdict);
            }
        }
        Fact::BootLooped { cause, next_step, .. } => {
            if let Some(boot) = boots.back_mut() {
                let verdict = Verdict { stage: boot.stage(), cause: cause.clone(), next_step: next_step.clone() };
                boot.outcome = Outcome::Stalled(verdict);
            }
        }
        Fact::BootRecorded { file, began, packets, bytes, dropped } => {
            if let Some(boot) = boots.iter_mut().rev().find(|boot| boot.began == *began) {
                let (file, packets, bytes, dropped) = (file.clone(), *packets, *bytes, *dropped);
                boot.recording = Some(Recording { file, packets, bytes, dropped });
            }
        }
        Fact::BootDiscarded { file } => {
            for boot in boots.iter_mut().filter(|boot| boot.recording.as_ref().is_some_and(|r| r.file == *file)) {
                boot.recording = None;
            }
        }
        fact => {
            if let Some((step, transfer)) = fact.transfer() {
                fold_transfer(boots, event, step, transfer);
            } else if let Some((file, role, refusal)) = fact.refusal()
                && let Some(boot) = booting(boots, event.time)
            {
                boot.refuse(event, file, role, refusal);
            }
        }
    }
}

fn fold_transfer(boots: &mut VecDeque<Boot>, event: &Event, step: Step<'_>, transfer: &Transfer) {
    let service = event.service();
    // Of what a machine fetches unasked only a loader by TFTP begins a boot: another DHCP server may have sent it. A
    // running system, and its administrator, fetch files over HTTP too.
    let begins = service == Service::Tftp && transfer.role == Role::Loader && step == Step::Requested;
    let boot = match boots.back() {
        Some(boot) if !boot.is_over() => current(boots, event.time),
        _ if begins => begin(boots, event.time),
        _ => return,
    };
    let is_it = |known: &Underway| known.id == transfer.id && known.service == service;
    if step == Step::Requested {
        if boot.transfers.len() == FILES {
            boot.transfers.remove(0);
        }
        boot.transfers.push(Underway {
            service,
            id: transfer.id,
            file: transfer.file.clone(),
            stage: stage_of(transfer.role),
            asked: event.time,
            size: transfer.size,
            bytes: 0,
            millis: 0,
            ended: None,
        });
        boot.hear(event.time);
        return;
    }
    // Numbers begin anew with each run of the program: the newest is meant. One that is unknown was the last boot's.
    let Some(at) = boot.transfers.iter().rposition(is_it) else { return };
    boot.hear(event.time);
    let underway = &mut boot.transfers[at];
    (underway.bytes, underway.millis) = (transfer.bytes, transfer.millis);
    match step {
        Step::Completed => {
            underway.ended = Some(Ok(()));
            if let Some(stage) = underway.stage {
                boot.reach(stage, event.time, transfer.file.clone());
            }
        }
        Step::Probed => drop(boot.transfers.remove(at)),
        Step::Abandoned(reason) => underway.ended = Some(Err(reason.to_owned())),
        Step::Requested | Step::Progressed => {}
    }
}

/// The stage that a file means.
fn stage_of(role: Role) -> Option<Stage> {
    match role {
        Role::Loader => Some(Stage::BootFile),
        Role::Script => Some(Stage::Script),
        Role::Kernel => Some(Stage::Kernel),
        Role::Initrd => Some(Stage::Initrd),
        Role::Other => None,
    }
}

/// A new boot; the one before has ended.
fn begin(boots: &mut VecDeque<Boot>, now: Timestamp) -> &mut Boot {
    if let Some(last) = boots.back_mut() {
        last.leave();
    }
    if boots.len() == BOOTS {
        boots.pop_front();
    }
    boots.push_back(Boot {
        began: now,
        milestones: BTreeMap::new(),
        transfers: Vec::new(),
        refused: Vec::new(),
        silence: None,
        outbid: None,
        offered_file: None,
        no_boot_file: None,
        no_lease: None,
        asks_as_firmware: false,
        discovers: 0,
        last_heard: now,
        outcome: Outcome::Underway,
        recording: None,
    });
    current(boots, now)
}

/// The last boot; there is one.
fn current(boots: &mut VecDeque<Boot>, now: Timestamp) -> &mut Boot {
    if boots.is_empty() {
        return begin(boots, now);
    }
    let last = boots.len() - 1;
    &mut boots[last]
}

/// The boot that is under way, if any, which was heard of now.
fn booting(boots: &mut VecDeque<Boot>, now: Timestamp) -> Option<&mut Boot> {
    let boot = boots.back_mut().filter(|boot| !boot.is_over())?;
    boot.hear(now);
    Some(boot)
}

impl Boot {
    fn reach(&mut self, stage: Stage, at: Timestamp, note: String) {
        self.hear(at);
        let new = !self.milestones.contains_key(&stage);
        // A machine fetches several initrds, and asks a script for the next: the last one counts.
        if new || stage == Stage::Initrd {
            self.milestones.insert(stage, Milestone { at, note });
        }
        if new && matches!(self.outcome, Outcome::Stalled(_)) {
            self.outcome = Outcome::Underway;
        }
    }

    fn hear(&mut self, at: Timestamp) {
        self.last_heard = self.last_heard.max(at);
    }

    /// Nobody will see how it goes on: another boot began, or the program was not there.
    pub fn leave(&mut self) {
        if self.outcome == Outcome::Underway {
            self.outcome = Outcome::Ended;
        }
    }

    fn is_over(&self) -> bool {
        matches!(self.outcome, Outcome::Up(_) | Outcome::Ended) || self.milestones.contains_key(&Stage::Up)
    }

    /// A DHCPDISCOVER of firmware, or of iPXE, is one more step of this boot and not the first of the next.
    fn goes_on_with(&self, ipxe: bool) -> bool {
        let last = if ipxe { Stage::BootFile } else { Stage::Acknowledged };
        !self.is_over() && self.stage() <= Some(last)
    }

    fn refuse(&mut self, event: &Event, file: &str, role: Role, refusal: &Refusal) {
        let service = event.service();
        if let Some(known) = self.refused.iter_mut().find(|r| r.file == file && r.service == service) {
            known.refusal = refusal.clone();
            known.times += 1;
            known.last = event.time;
        } else if self.refused.len() < FILES {
            let (file, stage, refusal) = (file.to_owned(), stage_of(role), refusal.clone());
            self.refused.push(Refused { service, file, stage, refusal, times: 1, last: event.time });
        }
    }
}
