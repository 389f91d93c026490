//! `profile`: which there are, and all that a machine would get, without the machine.

use super::{Places, power};
use crate::{
    boot::{self, Linux, Plan, Shown},
    conf::{self, Conf},
    event::{Architecture, Refusal},
    servers::open_below,
};
use clap::Subcommand;
use color_eyre::eyre::{Result, eyre};
use serde_json::json;
use std::path::Path;

/// What is asked of profiles.
#[derive(Debug, Subcommand)]
pub enum What {
    /// All profiles: what kind of boot each is, who boots it, and what it misses
    List,
    /// All that a machine would get: boot file, script, files, answer files. Secrets are left out
    Show {
        /// Its name or address
        machine: String,
        /// As if it booted this profile
        #[arg(long, value_name = "NAME")]
        profile: Option<String>,
        /// As if its firmware were this, where conf does not say it
        #[arg(long, value_name = "NAME", default_value = "bios")]
        firmware: Architecture,
        /// As a JSON object
        #[arg(long)]
        json: bool,
    },
}

/// Does it; the result is the exit code.
pub fn profile(what: &What, places: &Places) -> Result<u8> {
    let conf = conf::read(&places.conf, None).conf;
    match what {
        What::List => list(&conf, &places.tftpboot),
        What::Show { machine, profile, firmware, json } => {
            let wanted = power::choose(&conf, std::slice::from_ref(machine), power::Among::All, None)
                .map_err(|wrong| eyre!("{wrong}"))?;
            let mut all = true;
            for wanted in wanted {
                let Some((segment, machine)) = conf.machine(wanted.place) else { continue };
                match boot::shown(&conf, segment, machine, profile.as_deref(), Some(*firmware)) {
                    Ok(shown) if *json => say!("{}", object(&wanted.hostname, &shown)),
                    Ok(shown) => all &= print(&wanted.hostname, &shown, &places.tftpboot),
                    Err(refusal) => {
                        all = false;
                        say!("{}: {refusal}", wanted.hostname);
                    }
                }
            }
            return Ok(u8::from(!all));
        }
    }
    Ok(0)
}

fn list(conf: &Conf, tftpboot: &Path) {
    let width = conf.profiles.keys().map(String::len).max().unwrap_or(0);
    for (name, profile) in &conf.profiles {
        let kind = match profile.kind(None) {
            Some("action") => profile.text("action", None).map_or("", |text| text.body.as_str()),
            Some(kind) => kind,
            None if profile.texts.is_empty() => "answers",
            None => "some firmware",
        };
        let machines = conf.segments.values().flat_map(|s| s.machines.values().map(move |m| (s, m)));
        let users = machines.filter(|(segment, machine)| {
            let armed = machine.boot_once.as_ref().is_some_and(|once| once.profile == *name);
            armed || segment.profile_of(Some(machine)) == Some(name)
        });
        let users: Vec<&str> = users.map(|(_, machine)| machine.hostname.as_str()).collect();
        let lost = profile.files.iter().filter(|file| open_below(tftpboot, &file.path).is_err()).count();
        let mut words = vec![profile.from.as_ref().map_or(String::new(), |from| format!("from {from}"))];
        words.push(if users.is_empty() { String::new() } else { format!("for {}", users.join(", ")) });
        words.push(match lost {
            0 => String::new(),
            lost => format!("{lost} of {} files to get: pxelator fetch {name}", profile.files.len()),
        });
        let words: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
        say!("{}", format!("{name:width$}  {kind:8} {}", words.join("; ")).trim_end());
    }
}

/// Prints it; false where something is wrong.
fn print(hostname: &str, shown: &Shown, tftpboot: &Path) -> bool {
    let mut all = true;
    let mut wrong = |refusal: &Refusal| {
        all = false;
        format!("- {refusal}")
    };
    say!(
        "{hostname} boots {} ({} says so): {}",
        shown.profile,
        shown.by,
        match &shown.plan {
            Ok(plan) => in_words(plan),
            Err(refusal) => wrong(refusal),
        }
    );
    match &shown.boot_file {
        Ok(file) => say!("its firmware loads {file}"),
        Err(refusal) => say!("its firmware loads nothing: {}", wrong(refusal)),
    }
    for named in &shown.files {
        match open_below(tftpboot, &named.path) {
            Ok((_, size)) => say!("  {:6} {} ({size} bytes; {} names it)", named.role.name(), named.path, named.by),
            Err(refusal) => say!("  {:6} {}; {} names it", named.role.name(), wrong(&refusal), named.by),
        }
    }
    if let Some((name, body)) = &shown.script {
        say!("\n--- {name}\n{}", body.trim_end());
    }
    for (url, text) in &shown.answers {
        match text {
            Ok(body) => say!("\n--- {url}\n{}", body.trim_end()),
            Err(refusal) => say!("\n--- {url}\n{}", wrong(refusal)),
        }
    }
    all
}

/// What is booted, in a line.
fn in_words(plan: &Plan) -> String {
    match plan {
        Plan::Linux(Linux { kernel, append, .. }) => format!("the kernel {kernel} {append}").trim_end().to_owned(),
        Plan::Program { path, append } => format!("the program {path} {append}").trim_end().to_owned(),
        Plan::Local => "its own disk".to_owned(),
        Plan::Shell => "its loader's command line".to_owned(),
        Plan::Menu { timeout, entries } => {
            let names: Vec<&str> = entries.iter().map(|entry| entry.profile.as_str()).collect();
            format!("what is chosen on its screen: {}; the first after {} s", names.join(", "), timeout.as_secs())
        }
    }
}

fn object(hostname: &str, shown: &Shown) -> serde_json::Value {
    let answers = shown.answers.iter().map(|(url, text)| match text {
        Ok(body) => json!({ "url": url, "text": body }),
        Err(refusal) => json!({ "url": url, "error": refusal.to_string() }),
    });
    json!({
        "machine": hostname,
        "profile": shown.profile,
        "by": shown.by,
        "boots": shown.plan.as_ref().map(in_words).map_err(ToString::to_string).unwrap_or_else(|error| error),
        "boot_file": shown.boot_file.as_ref().ok(),
        "script": shown.script.as_ref().map(|(name, body)| json!({ "name": name, "text": body })),
        "files": shown.files.iter().map(|file| json!({ "path": file.path, "by": file.by })).collect::<Vec<_>>(),
        "answers": answers.collect::<Vec<_>>(),
    })
}
