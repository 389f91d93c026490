//! `track status`: when machines were last looked at, and what came of it. Read from what the looks left, so that nobody is asked.

use super::{DONE, SOME, chosen};
use crate::{
    cli::{
        Places,
        power::{Stopped, runtime},
        remote,
    },
    conf, event, reach,
    track::looked::Standing,
};
use jiff::{SpanRound, Timestamp, Unit};
use serde::Deserialize;
use std::time::Duration;

/// What another host's PXElator says.
#[derive(Deserialize)]
struct Told {
    track: Vec<Standing>,
}

/// Prints a line a machine; the result is the exit code.
pub fn status(machines: &[String], as_json: bool, places: Places) -> Result<u8, Stopped> {
    let conf = conf::read(&places.conf, None).conf;
    let mut tracked = match remote::chosen() {
        Some(remote) => runtime()?.block_on(remote.read::<Told>("track", &[]))?.track,
        None => reach::standing(&conf, places.options(None).folders()),
    };
    if !machines.is_empty() {
        let chosen = chosen(&conf, machines, None)?;
        tracked.retain(|known| {
            let is_it = |container: &Option<String>| container.is_none() || *container == known.container;
            let place = (known.segment, known.address);
            chosen.iter().any(|(machine, container)| machine.place == place && is_it(container))
        });
    }
    if tracked.is_empty() && !as_json {
        say!("no machine of conf has a `track` file; write /etc into one");
    }
    let width = tracked.iter().map(|known| known.machine.len()).max().unwrap_or(0);
    let mut code = DONE;
    for known in &tracked {
        let is_bad = known.trouble.as_ref().is_some_and(|trouble| !trouble.is_away);
        code = if is_bad { SOME } else { code };
        match as_json {
            true => say!("{}", serde_json::to_string(known).map_err(|error| Stopped::Broken(error.to_string()))?),
            false => say!("{:width$}  {}", known.machine, line(known)),
        }
    }
    Ok(code)
}

fn line(known: &Standing) -> String {
    let mut said = match known.looked {
        Some(time) => format!("looked at {} ago, {} files", ago(time), known.files),
        None => "not looked at yet".to_owned(),
    };
    let every = Duration::from_secs(known.every);
    said.push_str(&format!(", every {:#}", jiff::SignedDuration::try_from(every).unwrap_or_default()));
    if let Some(change) = &known.changed {
        let short = change.commit.get(..10).unwrap_or(&change.commit);
        said.push_str(&format!("; {} ago: {} ({short})", ago(change.time), change.subject));
    }
    if let Some(trouble) = &known.trouble {
        let word = if trouble.is_away { "away" } else { trouble.doing.as_str() };
        said.push_str(&format!("; {word}: {}; {}", trouble.error, trouble.next_step));
    }
    said
}

/// `3h`, `2d 4h`.
fn ago(time: Timestamp) -> String {
    let span = event::now().duration_since(time).max(jiff::SignedDuration::ZERO);
    let round = if span.as_hours() >= 24 {
        Unit::Hour
    } else if span.as_mins() >= 60 {
        Unit::Minute
    } else {
        Unit::Second
    };
    let options = SpanRound::new().smallest(round).largest(Unit::Day).days_are_24_hours();
    let span = jiff::Span::try_from(span).and_then(|span| span.round(options));
    span.map_or_else(|_| "?".to_owned(), |span| format!("{span:#}"))
}
