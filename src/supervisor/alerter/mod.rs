//! Keeps the alerts: hands events and time to the rules, tells what comes of it, and has it delivered.
//!
//! Who is to be told of what follows from the alerts as they stand (`alert::due`), and these from events: so a program that begins
//! anew tells what is not told yet, and nothing twice. A delivery is in the journal before the next one begins.

mod line;
mod past;

pub use past::Past;

use super::{segments::Shared, watcher};
use crate::{
    alert::{
        Due, Engine, Notice, Rules, due,
        tell::{Hand, Teller},
    },
    bus::Delivery,
    command::AlertKey,
    desk::CommandLine,
    event::{self, Asker, Event, Fact},
    net::Mac,
};
use jiff::Timestamp;
use line::{Lines, Told};
use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, MissedTickBehavior},
};

/// How often is looked what time has brought.
const TICK: Duration = Duration::from_millis(250);
/// Events taken at once.
const BATCH: usize = 256;
/// What deliveries that are under way get to end, when the program does.
const GRACE: Duration = Duration::from_secs(2);
/// A machine before others is looked at as often, while those are not reached.
const SUSPECT: Duration = Duration::from_secs(10);
/// The rule that a try is told as.
const TEST: &str = "test";

/// The alerts.
#[derive(Clone, Default)]
pub struct Alerts {
    /// Made when it is first needed.
    teller: Arc<OnceLock<Arc<Teller>>>,
}

impl Alerts {
    /// Who tells.
    fn teller(&self, shared: &Shared) -> Arc<Teller> {
        let teller = self.teller.get_or_init(|| {
            let CommandLine { words, env, .. } = shared.desk.operator().as_operator(CommandLine::default());
            Arc::new(Teller::new(Hand { words, env }))
        });
        teller.clone()
    }
}

/// Keeps them until shutdown. `heard` is all that happens, after `past`.
pub async fn keep(shared: Shared, past: Past, mut heard: mpsc::Receiver<Delivery>) {
    let mut conf = shared.conf.clone();
    let rules = Rules::of(conf.borrow_and_update().clone());
    let engine = Engine::begin(past.alerts, &rules, &past.events);
    let mut keeper =
        Keeper { shared, rules, engine, lines: Lines::default(), tasks: JoinSet::new(), suspects: BTreeMap::new() };
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        tokio::select! {
            () = keeper.shared.shutdown.cancelled() => break,
            count = heard.recv_many(&mut batch, BATCH) => {
                if count == 0 {
                    break;
                }
                for delivery in batch.drain(..) {
                    if let Delivery::Event(event) = delivery {
                        keeper.engine.hear(&keeper.rules, &event);
                    }
                }
            }
            Some(Ok(told)) = keeper.tasks.join_next() => keeper.told(told),
            changed = conf.changed() => {
                if changed.is_err() {
                    break;
                }
                keeper.rules = Rules::of(conf.borrow_and_update().clone());
                // Who was told wrongly may be told rightly now.
                keeper.lines.anew();
            }
            _ = ticks.tick() => keeper.step(),
        }
    }
    keeper.end().await;
}

struct Keeper {
    shared: Shared,
    rules: Rules,
    engine: Engine,
    lines: Lines,
    tasks: JoinSet<Told>,
    /// Machines that were looked at since others depend on them, and when.
    suspects: BTreeMap<(Ipv4Addr, Mac), Instant>,
}

impl Keeper {
    /// What time and events have brought.
    fn step(&mut self) {
        for event in self.engine.tick(&self.rules, event::now()) {
            self.shared.bus.publish(event);
        }
        self.deliver();
        self.look();
    }

