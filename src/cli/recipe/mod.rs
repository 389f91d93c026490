//! `pxelator recipe`: recipes, applied and written.

mod apply;
mod list;
mod status;
pub mod who;
pub mod write;

pub use apply::{Run, run_all};

use super::{
    Places,
    power::{Stopped, exit_code},
};
use crate::{event::RecipeManner, recipe::RecipeError};
use clap::{Args, Subcommand};
use color_eyre::eyre::Result;
use std::net::Ipv4Addr;

/// What stands below the help.
pub const CODES: &str = "A recipe is conf/recipes/NAME.sh: a head of comment fields (title, about, needs, files, variables, limit), then plain shell, \
    with functions check, apply and verify, or as a plain how-to. Machines are named by host name or address; * stands for any text: 'web*'; a \
    container is NAME@MACHINE.\n\
    Where a PXElator runs here (its socket is in --run-dir) it is asked; else the command does it alone, and journals it.\n\n\
    Exit codes: 0 done, and of status: all have it; 1 something could not be done, or is not so; 2 wrong usage, or nothing is called so; \
    3 no PXElator runs here, and alone it cannot be done";

/// What is to be done.
#[derive(Debug, Subcommand)]
pub enum What {
    /// The recipes that there are
    List {
        /// Each as a JSON object
        #[arg(long)]
        json: bool,
    },
    /// A recipe with its files
    Show {
        /// Its name
        name: String,
    },
    /// Carry a recipe through on machines: look first, change only what differs
    Apply(Apply),
    /// Which machines have which recipes, as they say themselves now
    Status {
        /// Names of recipes and of machines; else all recipes that machines are to have, or had
        #[arg(value_name = "RECIPE|MACHINE")]
        words: Vec<String>,
        /// Only machines of this segment
        #[arg(long, value_name = "ADDRESS")]
        segment: Option<Ipv4Addr>,
        /// Each as a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Mend machines now that are to have recipes, as their files `recipes` say
    Enforce {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        shown: Shown,
    },
    /// Write a recipe from what was changed on a machine
    From(From),
}

/// What is applied to whom.
#[derive(Clone, Debug, Args)]
pub struct Apply {
    /// The recipe's name
    name: String,
    #[command(flatten)]
    which: Which,
    /// Say what would be changed, with diffs; change nothing
    #[arg(long)]
    dry_run: bool,
    /// Carry it through also where nothing differs
    #[arg(long, conflicts_with = "dry_run")]
    again: bool,
    #[command(flatten)]
    shown: Shown,
}

/// Which machines.
#[derive(Clone, Debug, Args)]
pub struct Which {
    /// Host names, addresses, 'web*', or CONTAINER@MACHINE
    #[arg(value_name = "MACHINE", required = true)]
    machines: Vec<String>,
    /// Only those of this segment
    #[arg(long, value_name = "ADDRESS")]
    segment: Option<Ipv4Addr>,
}

/// How it is shown.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Shown {
    /// Each event as a JSON object
    #[arg(long)]
    pub json: bool,
    /// Not what recipes print: only what came of them
    #[arg(long, short)]
    pub quiet: bool,
}

/// Of what a recipe is written.
#[derive(Clone, Debug, Args)]
pub struct From {
    /// Host name, address, or CONTAINER@MACHINE
    machine: String,
    /// What was changed after this: 2h, 3d, yesterday, 2026-11-02
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: String,
    /// And not after this
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<String>,
    /// What it is called; else as the machine
    #[arg(long)]
    name: Option<String>,
    /// The segment, where several have a machine of this name
    #[arg(long, value_name = "ADDRESS")]
    segment: Option<Ipv4Addr>,
    /// Print it, and write nothing
    #[arg(long)]
    print: bool,
    /// In place of a recipe of this name
    #[arg(long)]
    force: bool,
}

impl What {
    /// It needs nothing of the host but its program and its tree.
    pub fn is_for_programs(&self) -> bool {
        matches!(self, What::Apply { .. } | What::Enforce { .. } | What::Status { .. } | What::List { .. })
    }
}

/// Does it; the result is the exit code.
pub fn recipe(what: What, places: Places) -> Result<u8> {
    let done = match what {
        What::List { json } => list::list(json, &places),
        What::Show { name } => list::show(&name, &places),
        What::Apply(wanted) => {
            let manner = match (wanted.dry_run, wanted.again) {
                (true, _) => RecipeManner::DryRun,
                (_, true) => RecipeManner::Again,
                _ => RecipeManner::Apply,
            };
            apply::apply(&wanted.name, &wanted.which, manner, wanted.shown, places)
        }
        What::Status { words, segment, json } => status::status(&words, segment, json, places),
        What::Enforce { which, shown } => apply::enforce(&which, shown, places),
        What::From(wanted) => write::write(&wanted, &places),
    };
    Ok(exit_code(done))
}

/// A recipe that is not there is a wrong word; one that makes no sense is not.
pub fn stopped(wrong: RecipeError) -> Stopped {
    match wrong.error.starts_with("no recipe of ") {
        true => super::power::Wrong::Words(wrong.to_string()).into(),
        false => Stopped::Broken(wrong.to_string()),
    }
}
