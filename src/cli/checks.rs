//! `checks`: what is looked at of machines and services, and how it stands.

use super::{
    Places,
    power::{Among, Line, Stopped, Told, Wrong, choose, runtime},
};
use crate::{
    command::Command,
    conf::{self, Conf},
    event::{Event, Fact},
    journal::Journal,
    state::{
        State,
        checked::{CheckResult, Checked},
    },
    watch::{self, Key, Planned, Subject},
};
use clap::Args;
use color_eyre::eyre::Result;
use jiff::tz::TimeZone;
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
    path::Path,
    time::Duration,
};
use tokio::time::{Instant, timeout_at};

/// For the help.
pub const CODES: &str = "Machines are named by host name, address or hardware address; * stands for any text: 'web*'.\n\n\
    Exit codes: 0 all is well; 1 something is not; 2 wrong usage, or it could not be found out";

/// What looks that were asked for get, those over ssh included.
const PATIENCE: Duration = Duration::from_secs(90);
const WELL: u8 = 0;
const WRONG: u8 = 1;
/// It could not be found out.
pub const UNKNOWN: u8 = 2;

/// What is asked.
#[derive(Debug, Args)]
pub struct Checks {
    /// Machines; all, and the segments' own services, where none is named
    #[arg(value_name = "MACHINE")]
    machines: Vec<String>,
    /// Only those of this segment
    #[arg(long, value_name = "ADDRESS")]
    segment: Option<Ipv4Addr>,
    /// Look now, rather than tell what was found last
    #[arg(long)]
    now: bool,
    /// Only those that fail
    #[arg(long)]
    failed: bool,
    /// Each check as a JSON object
    #[arg(long)]
    json: bool,
}

/// How checks stand, by what is checked and their names; none of what is not known.
type Standing = BTreeMap<Key, Option<Checked>>;

/// Does it; the result is the exit code.
pub fn checks(asked: &Checks, places: Places) -> Result<u8> {
    Ok(found(asked, places).unwrap_or_else(|error| {
        eprintln!("pxelator: {error}");
        UNKNOWN
    }))
}

fn found(asked: &Checks, places: Places) -> Result<u8, Stopped> {
    let conf = conf::read(&places.conf, None).conf;
    let subjects = subjects(&conf, &asked.machines, asked.segment)?;
    let planned = planned(&conf, &subjects);
    let before = state(&places.journal)?;
    let mut standing: Standing = planned.keys().map(|key| (key.clone(), stood(&before, key))).collect();
    // What is only looked for, and never was there, is no check.
    standing.retain(|key, known| known.is_some() || planned.get(key).is_some_and(|planned| planned.wanted));
    if asked.now {
        let runtime = runtime()?;
        let looked = runtime.block_on(look(&subjects, &mut standing, places));
        runtime.shutdown_timeout(Duration::from_secs(1));
        looked?;
    }
    Ok(print(asked, &conf, &standing))
}

/// The machines that are meant, and the segments themselves where none is named.
fn subjects(conf: &Conf, words: &[String], segment: Option<Ipv4Addr>) -> Result<BTreeSet<Subject>, Wrong> {
    let all = ["*".to_owned()];
    let is_empty = conf.segments.values().all(|segment| segment.machines.is_empty());
    let words = if words.is_empty() { &all[..] } else { words };
    let machines = match is_empty && words == all {
        true => Vec::new(),
        false => choose(conf, words, Among::All, segment)?,
    };
    let mut subjects = BTreeSet::new();
    for wanted in machines {
        let Some((segment, machine)) = conf.machine(wanted.place) else { continue };
        subjects.insert(Subject { segment: segment.server, machine: Some((machine.address, machine.mac)) });
    }
    if words == all {
        let segments = conf.segments.keys().filter(|server| segment.is_none_or(|only| only == **server));
        subjects.extend(segments.map(|segment| Subject { segment: *segment, machine: None }));
    }
    Ok(subjects)
}

fn planned(conf: &Conf, subjects: &BTreeSet<Subject>) -> BTreeMap<Key, Planned> {
    let mut plan = BTreeMap::new();
    for segment in conf.segments.values() {
        watch::of_segment(segment, &mut plan);
        segment.machines.values().for_each(|machine| watch::of_machine(segment, machine, &mut plan));
    }
    plan.retain(|key, _| subjects.contains(&key.subject));
    plan
}

/// As it is in the journal: also where nobody runs.
fn state(journal: &Path) -> Result<State, Stopped> {
    if !journal.exists() {
        return Ok(State::default());
    }
    let state = Journal::read(journal).and_then(|journal| journal.state(None));
    state.map_err(|error| Stopped::Broken(error.to_string()))
}

fn stood(state: &State, key: &Key) -> Option<Checked> {
    let segment = state.segments.get(&key.subject.segment)?;
    let checks = match key.subject.machine {
        Some((_, mac)) => &segment.machines.get(&mac)?.checks,
        None => &segment.checks,
    };
    checks.get(&*key.name).cloned()
}