    /// Has those told who are due and not left alone for now: each of one thing after the other, people of all that came up together.
    fn deliver(&mut self) {
        let now = event::now();
        let due = due(&self.engine.alerts, &self.rules, now);
        if due.is_empty() {
            self.lines.forget();
            return;
        }
        let teller = self.shared.alerts.teller(&self.shared);
        let mut of_each: BTreeMap<line::Who, Vec<Due<'_>>> = BTreeMap::new();
        for due in due {
            of_each.entry((due.key.segment, due.name.to_owned())).or_default().push(due);
        }
        for (who, due) in of_each {
            let Some((fails, due)) = self.lines.begin(&who, due) else { continue };
            let Some(receiver) = due.first().map(|due| due.receiver.clone()) else { continue };
            let part = |due: &Due<'_>| {
                let told = due.alert.told.get(due.name).and_then(|told| told.as_ref().ok().copied());
                let part = line::Part {
                    key: due.key.clone(),
                    over: due.over,
                    machine: due.alert.machine,
                    begin: due.alert.resolved.or(due.alert.fired).unwrap_or(now),
                    tries: self.lines.tries(&who, due) + 1,
                };
                (part, Notice::of(due.key, due.alert, &self.rules, told.filter(|_| due.again)))
            };
            let (parts, notices) = due.iter().map(part).unzip();
            let (teller, bus) = (teller.clone(), self.shared.bus.clone());
            self.tasks.spawn(line::deliver(line::Job { who, parts, notices, receiver, fails, teller, bus }));
        }
    }

    /// A delivery ended.
    fn told(&mut self, told: Told) {
        // It comes by the bus as well; by then others may be told already.
        for event in &told.events {
            self.engine.hear(&self.rules, event);
        }
        self.lines.end(&told);
        self.deliver();
    }

    /// Has machines looked at soon that others depend on.
    fn look(&mut self) {
        let now = Instant::now();
        self.suspects.retain(|_, at| now.duration_since(*at) < SUSPECT);
        for (segment, mac) in self.engine.suspects(&self.rules) {
            let Some((_, address)) = self.rules.machine(Some(segment), Some(mac)) else { continue };
            if let std::collections::btree_map::Entry::Vacant(free) = self.suspects.entry((segment, mac)) {
                free.insert(now);
                let shared = self.shared.clone();
                tokio::spawn(async move { watcher::check(&shared, segment, vec![address]).await });
            }
        }
    }

    /// What is under way is brought to its end, if that takes not long: else it is told once more.
    async fn end(mut self) {
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(GRACE, ended).await;
    }
}

/// Somebody looks after these.
pub fn acknowledge(shared: &Shared, alerts: Vec<AlertKey>, note: Option<String>, by: Asker) {
    for key in alerts {
        let machine = match shared.state.read().alerts.open.get(&key) {
            Some(alert) => alert.machine,
            None => continue,
        };
        let AlertKey { segment, mac, rule, subject } = key;
        let fact = Fact::AlertAcknowledged { rule, subject, by: by.clone(), note: note.clone() };
        shared.bus.publish(Event::new(segment, fact).about(machine, mac));
    }
}

/// Those that are like this are not told until then, or are again.
#[allow(clippy::too_many_arguments)]
pub fn silence(
    shared: &Shared,
    segment: Option<Ipv4Addr>,
    mac: Option<Mac>,
    rule: Option<String>,
    subject: Option<String>,
    until: Option<Timestamp>,
    by: Asker,
) {
    let fact = match until {
        Some(until) => Fact::AlertSilenced { rule, subject, until, by },
        None => Fact::AlertUnsilenced { rule, subject, by },
    };
    let conf = shared.conf.borrow().clone();
    let machine = segment.and_then(|segment| conf.segments.get(&segment)).zip(mac);
    let machine = machine.and_then(|(segment, mac)| Some(segment.machine_by_mac(mac)?.address));
    shared.bus.publish(Event::new(segment, fact).about(machine, mac));
}

/// Tells a receiver something, to see whether it comes.
pub async fn ring(shared: &Shared, segment: Ipv4Addr, receiver: &str) {
    let conf = shared.conf.borrow().clone();
    let all = conf.segments.get(&segment).map(|segment| segment.receivers.clone()).unwrap_or_default();
    let Some(found) = all.get(receiver) else {
        let known = if all.is_empty() { "none".to_owned() } else { all.keys().cloned().collect::<Vec<_>>().join(", ") };
        return shared.bus.publish(Event::new(
            Some(segment),
            Fact::AlertUndelivered {
                rule: TEST.to_owned(),
                subject: String::new(),
                receiver: receiver.to_owned(),
                means: event::Means::Command,
                over: false,
                error: "there is no such receiver".to_owned(),
                next_step: format!("see conf/{segment}/receivers: there are {known}"),
                retry: None,
            },
        ));
    };
    let key = AlertKey { segment: Some(segment), mac: None, rule: TEST.to_owned(), subject: String::new() };
    let told = shared.alerts.teller(shared).tell(found, &[Notice::test(segment, event::now())]).await;
    shared.bus.publish(line::event(&key, None, receiver, found, false, 1, &told, None));
}
