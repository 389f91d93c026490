//! `pxelator arm` and `disarm`: through the PXElator that runs here, else by the machine's files alone.

use super::{
    Places,
    power::{ALL, Among, Line, SOME, Stopped, USAGE, Wrong, choose, exit_code, runtime},
};
use crate::{
    boot,
    command::{Command, Place},
    conf::{self, Conf},
    event::Fact,
    nearest::nearest,
};
use clap::Args;
use color_eyre::eyre::Result;
use std::{net::Ipv4Addr, path::Path, time::Duration};
use tokio::time::Instant;

/// What a program gets to take it and to have it in the tree.
const PATIENCE: Duration = Duration::from_secs(15);

/// What stands below the help.
pub const CODES: &str = "Machines are named by host name, address or hardware address; * stands for any text: 'web*'.\n\
    Where a PXElator runs here (its socket is in --run-dir) it is asked; else the file boot-once is written.\n\n\
    Exit codes: 0 all are; 1 some are not; 2 wrong usage, no such machine or no such profile; 3 who is to do it cannot be asked";

/// Arms machines.
#[derive(Debug, Args)]
pub struct Arm {
    /// Host names, addresses, or 'web*'
    #[arg(value_name = "MACHINE", required = true, num_args = 1..)]
    machines: Vec<String>,
    /// What they boot until there is evidence that it is done
    #[arg(value_name = "PROFILE", required = true)]
    profile: String,
    /// What they boot afterwards
    #[arg(long, value_name = "PROFILE", default_value = boot::LOCAL)]
    then: String,
    /// Only those of this segment
    #[arg(long, value_name = "ADDRESS")]
    segment: Option<Ipv4Addr>,
}

/// Disarms machines.
#[derive(Debug, Args)]
pub struct Disarm {
    /// Host names, addresses, or 'web*'
    #[arg(value_name = "MACHINE", required = true)]
    machines: Vec<String>,
    /// Only those of this segment
    #[arg(long, value_name = "ADDRESS")]
    segment: Option<Ipv4Addr>,
}

/// Arms; the result is the exit code.
pub fn arm(asked: &Arm, places: Places) -> Result<u8> {
    let tree = conf::read(&places.conf, None).conf;
    let wish = (Some(asked.profile.clone()), Some(asked.then.clone()));
    for name in [&asked.profile, &asked.then] {
        if boot::find(&tree, name).is_none() {
            let near = nearest(name, tree.profiles.keys().map(String::as_str));
            let near = near.map(|near| format!("; {near} is")).unwrap_or_default();
            eprintln!("pxelator: no profile of conf/boot is called {name}{near}");
            return Ok(USAGE);
        }
    }
    Ok(exit_code(all(&tree, &asked.machines, asked.segment, &wish, places)))
}

/// Disarms; the result is the exit code.
pub fn disarm(asked: &Disarm, places: Places) -> Result<u8> {
    let tree = conf::read(&places.conf, None).conf;
    Ok(exit_code(all(&tree, &asked.machines, asked.segment, &(None, None), places)))
}

/// With what, and what then; none to disarm.
type Wish = (Option<String>, Option<String>);

fn all(tree: &Conf, words: &[String], segment: Option<Ipv4Addr>, wish: &Wish, places: Places) -> Result<u8, Stopped> {
    let mut machines = choose(tree, words, Among::All, segment)?;
    // A wildcard means those that are armed.
    let is_armed = |place: Place| is_armed(tree, place);
    if wish.0.is_none() && words.iter().all(|word| word.contains('*')) {
        machines.retain(|machine| is_armed(machine.place));
        if machines.is_empty() {
            return Err(Wrong::Words(format!("no machine that {} finds is armed", words.join(" "))).into());
        }
    }
    let dir = places.conf.clone();
    let options = places.options(None);
    let runtime = runtime()?;
    let mut code = ALL;
    let done = runtime.block_on(async {
        let mut line = Line::to_program(&options).await?;
        for machine in &machines {
            let done = match &mut line {
                Some(line) => through(line, machine.place, wish).await?,
                None => alone(&dir, tree, machine.place, wish),
            };
            match done {
                Ok(words) => say!("{}: {words}", machine.hostname),
                Err(error) => {
                    eprintln!("pxelator: {}: {error}", machine.hostname);
                    code = SOME;
                }
            }
        }
        if let Some(line) = line {
            line.close().await;
        }
        Ok(code)
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    done
}

fn is_armed(tree: &Conf, place: Place) -> bool {
    tree.machine(place).is_some_and(|(_, machine)| machine.boot_once.is_some())
}

/// By the program: until it says that it is so, or why not.
async fn through(line: &mut Line, machine: Place, (profile, then): &Wish) -> Result<Result<String, String>, Stopped> {
    let command = Command::Arm { machine, profile: profile.clone(), then: then.clone() };
    line.send(command).await?;
    let said = line.answer(Instant::now() + PATIENCE, |event| match &event.fact {
        _ if event.machine != Some(machine.1) => None,
        Fact::ConfUnwritten { error, .. } => Some(Err(error.clone())),
        Fact::BootArmed { .. } if profile.is_some() => Some(Ok(event.fact.to_string())),
        Fact::BootDisarmed { .. } if profile.is_none() => Some(Ok(event.fact.to_string())),
        _ => None,
    });
    let silent = || Err("the PXElator that runs here did not say that it is so".to_owned());
    Ok(said.await?.unwrap_or_else(silent))
}

/// By the file alone: a program that starts tells that it is armed.
fn alone(dir: &Path, tree: &Conf, machine: Place, (profile, then): &Wish) -> Result<String, String> {
    let written = match profile {
        Some(profile) => conf::arm(dir, machine, profile, then.as_deref()),
        None if !is_armed(tree, machine) => return Err("it is not armed".to_owned()),
        None => conf::disarm(dir, machine, None, None),
    };
    let file = format!("{}/{}/{}/boot-once", dir.display(), machine.0, machine.1);
    written.map_err(|error| format!("{file} cannot be written: {error}"))?;
    Ok(match (profile, then) {
        (Some(profile), Some(then)) => {
            format!("armed by its file alone, no PXElator runs here: boots {profile} once, then {then}")
        }
        _ => "no longer armed; no PXElator runs here".to_owned(),
    })
}
