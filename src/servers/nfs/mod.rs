//! Root file systems over NFS version 3: each machine gets its own, and only from its own address. The protocol is
//! nfs-mamont's; who is let in, the port mapper and the files are this program's.

mod access;
pub mod call;
mod files;
mod front;
mod kernel;
mod machine;
mod mount;
pub mod portmap;
pub mod records;
mod relay;
mod space;
mod stranger;
mod vfs;
pub mod xdr;

use super::{Context, Rejects, ServerError};
use crate::{
    event::{Fact, Service},
    net,
};
use front::{Front, is_wanted};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use portmap::{OWN_PORT, PORT};
use std::{
    net::{SocketAddr, TcpListener as StdListener, UdpSocket as StdUdp},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
    sync::Semaphore,
    time::timeout,
};

/// A call to the port mapper is short, and so is its wait.
const LONGEST_CALL: usize = 1024;
const PATIENCE: Duration = Duration::from_secs(5);
const ASKERS: usize = 64;

/// Serves until shutdown; listens only where a machine has a root here.
pub async fn serve(context: Context) -> Result<(), ServerError> {
    tokio::select! {
        served = serve_own(context.clone()) => served,
        () = kernel::hand_over(context) => Ok(()),
    }
}

async fn serve_own(context: Context) -> Result<(), ServerError> {
    let mut conf = context.conf.clone();
    while !is_wanted(&context) {
        tokio::select! {
            () = context.shutdown.cancelled() => return Ok(()),
            changed = conf.changed() => if changed.is_err() { return Ok(()) },
        }
    }
    // Folders and files of many machines stay open.
    if let Ok((_, most)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, most, most);
    }
    let name = &context.interface.name;
    let address = SocketAddr::from((context.segment, PORT));
    let listener = net::tcp(address, Some(name)).and_then(TcpListener::into_std);
    let listener = listener.map_err(ServerError::bind(format!("TCP port {PORT} of {name}")))?;
    let mapper = mapper(&context);
    // Ends the threads also where this is not waited for.
    let end = context.shutdown.child_token();
    let _guard = end.clone().drop_guard();
    let inside = Context { shutdown: end, ..context.clone() };
    let served = space::within(move || serve_inside(inside, listener, mapper)).await;
    served
        .map_err(ServerError::io("making a network and mounts of its own for NFS"))?
        .map_err(ServerError::io("serving NFS"))
}

/// The port mapper's sockets; where another has the port, that is told, and machines can do without.
fn mapper(context: &Context) -> Option<(StdListener, StdUdp)> {
    let (address, name) = (SocketAddr::from((context.segment, OWN_PORT)), &context.interface.name);
    let sockets = net::tcp(address, Some(name)).and_then(TcpListener::into_std);
    let sockets = sockets.and_then(|tcp| Ok((tcp, net::udp(address, Some(name))?.into_std()?)));
    sockets
        .map_err(|error| {
            let next_step = format!(
                "stop the host's rpcbind (systemctl disable --now rpcbind.socket rpcbind), or let machines mount with \
                 port={PORT},mountport={PORT}"
            );
            let doing = format!("listening on port {OWN_PORT} of {name} as the port mapper");
            context.tell(Fact::NfsFailed { doing, error: error.to_string(), next_step });
        })
        .ok()
}

async fn serve_inside(
    context: Context,
    listener: StdListener,
    mapper: Option<(StdListener, StdUdp)>,
) -> std::io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let rejects = Rejects::new(&context, Service::Nfs);
    let mut listens = format!("TCP {}:{PORT}", context.segment);
    if let Some((tcp, udp)) = mapper {
        tokio::spawn(map_tcp(TcpListener::from_std(tcp)?, rejects.clone()));
        tokio::spawn(map_udp(UdpSocket::from_std(udp)?, rejects));
        listens.push_str(&format!(", port mapper {OWN_PORT}"));
    }
    context.started(Service::Nfs, listens);
    Front::new(context).open(listener).await;
    Ok(())
}

async fn map_udp(socket: UdpSocket, rejects: Rejects) {
    let mut buffer = [0; LONGEST_CALL];
    loop {
        let Ok((length, peer)) = socket.recv_from(&mut buffer).await else { continue };
        match portmap::answer(buffer.get(..length).unwrap_or_default()) {
            Some(answer) => drop(socket.send_to(&answer, peer).await),
            None => rejects.note(peer.ip(), "a packet to the port mapper is no remote call of version 2"),
        }
    }
}

async fn map_tcp(listener: TcpListener, rejects: Rejects) {
    let askers = Arc::new(Semaphore::new(ASKERS));
    loop {
        let Ok(permit) = askers.clone().acquire_owned().await else { return };
        let Ok((mut stream, peer)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let rejects = rejects.clone();
        tokio::spawn(async move {
            while let Ok(Ok(true)) = timeout(PATIENCE, map_one(&mut stream, peer, &rejects)).await {}
            drop(permit);
        });
    }
}

/// Answers one call; false where the connection is to end.
async fn map_one(stream: &mut TcpStream, peer: SocketAddr, rejects: &Rejects) -> std::io::Result<bool> {
    let head = stream.read_u32().await?;
    let length = (head & 0x7fff_ffff) as usize;
    if head >> 31 == 0 || length > LONGEST_CALL {
        rejects.note(peer.ip(), format!("a record of {head:#x} is no call of the port mapper"));
        return Ok(false);
    }
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await?;
    let Some(answer) = portmap::answer(&bytes) else {
        rejects.note(peer.ip(), "a record to the port mapper is no remote call of version 2");
        return Ok(false);
    };
    let mut record = (0x8000_0000 | u32::try_from(answer.len()).unwrap_or(0)).to_be_bytes().to_vec();
    record.extend(answer);
    stream.write_all(&record).await?;
    Ok(true)
}
