//! `pxelator track`: the record of machines' files.

use super::Places;
use clap::Subcommand;
use color_eyre::eyre::{Result, eyre};

/// What stands below the help.
pub const CODES: &str = "Exit codes: 0 done; 1 something could not be done; 2 wrong usage, or nothing is called so";

/// What is to be done.
#[derive(Debug, Subcommand)]
pub enum What {
    /// List them
    List,
}

/// Does it; the result is the exit code.
pub fn track(_what: What, _places: Places) -> Result<u8> {
    Err(eyre!("not yet"))
}
