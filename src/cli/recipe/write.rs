//! `recipe from`: writes a recipe from what was changed on a machine.

use super::{
    From, stopped,
    who::{self, Who},
};
use crate::{
    cli::{
        Places,
        power::{ALL, Line, Stopped, Told, Wrong, runtime},
    },
    command::Command,
    conf,
    event::{self, Fact},
    filter::{MOMENTS, moment},
    recipe::{Content, Sources, When, Written, from, left_out, save},
    track::{Repository, TrackError, Wanted},
};
use jiff::{Timestamp, tz::TimeZone};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    process::{self, Stdio},
    time::Duration,
};

/// Paths that are named as left out.
const NAMED: usize = 20;

/// Writes it.
pub fn write(wanted: &From, places: &Places) -> Result<u8, Stopped> {
    let tree = conf::read(&places.conf, None).conf;
    let whom = who::who(&tree, std::slice::from_ref(&wanted.machine), wanted.segment)?;
    let [who] = &whom[..] else {
        return Err(Wrong::Words(format!("{} are {} machines: one at a time", wanted.machine, whom.len())).into());
    };
    let now = event::now();
    let at = |text: &String| {
        let found =
            moment(text, now, &TimeZone::system()).or_else(|| moment(&format!("-{text}"), now, &TimeZone::system()));
        found.ok_or_else(|| Stopped::from(Wrong::Words(format!("{text:?} is not {MOMENTS}"))))
    };
    let since = at(&wanted.since)?;
    let until = wanted.until.as_ref().map(at).transpose()?;
    // Of a container that is not kept nothing would be told.
    let is_kept = tree.machine(who.place).is_some_and(|(_, machine)| {
        let container = who.container.as_ref().and_then(|name| machine.containers.get(name));
        who.container.is_none() || container.is_some_and(|container| container.track.is_some())
    });
    if until.is_none() && is_kept {
        look_now(who, places)?;
    }
    let name = wanted.name.clone().unwrap_or_else(|| format!("from-{}", who.name.replace('@', "-")));
    let written = made(who, since, until, &wanted.since, places)?;
    let folder = places.conf.join("recipes");
    if wanted.print {
        say!("{}", written.script.trim_end());
        return Ok(ALL);
    }
    let script = save(&folder, &name, &written, wanted.force).map_err(stopped)?;
    say!("{} was written, with {} files; read it before it is applied", script.display(), written.files.len());
    for (path, content, mode) in &written.files {
        let path = event::printable(&format!("/{}", String::from_utf8_lossy(path)), 500);
        match content {
            Content::File(_) => say!("  {path}"),
            Content::Link(_) => say!("  {path} (a link)"),
            Content::Folder => say!("  {path} (a folder, {mode:04o})"),
        }
    }
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    written.left.iter().for_each(|(path, why)| reasons.entry(why).or_default().push(path));
    for (why, paths) in reasons {
        let more = if paths.len() > NAMED { ", …" } else { "" };
        let some: Vec<&str> = paths.iter().take(NAMED).copied().collect();
        say!("left out, since {why}: {}{more}", some.join(", "));
    }
    say!("apply it to another: pxelator recipe apply {name} MACHINE");
    Ok(ALL)
}