/// Has the PXElator that runs look, and waits for what it finds.
async fn look(subjects: &BTreeSet<Subject>, standing: &mut Standing, places: Places) -> Result<(), Stopped> {
    let options = places.options(None);
    let nobody = || Stopped::Nobody("no PXElator runs here that could look: start it, or leave --now away".to_owned());
    let mut line = Line::to_program(&options).await?.ok_or_else(nobody)?;
    let mut by_segment: BTreeMap<Ipv4Addr, Vec<Ipv4Addr>> = BTreeMap::new();
    for subject in subjects {
        match subject.machine {
            Some((address, _)) => by_segment.entry(subject.segment).or_default().push(address),
            // Without machines the segment's own services are meant.
            None => line.send(Command::Check { segment: subject.segment, machines: Vec::new() }).await?,
        }
    }
    for (segment, machines) in by_segment {
        line.send(Command::Check { segment, machines }).await?;
    }
    let mut open: BTreeSet<Key> = standing.keys().cloned().collect();
    let until = Instant::now() + PATIENCE;
    while !open.is_empty() {
        let Ok(told) = timeout_at(until, line.next()).await else { break };
        let Told::Event(event) = told? else { continue };
        let Some((key, mut checked)) = told_of(&event, subjects) else { continue };
        open.remove(&key);
        // What stands as before does so since then.
        if let Some(Some(before)) =
            standing.get(&key).filter(|known| known.as_ref().is_some_and(|k| k.result == checked.result))
        {
            checked.since = before.since;
        }
        standing.insert(key, Some(checked));
    }
    for key in open {
        eprintln!("pxelator: {}: it was not told within {} s", key.name, PATIENCE.as_secs());
        standing.insert(key, None);
    }
    line.close().await;
    Ok(())
}

/// The check that an event tells of.
fn told_of(event: &Event, subjects: &BTreeSet<Subject>) -> Option<(Key, Checked)> {
    let (check, result, said) = match &event.fact {
        Fact::CheckPassed { check, said } | Fact::CheckRecovered { check, said, .. } => {
            (check, CheckResult::Passed, said)
        }
        Fact::CheckFailed { check, said, .. } => (check, CheckResult::Failed, said),
        Fact::CheckPaused { check, reason } => (check, CheckResult::Paused, reason),
        _ => return None,
    };
    let is_it = |subject: &&Subject| {
        Some(subject.segment) == event.segment && subject.machine.map(|(address, _)| address) == event.machine
    };
    let subject = *subjects.iter().find(is_it)?;
    let key = Key { subject, name: check.as_str().into() };
    Some((key, Checked { result, since: event.time, said: said.clone() }))
}

fn print(asked: &Checks, conf: &Conf, standing: &Standing) -> u8 {
    let name_of = |subject: &Subject| {
        let machine = subject.machine.and_then(|(address, _)| conf.machine((subject.segment, address)));
        machine.map_or_else(|| subject.segment.to_string(), |(_, machine)| machine.hostname.clone())
    };
    let width = |of: &dyn Fn(&Key) -> usize| standing.keys().map(of).max().unwrap_or(0);
    let (machine, check) = (width(&|key| name_of(&key.subject).len()).max(7), width(&|key| key.name.len()).max(5));
    if !asked.json && !standing.is_empty() {
        say!("{:machine$}  {:check$}  {:7}  {:16}  SAYS", "MACHINE", "CHECK", "STANDS", "SINCE");
    }
    let mut code = WELL;
    for (key, known) in standing {
        let word = match known.as_ref().map(|known| known.result) {
            Some(CheckResult::Passed) => "well",
            Some(CheckResult::Failed) => "fails",
            Some(CheckResult::Paused) => "paused",
            None => "unknown",
        };
        code = match word {
            "fails" => WRONG,
            "unknown" if code == WELL => UNKNOWN,
            _ => code,
        };
        if asked.failed && word != "fails" {
            continue;
        }
        let name = name_of(&key.subject);
        let (since, said) = known.as_ref().map_or((None, ""), |known| (Some(known.since), known.said.as_str()));
        if asked.json {
            let (segment, address) = (key.subject.segment, key.subject.machine.map(|(address, _)| address));
            say!(
                "{}",
                json!({ "segment": segment, "machine": address, "name": name, "check": &*key.name, "stands": word,
                    "since": since, "says": said })
            );
            continue;
        }
        let since = since.map_or("-".to_owned(), |since| {
            TimeZone::system().to_datetime(since).strftime("%Y-%m-%d %H:%M").to_string()
        });
        let line = format!("{name:machine$}  {:check$}  {word:7}  {since:16}  {said}", &*key.name);
        say!("{}", line.trim_end());
    }
    if standing.is_empty() && !asked.json {
        say!("nothing is checked");
    }
    code
}
