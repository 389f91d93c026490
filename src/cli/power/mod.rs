//! `pxelator power`: switches machines and tells what came of it, through the PXElator that runs here or alone.

pub mod ask;
mod change;
pub mod choose;
mod doctor;
mod follow;
mod line;
mod status;

pub use self::{
    choose::{Among, Wrong, choose},
    line::{Line, Told},
    status::runtime,
};
use super::Places;
use crate::event::Action;
use choose::Wanted;
use clap::{Args, Subcommand, ValueEnum};
use color_eyre::eyre::Result;
use jiff::SignedDuration;
use std::{net::Ipv4Addr, time::Duration};

/// All did.
pub const ALL: u8 = 0;
/// Some did not.
pub const SOME: u8 = 1;
/// The words make no sense, or no machine is called so.
pub const USAGE: u8 = 2;
/// There is no program to ask, and alone it cannot be done.
pub const NOBODY: u8 = 3;

/// What stands below the help.
pub const CODES: &str = "Machines are named by host name, address or hardware address; * stands for any text: 'web*'.\n\
    Where a PXElator runs here (its socket is in --run-dir) it is asked; else the command does it alone, and journals it.\n\n\
    Exit codes: 0 all did; 1 some did not; 2 wrong usage or no such machine; 3 no PXElator runs here, and alone it cannot \
    be done";

/// What is to be done.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Switch on
    On(Change),
    /// Switch off: the system is asked to shut down where it can be, and after a minute the power is taken
    Off(Change),
    /// Reset at once
    Reset(Change),
    /// Off at once, and on again
    Cycle(Change),
    /// Boot once from the network: on, or a reset where it is on
    Pxe(Change),
    /// Boot once into the set-up of its firmware
    Setup(Change),
    /// Look whether machines are on
    Status {
        #[command(flatten)]
        which: Which,
        /// Each machine as a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Go through what switches machines, step by step, to the first that is wrong
    Doctor {
        #[command(flatten)]
        which: Which,
        /// Each step as a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Take the certificate that what switches a machine shows into conf
    Trust {
        /// The machine
        machine: String,
        /// The segment, where several have a machine of this name
        #[arg(long, value_name = "ADDRESS")]
        segment: Option<Ipv4Addr>,
        /// Whose certificate, where it has more than one: amt or redfish
        #[arg(value_name = "WAY")]
        method: Option<String>,
        /// Its SHA-256, known from elsewhere: it is not looked at, nor asked
        #[arg(long, value_name = "HEX")]
        fingerprint: Option<String>,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// The alarms that are set in machines' own clocks
    Alarms {
        #[command(flatten)]
        which: Which,
        /// Each alarm as a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Pass over the next scheduled change of machines
    Skip {
        #[command(flatten)]
        which: Which,
        /// Do not pass it over after all
        #[arg(long)]
        undo: bool,
    },
}

/// Which machines.
#[derive(Clone, Debug, Args)]
pub struct Which {
    /// Host names, addresses, or 'web*'
    #[arg(value_name = "MACHINE", required_unless_present = "all")]
    machines: Vec<String>,
    /// All machines that have a `power` file
    #[arg(long, conflicts_with = "machines")]
    all: bool,
    /// Only those of this segment
    #[arg(long, value_name = "ADDRESS")]
    segment: Option<Ipv4Addr>,
}

/// How a change is done.
#[derive(Clone, Debug, Args)]
pub struct Change {
    #[command(flatten)]
    which: Which,
    /// What is waited for
    #[arg(long, value_enum, value_name = "WHAT", default_value = "seen", conflicts_with = "no_wait")]
    wait: Wait,
    /// Wait for nothing
    #[arg(long)]
    no_wait: bool,
    /// One machine so long after the other: 2s
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = time)]
    stagger: Duration,
    /// Wait at most so long for all: 10m
    #[arg(long, value_name = "TIME", value_parser = time)]
    timeout: Option<Duration>,
    /// Do not ask, though it is more than one machine
    #[arg(long, short)]
    yes: bool,
    /// Each event as a JSON object, and the summary
    #[arg(long)]
    json: bool,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Wait {
    /// That the machine is seen to follow
    Seen,
    /// That its system runs
    Up,
}

fn time(text: &str) -> Result<Duration, String> {
    let expected = || "expected a time as 2s, 500ms or 10m".to_owned();
    let time: SignedDuration = text.parse().map_err(|_| expected())?;
    Duration::try_from(time).map_err(|_| expected())
}

/// Does it; the result is the exit code.
pub fn power(what: What, places: Places) -> Result<u8> {
    let done = match what {
        What::On(change) => change::change(Action::On, &change, places),
        What::Off(change) => change::change(Action::Off, &change, places),
        What::Reset(change) => change::change(Action::Reset, &change, places),
        What::Cycle(change) => change::change(Action::Cycle, &change, places),
        What::Pxe(change) => change::change(Action::Pxe, &change, places),
        What::Setup(change) => change::change(Action::Setup, &change, places),
        What::Status { which, json } => status::status(&which, json, places),
        What::Doctor { which, json } => doctor::doctor(&which, json, places),
        What::Trust { machine, segment, method, fingerprint, yes } => {
            let which = Which { machines: vec![machine], all: false, segment };
            doctor::trust(&which, method, fingerprint, yes, places)
        }
        What::Alarms { which, json } => status::alarms(&which, json, places),
        What::Skip { which, undo } => status::skip(&which, undo, places),
    };
    Ok(exit_code(done))
}

/// Says what went wrong, if anything; the exit code.
pub fn exit_code(done: Result<u8, Stopped>) -> u8 {
    done.unwrap_or_else(|error| {
        let code = match &error {
            Stopped::Wrong(_) => USAGE,
            Stopped::Nobody(_) => NOBODY,
            Stopped::Broken(_) => SOME,
        };
        eprintln!("pxelator: {error}");
        code
    })
}

/// Why nothing, or not all, was done.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// The words make no sense.
    #[error(transparent)]
    Wrong(#[from] Wrong),
    /// There is nobody who could do it.
    #[error("{0}")]
    Nobody(String),
    /// It broke off.
    #[error("{0}")]
    Broken(String),
}

/// The machines, found in the tree.
fn machines(which: &Which, places: &Places) -> Result<Vec<Wanted>, Stopped> {
    let conf = crate::conf::read(&places.conf, None).conf;
    Ok(choose(&conf, &which.machines, Among::Switched, which.segment)?)
}
