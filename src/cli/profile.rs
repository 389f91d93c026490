//! `profile`: which there are, and all that a machine would get, without the machine.

use super::{
    Places,
    power::{self, runtime},
    remote,
};
use crate::{
    boot::{Listed, Offer, Offered, listed, offered},
    command::Place,
    conf::{self, Conf},
    event::Architecture,
    servers::open_below,
};
use clap::Subcommand;
use color_eyre::eyre::{Result, eyre};
use serde::Deserialize;

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

/// What another host's PXElator says.
#[derive(Deserialize)]
struct Told {
    profiles: Vec<Listed>,
}

/// Does it; the result is the exit code.
pub fn profile(what: &What, places: &Places) -> Result<u8> {
    let conf = conf::read(&places.conf, None).conf;
    match what {
        What::List => {
            let all = match remote::chosen() {
                Some(remote) => runtime()?.block_on(remote.read::<Told>("profiles", &[]))?.profiles,
                None => listed(&conf, |path| open_below(&places.tftpboot, path).is_ok()),
            };
            list(&all);
            Ok(0)
        }
        What::Show { machine, profile, firmware, json } => {
            let wanted = power::choose(&conf, std::slice::from_ref(machine), power::Among::All, None)
                .map_err(|wrong| eyre!("{wrong}"))?;
            let mut all = true;
            for wanted in wanted {
                match found(&conf, places, wanted.place, profile.as_deref(), *firmware)? {
                    Offered { offer: Some(offer), .. } if *json => say!("{}", serde_json::to_string(&offer)?),
                    Offered { offer: Some(offer), .. } => all &= print(&offer),
                    Offered { offer: None, refused } => {
                        all = false;
                        say!("{}: {}", wanted.hostname, refused.unwrap_or_default());
                    }
                }
            }
            Ok(u8::from(!all))
        }
    }
}

/// What a machine would get, from here or from another host.
fn found(conf: &Conf, places: &Places, place: Place, profile: Option<&str>, firmware: Architecture) -> Result<Offered> {
    if let Some(remote) = remote::chosen() {
        let (path, firmware) = (format!("segments/{}/machines/{}/profile", place.0, place.1), firmware.to_string());
        let query: Vec<_> =
            profile.map(|name| ("profile", name)).into_iter().chain([("firmware", &*firmware)]).collect();
        return Ok(runtime()?.block_on(remote.read(&path, &query))?);
    }
    let (segment, machine) = conf.machine(place).ok_or_else(|| eyre!("{} is not in conf", place.1))?;
    let size = |path: &str| open_below(&places.tftpboot, path).map(|(_, size)| size);
    Ok(offered(conf, segment, machine, profile, firmware, size))
}

fn list(all: &[Listed]) {
    let width = all.iter().map(|listed| listed.profile.len()).max().unwrap_or(0);
    for Listed { profile, kind, from, machines, files, missing } in all {
        let mut words = vec![from.as_ref().map_or(String::new(), |from| format!("from {from}"))];
        words.push(if machines.is_empty() { String::new() } else { format!("for {}", machines.join(", ")) });
        words.push(match missing {
            0 => String::new(),
            lost => format!("{lost} of {files} files to get: pxelator fetch {profile}"),
        });
        let words: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
        say!("{}", format!("{profile:width$}  {kind:8} {}", words.join("; ")).trim_end());
    }
}

/// Prints it; false where something is wrong.
fn print(offer: &Offer) -> bool {
    let mut all = !offer.is_refused;
    let mut wrong = |why: &Option<String>| {
        all = false;
        format!("- {}", why.as_deref().unwrap_or_default())
    };
    let dash = if offer.is_refused { "- " } else { "" };
    say!("{} boots {} ({} says so): {dash}{}", offer.machine, offer.profile, offer.by, offer.boots);
    match &offer.boot_file {
        Some(file) => say!("its firmware loads {file}"),
        None => say!("its firmware loads nothing: {}", wrong(&offer.boot_file_error)),
    }
    for file in &offer.files {
        match file.size {
            Some(size) => say!("  {:6} {} ({size} bytes; {} names it)", file.role, file.path, file.by),
            None => say!("  {:6} {}; {} names it", file.role, wrong(&file.error), file.by),
        }
    }
    if let Some(script) = &offer.script {
        say!("\n--- {}\n{}", script.name, script.text.trim_end());
    }
    for answer in &offer.answers {
        match &answer.text {
            Some(body) => say!("\n--- {}\n{}", answer.url, body.trim_end()),
            None => say!("\n--- {}\n{}", answer.url, wrong(&answer.error)),
        }
    }
    all
}
