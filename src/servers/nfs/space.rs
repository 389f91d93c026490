//! A place of the server's own: threads with a network that has nothing but its own loopback, and with mounts that nobody else
//! sees. Both end with the threads, however those end.

use nix::{
    errno::Errno,
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
    sys::socket::{AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, socket},
};
use std::{future::Future, io, thread, time::Duration};
use tokio::{runtime::Builder, sync::oneshot};

/// What blocks gets to end by itself.
const GRACE: Duration = Duration::from_secs(2);
/// The threads that wait for disks.
const FOR_DISKS: usize = 64;

/// Runs `work` in such a place, on a runtime of its own, and waits for it.
pub async fn within<F, T>(work: impl FnOnce() -> F + Send + 'static) -> io::Result<T>
where
    F: Future<Output = T>,
    T: Send + 'static,
{
    let (done, result) = oneshot::channel();
    thread::Builder::new().name("nfs".to_owned()).spawn(move || {
        let began = separate().map_err(io::Error::from).and_then(|()| {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(2).max_blocking_threads(FOR_DISKS).thread_name("nfs").enable_all().build()
        });
        let _ = done.send(began.map(|runtime| {
            let result = runtime.block_on(async { work().await });
            runtime.shutdown_timeout(GRACE);
            result
        }));
    })?;
    result.await.unwrap_or_else(|_| Err(io::Error::other("the threads of the NFS server ended in a panic")))
}

/// Takes this thread, and those that it will start, out of the host's network and mounts.
fn separate() -> nix::Result<()> {
    unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS)?;
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)?;
    loopback_up()
}

/// Switches on the loopback interface, which is always the first (rtnetlink(7)).
fn loopback_up() -> nix::Result<()> {
    const NEW_LINK: u16 = 16;
    const REQUEST_AND_ACKNOWLEDGE: u16 = 1 | 4;
    const UP: u32 = 1;
    let mut message = 32u32.to_ne_bytes().to_vec();
    message.extend(NEW_LINK.to_ne_bytes());
    message.extend(REQUEST_AND_ACKNOWLEDGE.to_ne_bytes());
    // Sequence and port of the head; family, kind; then the interface, its flags, and which of them are meant.
    message.extend([0; 8]);
    message.extend([0; 4]);
    message.extend(1i32.to_ne_bytes());
    message.extend(UP.to_ne_bytes());
    message.extend(UP.to_ne_bytes());
    let socket = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute)?;
    use std::os::fd::AsRawFd;
    sendto(socket.as_raw_fd(), &message, &NetlinkAddr::new(0, 0), MsgFlags::empty())?;
    let mut answer = [0; 256];
    let length = recv(socket.as_raw_fd(), &mut answer, MsgFlags::empty())?;
    // After the head comes the error, negative; 0 is none.
    let error = answer.get(16..20).filter(|_| length >= 20).and_then(<[u8]>::first_chunk);
    match error.map(|four| i32::from_ne_bytes(*four)) {
        Some(0) => Ok(()),
        Some(error) => Err(Errno::from_raw(-error)),
        None => Err(Errno::EPROTO),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };

    #[tokio::test]
    async fn its_ports_are_nobody_elses() {
        if !nix::unistd::Uid::effective().is_root() {
            assert!(std::env::var_os("CI").is_none(), "in CI nothing is skipped: needs root");
            println!("skipped: needs root");
            return;
        }
        let (told, port) = oneshot::channel();
        let (end, ended) = oneshot::channel::<()>();
        let inside = tokio::spawn(within(move || async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let mut client = TcpStream::connect(address).await.unwrap();
            let (mut server, _) = listener.accept().await.unwrap();
            client.write_all(b"x").await.unwrap();
            told.send(address).unwrap();
            ended.await.unwrap();
            server.read_u8().await.unwrap()
        }));
        assert!(TcpStream::connect(port.await.unwrap()).await.is_err());
        end.send(()).unwrap();
        assert_eq!(inside.await.unwrap().unwrap(), b'x');
    }
}
