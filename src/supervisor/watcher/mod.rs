//! Decides what is checked when, has it looked at, and tells what came of it. Listens on each segment who is there.

mod sampled;

use super::segments::{Shared, choose};
use crate::{
    conf::{Conf, checks::What},
    desk::CommandLine,
    event::{Event, now},
    net::Interface,
    reach::Reach,
    sample::Sample,
    state::{State, checked::Checked},
    watch::{
        Due, Key, Look, Rounds, Subject, Told, excuse,
        listen::Heard,
        of_machine, of_segment,
        probe::{self, Prober, Target},
    },
};
use jiff::Timestamp;
use parking_lot::Mutex;
use sampled::sample;
use std::{
    collections::{BTreeMap, HashMap},
    net::Ipv4Addr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::{Notify, Semaphore},
    task::{Id, JoinSet},
};

/// How often is looked what state knows of machines.
const GLANCE: Duration = Duration::from_secs(1);
/// How often is looked which machines there are, where conf stays as it is.
const ANEW: Duration = Duration::from_secs(5);
/// What is measured more seldom is said again so often.
const REPEAT: Duration = Duration::from_secs(60);
/// Looks at the same time, and those over ssh among them.
const AT_ONCE: usize = 256;
const AT_ONCE_BY_SSH: usize = 8;

/// Machines of a segment whose checks are asked for; none for the segment's own.
type Asked = (Ipv4Addr, Vec<Ipv4Addr>);

/// The checks that somebody asks for.
#[derive(Clone, Default)]
pub struct Watches {
    asked: Arc<Mutex<Vec<Asked>>>,
    came: Arc<Notify>,
    /// Who spoke last, as is heard on the segments.
    pub heard: Heard,
}

/// Does the checks of these machines now; of the segment's own services where there are none. Each tells what came of it.
pub async fn check(shared: &Shared, segment: Ipv4Addr, machines: Vec<Ipv4Addr>) {
    shared.checks.asked.lock().push((segment, machines));
    shared.checks.came.notify_one();
}

/// Checks until shutdown.
pub async fn keep(shared: Shared) {
    let mut conf = shared.conf.clone();
    let asked = shared.checks.clone();
    let mut watcher = Watcher::new(shared.clone());
    watcher.follow();
    loop {
        let now = Instant::now();
        let next = watcher.next().saturating_duration_since(now);
        tokio::select! {
            () = shared.shutdown.cancelled() => return,
            Some(ended) = watcher.looks.join_next_with_id() => watcher.ended(ended),
            () = asked.came.notified() => {}
            changed = conf.changed() => {
                if changed.is_err() {
                    return;
                }
                watcher.follow();
            }
            () = tokio::time::sleep(next) => {}
        }
        let asked = std::mem::take(&mut *asked.asked.lock());
        asked.into_iter().for_each(|(segment, machines)| watcher.ask(segment, &machines));
        watcher.turn();
    }
}

struct Watcher {
    shared: Shared,
    conf: Arc<Conf>,
    interfaces: BTreeMap<Ipv4Addr, Interface>,
    rounds: Rounds,
    prober: Prober,
    by_ssh: Arc<Semaphore>,
    looks: JoinSet<Look>,
    under_way: HashMap<Id, Due>,
    /// When each machine was last heard of, as far as was told here.
    seen: BTreeMap<Subject, Timestamp>,
    /// What checks measured that are done seldom: a trend takes what is not said again for a hole.
    slow: BTreeMap<Key, (Instant, Sample)>,
    repeated: Instant,
    followed: Instant,
    glanced: Instant,
}

impl Watcher {
    fn new(shared: Shared) -> Watcher {
        let now = Instant::now();
        let (conf, heard) = (shared.conf.borrow().clone(), shared.checks.heard.clone());
        Watcher {
            conf,
            shared,
            interfaces: BTreeMap::new(),
            rounds: Rounds::default(),
            prober: Prober::new(heard),
            by_ssh: Arc::new(Semaphore::new(AT_ONCE_BY_SSH)),
            looks: JoinSet::new(),
            under_way: HashMap::new(),
            seen: BTreeMap::new(),
            slow: BTreeMap::new(),
            repeated: now,
            followed: now,
            glanced: now,
        }
    }

