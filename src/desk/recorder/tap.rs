//! Where the recorder meets the world: the interface's packets, the bus's events, the state, the files.

use super::{
    files,
    fold::{Act, Recorder},
    track::Subject,
};
use crate::{
    bus::Bus,
    conf::Conf,
    event::{Event, Fact, Service, now},
    net::{Interface, Mac, Tap},
    packet::pcapng::Writer,
    state::Shared,
};
use jiff::Timestamp;
use std::{
    collections::BTreeMap,
    fs, io,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};
use tokio::sync::{broadcast, oneshot, watch};
use tokio_util::sync::CancellationToken;

/// Everything but TCP, and of TCP what this program serves and where connections begin and end: root file systems and
/// what else a server does on its segment is no boot traffic, and would cost.
const FILTER: &str = "not tcp or tcp port 80 or tcp port 53 or tcp port 514 \
    or tcp[tcpflags] & (tcp-syn|tcp-fin|tcp-rst) != 0";
/// A whole Ethernet packet; of what the system puts together from several the first.
const LONGEST: i32 = 1_600;
/// How long the recorder waits for packets before it looks at all else.
const LOOK: Duration = Duration::from_millis(250);

/// What the recorder of a segment is given.
#[derive(Clone)]
pub struct Place {
    /// The server's own address, which names the segment.
    pub segment: Ipv4Addr,
    /// The interface it is on.
    pub interface: Interface,
    /// The conf tree as it stands.
    pub conf: watch::Receiver<Arc<Conf>>,
    /// The segment as it stands.
    pub state: Shared,
    /// Where events go.
    pub bus: Bus,
    /// Events of all segments as they come.
    pub events: broadcast::Sender<Arc<Event>>,
    /// Where the machines' folders are.
    pub log: Arc<Path>,
    /// Cancelled when it is to end.
    pub shutdown: CancellationToken,
}

/// Records the boots of a segment until shutdown, while conf says so. Errors are those of the interface.
pub async fn serve(place: Place) -> io::Result<()> {
    let mut conf = place.conf.clone();
    loop {
        let most = record(&conf.borrow_and_update(), place.segment);
        let stop = place.shutdown.child_token();
        let mut recording = most.map(|_| start(place.clone(), stop.clone())).transpose()?;
        let ended = async {
            match &mut recording {
                Some(recording) => recording.await.unwrap_or_else(|_| Err(io::Error::other("the recorder broke"))),
                None => std::future::pending().await,
            }
        };
        tokio::pin!(ended);
        loop {
            tokio::select! {
                outcome = &mut ended => return outcome,
                () = place.shutdown.cancelled(), if most.is_none() => return Ok(()),
                changed = conf.changed() => {
                    if changed.is_err() || record(&conf.borrow_and_update(), place.segment).is_some() != most.is_some() {
                        break;
                    }
                }
            }
        }
        stop.cancel();
        if most.is_some() {
            ended.await?;
            place.tell(Fact::ServiceStopped { service: Service::Boot });
        }
        if place.shutdown.is_cancelled() {
            return Ok(());
        }
    }
}

/// How many boots of each machine are kept; none for none.
fn record(conf: &Conf, segment: Ipv4Addr) -> Option<usize> {
    conf.segments.get(&segment).map(|segment| segment.record).filter(|most| *most > 0)
}

/// A thread of its own: reading packets waits, and files may too.
fn start(place: Place, stop: CancellationToken) -> io::Result<oneshot::Receiver<io::Result<()>>> {
    let (told, outcome) = oneshot::channel();
    let tap = Tap::open(&place.interface.name, FILTER, LONGEST)?;
    let address = format!("packets of boots on {}, kept in {}", place.interface.name, place.log.display());
    place.tell(Fact::ServiceStarted { service: Service::Boot, address });
    let events = place.events.subscribe();
    thread::Builder::new().name("recorder".to_owned()).spawn(move || {
        let mut work = Work { place, tap, files: BTreeMap::new() };
        let _ = told.send(work.record(events, &stop));
    })?;
    Ok(outcome)
}

impl Place {
    fn tell(&self, fact: Fact) {
        self.bus.publish(Event::new(Some(self.segment), fact));
    }
}

/// A file that is being written.
struct Writing {
    writer: Writer<fs::File>,
    path: PathBuf,
    began: Timestamp,
    about: (Mac, Option<Ipv4Addr>),
    packets: u64,
    bytes: u64,
    /// What was dropped before it began.
    dropped: u64,
}

struct Work {
    place: Place,
    tap: Tap,
    files: BTreeMap<Mac, Writing>,
}

