//! Sends the journal to the CouchDB databases that segments name. The servers never wait for it.

use super::segments::{Shared, choose};
use crate::{
    conf::Database,
    event::{Event, Fact},
    journal::couchdb::{Behind, CouchError, Shipper, Step},
    state::Replica,
};
use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    time::{Duration, Instant},
};
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// Events come in crowds: a document of a busy second is not to be sent for each.
const GATHER: Duration = Duration::from_millis(400);
/// From the first failure to the next try, and the longest that it doubles to.
const RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(30);
/// Where it does not take the password: CouchDB locks an account after five wrong ones within five minutes. A new one is
/// tried as soon as it is in conf.
const RETRY_LOGIN: Duration = Duration::from_secs(75);
/// An address may come to an interface after the program began.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// How often it is counted what waits.
const COUNT_EVERY: Duration = Duration::from_millis(500);

/// What is shown of all databases, by URL.
pub type Gauges = watch::Sender<BTreeMap<String, Replica>>;

/// The databases of the segments that are served here, each with its segments.
pub fn databases(shared: &Shared) -> BTreeMap<Database, Vec<Ipv4Addr>> {
    let conf = shared.conf.borrow().clone();
    let mut databases: BTreeMap<Database, Vec<Ipv4Addr>> = BTreeMap::new();
    for (address, _) in choose(&shared.options, &conf).unwrap_or_default() {
        if let Some(database) = conf.segments.get(&address).and_then(|segment| segment.couchdb.clone()) {
            databases.entry(database).or_default().push(address);
        }
    }
    databases
}

/// Keeps one task a database running, as conf names them, until shutdown.
pub async fn keep<F>(shared: Shared, work: impl Fn(Database, Vec<Ipv4Addr>, CancellationToken) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut conf = shared.conf.clone();
    let mut tasks = JoinSet::new();
    let mut running: BTreeMap<(Database, Vec<Ipv4Addr>), CancellationToken> = BTreeMap::new();
    loop {
        let _ = conf.borrow_and_update();
        let wanted = databases(&shared);
        running.retain(|(database, segments), token| {
            let stays = wanted.get(database) == Some(segments);
            if !stays {
                token.cancel();
            }
            stays
        });
        for (database, segments) in wanted {
            running.entry((database.clone(), segments.clone())).or_insert_with(|| {
                let token = shared.shutdown.child_token();
                tasks.spawn(work(database, segments, token.clone()));
                token
            });
        }
        tokio::select! {
            () = shared.shutdown.cancelled() => break,
            _ = conf.changed() => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
    }
    while tasks.join_next().await.is_some() {}
}

/// Sends to one database until `stop`.
pub async fn ship(
    shared: Shared,
    gauges: Gauges,
    database: Database,
    segments: Vec<Ipv4Addr>,
    stop: CancellationToken,
) {
    let mut sending = Sending {
        shared,
        gauges,
        database,
        segments,
        shipper: None,
        counted: None,
        behind: Behind::default(),
        trouble: None,
        delay: RETRY,
    };
    loop {
        let pause = tokio::select! {
            () = stop.cancelled() => break,
            pause = sending.step() => pause,
        };
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(pause) => {}
        }
    }
    let url = &sending.database.url;
    sending.gauges.send_modify(|all| drop(all.remove(url)));
}

struct Sending {
    shared: Shared,
    gauges: Gauges,
    database: Database,
    segments: Vec<Ipv4Addr>,
    shipper: Option<Shipper>,
    counted: Option<Instant>,
    behind: Behind,
    trouble: Option<CouchError>,
    delay: Duration,
}

impl Sending {
    /// One request, and how long to wait for the next.
    async fn step(&mut self) -> Duration {
        let outcome = self.attempt().await;
        let pause = match outcome {
            Ok(step) => {
                self.delay = RETRY;
                if self.trouble.take().is_some() && step != Step::Begun {
                    let (database, behind) = (self.database.url.clone(), self.behind.events);
                    self.tell(Fact::AuditRecovered { database, behind });
                }
                match step {
                    Step::Begun => {
                        let (database, behind) = (self.database.url.clone(), self.behind.events);
                        self.tell(Fact::AuditBegun { database, behind });
                        Duration::ZERO
                    }
                    Step::Sent { last: false, .. } => Duration::ZERO,
                    Step::Sent { .. } | Step::Idle => GATHER,
                }
            }
            Err(error) => self.failed(error),
        };
        self.show();
        pause
    }

    async fn attempt(&mut self) -> Result<Step, CouchError> {
        let shipper = match &mut self.shipper {
            Some(shipper) => shipper,
            None => {
                let shipper = Shipper::new(&self.shared.options.journal, &self.database, &self.segments)?;
                self.shipper.insert(shipper)
            }
        };
        if self.counted.is_none_or(|counted| counted.elapsed() > COUNT_EVERY) {
            self.behind = shipper.behind().await?;
            self.counted = Some(Instant::now());
            self.show();
        }
        let shipper = self.shipper.as_mut().ok_or(CouchError::Journal("it was closed".to_owned()))?;
        let step = shipper.step().await?;
        if step == Step::Begun || matches!(step, Step::Sent { last: true, .. }) {
            self.behind = shipper.behind().await?;
        }
        Ok(step)
    }

    fn failed(&mut self, error: CouchError) -> Duration {
        if self.shipper.as_ref().is_some_and(|shipper| shipper.can_shrink(&error)) {
            return Duration::ZERO;
        }
        if matches!(error, CouchError::Journal(_)) {
            self.shipper = None;
        }
        // Told when it begins and when it becomes another; not at each try.
        let same = |known: &CouchError| std::mem::discriminant(known) == std::mem::discriminant(&error);
        if !self.trouble.as_ref().is_some_and(|known| same(known) && known.code() == error.code()) {
            self.tell(Fact::AuditFailed {
                database: self.database.url.clone(),
                error: error.to_string(),
                next_step: error.next_step().to_owned(),
                behind: self.behind.events,
            });
        }
        let is_of_login = error.is_of_login();
        self.trouble = Some(error);
        if is_of_login {
            return RETRY_LOGIN;
        }
        let pause = self.delay;
        self.delay = (self.delay * 2).min(LAST_RETRY);
        pause
    }

    fn tell(&self, fact: Fact) {
        self.shared.bus.publish(Event::new(None, fact));
    }

    fn show(&self) {
        let trouble = self.trouble.as_ref().map(|error| (error.to_string(), error.next_step().to_owned()));
        let Behind { events, oldest } = self.behind;
        let replica = Replica { database: self.database.url.clone(), behind: events, oldest, trouble };
        self.gauges.send_if_modified(|all| {
            let changed = all.get(&replica.database) != Some(&replica);
            all.insert(replica.database.clone(), replica);
            changed
        });
    }
}
