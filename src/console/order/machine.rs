//! Machines and segments by what people call them. Pure.

use super::{OrderError, Scope};
use crate::{
    console::{keys::nearest, lines::current},
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

/// The segment of a server's address.
pub fn segment(scope: Scope<'_>, word: &str) -> Result<Ipv4Addr, OrderError> {
    let known: Vec<Ipv4Addr> = current(scope.state).map(|(address, _)| address).collect();
    word.parse().ok().filter(|address| known.contains(address)).ok_or_else(|| OrderError::NoSegment {
        word: word.to_owned(),
        known: known.iter().map(Ipv4Addr::to_string).collect(),
    })
}
