//! `pxelator changes`: what changed on machines, with what happened around it.

use super::{
    Places,
    line::Style,
    log::{Everywhere, MISUSED},
};
use crate::{
    conf,
    event::Event,
    filter::{self, Filter, Here},
    journal::{Journal, Query},
    track::{Commit, Kind, Repository, Status, TrackError, Wanted, of_shown, shown},
};
use clap::Args;
use color_eyre::eyre::{Result, eyre};
use crossterm::style::{Color, Stylize};
use jiff::{Timestamp, tz::TimeZone};
use std::{
    collections::BTreeMap,
    io::{IsTerminal, stdout},
    path::Path,
};

/// Commits that are listed unless it is said.
const NEWEST: usize = 30;
/// Files of a commit that are listed.
const FILES: usize = 20;
/// Events around a commit that are listed.
const AROUND: usize = 12;
/// Kinds of events that tell why files changed.
const KINDS: &str = "boot.completed,boot.armed,boot.disarmed,boot.spent,boot.stalled,power.confirmed,power.unconfirmed,\
    recipe.ended,recipe.failed,track.restored,root.snapshotted,root.reset,vm.created,vm.snapshotted,fetch.ended,console.failed";

/// What stands below the help.
const HELP: &str = "Times: -2h, 09:30, 2026-11-24, 2026-11-24T09:20:05Z. A path begins with /; without a machine it is looked for on all.\n  \
    pxelator changes web1 --since -1d           what changed on it since yesterday, and what happened then\n  \
    pxelator changes web1 /etc/fstab --diff     each change of a file\n  \
    pxelator changes web1 /etc/fstab --blame    when each of its lines came\n  \
    pxelator changes /etc/resolv.conf --who     which machines have which version of it, since when";

/// Which, and how.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Changes {
    /// Host name, address, or a container: db@web1; all machines unless given
    machine: Option<String>,
    /// Only changes of this file, or of what is in this folder
    path: Option<String>,
    /// Not before
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<String>,
    /// Not after
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<String>,
    /// With the lines that changed
    #[arg(long, short)]
    diff: bool,
    /// Each line of the file, with when it came; needs a machine and a path
    #[arg(long, conflicts_with_all = ["diff", "who", "since", "until", "limit"])]
    blame: bool,
    /// Which machines have which version of the path, and since when
    #[arg(long, conflicts_with_all = ["diff", "since", "until", "limit"])]
    who: bool,
    /// At most so many, the newest; 30 unless given, or all with --since
    #[arg(long, short = 'n', value_name = "COUNT")]
    limit: Option<usize>,
    /// Each change as a JSON object
    #[arg(long)]
    json: bool,
}

/// Does it; the result is the exit code.
pub fn changes(asked: &Changes, places: &Places) -> Result<u8> {
    let repository = Repository::new(&places.hosts, &places.run_dir);
    let (machine, path) = match (&asked.machine, &asked.path) {
        // A path alone.
        (Some(path), None) if path.starts_with('/') => (None, Some(path.as_str())),
        (machine, path) => (machine.as_deref(), path.as_deref()),
    };
    let host = match machine.map(|machine| host(&repository, machine, &places.conf)).transpose() {
        Ok(host) => host,
        Err(why) => return misused(&why),
    };
    match (asked.blame, asked.who, &host, path) {
        (true, _, Some(host), Some(path)) => told(blame(&repository, host, path, asked.json)),
        (true, ..) => misused("--blame needs a machine and a path: pxelator changes web1 /etc/fstab --blame"),
        (_, true, _, Some(path)) => told(who(&repository, host.as_deref(), path, asked.json)),
        (_, true, ..) => misused("--who needs a path: pxelator changes /etc/fstab --who"),
        _ => list(asked, &repository, host, path, places),
    }
}

fn misused(why: &str) -> Result<u8> {
    eprintln!("pxelator: {why}");
    Ok(MISUSED)
}

