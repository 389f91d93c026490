//! Which segments are served: those of the conf tree whose server address this host has.

use super::{
    Options, alerter::Alerts, enforcer::UnderWay, press::Presses, server::keep, tracker::Looks, watcher::Watches,
};
use crate::{
    boot::TokenKey,
    bus::Bus,
    command::Found,
    conf::{Conf, Segment},
    desk::{Desk, recorder},
    event::{Event, Service},
    net::Interface,
    page,
    power::Ways,
    sample::Samples,
    servers::{Context, ServerError, dhcp, dns, http, nfs, radv, syslog, tftp},
    state,
    trend::Trends,
    watch::listen,
};
use jiff::Timestamp;
use std::{collections::BTreeMap, io, net::Ipv4Addr, path::Path, sync::Arc, time::Duration};
use tokio::{
    sync::{broadcast, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

/// An address may come to an interface after the program began.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// What every part of the supervisor works with.
#[derive(Clone)]
pub struct Shared {
    pub options: Options,
    pub key: TokenKey,
    pub tftpboot: Arc<Path>,
    pub conf: watch::Receiver<Arc<Conf>>,
    pub state: state::Shared,
    pub bus: Bus,
    /// Each event as it comes, for those that may miss some.
    pub events: broadcast::Sender<Arc<Event>>,
    pub desk: Desk,
    /// The ways to switch machines.
    pub ways: Ways,
    /// The changes of power that are under way.
    pub presses: Presses,
    /// The looks at machines' files that are under way.
    pub looks: Looks,
    /// The recipes that are under way.
    pub recipes: UnderWay,
    /// The checks that are under way.
    pub checks: Watches,
    /// The alerts.
    pub alerts: Alerts,
    /// Where what is measured goes.
    pub samples: Samples,
    /// What was measured.
    pub trends: Trends,
    /// The page in the browser.
    pub page: axum::Router,
    /// When the journal was last to be looked into, and what was found.
    pub asked: watch::Sender<Timestamp>,
    pub found: watch::Sender<Arc<Found>>,
    pub shutdown: CancellationToken,
}

/// Why no segment is served.
#[derive(Debug, thiserror::Error)]
pub enum NoSegment {
    /// The tree is empty.
    #[error(
        "{conf} has no segment; make a folder there, named by this host's own address: mkdir -p {conf}/{example}, \
         or name another tree with --conf"
    )]
    Empty {
        /// The tree.
        conf: String,
        /// An address of this host.
        example: String,
    },
    /// None of its segments is this host's.
    #[error(
        "none of the segments in conf ({segments}) is an address of {place} (it has {addresses}); \
         rename the segment's folder, or add its address: ip address add {example}/24 dev INTERFACE"
    )]
    NotHere {
        /// `this host`, or the interface asked for.
        place: String,
        /// Those of the tree.
        segments: String,
        /// Those of the place.
        addresses: String,
        /// The first segment.
        example: Ipv4Addr,
    },
    /// The host does not tell its addresses.
    #[error("cannot list the network interfaces")]
    Interfaces(#[source] io::Error),
}

/// The interface that serves `segment` at this moment.
fn place(options: &Options, segment: &Segment, all: &[Interface]) -> Option<Interface> {
    let has_address = |interface: &&Interface| interface.addresses.contains(&segment.server);
    let wanted = options.interface.as_ref().or(segment.interface.as_ref());
    all.iter().filter(has_address).find(|interface| wanted.is_none_or(|name| *name == interface.name)).cloned()
}

