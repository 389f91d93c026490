//! `power status`, `alarms` and `skip`: what machines and their clocks say, and the next change.

use super::{
    ALL, SOME, Stopped, Which,
    choose::Wanted,
    line::{Line, Told},
    machines,
};
use crate::{
    cli::Places,
    command::{Command, Place},
    conf,
    event::{self, Alarm, Fact, PowerState},
    supervisor::Options,
};
use serde_json::json;
use std::{collections::BTreeMap, time::Duration};
use tokio::{
    runtime::{Builder, Runtime},
    time::{Instant, sleep},
};

/// What all machines together get to be looked at, beside what each gets.
const PATIENCE: Duration = Duration::from_secs(120);
/// What the tree gets to be as it was asked for.
const WRITTEN: Duration = Duration::from_secs(5);

/// The threads that ask.
pub fn runtime() -> Result<Runtime, Stopped> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(|error| Stopped::Broken(format!("cannot start threads: {error}")))
}

/// What was told of one machine.
type Found = Result<(PowerState, String), (String, String, String)>;

/// Looks, and prints a line a machine.
pub fn status(which: &Which, json: bool, places: Places) -> Result<u8, Stopped> {
    let machines = machines(which, &places)?;
    let conf = conf::read(&places.conf, None).conf;
    let options = places.options(None);
    let runtime = runtime()?;
    let found = runtime.block_on(look(&machines, &options));
    runtime.shutdown_timeout(Duration::from_secs(1));
    let found = found?;
    let name = machines.iter().map(|machine| machine.hostname.len()).max().unwrap_or(0);
    let mut all = true;
    for machine in &machines {
        let (segment, address) = machine.place;
        let next = conf.machine(machine.place).and_then(|(s, machine)| s.next_change(machine, event::now()));
        let told = found.get(&machine.place);
        all &= matches!(told, Some(Ok(_)));
        let silent = || ("power".to_owned(), "it was not told in time".to_owned(), "try again".to_owned());
        let told = told.cloned().unwrap_or_else(|| Err(silent()));
        if json {
            let mut object = json!({ "machine": machine.hostname, "address": address, "segment": segment });
            match &told {
                Ok((state, method)) => {
                    object["state"] = json!(state.name());
                    object["method"] = json!(method);
                }
                Err((method, error, next_step)) => {
                    object["state"] = json!("unknown");
                    object["method"] = json!(method);
                    object["error"] = json!(error);
                    object["next_step"] = json!(next_step);
                }
            }
            if let Some(next) = &next {
                let skipped = &next.skipped;
                object["next"] = json!({ "action": next.action.name(), "due": next.due, "skipped": skipped });
            }
            say!("{object}");
            continue;
        }
        let next = next.map_or(String::new(), |next| {
            let skipped = next.skipped.map_or(String::new(), |why| format!(" (passed over: {why})"));
            format!("  next: {} at {}{skipped}", next.action.name(), next.due)
        });
        let begin = format!("{:name$}  {:15}", machine.hostname, address.to_string());
        match told {
            Ok((state, method)) => say!("{begin}  {:3}  {method}{next}", state.name()),
            Err((method, error, next_step)) => say!("{begin}  ?    {method}: {error}; {next_step}{next}"),
        }
    }
    Ok(if all { ALL } else { SOME })
}

async fn look(machines: &[Wanted], options: &Options) -> Result<BTreeMap<Place, Found>, Stopped> {
    let command = |machines| Command::Look { machines };
    ask(machines, options, command, |fact| match fact {
        Fact::PowerObserved { state, method } => Some(Ok((*state, method.clone()))),
        Fact::PowerUnobserved { method, error, next_step } => {
            Some(Err((method.clone(), error.clone(), next_step.clone())))
        }
        _ => None,
    })
    .await
}

/// Sends a command about machines, and hears until each has an answer.
async fn ask<T>(
    machines: &[Wanted],
    options: &Options,
    command: impl Fn(Vec<Place>) -> Command,
    answer: impl Fn(&Fact) -> Option<T>,
) -> Result<BTreeMap<Place, T>, Stopped> {
    let mut line = Line::open(options).await?;
    line.send(command(machines.iter().map(|machine| machine.place).collect())).await?;
    let mut found: BTreeMap<Place, T> = BTreeMap::new();
    let until = Instant::now() + PATIENCE;
    while !machines.iter().all(|machine| found.contains_key(&machine.place)) {
        let told = match tokio::time::timeout_at(until, line.next()).await {
            Ok(told) => told?,
            Err(_) => break,
        };
        let Told::Event(event) = told else { continue };
        let Some(place) = event.segment.zip(event.machine) else { continue };
        found.extend(answer(&event.fact).map(|answer| (place, answer)));
    }
    line.close().await;
    Ok(found)
}

