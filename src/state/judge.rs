//! Judges boots: which have come to a running system, which stand still, and why, in words with the next step. Pure.

use super::{Boot, Ladder, Loop, Machine, NoLease, Outcome, Press, Refused, Segment, Stage, State, Underway};
use crate::{
    boot::Program,
    event::{Event, Fact, Refusal, Role, Silence},
};
use jiff::Timestamp;

/// The judgement on a boot that stands still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The last stage it reached.
    pub stage: Option<Stage>,
    /// The cause: what was seen, in words.
    pub cause: String,
    /// What the operator can do.
    pub next_step: String,
}

impl State {
    /// The events that time has made due: boots that have come to their end or stand still.
    pub fn due(&self, now: Timestamp) -> Vec<Event> {
        let mut due = Vec::new();
        // Who serves a segment judges its boots.
        for (address, segment) in self.segments.iter().filter(|(_, segment)| !segment.remote) {
            for machine in segment.machines.values() {
                due.extend(of_ladder(machine, now).map(|fact| {
                    let event = Event { time: now, ..Event::new(Some(*address), fact) };
                    event.about(machine.address, Some(machine.mac))
                }));
                let Some(boot) = machine.boot().filter(|boot| boot.outcome == Outcome::Underway) else { continue };
                // Whether it begins at all, who switches it on tells.
                let is_switched = machine.press.as_ref().is_some_and(Press::is_underway);
                if is_switched && boot.stage() <= Some(Stage::PoweredOn) {
                    continue;
                }
                let fact = match boot.milestones.get(&Stage::Up) {
                    Some(up) => Some(Fact::BootCompleted { millis: millis(boot.began, up.at) }),
                    None => {
                        judge(segment, machine, boot, self.heard_since(boot), now).map(|verdict| Fact::BootStalled {
                            stage: verdict.stage.map_or("nothing", Stage::name).to_owned(),
                            cause: verdict.cause,
                            next_step: verdict.next_step,
                        })
                    }
                };
                if let Some(fact) = fact {
                    let event = Event { time: now, ..Event::new(Some(*address), fact) };
                    due.push(event.about(machine.address, Some(machine.mac)));
                }
            }
        }
        due
    }
}

impl State {
    /// Since when nothing was heard of a machine that boots; what came before the program began nobody heard.
    fn heard_since(&self, boot: &Boot) -> Timestamp {
        self.started.map_or(boot.last_heard, |started| boot.last_heard.max(started))
    }
}

/// What is to be told of the machine's boot files: that it goes round in a circle, or which one it got on with.
fn of_ladder(machine: &Machine, now: Timestamp) -> Option<Fact> {
    if let Some(Loop { file, times }) = machine.ladder.found(now) {
        let cause = format!("it loaded {file} {times} times, and asked for no kernel between");
        let next_step = format!(
            "see its screen; name another `loader` in {} or mend its script: it is given nothing before conf changes, its \
             power is switched, or 10 minutes are over",
            folder(machine)
        );
        return Some(Fact::BootLooped { cause, next_step, until: Ladder::until(now) });
    }
    let (architecture, program) = machine.ladder.news()?;
    Some(Fact::BootLearned { architecture, boot_file: program.name().to_owned() })
}

fn millis(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_millis()).unwrap_or(0)
}

