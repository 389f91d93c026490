//! What views have from files: the journal, the record of machines' files, what was measured. All of it blocks.

use super::{
    Source,
    view::{Graphs, Span, View},
    views::{Extra, FAMILIES, SHOWN, Wanted},
};
use crate::{
    event::{is_hidden, now},
    filter::{Filter, FilterError, Here},
    journal::{Journal, Query},
    sample::Of,
    state::State,
    track::{self, Commit, Repository},
    trend::Series,
};
use jiff::{Timestamp, tz::TimeZone};
use std::sync::Arc;

/// Points of a graph.
const POINTS: usize = 360;
/// Commits that are listed, the newest.
const COMMITS: usize = 200;
/// Lines of a diff that are shown.
const LINES: usize = 5_000;

/// What a view needs beside the state. What was looked up before is kept where the state tells all that came since.
pub fn look(source: &Source, view: &View, before: Option<&Arc<Extra>>) -> Arc<Extra> {
    if let (Some(before), View::Audit(_) | View::Syslog(_)) = (before, view) {
        return before.clone();
    }
    Arc::new(match view {
        View::Audit(typed) => Extra::Filter(wanted(source, typed, None)),
        View::Syslog(typed) => Extra::Filter(wanted(source, typed, Some("kind=syslog.received"))),
        View::Graphs(graphs) => Extra::Graphs(all_graphs(source, graphs)),
        View::Machine(at, mac) => {
            let address = source.state.read().machine(*at, *mac).and_then(|machine| machine.address);
            let of = address.map(|address| Of::Machine(*at, address));
            Extra::Graphs(of.map(|of| usual_graphs(source, of)).unwrap_or_default())
        }
        View::Changes(host) => Extra::Commits(commits(source, host.clone())),
        View::Change(hash) => Extra::Commit(commit(source, hash)),
        View::Overview | View::Machines(_) | View::Alerts | View::Leases(_) => Extra::None,
    })
}

/// A filter, with what the journal has of it.
fn wanted(source: &Source, typed: &str, also: Option<&str>) -> Result<Wanted, FilterError> {
    let filter = {
        let state = source.state.read();
        parsed(&state, typed, also)?
    };
    let is_everything = typed.trim().is_empty();
    let usual = if is_everything { "severity<=info and not kind=*.progressed" } else { "not kind=*.progressed" };
    let in_journal = filter.clone().and(parsed(&source.state.read(), usual, None)?);
    let mut events = Vec::new();
    let looked = Journal::read(&source.journal).and_then(|mut journal| {
        let shutdown = source.shutdown.clone();
        journal.give_up_when(move || shutdown.is_cancelled())?;
        let query = Query { filter: in_journal, after: 0, limit: Some(SHOWN) };
        journal.select(&query, |event| events.push(Arc::new(event)))
    });
    Ok(Wanted { filter, events, trouble: looked.err().map(|error| error.to_string()) })
}

fn parsed(state: &State, typed: &str, also: Option<&str>) -> Result<Filter, FilterError> {
    let here = Here { now: now(), zone: &TimeZone::system(), names: state };
    let filter = Filter::parse(typed, &here)?;
    Ok(match also {
        Some(also) => filter.and(Filter::parse(also, &here)?),
        None => filter,
    })
}

fn read(source: &Source, of: Of, family: &str, span: Span, to: Timestamp) -> Result<Series, String> {
    let from = to.checked_sub(span.length()).unwrap_or(Timestamp::MIN);
    source.trends.read(of, family, from, to, POINTS).map_err(|error| error.to_string())
}

fn all_graphs(source: &Source, graphs: &Graphs) -> Vec<Result<Series, String>> {
    let first = || source.state.read().segments.iter().find(|(_, segment)| segment.current).map(|(at, _)| *at);
    let of = graphs.of.or_else(|| first().map(Of::Segment)).unwrap_or(Of::Program);
    let families = match &graphs.family {
        Some(family) => vec![family.clone()],
        None => source.trends.families(of),
    };
    let to = graphs.to.unwrap_or_else(now);
    families.iter().map(|family| read(source, of, family, graphs.span, to)).collect()
}

/// Those of a machine's own page.
fn usual_graphs(source: &Source, of: Of) -> Vec<Result<Series, String>> {
    let families = source.trends.families(of);
    let usual = FAMILIES.iter().filter(|usual| families.iter().any(|family| family == *usual));
    usual.map(|family| read(source, of, family, Span::Hour, now())).collect()
}

fn repository(source: &Source) -> Repository {
    // Nothing is read of its run folder here.
    Repository::new(&source.hosts, &source.hosts)
}

fn told(error: &track::TrackError) -> String {
    format!("{error}; {}", error.next_step())
}

fn commits(source: &Source, host: Option<String>) -> Result<Vec<Commit>, String> {
    let wanted = track::Wanted { host, limit: Some(COMMITS), ..track::Wanted::default() };
    repository(source).log(&wanted).map_err(|error| told(&error))
}

fn commit(source: &Source, hash: &str) -> Result<(Commit, Vec<String>), String> {
    let repository = repository(source);
    let hash = repository.commit(hash).map_err(|error| told(&error))?;
    let all = repository.log(&track::Wanted::default()).map_err(|error| told(&error))?;
    let found = all.into_iter().find(|commit| commit.hash == hash);
    let commit = found.ok_or_else(|| format!("{hash} changed no machine; see all changes"))?;
    let diff = repository.diff(&hash, Some(&commit.host), None).map_err(|error| told(&error))?;
    let mut lines: Vec<String> = diff.lines().take(LINES).map(shown).collect();
    if lines.len() == LINES {
        lines.push(format!("the rest is not shown: git -C hosts show {hash}"));
    }
    Ok((commit, lines))
}

/// A line without what browsers hide: what files hold is anything.
fn shown(line: &str) -> String {
    let shown = |c: char| match c {
        '\t' => "\t".to_owned(),
        c if c.is_control() || is_hidden(c) => c.escape_default().to_string(),
        c => c.to_string(),
    };
    line.chars().map(shown).collect()
}
