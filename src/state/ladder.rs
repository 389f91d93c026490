//! Folds the events of one machine into how far it is on the ladder of boot files: which programs its firmware got on with,
//! and whether it loads one after the other without end. Pure: what is given next `boot` decides.

use crate::{
    boot::{Climb, Program},
    event::{Action, Architecture, Event, Fact, Manner, Role, Step},
};
use jiff::{SignedDuration, Timestamp};
use std::collections::VecDeque;

/// Programs tried that are kept for the screen.
const KEPT: usize = 6;
/// Names of loaders that are counted.
const COUNTED: usize = 16;
/// Whole fetches of one loader, without a kernel asked for, that are a loop. Some firmware fetches each twice.
const LOADS: u32 = 8;
/// Scripts in so short a time, without a kernel asked for, that are a loop. A script of ours asks for its kernel, and again
/// every five seconds where it gets none; one whose kernel is elsewhere comes to 12 in a minute.
const SCRIPTS: usize = 20;
const MINUTE: SignedDuration = SignedDuration::from_secs(60);
/// What is older has nothing to do with a loop of now; and for so long nothing is given to a machine that is in one.
const LONG: SignedDuration = SignedDuration::from_mins(10);
/// From a program's last byte to the first packet that it sends by itself; who is switched within that says nothing of it.
const START: SignedDuration = SignedDuration::from_secs(3);

/// A machine's place on the ladder of boot files.
#[derive(Clone, Debug, Default)]
pub struct Ladder {
    climb: Climb,
    /// What its firmware was told to load last.
    current: Option<Current>,
    /// It asked last as firmware or as iPXE, and not as a system.
    as_firmware: bool,
    /// It asked last as iPXE.
    as_ipxe: bool,
    /// What its firmware said last that it is.
    architecture: Option<Architecture>,
    /// What worked, until it is told whether that is news.
    worked: Option<(Option<Architecture>, Program)>,
    /// Programs tried, the newest last.
    tries: VecDeque<Try>,
    loads: Vec<Loads>,
    scripts: VecDeque<Timestamp>,
    /// Nothing is given before.
    looped_until: Option<Timestamp>,
}

/// A program on its way.
#[derive(Clone, Copy, Debug)]
struct Current {
    program: Program,
    architecture: Option<Architecture>,
    asked: bool,
    ended: Option<Timestamp>,
    further: bool,
}

/// A loader that was fetched.
#[derive(Clone, Debug)]
struct Loads {
    file: String,
    first: Timestamp,
    last: Timestamp,
    times: u32,
}

/// A program that was tried, and how that went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Try {
    /// Which.
    pub program: Program,
    /// True if it came further; false if the firmware was back without that.
    pub worked: bool,
}

/// A loop that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loop {
    /// What is loaded again and again.
    pub file: String,
    /// How often.
    pub times: u32,
}

impl Ladder {
    /// Folds one event of the machine in.
    pub fn apply(&mut self, event: &Event) {
        match &event.fact {
            Fact::DhcpDiscovered { architecture, ipxe, vendor, .. } => {
                let firmware = architecture.is_some() || is_netboot(vendor.as_deref());
                (self.as_firmware, self.as_ipxe) = (firmware || *ipxe, *ipxe);
                if *ipxe {
                    self.further();
                } else if firmware {
                    self.architecture = *architecture;
                    self.conclude();
                } else {
                    self.runs();
                }
            }
            Fact::DhcpOffered { boot_file, .. } | Fact::DhcpProxied { boot_file, .. } => {
                self.told(boot_file.as_deref())
            }
            Fact::DhcpAcknowledged { boot_file, .. } if self.as_firmware => self.told(boot_file.as_deref()),
            Fact::DhcpAcknowledged { architecture: None, ipxe: false, .. } => self.runs(),
            Fact::SyslogReceived { .. } => self.runs(),
            Fact::PowerAccepted { action, manner: Manner::Done, .. } => {
                if *action != Action::Off
                    && let Some(current) = self.current
                    && current.ended.is_none_or(|ended| event.time.duration_since(ended) < START)
                {
                    self.current = None;
                }
                self.clear();
            }
            Fact::BootLearned { architecture, boot_file } => {
                if let Some(program) = Program::of(boot_file) {
                    self.climb.learn(*architecture, program);
                    self.worked = None;
                }
            }
            Fact::BootLooped { until, .. } => {
                self.clear();
                self.looped_until = Some(*until);
            }
            fact => {
                if let Some((step, transfer)) = fact.transfer() {
                    self.transfer(event.time, step, &transfer.file, transfer.role);
                } else if let Some((file, role, _)) = fact.refusal() {
                    match role {
                        Role::Loader => self.loaded(file, event.time),
                        Role::Kernel => self.kernel(),
                        Role::Script => self.further(),
                        _ => {}
                    }
                }
            }
        }
    }

    /// The conf tree changed, so what did not work may work now.
    pub fn anew(&mut self) {
        self.clear();
    }

    /// How far it is, as firmware that asks now is to find it: what it loaded and came back from has failed.
    pub fn ahead(&self) -> Climb {
        let mut climb = self.climb;
        if let Some(current) = self.current.filter(|current| current.asked && !current.further) {
            climb.fail(current.architecture, current.program);
        }
        climb
    }

    /// A program that worked and is not the first that the machine is given.
    pub fn news(&self) -> Option<(Option<Architecture>, Program)> {
        self.worked.filter(|(architecture, program)| self.climb.is_news(*architecture, *program))
    }

