//! Takes datagrams out of the socket as fast as they come, on a thread of its own, so that a burst waits in memory, where there is room,
//! until it is understood and told. Knows nothing of what is in them.

use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg, setsockopt, sockopt};
use std::{
    io::{self, IoSliceMut},
    net::{Ipv4Addr, UdpSocket},
    os::fd::AsRawFd,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio_util::sync::CancellationToken;

/// Datagrams that may wait.
const WAITING: usize = 1 << 18;
/// Bytes of them that may wait; what comes then waits in the kernel, as far as it has room.
const BYTES: usize = 256 << 20;
/// Bytes that may wait in the kernel: it counts some hundred bytes a datagram beside its text.
const KERNEL: usize = 64 << 20;
/// How often it is looked whether to end.
const LOOK: Duration = Duration::from_millis(200);
/// Where nothing more may wait, so long until it is looked again.
const FULL: Duration = Duration::from_millis(1);

/// A datagram as it came.
pub struct Datagram {
    /// When.
    pub time: jiff::Timestamp,
    /// Who sent it.
    pub from: Ipv4Addr,
    /// What is in it.
    pub bytes: Box<[u8]>,
}

/// What waits.
pub struct Flood {
    queue: mpsc::Receiver<Datagram>,
    held: Arc<AtomicUsize>,
    lost: Arc<AtomicU64>,
}

impl Flood {
    /// Begins to take from this socket, until `stop`. The other half is to be run on a thread that may block; it ends with the error of
    /// recvmsg(2), if there is one.
    pub fn of(socket: UdpSocket, stop: CancellationToken) -> io::Result<(Flood, impl FnOnce() -> io::Result<()>)> {
        socket.set_nonblocking(false)?;
        socket.set_read_timeout(Some(LOOK))?;
        // Without CAP_NET_ADMIN what the socket has by now is all that it gets.
        let _ = setsockopt(&socket, sockopt::RcvBufForce, &KERNEL);
        // The kernel says with each datagram how many it had no room for before (socket(7)).
        setsockopt(&socket, sockopt::RxqOvfl, &1)?;
        let (queue, waiting) = mpsc::channel(WAITING);
        let (held, lost) = (Arc::<AtomicUsize>::default(), Arc::<AtomicU64>::default());
        let flood = Flood { queue: waiting, held: held.clone(), lost: lost.clone() };
        Ok((flood, move || take(&socket, &queue, &held, &lost, &stop)))
    }

    /// The next ones, at most so many; 0 when it ended and nothing waits any more.
    pub async fn next(&mut self, into: &mut Vec<Datagram>, most: usize) -> usize {
        let count = self.queue.recv_many(into, most).await;
        let bytes: usize = into.iter().rev().take(count).map(|datagram| datagram.bytes.len()).sum();
        self.held.fetch_sub(bytes, Relaxed);
        count
    }

    /// How many the kernel had no room for since this was asked last.
    pub fn take_lost(&self) -> u64 {
        self.lost.swap(0, Relaxed)
    }
}

fn take(
    socket: &UdpSocket,
    queue: &mpsc::Sender<Datagram>,
    held: &AtomicUsize,
    lost: &AtomicU64,
    stop: &CancellationToken,
) -> io::Result<()> {
    let mut buffer = vec![0; 65_536];
    let mut space = nix::cmsg_space!(u32);
    let mut before = 0_u32;
    while !stop.is_cancelled() {
        let (length, from, overflow) = {
            let mut into = [IoSliceMut::new(&mut buffer)];
            let came = recvmsg::<SockaddrIn>(socket.as_raw_fd(), &mut into, Some(&mut space), MsgFlags::empty());
            let came = match came {
                Err(nix::Error::EAGAIN | nix::Error::EINTR) => continue,
                came => came?,
            };
            let overflow = came.cmsgs()?.find_map(|control| match control {
                ControlMessageOwned::RxqOvfl(count) => Some(count),
                _ => None,
            });
            (came.bytes, came.address.map(|from| from.ip()), overflow)
        };
        // The kernel counts around.
        if let Some(count) = overflow {
            lost.fetch_add(u64::from(count.wrapping_sub(before)), Relaxed);
            before = count;
        }
        let Some(from) = from else { continue };
        let mut datagram = Datagram { time: crate::event::now(), from, bytes: buffer[..length].into() };
        held.fetch_add(length, Relaxed);
        loop {
            let is_full = held.load(Relaxed) > BYTES && queue.capacity() < WAITING;
            let sent = if is_full { Err(TrySendError::Full(datagram)) } else { queue.try_send(datagram) };
            match sent {
                Ok(()) => break,
                Err(TrySendError::Closed(_)) => return Ok(()),
                Err(TrySendError::Full(_)) if stop.is_cancelled() => return Ok(()),
                Err(TrySendError::Full(back)) => {
                    datagram = back;
                    std::thread::sleep(FULL);
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_burst_waits_until_it_is_wanted() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let to = socket.local_addr().unwrap();
        let stop = CancellationToken::new();
        let (mut flood, run) = Flood::of(socket, stop.clone()).unwrap();
        let thread = std::thread::spawn(run);
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        let sent =
            std::thread::spawn(move || (0..20_000_u32).all(|number| sender.send_to(&number.to_be_bytes(), to).is_ok()));
        assert!(tokio::task::spawn_blocking(|| sent.join().unwrap()).await.unwrap());
        let mut all = Vec::new();
        while all.len() < 20_000 && flood.take_lost() == 0 {
            assert!(flood.next(&mut all, 1000).await > 0);
        }
        let in_order = all.iter().enumerate().all(|(at, datagram)| *datagram.bytes == (at as u32).to_be_bytes());
        assert!(in_order && all.len() == 20_000, "{} came", all.len());
        assert_eq!(flood.held.load(Relaxed), 0);
        stop.cancel();
        assert_eq!(flood.next(&mut all, 1).await, 0);
        thread.join().unwrap().unwrap();
    }
}
