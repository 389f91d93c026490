//! Which machines are meant: names, addresses and wildcards against the conf tree. Pure.

use crate::{command::Place, conf::Conf, filter::Glob, nearest::nearest, net::Mac};
use std::{collections::BTreeSet, net::Ipv4Addr};

/// A machine that is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Where it is.
    pub place: Place,
    /// Its name.
    pub hostname: String,
}

/// A word that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// No machine is called so.
    #[error("no machine of conf is called {name}{}", near.as_ref().map_or(String::new(), |near| format!("; {near} is")))]
    Unknown {
        /// The word.
        name: String,
        /// What was perhaps meant.
        near: Option<String>,
    },
    /// None is left.
    #[error("no machine of conf {0} has a `power` file; write amt, redfish, ipmi, wol or qemu into one")]
    None(String),
    /// Several are called so.
    #[error("{name} is a machine of {}; say which with --segment", segments.join(" and of "))]
    Several {
        /// The word.
        name: String,
        /// Segments that have one.
        segments: Vec<String>,
    },
    /// There is no such segment.
    #[error("conf has no segment {segment}; it has {known}")]
    Segment {
        /// The address.
        segment: Ipv4Addr,
        /// Those that there are.
        known: String,
    },
    /// Something else.
    #[error("{0}")]
    Words(String),
}

/// Which machines a wildcard means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Among {
    /// Those that can be switched.
    Switched,
    /// All.
    All,
}

/// The machines that `words` mean, or all that can be switched, each once, in the order of the words and then of their addresses.
pub fn choose(conf: &Conf, words: &[String], among: Among, segment: Option<Ipv4Addr>) -> Result<Vec<Wanted>, Wrong> {
    if let Some(segment) = segment.filter(|segment| !conf.segments.contains_key(segment)) {
        let known: Vec<String> = conf.segments.keys().map(ToString::to_string).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(Wrong::Segment { segment, known });
    }
    let segments = conf.segments.values().filter(|s| segment.is_none_or(|only| only == s.server));
    let here: Vec<_> = segments.flat_map(|s| s.machines.values().map(move |machine| (s.server, machine))).collect();
    let wanted = |(server, machine): &(Ipv4Addr, &std::sync::Arc<crate::conf::Machine>)| Wanted {
        place: (*server, machine.address),
        hostname: machine.hostname.clone(),
    };
    if words.is_empty() {
        let found: Vec<Wanted> = here.iter().filter(|(_, machine)| !machine.power.is_empty()).map(wanted).collect();
        return if found.is_empty() { Err(Wrong::None("at all".to_owned())) } else { Ok(found) };
    }
    let (mut found, mut known) = (Vec::new(), BTreeSet::new());
    for word in words {
        let mac: Option<Mac> = word.parse().ok();
        let glob = Glob::new(word);
        let is_glob = glob.exact().is_none();
        let is_it = |(_, machine): &&(Ipv4Addr, &std::sync::Arc<crate::conf::Machine>)| {
            glob.matches(&machine.hostname) || glob.matches(&machine.address.to_string()) || mac == Some(machine.mac)
        };
        let named: Vec<_> = here.iter().filter(is_it).collect();
        if named.is_empty() {
            let near = nearest(word, here.iter().map(|(_, machine)| machine.hostname.as_str())).map(str::to_owned);
            return Err(Wrong::Unknown { name: word.clone(), near });
        }
        if !is_glob && named.len() > 1 {
            let segments = named.iter().map(|(server, _)| server.to_string()).collect();
            return Err(Wrong::Several { name: word.clone(), segments });
        }
        // What a wildcard finds beside those that can be switched, nobody meant.
        let before = found.len();
        let meant =
            named.into_iter().filter(|(_, machine)| !is_glob || among == Among::All || !machine.power.is_empty());
        let mut some = false;
        for machine in meant {
            some = true;
            let machine = wanted(machine);
            if known.insert(machine.place) {
                found.push(machine);
            }
        }
        if !some && found.len() == before {
            return Err(Wrong::None(format!("that {word} finds")));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn names_addresses_and_wildcards() {
        let dir = tempfile::tempdir().unwrap();
        for (segment, machine, name, power) in [
            ("10.77.0.1", "10.77.0.60", "web1", "wol"),
            ("10.77.0.1", "10.77.0.61", "web2", "qemu"),
            ("10.77.0.1", "10.77.0.62", "web3", ""),
            ("10.77.0.1", "10.77.0.63", "db1", "wol"),
            ("10.88.0.1", "10.88.0.60", "db1", "wol"),
        ] {
            let folder = dir.path().join(segment).join(machine);
            fs::create_dir_all(&folder).unwrap();
            let last = machine.rsplit('.').next().unwrap();
            let net = &segment[3..5];
            fs::write(folder.join("mac"), format!("52:54:00:{net}:00:{last}")).unwrap();
            fs::write(folder.join("hostname"), name).unwrap();
            if !power.is_empty() {
                fs::write(folder.join("power"), power).unwrap();
            }
        }
        let conf = crate::conf::read(dir.path(), None).conf;
        let found = |words: &[&str], segment: Option<&str>| {
            let words: Vec<String> = words.iter().map(ToString::to_string).collect();
            let found = choose(&conf, &words, Among::Switched, segment.map(|segment| segment.parse().unwrap()));
            found.map_err(|wrong| wrong.to_string()).map(|found| {
                let places = found.iter().map(|wanted| wanted.place.1.to_string()[3..].to_owned());
                places.collect::<Vec<_>>().join(" ")
            })
        };
        for (words, segment, expected) in [
            (&["web2", "web1", "WEB2"][..], None, Ok("77.0.61 77.0.60")),
            (&["10.77.0.62"], None, Ok("77.0.62")),
            (&["52:54:00:77:00:60"], None, Ok("77.0.60")),
            (&["web*"], None, Ok("77.0.60 77.0.61")),
            (&["10.88.*"], None, Ok("88.0.60")),
            (&[], None, Ok("77.0.60 77.0.61 77.0.63 88.0.60")),
            (&[], Some("10.88.0.1"), Ok("88.0.60")),
            (&["db1"], Some("10.88.0.1"), Ok("88.0.60")),
            (&["db1"], None, Err("db1 is a machine of 10.77.0.1 and of 10.88.0.1; say which with --segment")),
            (&["web1", "wbe2"], None, Err("no machine of conf is called wbe2; web2 is")),
            (&["kiosk*"], None, Err("no machine of conf is called kiosk*")),
            (
                &["web3*"],
                None,
                Err(
                    "no machine of conf that web3* finds has a `power` file; write amt, redfish, ipmi, wol or qemu into one",
                ),
            ),
            (&[], Some("10.99.0.1"), Err("conf has no segment 10.99.0.1; it has 10.77.0.1, 10.88.0.1")),
        ] {
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(found(words, segment), expected, "{words:?}");
        }
    }
}