    /// What it loads again and again, if it does.
    pub fn found(&self, now: Timestamp) -> Option<Loop> {
        let recent = |last: Timestamp| now.duration_since(last) < LONG;
        if self.is_looped(now) {
            return None;
        }
        if let Some(most) = self.loads.iter().find(|load| load.times >= LOADS && recent(load.last)) {
            return Some(Loop { file: most.file.clone(), times: most.times });
        }
        let (first, last) = (self.scripts.front()?, self.scripts.back()?);
        let close = self.scripts.len() == SCRIPTS && last.duration_since(*first) < MINUTE && recent(*last);
        close.then(|| Loop { file: "its script".to_owned(), times: SCRIPTS as u32 })
    }

    /// True while nothing is given to it, since it loads without end.
    pub fn is_looped(&self, now: Timestamp) -> bool {
        self.looped_until.is_some_and(|until| now < until)
    }

    /// When it is given something again.
    pub fn looped_until(&self) -> Option<Timestamp> {
        self.looped_until
    }

    /// When a loop that is found at `now` is over.
    pub fn until(now: Timestamp) -> Timestamp {
        now.checked_add(LONG).unwrap_or(Timestamp::MAX)
    }

    /// The programs tried, the newest last; empty where there is nothing to tell but that the first one works.
    pub fn tries(&self) -> impl Iterator<Item = Try> {
        let silent = self.tries.iter().all(|tried| tried.worked) && self.tries.len() <= 1;
        self.tries.iter().copied().filter(move |_| !silent)
    }

    /// True if `program` was learned.
    pub fn has_learned(&self, program: Program) -> bool {
        self.climb.pxe.learned.has(program) || self.climb.http.learned.has(program)
    }

    fn told(&mut self, boot_file: Option<&str>) {
        // iPXE, once it runs, is given scripts; what it is given else is no rung.
        let Some(program) = boot_file.and_then(Program::of).filter(|_| !self.as_ipxe) else { return };
        if self.current.is_none_or(|current| current.program != program) {
            let architecture = self.architecture;
            self.current = Some(Current { program, architecture, asked: false, ended: None, further: false });
        }
    }

    fn transfer(&mut self, at: Timestamp, step: Step<'_>, file: &str, role: Role) {
        match (role, step) {
            (Role::Loader, Step::Requested) => self.asked(file, None),
            (Role::Loader, Step::Abandoned(_)) => self.asked(file, Some(at)),
            (Role::Loader, Step::Completed) => {
                self.loaded(file, at);
                self.count(file, at);
            }
            (Role::Script, Step::Requested) => self.further(),
            (Role::Script, Step::Completed) => {
                self.works();
                self.scripts.push_back(at);
                if self.scripts.len() > SCRIPTS {
                    self.scripts.pop_front();
                }
            }
            (Role::Kernel, Step::Requested | Step::Completed) => self.kernel(),
            _ => {}
        }
    }

    fn loaded(&mut self, file: &str, at: Timestamp) {
        self.asked(file, Some(at));
    }

    fn asked(&mut self, file: &str, ended: Option<Timestamp>) {
        let program = Program::of(file);
        if let Some(current) = self.current.as_mut().filter(|current| Some(current.program) == program) {
            current.asked = true;
            current.ended = ended;
        }
    }

    fn count(&mut self, file: &str, at: Timestamp) {
        self.loads.retain(|load| at.duration_since(load.first) < LONG);
        if let Some(load) = self.loads.iter_mut().find(|load| load.file == file) {
            (load.times, load.last) = (load.times + 1, at);
        } else if self.loads.len() < COUNTED {
            self.loads.push(Loads { file: file.to_owned(), first: at, last: at, times: 1 });
        }
    }

    fn further(&mut self) {
        if let Some(current) = self.current.as_mut().filter(|current| current.asked) {
            current.further = true;
        }
    }

    /// A loader that reads its script works.
    fn works(&mut self) {
        self.further();
        let Some(current) = self.current.filter(|current| current.asked) else { return };
        // What conf names says nothing of the ladder.
        if self.climb.program(current.architecture) == Some(current.program) {
            self.worked = Some((current.architecture, current.program));
        }
        self.climb.work(current.architecture);
        self.note(current.program, true);
    }

    /// A kernel was asked for: whatever came before was no loop.
    fn kernel(&mut self) {
        self.works();
        self.loads.clear();
        self.scripts.clear();
    }

    /// A system runs.
    fn runs(&mut self) {
        self.current = None;
        self.clear();
    }

    /// Firmware asks: what it was given before has failed, if it fetched that and came no further.
    fn conclude(&mut self) {
        let Some(current) = self.current.take() else { return };
        match (current.asked, current.further) {
            (true, false) => {
                self.climb.fail(current.architecture, current.program);
                self.note(current.program, false);
            }
            (true, true) => {}
            // It asks once more for what it has not fetched yet.
            (false, _) => self.current = Some(current),
        }
    }

    fn note(&mut self, program: Program, worked: bool) {
        self.tries.retain(|tried| tried.program != program);
        if self.tries.len() == KEPT {
            self.tries.pop_front();
        }
        self.tries.push_back(Try { program, worked });
    }

    fn clear(&mut self) {
        self.loads.clear();
        self.scripts.clear();
        self.looped_until = None;
    }
}

fn is_netboot(vendor: Option<&str>) -> bool {
    vendor.is_some_and(|vendor| vendor.starts_with("PXEClient") || vendor.starts_with("HTTPClient"))
}

#[cfg(test)]
#[path = "ladder_tests.rs"]
mod tests;