impl Work {
    fn record(&mut self, mut events: broadcast::Receiver<Arc<Event>>, stop: &CancellationToken) -> io::Result<()> {
        let mut recorder = Recorder::new(self.place.interface.mac, now());
        let mut looked = None;
        let outcome = loop {
            let read = self.tap.read(LOOK, |time, length, data| recorder.frame(time, length, data));
            if read.is_err() || stop.is_cancelled() {
                break read;
            }
            loop {
                match events.try_recv() {
                    Ok(event) if event.segment == Some(self.place.segment) => recorder.event(&event),
                    // Those that were too many have no place beside the packets; the journal has them.
                    Ok(_) | Err(broadcast::error::TryRecvError::Lagged(_)) => {}
                    Err(_) => break,
                }
            }
            let now = now();
            if looked.is_none_or(|last: Timestamp| now.duration_since(last).unsigned_abs() >= LOOK) {
                looked = Some(now);
                if let Some(segment) = self.place.state.read().segments.get(&self.place.segment) {
                    recorder.look(segment, now);
                }
                let acts = recorder.advance(now);
                self.act(acts, now);
            }
        };
        let words = match &outcome {
            Ok(()) => "PXElator stopped recording".to_owned(),
            Err(error) => format!("the interface went away: {error}"),
        };
        let now = now();
        let acts = recorder.finish(now, &words);
        self.act(acts, now);
        outcome
    }

    fn act(&mut self, acts: Vec<Act>, now: Timestamp) {
        for act in acts {
            match act {
                Act::Begin { mac, subject } => self.begin(mac, &subject),
                Act::Packet { mac, frame } => {
                    let Some(writing) = self.files.get_mut(&mac) else { continue };
                    writing.packets += 1;
                    let written = writing.writer.packet(&frame);
                    self.check(mac, written);
                }
                Act::End { mac, words } => self.end(mac, words, now),
            }
        }
        let all: Vec<Mac> = self.files.keys().copied().collect();
        for mac in all {
            self.flush(mac);
        }
    }

    fn begin(&mut self, mac: Mac, subject: &Subject) {
        let Place { segment, interface, log, .. } = &self.place;
        let path = files::path_of(log, mac, subject);
        let name = subject.hostname.clone().unwrap_or_else(|| mac.to_string());
        let address = subject.address.map(|address| format!(", {address}")).unwrap_or_default();
        let about = format!("boot of {name} ({mac}{address}) on segment {segment}, began {}", subject.began);
        let opened = files::open(&path).and_then(|opened| {
            Ok((Writer::begin(opened.file, &interface.name, &about)?, opened.packets, opened.bytes))
        });
        let (writer, packets, bytes) = match opened {
            Ok(opened) => opened,
            Err(error) => return self.fail(&path, subject.began, (mac, subject.address), &error),
        };
        let (began, about, dropped) = (subject.began, (mac, subject.address), self.tap.dropped());
        let fact = recorded(&path, began, packets, bytes, 0);
        self.publish(about, fact);
        let most = record(&self.place.conf.borrow(), self.place.segment);
        if let (Some(folder), Some(most)) = (path.parent(), most) {
            for gone in files::prune(folder, most, &path) {
                self.publish(about, Fact::BootDiscarded { file: gone.display().to_string() });
            }
        }
        self.files.insert(mac, Writing { writer, path, began, about, packets, bytes, dropped });
    }

    fn end(&mut self, mac: Mac, mut words: Vec<String>, now: Timestamp) {
        let dropped = self.tap.dropped();
        let Some(writing) = self.files.get_mut(&mac) else { return };
        let dropped = dropped.saturating_sub(writing.dropped);
        if dropped > 0 {
            words.push(format!("the system dropped {dropped} packets, of all machines"));
        }
        let ended = writing.writer.end(now, writing.packets, dropped, &words);
        self.check(mac, ended);
        self.flush(mac);
        if let Some(writing) = self.files.remove(&mac) {
            let fact = recorded(&writing.path, writing.began, writing.packets, writing.bytes, dropped);
            self.publish(writing.about, fact);
        }
    }

    /// Writes what waits, so that little is lost with a program that is killed.
    fn flush(&mut self, mac: Mac) {
        let Some(writing) = self.files.get_mut(&mac) else { return };
        let flushed = writing.writer.flush().map(|bytes| writing.bytes += bytes);
        self.check(mac, flushed);
    }

    /// Gives a file up that cannot be written.
    fn check(&mut self, mac: Mac, written: io::Result<()>) {
        if let Err(error) = written
            && let Some(writing) = self.files.remove(&mac)
        {
            self.fail(&writing.path, writing.began, writing.about, &error);
        }
    }

    fn fail(&self, path: &Path, began: Timestamp, about: (Mac, Option<Ipv4Addr>), error: &io::Error) {
        let next_step = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room on that disk: df -h",
            io::ErrorKind::PermissionDenied => "let this program write there, or name another folder with --log-dir",
            _ => "move it away, or name another folder with --log-dir",
        };
        let (file, error, next_step) = (path.display().to_string(), error.to_string(), next_step.to_owned());
        self.publish(about, Fact::BootUnrecorded { file, began, error, next_step });
    }

    fn publish(&self, (mac, address): (Mac, Option<Ipv4Addr>), fact: Fact) {
        self.place.bus.publish(Event::new(Some(self.place.segment), fact).about(address, Some(mac)));
    }
}

fn recorded(path: &Path, began: Timestamp, packets: u64, bytes: u64, dropped: u64) -> Fact {
    Fact::BootRecorded { file: path.display().to_string(), began, packets, bytes, dropped }
}