/// Brings the record up to now. A machine that is away is taken as it was last seen.
fn look_now(who: &Who, places: &Places) -> Result<(), Stopped> {
    let runtime = runtime()?;
    let looked = runtime.block_on(async {
        let mut line = Line::open(&places.clone().options(None)).await?;
        line.send(Command::Pull { machines: vec![who.place], cause: None }).await?;
        let failed = loop {
            let Told::Event(event) = line.next().await? else { continue };
            if event.segment.zip(event.machine) != Some(who.place) {
                continue;
            }
            match &event.fact {
                Fact::TrackLooked { container, .. } | Fact::TrackChanged { container, .. }
                    if *container == who.container =>
                {
                    break None;
                }
                Fact::TrackFailed { container, error, .. } if *container == who.container => break Some(error.clone()),
                _ => {}
            }
        };
        line.close().await;
        Ok::<Option<String>, Stopped>(failed)
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    if let Some(error) = looked? {
        eprintln!("pxelator: {} could not be looked at now ({error}): it is taken as it was last seen", who.name);
    }
    Ok(())
}

/// The recipe of what is other between two moments of the record.
fn made(
    who: &Who,
    since: Timestamp,
    until: Option<Timestamp>,
    words: &str,
    places: &Places,
) -> Result<Written, Stopped> {
    let repository = Repository::new(&places.hosts, &places.run_dir);
    let broken = |error: TrackError| Stopped::Broken(format!("{error}; {}", error.next_step()));
    let host = &who.name;
    let nothing = || {
        let (segment, address) = who.place;
        let next =
            format!("name what is to be kept in conf/{segment}/{address}/track, and run: pxelator track pull {host}");
        Stopped::Broken(format!("nothing is kept of {host}: {next}"))
    };
    let first = repository.first(host).map_err(broken)?.ok_or_else(nothing)?;
    let before = match repository.at(host, since).map_err(broken)? {
        Some(commit) => commit,
        None => {
            eprintln!("pxelator: the record of {host} begins later than that: what was changed before is not known");
            first
        }
    };
    let now = match until {
        Some(until) => repository.at(host, until).map_err(broken)?,
        None => repository.newest(host).map_err(broken)?,
    };
    let now = now.ok_or_else(nothing)?;
    let delta = repository.delta(host, &before, &now).map_err(broken)?;
    let content = |when, path: &[u8]| {
        let commit = if when == When::Before { &before } else { &now };
        repository.content(host, commit, path).ok()
    };
    let title = format!("What was changed on {host}");
    let about = format!(
        "Written by `pxelator recipe from {host} --since {words}` from the changes {} to {}.",
        before.get(..10).unwrap_or(&before),
        now.get(..10).unwrap_or(&now)
    );
    let written = from(&delta, &title, &event::printable(&about, 300), &Sources { content: &content, md5: &md5 });
    if written.is_empty {
        let left: Vec<&str> = written.left.iter().map(|(path, _)| path.as_str()).take(NAMED).collect();
        let left =
            if left.is_empty() { String::new() } else { format!(" but what is not for another: {}", left.join(", ")) };
        return Err(Stopped::Broken(format!("nothing was changed on {host} since then{left}")));
    }
    Ok(written)
}

/// As dpkg tells it of its files; none where this host has no md5sum(1).
fn md5(bytes: &[u8]) -> Option<String> {
    let command = process::Command::new("md5sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = command.ok()?;
    child.stdin.take()?.write_all(bytes).ok()?;
    let output = child.wait_with_output().ok()?;
    String::from_utf8(output.stdout).ok()?.split_whitespace().next().map(str::to_owned)
}

/// What recipes do not explain: files that were changed outside of them, since when, for another to have. `explains` says of a path
/// whether a recipe does. Nothing where the machine is not in the record.
pub fn unexplained(
    host: &str,
    explains: &dyn Fn(&str) -> bool,
    places: &Places,
) -> Result<Option<(Timestamp, Vec<String>)>, TrackError> {
    let repository = Repository::new(&places.hosts, &places.run_dir);
    let Some(first) = repository.first(host)? else { return Ok(None) };
    let wanted = Wanted { host: Some(host.to_owned()), ..Wanted::default() };
    let mut since = None;
    let mut paths = BTreeSet::new();
    for commit in repository.log(&wanted)? {
        let is_recipe = commit.cause.as_ref().is_some_and(|cause| cause.starts_with("recipe "));
        if commit.hash == first || is_recipe {
            continue;
        }
        let files = commit.files.iter().filter(|(_, path)| left_out(path.as_bytes(), true).is_none());
        let files: Vec<String> = files.map(|(_, path)| format!("/{path}")).filter(|path| !explains(path)).collect();
        if !files.is_empty() {
            since = Some(commit.before.unwrap_or(commit.time));
            paths.extend(files);
        }
    }
    Ok(since.map(|since| (since, paths.into_iter().collect())))
}
