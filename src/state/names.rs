//! What the machines of conf are called now.

use super::State;
use crate::filter::{Directory, Glob, Known, Names};

impl State {
    fn known(&self) -> Names {
        let segments = self.segments.iter().flat_map(|(segment, there)| {
            there.machines.values().filter(|machine| machine.in_conf).filter_map(|machine| {
                let hostname = machine.hostname.clone()?;
                Some(Known { hostname, segment: *segment, address: machine.address, mac: machine.mac })
            })
        });
        Names(segments.collect())
    }
}

impl Directory for State {
    fn named(&self, wanted: &Glob) -> Vec<Known> {
        self.known().named(wanted)
    }

    fn names(&self) -> Vec<String> {
        self.known().names()
    }
}
