//! What is wrong only when values are looked at together.

use super::{Conf, Machine, Mistake, Pool, Profile, Segment, alerts};
use crate::{boot, net::Mac};
use std::{collections::BTreeMap, net::Ipv4Addr, path::PathBuf, sync::Arc};

/// Takes out of `conf` what cannot be in force beside the rest, puts what `last` had in its place where that can, and
/// adds to `mistakes` what is wrong.
pub fn across(conf: &mut Conf, last: Option<&Conf>, mistakes: &mut Vec<Mistake>) {
    let Conf { segments, profiles, .. } = conf;
    for segment in segments.values_mut() {
        let segment = Arc::make_mut(segment);
        let last = last.and_then(|conf| conf.segments.get(&segment.server)).map(Arc::as_ref);
        machines(segment, last, mistakes);
        addresses(segment, last, mistakes);
        let of_machine = |m: &Arc<Machine>| {
            let at = |file: &str, name: &str| (format!("{}/{file}", m.address), name.to_owned());
            let boot = m.boot.iter().map(|name| at("boot", name)).collect::<Vec<_>>();
            let once =
                m.boot_once.iter().flat_map(|once| [at("boot-once", &once.profile), at("boot-once", &once.then)]);
            boot.into_iter().chain(once).collect::<Vec<_>>()
        };
        let names = segment.machines.values().flat_map(of_machine);
        for (file, name) in names.chain(segment.boot.iter().map(|name| ("boot".to_owned(), name.clone()))) {
            if !boot::is_known(profiles, &name) {
                mistakes.push(mistake(segment, &file, &name, known(profiles)));
            }
        }
    }
    alerts::across(conf, mistakes);
    let Conf { segments, profiles, .. } = conf;
    for profile in profiles.values() {
        for (path, error) in boot::faults(profile) {
            let mistake = Mistake { path, value: error, expected: "a template that can be rendered".to_owned() };
            mistakes.push(mistake);
        }
        let menus = profile.texts.iter().filter(|(name, _)| name.starts_with("menu"));
        for (line, text) in menus.flat_map(|(_, text)| text.body.lines().map(move |line| (line, text))) {
            let name = line.split_whitespace().next().unwrap_or_default();
            if !boot::is_known(profiles, name) {
                let mistake = Mistake { path: text.file.clone(), value: name.to_owned(), expected: known(profiles) };
                mistakes.push(mistake);
            }
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

fn known(profiles: &BTreeMap<String, Arc<Profile>>) -> String {
    let known = profiles.keys().cloned().collect::<Vec<_>>().join(", ");
    format!("a profile of boot/ (there are: {known})")
}

fn mistake(segment: &Segment, file: &str, value: &str, expected: impl Into<String>) -> Mistake {
    let path = PathBuf::from(segment.server.to_string()).join(file);
    Mistake { path, value: value.to_owned(), expected: expected.into() }
}

/// Machines at addresses that cannot be theirs, and machines that share a MAC or a name, are not in force.
fn machines(segment: &mut Segment, last: Option<&Segment>, mistakes: &mut Vec<Mistake>) {
    let network = segment.network();
    let before = |address: &Ipv4Addr| last.and_then(|l| l.machines.get(address));
    let mut macs: BTreeMap<Mac, Ipv4Addr> = BTreeMap::new();
    let mut names: BTreeMap<String, Ipv4Addr> = BTreeMap::new();
    // Of two with one MAC or name the one that had it keeps it, else the first, so that a copied folder does not
    // take its model off the net.
    let mut order: Vec<Arc<Machine>> = segment.machines.values().cloned().collect();
    order.sort_by_key(|now| before(&now.address).is_none_or(|l| l.mac != now.mac || l.hostname != now.hostname));
    for mut machine in order {
        let address = machine.address;
        let at = |file: &str| format!("{address}/{file}");
        let place = if !network.contains(&address) || address == network.network() || address == network.broadcast() {
            Some(format!("an address of a machine in {network}"))
        } else if address == segment.server {
            Some("a machine's address: it is the server's own".to_owned())
        } else {
            None
        };
        if let Some(expected) = place {
            mistakes.push(mistake(segment, &address.to_string(), &address.to_string(), expected));
            segment.machines.remove(&address);
            continue;
        }
        if let Some(other) = macs.get(&machine.mac) {
            let expected = format!("this machine's alone: {other} has the same MAC");
            mistakes.push(mistake(segment, &at("mac"), &machine.mac.to_string(), expected));
            let Some(had) = before(&address).map(|l| l.mac).filter(|mac| !macs.contains_key(mac)) else {
                segment.machines.remove(&address);
                continue;
            };
            Arc::make_mut(&mut machine).mac = had;
        }
        if let Some(other) = names.get(&machine.hostname) {
            let expected = format!("this machine's alone: {other} has the same name");
            mistakes.push(mistake(segment, &at("hostname"), &machine.hostname, expected));
            if let Some(had) = before(&address).map(|l| &l.hostname).filter(|name| !names.contains_key(*name)) {
                Arc::make_mut(&mut machine).hostname.clone_from(had);
            }
        }
        macs.insert(machine.mac, address);
        names.entry(machine.hostname.clone()).or_insert(address);
        segment.machines.insert(address, machine);
    }
}

fn addresses(segment: &mut Segment, last: Option<&Segment>, mistakes: &mut Vec<Mistake>) {
    let (network, server) = (segment.network(), segment.server);
    let fits = |pool: &Pool| network.contains(&pool.first) && network.contains(&pool.last);
    if let Some(pool) = segment.pool {
        let expected = if !fits(&pool) {
            Some(format!("a range of {network}"))
        } else {
            pool.contains(server).then(|| "a range without the server's own address".to_owned())
        };
        if let Some(expected) = expected {
            mistakes.push(mistake(segment, "pool", &format!("{}-{}", pool.first, pool.last), expected));
            segment.pool = last.and_then(|l| l.pool).filter(|pool| fits(pool) && !pool.contains(server));
        }
    }
    if let Some(gateway) = segment.gateway.filter(|gateway| !network.contains(gateway)) {
        mistakes.push(mistake(segment, "gateway", &gateway.to_string(), format!("an address of {network}")));
        segment.gateway = last.and_then(|l| l.gateway).filter(|gateway| network.contains(gateway));
    }
    if segment.dns.contains(&server) {
        let expected = "another server's address: this server would ask itself";
        mistakes.push(mistake(segment, "dns", &server.to_string(), expected));
        segment.dns = last.map(|l| l.dns.clone()).unwrap_or_default();
        segment.dns.retain(|address| *address != server);
    }
}
