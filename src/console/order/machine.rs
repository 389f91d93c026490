//! Machines and segments by what people call them. Pure.

use super::{OrderError, Scope};
use crate::{
    console::{keys::nearest, lines::current, marks::Who},
    filter::Glob,
    net::Mac,
    state::Machine,
};
use std::net::Ipv4Addr;

/// The machine of a name, an address or a MAC: of the segment that is shown, else of the only other that has it.
pub fn find<'a>(scope: Scope<'a>, word: &str) -> Result<(Ipv4Addr, &'a Machine), OrderError> {
    let mac: Option<Mac> = word.parse().ok();
    let address: Option<Ipv4Addr> = word.parse().ok();
    let is_it = |machine: &Machine| {
        Some(machine.mac) == mac
            || (address.is_some() && machine.address == address)
            || machine.hostname.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(word))
    };
    let all = || current(scope.state).flat_map(|(at, segment)| segment.machines.values().map(move |m| (at, m)));
    let mut found: Vec<_> = all().filter(|(_, machine)| is_it(machine)).collect();
    // A name of conf is meant before what a stranger calls itself.
    found.sort_by_key(|(at, machine)| (Some(*at) != scope.segment, !machine.in_conf));
    match found[..] {
        [] => {
            let names: Vec<&str> = all().filter_map(|(_, machine)| machine.hostname.as_deref()).collect();
            let near = nearest(word, names).map(ToOwned::to_owned);
            Err(OrderError::NoMachine { word: word.to_owned(), near })
        }
        [one] => Ok(one),
        [first, second, ..] if Some(first.0) == scope.segment || first.0 == second.0 => Ok(first),
        _ => {
            let segments = found.iter().map(|(at, _)| at.to_string()).collect();
            Err(OrderError::Several { word: word.to_owned(), segments })
        }
    }
}

/// Machines of conf by their names, names with `*`, or `all` that can be switched; each once, in the order they are named.
pub fn these(scope: Scope<'_>, begin: &'static str, words: &str) -> Result<Vec<Who>, OrderError> {
    let mut whom: Vec<Who> = Vec::new();
    for word in words.split_whitespace() {
        let named = match word {
            "all" => of_segment(scope, word, |machine| machine.power_method.is_some())?,
            word if word.contains('*') => {
                let glob = Glob::new(word);
                of_segment(scope, word, |machine| machine.hostname.as_deref().is_some_and(|name| glob.matches(name)))?
            }
            word => {
                let (at, machine) = find(scope, word)?;
                if !machine.in_conf {
                    return Err(OrderError::NotInConf { name: machine.name() });
                }
                vec![(at, machine.mac)]
            }
        };
        named.into_iter().for_each(|who| {
            if !whom.contains(&who) {
                whom.push(who);
            }
        });
    }
    match whom.is_empty() {
        true => Err(OrderError::Expected { begin, expected: "machines: names, addresses or MACs, web*, or all" }),
        false => Ok(whom),
    }
}

/// Machines of conf of the segment that is shown, by address.
fn of_segment(scope: Scope<'_>, word: &str, is_meant: impl Fn(&Machine) -> bool) -> Result<Vec<Who>, OrderError> {
    let shown = current(scope.state).filter(|(at, _)| Some(*at) == scope.segment);
    let machines = shown.flat_map(|(at, segment)| segment.machines.values().map(move |machine| (at, machine)));
    let mut meant: Vec<_> = machines.filter(|(_, machine)| machine.in_conf && is_meant(machine)).collect();
    meant.sort_by_key(|(_, machine)| (machine.address, machine.mac));
    match meant.is_empty() {
        true => Err(OrderError::NoMachine { word: word.to_owned(), near: None }),
        false => Ok(meant.into_iter().map(|(at, machine)| (at, machine.mac)).collect()),
    }
}

/// The segment of a server's address.
pub fn segment(scope: Scope<'_>, word: &str) -> Result<Ipv4Addr, OrderError> {
    let known: Vec<Ipv4Addr> = current(scope.state).map(|(address, _)| address).collect();
    word.parse().ok().filter(|address| known.contains(address)).ok_or_else(|| OrderError::NoSegment {
        word: word.to_owned(),
        known: known.iter().map(Ipv4Addr::to_string).collect(),
    })
}
