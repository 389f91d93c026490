//! `pxelator track`: the record of machines' files: looking at them now, how it stands, their ssh keys, mending.

mod follow;
mod pull;
mod status;
mod trust;

use super::{
    Places,
    power::{
        Among, Stopped, Wrong,
        choose::{Wanted, choose},
        exit_code,
    },
    tell::tell,
};
use crate::{
    command::Place,
    conf::Conf,
    desk::{CommandLine, Operator},
    event::{Event, Fact},
    reach::{self, Subject},
    supervisor::Options,
    track::Repository,
};
use clap::{Args, Subcommand};
use color_eyre::eyre::Result;
use std::{ffi::OsString, net::Ipv4Addr};

/// It was done.
const DONE: u8 = 0;
/// Some of it was not.
const SOME: u8 = 1;

/// What stands below the help.
pub const CODES: &str = "What of a machine is kept, its file `track` says: a path a line, !PATH leaves out, `secret PATH` keeps encrypted for \
    conf/age.recipients. What is kept is in --hosts, a git repository with a folder a machine and a commit a change.\n\
    Machines are named by host name or address; * stands for any text: 'web*'. A container is named db@web1.\n\
    Where a PXElator runs here (its socket is in --run-dir) it is asked; else the command does it alone, and journals it.\n\n\
    Exit codes: 0 done; 1 some of it could not be done; 2 wrong usage, or nothing is called so; 3 no PXElator runs here, and alone \
    it cannot be done";

/// What is to be done.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Look at machines' files now, and keep what is other
    Pull {
        #[command(flatten)]
        which: Which,
        /// Each event as a JSON object, and the summary
        #[arg(long)]
        json: bool,
    },
    /// When machines were last looked at, and what came of it
    Status {
        /// Host names, addresses, or 'web*'; all that are tracked unless given
        #[arg(value_name = "MACHINE")]
        machines: Vec<String>,
        /// Each machine as a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Take the ssh host keys that machines show into conf (`ssh.pin`)
    Trust {
        /// Host names, addresses, or 'web*'
        #[arg(value_name = "MACHINE", required = true)]
        machines: Vec<String>,
        /// Only those of this segment
        #[arg(long, value_name = "ADDRESS")]
        segment: Option<Ipv4Addr>,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Go through the repository; where it is broken, keep it aside and begin a new one
    Repair,
}

/// Which machines.
#[derive(Clone, Debug, Args)]
pub struct Which {
    /// Host names, addresses, 'web*', or a container: db@web1
    #[arg(value_name = "MACHINE", required_unless_present = "all")]
    machines: Vec<String>,
    /// All that are tracked
    #[arg(long, conflicts_with = "machines")]
    all: bool,
    /// Only those of this segment
    #[arg(long, value_name = "ADDRESS")]
    segment: Option<Ipv4Addr>,
}

/// Does it; the result is the exit code.
pub fn track(what: What, places: Places) -> Result<u8> {
    let done = match what {
        What::Pull { which, json } => pull::pull(&which, json, places),
        What::Status { machines, json } => status::status(&machines, json, places),
        What::Trust { machines, segment, yes } => trust::trust(&machines, segment, yes, &places),
        What::Repair => repair(&places),
    };
    Ok(exit_code(done))
}

/// Goes through the repository.
fn repair(places: &Places) -> Result<u8, Stopped> {
    let repository = Repository::new(&places.hosts, &places.run_dir);
    let mended = repository.repair().map_err(|error| Stopped::Broken(format!("{error}; {}", error.next_step())))?;
    let Some((kept, error)) = mended else {
        say!("{} is whole", repository.dir().display());
        return Ok(DONE);
    };
    say!("{} was broken: {error}", repository.dir().display());
    say!("it is kept as {}, and a new one goes on", kept.display());
    tell(places, Event::new(None, Fact::TrackRepaired { kept: kept.display().to_string(), error }));
    Ok(DONE)
}

/// What words mean: machines, each with the container that is meant, where only one is.
fn chosen(conf: &Conf, words: &[String], segment: Option<Ipv4Addr>) -> Result<Vec<(Wanted, Option<String>)>, Wrong> {
    let mut found: Vec<(Wanted, Option<String>)> = Vec::new();
    for word in words {
        let (container, name) = word.split_once('@').map_or((None, word.as_str()), |(c, name)| (Some(c), name));
        for machine in choose(conf, &[name.to_owned()], Among::All, segment)? {
            let there = conf.machine(machine.place).map(|(_, machine)| &machine.containers);
            if let Some(container) = container.filter(|name| there.is_none_or(|there| !there.contains_key(*name))) {
                return Err(Wrong::Words(format!("conf has no container {container} of {}", machine.hostname)));
            }
            let one = (machine, container.map(str::to_owned));
            if !found.contains(&one) {
                found.push(one);
            }
        }
    }
    Ok(found)
}

/// What is tracked of a machine, or this container of it.
fn subjects(conf: &Conf, options: &Options, place: Place) -> Vec<Subject> {
    reach::subjects(conf, options.folders(), &through(), place)
}

/// What is tracked at all.
fn all(conf: &Conf, options: &Options, segment: Option<Ipv4Addr>) -> Vec<Subject> {
    let through = through();
    let all = reach::all_subjects(conf, options.folders(), &through);
    all.filter(|subject| segment.is_none_or(|only| only == subject.place.0)).collect()
}

/// Words before ssh, so that it runs as who sits there.
fn through() -> Vec<OsString> {
    Operator::here().as_operator(CommandLine::default()).words
}
