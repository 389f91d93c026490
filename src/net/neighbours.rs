//! LLDP frames as they come to any interface: a bridge does not pass them on, so that they are heard at its ports only. Knows
//! nothing of what is in them.

use nix::sys::socket::{LinkAddr, recvfrom};
use socket2::{Domain, Protocol, Socket, Type};
use std::{collections::BTreeSet, fs, io, os::fd::AsRawFd};

/// IEEE 802.1AB.
const LLDP: u16 = 0x88cc;

/// A socket that hears them; cards that are no bridge's ports take them only where somebody asks for all frames.
pub struct Neighbours(Socket);

impl Neighbours {
    /// Opens it. Errors are those of socket(2).
    pub fn open() -> io::Result<Neighbours> {
        let protocol = Protocol::from(i32::from(LLDP.to_be()));
        let socket = Socket::new(Domain::PACKET, Type::RAW.nonblocking(), Some(protocol))?;
        Ok(Neighbours(socket))
    }

    /// Hands over what came to `interface`, or to one of its ports where it is a bridge. Does not wait.
    pub fn read(&mut self, interface: &str, mut take: impl FnMut(&[u8])) {
        let mut buffer = [0; 1600];
        let mut ours: Option<BTreeSet<usize>> = None;
        while let Ok((length, from)) = recv(&self.0, &mut buffer) {
            let ours = ours.get_or_insert_with(|| places(interface));
            if from.is_some_and(|from| ours.contains(&from)) {
                take(&buffer[..length]);
            }
        }
    }
}

/// A frame, and the number of the interface that it came to.
fn recv(socket: &Socket, buffer: &mut [u8]) -> nix::Result<(usize, Option<usize>)> {
    let (length, from) = recvfrom::<LinkAddr>(socket.as_raw_fd(), buffer)?;
    Ok((length, from.map(|from| from.ifindex())))
}

/// The numbers of an interface and of its ports.
fn places(interface: &str) -> BTreeSet<usize> {
    let ports = fs::read_dir(format!("/sys/class/net/{interface}/brif")).into_iter().flatten().flatten();
    let names = ports.filter_map(|port| port.file_name().into_string().ok()).chain([interface.to_owned()]);
    names.filter_map(|name| nix::net::if_::if_nametoindex(name.as_str()).ok()).map(|index| index as usize).collect()
}