/// An error with what helps.
fn told(done: std::result::Result<(), TrackError>) -> Result<u8> {
    done.map(|()| 0).map_err(|error| explained(&error))
}

/// The same as a report.
pub fn explained(error: &TrackError) -> color_eyre::eyre::Report {
    eyre!("{error}; {}", error.next_step())
}

/// A machine's folder in the record, by its name or its address in conf.
pub fn host(repository: &Repository, machine: &str, tree: &Path) -> std::result::Result<String, String> {
    let hosts = repository.hosts().map_err(|error| format!("{error}; {}", error.next_step()))?;
    if hosts.iter().any(|host| host == machine) {
        return Ok(machine.to_owned());
    }
    let (container, name) =
        machine.split_once('@').map_or((None, machine), |(container, name)| (Some(container), name));
    let conf = conf::read(tree, None).conf;
    let all = || conf.segments.values().flat_map(|segment| segment.machines.values());
    let found = all().find(|machine| machine.address.to_string() == name || machine.hostname == name);
    let Some(found) = found else {
        let near = crate::nearest::nearest(machine, hosts.iter().map(String::as_str));
        let near = near.map_or(String::new(), |near| format!("; {near} is"));
        return Err(format!("no machine of conf or of the record is called {machine}{near}"));
    };
    let host = container.map_or_else(|| found.hostname.clone(), |container| format!("{container}@{}", found.hostname));
    match hosts.contains(&host) {
        true => Ok(host),
        false => Err(format!("nothing is kept of {host} yet: pxelator track pull {host}")),
    }
}

/// A time as somebody wrote it.
pub fn moment(text: &str) -> std::result::Result<Timestamp, String> {
    let found = filter::moment(text, Timestamp::now(), &TimeZone::system());
    found.ok_or_else(|| format!("{text:?} is not {}", filter::MOMENTS))
}

fn list(
    asked: &Changes,
    repository: &Repository,
    host: Option<String>,
    path: Option<&str>,
    places: &Places,
) -> Result<u8> {
    let time = |text: &Option<String>| text.as_deref().map(moment).transpose();
    let (since, until) = match (time(&asked.since), time(&asked.until)) {
        (Ok(since), Ok(until)) => (since, until),
        (Err(why), _) | (_, Err(why)) => return misused(&why),
    };
    let limit = asked.limit.or_else(|| since.is_none().then_some(NEWEST));
    let wanted = Wanted { host, since, until, path: path.map(str::to_owned), limit };
    let commits = repository.log(&wanted).map_err(|error| explained(&error))?;
    // The record is there without a journal, too.
    let journal = places.journal.exists().then(|| Journal::read(&places.journal)).transpose()?;
    let is_terminal = stdout().is_terminal();
    let style = Style::of(&stdout(), asked.json);
    for commit in &commits {
        let around =
            journal.as_ref().map(|journal| around(journal, &places.conf, commit)).transpose()?.unwrap_or_default();
        let diff = match asked.diff {
            true => Some(repository.diff(&commit.hash, Some(&commit.host), path).map_err(|error| explained(&error))?),
            false => None,
        };
        if asked.json {
            let mut object = serde_json::to_value(commit)?;
            if let Some(object) = object.as_object_mut() {
                object.insert("around".to_owned(), serde_json::to_value(&around.events)?);
                object.insert("syslog".to_owned(), around.lines.into());
                object.extend(diff.map(|diff| ("diff".to_owned(), diff.into())));
            }
            say!("{object}");
            continue;
        }
        show(commit, &around, style);
        for line in diff.iter().flat_map(|diff| diff.lines()) {
            say!("{}", of_diff(line, style.colours, is_terminal));
        }
        if diff.is_some() {
            say!("");
        }
    }
    if commits.is_empty() && !asked.json {
        eprintln!("pxelator: no such change is kept");
    } else if asked.limit.is_none() && limit == Some(commits.len()) && !asked.json {
        eprintln!("pxelator: these are the newest {NEWEST}; -n 100 shows more");
    }
    Ok(0)
}

