//! `power doctor` and `trust`: what is wrong with what switches a machine, in words, and the certificate that it shows.

use super::{
    ALL, SOME, Stopped, Which,
    ask::{ask, can_ask},
    choose::{Wanted, Wrong},
    line::{Line, Told},
    machines,
    status::runtime,
};
use crate::{
    cli::Places,
    command::{Command, Place},
    event::{Event, Fact},
    supervisor::Options,
};
use crossterm::style::Stylize;
use std::{env, io::IsTerminal, sync::Arc, time::Duration};
use tokio::time::timeout;

/// What an examination of one machine gets, from one step to the next.
const PATIENCE: Duration = Duration::from_secs(120);

/// How a step is marked.
#[derive(Clone, Copy)]
enum Marks {
    Words,
    Signs { colours: bool },
}

impl Marks {
    fn here() -> Marks {
        match env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            true => Marks::Words,
            false => Marks::Signs { colours: std::io::stdout().is_terminal() },
        }
    }

    fn of(self, is_well: bool) -> String {
        match (self, is_well) {
            (Marks::Words, true) => "ok   ".to_owned(),
            (Marks::Words, false) => "WRONG".to_owned(),
            (Marks::Signs { colours: true }, true) => "✓".green().to_string(),
            (Marks::Signs { colours: true }, false) => "✗".red().to_string(),
            (Marks::Signs { colours: false }, true) => "✓".to_owned(),
            (Marks::Signs { colours: false }, false) => "✗".to_owned(),
        }
    }
}

