//! `pxelator root`: the bases of root file systems over NFS, and what machines changed of them. The work is done here, on the
//! files; a server that has them open sees it.

mod act;
mod list;
mod new;

use super::{
    Places,
    power::choose::{Among, Wrong, choose},
    tell::tell,
};
use crate::{
    command::Place,
    conf,
    event::{Event, Fact},
    roots::{Own, Trouble},
};
use clap::{Args, Subcommand};
use color_eyre::eyre::Result;
use std::net::Ipv4Addr;

/// It was done.
const DONE: u8 = 0;
/// It could not be.
const FAILED: u8 = 1;
/// The words make no sense, or nothing is called so.
const USAGE: u8 = 2;

/// What stands below the help.
pub const CODES: &str = "A base is a folder of --roots, and never written by machines. What a machine changes is in --overlay, a folder \
    named by its address: upper/ has changed files as plain files, and what was removed as overlayfs marks it.\n\
    A machine boots a base by a profile with the base's name in its file `root`; conf/boot/nfsroot is one.\n\n\
    Exit codes: 0 done; 1 it could not be done; 2 wrong usage, or nothing is called so";

/// What is to be done.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Make a base of packages, by mmdebstrap or debootstrap: a Debian with systemd and a kernel that boots over NFS
    New(New),
    /// Bases, and the machines that have changed something of theirs
    List {
        /// Each as a JSON object
        #[arg(long)]
        json: bool,
    },
    /// What a machine has otherwise than its base: added (+), changed (~), removed (-)
    Diff {
        #[command(flatten)]
        which: Which,
        /// Each file as a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Keep what a machine has changed so far, also while it runs
    Snapshot {
        #[command(flatten)]
        which: Which,
        /// What the snapshot is called; else by the moment
        name: Option<String>,
    },
    /// Take away all that a machine has changed: it boots its base anew
    Reset {
        #[command(flatten)]
        which: Which,
        /// Put what this snapshot has in its place
        #[arg(long, value_name = "SNAPSHOT")]
        to: Option<String>,
        /// Though the machine has it mounted
        #[arg(long)]
        force: bool,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Make what a machine sees, its changes over its base, to a new base
    Promote {
        #[command(flatten)]
        which: Which,
        /// The new base's name
        base: String,
        /// Though the machine has it mounted: what it writes meanwhile is in it or not
        #[arg(long)]
        force: bool,
    },
}

/// A base that is wanted.
#[derive(Clone, Debug, Args)]
pub struct New {
    /// Its name
    base: String,
    /// The release: bookworm, trixie; this host's unless given, where it is a Debian
    #[arg(long, value_name = "NAME")]
    suite: Option<String>,
    /// Packages beside those that it needs to boot: vim,openssh-server
    #[arg(long, value_name = "PACKAGES", value_delimiter = ',')]
    include: Vec<String>,
    /// An archive, as a URL or a line of a sources.list, also several; those of this host's apt unless given
    #[arg(long, value_name = "URL")]
    mirror: Vec<String>,
}

/// Which machine.
#[derive(Clone, Debug, Args)]
pub struct Which {
    /// Host name or address
    machine: String,
    /// The segment, where several have a machine of this name
    #[arg(long, value_name = "ADDRESS")]
    segment: Option<Ipv4Addr>,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    /// The words make no sense.
    #[error(transparent)]
    Wrong(#[from] Wrong),
    /// It could not be done.
    #[error(transparent)]
    Trouble(#[from] Trouble),
    /// Something else.
    #[error("{0}")]
    Broken(String),
}

/// Does it; the result is the exit code.
pub fn root(what: What, places: &Places) -> Result<u8> {
    let done = match what {
        What::New(wanted) => new::new(&wanted, places),
        What::List { json } => list::list(json, places),
        What::Diff { which, json } => list::diff(&which, json, places),
        What::Snapshot { which, name } => act::snapshot(&which, name, places),
        What::Reset { which, to, force, yes } => act::reset(&which, to.as_deref(), force, yes, places),
        What::Promote { which, base, force } => act::promote(&which, &base, force, places),
    };
    Ok(done.map_or_else(
        |stopped| {
            eprintln!("pxelator: {stopped}");
            match stopped {
                Stopped::Wrong(_)
                | Stopped::Trouble(Trouble::Name { .. } | Trouble::NoBase { .. } | Trouble::NoSnapshot { .. }) => USAGE,
                Stopped::Trouble(_) | Stopped::Broken(_) => FAILED,
            }
        },
        |()| DONE,
    ))
}

/// The folder of the one machine that is meant. A machine that conf no longer has is still found by its address.
fn own(which: &Which, places: &Places) -> Result<(Own, Option<Place>), Stopped> {
    let conf = conf::read(&places.conf, None).conf;
    match choose(&conf, std::slice::from_ref(&which.machine), Among::All, which.segment) {
        Ok(found) => match &found[..] {
            [machine] => Ok((Own::new(&places.overlay, machine.place.1, &machine.hostname), Some(machine.place))),
            _ => {
                let many = format!("{} are {} machines: one at a time", which.machine, found.len());
                Err(Wrong::Words(many).into())
            }
        },
        Err(wrong) => match which.machine.parse() {
            Ok(address) if places.overlay.join(&which.machine).is_dir() => {
                Ok((Own::new(&places.overlay, address, &which.machine), None))
            }
            _ => Err(wrong.into()),
        },
    }
}

/// Has it told what was done with the root of a machine, or with a base.
fn told(places: &Places, machine: Option<Place>, fact: Fact) {
    let event = Event::new(machine.map(|(segment, _)| segment), fact);
    tell(places, event.about(machine.map(|(_, address)| address), None));
}

/// Bytes as they are read best: 1.2 MB.
fn bytes(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}
