//! `--power-on`: switches machines on as soon as the servers listen, by the command that the console's key sends.

use crate::{
    bus::{Bus, Delivery},
    command::{Command, Place},
    conf::{self, Conf},
    event::{Action, Asker, Fact, Service},
};
use clap::Args;
use std::{collections::BTreeSet, net::Ipv4Addr, path::Path, time::Duration};
use tokio::sync::mpsc;

/// What a machine needs to boot.
const NEEDED: [Service; 6] =
    [Service::Dhcp, Service::Tftp, Service::Http, Service::Dns, Service::Syslog, Service::Radv];

/// Who is to be switched on.
#[derive(Clone, Debug, Default, Args)]
pub struct PowerOn {
    /// Switch these machines on once the servers listen: hostnames, addresses, or `all`
    #[arg(long, value_name = "NAME", num_args = 1..)]
    power_on: Vec<String>,
}

/// A name that is no machine's.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("--power-on {name}: no machine of conf with a `power` file has this name; those that have: {known}")]
pub struct Unknown {
    name: String,
    known: String,
}

/// Waits for the servers.
pub struct Waiting {
    places: Vec<Place>,
    news: mpsc::Receiver<Delivery>,
}

impl PowerOn {
    /// Finds the machines in the tree, and listens on `bus` from now on.
    pub fn prepare(&self, tree: &Path, bus: &Bus) -> Result<Option<Waiting>, Unknown> {
        if self.power_on.is_empty() {
            return Ok(None);
        }
        let places = self.places(&conf::read(tree, None).conf)?;
        Ok((!places.is_empty()).then(|| Waiting { places, news: bus.subscribe("power-on", 1 << 10) }))
    }

    fn places(&self, conf: &Conf) -> Result<Vec<Place>, Unknown> {
        let switched: Vec<(&str, Place)> = conf
            .segments
            .values()
            .flat_map(|segment| segment.machines.values().map(move |machine| (segment, machine)))
            .filter(|(_, machine)| !machine.power.is_empty())
            .map(|(segment, machine)| (machine.hostname.as_str(), (segment.server, machine.address)))
            .collect();
        let mut places = BTreeSet::new();
        for name in &self.power_on {
            let named = |(hostname, (_, address)): &&(&str, Place)| {
                name == "all" || hostname == name || address.to_string() == *name
            };
            let before = places.len();
            places.extend(switched.iter().filter(named).map(|(_, place)| *place));
            if places.len() == before && !switched.iter().any(|machine| named(&machine)) {
                let known: Vec<&str> = switched.iter().map(|(hostname, _)| *hostname).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(Unknown { name: name.clone(), known });
            }
        }
        Ok(places.into_iter().collect())
    }
}

impl Waiting {
    /// Sends the wishes of a segment once each of its servers listens, or has failed to: machines tell then what they miss.
    pub async fn switch(mut self, wishes: mpsc::Sender<Command>) {
        let mut heard: BTreeSet<(Ipv4Addr, Service)> = BTreeSet::new();
        while !self.places.is_empty() {
            let Some(delivery) = self.news.recv().await else { return };
            let Delivery::Event(event) = delivery else { continue };
            let (Some(segment), Fact::ServiceStarted { service, .. } | Fact::ServiceFailed { service, .. }) =
                (event.segment, &event.fact)
            else {
                continue;
            };
            heard.insert((segment, *service));
            if !NEEDED.iter().all(|needed| heard.contains(&(segment, *needed))) {
                continue;
            }
            for (segment, machine) in self.places.extract_if(.., |(of, _)| *of == segment) {
                let command = Command::Power {
                    machines: vec![(segment, machine)],
                    action: Action::On,
                    stagger: Duration::ZERO,
                    by: Asker::Operator,
                };
                let _ = wishes.send(command).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn names_of_machines() {
        let folder = tempfile::tempdir().unwrap();
        for (file, value) in [
            ("10.77.0.60/mac", "52:54:00:00:00:60"),
            ("10.77.0.60/hostname", "a"),
            ("10.77.0.60/power", "qemu"),
            ("10.77.0.61/mac", "52:54:00:00:00:61"),
            ("10.77.0.61/hostname", "b"),
            ("10.77.0.61/power", "wol"),
            ("10.77.0.62/mac", "52:54:00:00:00:62"),
        ] {
            let path = folder.path().join("10.77.0.1").join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, value).unwrap();
        }
        let conf = crate::conf::read(folder.path(), None).conf;
        let found = |names: &[&str]| {
            let power_on = PowerOn { power_on: names.iter().map(ToString::to_string).collect() };
            let last = |places: Vec<Place>| places.iter().map(|(_, address)| address.octets()[3]).collect::<Vec<u8>>();
            power_on.places(&conf).map(last).map_err(|unknown| unknown.to_string())
        };
        assert_eq!(found(&[]), Ok(vec![]));
        assert_eq!(found(&["b", "a", "a"]), Ok(vec![60, 61]));
        assert_eq!(found(&["10.77.0.61"]), Ok(vec![61]));
        assert_eq!(found(&["all"]), Ok(vec![60, 61]));
        assert_eq!(
            found(&["m-10-77-0-62"]),
            Err("--power-on m-10-77-0-62: no machine of conf with a `power` file has this name; those that have: a, b"
                .into())
        );
    }
}
