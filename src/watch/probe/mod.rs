//! Looks at a machine or a service once, by the network or over ssh. Knows no conf tree and no turn: it is told what to look at.

mod arp;
mod certificate;
mod dns;
mod http;
mod inside;
mod known;
mod ping;
mod tcp;

pub use known::{pool, silence};

use super::{Look, listen::Heard};
use crate::{
    conf::{Machine, Segment, checks::What},
    net::Interface,
    reach::Reach,
};
use std::{net::Ipv4Addr, sync::Arc, time::Duration};

/// What is looked at.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its segment.
    pub segment: Arc<Segment>,
    /// The segment's interface.
    pub interface: Interface,
    /// The machine; none for the segment's own services.
    pub machine: Option<Arc<Machine>>,
    /// How it is reached over ssh, where that is wanted.
    pub reach: Option<Reach>,
}

/// Looks at things; cheap to clone.
#[derive(Clone)]
pub struct Prober {
    pings: ping::Pings,
    http: http::Http,
    tls: Result<tokio_rustls::TlsConnector, String>,
    heard: Heard,
}

impl Prober {
    /// Nothing is opened yet; `heard` knows who spoke. Needs a tokio runtime when it is used.
    pub fn new(heard: Heard) -> Prober {
        Prober { pings: ping::Pings::default(), http: http::Http::new(), tls: certificate::connector(), heard }
    }

    /// Looks once. What only state knows (`syslog`, `pool`) is not for it: none.
    pub async fn look(&self, target: &Target, what: &What) -> Option<Look> {
        let address = target.address();
        Some(match what {
            What::Ping => self.pings.ping(&target.interface, address).await,
            What::Tcp(port) => tcp::port(address, *port).await,
            What::Ssh(port) => tcp::banner(address, *port).await,
            What::Http { url, status, text } => self.http.get(target, url, *status, text.as_deref()).await,
            What::Dns { name, address: wanted } => dns::ask(address, name, *wanted).await,
            What::Certificate { port, days } => {
                certificate::look(&self.tls, (address, *port), &target.names(), *days).await
            }
            What::Disk(most) => inside::disk(target.reach.as_ref(), *most).await,
            What::Load(most) => inside::load(target.reach.as_ref(), *most).await,
            What::Arp => arp::ask(&self.heard, target).await,
            What::Syslog(_) | What::Pool(_) => return None,
        })
    }
}

impl Target {
    /// Its address.
    pub fn address(&self) -> Ipv4Addr {
        self.machine.as_ref().map_or(self.segment.server, |machine| machine.address)
    }

    /// Its names, the longest first.
    fn names(&self) -> Vec<String> {
        let Some(machine) = &self.machine else { return vec![self.segment.domain.clone()] };
        vec![format!("{}.{}", machine.hostname, self.segment.domain), machine.hostname.clone()]
    }
}

impl Look {
    /// All is well.
    pub fn well(said: impl Into<String>, took: Option<Duration>) -> Look {
        Look { well: true, said: said.into(), millis: took.map(|took| took.as_secs_f64() * 1000.0) }
    }

    /// Something is not.
    pub fn wrong(said: impl Into<String>) -> Look {
        Look { well: false, said: said.into(), millis: None }
    }
}

/// `0.04 ms`, `12 ms`, `1.5 s`.
fn shown(took: Duration) -> String {
    match took.as_secs_f64() * 1000.0 {
        millis if millis < 1.0 => format!("{millis:.2} ms"),
        millis if millis < 10.0 => format!("{millis:.1} ms"),
        millis if millis < 1000.0 => format!("{millis:.0} ms"),
        millis => format!("{} s", (millis / 100.0).round() / 10.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (micros, words) in
            [(40, "0.04 ms"), (1_200, "1.2 ms"), (12_400, "12 ms"), (1_500_000, "1.5 s"), (3_000_000, "3 s")]
        {
            assert_eq!(shown(Duration::from_micros(micros)), words);
        }
    }
}
