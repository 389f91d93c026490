//! `log --server`: the filter goes there, and the events come from there.

use super::ask::Remote;
use crate::{
    cli::{
        line::Style,
        log::{Log, MISUSED},
        power::{Stopped, runtime},
    },
    event::Event,
};
use color_eyre::eyre::{Result, bail};
use serde_json::Value;
use std::{
    io::{BufWriter, Stdout, Write, stdout},
    time::Duration,
};

/// Who is not reached any more is asked again so soon.
const AGAIN: Duration = Duration::from_secs(2);

/// Prints the events asked for; the result is the exit code.
pub fn log(asked: &Log) -> Result<u8> {
    let Some(remote) = super::chosen() else { bail!("no server was named") };
    let Some(filter) = asked.words() else {
        bail!("--fleet and --sql work on the host itself alone");
    };
    let limit = asked.limit.map(|limit| limit.to_string());
    let mut query = vec![("filter", filter.as_str())];
    query.extend(limit.as_deref().map(|limit| ("limit", limit)));
    let style = Style::of(&stdout(), asked.json);
    let mut printer = Printer { out: BufWriter::new(stdout()), style, is_read: true, after: None };
    let told = runtime()?.block_on(async {
        match asked.follow {
            false => remote.lines("events.ndjson", &query, |line| printer.print(line)).await,
            true => follow(remote, &query, &mut printer).await,
        }
    });
    let _ = printer.out.flush();
    match told {
        Ok(()) => Ok(0),
        Err(error @ Stopped::Nobody(_)) => {
            eprintln!("pxelator: {error}");
            Ok(MISUSED)
        }
        Err(error) => Err(error.into()),
    }
}

/// Goes on where it was broken off, until nobody reads what is printed. What goes wrong the first time is an error.
async fn follow(remote: &Remote, first: &[(&str, &str)], printer: &mut Printer) -> Result<(), Stopped> {
    while printer.is_read {
        let after = printer.after.map(|after| after.to_string());
        let query: Vec<(&str, &str)> = match &after {
            None => first.to_vec(),
            Some(after) => [&first[..1], &[("after", after)]].concat(),
        };
        if let Err(error) = remote.lines("events/follow", &query, |line| printer.print(line)).await {
            if printer.after.is_none() {
                return Err(error);
            }
            eprintln!("pxelator: {error}; it is asked again");
            tokio::time::sleep(AGAIN).await;
        }
    }
    Ok(())
}

struct Printer {
    out: BufWriter<Stdout>,
    style: Style,
    /// Somebody reads it: one that has seen enough (`head`) ends it quietly.
    is_read: bool,
    /// What came after this is still to be asked for.
    after: Option<i64>,
}

impl Printer {
    fn print(&mut self, line: &[u8]) -> bool {
        match serde_json::from_slice::<Event>(line) {
            Ok(event) => self.is_read = writeln!(self.out, "{}", self.style.line(&event)).is_ok(),
            Err(error) => {
                let said: Value = serde_json::from_slice(line).unwrap_or_default();
                match said.get("after").and_then(Value::as_i64) {
                    Some(after) => (self.after, self.is_read) = (Some(after), self.out.flush().is_ok()),
                    None => eprintln!("pxelator: the server that was asked is of another version: {error}"),
                }
            }
        }
        self.is_read
    }
}