/// The segments of `conf` that can be served now; an error that says what is wrong if there are none.
pub fn choose(options: &Options, conf: &Conf) -> Result<Vec<(Ipv4Addr, Interface)>, NoSegment> {
    let all = Interface::all().map_err(NoSegment::Interfaces)?;
    let chosen: Vec<_> =
        conf.segments.values().filter_map(|s| place(options, s, &all).map(|at| (s.server, at))).collect();
    if !chosen.is_empty() {
        return Ok(chosen);
    }
    let here = |interface: &&Interface| options.interface.as_ref().is_none_or(|name| *name == interface.name);
    let addresses: Vec<Ipv4Addr> = all.iter().filter(here).flat_map(|i| i.addresses.clone()).collect();
    let listed = |addresses: &[Ipv4Addr]| match addresses {
        [] => "none".to_owned(),
        some => some.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    match conf.segments.keys().next() {
        None => Err(NoSegment::Empty {
            conf: options.conf.display().to_string(),
            example: addresses.iter().find(|a| !a.is_loopback()).map_or("10.77.0.1".into(), ToString::to_string),
        }),
        Some(example) => Err(NoSegment::NotHere {
            place: options.interface.clone().unwrap_or("this host".into()),
            segments: listed(&conf.segments.keys().copied().collect::<Vec<_>>()),
            addresses: listed(&addresses),
            example: *example,
        }),
    }
}

/// Serves every segment that is in the tree and on this host, as both change, until shutdown.
pub async fn serve(shared: Shared) {
    let mut served: BTreeMap<Ipv4Addr, (Interface, CancellationToken)> = BTreeMap::new();
    let mut tasks = JoinSet::new();
    let mut conf = shared.conf.clone();
    loop {
        let tree = conf.borrow_and_update().clone();
        if let Ok(now) = choose(&shared.options, &tree).or_else(|gone| match gone {
            NoSegment::Interfaces(_) => Err(gone),
            _ => Ok(Vec::new()),
        }) {
            served.retain(|address, (interface, token)| {
                let stays =
                    now.iter().any(|(a, i)| a == address && i.name == interface.name && i.index == interface.index);
                if !stays {
                    token.cancel();
                }
                stays
            });
            for (address, interface) in now {
                served.entry(address).or_insert_with(|| {
                    let token = shared.shutdown.child_token();
                    start(&mut tasks, &shared, address, interface.clone(), token.clone());
                    (interface, token)
                });
            }
        }
        tokio::select! {
            () = shared.shutdown.cancelled() => break,
            _ = conf.changed() => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
    }
    while tasks.join_next().await.is_some() {}
}

fn start(
    tasks: &mut JoinSet<()>,
    shared: &Shared,
    segment: Ipv4Addr,
    interface: Interface,
    shutdown: CancellationToken,
) {
    let context = Context {
        segment,
        interface,
        conf: shared.conf.clone(),
        state: shared.state.clone(),
        bus: shared.bus.clone(),
        key: shared.key.clone(),
        conf_dir: shared.options.conf.as_path().into(),
        tftpboot: shared.tftpboot.clone(),
        roots: shared.options.roots.as_path().into(),
        overlay: shared.options.overlay.as_path().into(),
        journal: shared.options.journal.as_path().into(),
        page: shared.page.clone(),
        is_page: page::is_mine,
        shutdown,
    };
    tasks.spawn(keep(Service::Dhcp, context.clone(), dhcp::serve));
    tasks.spawn(keep(Service::Tftp, context.clone(), tftp::serve));
    tasks.spawn(keep(Service::Http, context.clone(), http::serve));
    tasks.spawn(keep(Service::Dns, context.clone(), dns::serve));
    tasks.spawn(keep(Service::Syslog, context.clone(), syslog::serve));
    tasks.spawn(keep(Service::Radv, context.clone(), radv::serve));
    tasks.spawn(keep(Service::Nfs, context.clone(), nfs::serve));
    let heard = shared.checks.heard.clone();
    tasks.spawn(keep(Service::Watch, context.clone(), move |context| {
        let Context { segment, interface, conf, state, bus, shutdown, .. } = context;
        let doing = format!("listening on {}", interface.name);
        let place = listen::Place { segment, interface, conf, state, bus, heard: heard.clone(), shutdown };
        async move { listen::serve(place).await.map_err(ServerError::io(doing)) }
    }));
    let (events, log): (_, Arc<Path>) = (shared.events.clone(), shared.options.log.as_path().into());
    tasks.spawn(keep(Service::Boot, context, move |context| {
        let Context { segment, interface, conf, state, bus, shutdown, .. } = context;
        let doing = format!("recording boots on {}", interface.name);
        let (events, log) = (events.clone(), log.clone());
        let place = recorder::Place { segment, interface, conf, state, bus, events, log, shutdown };
        async move { recorder::serve(place).await.map_err(ServerError::io(doing)) }
    }));
}
