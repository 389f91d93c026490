//! ARP (RFC 826): asks the segment who has a machine's address. Who listens there sends the question and hears the answer.

use super::{Look, Target, shown};
use crate::watch::listen::Heard;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// What a machine of the same segment gets to answer, with what it takes to be heard.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Asks once.
pub async fn ask(heard: &Heard, target: &Target) -> Look {
    let began = Instant::now();
    let Some(machine) = &target.machine else { return Look::wrong("only machines are asked by ARP") };
    match timeout(PATIENCE, heard.ask(target.segment.server, machine.address)).await {
        Ok(mac) if mac == machine.mac => Look::well("it has its address", Some(began.elapsed())),
        Ok(other) => Look::wrong(format!("{other} has its address")),
        Err(_) => Look::wrong(format!("nobody says within {} that its address is his", shown(PATIENCE))),
    }
}
