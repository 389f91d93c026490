//! `practice`: serves the conf tree in a network namespace of its own, with a bridge in the place of each interface.

use super::{
    Places,
    power_on::PowerOn,
    serve::{self, Screen},
};
use crate::{
    conf::{self, Conf},
    net::Namespace,
};
use color_eyre::eyre::Result;
use std::{collections::BTreeMap, net::Ipv4Addr};

/// The first word of the namespace's name.
const NAME: &str = "pxelator-practice";

/// Serves until the operator quits or a signal comes. Then all is gone that ran there.
pub fn practice(places: Places, screen: Screen, power_on: PowerOn) -> Result<()> {
    // Before the runtime has threads, since each thread is in a namespace by itself.
    let namespace = Namespace::enter(NAME)?;
    let conf = conf::read(&places.conf, None).conf;
    for (bridge, addresses) in bridges(&conf) {
        namespace.bridge(&bridge, &addresses)?;
    }
    serve::serve(places.options(None), screen, power_on, Some("practice segment".to_owned()))
}

/// The bridges that the segments need: each has the name that its segment asks for, else one of its own.
fn bridges(conf: &Conf) -> BTreeMap<String, Vec<(Ipv4Addr, u8)>> {
    let mut bridges: BTreeMap<String, Vec<(Ipv4Addr, u8)>> = BTreeMap::new();
    for (number, segment) in conf.segments.values().enumerate() {
        let name = segment.interface.clone().unwrap_or_else(|| format!("br{number}"));
        bridges.entry(name).or_default().push((segment.server, segment.prefix));
    }
    bridges
}
