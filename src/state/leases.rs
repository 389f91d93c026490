//! Who has which address, folded from events; the DHCP server decides on its own copy of the same fold.

use crate::{
    event::{Event, Fact, LeaseSource},
    net::Mac,
};
use jiff::{SignedDuration, Timestamp};
use std::{collections::BTreeMap, net::Ipv4Addr};

/// One address given to one client. It is kept when it has ended, so that the client gets it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The address.
    pub address: Ipv4Addr,
    /// The client's hardware address.
    pub mac: Mac,
    /// The client's identifier: option 61 in hexadecimal, else its hardware address.
    pub client: String,
    /// The name the client gave itself, as it came.
    pub hostname: Option<String>,
    /// Where the address comes from.
    pub source: LeaseSource,
    /// When it was last given or renewed.
    pub given: Timestamp,
    /// When it runs out, or was given back.
    pub expires: Timestamp,
    /// It was told that it ran out, was given back or declined.
    pub ended: bool,
}

/// The leases of a segment by address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leases {
    by_address: BTreeMap<Ipv4Addr, Lease>,
}

impl Leases {
    /// Folds one event in; those that are not about leases change nothing.
    pub fn apply(&mut self, event: &Event) {
        match &event.fact {
            Fact::DhcpAcknowledged { address, lease, source, client, hostname, .. } => {
                let Some(mac) = event.mac else { return };
                // Who renews need not say its name again.
                let known = self.by_address.get(address).filter(|lease| lease.client == *client);
                let hostname = hostname.clone().or_else(|| known?.hostname.clone());
                let lease = Lease {
                    address: *address,
                    mac,
                    client: client.clone(),
                    hostname,
                    source: *source,
                    given: event.time,
                    expires: event.time + SignedDuration::from_secs(i64::from(*lease)),
                    ended: false,
                };
                self.by_address.insert(*address, lease);
            }
            Fact::DhcpReleased { address } | Fact::DhcpExpired { address } | Fact::DhcpDeclined { address, .. } => {
                if let Some(lease) = self.by_address.get_mut(address) {
                    lease.expires = lease.expires.min(event.time);
                    lease.ended = true;
                }
            }
            _ => {}
        }
    }

    /// The last lease of an address, ended or not.
    pub fn get(&self, address: Ipv4Addr) -> Option<&Lease> {
        self.by_address.get(&address)
    }

    /// All leases by address, ended ones too.
    pub fn iter(&self) -> impl Iterator<Item = &Lease> {
        self.by_address.values()
    }
}

impl Lease {
    /// True while the client may use the address.
    pub fn is_active(&self, now: Timestamp) -> bool {
        now < self.expires
    }
}
