//! `track trust`: takes the ssh host keys that machines show into conf.

use super::{DONE, SOME, chosen, through};
use crate::{
    cli::{
        Places,
        power::{
            Stopped, Wrong,
            ask::{ask, can_ask},
            runtime,
        },
        tell::tell,
    },
    conf,
    event::{Asker, Event, Fact},
    reach::{Reach, scan},
};
use std::{net::Ipv4Addr, time::Duration};

/// Does it; the result is the exit code.
pub fn trust(machines: &[String], segment: Option<Ipv4Addr>, yes: bool, places: &Places) -> Result<u8, Stopped> {
    let conf = conf::read(&places.conf, None).conf;
    let chosen = chosen(&conf, machines, segment)?;
    if let Some((machine, Some(container))) = chosen.iter().find(|(_, container)| container.is_some()) {
        let why = format!(
            "{container} of {} is reached by its machine, or as ssh itself knows it: log in there once by hand",
            machine.hostname
        );
        return Err(Wrong::Words(why).into());
    }
    let runtime = runtime()?;
    let mut code = DONE;
    for (machine, _) in chosen {
        let Some((segment, of)) = conf.machine(machine.place) else { continue };
        let Some(reach) = Reach::of((segment, of), None, &places.run_dir, &through()) else { continue };
        let name = &machine.hostname;
        let keys = match runtime.block_on(scan(&reach)) {
            Ok(keys) => keys,
            Err(error) => {
                eprintln!("pxelator: {name}: {error}; {}", error.next_step);
                code = SOME;
                continue;
            }
        };
        if keys.iter().all(|key| of.keys.contains(&key.line)) {
            say!("{name}: its ssh host key is trusted already: {}", prints(&keys));
            continue;
        }
        let before = if of.keys.is_empty() { "" } else { "another than the one that is trusted, " };
        say!("{name} shows an ssh host key, {before}with the fingerprint");
        keys.iter().for_each(|key| say!("  {}", key.fingerprint));
        if !yes && !can_ask() {
            let why = "compare it with what the machine itself says (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), and say --yes";
            return Err(Stopped::Broken(why.to_owned()));
        }
        if !yes && !ask("Compare it with what the machine itself says. Trust it?") {
            eprintln!("pxelator: {name}: nothing was done");
            code = SOME;
            continue;
        }
        let lines: Vec<String> = keys.iter().map(|key| key.line.clone()).collect();
        conf::trust_keys(&places.conf, machine.place, &lines).map_err(|error| Stopped::Broken(error.to_string()))?;
        say!("{name}: its keys are in conf from now on: {}/{}/ssh.pin", machine.place.0, machine.place.1);
        let fingerprint = keys.first().map(|key| key.fingerprint.clone()).unwrap_or_default();
        let fact = Fact::TrackTrusted { fingerprint, by: Asker::Operator };
        tell(places, Event::new(Some(machine.place.0), fact).about(Some(machine.place.1), Some(of.mac)));
    }
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(code)
}

fn prints(keys: &[crate::reach::Key]) -> String {
    keys.iter().map(|key| key.fingerprint.as_str()).collect::<Vec<_>>().join(", ")
}
