//! The host's network interfaces: which one has an address, and what its hardware address is.

use super::Mac;
use nix::{ifaddrs::getifaddrs, net::if_::InterfaceFlags};
use std::{io, net::Ipv4Addr};

/// An interface of this host, as it was when asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name: `eth0`.
    pub name: String,
    /// Its number.
    pub index: u32,
    /// Its hardware address; loopback has none.
    pub mac: Option<Mac>,
    /// Its IPv4 addresses.
    pub addresses: Vec<Ipv4Addr>,
    /// It is switched on.
    pub up: bool,
}

impl Interface {
    /// All interfaces of this host, by name. Errors are those of getifaddrs(3).
    pub fn all() -> io::Result<Vec<Interface>> {
        let mut found: Vec<Interface> = Vec::new();
        for entry in getifaddrs()? {
            let at = found.iter().position(|i| i.name == entry.interface_name).unwrap_or_else(|| {
                let index = nix::net::if_::if_nametoindex(entry.interface_name.as_str()).unwrap_or(0);
                let name = entry.interface_name.clone();
                let up = entry.flags.contains(InterfaceFlags::IFF_UP);
                found.push(Interface { name, index, mac: None, addresses: Vec::new(), up });
                found.len() - 1
            });
            let Some(address) = entry.address else { continue };
            if let Some(v4) = address.as_sockaddr_in() {
                found[at].addresses.push(v4.ip());
            }
            if let Some(mac) = address.as_link_addr().and_then(|link| link.addr()) {
                found[at].mac = Some(Mac(mac)).filter(|mac| !mac.is_nobody());
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// It joins others: what comes to its ports is not all for this host.
    pub fn is_bridge(&self) -> bool {
        std::path::Path::new("/sys/class/net").join(&self.name).join("bridge").exists()
    }

    /// The interface of this name, if any. Errors are those of getifaddrs(3).
    pub fn named(name: &str) -> io::Result<Option<Interface>> {
        Ok(Interface::all()?.into_iter().find(|interface| interface.name == name))
    }
}
