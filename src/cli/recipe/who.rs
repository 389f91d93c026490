//! Which machines and containers are meant.

use crate::{
    cli::power::{Among, Wrong, choose},
    command::Place,
    conf::{Conf, Wanted},
    filter::Glob,
    nearest::nearest,
};
use std::net::Ipv4Addr;

/// A machine or a container that is meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Who {
    /// Its machine.
    pub place: Place,
    /// The container, where it is one.
    pub container: Option<String>,
    /// `web1`, `db@web1`.
    pub name: String,
}

/// The machines and containers that words mean, each once.
pub fn who(conf: &Conf, words: &[String], segment: Option<Ipv4Addr>) -> Result<Vec<Who>, Wrong> {
    let mut all = Vec::new();
    for word in words {
        let (container, machine) = match word.split_once('@') {
            Some((container, machine)) => (Some(container), machine.to_owned()),
            None => (None, word.clone()),
        };
        for found in choose(conf, &[machine], Among::All, segment)? {
            let Some(wanted) = container else {
                all.push(Who { place: found.place, container: None, name: found.hostname });
                continue;
            };
            let glob = Glob::new(wanted);
            let within =
                conf.machine(found.place).map(|(_, machine)| machine.containers.keys().cloned().collect::<Vec<_>>());
            let within = within.unwrap_or_default();
            let before = all.len();
            for name in within.iter().filter(|name| glob.matches(name)) {
                let name = name.clone();
                all.push(Who { place: found.place, name: format!("{name}@{}", found.hostname), container: Some(name) });
            }
            if all.len() == before && glob.exact().is_some() {
                let near = nearest(wanted, within.iter().map(String::as_str));
                let near = near.map_or(String::new(), |near| format!("; {near} is"));
                return Err(Wrong::Words(format!("no container of {} is called {wanted}{near}", found.hostname)));
            }
        }
    }
    let mut once: Vec<Who> = Vec::new();
    for who in all {
        if !once.contains(&who) {
            once.push(who);
        }
    }
    Ok(once)
}

/// All machines and containers of conf with what they are to have.
pub fn all(conf: &Conf, segment: Option<Ipv4Addr>) -> Vec<(Who, Wanted)> {
    let mut all = Vec::new();
    for s in conf.segments.values().filter(|s| segment.is_none_or(|only| only == s.server)) {
        for machine in s.machines.values() {
            let place = (s.server, machine.address);
            let own = Who { place, container: None, name: machine.hostname.clone() };
            all.push((own, s.recipes_of(machine).cloned().unwrap_or_default()));
            for (name, container) in &machine.containers {
                let who = Who { place, container: Some(name.clone()), name: format!("{name}@{}", machine.hostname) };
                all.push((who, container.recipes.clone().unwrap_or_default()));
            }
        }
    }
    all
}

/// What one is to have.
pub fn wanted(conf: &Conf, who: &Who) -> Wanted {
    all(conf, Some(who.place.0))
        .into_iter()
        .find(|(known, _)| known == who)
        .map(|(_, wanted)| wanted)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn machines_and_containers() {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = dir.path().join("10.77.0.1").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        for (last, name) in [(60, "web1"), (61, "web2")] {
            write(&format!("10.77.0.{last}/mac"), &format!("52:54:00:77:00:{last}"));
            write(&format!("10.77.0.{last}/hostname"), name);
        }
        write("10.77.0.60/containers/db/exec", "podman exec -i db");
        write("10.77.0.60/containers/cache/exec", "podman exec -i cache");
        write("10.77.0.60/containers/db/recipes", "base\nevery 1h");
        let conf = crate::conf::read(dir.path(), None).conf;
        for (words, expected) in [
            (&["web*", "web1"][..], Ok("web1 web2")),
            (&["db@web1", "*@web*"], Ok("db@web1 cache@web1")),
            (&["bd@web1"], Err("no container of web1 is called bd; db is")),
            (&["db@web3"], Err("no machine of conf is called web3; web1 is")),
        ] {
            let words: Vec<String> = words.iter().map(ToString::to_string).collect();
            let found = who(&conf, &words, None).map_err(|wrong| wrong.to_string());
            let found = found.map(|all| all.into_iter().map(|who| who.name).collect::<Vec<_>>().join(" "));
            assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned), "{words:?}");
        }
        let db = who(&conf, &["db@web1".to_owned()], None).unwrap().remove(0);
        assert_eq!(wanted(&conf, &db).recipes, ["base"]);
        assert_eq!(all(&conf, None).len(), 4);
    }
}