    fn next(&self) -> Instant {
        let due = self.rounds.next().filter(|_| self.looks.len() < AT_ONCE);
        due.into_iter().chain([self.followed + ANEW, self.glanced + GLANCE]).min().unwrap_or(self.followed)
    }

    /// Takes over conf and the segments that are served.
    fn follow(&mut self) {
        self.followed = Instant::now();
        let conf = self.shared.conf.borrow().clone();
        let Ok(served) = choose(&self.shared.options, &conf) else { return };
        let interfaces: BTreeMap<Ipv4Addr, Interface> = served.into_iter().collect();
        let is_same = Arc::ptr_eq(&conf, &self.conf) && interfaces.keys().eq(self.interfaces.keys());
        (self.interfaces, self.conf) = (interfaces, conf);
        if is_same && self.rounds.next().is_some() {
            return;
        }
        let mut plan = BTreeMap::new();
        for segment in self.interfaces.keys().filter_map(|address| self.conf.segments.get(address)) {
            of_segment(segment, &mut plan);
            segment.machines.values().for_each(|machine| of_machine(segment, machine, &mut plan));
        }
        let state = self.shared.state.clone();
        let told = self.rounds.follow(plan, |key| stood(&state.read(), key), Instant::now());
        self.tell(told);
        let there = self.rounds.subjects();
        self.seen.retain(|subject, _| there.contains(subject));
        self.glance();
    }

    /// Looks what state knows of machines that excuses them, and when they were heard of.
    fn glance(&mut self) {
        let (time, now) = (now(), Instant::now());
        self.glanced = now;
        let mut told = Vec::new();
        let state = self.shared.state.clone();
        let state = state.read();
        let spoke = self.shared.checks.heard.take();
        for subject in self.rounds.subjects() {
            let at = subject.machine.and_then(|(_, mac)| spoke.get(&(subject.segment, mac)));
            if let Some(at) = at {
                self.rounds.heard(subject, *at);
            }
            let machine = subject.machine.and_then(|(_, mac)| state.machine(subject.segment, mac));
            let Some(machine) = machine else { continue };
            told.extend(self.rounds.excuse(subject, excuse(machine, time), now));
            let Some(seen) = machine.last_seen else { continue };
            if self.seen.insert(subject, seen).is_some_and(|last| last < seen) {
                let ago = time.duration_since(seen).unsigned_abs();
                self.rounds.heard(subject, now.checked_sub(ago).unwrap_or(now));
            }
        }
        drop(state);
        self.tell(told);
    }

    fn ask(&mut self, segment: Ipv4Addr, machines: &[Ipv4Addr]) {
        let is_meant = |subject: &Subject| {
            let address = subject.machine.map(|(address, _)| address);
            subject.segment == segment && address.map_or(machines.is_empty(), |address| machines.contains(&address))
        };
        for subject in self.rounds.subjects().into_iter().filter(is_meant) {
            let told = self.rounds.ask(subject, Instant::now());
            self.tell(told);
        }
    }

    /// Begins what is due.
    fn turn(&mut self) {
        let now = Instant::now();
        if now.saturating_duration_since(self.followed) >= ANEW {
            self.follow();
        }
        if now.saturating_duration_since(self.glanced) >= GLANCE {
            self.glance();
        }
        if now.saturating_duration_since(self.repeated) >= REPEAT {
            self.repeat();
        }
        let room = AT_ONCE.saturating_sub(self.looks.len());
        for due in self.rounds.due(now, room) {
            let Some(target) = self.target(&due) else {
                self.take(&due, Look::wrong("its segment is not served here"));
                continue;
            };
            if let Some(look) = self.known(&due, &target) {
                self.take(&due, look);
                continue;
            }
            let (prober, what, by_ssh) = (self.prober.clone(), due.check.what.clone(), self.by_ssh.clone());
            let handle = self.looks.spawn(async move {
                let _turn = match target.reach {
                    Some(_) => by_ssh.acquire_owned().await.ok(),
                    None => None,
                };
                prober.look(&target, &what).await.unwrap_or_else(|| Look::wrong("this cannot be looked at yet"))
            });
            self.under_way.insert(handle.id(), due);
        }
    }

