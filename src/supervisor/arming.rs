//! Follows what machines are armed with: what shows that one is done disarms it, and its files are written.
//!
//! A machine is disarmed in this order: the journal has it, then `boot` says what it boots from now on, then `boot-once` is
//! gone. Wherever that is broken off, what was done tells that the machine is not to be installed once more, and the rest
//! is done later.

use super::segments::Shared;
use crate::{
    boot,
    bus::Delivery,
    command::Place,
    conf::{self, Conf},
    event::{self, Event, Fact},
    net::Mac,
    state::{Machine, State},
};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior},
};

/// How often is looked what is due.
const TICK: Duration = Duration::from_millis(100);
/// What may show that a machine is done waits so long for the state to know the boot that it is of.
const PATIENCE: Duration = Duration::from_secs(10);
/// What the journal gets to have it on the disk. With a broken disk the files alone tell it.
const STORED: Duration = Duration::from_secs(2);
/// Files that could not be written are tried again.
const AGAIN: Duration = Duration::from_secs(5);
/// Events taken at once.
const BATCH: usize = 256;
/// Boots and machines that are remembered here as told, until the state knows.
const MOST: usize = 4_096;

/// What was written into the tree while no program ran: those machines are armed, or armed anew, from now on.
pub fn while_away(state: &State, conf: &Conf, dir: &Path) -> Vec<Event> {
    let mut events = Vec::new();
    for (server, segment) in &conf.segments {
        for machine in segment.machines.values() {
            let Some(once) = &machine.boot_once else { continue };
            let known = state.machine(*server, machine.mac).and_then(|machine| machine.arming.as_ref());
            let written = || conf::armed_at(dir, (*server, machine.address));
            let is_known = known.is_some_and(|arming| {
                let last = arming.over.as_ref().map_or(arming.since, |over| over.at);
                arming.profile == once.profile && written().is_none_or(|at| at <= last)
            });
            if !is_known {
                let fact = Fact::BootArmed { profile: once.profile.clone(), then: once.then.clone() };
                events.push(Event::new(Some(*server), fact).about(Some(machine.address), Some(machine.mac)));
            }
        }
    }
    events
}

/// Arms a machine, or disarms it, as the operator wants.
pub async fn obey(shared: &Shared, place: Place, profile: Option<String>, then: Option<String>) {
    let tree = shared.conf.borrow().clone();
    let told = |mac, fact| Event::new(Some(place.0), fact).about(Some(place.1), mac);
    let unwritten = |mac, name: &str, error: String| {
        let path = format!("{}/{}{name}", place.0, place.1);
        shared.bus.publish(told(mac, Fact::ConfUnwritten { path, error }));
    };
    let Some((_, machine)) = tree.machine(place) else {
        return unwritten(None, "", "it is not in conf".to_owned());
    };
    let mac = Some(machine.mac);
    for name in profile.iter().chain(&then) {
        if boot::find(&tree, name).is_none() {
            return unwritten(mac, "/boot-once", format!("there is no profile {name} in conf/boot"));
        }
    }
    let dir = shared.options.conf.clone();
    let written = match profile {
        // What is written is told when it is read.
        Some(profile) => write(move || conf::arm(&dir, place, &profile, then.as_deref())).await,
        None => {
            let Some(once) = &machine.boot_once else {
                return unwritten(mac, "/boot-once", "it is not armed".to_owned());
            };
            let (profile, evidence) = (once.profile.clone(), "taken back by the operator".to_owned());
            let disarmed = Fact::BootDisarmed { profile, evidence, then: String::new() };
            let _ = shared.bus.store(vec![told(mac, disarmed)], STORED).await;
            write(move || conf::disarm(&dir, place, None, None)).await
        }
    };
    if let Err(error) = written {
        unwritten(mac, "/boot-once", words(&error));
    }
}

/// What went wrong, and the next step.
fn words(error: &io::Error) -> String {
    format!("{error}; see that the machine's folder is there and can be written")
}

