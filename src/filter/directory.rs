//! Which machines have which names.

use super::Glob;
use crate::{
    event::{Event, Fact},
    net::Mac,
};
use std::net::Ipv4Addr;

/// A machine with its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Known {
    /// The name, without the domain.
    pub hostname: String,
    /// The server's own address.
    pub segment: Ipv4Addr,
    /// The machine's address.
    pub address: Option<Ipv4Addr>,
    /// The machine's hardware address.
    pub mac: Mac,
}

/// Finds machines by name.
pub trait Directory {
    /// The machines whose names look so.
    fn named(&self, wanted: &Glob) -> Vec<Known>;
    /// Some of the names there are, in order.
    fn names(&self) -> Vec<String>;
}

/// A directory in memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Names(pub Vec<Known>);

impl Names {
    /// The machines that a `conf.loaded` tells of; none of any other event.
    pub fn of(event: &Event) -> Names {
        let (Fact::ConfLoaded { machines, .. }, Some(segment)) = (&event.fact, event.segment) else {
            return Names::default();
        };
        let known = machines.iter().map(|machine| Known {
            hostname: machine.hostname.clone(),
            segment,
            address: Some(machine.address),
            mac: machine.mac,
        });
        Names(known.collect())
    }
}

impl Directory for Names {
    fn named(&self, wanted: &Glob) -> Vec<Known> {
        self.0.iter().filter(|known| wanted.matches(&known.hostname)).cloned().collect()
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.0.iter().map(|known| known.hostname.clone()).collect();
        names.sort();
        names.dedup();
        names
    }
}
