//! The command line: reads the words, starts what they ask for.

/// As `println!`, for a reader that may have seen enough (`head`): that is no reason to panic, nor to end early.
macro_rules! say {
    ($($words:tt)*) => {{
        use std::io::Write;
        if let Err(error) = writeln!(std::io::stdout(), $($words)*)
            && error.kind() != std::io::ErrorKind::BrokenPipe
        {
            eprintln!("pxelator: standard output: {error}");
        }
    }};
}

mod adopt;
mod alerts;
mod arm;
mod audit;
mod bar;
mod changes;
mod check;
mod checks;
mod doc;
mod fetch;
mod fleet;
mod graph;
mod headless;
mod line;
mod log;
mod packets;
mod power;
mod power_on;
mod practice;
mod profile;
mod recipe;
mod remote;
mod restore;
mod root;
mod same;
mod serial;
mod serve;
mod table;
mod tell;
mod track;
mod user;
mod vm;

use crate::supervisor::Options;
use clap::{Args, CommandFactory, Parser, Subcommand};
use color_eyre::eyre::Result;
use std::path::PathBuf;

/// A network-boot console: DHCP with PXE, TFTP, HTTP, DNS and syslog of a segment in one terminal.
#[derive(Debug, Parser)]
#[command(name = "pxelator", version, about, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    places: Places,
    #[command(subcommand)]
    verb: Verb,
}

