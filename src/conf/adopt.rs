//! Writes a machine that was only seen into the tree.

use super::{Segment, read::name_of, value};
use crate::net::Mac;
use ipnet::Ipv4Net;
use std::{collections::BTreeSet, fs, io, net::Ipv4Addr, path::Path};

/// Why a machine was not written.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// The address or the name cannot be given.
    #[error("{value} is not {expected}")]
    Unfit {
        /// The address or the name.
        value: String,
        /// What was expected.
        expected: String,
    },
    /// The files cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The folder.
        path: String,
        /// The system's answer.
        source: io::Error,
    },
}

/// An address for a machine: the one that it was `seen` with where it can keep it, else the first free one after the highest
/// machine. Outside the pool, and none that is `taken`.
pub fn free_address(segment: &Segment, taken: &BTreeSet<Ipv4Addr>, seen: Option<Ipv4Addr>) -> Option<Ipv4Addr> {
    let network = segment.network();
    let unclaimed = |address: &Ipv4Addr| {
        !segment.machines.contains_key(address)
            && *address != segment.server
            && Some(*address) != segment.gateway
            && segment.pool.is_none_or(|pool| !pool.contains(*address))
    };
    if let Some(own) = seen.filter(|own| is_host(network, *own) && unclaimed(own)) {
        return Some(own);
    }
    let free = |address: &Ipv4Addr| unclaimed(address) && !taken.contains(address);
    let highest = segment.machines.keys().next_back().copied().unwrap_or(segment.server);
    let hosts = || network.hosts();
    hosts().filter(|a| *a > highest).find(free).or_else(|| hosts().find(free))
}

fn is_host(network: Ipv4Net, address: Ipv4Addr) -> bool {
    network.contains(&address) && address != network.network() && address != network.broadcast()
}

/// Address and name for a machine that was only seen, by what is known of it; none where no address is free.
pub fn suggest(
    segment: &Segment,
    taken: &BTreeSet<Ipv4Addr>,
    mac: Mac,
    seen: Option<Ipv4Addr>,
    own: Option<&str>,
) -> Option<(Ipv4Addr, String)> {
    let address = free_address(segment, taken, seen)?;
    Some((address, free_name(segment, mac, address, own)))
}

/// A name for a machine that is to have this address: its `own` where that is one and nobody else's, else one made of the address.
pub fn free_name(segment: &Segment, mac: Mac, address: Ipv4Addr, own: Option<&str>) -> String {
    let own = own.filter(|own| fits(segment, mac, address, own).is_ok());
    own.map_or_else(|| name_of(address), str::to_owned)
}

/// Says whether a machine may have this address and name.
pub fn fits(segment: &Segment, mac: Mac, address: Ipv4Addr, hostname: &str) -> Result<(), AdoptError> {
    let unfit = |value: &dyn ToString, expected: String| Err(AdoptError::Unfit { value: value.to_string(), expected });
    let network = segment.network();
    if !is_host(network, address) {
        return unfit(&address, format!("an address of a machine in {network}"));
    }
    if address == segment.server {
        return unfit(&address, "a machine's address: it is the server's own".to_owned());
    }
    if let Some(machine) = segment.machines.get(&address) {
        return unfit(&address, format!("free: {} has it", machine.hostname));
    }
    if let Err(expected) = value::hostname(hostname) {
        return unfit(&hostname, expected);
    }
    if let Some(machine) = segment.machines.values().find(|m| m.hostname.eq_ignore_ascii_case(hostname)) {
        return unfit(&hostname, format!("free: {} has it", machine.address));
    }
    if mac.is_nobody() {
        return unfit(&mac, "the hardware address of one machine: it is a group's".to_owned());
    }
    match segment.machine_by_mac(mac) {
        Some(machine) => unfit(&mac, format!("a new machine: {} has this MAC", machine.hostname)),
        None => Ok(()),
    }
}

/// Writes the machine's folder in the tree `dir`, with further values by name. It appears whole, so that no watcher reads
/// half a machine.
pub fn adopt(
    dir: &Path,
    segment: &Segment,
    mac: Mac,
    address: Ipv4Addr,
    hostname: &str,
    values: &[(&str, String)],
) -> Result<(), AdoptError> {
    fits(segment, mac, address, hostname)?;
    let segment = dir.join(segment.server.to_string());
    let (new, folder) = (segment.join(format!(".{address}.new")), segment.join(address.to_string()));
    let write = || {
        fs::create_dir_all(&new)?;
        fs::write(new.join("mac"), format!("{mac}\n"))?;
        fs::write(new.join("hostname"), format!("{}\n", hostname.to_ascii_lowercase()))?;
        for (name, value) in values {
            fs::write(new.join(name), format!("{value}\n"))?;
        }
        // An empty folder of that name is replaced, one with files is an error: somebody was faster.
        fs::rename(&new, &folder)
    };
    write().map_err(|source| {
        let _ = fs::remove_dir_all(&new);
        AdoptError::Write { path: folder.display().to_string(), source }
    })
}
