//! `pxelator doc`: a machine's recovery document.

use super::{
    Places,
    power::Stopped,
    recipe::who::{Who, who},
    tell::tell,
};
use crate::{
    conf,
    event::{self, Event, Fact},
    filter::{MOMENTS, moment},
    supervisor::{Since, Whose, documents},
    track::Repository,
};
use clap::Args;
use color_eyre::eyre::Result;
use jiff::tz::TimeZone;
use std::{net::Ipv4Addr, path::PathBuf};

/// What stands below the help.
pub const CODES: &str = "The document is kept beside the machine's files, as hosts/MACHINE.md and hosts/MACHINE.html, and written anew \
    whenever they change. What was done is told from the first look at the machine on; of a root over NFS, what it has otherwise than its base. \
    A file `about` in the machine's folder of conf says what it is for.\n\n\
    Exit codes: 0 done; 1 it could not be done; 2 wrong usage, or nothing is called so";

/// Of whom, and how.
#[derive(Debug, Args)]
pub struct Doc {
    /// Host name, address, or CONTAINER@MACHINE
    machine: String,
    /// What was done after this, rather than after the first look: -30d, 2026-11-24
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, conflicts_with = "all")]
    since: Option<String>,
    /// All that is kept of it, rather than what was done
    #[arg(long)]
    all: bool,
    /// Into this file, and not into the repository: HTML where it ends in .html, else Markdown
    #[arg(long, value_name = "FILE", conflicts_with = "print")]
    out: Option<PathBuf>,
    /// Print it, and write nothing
    #[arg(long)]
    print: bool,
    /// Print it as HTML
    #[arg(long, requires = "print")]
    html: bool,
    /// The segment, where several have a machine of this name
    #[arg(long, value_name = "ADDRESS")]
    segment: Option<Ipv4Addr>,
}

/// Does it; the result is the exit code.
pub fn doc(asked: &Doc, places: &Places) -> Result<u8> {
    Ok(super::power::exit_code(write(asked, places)))
}

fn write(asked: &Doc, places: &Places) -> Result<u8, Stopped> {
    let tree = conf::read(&places.conf, None).conf;
    let whom = who(&tree, std::slice::from_ref(&asked.machine), asked.segment)?;
    let [Who { place, container, .. }] = whom.as_slice() else {
        let words = format!("{} are {} machines: one at a time", asked.machine, whom.len());
        return Err(super::power::Wrong::Words(words).into());
    };
    let since = match &asked.since {
        _ if asked.all => Since::Nothing,
        None => Since::First,
        Some(text) => match moment(text, event::now(), &TimeZone::system()) {
            Some(moment) => Since::Moment(moment),
            None => return Err(super::power::Wrong::Words(format!("{text:?} is not {MOMENTS}")).into()),
        },
    };
    let whose = Whose { place: *place, container: container.clone() };
    let options = places.clone().options(None);
    let broken = |error: documents::DocumentError| Stopped::Broken(error.to_string());
    let page = documents::write(&options, &tree, &whose, since).map_err(broken)?;
    if asked.print {
        say!("{}", if asked.html { &page.html } else { &page.markdown }.trim_end());
        return Ok(0);
    }
    if let Some(file) = &asked.out {
        let is_html = file.extension().is_some_and(|ending| ending == "html" || ending == "htm");
        let text = if is_html { &page.html } else { &page.markdown };
        let unwritten = |error| Stopped::Broken(format!("{}: {error}", file.display()));
        std::fs::write(file, text).map_err(unwritten)?;
        say!("{}", file.display());
        return Ok(0);
    }
    let file = options.hosts.join(format!("{}.md", page.host));
    let kept = documents::put(&options, &page).map_err(broken)?;
    let repository = Repository::new(&options.hosts, &options.run);
    repository.tidy().map_err(|error| Stopped::Broken(format!("{error}; {}", error.next_step())))?;
    match kept {
        None => say!("{} is as it was", file.display()),
        Some(_) => {
            say!("{} and {} are written", file.display(), file.with_extension("html").display());
            let fact = Fact::TrackDocumented { file: file.display().to_string() };
            let mac = tree.machine(*place).map(|(_, machine)| machine.mac);
            tell(places, Event::new(Some(place.0), fact).about(Some(place.1), mac));
        }
    }
    Ok(0)
}
