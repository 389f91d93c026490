//! A copy of the frames that go in and out of an interface. Knows no protocol above the filter it is given.

use super::link::told;
use jiff::Timestamp;
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};
use pcap::{Active, Capture, Linktype, Precision};
use std::{io, os::fd::AsFd, time::Duration};

/// The kernel wakes the reader when a block of its ring is full, and after so many milliseconds when it is not empty:
/// waking it for each packet would cost more than all the rest.
const BLOCK: i32 = 100;
/// Bytes of the kernel's ring: what comes while the reader does not run.
const RING: i32 = 4 << 20;

/// An open copy.
pub struct Tap {
    capture: Capture<Active>,
    interface: String,
}

impl Tap {
    /// Opens `interface` for the frames that `filter` (pcap-filter(7)) wants, each up to `longest` bytes. Frames that are
    /// neither this host's nor for all are not asked of the card. Errors are libpcap's: no permission, no such interface.
    pub fn open(interface: &str, filter: &str, longest: i32) -> io::Result<Tap> {
        Tap::with_ring(interface, filter, longest, RING)
    }

    /// As [`Tap::open`], with room for so many bytes that wait.
    pub fn with_ring(interface: &str, filter: &str, longest: i32, ring: i32) -> io::Result<Tap> {
        Tap::with((interface, false), filter, longest, ring)
    }

    /// As [`Tap::with_ring`], for all frames that come to the card: those of groups too that this host is not of.
    pub fn of_all(interface: &str, filter: &str, longest: i32, ring: i32) -> io::Result<Tap> {
        Tap::with((interface, true), filter, longest, ring)
    }

    fn with((interface, all): (&str, bool), filter: &str, longest: i32, ring: i32) -> io::Result<Tap> {
        let open = || -> Result<Capture<Active>, pcap::Error> {
            let mut capture = Capture::from_device(interface)?
                .precision(Precision::Nano)
                .buffer_size(ring)
                .timeout(BLOCK)
                .snaplen(longest)
                .promisc(all)
                .open()?;
            capture.filter(filter, true)?;
            capture.setnonblock()
        };
        let capture = open().map_err(|error| told(&error))?;
        if capture.get_datalink() != Linktype::ETHERNET {
            return Err(io::Error::new(io::ErrorKind::Unsupported, format!("{interface} is no Ethernet interface")));
        }
        Ok(Tap { capture, interface: interface.to_owned() })
    }

    /// Waits for at most `patience`, and hands over what came: when, its length on the wire, and its beginning.
    pub fn read(&mut self, patience: Duration, mut take: impl FnMut(Timestamp, u32, &[u8])) -> io::Result<()> {
        let patience = PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(self.capture.as_fd(), PollFlags::POLLIN)], patience) {
            Ok(0) | Err(Errno::EINTR) => {
                // An interface that is deleted while nothing comes wakes nobody.
                return nix::net::if_::if_nametoindex(self.interface.as_str()).map(drop).map_err(io::Error::from);
            }
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        loop {
            match self.capture.next_packet() {
                Ok(packet) => {
                    // With this precision these are nanoseconds.
                    let (seconds, nanoseconds) = (packet.header.ts.tv_sec, packet.header.ts.tv_usec);
                    let time = Timestamp::new(seconds, i32::try_from(nanoseconds).unwrap_or(0));
                    take(time.unwrap_or(Timestamp::UNIX_EPOCH), packet.header.len, packet.data);
                }
                Err(pcap::Error::TimeoutExpired | pcap::Error::NoMorePackets) => return Ok(()),
                Err(error) => return Err(told(&error)),
            }
        }
    }

    /// Sends a frame. Errors are those of send(2).
    pub fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        self.capture.sendpacket(frame).map_err(|error| told(&error))
    }

    /// Frames that found no room in the ring since it was opened.
    pub fn dropped(&mut self) -> u64 {
        self.capture.stats().map_or(0, |stats| u64::from(stats.dropped))
    }
}