async fn write(work: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// Something that may show that a machine is done.
struct Sign {
    machine: (Place, Mac),
    at: Timestamp,
    came: Instant,
    words: String,
    /// What it boots from now on, where the sign itself says it.
    then: Option<String>,
}

/// What is not done yet.
#[derive(Default)]
struct Desk {
    signs: Vec<Sign>,
    /// Machines whose files are to be written, what they are to say, and when that is tried next.
    due: BTreeMap<Place, Due>,
    /// What was told and the state may not know yet: the boot of a machine, or none where it is spent.
    told: BTreeSet<(Mac, Timestamp, Option<Timestamp>)>,
    /// The armings, by their machine and begin, that are over: likewise.
    over: BTreeSet<(Mac, Timestamp)>,
}

struct Due {
    mac: Mac,
    /// What `boot` is to say, if anything; `boot-once` goes with it, if it is older than `over`.
    then: Option<String>,
    over: Timestamp,
    next: Instant,
    error: Option<String>,
}

/// Follows the machines of conf until shutdown.
pub async fn keep(shared: Shared, mut heard: mpsc::Receiver<Delivery>) {
    let mut desk = Desk::default();
    desk.look_back(&shared);
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        tokio::select! {
            () = shared.shutdown.cancelled() => return,
            count = heard.recv_many(&mut batch, BATCH) => {
                if count == 0 {
                    return;
                }
                let conf = shared.conf.borrow().clone();
                for delivery in batch.drain(..) {
                    if let Delivery::Event(event) = delivery {
                        desk.hear(&conf, &event);
                    }
                }
            }
            _ = ticks.tick() => {
                desk.tell(&shared);
                desk.weigh(&shared).await;
                desk.write(&shared).await;
            }
        }
    }
}

impl Desk {
    /// What showed it before this run, and nobody followed.
    fn look_back(&mut self, shared: &Shared) {
        let conf = shared.conf.borrow().clone();
        let state = shared.state.read();
        for segment in state.segments.values() {
            let open = |event: &&Arc<Event>| {
                let machine = event.mac.and_then(|mac| segment.machines.get(&mac));
                machine.and_then(|machine| machine.arming.as_ref()).is_some_and(|arming| event.time >= arming.since)
            };
            segment.events.iter().chain(&segment.syslog).filter(open).for_each(|event| self.hear(&conf, event));
        }
    }

    /// Keeps what may show that a machine is done.
    fn hear(&mut self, conf: &Conf, event: &Event) {
        let may_show = matches!(
            event.fact,
            Fact::DnsObeyed { .. }
                | Fact::DnsRan { .. }
                | Fact::SyslogReceived { .. }
                | Fact::HttpCompleted { .. }
                | Fact::TftpCompleted { .. }
        );
        let (Some(server), Some(address), true) = (event.segment, event.machine, may_show) else { return };
        let found = conf.machine((server, address));
        let found = found.filter(|(_, machine)| event.mac.is_none_or(|mac| mac == machine.mac));
        let Some((segment, machine)) = found else { return };
        let is_local = matches!(&event.fact, Fact::DnsObeyed { verb, script: false, .. } if verb == boot::LOCAL);
        let then = is_local.then(|| boot::LOCAL.to_owned());
        let (place, now) = ((server, address), Instant::now());
        match &machine.boot_once {
            Some(once) => {
                let done = boot::find(conf, &once.profile).map(|profile| profile.done.as_slice()).unwrap_or_default();
                if let Some(words) = boot::evidence(done, &event.fact) {
                    let machine = (place, machine.mac);
                    self.signs.push(Sign { machine, at: event.time, came: now, words, then });
                }
            }
            // It is not armed: only what it boots is to be changed.
            None if is_local && segment.profile_of(Some(machine)) != Some(boot::LOCAL) => {
                let (mac, then, over) = (machine.mac, Some(boot::LOCAL.to_owned()), event.time);
                self.due.insert(place, Due { mac, then, over, next: now, error: None });
            }
            None => {}
        }
    }

    /// Disarms the machines that a sign is of, if it is of the right boot.
    async fn weigh(&mut self, shared: &Shared) {
        for sign in std::mem::take(&mut self.signs) {
            let ((server, address), mac) = sign.machine;
            let open = {
                let state = shared.state.read();
                state.machine(server, mac).and_then(|machine| shown(machine, sign.at))
            };
            let Some((profile, since)) = open else {
                if sign.came.elapsed() < PATIENCE {
                    self.signs.push(sign);
                }
                continue;
            };
            let conf = shared.conf.borrow().clone();
            let once = conf.machine((server, address)).and_then(|(_, machine)| machine.boot_once.clone());
            let Some(once) = once.filter(|once| once.profile == profile) else { continue };
            if !self.over.insert((mac, since)) {
                continue;
            }
            let then = sign.then.unwrap_or(once.then);
            let fact = Fact::BootDisarmed { profile, evidence: sign.words, then: then.clone() };
            let event = Event::new(Some(server), fact).about(Some(address), Some(mac));
            let (over, next) = (event.time, Instant::now());
            let _ = shared.bus.store(vec![event], STORED).await;
            self.due.insert((server, address), Due { mac, then: Some(then), over, next, error: None });
        }
        if self.over.len() > MOST {
            self.over.clear();
        }
    }