/// Why `boot`, of which nothing was heard since `heard`, stands still, if it does.
fn judge(segment: &Segment, machine: &Machine, boot: &Boot, heard: Timestamp, now: Timestamp) -> Option<Verdict> {
    let quiet = now.duration_since(heard).as_secs();
    let stage = boot.stage();
    let verdict = |cause: String, next_step: String| Some(Verdict { stage, cause, next_step });
    if let Some(refused) = decisive(boot)
        && (refused.times >= 2 || quiet >= 5)
    {
        let (cause, next_step) = refusal(refused, machine);
        return verdict(cause, next_step);
    }
    if let Some(no_lease) = &boot.no_lease
        && stage <= Some(Stage::Acknowledged)
        && quiet >= 5
    {
        return match no_lease {
            NoLease::Refused(why) => verdict(
                format!("the lease that it asked for was refused: {why}"),
                "let it ask anew: reset it; see that only one DHCP server answers".into(),
            ),
            NoLease::Declined(address) => verdict(
                format!("it found {address}, which it was given, in use by another"),
                format!("find the other: arping -I INTERFACE {address}; or give this machine another address"),
            ),
        };
    }
    if let (Some(no_boot_file), true) = (&boot.no_boot_file, stage >= Some(Stage::Offered) && quiet >= 5) {
        return verdict(
            format!("it got nothing to boot: {no_boot_file}"),
            remedy(no_boot_file, machine, "its boot file"),
        );
    }
    if boot.transfers.iter().any(|t| t.ended.is_none()) && quiet < 60 {
        return None;
    }
    // Its disk, a menu, a test of its memory: nobody hears how that goes on.
    if (stage, machine.last) == (Some(Stage::Script), Some(Role::Script))
        || (stage, machine.last) == (Some(Stage::Kernel), Some(Role::Kernel))
    {
        return None;
    }
    match stage {
        None | Some(Stage::PoweredOn) if quiet >= patience(machine) => verdict(
            "it was switched on, and nothing was heard of it".into(),
            format!(
                "see that it boots from the network first, that its cable is in, and that its MAC is {}",
                machine.mac
            ),
        ),
        Some(Stage::Seen) if quiet >= 5 || boot.discovers >= 3 => {
            let (cause, next_step) = unoffered(boot);
            verdict(cause, next_step)
        }
        Some(Stage::Offered) if quiet >= 15 => match boot.outbid {
            Some(server) => verdict(
                format!("it chose the offer of another DHCP server, {server}"),
                format!("stop the one at {server}, or write `proxy` into this segment's `mode`"),
            ),
            None if segment.mode == "proxy" => verdict(
                "it got boot information, and did not ask for the file".into(),
                "see that the other DHCP server gives it an address, and names no boot file of its own".into(),
            ),
            None => verdict(
                "it got an offer and never asked for it: another DHCP server?".into(),
                "look for a second DHCP server on the segment, or for a switch port that is not forwarding yet (STP)"
                    .into(),
            ),
        },
        Some(Stage::Acknowledged) if quiet >= 20 => match &boot.offered_file {
            None => verdict(
                "it has an address, and nothing to boot".into(),
                format!("name a profile: in `boot` of {} or of the segment", folder(machine)),
            ),
            Some(file) => match abandoned(boot) {
                Some(transfer) => interrupted(transfer, stage),
                None => verdict(
                    format!("it was told to load `{file}` and never asked for it"),
                    "look for a firewall between, and whether its firmware is what `firmware` says".into(),
                ),
            },
        },
        Some(Stage::BootFile | Stage::Script) if quiet >= 30 => match abandoned(boot) {
            Some(transfer) => interrupted(transfer, stage),
            None if stage == Some(Stage::BootFile) => verdict(
                "its loader was sent, and did not ask for a script".into(),
                format!(
                    "see its screen: the loader may not fit its firmware (Secure Boot refuses unsigned ones); at its next try \
                     it is given {}",
                    machine.ladder.ahead().program(machine.firmware).map_or("the next", Program::name)
                ),
            ),
            None => verdict(
                "it has its script, and did not ask for a kernel".into(),
                "see its screen, and whether the kernel is a URL of another server".into(),
            ),
        },
        Some(Stage::Kernel | Stage::Initrd) if quiet >= 120 => match abandoned(boot) {
            Some(transfer) => interrupted(transfer, stage),
            None => verdict(
                "it has its kernel, and the system has neither asked for an address nor logged".into(),
                "see its screen; let its system use DHCP, or send syslog to this server".into(),
            ),
        },
        _ => None,
    }
}

/// Seconds from power-on to the first packet: a server tests itself for minutes, a virtual machine does not.
fn patience(machine: &Machine) -> i64 {
    if machine.power_method.as_deref() == Some("qemu") { 60 } else { 600 }
}

/// A refused file that the boot needs, and for which nothing was got since.
fn decisive(boot: &Boot) -> Option<&Refused> {
    let needed = boot.refused.iter().filter(|refused| {
        // PXELINUX looks for its file under many names; all but its own may be missing.
        let tried = refused.file.contains("pxelinux.cfg/") && matches!(refused.refusal, Refusal::Missing { .. });
        let got = |t: &Underway| t.stage == refused.stage && t.ended == Some(Ok(())) && t.asked >= refused.last;
        refused.stage.is_some() && !tried && !boot.transfers.iter().any(got)
    });
    needed.max_by_key(|refused| refused.last)
}

