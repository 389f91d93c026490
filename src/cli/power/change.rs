//! `power on`, `off`, `reset` …: sends the wish, shows how it goes, and sums up.

use super::{
    ALL, Change, SOME, Stopped, Wait,
    ask::{ask, can_ask},
    choose::{Wanted, Wrong},
    follow::{Follow, Until},
    line::{Line, Told},
    machines,
};
use crate::{
    cli::Places,
    command::Command,
    event::{Action, Asker},
    supervisor::Options,
};
use std::time::Duration;

/// Names that a question has room for.
const NAMED: usize = 8;

/// Does it; the result is the exit code.
pub fn change(action: Action, wanted: &Change, places: Places) -> Result<u8, Stopped> {
    if action == Action::Off && wanted.wait == Wait::Up {
        return Err(Wrong::Words("a machine that goes off does not come up: leave --wait up out".to_owned()).into());
    }
    let machines = machines(&wanted.which, &places)?;
    let asks = action != Action::On && machines.len() > 1 && !wanted.yes && can_ask();
    if asks && !ask(&format!("{} {}?", doing(action), named(&machines))) {
        return Err(Stopped::Broken("nothing was done".to_owned()));
    }
    let runtime = super::status::runtime()?;
    let done = runtime.block_on(run(action, wanted, &machines, &places.options(None)));
    runtime.shutdown_timeout(Duration::from_secs(1));
    done
}

fn doing(action: Action) -> &'static str {
    match action {
        Action::On => "Switch on",
        Action::Off => "Switch off",
        Action::Reset => "Reset",
        Action::Cycle => "Switch off and on again",
        Action::Pxe => "Boot from the network",
        Action::Setup => "Boot into the set-up of",
    }
}

fn named(machines: &[Wanted]) -> String {
    let names: Vec<&str> = machines.iter().take(NAMED).map(|machine| machine.hostname.as_str()).collect();
    let more = if machines.len() > NAMED { ", …" } else { "" };
    format!("{} machines ({}{more})", machines.len(), names.join(", "))
}

async fn run(action: Action, wanted: &Change, machines: &[Wanted], options: &Options) -> Result<u8, Stopped> {
    let mut line = Line::open(options).await?;
    let until = match (wanted.no_wait, wanted.wait) {
        (true, _) => Until::Accepted,
        (false, Wait::Seen) => Until::Seen,
        (false, Wait::Up) => Until::Up,
    };
    if until == Until::Up && line.is_alone() {
        line.close().await;
        let why = "no PXElator runs here, so that no machine comes up and nothing would tell: leave --wait up out";
        return Err(Stopped::Nobody(why.to_owned()));
    }
    let mut follow = Follow::new(action, until, machines);
    let command = Command::Power {
        machines: machines.iter().map(|machine| machine.place).collect(),
        action,
        stagger: wanted.stagger,
        by: Asker::Operator,
    };
    line.send(command).await?;
    let went = watch(&mut line, &mut follow, wanted).await;
    line.close().await;
    if went? {
        // A program has it; what comes of it, its console and its journal tell.
        return Ok(ALL);
    }
    let (did, not) = follow.outcome();
    if wanted.json {
        let not: Vec<_> = not.iter().map(|(name, why)| serde_json::json!({ "machine": name, "why": why })).collect();
        say!("{}", serde_json::json!({ "summary": { "action": action.name(), "did": did, "did_not": not } }));
    } else {
        let word = match until {
            Until::Accepted => "asked",
            Until::Seen => "confirmed",
            Until::Up => "up",
        };
        let one = if machines.len() == 1 { "machine" } else { "machines" };
        say!("{} {one}: {} {word}, {} not", machines.len(), did.len(), not.len());
        for (name, why) in &not {
            say!("  {name}: {why}");
        }
    }
    Ok(if not.is_empty() { ALL } else { SOME })
}

/// Shows what happens until all is over; true where that was not waited for.
async fn watch(line: &mut Line, follow: &mut Follow, wanted: &Change) -> Result<bool, Stopped> {
    let patience = wanted.timeout.map(|timeout| (tokio::time::Instant::now() + timeout, timeout));
    while !follow.is_over() {
        let told = tokio::select! {
            told = line.next() => told?,
            () = async {
                match patience {
                    Some((until, _)) => tokio::time::sleep_until(until).await,
                    None => std::future::pending().await,
                }
            } => {
                let seconds = patience.map_or(0.0, |(_, timeout)| timeout.as_secs_f64());
                follow.give_up(&format!("after {seconds} s"));
                continue;
            }
        };
        match told {
            Told::Taken if wanted.no_wait => return Ok(true),
            Told::Taken => {}
            Told::Missed(missed) => {
                eprintln!("pxelator: {missed} events were missed; what became of some is not known")
            }
            Told::Event(event) => {
                if let Some(name) = follow.take(&event) {
                    match wanted.json {
                        true => say!("{}", serde_json::to_string(&*event).unwrap_or_default()),
                        false => say!("{name}: {}", event.fact),
                    }
                }
            }
        }
    }
    Ok(false)
}
