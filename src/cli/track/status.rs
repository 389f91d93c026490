//! `track status`: when machines were last looked at, and what came of it. Read from what the looks left, so that nobody is asked.

use super::{DONE, SOME, all, chosen};
use crate::{
    cli::{Places, power::Stopped},
    conf, event,
    supervisor::{Looked, Tracked},
};
use jiff::{SpanRound, Timestamp, Unit};
use serde_json::json;

/// Prints a line a machine; the result is the exit code.
pub fn status(machines: &[String], as_json: bool, places: Places) -> Result<u8, Stopped> {
    let conf = conf::read(&places.conf, None).conf;
    let options = places.options(None);
    let mut tracked = all(&conf, &options, None);
    if !machines.is_empty() {
        let chosen = chosen(&conf, machines, None)?;
        tracked.retain(|subject| {
            let is_it = |container: &Option<String>| container.is_none() || *container == subject.container;
            chosen.iter().any(|(machine, container)| machine.place == subject.place && is_it(container))
        });
    }
    if tracked.is_empty() && !as_json {
        say!("no machine of conf has a `track` file; write /etc into one");
    }
    let width = tracked.iter().map(|subject| subject.host.len()).max().unwrap_or(0);
    let mut code = DONE;
    for subject in &tracked {
        let looked = Looked::read(&options.run, &subject.host);
        let is_bad = looked.trouble.as_ref().is_some_and(|trouble| !trouble.is_away);
        code = if is_bad { SOME } else { code };
        match as_json {
            true => say!("{}", object(subject, &looked)),
            false => say!("{:width$}  {}", subject.host, line(subject, &looked)),
        }
    }
    Ok(code)
}

fn object(subject: &Tracked, looked: &Looked) -> serde_json::Value {
    json!({
        "machine": subject.host,
        "address": subject.place.1,
        "segment": subject.place.0,
        "every": subject.every(false).as_secs(),
        "looked": looked.time,
        "files": looked.files,
        "changed": looked.changed,
        "trouble": looked.trouble,
    })
}

fn line(subject: &Tracked, looked: &Looked) -> String {
    let mut said = match looked.time {
        Some(time) => format!("looked at {} ago, {} files", ago(time), looked.files),
        None => "not looked at yet".to_owned(),
    };
    said.push_str(&format!(", every {:#}", jiff::SignedDuration::try_from(subject.every(false)).unwrap_or_default()));
    if let Some(change) = &looked.changed {
        let short = change.commit.get(..10).unwrap_or(&change.commit);
        said.push_str(&format!("; {} ago: {} ({short})", ago(change.time), change.subject));
    }
    if let Some(trouble) = &looked.trouble {
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
