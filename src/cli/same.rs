//! `pxelator same`: all recipes of one machine for another.

use super::Places;
use clap::Args;
use color_eyre::eyre::{Result, eyre};

/// Which, and how.
#[derive(Debug, Args)]
pub struct Same {
    /// Host name or address
    machine: String,
}

/// Does it; the result is the exit code.
pub fn same(_asked: &Same, _places: Places) -> Result<u8> {
    Err(eyre!("not yet"))
}
