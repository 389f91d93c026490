//! Syslog of machines over UDP and TCP 514 (RFC 5426, 6587): receives, ties each message to its machine, tells.

mod frames;
mod message;

pub use frames::Frames;
pub use message::read;

use super::{Context, Rejects, ServerError, who};
use crate::{
    event::{Event, Service},
    net,
};
use futures_util::StreamExt;
use std::{
    io::ErrorKind,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{net::TcpStream, sync::Semaphore};
use tokio_util::codec::FramedRead;

/// Machines that may keep a connection open; those beyond are refused and told of.
const CONNECTIONS: usize = 1024;
/// After an accept that failed (no descriptors left) the next waits this long.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until shutdown.
pub async fn serve(context: Context) -> Result<(), ServerError> {
    let address = SocketAddr::from((context.segment, 514));
    let name = context.interface.name.clone();
    let socket = net::udp(address, Some(&name)).map_err(ServerError::bind(format!("UDP port 514 of {name}")))?;
    let listener = net::tcp(address, Some(&name)).map_err(ServerError::bind(format!("TCP port 514 of {name}")))?;
    context.started(Service::Syslog, format!("UDP and TCP {address}"));
    let rejects = Rejects::new(&context, Service::Syslog);
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut datagram = vec![0; 65_536];
    loop {
        tokio::select! {
            () = context.shutdown.cancelled() => return Ok(()),
            came = socket.recv_from(&mut datagram) => {
                let (length, from) = came.map_err(ServerError::io("receiving on UDP port 514"))?;
                take(&context, &rejects, from.ip(), &datagram[..length]);
            }
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
                Some(Ok(frame)) => take(&context, &rejects, from, &frame),
                Some(Err(error)) => return rejects.note(from, error),
                None => return,
            },
        }
    }
}

fn take(context: &Context, rejects: &Rejects, from: IpAddr, bytes: &[u8]) {
    let fact = match read(bytes) {
        Ok(fact) => fact,
        Err(error) => return rejects.note(from, error),
    };
    let (Some(segment), IpAddr::V4(address)) = (context.segment(), from) else { return };
    let asker = who::asker(context, &segment, address);
    let machine = asker.machine.map_or(address, |machine| machine.address);
    context.bus.publish(Event::new(Some(context.segment), fact).about(Some(machine), asker.mac));
}