    fn target(&self, due: &Due) -> Option<Target> {
        let Subject { segment, machine } = due.key.subject;
        let interface = self.interfaces.get(&segment)?.clone();
        let segment = self.conf.segments.get(&segment)?.clone();
        let machine = match machine {
            Some((address, _)) => Some(segment.machines.get(&address)?.clone()),
            None => None,
        };
        let by_ssh = matches!(due.check.what, What::Disk(_) | What::Load(_));
        let reach = machine.as_ref().filter(|_| by_ssh).and_then(|machine| {
            let through = self.shared.desk.operator().as_operator(CommandLine::default()).words;
            Reach::of((&segment, machine), None, &self.shared.options.run, &through)
        });
        Some(Target { segment, interface, machine, reach })
    }

    /// Says again what was measured within its pace.
    fn repeat(&mut self) {
        self.repeated = Instant::now();
        let time = now();
        self.slow.retain(|key, (at, sample)| {
            let every = self.rounds.every(key);
            let is_fresh = every.is_some_and(|every| at.elapsed() < every + every / 2);
            if is_fresh {
                self.shared.samples.put(Sample { time, ..sample.clone() });
            }
            is_fresh
        });
    }

    /// What state knows already.
    fn known(&self, due: &Due, target: &Target) -> Option<Look> {
        let state = self.shared.state.read();
        let segment = state.segments.get(&due.key.subject.segment);
        match due.check.what {
            What::Pool(most) => Some(segment.map_or_else(
                || Look::wrong("nothing is known of the segment yet"),
                |segment| probe::pool(target.segment.pool, &segment.leases, now(), most),
            )),
            What::Syslog(span) => {
                let (_, mac) = due.key.subject.machine?;
                let last = segment.and_then(|segment| segment.machines.get(&mac)).and_then(|m| m.last_logged);
                Some(probe::silence(last, state.started.unwrap_or_else(now), now(), span))
            }
            _ => None,
        }
    }

    fn ended(&mut self, ended: Result<(Id, Look), tokio::task::JoinError>) {
        let (id, look) = match ended {
            Ok(ended) => ended,
            Err(error) => (error.id(), Look::wrong(format!("looking at it broke off: {error}"))),
        };
        if let Some(due) = self.under_way.remove(&id) {
            self.take(&due, look);
        }
    }

    fn take(&mut self, due: &Due, look: Look) {
        let time = now();
        let measured = sample(due, &look, time);
        if due.check.every > REPEAT {
            self.slow.insert(due.key.clone(), (Instant::now(), measured.clone()));
        }
        self.shared.samples.put(measured);
        let told = self.rounds.take(&due.key, look, (Instant::now(), time));
        self.tell(told);
    }

    fn tell(&self, told: Vec<Told>) {
        for Told { subject, fact } in told {
            let event = Event::new(Some(subject.segment), fact);
            let (address, mac) = subject.machine.unzip();
            self.shared.bus.publish(event.about(address, mac));
        }
    }
}

/// How a check stood when it was told last.
fn stood(state: &State, key: &Key) -> Option<Checked> {
    let segment = state.segments.get(&key.subject.segment)?;
    let checks = match key.subject.machine {
        Some((_, mac)) => &segment.machines.get(&mac)?.checks,
        None => &segment.checks,
    };
    checks.get(&*key.name).cloned()
}