fn abandoned(boot: &Boot) -> Option<&Underway> {
    boot.transfers.last().filter(|transfer| matches!(transfer.ended, Some(Err(_)) | None) && transfer.bytes > 0)
}

fn interrupted(transfer: &Underway, stage: Option<Stage>) -> Option<Verdict> {
    let size = transfer.size.map_or(String::new(), |size| format!(" of {size}"));
    Some(Verdict {
        stage,
        cause: format!("`{}` stopped after {}{size} bytes", transfer.file, transfer.bytes),
        next_step: "see that the machine still runs, and its cable and switch port for errors".into(),
    })
}

fn folder(machine: &Machine) -> String {
    machine.address.map_or("its folder".to_owned(), |address| format!("its folder {address}/"))
}

fn refusal(refused: &Refused, machine: &Machine) -> (String, String) {
    let protocol = refused.service.name().to_uppercase();
    let times = if refused.times == 1 { "once".to_owned() } else { format!("{} times", refused.times) };
    let asked = format!("asked for `{}` {times} over {protocol}", refused.file);
    let next_step = remedy(&refused.refusal, machine, &refused.file);
    let why = match &refused.refusal {
        Refusal::Missing { .. } => "the file is not there".to_owned(),
        other => other.to_string(),
    };
    (format!("{asked}, {why}"), next_step)
}

/// What the operator can do about `file` being refused.
fn remedy(refusal: &Refusal, machine: &Machine, file: &str) -> String {
    let profile = machine.profile.as_deref().unwrap_or("<profile>");
    match refusal {
        Refusal::Missing { path } if file.ends_with(".c32") || file.ends_with(".e64") => {
            format!("copy it beside the loader, to {path}")
        }
        Refusal::Missing { path } => format!("put it at {path} or change conf/boot/{profile}/"),
        Refusal::Outside => format!("copy it below tftpboot, or change conf/boot/{profile}/"),
        Refusal::NotAFile | Refusal::Unreadable { .. } => format!("see `ls -l tftpboot/{file}`"),
        Refusal::UnknownMachine => "adopt the machine, so that it is known by its MAC".to_owned(),
        Refusal::NoProfile => format!("name a profile: in `boot` of {} or of the segment", folder(machine)),
        Refusal::UnknownProfile { profile } => format!("make conf/boot/{profile}/, or name another in `boot`"),
        Refusal::BrokenProfile { profile, .. } => format!("correct conf/boot/{profile}/"),
        Refusal::Told { .. } | Refusal::Unarmed { .. } => {
            format!("arm it: write the profile into `boot-once` of {}", folder(machine))
        }
        Refusal::Looped => format!(
            "see its screen; name another `loader` in {} or mend its script, or switch its power",
            folder(machine)
        ),
        Refusal::NotAllowed { .. } => "see its screen for what it tries".to_owned(),
    }
}

fn unoffered(boot: &Boot) -> (String, String) {
    let (cause, next_step) = match boot.silence.as_ref().map(|(silence, _)| silence) {
        Some(Silence::NotInConf) => {
            ("it is not in conf, and the segment has no pool", "adopt it with `a`, or give the segment a `pool`")
        }
        Some(Silence::PoolExhausted) => ("every address of the pool is in use", "widen `pool`, or shorten `lease`"),
        Some(Silence::Off) => ("the segment's `mode` is off", "write `authoritative` or `proxy` into `mode`"),
        Some(Silence::ForeignRelay { relay }) => {
            return (
                format!("its requests come by the relay {relay}, which is not of this segment's network"),
                "widen the segment's `prefix`, or let the relay name another server".into(),
            );
        }
        Some(Silence::NotPxe) => {
            ("it does not ask to boot, and this segment's mode is proxy", "let the other DHCP server answer it")
        }
        Some(Silence::UnknownLease | Silence::OtherServer { .. }) | None => {
            ("it looked for a server and was not answered", "see the audit for errors of the DHCP server")
        }
    };
    (cause.to_owned(), next_step.to_owned())
}
