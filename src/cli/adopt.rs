//! `pxelator adopt`: a machine that was only seen becomes one of conf, through the PXElator that runs here, else by its files alone.

use super::{
    Places,
    power::{ALL, Line, SOME, Stopped, Wrong, exit_code, runtime},
    remote,
};
use crate::{
    command::{Command, Place},
    conf::{self, Conf, Segment},
    event::{Fact, printable},
    journal::Journal,
    net::Mac,
    state,
};
use clap::Args;
use color_eyre::eyre::Result;
use serde::Deserialize;
use std::{collections::BTreeSet, net::Ipv4Addr, path::Path, time::Duration};
use tokio::time::Instant;

/// What a program gets to take it and to have it in the tree.
const PATIENCE: Duration = Duration::from_secs(15);

/// Characters of a name that is shown.
const WIDTH: usize = 64;

/// What stands below the help.
pub const CODES: &str = "Without MAC it lists who was seen and is not in conf: MAC, address, name, who made the card. So do the console, the page, and \
    /api/v1/machines.\n\
    Where a PXElator runs here (its socket is in --run-dir) it is asked; else the machine's files are written.\n\n\
    Exit codes: 0 it is a machine of conf; 1 it is not; 2 wrong usage, or it cannot be so; 3 who is to do it cannot be asked";

/// Adopts a machine.
#[derive(Debug, Args)]
pub struct Adopt {
    /// Its hardware address; without it those are listed that were seen
    #[arg(value_name = "MAC")]
    mac: Option<Mac>,
    /// Its address from now on; unless given the one that it has where it can keep it, else the next that is free
    #[arg(long, value_name = "ADDRESS", requires = "mac")]
    address: Option<Ipv4Addr>,
    /// Its host name from now on; what it calls itself, or one made of its address, unless given
    #[arg(long, value_name = "NAME", requires = "mac")]
    name: Option<String>,
    /// The segment; where it was seen unless given
    #[arg(long, value_name = "ADDRESS")]
    segment: Option<Ipv4Addr>,
}

/// What is known of who was seen, as the page's interface for programs has it.
#[derive(Debug, Default)]
struct Known {
    machines: Vec<Seen>,
    leases: Vec<Lease>,
}

