//! `alerts`: what fires; acknowledge, silence, try a receiver.

use super::{
    Places,
    power::{Among, Line, NOBODY, Stopped, Told, USAGE, choose, runtime},
};
use crate::{
    command::{AlertKey, Command},
    conf::{self, Conf, alerts as rules},
    event::{self, Asker, Event, Fact},
    journal::Journal,
    net::Mac,
    state::{
        State,
        alerts::{Alert, Phase},
        words,
    },
};
use clap::{Args, Subcommand};
use color_eyre::eyre::Result;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::{net::Ipv4Addr, time::Duration};

/// For the help.
pub const CODES: &str = "Without a word it lists what fires. MACHINE is a host name, an address, or 'web*'.\n\n\
    Exit codes: 0 all is well or was done; 1 something fires that nobody looks after, or it was not done; 2 the words make no \
    sense; 3 no PXElator runs here";

/// What comes of a command is waited for so long; a receiver that is tried may take its time.
const PATIENCE: Duration = Duration::from_secs(40);
const FIRES: u8 = 1;

/// What is asked.
#[derive(Debug, Args)]
pub struct Alerts {
    /// Those that are over, too
    #[arg(long)]
    all: bool,
    /// Each as a JSON object
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The rules in force, as files of `alerts/` would have them
    Rules {
        /// Only this segment's
        #[arg(long, value_name = "ADDRESS")]
        segment: Option<Ipv4Addr>,
    },
    /// Say that somebody looks after what fires: it is told no more until it is over
    #[command(visible_alias = "ack")]
    Acknowledge {
        #[command(flatten)]
        which: Which,
        /// A word to it
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// Tell nothing of a machine, or of all, for a while
    Silence {
        #[command(flatten)]
        which: Which,
        /// For how long: 30m, 2h, 3d
        #[arg(long, value_name = "TIME", default_value = "2h", value_parser = rules::span)]
        r#for: Duration,
        /// Tell it again after all
        #[arg(long)]
        undo: bool,
    },
    /// Tell a receiver something, to see whether it comes
    Try {
        /// A name of `receivers/`
        receiver: String,
        /// Its segment, where several have one of this name
        #[arg(long, value_name = "ADDRESS")]
        segment: Option<Ipv4Addr>,
    },
}

#[derive(Debug, Args)]
struct Which {
    /// Machines; all, and what is of none, unless given
    #[arg(value_name = "MACHINE")]
    machines: Vec<String>,
    /// Only those of this rule
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
    /// Only those of this segment
    #[arg(long, value_name = "ADDRESS")]
    segment: Option<Ipv4Addr>,
}

/// Does it; the result is the exit code.
pub fn alerts(asked: &Alerts, places: Places) -> Result<u8> {
    let conf = conf::read(&places.conf, None).conf;
    let done = match &asked.what {
        None => {
            let state = Journal::read(&places.journal)?.state(None)?;
            return Ok(list(&state, asked));
        }
        Some(What::Rules { segment }) => return Ok(print_rules(&conf, *segment)),
        Some(What::Acknowledge { which, note }) => {
            let state = Journal::read(&places.journal)?.state(None)?;
            acknowledge(&state, &conf, which, note.clone(), places)
        }
        Some(What::Silence { which, r#for, undo }) => silence(&conf, which, (!undo).then_some(*r#for), places),
        Some(What::Try { receiver, segment }) => ring(&conf, receiver, *segment, places),
    };
    Ok(done.unwrap_or_else(|stopped| {
        eprintln!("pxelator: {stopped}");
        match stopped {
            Stopped::Wrong(_) => USAGE,
            Stopped::Nobody(_) => NOBODY,
            Stopped::Broken(_) => FIRES,
        }
    }))
}

/// The machine's name, else whatever is known of it.
fn of(state: &State, key: &AlertKey, alert: Option<&Alert>) -> String {
    let machine = key.segment.zip(key.mac).and_then(|(segment, mac)| state.machine(segment, mac));
    let address = || alert.and_then(|alert| alert.machine).map(|address| address.to_string());
    machine
        .map(|machine| machine.name())
        .or_else(address)
        .or_else(|| key.mac.map(|mac| mac.to_string()))
        .or_else(|| key.segment.map(|segment| segment.to_string()))
        .unwrap_or_else(|| "pxelator".to_owned())
}

fn list(state: &State, asked: &Alerts) -> u8 {
    let (alerts, now) = (&state.alerts, event::now());
    let mut all: Vec<(&AlertKey, &Alert)> = alerts.open.iter().collect();
    all.sort_by_key(|(_, alert)| (alert.phase != Phase::Firing, alert.severity, alert.since));
    if asked.all {
        all.extend(alerts.over.iter().rev().map(|(key, alert)| (key, alert)));
    }
    if all.is_empty() && !asked.json {
        say!("nothing fires");
    }
    let names: Vec<String> = all.iter().map(|(key, alert)| of(state, key, Some(alert))).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    for ((key, alert), name) in all.iter().zip(&names) {
        let quiet = alerts.silence_of(key, now).map(|silence| silence.until);
        if asked.json {
            say!("{}", object(key, alert, name, quiet));
            continue;
        }
        let phase = phase(alert, quiet, now);
        let subject = if key.subject.is_empty() { String::new() } else { format!(" {}", key.subject) };
        let since = words::span(alert.since, alert.resolved.unwrap_or(now));
        say!("{:8} {name:width$}  {}{subject}: {}  [{phase}, {since}]", alert.severity, key.rule, alert.text);
        for (receiver, why) in alert.told.iter().filter_map(|(name, told)| Some((name, told.as_ref().err()?))) {
            say!("{:8} {:width$}  not told to {receiver}: {why}", "", "");
        }
    }
    if !asked.json {
        for silence in alerts.silences.iter().filter(|silence| now < silence.until) {
            let key =
                AlertKey { segment: silence.segment, mac: silence.mac, rule: String::new(), subject: String::new() };
            let rule = silence.rule.as_deref().unwrap_or("all");
            say!("silenced until {:.0}: {rule} of {}, says {}", silence.until, of(state, &key, None), silence.by);
        }
    }
    if alerts.loud(now).is_empty() { 0 } else { FIRES }
}

/// `firing`, `acknowledged by the operator`, `silenced until …`.
fn phase(alert: &Alert, quiet: Option<Timestamp>, now: Timestamp) -> String {
    match (alert.phase, &alert.acknowledged, quiet) {
        (Phase::Resolved, ..) => {
            format!("over {} ago, after", words::span(alert.resolved.unwrap_or(now), now))
        }
        (Phase::Pending, ..) => "pending".to_owned(),
        (Phase::Firing, Some((by, _, note)), _) => {
            let note = note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
            format!("acknowledged by {by}{note}")
        }
        (Phase::Firing, None, Some(until)) => format!("silenced for {}", words::span(now, until)),
        (Phase::Firing, None, None) if alert.damped => "comes and goes".to_owned(),
        (Phase::Firing, None, None) => "firing".to_owned(),
    }
}

fn object(key: &AlertKey, alert: &Alert, name: &str, quiet: Option<Timestamp>) -> serde_json::Value {
    let phase = match alert.phase {
        Phase::Pending => "pending",
        Phase::Firing => "firing",
        Phase::Resolved => "resolved",
    };
    let told = alert.told.iter().map(|(name, told)| match told {
        Ok(at) => json!({ "receiver": name, "at": at }),
        Err(error) => json!({ "receiver": name, "error": error }),
    });
    json!({
        "rule": key.rule, "subject": key.subject, "segment": key.segment, "mac": key.mac, "machine": alert.machine,
        "name": name, "phase": phase, "severity": alert.severity, "text": alert.text, "since": alert.since,
        "fired": alert.fired, "resolved": alert.resolved, "damped": alert.damped, "silenced": quiet,
        "acknowledged": alert.acknowledged.as_ref().map(|(by, at, note)| json!({ "by": by.to_string(), "at": at, "note": note })),
        "told": told.collect::<Vec<_>>(),
    })
}

fn print_rules(conf: &Conf, only: Option<Ipv4Addr>) -> u8 {
    for segment in conf.segments.values().filter(|segment| only.is_none_or(|only| only == segment.server)) {
        for (name, rule) in segment.rules() {
            let own = if segment.alerts.contains_key(&name) { "" } else { "  (there by default)" };
            say!("# {}/alerts/{name}{own}", segment.server);
            say!("when {}", rule.when);
            let line = |word: &str, value: Option<String>| {
                if let Some(value) = value.filter(|value| !value.is_empty()) {
                    say!("{word} {value}");
                }
            };
            let span = |time: Duration| format!("{:#}", SignedDuration::try_from(time).unwrap_or_default());
            line("clear", rule.clear);
            line("after", rule.after.map(span));
            line("for", (!rule.wait.is_zero()).then(|| span(rule.wait)));
            let looks_back = rule.unless.is_some() || rule.count > 1;
            line("unless", rule.unless);
            line("count", (rule.count > 1).then(|| rule.count.to_string()));
            line("within", looks_back.then(|| span(rule.within)));
            line("by", rule.by);
            line("depends", Some(rule.depends.join(" ")));
            line("severity", Some(rule.severity.to_string()));
            line("to", Some(rule.to.join(" ")));
            line("text", rule.text);
            say!("");
        }
    }
    0
}

/// The machines that are meant, by hardware address; none for all.
fn machines(conf: &Conf, which: &Which) -> Result<Vec<(Ipv4Addr, Mac)>, Stopped> {
    if which.machines.is_empty() {
        return Ok(Vec::new());
    }
    let chosen = choose(conf, &which.machines, Among::All, which.segment)?;
    Ok(chosen.into_iter().filter_map(|wanted| Some((wanted.place.0, conf.machine(wanted.place)?.1.mac))).collect())
}

fn acknowledge(state: &State, conf: &Conf, which: &Which, note: Option<String>, places: Places) -> Result<u8, Stopped> {
    let machines = machines(conf, which)?;
    let is_meant = |(key, alert): &(&AlertKey, &Alert)| {
        alert.phase == Phase::Firing
            && (machines.is_empty()
                || machines.iter().any(|(at, mac)| key.segment == Some(*at) && key.mac == Some(*mac)))
            && which.rule.as_ref().is_none_or(|rule| *rule == key.rule)
            && which.segment.is_none_or(|segment| key.segment == Some(segment))
    };
    let meant: Vec<AlertKey> = state.alerts.open.iter().filter(is_meant).map(|(key, _)| key.clone()).collect();
    if meant.is_empty() {
        say!("nothing like this fires");
        return Ok(0);
    }
    let wanted = meant.len();
    let command = Command::Acknowledge { alerts: meant, note, by: Asker::Operator };
    follow(places, vec![command], wanted, |event| {
        matches!(event.fact, Fact::AlertAcknowledged { .. })
            .then(|| Ok(format!("{}: {}", of_event(state, event), event.fact)))
    })
}

fn of_event(state: &State, event: &Event) -> String {
    let key = AlertKey { segment: event.segment, mac: event.mac, rule: String::new(), subject: String::new() };
    of(state, &key, None)
}

fn silence(conf: &Conf, which: &Which, time: Option<Duration>, places: Places) -> Result<u8, Stopped> {
    let until = time.map(|time| {
        let time = SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
        event::now().checked_add(time).unwrap_or(Timestamp::MAX)
    });
    let of = |segment, mac| Command::Silence {
        segment,
        mac,
        rule: which.rule.clone(),
        subject: None,
        until,
        by: Asker::Operator,
    };
    let machines = machines(conf, which)?;
    let commands: Vec<Command> = match machines.as_slice() {
        [] => vec![of(which.segment, None)],
        some => some.iter().map(|(segment, mac)| of(Some(*segment), Some(*mac))).collect(),
    };
    let wanted = commands.len();
    follow(places, commands, wanted, |event| {
        let is_it = matches!(event.fact, Fact::AlertSilenced { .. } | Fact::AlertUnsilenced { .. });
        let name =
            event.mac.and_then(|mac| Some(conf.segments.get(&event.segment?)?.machine_by_mac(mac)?.hostname.clone()));
        let name = name.map(|name| format!("{name}: ")).unwrap_or_default();
        is_it.then(|| Ok(format!("{name}{}", event.fact)))
    })
}

fn ring(conf: &Conf, receiver: &str, segment: Option<Ipv4Addr>, places: Places) -> Result<u8, Stopped> {
    let having = conf.segments.values().filter(|known| segment.is_none_or(|only| only == known.server));
    let having: Vec<Ipv4Addr> =
        having.filter(|known| known.receivers.contains_key(receiver)).map(|known| known.server).collect();
    let [segment] = having[..] else {
        let why = match having.as_slice() {
            [] => format!("conf has no receiver {receiver}; write one into conf/SEGMENT/receivers/{receiver}"),
            _ => format!("{receiver} is a receiver of several segments; say which with --segment"),
        };
        return Err(super::power::Wrong::Words(why).into());
    };
    let command = Command::Ring { segment, receiver: receiver.to_owned() };
    follow(places, vec![command], 1, |event| match &event.fact {
        Fact::AlertDelivered { rule, receiver: to, means, .. } if rule == "test" && to == receiver => {
            Some(Ok(format!("{receiver} was told by {}", means.name())))
        }
        Fact::AlertUndelivered { rule, receiver: to, error, next_step, .. } if rule == "test" && to == receiver => {
            Some(Err(format!("{receiver} cannot be told: {error}; {next_step}")))
        }
        _ => None,
    })
}

/// Sends commands and says what comes of them, so many answers.
fn follow(
    places: Places,
    commands: Vec<Command>,
    mut wanted: usize,
    answer: impl Fn(&Event) -> Option<Result<String, String>>,
) -> Result<u8, Stopped> {
    let options = places.options(None);
    let runtime = runtime()?;
    let mut code = 0;
    let done = runtime.block_on(async {
        let line = Line::to_program(&options).await?;
        let nobody = || Stopped::Nobody("no PXElator runs here: alerts are kept by one that runs".to_owned());
        let mut line = line.ok_or_else(nobody)?;
        for command in commands {
            line.send(command).await?;
        }
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while wanted > 0 {
            let slow = |_| Stopped::Broken(format!("nothing came of it within {} s", PATIENCE.as_secs()));
            let Told::Event(event) = tokio::time::timeout_at(deadline, line.next()).await.map_err(slow)?? else {
                continue;
            };
            match answer(&event) {
                None => continue,
                Some(Ok(said)) => say!("{said}"),
                Some(Err(said)) => {
                    eprintln!("pxelator: {said}");
                    code = FIRES;
                }
            }
            wanted -= 1;
        }
        line.close().await;
        Ok(())
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    done.map(|()| code)
}