/// Goes through what switches machines; 1 where something is wrong.
pub fn doctor(which: &Which, json: bool, places: Places) -> Result<u8, Stopped> {
    let machines = machines(which, &places)?;
    let options = places.options(None);
    let marks = Marks::here();
    let runtime = runtime()?;
    let done = runtime.block_on(async {
        let mut line = Line::open(&options).await?;
        let mut all = true;
        for machine in &machines {
            if machines.len() > 1 && !json {
                say!("{}", machine.hostname);
            }
            all &= examine(&mut line, machine, |event| match (&event.fact, json) {
                (_, true) => say!("{}", serde_json::to_string(&**event).unwrap_or_default()),
                (Fact::PowerExamined { method, step, words, next_step }, false) => {
                    say!("{} {method}: {step}: {words}", marks.of(next_step.is_none()));
                    if let Some(next_step) = next_step {
                        say!("    {next_step}");
                    }
                }
                (Fact::PowerUnobserved { error, next_step, .. }, false) => {
                    say!("{} {error}", marks.of(false));
                    say!("    {next_step}");
                }
                (fact, false) => say!("{fact}"),
            })
            .await?;
        }
        line.close().await;
        Ok(if all { ALL } else { SOME })
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    done
}

/// Has a machine examined, and hands over each step; true where all is well.
async fn examine(line: &mut Line, machine: &Wanted, mut take: impl FnMut(&Arc<Event>)) -> Result<bool, Stopped> {
    line.send(Command::Examine { machine: machine.place }).await?;
    let mut has_begun = false;
    loop {
        let told = timeout(PATIENCE, line.next()).await;
        let told = told.map_err(|_| Stopped::Broken(format!("{}: no word for two minutes", machine.hostname)))??;
        let event = match told {
            Told::Event(event) => event,
            _ => continue,
        };
        if event.segment.zip(event.machine) != Some(machine.place) {
            continue;
        }
        match &event.fact {
            Fact::PowerExamined { .. } => {
                has_begun = true;
                take(&event);
            }
            // What the observer says meanwhile is no step.
            Fact::PowerUnobserved { method, .. } if method == "power" && !has_begun => take(&event),
            Fact::PowerDiagnosed { ill, .. } => {
                take(&event);
                return Ok(*ill == 0);
            }
            _ => {}
        }
    }
}

/// The certificate that a step tells of: the last fingerprint in its words.
fn fingerprint(words: &str) -> Option<String> {
    let is_print = |word: &&str| word.len() == 64 && word.chars().all(|c| c.is_ascii_hexdigit());
    words.split(|c: char| !c.is_ascii_alphanumeric()).rfind(is_print).map(str::to_ascii_lowercase)
}

/// Takes a certificate into conf.
pub fn trust(
    which: &Which,
    method: Option<String>,
    known: Option<String>,
    yes: bool,
    places: Places,
) -> Result<u8, Stopped> {
    let machines = machines(which, &places)?;
    let [machine] = &machines[..] else {
        return Err(Wrong::Words("one machine at a time: its certificate is its own".to_owned()).into());
    };
    let conf = crate::conf::read(&places.conf, None).conf;
    let rungs = conf.machine(machine.place).map(|(_, machine)| machine.power.iter());
    let ways: Vec<&str> = rungs.into_iter().flatten().map(|rung| rung.method()).collect();
    if let Some(method) = method.as_deref().filter(|method| !ways.contains(method)) {
        let ways = if ways.is_empty() { "nothing".to_owned() } else { ways.join(", ") };
        return Err(Wrong::Words(format!("{} is not switched by {method}; it is by {ways}", machine.hostname)).into());
    }
    // Who names it has compared it.
    let yes = yes || known.is_some();
    let options = places.options(None);
    let runtime = runtime()?;
    let done = runtime.block_on(async {
        let mut line = Line::open(&options).await?;
        let shown = match known {
            Some(fingerprint) => {
                let alone = || ways.iter().find(|way| matches!(**way, "amt" | "redfish")).map(|way| (*way).to_owned());
                let method = method.or_else(alone).ok_or_else(|| {
                    Wrong::Words(format!("nothing that switches {} has a certificate", machine.hostname))
                })?;
                Shown::Untrusted(method, fingerprint)
            }
            None => shown(&mut line, machine, method.as_deref()).await?,
        };
        let code = settle(&mut line, machine, shown, yes, &options).await;
        line.close().await;
        code
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    done
}

/// What the examination found of certificates.
enum Shown {
    /// One that is trusted already.
    Trusted(String, String),
    /// One that is not.
    Untrusted(String, String),
    /// None, and why.
    None(String),
}

async fn shown(line: &mut Line, machine: &Wanted, wanted: Option<&str>) -> Result<Shown, Stopped> {
    let mut found = Shown::None("nothing that switches it has a certificate".to_owned());
    examine(line, machine, |event| {
        let Fact::PowerExamined { method, words, next_step, .. } = &event.fact else { return };
        if wanted.is_some_and(|wanted| wanted != method) || matches!(found, Shown::Untrusted(..)) {
            return;
        }
        match (fingerprint(words), next_step) {
            (Some(print), None) => found = Shown::Trusted(method.clone(), print),
            (Some(print), Some(_)) => found = Shown::Untrusted(method.clone(), print),
            (None, Some(_)) if matches!(found, Shown::None(_)) => found = Shown::None(format!("{method}: {words}")),
            (None, _) => {}
        }
    })
    .await?;
    Ok(found)
}

async fn settle(line: &mut Line, machine: &Wanted, shown: Shown, yes: bool, options: &Options) -> Result<u8, Stopped> {
    let (method, fingerprint) = match shown {
        Shown::None(why) => return Err(Stopped::Broken(format!("{} shows no certificate: {why}", machine.hostname))),
        Shown::Trusted(method, print) => {
            say!("the certificate of {}'s {method} is trusted already: {print}", machine.hostname);
            return Ok(ALL);
        }
        Shown::Untrusted(method, print) => (method, print),
    };
    say!("{}'s {method} shows a certificate with the SHA-256 fingerprint", machine.hostname);
    say!("  {fingerprint}");
    if !yes {
        if !can_ask() {
            let why = "compare it with what the device itself shows, and say --yes, or --fingerprint";
            return Err(Stopped::Broken(why.to_owned()));
        }
        if !ask("Compare it with what the device itself shows. Trust it?") {
            return Err(Stopped::Broken("nothing was done".to_owned()));
        }
    }
    line.send(Command::Trust { machine: machine.place, method: method.clone(), fingerprint }).await?;
    loop {
        let told = timeout(PATIENCE, line.next()).await;
        let told = told.map_err(|_| Stopped::Broken("nobody says whether it was written".to_owned()))??;
        let Told::Event(event) = told else { continue };
        let is_its = event.segment.zip(event.machine) == Some(machine.place);
        match &event.fact {
            Fact::PowerTrusted { method, .. } if is_its => {
                say!("{}", written(options, machine.place, method));
                return Ok(ALL);
            }
            Fact::ConfUnwritten { error, .. } if is_its => return Err(Stopped::Broken(error.clone())),
            _ => {}
        }
    }
}

fn written(options: &Options, (segment, machine): Place, method: &str) -> String {
    let file = options.conf.join(segment.to_string()).join(machine.to_string()).join(format!("{method}.pin"));
    format!("written: {}", file.display())
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    #[test]
    fn the_new_certificate_stands_last() {
        let (old, new) = ("ab".repeat(32), "CD".repeat(32));
        assert_eq!(fingerprint(&format!("{old} is trusted, and it shows {new}.")), Some("cd".repeat(32)));
        assert_eq!(fingerprint("no certificate at 0123456789"), None);
    }
}
