//! `alerts`: what fires; acknowledge, silence, try a receiver.

use super::Places;
use clap::Args;
use color_eyre::eyre::{Result, bail};

/// For the help.
pub const CODES: &str = "Exit codes: 0 all is well, 1 something is not, 2 it could not be found out";

/// What is asked.
#[derive(Debug, Args)]
pub struct Alerts {}

/// Does it; the result is the exit code.
pub fn alerts(_asked: &Alerts, _places: Places) -> Result<u8> {
    bail!("not there yet")
}