#[derive(Debug, Deserialize)]
struct Seen {
    segment: Ipv4Addr,
    mac: Mac,
    address: Option<Ipv4Addr>,
    hostname: Option<String>,
    vendor: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Lease {
    segment: Ipv4Addr,
    address: Ipv4Addr,
}

#[derive(Deserialize)]
struct Machines {
    machines: Vec<Seen>,
}

#[derive(Deserialize)]
struct Leases {
    leases: Vec<Lease>,
}

/// Adopts; the result is the exit code.
pub fn adopt(asked: &Adopt, places: Places) -> Result<u8> {
    Ok(exit_code(adopted(asked, places)))
}

fn adopted(asked: &Adopt, places: Places) -> Result<u8, Stopped> {
    let tree = conf::read(&places.conf, None).conf;
    let runtime = runtime()?;
    let known = match remote::chosen() {
        None => known(&places.journal)?,
        Some(remote) => runtime.block_on(async {
            let Machines { machines } = remote.read("machines", &[]).await?;
            let Leases { leases } = remote.read("leases", &[]).await?;
            Ok::<_, Stopped>(Known { machines, leases })
        })?,
    };
    let Some(mac) = asked.mac else {
        list(&tree, asked.segment, &known);
        return Ok(ALL);
    };
    let (segment, address, hostname) = planned(&tree, asked, mac, &known)?;
    let (dir, options) = (places.conf.clone(), places.options(None));
    let place = (segment.server, address);
    let done = runtime.block_on(async {
        let Some(mut line) = Line::to_program(&options).await? else {
            let written = conf::adopt(&dir, segment, mac, address, &hostname, &[]);
            let alone = || format!("adopted as {hostname}, by its files alone: no PXElator runs here");
            return Ok(written.map(|()| alone()).map_err(|error| error.to_string()));
        };
        let done = through(&mut line, place, mac, &hostname).await;
        line.close().await;
        done
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    match done? {
        Ok(words) => {
            say!("{mac}: {words}, {address}");
            Ok(ALL)
        }
        Err(error) => {
            eprintln!("pxelator: {mac}: {error}");
            Ok(SOME)
        }
    }
}

/// Who was seen, as the journal of this host tells.
fn known(journal: &Path) -> Result<Known, Stopped> {
    if !journal.exists() {
        return Ok(Known::default());
    }
    let past = Journal::read(journal).and_then(|journal| journal.state(None));
    let past = past.map_err(|error| Stopped::Broken(error.to_string()))?;
    let mut known = Known::default();
    for (server, there) in &past.segments {
        let seen = |m: &state::Machine| Seen {
            segment: *server,
            mac: m.mac,
            address: m.address,
            hostname: m.hostname.clone(),
            vendor: m.vendor.clone(),
        };
        known.machines.extend(there.machines.values().map(seen));
        known.leases.extend(there.leases.iter().map(|lease| Lease { segment: *server, address: lease.address }));
    }
    Ok(known)
}

/// Prints those that are not in conf, a line each.
fn list(tree: &Conf, only: Option<Ipv4Addr>, known: &Known) {
    let is_meant = |seen: &&Seen| {
        let there = tree.segments.get(&seen.segment).filter(|_| only.is_none_or(|only| only == seen.segment));
        there.is_some_and(|segment| segment.machine_by_mac(seen.mac).is_none())
    };
    let strangers: Vec<&Seen> = known.machines.iter().filter(is_meant).collect();
    if strangers.is_empty() {
        say!("nobody was seen who is not in conf");
    }
    for seen in strangers {
        let word = |text: &Option<String>| text.as_deref().map_or("-".to_owned(), |text| printable(text, WIDTH));
        let address = seen.address.map_or("-".to_owned(), |address| address.to_string());
        say!("{}  {address:15}  {:20}  {}", seen.mac, word(&seen.hostname), word(&seen.vendor));
    }
}

/// Of which segment it becomes a machine, and which; or why it cannot.
fn planned<'a>(
    tree: &'a Conf,
    asked: &Adopt,
    mac: Mac,
    known: &Known,
) -> Result<(&'a Segment, Ipv4Addr, String), Wrong> {
    let list = |of: &[&Segment]| of.iter().map(|s| s.server.to_string()).collect::<Vec<_>>().join(", ");
    let all: Vec<&Segment> = tree.segments.values().map(|segment| &**segment).collect();
    let is_it = |seen: &&Seen| seen.mac == mac;
    let segment = match asked.segment {
        Some(segment) => {
            let known = if all.is_empty() { "none".to_owned() } else { list(&all) };
            all.into_iter().find(|s| s.server == segment).ok_or(Wrong::Segment { segment, known })?
        }
        None => {
            let seen: BTreeSet<Ipv4Addr> = known.machines.iter().filter(is_it).map(|seen| seen.segment).collect();
            let here: Vec<&Segment> = all.iter().copied().filter(|s| seen.contains(&s.server)).collect();
            let meant = if here.is_empty() { all } else { here };
            match meant[..] {
                [one] => one,
                [] => return Err(Wrong::Words("conf has no segment".to_owned())),
                _ => return Err(Wrong::Words(format!("say of which segment with --segment: {}", list(&meant)))),
            }
        }
    };
    let taken =
        known.leases.iter().filter(|lease| lease.segment == segment.server).map(|lease| lease.address).collect();
    let itself = known.machines.iter().filter(is_it).find(|seen| seen.segment == segment.server);
    let suggested = || conf::free_address(segment, &taken, itself.and_then(|seen| seen.address));
    let full = || Wrong::Words(format!("no address of {} is free; say which with --address", segment.server));
    let address = asked.address.or_else(suggested).ok_or_else(full)?;
    let own = itself.and_then(|seen| seen.hostname.as_deref());
    let hostname = asked.name.clone().unwrap_or_else(|| conf::free_name(segment, mac, address, own));
    conf::fits(segment, mac, address, &hostname).map_err(|error| Wrong::Words(error.to_string()))?;
    Ok((segment, address, hostname))
}

/// By the program: until it says that it is so, or why not.
async fn through(line: &mut Line, place: Place, mac: Mac, hostname: &str) -> Result<Result<String, String>, Stopped> {
    let (segment, address) = place;
    line.send(Command::Adopt { segment, mac, address, hostname: hostname.to_owned() }).await?;
    let said = line.answer(Instant::now() + PATIENCE, |event| match &event.fact {
        _ if (event.segment.zip(event.machine), event.mac) != (Some(place), Some(mac)) => None,
        Fact::ConfUnwritten { error, .. } => Some(Err(error.clone())),
        Fact::ConfAdopted { .. } => Some(Ok(event.fact.to_string())),
        _ => None,
    });
    let silent = || Err("the PXElator that was asked did not say that it is so".to_owned());
    Ok(said.await?.unwrap_or_else(silent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::Machine;
    use std::sync::Arc;

    #[test]
    fn what_it_becomes() {
        let (first, second) = (Ipv4Addr::new(10, 77, 0, 1), Ipv4Addr::new(10, 88, 0, 1));
        let mac = |last| Mac([2, 0, 0, 0, 0, last]);
        let web1 = Ipv4Addr::new(10, 77, 0, 60);
        let mut one = Segment::new(first);
        one.machines.insert(web1, Arc::new(Machine::new(web1, mac(1), "web1")));
        let both = [one.clone(), Segment::new(second)].map(|segment| (segment.server, Arc::new(segment)));
        let both = Conf { segments: both.into(), ..Conf::default() };
        let alone = Conf { segments: [(first, Arc::new(one))].into(), ..Conf::default() };
        let seen = |segment, last, name: &str| Seen {
            segment,
            mac: mac(last),
            address: None,
            hostname: Some(name.to_owned()),
            vendor: None,
        };
        let leased = Lease { segment: first, address: Ipv4Addr::new(10, 77, 0, 61) };
        let known = Known {
            machines: vec![seen(second, 2, "kiosk"), seen(first, 3, "web1"), seen(first, 4, "not a name")],
            leases: vec![leased],
        };
        let asked = |last, address: &str, name: &str, segment: &str| Adopt {
            mac: Some(mac(last)),
            address: address.parse().ok(),
            name: Some(name.to_owned()).filter(|name| !name.is_empty()),
            segment: segment.parse().ok(),
        };
        for (tree, asked, expected) in [
            (&alone, asked(9, "", "", ""), "10.77.0.1 10.77.0.62 m-10-77-0-62"),
            (&alone, asked(9, "10.77.0.80", "", ""), "10.77.0.1 10.77.0.80 m-10-77-0-80"),
            (&alone, asked(9, "10.77.0.80", "db", ""), "10.77.0.1 10.77.0.80 db"),
            (&both, asked(9, "", "", ""), "say of which segment with --segment: 10.77.0.1, 10.88.0.1"),
            (&both, asked(2, "", "", ""), "10.88.0.1 10.88.0.2 kiosk"),
            (&both, asked(2, "", "", "10.77.0.1"), "10.77.0.1 10.77.0.62 m-10-77-0-62"),
            (&both, asked(3, "", "", ""), "10.77.0.1 10.77.0.62 m-10-77-0-62"),
            (&both, asked(4, "", "", ""), "10.77.0.1 10.77.0.62 m-10-77-0-62"),
            (&both, asked(2, "", "", "10.99.0.1"), "conf has no segment 10.99.0.1; it has 10.77.0.1, 10.88.0.1"),
            (&alone, asked(1, "", "", ""), "02:00:00:00:00:01 is not a new machine: web1 has this MAC"),
            (&alone, asked(9, "10.77.0.60", "", ""), "10.77.0.60 is not free: web1 has it"),
            (&alone, asked(9, "10.99.0.60", "", ""), "10.99.0.60 is not an address of a machine in 10.77.0.0/24"),
            (&alone, asked(9, "", "web1", ""), "web1 is not free: 10.77.0.60 has it"),
            (&Conf::default(), asked(9, "", "", ""), "conf has no segment"),
        ] {
            let planned = planned(tree, &asked, asked.mac.unwrap(), &known);
            let told =
                planned.map_or_else(|wrong| wrong.to_string(), |(s, a, name)| format!("{} {a} {name}", s.server));
            assert_eq!(told, expected, "{asked:?}");
        }
    }
}