/// Where things are.
#[derive(Clone, Debug, Args)]
pub struct Places {
    /// The conf tree
    #[arg(long, global = true, value_name = "DIR", default_value = "conf")]
    conf: PathBuf,
    /// The folder that TFTP and HTTP serve
    #[arg(long, global = true, value_name = "DIR", default_value = "tftpboot")]
    tftpboot: PathBuf,
    /// The journal of all events
    #[arg(long, global = true, value_name = "FILE", default_value = "journal.sqlite")]
    journal: PathBuf,
    /// Where running virtual machines are kept track of
    #[arg(long, global = true, value_name = "DIR", default_value = "run")]
    run_dir: PathBuf,
    /// Where terminals are logged and boots are recorded, a folder a machine
    #[arg(long, global = true, value_name = "DIR", default_value = "log")]
    log_dir: PathBuf,
    /// The bases of root file systems over NFS, a folder each
    #[arg(long, global = true, value_name = "DIR", default_value = "roots")]
    roots: PathBuf,
    /// What machines change of them, a folder a machine
    #[arg(long, global = true, value_name = "DIR", default_value = "overlay")]
    overlay: PathBuf,
    /// The disks and snapshots of virtual machines
    #[arg(long, global = true, value_name = "DIR", default_value = "vm")]
    vm_dir: PathBuf,
    /// The repository of machines' files, a folder a machine
    #[arg(long, global = true, value_name = "DIR", default_value = "hosts")]
    hosts: PathBuf,
    /// What was measured, as RRDtool files, a folder a machine
    #[arg(long, global = true, value_name = "DIR", default_value = "rrd")]
    rrd: PathBuf,
    #[command(flatten)]
    server: remote::Server,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Serve the segments of conf that are this host's
    Run {
        /// Only those of this network interface
        #[arg(long, value_name = "NAME")]
        interface: Option<String>,
        #[command(flatten)]
        screen: serve::Screen,
        #[command(flatten)]
        power_on: power_on::PowerOn,
    },
    /// Serve all segments of conf in a network namespace of its own, with bridges for virtual machines
    Practice {
        #[command(flatten)]
        screen: serve::Screen,
        #[command(flatten)]
        power_on: power_on::PowerOn,
    },
    /// Read conf and tell every mistake, with path and value; exit code 1 if there is any
    Check,
    /// Bring in the files that profiles name (`files`): go on with what broke off, check digests
    Fetch(fetch::Fetch),
    /// Read the journal of all events
    Log(log::Log),
    /// The packets of a machine's recorded boots, with what happened beside them
    Packets(packets::PacketsOf),
    /// Switch machines, and tell what came of it
    #[command(after_help = power::CODES)]
    Power {
        #[command(subcommand)]
        what: power::What,
    },
    /// Root file systems over NFS: bases, and what machines changed of them
    #[command(after_help = root::CODES)]
    Root {
        #[command(subcommand)]
        what: root::What,
    },
    /// Virtual machines with disks, and the snapshots that these are made of
    #[command(after_help = vm::CODES)]
    Vm {
        #[command(subcommand)]
        what: vm::What,
    },
    /// Arm machines: each boots a profile until there is evidence that it is done, mostly an installer
    #[command(after_help = arm::CODES)]
    Arm(arm::Arm),
    /// Disarm machines
    #[command(after_help = arm::CODES)]
    Disarm(arm::Disarm),
    /// Take a machine that was only seen into conf: it is given an address and a name
    #[command(after_help = adopt::CODES)]
    Adopt(adopt::Adopt),
    /// What machines would boot
    Profile {
        #[command(subcommand)]
        what: profile::What,
    },
    /// The record of machines' files: pull, status, ssh keys, mending
    #[command(after_help = track::CODES)]
    Track {
        #[command(subcommand)]
        what: track::What,
    },
    /// What changed on machines, and what happened around it
    Changes(changes::Changes),
    /// Put a file of a machine back to what it was
    Restore(restore::Restore),
    /// Recipes of conf/recipes: apply them, see which machines have them, write one from what was changed on a machine
    #[command(after_help = recipe::CODES)]
    Recipe {
        #[command(subcommand)]
        what: recipe::What,
    },
    /// Apply all recipes that one machine has to another
    Same(same::Same),
    /// Write a machine's recovery document: what it is and how another is made like it
    #[command(after_help = doc::CODES)]
    Doc(doc::Doc),
    /// What is checked of machines and services, and how it stands
    #[command(after_help = checks::CODES)]
    Checks(checks::Checks),
    /// Alerts: what fires, acknowledge, silence, try a receiver
    #[command(after_help = alerts::CODES)]
    Alerts(alerts::Alerts),
    /// Draw what was measured of a machine, as PNG or SVG
    #[command(after_help = graph::CODES)]
    Graph(graph::Graph),
    /// Who may act by the page: passwords and tokens
    User {
        #[command(subcommand)]
        what: user::What,
    },
    /// Look after the replica of the journal in CouchDB
    Audit(audit::Audit),
    /// A machine's serial console in this terminal
    Serial {
        /// The console's socket: run/10.77.0.60.serial
        socket: PathBuf,
    },
    /// Print the console's keys as a keys.toml that could be edited
    Keys,
    /// Print a script that completes words in a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Does what the command line says; the result is the exit code.
pub fn run() -> Result<u8> {
    let mut cli = Cli::parse();
    let _brought = match remote::begin(&mut cli.places, &cli.verb) {
        Ok(brought) => brought,
        Err(error) => return remote::not_begun(error, &cli.verb),
    };
    match cli.verb {
        Verb::Check => return Ok(u8::from(!check::check(&cli.places.conf, &cli.places.tftpboot)?)),
        Verb::Fetch(asked) => return fetch::fetch(&asked, &cli.places.conf, &cli.places.tftpboot),
        Verb::Audit(audit) => return audit::audit(&audit, &cli.places.journal, &cli.places.conf),
        Verb::Serial { socket } => return serial::serial(&socket),
        Verb::Packets(asked) => return packets::packets(&asked, &cli.places.log_dir, &cli.places.conf),
        Verb::Log(log) if remote::chosen().is_some() => return remote::log(&log),
        Verb::Log(log) => return log::log(&log, &cli.places.journal, &cli.places.conf),
        Verb::Root { what } => return root::root(what, &cli.places),
        Verb::Profile { what } => return profile::profile(&what, &cli.places),
        Verb::Power { what } => return power::power(what, cli.places),
        Verb::Vm { what } => return vm::vm(what, &cli.places),
        Verb::Adopt(asked) => return adopt::adopt(&asked, cli.places),
        Verb::Arm(asked) => return arm::arm(&asked, cli.places),
        Verb::Track { what } => return track::track(what, cli.places),
        Verb::Changes(asked) => return changes::changes(&asked, &cli.places),
        Verb::Restore(asked) => return restore::restore(&asked, cli.places),
        Verb::Recipe { what } => return recipe::recipe(what, cli.places),
        Verb::Same(asked) => return same::same(&asked, cli.places),
        Verb::Doc(asked) => return doc::doc(&asked, &cli.places),
        Verb::Checks(asked) => return checks::checks(&asked, cli.places),
        Verb::Alerts(asked) => return alerts::alerts(&asked, cli.places),
        Verb::Graph(asked) => return graph::graph(&asked, &cli.places),
        Verb::User { what } => return user::user(&what, &cli.places),
        Verb::Disarm(asked) => return arm::disarm(&asked, cli.places),
        Verb::Run { interface, screen, power_on } => {
            serve::serve(cli.places.options(interface), screen, power_on, None)?;
        }
        Verb::Practice { screen, power_on } => practice::practice(cli.places, screen, power_on)?,
        Verb::Keys => {
            let (text, faults) = crate::console::keys_template(&crate::desk::Operator::here())
                .map_err(|error| color_eyre::eyre::eyre!(error))?;
            say!("{}", text.trim_end());
            faults.iter().for_each(|fault| eprintln!("pxelator: {fault}"));
            return Ok(u8::from(!faults.is_empty()));
        }
        Verb::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "pxelator", &mut std::io::stdout());
        }
    }
    Ok(0)
}

impl Places {
    fn options(self, interface: Option<String>) -> Options {
        Options {
            conf: self.conf,
            tftpboot: self.tftpboot,
            journal: self.journal,
            run: self.run_dir,
            log: self.log_dir,
            roots: self.roots,
            overlay: self.overlay,
            vm: self.vm_dir,
            hosts: self.hosts,
            rrd: self.rrd,
            interface,
        }
    }
}
