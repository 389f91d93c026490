//! What is wrong only when values are looked at together.

use super::{Conf, Mistake, Segment};
use crate::boot;
use std::{collections::BTreeMap, net::Ipv4Addr, path::PathBuf, sync::Arc};

/// Takes out of `conf` what cannot be in force beside the rest, and adds to `mistakes` what is wrong.
pub fn across(conf: &mut Conf, mistakes: &mut Vec<Mistake>) {
    let Conf { segments, profiles } = conf;
    for segment in segments.values_mut() {
        let segment = Arc::make_mut(segment);
        machines(segment, mistakes);
        addresses(segment, mistakes);
        let names = segment.machines.values().map(|m| (format!("{}/boot", m.address), m.boot.clone()));
        for (file, name) in names.chain([("boot".to_owned(), segment.boot.clone())]) {
            if let Some(name) = name.filter(|name| !profiles.contains_key(name)) {
                let known = profiles.keys().cloned().collect::<Vec<_>>().join(", ");
                mistakes.push(mistake(segment, &file, &name, format!("a profile of boot/ (there are: {known})")));
            }
        }
    }
    for profile in profiles.values() {
        for (file, error) in boot::faults(profile) {
            let path = PathBuf::from("boot").join(&profile.name).join(file);
            mistakes.push(Mistake { path, value: error, expected: "a template that can be rendered".to_owned() });
        }
    }
    let nets: Vec<_> = segments.values().map(|s| (s.server, s.network())).collect();
    for (at, (server, network)) in nets.iter().enumerate() {
        for (other, theirs) in &nets[..at] {
            if network.contains(&theirs.network()) || theirs.contains(&network.network()) {
                let path = PathBuf::from(server.to_string());
                let expected = format!("a network of its own: it overlaps with {other}'s {theirs}");
                mistakes.push(Mistake { path, value: network.to_string(), expected });
            }
        }
    }
}

fn mistake(segment: &Segment, file: &str, value: &str, expected: impl Into<String>) -> Mistake {
    let path = PathBuf::from(segment.server.to_string()).join(file);
    Mistake { path, value: value.to_owned(), expected: expected.into() }
}

/// Machines at addresses that cannot be theirs, and machines that share a MAC or a name, are not in force.
fn machines(segment: &mut Segment, mistakes: &mut Vec<Mistake>) {
    let network = segment.network();
    let mut macs: BTreeMap<_, Ipv4Addr> = BTreeMap::new();
    let mut names: BTreeMap<String, Ipv4Addr> = BTreeMap::new();
    let mut out = Vec::new();
    for machine in segment.machines.values() {
        let address = machine.address;
        if !network.contains(&address) || address == network.network() || address == network.broadcast() {
            let expected = format!("an address of a machine in {network}");
            mistakes.push(mistake(segment, &address.to_string(), &address.to_string(), expected));
            out.push(address);
            continue;
        }
        if address == segment.server {
            let expected = "a machine's address: it is the server's own";
            mistakes.push(mistake(segment, &address.to_string(), &address.to_string(), expected));
            out.push(address);
            continue;
        }
        // Of two with one MAC the first keeps it, so that a copied folder does not take its model off the net.
        if let Some(first) = macs.get(&machine.mac) {
            let expected = format!("this machine's alone: {first} has the same MAC");
            mistakes.push(mistake(segment, &format!("{address}/mac"), &machine.mac.to_string(), expected));
            out.push(address);
            continue;
        }
        if let Some(first) = names.get(&machine.hostname) {
            let expected = format!("this machine's alone: {first} has the same name");
            mistakes.push(mistake(segment, &format!("{address}/hostname"), &machine.hostname, expected));
        }
        macs.insert(machine.mac, address);
        names.entry(machine.hostname.clone()).or_insert(address);
    }
    segment.machines.retain(|address, _| !out.contains(address));
}

fn addresses(segment: &mut Segment, mistakes: &mut Vec<Mistake>) {
    let network = segment.network();
    if let Some(pool) = segment.pool {
        let range = format!("{}-{}", pool.first, pool.last);
        if !network.contains(&pool.first) || !network.contains(&pool.last) {
            mistakes.push(mistake(segment, "pool", &range, format!("a range of {network}")));
            segment.pool = None;
        } else if pool.contains(segment.server) {
            mistakes.push(mistake(segment, "pool", &range, "a range without the server's own address"));
            segment.pool = None;
        }
    }
    if let Some(gateway) = segment.gateway.filter(|gateway| !network.contains(gateway)) {
        mistakes.push(mistake(segment, "gateway", &gateway.to_string(), format!("an address of {network}")));
        segment.gateway = None;
    }
    if segment.dns.contains(&segment.server) {
        let expected = "another server's address: this server would ask itself";
        mistakes.push(mistake(segment, "dns", &segment.server.to_string(), expected));
        segment.dns.retain(|address| *address != segment.server);
    }
}
