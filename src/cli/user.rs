//! `user`: who may act by the page.

use super::Places;
use clap::Subcommand;
use color_eyre::eyre::{Result, bail};

/// What is done.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Those that there are
    List,
}

/// Does it; the result is the exit code.
pub fn user(_what: &What, _places: &Places) -> Result<u8> {
    bail!("not there yet")
}
