//! Obeys commands without serving: what the command line does by itself where no PXElator runs. Journaled all the same.

use super::{
    GRACE, HEARD, Options, QUEUE, StartError, commands,
    enforcer::UnderWay,
    press::Presses,
    recorder,
    segments::{Shared, choose},
    tracker::Looks,
};
use crate::{
    boot::TokenKey,
    bus::Bus,
    command::{Command, Found},
    conf::{self, Conf},
    desk::{Desk, Places},
    journal::Journal,
    power::Ways,
};
use parking_lot::RwLock;
use std::{sync::Arc, thread};
use tokio::{
    sync::{broadcast, mpsc, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

/// The part of the program that obeys.
pub struct Alone {
    /// Takes the operator's wishes.
    pub commands: mpsc::Sender<Command>,
    bus: Bus,
    shutdown: CancellationToken,
    working: JoinSet<()>,
    folded: CancellationToken,
    journal: thread::JoinHandle<()>,
    /// Kept, so that conf stays as it is.
    _conf: watch::Sender<Arc<Conf>>,
}

/// Begins to obey. Who is to see every event subscribes to `bus` before. Must be called within a tokio runtime.
pub fn alone(options: Options, bus: Bus) -> Result<Alone, StartError> {
    let reading = conf::read(&options.conf, None);
    choose(&options, &reading.conf)?;
    let journal = Journal::open(&options.journal)?;
    let state = Arc::new(RwLock::new(journal.state(None)?));
    let (shutdown, folded) = (CancellationToken::new(), CancellationToken::new());
    let mut working = JoinSet::new();
    working.spawn(recorder::fold(bus.subscribe("state", QUEUE), state.clone(), folded.clone()));
    let journal = journal.write(bus.subscribe_durable("journal", QUEUE), bus.clone()).map_err(StartError::Threads)?;
    let events = broadcast::Sender::new(HEARD);
    working.spawn(recorder::pass_on(bus.subscribe("power", QUEUE), events.clone(), folded.clone()));
    let (commands, wishes) = mpsc::channel(64);
    let (conf_sender, conf) = watch::channel(Arc::new(reading.conf));
    let places = Places {
        conf: options.conf.clone(),
        journal: options.journal.clone(),
        run: options.run.clone(),
        log: options.log.clone(),
    };
    let shared = Shared {
        desk: Desk::new(places, conf.clone()),
        ways: Ways::default(),
        presses: Presses::default(),
        checks: super::watcher::Watches::default(),
        alerts: super::alerter::Alerts::default(),
        samples: crate::sample::Samples::new().0,
        trends: crate::trend::Trends::new(options.rrd.clone()),
        page: axum::Router::new(),
        looks: Looks::default(),
        recipes: UnderWay::default(),
        // Alone nothing boots.
        key: TokenKey::default(),
        tftpboot: options.tftpboot.as_path().into(),
        options,
        conf,
        state,
        bus: bus.clone(),
        events,
        asked: watch::Sender::new(jiff::Timestamp::UNIX_EPOCH),
        found: watch::Sender::new(Arc::new(Found::default())),
        shutdown: shutdown.clone(),
    };
    working.spawn(commands::obey(wishes, shared));
    Ok(Alone { commands, bus, shutdown, working, folded, journal, _conf: conf_sender })
}

impl Alone {
    /// Ends; what was told is in the journal then.
    pub async fn stop(mut self) {
        self.shutdown.cancel();
        self.bus.close();
        self.folded.cancel();
        let ended = async { while self.working.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(GRACE, ended).await;
        self.working.shutdown().await;
        let journal = self.journal;
        let _ = tokio::task::spawn_blocking(move || journal.join()).await;
    }
}
