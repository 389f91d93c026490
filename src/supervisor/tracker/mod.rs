//! Looks at the files of machines in their pace, and keeps what is other. A few at once, never two of one machine; those that are off are
//! caught up with when they show themselves.

mod look;

use super::{
    documents::Whose,
    segments::{Shared, choose},
};
use crate::{
    command::Place,
    desk::CommandLine,
    event::{self, Action, Event, Fact, PowerState},
    power::ladder::evidence,
    reach::{Files, Subject, namesake, subjects},
    track::{Recorded, looked::Looked},
};
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    sync::{Semaphore, broadcast::error::RecvError},
    task::JoinSet,
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;

/// How often is looked who is due.
const TICK: Duration = Duration::from_secs(1);
/// How often is looked which machines there are, where conf stays as it is.
const ANEW: Duration = Duration::from_secs(5);
/// Machines looked at at the same time.
const AT_ONCE: usize = 8;

/// The looks that are under way, and what came of those before.
#[derive(Clone)]
pub struct Looks {
    under_way: Arc<Mutex<BTreeMap<Place, CancellationToken>>>,
    known: Arc<Mutex<BTreeMap<String, Looked>>>,
    room: Arc<Semaphore>,
    tidying: Arc<tokio::sync::Mutex<()>>,
    has_changed: Arc<AtomicBool>,
    /// Whose documents are to be written anew.
    documents: Arc<Mutex<BTreeSet<Whose>>>,
}

impl Default for Looks {
    fn default() -> Looks {
        Looks {
            under_way: Arc::default(),
            known: Arc::default(),
            room: Arc::new(Semaphore::new(AT_ONCE)),
            tidying: Arc::default(),
            has_changed: Arc::default(),
            documents: Arc::default(),
        }
    }
}

/// A machine that is being looked at, until it is dropped.
struct UnderWay {
    looks: Looks,
    place: Place,
    over: CancellationToken,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.looks.under_way.lock().remove(&self.place);
        self.over.cancel();
    }
}

impl Looks {
    /// None while the machine is being looked at.
    fn try_begin(&self, place: Place) -> Result<UnderWay, CancellationToken> {
        let mut under_way = self.under_way.lock();
        if let Some(there) = under_way.get(&place) {
            return Err(there.clone());
        }
        let over = CancellationToken::new();
        under_way.insert(place, over.clone());
        Ok(UnderWay { looks: self.clone(), place, over })
    }

    /// Waits until nobody else looks at the machine.
    async fn begin(&self, place: Place) -> UnderWay {
        loop {
            match self.try_begin(place) {
                Ok(mine) => return mine,
                Err(there) => there.cancelled().await,
            }
        }
    }

    fn known(&self, run: &Path, host: &str) -> Looked {
        let mut known = self.known.lock();
        known.entry(host.to_owned()).or_insert_with(|| Looked::read(run, host)).clone()
    }

    fn remember(&self, run: &Path, host: &str, looked: Looked) {
        // What cannot be written is known until the program ends; a full disk is told where files are kept.
        let _ = looked.write(run, host);
        self.known.lock().insert(host.to_owned(), looked);
    }

    /// There is a reason to look at it soon.
    fn wake(&self, run: &Path, host: &str) {
        let now = event::now();
        let mut known = self.known.lock();
        let looked = known.entry(host.to_owned()).or_insert_with(|| Looked::read(run, host));
        looked.wake.get_or_insert(now);
    }

    fn something_changed(&self, subject: &Subject) {
        self.has_changed.store(true, Relaxed);
        self.documents.lock().insert(Whose { place: subject.place, container: subject.container.clone() });
    }

    fn take_documents(&self) -> BTreeSet<Whose> {
        std::mem::take(&mut self.documents.lock())
    }

    fn take_changed(&self) -> bool {
        self.has_changed.swap(false, Relaxed)
    }

    async fn tidying(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.tidying.lock().await
    }
}

/// Looks until shutdown.
pub async fn keep(shared: Shared) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut conf = shared.conf.clone();
    let mut events = shared.events.subscribe();
    let mut all: BTreeMap<Place, Vec<Subject>> = BTreeMap::new();
    let mut listed: Option<Instant> = None;
    let mut looks: JoinSet<()> = JoinSet::new();
    let mut tidying: JoinSet<()> = JoinSet::new();
    loop {
        tokio::select! {
            () = shared.shutdown.cancelled() => return,
            Some(_) = looks.join_next() => {
                if looks.is_empty() {
                    while tidying.try_join_next().is_some() {}
                    // Documents of many take their time; who is due is looked at meanwhile.
                    let shared = shared.clone();
                    tidying.spawn(async move { look::tidy(&shared, &shared.looks).await });
                }
            }
            event = events.recv() => {
                match event {
                    Ok(event) => awaken(&shared, &all, &event),
                    // What was missed is shown again: a machine that is on does not fall silent.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                }
                continue;
            }
            _ = ticks.tick() => {}
        }
        if listed.is_none_or(|at| at.elapsed() >= ANEW) || conf.has_changed().unwrap_or(false) {
            conf.borrow_and_update();
            let before = std::mem::replace(&mut all, tracked(&shared));
            if listed.replace(Instant::now()).is_some() {
                let known: Vec<&Subject> = before.values().flatten().collect();
                let others = all.values().flatten().filter(|subject| !known.contains(subject));
                others.for_each(|subject| shared.looks.wake(&shared.options.run, &subject.host));
            }
        }
        for (place, subjects) in &all {
            let is_off = is_off(&shared, subjects);
            let due: Vec<Subject> =
                subjects.iter().filter(|subject| is_due(&shared, subject, is_off)).cloned().collect();
            if due.is_empty() {
                continue;
            }
            let Ok(room) = shared.looks.room.clone().try_acquire_owned() else { break };
            let Ok(mine) = shared.looks.try_begin(*place) else { continue };
            let shared = shared.clone();
            looks.spawn(async move {
                let _held = (room, mine);
                for subject in due {
                    tokio::select! {
                        () = shared.shutdown.cancelled() => return,
                        _ = look::look(&shared, &subject, None, false) => {}
                    }
                }
            });
        }
    }
}