    /// Tells which boots are tries, and which machines had all of theirs; takes up what an earlier run left undone.
    fn tell(&mut self, shared: &Shared) {
        let conf = shared.conf.borrow().clone();
        let state = shared.state.read();
        for (server, segment) in &conf.segments {
            for machine in segment.machines.values() {
                let Some(once) = &machine.boot_once else { continue };
                let known = state.machine(*server, machine.mac);
                let Some((known, arming)) = known.and_then(|known| Some((known, known.arming.as_ref()?))) else {
                    continue;
                };
                if arming.profile != once.profile {
                    continue;
                }
                let place = (*server, machine.address);
                if let Some(over) = &arming.over {
                    let then = over.then.clone().filter(|then| !then.is_empty());
                    let (mac, over, next) = (machine.mac, over.at, Instant::now());
                    self.due.entry(place).or_insert(Due { mac, then, over, next, error: None });
                    continue;
                }
                let tries = boot::tries(boot::find(&conf, &once.profile));
                let mut say = |about, fact| {
                    if self.told.len() >= MOST {
                        self.told.clear();
                    }
                    if self.told.insert((machine.mac, arming.since, about)) {
                        let event = Event::new(Some(*server), fact);
                        shared.bus.publish(event.about(Some(machine.address), Some(machine.mac)));
                    }
                };
                for (at, boot) in arming.boots.iter().enumerate().filter(|(_, boot)| !arming.tried.contains(boot)) {
                    let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
                    let profile = arming.profile.clone();
                    say(Some(*boot), Fact::BootTried { profile, boot: *boot, number, tries });
                }
                if arming.spent.is_none() && known.standing(&shared.key, tries, event::now()).spent {
                    say(None, Fact::BootSpent { profile: arming.profile.clone(), tries });
                }
            }
        }
    }

    /// Writes what is to be written. What cannot be is told once, and tried again.
    async fn write(&mut self, shared: &Shared) {
        let now = Instant::now();
        let due: Vec<Place> = self.due.iter().filter(|(_, due)| due.next <= now).map(|(place, _)| *place).collect();
        for place in due {
            let Some(mut due) = self.due.remove(&place) else { continue };
            let (dir, then, over) = (shared.options.conf.clone(), due.then.clone(), due.over);
            let written = write(move || conf::disarm(&dir, place, then.as_deref(), Some(over))).await;
            let Err(error) = written else { continue };
            let error = format!("{}; it is tried again", words(&error));
            if due.error.as_ref() != Some(&error) {
                let path = format!("{}/{}/boot", place.0, place.1);
                let event = Event::new(Some(place.0), Fact::ConfUnwritten { path, error: error.clone() });
                shared.bus.publish(event.about(Some(place.1), Some(due.mac)));
            }
            (due.next, due.error) = (Instant::now() + AGAIN, Some(error));
            self.due.insert(place, due);
        }
    }
}

/// What a machine is armed with and since when, if what happened `at` that time is of a boot of it.
fn shown(machine: &Machine, at: Timestamp) -> Option<(String, Timestamp)> {
    let arming = machine.arming.as_ref().filter(|arming| at >= arming.since)?;
    // What a system of before it did, shows nothing.
    let is_of_it = machine.boots_what_it_is_armed_with() && machine.present_boot().is_some_and(|boot| at >= boot);
    is_of_it.then(|| (arming.profile.clone(), arming.since))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;
    use std::{fs, net::Ipv4Addr};

    #[test]
    fn what_was_written_while_nothing_ran() {
        let dir = tempfile::tempdir().unwrap();
        let (server, address) = (Ipv4Addr::new(10, 77, 0, 1), Ipv4Addr::new(10, 77, 0, 60));
        let folder = dir.path().join("10.77.0.1/10.77.0.60");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("mac"), "52:54:00:00:00:60").unwrap();
        conf::arm(dir.path(), (server, address), "local", None).unwrap();
        let written = conf::armed_at(dir.path(), (server, address)).unwrap();
        let tree = conf::read(dir.path(), None).conf;
        let second = SignedDuration::from_secs(1);
        let armed = |profile: &str, at| (at, Fact::BootArmed { profile: profile.to_owned(), then: "local".to_owned() });
        let done = |at| {
            let (profile, evidence, then) = ("local".to_owned(), "x".to_owned(), "local".to_owned());
            (at, Fact::BootDisarmed { profile, evidence, then })
        };
        for (words, facts, expected) in [
            ("nothing is known", vec![], true),
            ("it is known", vec![armed("local", written + second)], false),
            ("it was written anew", vec![armed("local", written - second)], true),
            ("it is another", vec![armed("debian", written + second)], true),
            ("it is done", vec![armed("local", written - second), done(written + second)], false),
            ("it was done, and written anew", vec![armed("local", written - second), done(written - second)], true),
        ] {
            let mut state = State::default();
            for (time, fact) in facts {
                let event = Event { time, ..Event::new(Some(server), fact) };
                state.apply(&Arc::new(event.about(Some(address), "52:54:00:00:00:60".parse().ok())));
            }
            let told = while_away(&state, &tree, dir.path());
            assert_eq!(told.len(), usize::from(expected), "{words}");
        }
    }
}
