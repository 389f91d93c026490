//! `log --server`: the filter goes there, and the events come from there.

use crate::{
    cli::{
        line::Style,
        log::{Log, MISUSED},
        power::{Stopped, runtime},
    },
    event::Event,
};
use color_eyre::eyre::{Result, bail};
use std::io::{BufWriter, Write, stdout};

/// Prints the events asked for; the result is the exit code.
pub fn log(asked: &Log) -> Result<u8> {
    let Some(remote) = super::chosen() else { bail!("no server was named") };
    let Some(filter) = asked.words() else {
        bail!("--follow, --fleet and --sql work on the host itself alone");
    };
    let limit = asked.limit.map(|limit| limit.to_string());
    let mut query = vec![("filter", filter.as_str())];
    query.extend(limit.as_deref().map(|limit| ("limit", limit)));
    let style = Style::of(&stdout(), asked.json);
    let mut out = BufWriter::new(stdout());
    let told = runtime()?.block_on(remote.lines("events.ndjson", &query, |line| {
        match serde_json::from_slice::<Event>(line) {
            // A reader that has seen enough (`head`) ends it quietly.
            Ok(event) => writeln!(out, "{}", style.line(&event)).is_ok(),
            Err(error) => {
                eprintln!("pxelator: the server that was asked is of another version: {error}");
                true
            }
        }
    }));
    let _ = out.flush();
    match told {
        Ok(()) => Ok(0),
        Err(error @ Stopped::Nobody(_)) => {
            eprintln!("pxelator: {error}");
            Ok(MISUSED)
        }
        Err(error) => Err(error.into()),
    }
}