/// What is tracked, of the segments that are served now.
fn tracked(shared: &Shared) -> BTreeMap<Place, Vec<Subject>> {
    let conf = shared.conf.borrow().clone();
    let through = through(shared);
    let mut all = BTreeMap::new();
    for (address, _) in choose(&shared.options, &conf).unwrap_or_default() {
        let Some(segment) = conf.segments.get(&address) else { continue };
        for machine in segment.machines.keys() {
            let place = (address, *machine);
            let subjects = subjects(&conf, shared.options.folders(), &through, place);
            if !subjects.is_empty() && namesake(&conf, place).is_none() {
                all.insert(place, subjects);
            }
        }
    }
    all
}

/// Words before ssh, so that it runs as the operator.
fn through(shared: &Shared) -> Vec<OsString> {
    shared.desk.operator().as_operator(CommandLine::default()).words
}

fn is_off(shared: &Shared, subjects: &[Subject]) -> bool {
    let Some(subject) = subjects.first() else { return false };
    let state = shared.state.read();
    state.machine(subject.place.0, subject.mac).is_some_and(|machine| machine.power == Some(PowerState::Off))
}

/// What lies here can be looked at without the machine.
fn is_due(shared: &Shared, subject: &Subject, is_off: bool) -> bool {
    if is_off && matches!(subject.source, Files::There(_)) {
        return false;
    }
    let looked = shared.looks.known(&shared.options.run, &subject.host);
    looked.due(&subject.host, subject.every(is_off)) <= event::now()
}

/// Who was away and shows itself is looked at soon.
fn awaken(shared: &Shared, all: &BTreeMap<Place, Vec<Subject>>, event: &Event) {
    let shows = match &event.fact {
        Fact::BootCompleted { .. } => true,
        Fact::PowerObserved { state, .. } => *state == PowerState::On,
        Fact::PowerConfirmed { action, .. } => *action != Action::Off,
        _ => evidence(event).is_some(),
    };
    let Some(subjects) = event.segment.zip(event.machine).filter(|_| shows).and_then(|place| all.get(&place)) else {
        return;
    };
    for subject in subjects {
        let looked = shared.looks.known(&shared.options.run, &subject.host);
        if looked.trouble.is_some_and(|trouble| trouble.is_away) {
            shared.looks.wake(&shared.options.run, &subject.host);
        }
    }
}

/// Looks at these machines and their containers now. Each tells `track.looked`, `track.changed` or `track.failed` at last.
pub async fn pull_all(shared: &Shared, machines: Vec<Place>, cause: Option<String>) {
    let mut pulls = JoinSet::new();
    for place in machines {
        let (shared, cause) = (shared.clone(), cause.clone());
        pulls.spawn(async move { drop(pull(&shared, place, None, cause).await) });
    }
    while pulls.join_next().await.is_some() {}
    look::tidy(shared, &shared.looks).await;
}

/// Looks at a machine and its containers now, or at `only` this one of them (`Some(None)` is the machine itself). Gives what was kept
/// of each that it came through with.
pub async fn pull(
    shared: &Shared,
    place: Place,
    only: Option<Option<String>>,
    cause: Option<String>,
) -> Vec<(Option<String>, Recorded)> {
    let conf = shared.conf.borrow().clone();
    let refuse = |error: String, next_step: String| {
        let container = only.clone().flatten();
        let fact = Fact::TrackFailed { container, doing: "looking at it".to_owned(), error, next_step };
        let mac = conf.machine(place).map(|(_, machine)| machine.mac);
        shared.bus.publish(Event::new(Some(place.0), fact).about(Some(place.1), mac));
        Vec::new()
    };
    if let Some((segment, machine)) = namesake(&conf, place) {
        let error = format!("its name is that of the machine {machine} of the segment {segment}, too");
        return refuse(error, "give one of them another hostname: the record has a folder a name".to_owned());
    }
    let mut subjects = subjects(&conf, shared.options.folders(), &through(shared), place);
    subjects.retain(|subject| only.as_ref().is_none_or(|only| *only == subject.container));
    if subjects.is_empty() {
        let step = format!("write /etc into the `track` file of {}/{}", place.0, place.1);
        return refuse("conf does not say which of its files are kept".to_owned(), step);
    }
    let _mine = shared.looks.begin(place).await;
    let _room = shared.looks.room.acquire().await;
    let mut came = Vec::new();
    for subject in subjects {
        tokio::select! {
            () = shared.shutdown.cancelled() => break,
            recorded = look::look(shared, &subject, cause.clone(), true) => {
                came.extend(recorded.map(|recorded| (subject.container, recorded)));
            }
        }
    }
    came
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_look_at_a_machine_at_a_time() {
        let looks = Looks::default();
        let place = |last| (Ipv4Addr::new(10, 77, 0, 1), Ipv4Addr::new(10, 77, 0, last));
        use std::net::Ipv4Addr;
        let first = looks.begin(place(60)).await;
        assert!(looks.try_begin(place(60)).is_err());
        let other = looks.try_begin(place(61));
        assert!(other.is_ok());
        let (second, ()) = tokio::join!(looks.begin(place(60)), async { drop(first) });
        drop(second);
        assert!(looks.try_begin(place(60)).is_ok());
    }
}
