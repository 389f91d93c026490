//! Folds events into the state. Pure; the same code follows the live program and replays a journal.

use super::{Alarms, Health, Ladder, Link, Machine, Press, Rejected, Segment, State, boots, checked, fetches, tracked};
use crate::{
    event::{Action, Event, Evidence, Fact, MachineSummary, Manner, PowerState, Service, Severity},
    net::Mac,
};
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::{BTreeMap, VecDeque},
    net::Ipv4Addr,
    sync::Arc,
};

/// Events kept for the screen, a segment and a kind of pane.
const KEPT: usize = 5_000;
/// Machines kept that are not in the conf tree.
const STRANGERS: usize = 512;
/// Other ends of a segment's cable that are kept: a bridge has several, and who was changed for another stays for a while.
const LINKS: usize = 8;
/// A boot that was under way so long before the program began is not waited for.
const UNSEEN: SignedDuration = SignedDuration::from_mins(10);

impl State {
    /// Folds one event in. Replaying a journal into an empty state gives the state of that moment.
    pub fn apply(&mut self, event: &Arc<Event>) {
        self.generation += 1;
        match &event.fact {
            Fact::ConfRejected { path, value, expected } => {
                let rejected = Rejected { value: value.clone(), expected: expected.clone() };
                self.mistakes.insert(path.clone(), rejected);
            }
            Fact::ConfMended { path } => drop(self.mistakes.remove(path)),
            Fact::JournalFailed { error, .. } => self.journal_trouble = Some(error.clone()),
            Fact::JournalRecovered { .. } => self.journal_trouble = None,
            Fact::EventsDropped { reader, count } => *self.dropped.entry(reader.clone()).or_default() += count,
            Fact::ProgramStarted { .. } => self.begin(event),
            Fact::TrackChanged { .. } | Fact::TrackRepaired { .. } => self.changes += 1,
            // Of a machine, a segment or a profile: who loads without end may do it no longer.
            Fact::ConfChanged { .. } => {
                let machines = self.segments.values_mut().flat_map(|segment| segment.machines.values_mut());
                machines.for_each(|machine| machine.ladder.anew());
            }
            _ => {}
        }
        fetches::apply(&mut self.fetches, event);
        self.alerts.apply(event);
        match event.segment {
            None => keep(&mut self.program, event),
            Some(address) => self.segments.entry(address).or_default().apply(event),
        }
    }
}

impl State {
    /// Folds in an event of another server's segment, as it comes from the database that both write to.
    pub fn apply_remote(&mut self, event: &Arc<Event>) {
        if let Some(address) = event.segment {
            self.generation += 1;
            let segment = self.segments.entry(address).or_default();
            segment.remote = true;
            segment.heard = segment.heard.max(Some(event.time));
            segment.apply(event);
        }
    }

    /// A run of the program begins: what is wrong, served and in conf is told anew.
    fn begin(&mut self, event: &Event) {
        self.started = Some(event.time);
        self.mistakes.clear();
        self.dropped.clear();
        self.journal_trouble = None;
        for segment in self.segments.values_mut() {
            segment.current = false;
            segment.services.clear();
            for machine in segment.machines.values_mut() {
                // What was under way when the program ended is no longer.
                machine.press = machine.press.take().filter(|press| !press.is_underway());
                // A recipe that ran then has no end any more.
                machine
                    .tracked
                    .values_mut()
                    .for_each(|tracked| tracked.run = tracked.run.take().filter(|run| run.end.is_some()));
                if let Some(boot) = machine.boots.back_mut()
                    && event.time.duration_since(boot.last_heard) > UNSEEN
                {
                    boot.leave();
                }
            }
        }
    }
}

fn keep(events: &mut VecDeque<Arc<Event>>, event: &Arc<Event>) {
    if events.len() == KEPT {
        events.pop_front();
    }
    events.push_back(event.clone());
}

