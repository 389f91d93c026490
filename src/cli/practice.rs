//! `practice`: serves the conf tree in a network namespace of its own, with a bridge in the place of each interface.

use super::{
    Places,
    power_on::PowerOn,
    serve::{self, Screen},
};
use crate::{
    conf::{self, Conf},
    net::{Namespace, Passage},
};
use color_eyre::eyre::Result;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
};

/// The first word of the namespace's name.
const NAME: &str = "pxelator-practice";
/// CouchDB's port.
const COUCHDB: u16 = 5984;

/// Serves until the operator quits or a signal comes. Then all is gone that ran there.
pub fn practice(places: Places, screen: Screen, power_on: PowerOn) -> Result<()> {
    // Before the runtime has threads, since each thread is in a namespace by itself.
    let passage = Passage::begin()?;
    let namespace = Namespace::enter(NAME)?;
    let conf = conf::read(&places.conf, None).conf;
    for port in databases(&conf) {
        passage.open(port)?;
    }
    for (bridge, addresses) in bridges(&conf) {
        namespace.bridge(&bridge, &addresses)?;
    }
    serve::serve(places.options(None), screen, power_on, Some("practice segment".to_owned()))
}

/// Ports of the host's loopback where databases of the segments are, also of one that conf is yet to name.
fn databases(conf: &Conf) -> BTreeSet<u16> {
    let urls = conf.segments.values().filter_map(|segment| url::Url::parse(&segment.couchdb.as_ref()?.url).ok());
    let local = urls.filter(|url| matches!(url.host_str(), Some("127.0.0.1" | "localhost")));
    local.filter_map(|url| url.port_or_known_default()).chain([COUCHDB]).collect()
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
