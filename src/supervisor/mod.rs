//! Starts, joins and stops everything: the only place where servers, power, state and journal are known together.

mod alarms;
mod alerter;
mod alone;
mod arming;
mod commands;
mod control;
pub mod documents;
mod enforcer;
mod examine;
mod finder;
mod fleet;
mod key;
mod look;
mod observer;
mod pages;
mod past;
mod press;
mod record;
mod recorder;
mod replica;
mod retention;
mod scheduler;
mod segments;
mod server;
mod tracker;
mod trends;
mod watcher;

pub use alone::{Alone, alone};
pub use control::path as control_socket;
pub use documents::{Since, Whose};
pub use segments::NoSegment;

use crate::{
    bus::Bus,
    command::{Command, Found},
    conf::{self, Conf},
    console::{Record, Window},
    desk::{Desk, Places},
    event::{Event, Fact},
    journal::{Journal, JournalError},
    page,
    power::Ways,
    reach::Folders,
    sample::Samples,
    state::{Replica, Shared},
    trend::Trends,
};
use parking_lot::RwLock;
use std::{collections::BTreeMap, path::PathBuf, sync::Arc, thread, time::Duration};
use tokio::{
    sync::{broadcast, mpsc, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

/// Events that may wait for a reader: some seconds of the heaviest load.
const QUEUE: usize = 1 << 16;
/// Events that may wait for the boot recorder: some seconds of a busy segment.
const HEARD: usize = 1 << 12;
/// What servers get to finish what they do.
const GRACE: Duration = Duration::from_secs(3);

/// Where things are and what to serve.
#[derive(Clone, Debug)]
pub struct Options {
    /// The conf tree.
    pub conf: PathBuf,
    /// The folder whose files are served.
    pub tftpboot: PathBuf,
    /// The journal's file.
    pub journal: PathBuf,
    /// Where the processes of virtual machines are kept track of.
    pub run: PathBuf,
    /// Where terminals are logged and boots are recorded.
    pub log: PathBuf,
    /// Bases of root file systems over NFS.
    pub roots: PathBuf,
    /// What machines change of them, a folder a machine.
    pub overlay: PathBuf,
    /// Disks and snapshots of virtual machines.
    pub vm: PathBuf,
    /// The repository of machines' files.
    pub hosts: PathBuf,
    /// What was measured, a folder a machine.
    pub rrd: PathBuf,
    /// Serve the segments of this interface only.
    pub interface: Option<String>,
}

impl Options {
    /// Where machines' files are, and how they are reached.
    pub fn folders(&self) -> Folders<'_> {
        Folders { run: &self.run, overlay: &self.overlay }
    }
}

/// Why nothing was started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The journal cannot be opened.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The conf tree has no segment of this host.
    #[error(transparent)]
    NoSegment(#[from] NoSegment),
    /// The system gives no threads.
    #[error("cannot start a thread")]
    Threads(#[source] std::io::Error),
    /// The key of tokens can neither be read nor made.
    #[error("cannot read or make {}; see that the folder can be written, or name another with --run-dir", .0.display())]
    Key(PathBuf, #[source] std::io::Error),
    /// The folder to serve is not there.
    #[error("{} is not a folder; make it, or name another with --tftpboot", .0.display())]
    NoTftpboot(PathBuf),
}

/// The program at work.
pub struct Running {
    /// The segments as they stand.
    pub state: Shared,
    /// The conf tree as it stands.
    pub conf: watch::Receiver<Arc<Conf>>,
    /// How far the databases are behind, by URL.
    pub replicas: watch::Receiver<BTreeMap<String, Replica>>,
    /// Shows the past.
    pub past: Window,
    /// What was last looked for in the journal, and what was found.
    pub found: watch::Receiver<Arc<Found>>,
    /// Has what changed on machines, and recipes.
    pub record: Record,
    /// Opens terminals and packets for the operator.
    pub desk: Desk,
    /// What was measured.
    pub trends: Trends,
    /// Takes the operator's wishes.
    pub commands: mpsc::Sender<Command>,
    bus: Bus,
    /// Cancelled when the program is to end, by whatever cause.
    pub shutdown: CancellationToken,
    serving: JoinSet<()>,
    folding: JoinSet<()>,
    folded: CancellationToken,
    journal: thread::JoinHandle<()>,
}

/// Starts all servers of the chosen segments. Who is to see every event subscribes to `bus` before.
/// Must be called within a tokio runtime.
pub async fn start(options: Options, bus: Bus) -> Result<Running, StartError> {
    let reading = conf::read(&options.conf, None);
    segments::choose(&options, &reading.conf)?;
    let tftpboot = options.tftpboot.canonicalize().ok().filter(|path| path.is_dir());
    let tftpboot: Arc<std::path::Path> = tftpboot.ok_or(StartError::NoTftpboot(options.tftpboot.clone()))?.into();

    let key = key::key(&options.run).map_err(|error| StartError::Key(options.run.join("token.key"), error))?;
    let journal = Journal::open(&options.journal)?;
    let state: Shared = Arc::new(RwLock::new(journal.state(None)?));

    let shutdown = CancellationToken::new();
    let folded = CancellationToken::new();
    let mut folding = JoinSet::new();
    folding.spawn(recorder::fold(bus.subscribe("state", QUEUE), state.clone(), folded.clone()));
    let heard = bus.subscribe("arming", QUEUE);
    let (alerts, for_alerts) = (alerter::Past::of(&state.read()), bus.subscribe("alerts", QUEUE));
    let last = journal.last_time()?;
    let journal = journal.write(bus.subscribe_durable("journal", QUEUE), bus.clone()).map_err(StartError::Threads)?;
    bus.publish(Event::new(None, Fact::ProgramStarted { version: env!("CARGO_PKG_VERSION").to_owned() }));

    let changed = arming::while_away(&state.read(), &reading.conf, &options.conf);
    changed.into_iter().for_each(|event| bus.publish(event));

    let events = broadcast::Sender::new(HEARD);
    folding.spawn(recorder::pass_on(bus.subscribe("recorder", QUEUE), events.clone(), folded.clone()));

    let (past, requests, shown) = Window::new();
    let file = options.journal.clone();
    thread::Builder::new()
        .name("past".to_owned())
        .spawn(move || past::show(&file, &requests, &shown))
        .map_err(StartError::Threads)?;
    let (record, asked, shelf) = Record::new();
    let shelves = record::Shelves::of(&options);
    thread::Builder::new()
        .name("record".to_owned())
        .spawn(move || shelves.answer(&asked, &shelf))
        .map_err(StartError::Threads)?;
    let (commands, wishes) = mpsc::channel(64);
    let (conf_sender, conf) = watch::channel(Arc::new(reading.conf));
    let mut serving = JoinSet::new();
    serving.spawn(conf::watch(options.conf.clone(), conf_sender, bus.clone(), shutdown.clone()));
    serving.spawn(recorder::judge(state.clone(), bus.clone(), shutdown.clone()));
    let (found_sender, found) = watch::channel(Arc::new(Found::default()));
    let places = Places {
        conf: options.conf.clone(),
        journal: options.journal.clone(),
        run: options.run.clone(),
        log: options.log.clone(),
    };
    let desk = Desk::new(places, conf.clone());
    let (gauges, replicas) = watch::channel(BTreeMap::new());
    let (samples, measured) = Samples::new();
    let trends = Trends::new(options.rrd.clone());
    let page = page::router(page::Source {
        state: state.clone(),
        conf: conf.clone(),
        replicas: replicas.clone(),
        journal: options.journal.as_path().into(),
        tree: options.conf.as_path().into(),
        hosts: options.hosts.as_path().into(),
        tftpboot: tftpboot.clone(),
        run: options.run.as_path().into(),
        overlay: options.overlay.as_path().into(),
        trends: trends.clone(),
        commands: commands.clone(),
        events: events.clone(),
        bus: bus.clone(),
        shutdown: shutdown.clone(),
    });
    let shared = segments::Shared {
        checks: watcher::Watches::default(),
        alerts: alerter::Alerts::default(),
        samples,
        trends: trends.clone(),
        page,
        options,
        desk: desk.clone(),
        ways: Ways::default(),
        presses: press::Presses::default(),
        looks: tracker::Looks::default(),
        recipes: enforcer::UnderWay::default(),
        key,
        tftpboot,
        conf: conf.clone(),
        state: state.clone(),
        bus: bus.clone(),
        events: events.clone(),
        asked: watch::Sender::new(jiff::Timestamp::UNIX_EPOCH),
        found: found_sender,
        shutdown: shutdown.clone(),
    };
    serving.spawn(commands::obey(wishes, shared.clone()));
    serving.spawn(observer::observe(shared.clone()));
    serving.spawn(scheduler::keep(shared.clone(), commands.clone(), last));
    serving.spawn(alarms::keep(shared.clone()));
    serving.spawn(arming::keep(shared.clone(), heard));
    serving.spawn(control::serve(shared.clone(), commands.clone()));
    serving.spawn(watcher::keep(shared.clone()));
    serving.spawn(alerter::keep(shared.clone(), alerts, for_alerts));
    serving.spawn(trends::keep(shared.clone(), measured));
    serving.spawn(pages::keep(shared.clone()));
    serving.spawn(replica::keep(shared.clone(), {
        let shared = shared.clone();
        move |database, segments, stop| replica::ship(shared.clone(), gauges.clone(), database, segments, stop)
    }));
    serving.spawn(replica::keep(shared.clone(), {
        let shared = shared.clone();
        move |database, segments, stop| fleet::follow(shared.clone(), database, segments, stop)
    }));
    serving.spawn(retention::keep(shared.clone()));
    serving.spawn(tracker::keep(shared.clone()));
    serving.spawn(enforcer::keep(shared.clone()));
    serving.spawn(segments::serve(shared));
    Ok(Running {
        state,
        conf,
        replicas,
        past,
        found,
        record,
        desk,
        trends,
        commands,
        bus,
        shutdown,
        serving,
        folding,
        folded,
        journal,
    })
}

impl Running {
    /// Stops every server, then lets state and journal take in what is still queued.
    pub async fn stop(mut self, reason: &str) {
        self.shutdown.cancel();
        let ended = async { while self.serving.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(GRACE, ended).await;
        self.serving.shutdown().await;
        self.bus.publish(Event::new(None, Fact::ProgramStopped { reason: reason.to_owned() }));
        self.bus.close();
        self.folded.cancel();
        while self.folding.join_next().await.is_some() {}
        let journal = self.journal;
        let _ = tokio::task::spawn_blocking(move || journal.join()).await;
    }
}