/// What was told of one machine's clock: of which way, and its alarms; or why not.
type Clock = Result<(String, Vec<Alarm>), String>;

/// Lists the alarms of machines' own clocks.
pub fn alarms(which: &Which, json: bool, places: Places) -> Result<u8, Stopped> {
    let machines = machines(which, &places)?;
    let options = places.options(None);
    let runtime = runtime()?;
    let command = |machines| Command::Alarms { machines };
    let told = runtime.block_on(ask(&machines, &options, command, |fact| match fact {
        Fact::AlarmListed { method, alarms } => Some(Ok((method.clone(), alarms.clone()))),
        Fact::AlarmUnlisted { method, error, next_step } => {
            let by = method.as_ref().map_or(String::new(), |method| format!("{method}: "));
            Some(Err(format!("{by}{error}; {next_step}")))
        }
        _ => None,
    }));
    runtime.shutdown_timeout(Duration::from_secs(1));
    let mut told: BTreeMap<Place, Clock> = told?;
    let mut code = ALL;
    for machine in &machines {
        let silent = || Err("it was not told in time; try again".to_owned());
        match told.remove(&machine.place).unwrap_or_else(silent) {
            Ok((method, alarms)) if json => {
                for Alarm { name, due } in alarms {
                    say!("{}", json!({ "machine": machine.hostname, "method": method, "name": name, "due": due }));
                }
            }
            Ok((_, alarms)) if alarms.is_empty() => say!("{}: no alarm is set", machine.hostname),
            Ok((_, alarms)) => {
                for Alarm { name, due } in alarms {
                    say!("{}: {due}  {name}", machine.hostname);
                }
            }
            Err(error) => {
                eprintln!("pxelator: {}: {error}", machine.hostname);
                code = SOME;
            }
        }
    }
    Ok(code)
}

/// Passes over the next scheduled change of machines, or does not after all.
pub fn skip(which: &Which, undo: bool, places: Places) -> Result<u8, Stopped> {
    let machines = machines(which, &places)?;
    let tree = places.conf.clone();
    let options = places.options(None);
    let runtime = runtime()?;
    let done = runtime.block_on(async {
        let mut line = Line::open(&options).await?;
        let mut code = ALL;
        for machine in &machines {
            line.send(Command::Skip { machine: machine.place, skip: !undo }).await?;
            let written = written(&mut line, &tree, machine.place, !undo).await?;
            match written {
                Ok(words) => say!("{}: {words}", machine.hostname),
                Err(error) => {
                    eprintln!("pxelator: {}: {error}", machine.hostname);
                    code = SOME;
                }
            }
        }
        line.close().await;
        Ok(code)
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    done
}

/// Waits until the tree says it, or somebody says why not.
async fn written(
    line: &mut Line,
    tree: &std::path::Path,
    (segment, address): Place,
    skip: bool,
) -> Result<Result<String, String>, Stopped> {
    let until = Instant::now() + WRITTEN;
    while Instant::now() < until {
        crate::cli::remote::refresh(tree).await.map_err(|error| Stopped::Broken(error.to_string()))?;
        let conf = conf::read(tree, None).conf;
        if let Some((s, machine)) = conf.machine((segment, address))
            && machine.skip.is_some() == skip
        {
            let next = s.next_change(machine, event::now());
            return Ok(Ok(next.map_or("nothing is scheduled".to_owned(), |next| {
                let word = if next.skipped.is_some() { "passed over" } else { "goes ahead" };
                format!("{} of {} {word}", next.line, next.due)
            })));
        }
        tokio::select! {
            told = line.next() => if let Told::Event(event) = told?
                && let (Fact::ConfUnwritten { error, .. }, Some(about)) = (&event.fact, event.machine)
                && about == address
            {
                return Ok(Err(error.clone()));
            },
            () = sleep(Duration::from_millis(100)) => {}
        }
    }
    Ok(Err("conf was not changed".to_owned()))
}