impl Segment {
    fn apply(&mut self, event: &Arc<Event>) {
        self.leases.apply(event);
        match &event.fact {
            Fact::ConfLoaded { domain, mode, pool, machines } => {
                self.current = true;
                (self.domain, self.mode, self.pool) = (domain.clone(), mode.clone(), *pool);
                adopt(&mut self.machines, machines, event.time);
                self.in_conf = self.machines.values().filter(|machine| machine.in_conf).count();
            }
            Fact::ServiceStarted { service, address } => {
                self.services.insert(*service, Health::Running { address: address.clone() });
            }
            Fact::ServiceFailed { service, error, next_step, .. } => {
                let since = match self.services.get(service) {
                    Some(Health::Failed { since, .. }) => *since,
                    _ => event.time,
                };
                let failed = Health::Failed { error: error.clone(), next_step: next_step.clone(), since };
                self.services.insert(*service, failed);
            }
            Fact::ServiceStopped { service } => drop(self.services.insert(*service, Health::Stopped)),
            Fact::RivalFound { server, .. } => {
                if let Some(mac) = event.mac {
                    self.rivals.entry(mac).or_insert((*server, event.time));
                }
            }
            Fact::RivalGone { .. } => {
                if let Some(mac) = event.mac {
                    self.rivals.remove(&mac);
                }
            }
            Fact::LinkTold { system, port } => {
                if let Some(mac) = event.mac {
                    let link = Link { system: system.clone(), port: port.clone() };
                    self.links.insert(mac, (link, event.time));
                    let oldest = self.links.iter().min_by_key(|(_, (_, since))| *since).map(|(mac, _)| *mac);
                    if let Some(oldest) = oldest.filter(|_| self.links.len() > LINKS) {
                        self.links.remove(&oldest);
                    }
                }
            }
            Fact::ConfRemoved { .. } => {
                self.current = false;
                adopt(&mut self.machines, &[], event.time);
            }
            _ => {}
        }
        if event.mac.is_none() && event.machine.is_none() {
            checked::apply(&mut self.checks, event);
        }
        // Kept apart, so that a machine that logs much does not push out what happened.
        match &event.fact {
            Fact::SyslogReceived { .. } => keep(&mut self.syslog, event),
            _ if event.severity() != Severity::Debug => keep(&mut self.events, event),
            _ => {}
        }
        if let Some(mac) = event.mac.or_else(|| self.mac_of(event.machine?))
            && !matches!(event.fact, Fact::DhcpConflicted { .. })
        {
            self.make_room(mac);
            self.machines.entry(mac).or_insert_with(|| stranger(mac)).apply(event);
        }
    }

    fn mac_of(&self, address: Ipv4Addr) -> Option<Mac> {
        let at = |machine: &&Machine| machine.address == Some(address);
        let mut found: Vec<&Machine> = self.machines.values().filter(at).collect();
        found.sort_by_key(|machine| (machine.in_conf, machine.last_seen));
        found.last().map(|machine| machine.mac)
    }

    /// Forgets the strangers that were silent longest, where another one would be too many. An eighth of them at once:
    /// a flood of strangers is not to look through all machines for each.
    fn make_room(&mut self, mac: Mac) {
        if self.machines.len() < self.in_conf + STRANGERS || self.machines.contains_key(&mac) {
            return;
        }
        let strangers = self.machines.values().filter(|machine| !machine.in_conf);
        let mut oldest: Vec<_> = strangers.map(|machine| (machine.last_seen, machine.mac)).collect();
        oldest.sort_unstable();
        for (_, mac) in &oldest[..oldest.len() / 8] {
            self.machines.remove(mac);
        }
    }
}

fn stranger(mac: Mac) -> Machine {
    Machine {
        mac,
        address: None,
        hostname: None,
        in_conf: false,
        profile: None,
        last: None,
        firmware: None,
        firmware_in_conf: false,
        power_method: None,
        power: None,
        power_trouble: None,
        press: None,
        refused: None,
        alarms: Alarms::default(),
        arming: None,
        armings: VecDeque::new(),
        spoken: VecDeque::new(),
        tracked: BTreeMap::new(),
        checks: BTreeMap::new(),
        vendor: None,
        first_seen: None,
        last_logged: None,
        last_seen: None,
        last_word: None,
        ladder: Ladder::default(),
        boots: VecDeque::new(),
    }
}

/// Takes over what conf says; machines that are gone from it and were never heard of disappear.
fn adopt(machines: &mut BTreeMap<Mac, Machine>, summaries: &[MachineSummary], now: Timestamp) {
    machines.values_mut().for_each(|machine| machine.in_conf = false);
    for summary in summaries {
        let machine = machines.entry(summary.mac).or_insert_with(|| stranger(summary.mac));
        machine.in_conf = true;
        machine.address = Some(summary.address);
        machine.hostname = Some(summary.hostname.clone());
        machine.profile.clone_from(&summary.boot);
        machine.last = summary.last;
        machine.firmware_in_conf = summary.firmware.is_some();
        machine.firmware = summary.firmware.or(machine.firmware);
        machine.power_method.clone_from(&summary.power);
        machine.agree(summary.armed.as_deref(), now);
    }
    machines.retain(|_, machine| machine.in_conf || machine.first_seen.is_some());
}

