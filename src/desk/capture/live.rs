//! Packets of an interface as they come, by libpcap. What is done with them is the caller's.

use super::filter;
use crate::{
    net::{Interface, Mac},
    packet::Frame,
};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use pcap::{Active, Capture, Linktype};
use std::time::{Duration, Instant};

/// Bytes of a packet that are kept: more than any has on Ethernet.
const SNAPLEN: i32 = 65_535;
/// How long a read waits for packets, in milliseconds: as late as a line appears, as late as an end is seen.
const WAIT: i32 = 100;
/// The kernel's room for what is not read yet.
const ROOM: i32 = 16 << 20;
/// How often it is looked whether the interface is there still, and what was lost.
const LOOK: Duration = Duration::from_millis(500);

/// What comes out of a capture.
pub enum Came {
    /// A packet.
    Packet(Frame),
    /// Nothing for a while; or a while has passed: so many were lost so far, because they came too fast.
    Pause(u64),
}

/// An interface that is listened on.
pub struct Live {
    capture: Capture<Active>,
    interface: Interface,
    looked: Instant,
}

impl Live {
    /// Opens an interface for the packets of a machine, and of boots only. An error says what can be done.
    pub fn open(name: &str, machine: Option<Mac>, boot: bool) -> Result<Live, String> {
        let interface = Interface::named(name).map_err(|error| error.to_string())?;
        let interface = interface.ok_or_else(|| format!("there is no interface {name}; w lists those that are up"))?;
        let open = || -> Result<Capture<Active>, pcap::Error> {
            let inactive = Capture::from_device(name)?.promisc(true).snaplen(SNAPLEN).timeout(WAIT).buffer_size(ROOM);
            let mut capture = inactive.open()?;
            capture.filter(&filter::program(machine, boot), true)?;
            Ok(capture)
        };
        let capture = open().map_err(|error| {
            if !is_there(&interface) {
                return gone(name);
            }
            let error = error.to_string();
            let refused = error.contains("ermission") || error.contains("not permitted");
            let next = if refused { "; packets are captured as root: start it with sudo" } else { "" };
            format!("{name}: {error}{next}")
        })?;
        if capture.get_datalink() != Linktype::ETHERNET {
            return Err(format!("{name} is no Ethernet interface: only those can be shown"));
        }
        Ok(Live { capture, interface, looked: Instant::now() })
    }

    /// What comes next; an error is why nothing more comes.
    pub fn wait(&mut self) -> Result<Came, String> {
        if self.looked.elapsed() >= LOOK {
            self.looked = Instant::now();
            if !is_there(&self.interface) {
                return Err(gone(&self.interface.name));
            }
            return Ok(Came::Pause(self.lost()));
        }
        let error = match self.capture.next_packet() {
            Ok(packet) => return Ok(Came::Packet(frame(&packet))),
            Err(error) => error,
        };
        match error {
            pcap::Error::TimeoutExpired => Ok(Came::Pause(self.lost())),
            error if is_there(&self.interface) => Err(format!("{}: {error}", self.interface.name)),
            _ => Err(gone(&self.interface.name)),
        }
    }

    fn lost(&mut self) -> u64 {
        self.capture.stats().map_or(0, |stat| u64::from(stat.dropped) + u64::from(stat.if_dropped))
    }
}

/// The same one, not another of its name.
fn is_there(interface: &Interface) -> bool {
    nix::net::if_::if_nametoindex(interface.name.as_str()).is_ok_and(|index| index == interface.index)
}

fn gone(interface: &str) -> String {
    format!("the interface {interface} is gone")
}

fn frame(packet: &pcap::Packet<'_>) -> Frame {
    let (seconds, micros) = (packet.header.ts.tv_sec, packet.header.ts.tv_usec);
    let time = Timestamp::from_second(seconds).ok();
    let time = time.and_then(|time| time.checked_add(SignedDuration::from_micros(micros)).ok()).unwrap_or_default();
    Frame { time, length: packet.header.len, data: Bytes::copy_from_slice(packet.data), comments: Vec::new() }
}
