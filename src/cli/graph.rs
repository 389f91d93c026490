//! `graph`: what was measured, as a picture.

use super::Places;
use clap::Args;
use color_eyre::eyre::{Result, bail};

/// What is drawn.
#[derive(Debug, Args)]
pub struct Graph {}

/// Draws; the result is the exit code.
pub fn graph(_asked: &Graph, _places: &Places) -> Result<u8> {
    bail!("not there yet")
}