impl Machine {
    fn apply(&mut self, event: &Arc<Event>) {
        let from_machine = matches!(
            event.service(),
            Service::Dhcp | Service::Tftp | Service::Http | Service::Dns | Service::Syslog | Service::Radv
        ) && !matches!(event.fact, Fact::DhcpExpired { .. });
        if from_machine {
            self.first_seen.get_or_insert(event.time);
            self.last_seen = self.last_seen.max(Some(event.time));
        }
        // What the power column shows is no news.
        let is_word = from_machine || !matches!(event.fact, Fact::PowerObserved { .. } | Fact::ConfChanged { .. });
        if event.severity() != Severity::Debug && is_word {
            self.last_word = Some(event.clone());
        }
        if matches!(event.fact, Fact::SyslogReceived { .. }) {
            self.last_logged = Some(event.time);
        }
        Press::apply(&mut self.press, event);
        self.alarms.apply(event);
        self.ladder.apply(event);
        match &event.fact {
            Fact::DhcpDiscovered { architecture, hostname, .. } => self.learn(*architecture, hostname.as_deref()),
            Fact::DhcpAcknowledged { architecture, hostname, address, .. } => {
                self.learn(*architecture, hostname.as_deref());
                if !self.in_conf {
                    self.address = Some(*address);
                }
            }
            Fact::HostSeen { vendor, name, .. } => {
                self.vendor = vendor.clone().or_else(|| self.vendor.take());
                if !self.in_conf && name.is_some() {
                    self.hostname.clone_from(name);
                }
                if !self.in_conf && event.machine.is_some() {
                    self.address = event.machine;
                }
                self.first_seen.get_or_insert(event.time);
                self.last_seen = self.last_seen.max(Some(event.time));
            }
            Fact::PowerAccepted { action, manner: Manner::Done, .. } => self.accepted(*action, event.time),
            Fact::PowerConfirmed { action, method, evidence, .. } => {
                // Nobody says when a machine goes off that only a magic packet switches.
                if method != "wol" || *evidence == Evidence::State {
                    self.power = Some(if *action == Action::Off { PowerState::Off } else { PowerState::On });
                }
            }
            Fact::PowerRefused { error, .. } => self.refused = Some((event.time, error.clone())),
            Fact::PowerObserved { state, .. } => (self.power, self.power_trouble) = (Some(*state), None),
            // From a magic packet nothing comes back: that is no trouble.
            Fact::PowerUnobserved { method, .. } if method == "wol" => {}
            Fact::PowerUnobserved { method, error, .. } => {
                (self.power, self.power_trouble) = (None, Some(format!("{method}: {error}")));
            }
            _ => {
                if !self.in_conf && self.address.is_none() {
                    self.address = event.machine;
                }
            }
        }
        // On its way to be on it may be seen off.
        let is_beginning = self.press.as_ref().is_some_and(|p| p.is_underway() && p.action != Action::Off);
        if !(is_beginning && matches!(event.fact, Fact::PowerObserved { .. })) {
            boots::apply(&mut self.boots, event);
        }
        self.arm(event);
        self.speak(event);
        tracked::apply(&mut self.tracked, event);
        checked::apply(&mut self.checks, event);
        if matches!(event.fact, Fact::PowerUnconfirmed { .. }) && self.power != Some(PowerState::On) {
            boots::not_begun(&mut self.boots);
        }
    }

    /// What switches the machine gives it power, or takes it; whether that is so, shows.
    fn accepted(&mut self, action: Action, at: Timestamp) {
        // A boot counts from when it was asked for; one that was refused is none.
        let asked = self.press.as_ref().filter(|press| press.is_underway()).map_or(at, |press| press.asked);
        let is_known = self.boot().is_some_and(|boot| boot.began == asked);
        match action {
            Action::Off => {}
            // In its set-up it does not boot.
            Action::Setup => boots::leave(&mut self.boots),
            _ if is_known => boots::power_on_again(&mut self.boots, at),
            _ => boots::power_on(&mut self.boots, asked),
        }
    }

    fn learn(&mut self, architecture: Option<crate::event::Architecture>, hostname: Option<&str>) {
        if !self.firmware_in_conf {
            self.firmware = architecture.or(self.firmware);
        }
        if !self.in_conf && hostname.is_some() {
            self.hostname = hostname.map(ToOwned::to_owned);
        }
    }
}