/// What happened to a machine between the look before a commit and the commit.
#[derive(Default)]
struct Around {
    events: Vec<Event>,
    /// Lines of its system log.
    lines: u64,
    /// A filter that finds all that happened then.
    filter: String,
}

fn around(journal: &Journal, tree: &Path, commit: &Commit) -> Result<Around> {
    let machine = commit.host.rsplit('@').next().unwrap_or(&commit.host);
    let names = Everywhere { journal: journal.names()?, tree };
    let zone = TimeZone::system();
    let here = Here { now: Timestamp::now(), zone: &zone, names: &names };
    let since = commit.before.map_or(String::new(), |before| format!(" time>{before}"));
    let filter = format!("machine={}{since} time<={}", filter::quoted(machine), commit.time);
    // A machine that is in conf no more, and of which the journal knows nothing.
    let Ok(all) = Filter::parse(&filter, &here) else { return Ok(Around::default()) };
    let mut around = Around { filter, ..Around::default() };
    let of = |kinds: &str| Filter::parse(kinds, &here).map_err(|error| eyre!("{error}"));
    let query = |kinds: &str| {
        Ok::<_, color_eyre::eyre::Report>(Query { filter: all.clone().and(of(kinds)?), after: 0, limit: Some(1000) })
    };
    journal.select(&query(&format!("kind={KINDS}"))?, |event| around.events.push(event))?;
    // Before the first look there is no end to them.
    if commit.before.is_some() {
        let mut lines = 0;
        journal.select(&Query { limit: None, ..query("kind=syslog.received")? }, |_| lines += 1)?;
        around.lines = lines;
    }
    Ok(around)
}

fn show(commit: &Commit, around: &Around, style: Style) {
    let short = commit.hash.get(..10).unwrap_or(&commit.hash);
    let cause = commit.cause.as_ref().map_or(String::new(), |cause| format!(", by {cause}"));
    let time = seconds(commit.time);
    let head = format!("{time} {} {short} {}{cause}", commit.host, commit.subject);
    say!("{}", if style.colours { head.bold().to_string() } else { head });
    for (status, path) in commit.files.iter().take(FILES) {
        let (sign, colour) = match status {
            Status::Added => ('+', Color::Green),
            Status::Changed => ('~', Color::Yellow),
            Status::Removed => ('-', Color::Red),
        };
        let line = format!("  {sign} {path}");
        say!("{}", if style.colours { line.with(colour).to_string() } else { line });
    }
    if commit.files.len() > FILES {
        say!("  … and {} more", commit.files.len() - FILES);
    }
    if around.events.is_empty() && around.lines == 0 {
        return;
    }
    let since = commit.before.map_or("before it".to_owned(), |before| format!("since the look at {}", seconds(before)));
    say!("  {since}:");
    let newest = around.events.len().saturating_sub(AROUND);
    if newest > 0 {
        say!("    … {newest} more");
    }
    for event in around.events.iter().skip(newest) {
        say!("    {} {}: {}", seconds(event.time), event.kind(), event.fact);
    }
    let count = around.lines;
    let lines = if count == 0 { String::new() } else { format!("{count} lines of its system log; ") };
    say!("    {lines}pxelator log '{}'", around.filter);
}

fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A line of a diff. For a terminal nothing in it is obeyed: machines wrote it.
pub fn of_diff(line: &str, colours: bool, is_terminal: bool) -> String {
    let safe: String = if is_terminal {
        let escaped = |c: char| c.is_control() && c != '\t';
        line.chars().flat_map(|c| if escaped(c) { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
    } else {
        line.to_owned()
    };
    let colour = match line.as_bytes() {
        [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => Some(Color::Cyan),
        [b'+', ..] => Some(Color::Green),
        [b'-', ..] => Some(Color::Red),
        [b'@', b'@', ..] | [b'd', b'i', b'f', b'f', ..] => Some(Color::Cyan),
        _ => None,
    };
    match colour.filter(|_| colours) {
        Some(colour) => safe.with(colour).to_string(),
        None => safe,
    }
}

fn blame(repository: &Repository, host: &str, path: &str, json: bool) -> std::result::Result<(), TrackError> {
    let is_terminal = stdout().is_terminal();
    for (commit, time, line) in repository.blame(host, path)? {
        match json {
            true => say!("{}", serde_json::json!({ "commit": commit, "time": time, "line": line })),
            false => {
                let short = commit.get(..10).unwrap_or(&commit);
                say!(
                    "{short} {} {}",
                    seconds(time),
                    of_diff(&format!(" {line}"), false, is_terminal).trim_start_matches(' ')
                );
            }
        }
    }
    Ok(())
}

/// Which machines have which version of a path.
fn who(repository: &Repository, only: Option<&str>, path: &str, json: bool) -> std::result::Result<(), TrackError> {
    let wanted = of_shown(path.trim_matches('/'));
    let mut versions: BTreeMap<String, Vec<(String, Option<Timestamp>)>> = BTreeMap::new();
    for host in repository.hosts()?.into_iter().filter(|host| only.is_none_or(|only| only == host)) {
        let Some(newest) = repository.newest(&host)? else { continue };
        let entries = repository.entries(&host, &newest)?;
        let entry = entries.iter().find(|entry| entry.path == wanted);
        let version = entry.map_or("not there".to_owned(), |entry| {
            let short = |name: &str| name.get(..10).unwrap_or(name).to_owned();
            let what = match &entry.kind {
                Kind::File { size, blob } => format!("{} ({size} bytes)", short(blob)),
                Kind::Secret { digest } => format!("secret {}", short(digest)),
                Kind::Folder => "folder".to_owned(),
                Kind::Link { target } => format!("link to {}", shown(target)),
                Kind::Removed => return "removed".to_owned(),
                _ => "special file".to_owned(),
            };
            format!("{what}, mode {:04o}, owner {}:{}", entry.mode, entry.uid, entry.gid)
        });
        let last =
            Wanted { host: Some(host.clone()), path: Some(path.to_owned()), limit: Some(1), ..Wanted::default() };
        let since = repository.log(&last)?.first().map(|commit| commit.time);
        versions.entry(version).or_default().push((host, since));
    }
    // What most have comes first.
    let mut versions: Vec<_> = versions.into_iter().collect();
    versions.sort_by_key(|(_, hosts)| std::cmp::Reverse(hosts.len()));
    for (version, hosts) in versions {
        if json {
            let hosts: Vec<_> =
                hosts.iter().map(|(host, since)| serde_json::json!({ "machine": host, "since": since })).collect();
            say!("{}", serde_json::json!({ "path": path, "version": version, "machines": hosts }));
            continue;
        }
        say!("{version}:");
        for (host, since) in hosts {
            say!("  {host}{}", since.map_or(String::new(), |since| format!(" since {}", seconds(since))));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::of_diff;

    #[test]
    fn nothing_of_a_diff_is_obeyed() {
        assert_eq!(of_diff("+a\u{1b}[2J\tb", false, true), "+a\\u{1b}[2J\tb");
        assert_eq!(of_diff("+a\u{1b}[2J", false, false), "+a\u{1b}[2J");
        for (line, code) in [("+a", "\u{1b}[38;5;10m"), ("-a", "\u{1b}[38;5;9m"), ("@@ -1 +1 @@", "\u{1b}[38;5;14m")] {
            assert!(of_diff(line, true, true).starts_with(code), "{:?}", of_diff(line, true, true));
        }
        assert_eq!(of_diff(" same", true, true), " same");
    }
}
