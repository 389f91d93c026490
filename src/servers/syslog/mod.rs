//! Syslog of machines over UDP and TCP 514 (RFC 5426, 6587): receives, ties each message to its machine, tells.

mod flood;
mod frames;
mod message;

pub use frames::Frames;
pub use message::read;

use super::{Context, Rejects, ServerError, who};
use crate::{
    event::{Event, Fact, Service},
    net::{self, Mac},
};
use flood::{Datagram, Flood};
use futures_util::StreamExt;
use std::{
    collections::HashMap,
    io::ErrorKind,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::codec::FramedRead;

/// Machines that may keep a connection open; those beyond are refused and told of.
const CONNECTIONS: usize = 1024;
/// After an accept that failed (no descriptors left) the next waits this long.
const PAUSE: Duration = Duration::from_millis(100);
/// Datagrams that are understood and told together.
const BATCH: usize = 256;
/// What readers of events that have fallen behind get to catch up before more is told.
const CATCH_UP: Duration = Duration::from_secs(10);

/// Serves until shutdown.
pub async fn serve(context: Context) -> Result<(), ServerError> {
    let address = SocketAddr::from((context.segment, 514));
    let name = context.interface.name.clone();
    let socket = net::udp(address, Some(&name)).map_err(ServerError::bind(format!("UDP port 514 of {name}")))?;
    let listener = net::tcp(address, Some(&name)).map_err(ServerError::bind(format!("TCP port 514 of {name}")))?;
    let receiving = || ServerError::io("receiving on UDP port 514");
    let socket = socket.into_std().map_err(receiving())?;
    // It ends with this task too, whatever the cause.
    let stop = context.shutdown.child_token();
    let _end = stop.clone().drop_guard();
    let (mut flood, take) = Flood::of(socket, stop).map_err(receiving())?;
    let taking = tokio::task::spawn_blocking(take);
    context.started(Service::Syslog, format!("UDP and TCP {address}"));
    let rejects = Rejects::new(&context, Service::Syslog);
    let accepting = accept(&context, &rejects, listener);
    tokio::pin!(accepting);
    let (mut batch, mut is_ending) = (Vec::with_capacity(BATCH), false);
    loop {
        tokio::select! {
            // What has come by then is still told.
            () = &mut accepting, if !is_ending => is_ending = true,
            count = flood.next(&mut batch, BATCH) => {
                if count == 0 {
                    let ended = taking.await.map_err(std::io::Error::other).and_then(|ended| ended);
                    return ended.map_err(receiving());
                }
                let lost = flood.take_lost();
                if lost > 0 {
                    let fact = Fact::EventsDropped { reader: "syslog".to_owned(), count: lost };
                    context.bus.publish(Event::new(Some(context.segment), fact));
                }
                understand(&context, &rejects, &mut batch).await;
            }
        }
    }
}

/// Takes connections until shutdown.
async fn accept(context: &Context, rejects: &Rejects, listener: TcpListener) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        tokio::select! {
            () = context.shutdown.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => match room.clone().try_acquire_owned() {
                    Ok(seat) => {
                        let (context, rejects) = (context.clone(), rejects.clone());
                        tokio::spawn(async move {
                            listen(context, rejects, stream, from.ip()).await;
                            drop(seat);
                        });
                    }
                    Err(_) => rejects.note(from.ip(), format!("more than {CONNECTIONS} syslog connections are open")),
                },
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    rejects.note(IpAddr::from([0, 0, 0, 0]), format!("accepting a syslog connection: {error}"));
                    tokio::time::sleep(PAUSE).await;
                }
            },
        }
    }
}

async fn listen(context: Context, rejects: Rejects, stream: TcpStream, from: IpAddr) {
    let mut frames = FramedRead::new(stream, Frames::default());
    loop {
        tokio::select! {
            () = context.shutdown.cancelled() => return,
            frame = frames.next() => match frame {
                Some(Ok(frame)) => {
                    let IpAddr::V4(address) = from else { return };
                    let datagram = Datagram { time: crate::event::now(), from: address, bytes: frame.as_ref().into() };
                    // Who sends faster than it is read waits.
                    understand(&context, &rejects, &mut vec![datagram]).await;
                }
                Some(Err(error)) => return rejects.note(from, error),
                None => return,
            },
        }
    }
}

/// Tells what came, once the readers of events have room: what machines log is to be lost nowhere.
async fn understand(context: &Context, rejects: &Rejects, batch: &mut Vec<Datagram>) {
    let Some(segment) = context.segment() else { return batch.clear() };
    // Who has an address is looked up once a batch, for it is more work than a message.
    let mut known: HashMap<Ipv4Addr, (Option<Ipv4Addr>, Option<Mac>)> = HashMap::new();
    let mut events = Vec::with_capacity(batch.len());
    for Datagram { time, from, bytes } in batch.drain(..) {
        match read(&bytes) {
            Ok(fact) => {
                let (machine, mac) = *known.entry(from).or_insert_with(|| {
                    let (mac, machine) = who::who(context, &segment, from);
                    (machine.map(|machine| machine.address).or(Some(from)), mac)
                });
                let event = Event::new(Some(context.segment), fact).about(machine, mac);
                events.push(Event { time, ..event });
            }
            Err(error) => rejects.note(IpAddr::V4(from), error),
        }
    }
    context.bus.room(CATCH_UP).await;
    events.into_iter().for_each(|event| context.bus.publish(event));
}
