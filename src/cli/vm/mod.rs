//! `pxelator vm`: virtual machines with disks, and the snapshots that these are made of. The work is done here; where a
//! PXElator runs, it is told.

mod act;
mod list;

use super::{
    Places,
    power::choose::{Among, Wrong, choose},
    serial,
};
use crate::{
    conf::{self, Conf, Machine, Segment},
    event::Architecture,
    net::Mac,
    vm::{Store, Traces, VmError, disk_of},
};
use clap::{Args, Subcommand, ValueEnum};
use color_eyre::eyre::Result;
use std::{net::Ipv4Addr, path::PathBuf, sync::Arc};

/// It was done.
const DONE: u8 = 0;
/// It could not be.
const FAILED: u8 = 1;
/// The words make no sense, or nothing is called so.
const USAGE: u8 = 2;

/// What stands below the help.
pub const CODES: &str = "Disks are files of --vm-dir, snapshots of its folder snapshots/. A machine's `power` names its disk: qemu disk=NAME.\n\n\
    Exit codes: 0 done; 1 it could not be done; 2 wrong usage, or nothing is called so";

/// What is to be done.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Make a machine: a disk that hangs on a snapshot, and a folder in conf with a new address, MAC and name
    New(New),
    /// Keep a machine's disk as it is now, also while it runs
    Snapshot {
        /// The machine
        machine: String,
        /// What the snapshot is called; else by the machine and the moment
        name: Option<String>,
        /// The segment, where several have a machine of this name
        #[arg(long, value_name = "ADDRESS")]
        segment: Option<Ipv4Addr>,
        /// Print what was taken as a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Machines and snapshots, what hangs on what, and how large they are
    List {
        /// Each as a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Remove a machine with its disk, or a snapshot on which nothing hangs
    Rm {
        /// The machine, snapshot or disk
        name: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// A machine's serial console in this terminal
    Console {
        /// The machine
        machine: String,
        /// The segment, where several have a machine of this name
        #[arg(long, value_name = "ADDRESS")]
        segment: Option<Ipv4Addr>,
    },
}

/// The machine that is wanted.
#[derive(Clone, Debug, Args)]
pub struct New {
    /// Its name, and that of its disk
    name: String,
    /// The snapshot that its disk hangs on
    #[arg(long, value_name = "SNAPSHOT", required_unless_present = "image", conflicts_with = "image")]
    from: Option<String>,
    /// A disk image that is copied: qcow2, vmdk, vdi …, or plain bytes in a file .img or .raw
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
    /// Its segment; else the snapshot's, or the only one
    #[arg(long, value_name = "ADDRESS")]
    segment: Option<Ipv4Addr>,
    /// Its address; else the next that is free
    #[arg(long)]
    address: Option<Ipv4Addr>,
    /// Its hardware address; else a new one
    #[arg(long)]
    mac: Option<Mac>,
    /// MiB of memory; else as the machine of the snapshot, or 256
    #[arg(long, value_name = "MIB")]
    memory: Option<u32>,
    /// Processors; else as the machine of the snapshot, or 1
    #[arg(long, value_name = "COUNT")]
    cpus: Option<u32>,
    /// Its firmware; else as the machine of the snapshot, or bios
    #[arg(long, value_enum)]
    firmware: Option<Firmware>,
    /// The profile that it boots
    #[arg(long, value_name = "PROFILE", default_value = "local")]
    boot: String,
    /// Print what was made as a JSON object
    #[arg(long)]
    json: bool,
}

/// The firmware of virtual machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Firmware {
    Bios,
    Uefi,
    UefiHttp,
    UefiSecure,
}

impl From<Firmware> for Architecture {
    fn from(firmware: Firmware) -> Architecture {
        match firmware {
            Firmware::Bios => Architecture::Bios,
            Firmware::Uefi | Firmware::UefiSecure => Architecture::UefiX64,
            Firmware::UefiHttp => Architecture::UefiHttpX64,
        }
    }
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    /// The words make no sense.
    #[error(transparent)]
    Wrong(#[from] Wrong),
    /// It could not be done.
    #[error("{0}; {step}", step = .0.next_step())]
    Vm(#[from] VmError),
    /// Something else.
    #[error("{0}")]
    Broken(String),
}

/// Does it; the result is the exit code.
pub fn vm(what: What, places: &Places) -> Result<u8> {
    let done = match what {
        What::New(new) => act::new(&new, places),
        What::Snapshot { machine, name, segment, json } => {
            act::snapshot(&machine, name.as_deref(), segment, json, places)
        }
        What::List { json } => list::list(json, places),
        What::Rm { name, yes } => act::rm(&name, yes, places),
        What::Console { machine, segment } => match console(&machine, segment, places) {
            Ok(socket) => return serial::serial(&socket),
            Err(stopped) => Err(stopped),
        },
    };
    done.or_else(|stopped| {
        eprintln!("pxelator: {stopped}");
        Ok(match stopped {
            Stopped::Wrong(_) | Stopped::Vm(VmError::Unfit { .. } | VmError::NoSnapshot { .. }) => USAGE,
            Stopped::Vm(_) | Stopped::Broken(_) => FAILED,
        })
    })
}

fn console(name: &str, segment: Option<Ipv4Addr>, places: &Places) -> Result<PathBuf, Stopped> {
    let (_, machine) = machine(&places.tree()?, name, segment)?;
    let is_virtual = machine.power.iter().any(|rung| matches!(rung, conf::Rung::Qemu(_)));
    if !is_virtual {
        return Err(Wrong::Words(format!("{name} is no virtual machine: its `power` has no line qemu")).into());
    }
    Ok(Traces::of(&places.run_dir, machine.address).serial)
}

/// A machine of conf, with its segment.
fn machine(conf: &Conf, name: &str, segment: Option<Ipv4Addr>) -> Result<(Arc<Segment>, Arc<Machine>), Stopped> {
    let found = choose(conf, &[name.to_owned()], Among::All, segment)?;
    let one = || {
        let [wanted] = found.as_slice() else { return None };
        conf.machine(wanted.place).map(|(segment, machine)| (segment.clone(), machine.clone()))
    };
    one().ok_or_else(|| Wrong::Words(format!("{name} is more than one machine; name one")).into())
}

impl Places {
    /// The folder of disks.
    fn store(&self) -> Store {
        Store::new(&self.vm_dir)
    }

    /// The conf tree as it is now.
    fn tree(&self) -> Result<Conf, Stopped> {
        if !self.conf.is_dir() {
            let error = format!("{} is not a folder; make it, or name another tree with --conf", self.conf.display());
            return Err(Stopped::Broken(error));
        }
        Ok(conf::read(&self.conf, None).conf)
    }
}

/// The disk of a machine in words.
fn disk_in(machine: &Machine) -> Option<String> {
    machine.power.iter().find_map(disk_of).map(ToString::to_string)
}
