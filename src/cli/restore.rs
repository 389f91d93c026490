//! `pxelator restore`: a file of a machine put back to what it was.

use super::Places;
use clap::Args;
use color_eyre::eyre::{Result, eyre};

/// Which, and how.
#[derive(Debug, Args)]
pub struct Restore {
    /// Host name or address
    machine: String,
}

/// Does it; the result is the exit code.
pub fn restore(_asked: &Restore, _places: Places) -> Result<u8> {
    Err(eyre!("not yet"))
}
