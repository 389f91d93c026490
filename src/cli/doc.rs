//! `pxelator doc`: a machine's recovery document.

use super::Places;
use clap::Args;
use color_eyre::eyre::{Result, eyre};

/// Which, and how.
#[derive(Debug, Args)]
pub struct Doc {
    /// Host name or address
    machine: String,
}

/// Does it; the result is the exit code.
pub fn doc(_asked: &Doc, _places: &Places) -> Result<u8> {
    Err(eyre!("not yet"))
}
