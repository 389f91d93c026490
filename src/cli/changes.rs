//! `pxelator changes`: what changed on machines, with what happened around it.

use super::Places;
use clap::Args;
use color_eyre::eyre::{Result, eyre};

/// Which, and how.
#[derive(Debug, Args)]
pub struct Changes {
    /// Host name or address
    machine: String,
}

/// Does it; the result is the exit code.
pub fn changes(_asked: &Changes, _places: &Places) -> Result<u8> {
    Err(eyre!("not yet"))
}
