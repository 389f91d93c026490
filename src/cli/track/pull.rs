//! `track pull`: sends the wish, shows how it goes, and sums up.

use super::{
    DONE, SOME, Which, all, chosen,
    follow::{Follow, Subject},
    subjects,
};
use crate::{
    cli::{
        Places,
        power::{Line, Stopped, Told, Wrong, runtime},
    },
    command::{Command, Place},
    conf,
    event::Fact,
    supervisor::Options,
};
use std::{collections::BTreeMap, time::Duration};

/// Does it; the result is the exit code.
pub fn pull(which: &Which, json: bool, places: Places) -> Result<u8, Stopped> {
    let conf = conf::read(&places.conf, None).conf;
    let options = places.options(None);
    let mut wanted: BTreeMap<Subject, String> = BTreeMap::new();
    if which.all {
        let all = all(&conf, &options, which.segment);
        wanted.extend(all.into_iter().map(|subject| ((subject.place, subject.container), subject.host)));
        if wanted.is_empty() {
            let why = "no machine of conf has a `track` file; write /etc into one".to_owned();
            return Err(Wrong::Words(why).into());
        }
    }
    for (machine, container) in chosen(&conf, &which.machines, which.segment)? {
        let mut found = subjects(&conf, &options, machine.place);
        found.retain(|subject| container.is_none() || subject.container == container);
        if found.is_empty() {
            // Why nothing is kept of it, is told as all is that does not come through.
            wanted.insert((machine.place, container), machine.hostname);
        }
        wanted.extend(found.into_iter().map(|subject| ((subject.place, subject.container), subject.host)));
    }
    let runtime = runtime()?;
    let done = runtime.block_on(run(wanted, json, &options));
    runtime.shutdown_timeout(Duration::from_secs(1));
    done
}

async fn run(wanted: BTreeMap<Subject, String>, json: bool, options: &Options) -> Result<u8, Stopped> {
    let mut machines: Vec<Place> = wanted.keys().map(|(place, _)| *place).collect();
    machines.dedup();
    let mut line = Line::open(options).await?;
    let mut follow = Follow::new(wanted);
    line.send(Command::Pull { machines, cause: None }).await?;
    let watched = watch(&mut line, &mut follow, json).await;
    line.close().await;
    watched?;
    let (changed, same, failed) = follow.outcome();
    if json {
        let failed: Vec<_> =
            failed.iter().map(|(name, why)| serde_json::json!({ "machine": name, "why": why })).collect();
        say!("{}", serde_json::json!({ "summary": { "changed": changed, "same": same, "failed": failed } }));
    } else if changed.len() + same.len() + failed.len() > 1 {
        say!("{} changed, {} as they were, {} not looked at", changed.len(), same.len(), failed.len());
    }
    Ok(if failed.is_empty() { DONE } else { SOME })
}

async fn watch(line: &mut Line, follow: &mut Follow, json: bool) -> Result<(), Stopped> {
    while !follow.is_over() {
        match line.next().await? {
            Told::Taken => {}
            Told::Missed(missed) => {
                eprintln!("pxelator: {missed} events were missed; what became of some is not known");
            }
            Told::Event(event) => {
                let Some(name) = follow.take(&event) else { continue };
                match (&event.fact, json) {
                    (_, true) => say!("{}", serde_json::to_string(&*event).unwrap_or_default()),
                    (Fact::TrackFailed { .. }, false) => eprintln!("pxelator: {name}: {}", event.fact),
                    // The name says already which container it is.
                    (fact, false) => {
                        let said = fact.to_string();
                        let said = said
                            .strip_prefix("container ")
                            .and_then(|rest| rest.split_once(": "))
                            .map_or(said.as_str(), |(_, said)| said);
                        say!("{name}: {said}");
                    }
                }
            }
        }
    }
    Ok(())
}
