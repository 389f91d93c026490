//! Views: each makes its parts of what is known, and says where they stand on the page. Pure; one file a view.

mod alerts;
mod audit;
mod boots;
mod changes;
mod graphs;
mod leases;
mod machine;
mod machines;
mod overview;
mod rows;
#[cfg(test)]
mod tests;
mod waterfall;

use super::{
    Viewer,
    part::{Part, with_times},
    view::View,
};
use crate::{
    conf::Conf,
    event::Event,
    filter::{Filter, FilterError},
    state::{Machine, Replica, Segment, State, words::Mood},
    track::Commit,
    trend::Series,
};
use jiff::Timestamp;
use maud::{Markup, PreEscaped, html};
use std::{collections::BTreeMap, net::Ipv4Addr, sync::Arc};

/// What there is to show.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The segments as they stand.
    pub state: &'a State,
    /// The conf tree.
    pub conf: &'a Conf,
    /// How far databases are behind.
    pub replicas: &'a BTreeMap<String, Replica>,
    /// What was looked up for this view.
    pub extra: &'a Extra,
    /// The present.
    pub now: Timestamp,
}

/// What a view has that the state has not: it was looked up in files.
#[derive(Clone, Debug, Default)]
pub enum Extra {
    /// Nothing.
    #[default]
    None,
    /// What a filter wants, or what is wrong with it.
    Filter(Result<Wanted, FilterError>),
    /// What was measured, by family; why there is nothing.
    Graphs(Vec<Result<Series, String>>),
    /// Changes of machines' files, the newest first.
    Commits(Result<Vec<Commit>, String>),
    /// One of them, with the lines of its diff.
    Commit(Result<(Commit, Vec<String>), String>),
}

/// Events that a filter wants.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The filter.
    pub filter: Filter,
    /// What the journal has of them, the oldest first.
    pub events: Vec<Arc<Event>>,
    /// Why it could not be asked.
    pub trouble: Option<String>,
}

pub use self::{audit::SHOWN, machine::FAMILIES, rows::clock};

/// The parts of a view.
pub fn parts(view: &View, scene: Scene<'_>) -> Vec<Part> {
    let mut parts = vec![Part::whole("loud", alerts::loud(scene))];
    parts.extend(match view {
        View::Overview => overview::parts(scene),
        View::Machines(words) => machines::parts(scene, words),
        View::Machine(segment, mac) => machine::parts(scene, *segment, *mac),
        View::Alerts => alerts::parts(scene),
        View::Syslog(_) => audit::parts(scene, true),
        View::Audit(_) => audit::parts(scene, false),
        View::Leases(words) => leases::parts(scene, words),
        View::Graphs(graphs) => graphs::parts(scene, graphs),
        View::Changes(_) => changes::parts(scene),
        View::Change(_) => changes::one(scene),
    });
    parts
}

/// Where the parts of a view stand, with what who looks may do to it.
pub fn body(view: &View, places: &Places<'_>, scene: Scene<'_>, viewer: &Viewer) -> Markup {
    match view {
        View::Overview => overview::body(places),
        View::Machines(words) => machines::body(places, words),
        View::Machine(segment, mac) => machine::body(places, scene, *segment, *mac, viewer),
        View::Alerts => alerts::body(places),
        View::Syslog(words) => audit::body(places, scene, words, true),
        View::Audit(words) => audit::body(places, scene, words, false),
        View::Leases(words) => leases::body(places, words),
        View::Graphs(graphs) => graphs::body(places, scene, graphs),
        View::Changes(host) => changes::body(places, scene, host.as_deref()),
        View::Change(hash) => changes::one_body(places, hash),
    }
}

/// What is to be known at the next look: the state forgets what is old.
pub fn keep(view: &View, scene: Scene<'_>) -> Option<Extra> {
    let Extra::Filter(Ok(wanted)) = scene.extra else { return None };
    let events = audit::kept(scene, wanted, matches!(view, View::Syslog(_)));
    Some(Extra::Filter(Ok(Wanted { events, ..wanted.clone() })))
}

/// What a view is of, more exactly than its title says.
pub fn of(view: &View, scene: Scene<'_>) -> Option<String> {
    match view {
        View::Machine(at, mac) => Some(scene.state.machine(*at, *mac).map_or_else(|| mac.to_string(), Machine::name)),
        _ => None,
    }
}

/// There is such a thing.
pub fn is_there(view: &View, scene: Scene<'_>) -> bool {
    match view {
        View::Machine(at, mac) => scene.state.machine(*at, *mac).is_some(),
        View::Change(_) => matches!(scene.extra, Extra::Commit(Ok(_))),
        _ => true,
    }
}

/// The parts of a view, to be put where they belong.
pub struct Places<'a> {
    parts: &'a [Part],
    now: Timestamp,
}

impl<'a> Places<'a> {
    /// These, with times as of that moment.
    pub fn new(parts: &'a [Part], now: Timestamp) -> Places<'a> {
        Places { parts, now }
    }

    /// What belongs into the element with this `id`.
    pub fn put(&self, id: &str) -> Markup {
        let part = self.parts.iter().find(|part| part.id == id);
        part.map_or(PreEscaped(String::new()), |part| with_times(&part.html(), self.now))
    }
}

/// The segments that are in conf now, here or on another server.
fn current<'a>(scene: Scene<'a>) -> impl Iterator<Item = (Ipv4Addr, &'a Segment)> {
    scene.state.segments.iter().filter(|(_, segment)| segment.current).map(|(address, segment)| (*address, segment))
}

/// Their machines: those of conf by address, then those that were only seen.
fn machines<'a>(scene: Scene<'a>) -> Vec<(Ipv4Addr, &'a Machine)> {
    let mut all: Vec<_> =
        current(scene).flat_map(|(at, segment)| segment.machines.values().map(move |machine| (at, machine))).collect();
    all.sort_by_key(|(at, machine)| (*at, !machine.in_conf, machine.address, machine.mac));
    all
}

/// All words are in `text`, whatever their case.
fn has_words(words: &str, text: &str) -> bool {
    let text = text.to_lowercase();
    words.to_lowercase().split_whitespace().all(|word| text.contains(word))
}

/// The class that a mood has.
fn class(mood: Mood) -> &'static str {
    match mood {
        Mood::Idle => "idle",
        Mood::Busy => "busy",
        Mood::Good => "good",
        Mood::Bad => "bad",
    }
}

/// Words with a mark before them, which says without colour how they are meant.
fn badge(mood: Mood, words: &str) -> Markup {
    let mark = match mood {
        Mood::Idle => "○",
        Mood::Busy => "◐",
        Mood::Good => "●",
        Mood::Bad => "✖",
    };
    html! { span class={ "badge " (class(mood)) } { span.mark aria-hidden="true" { (mark) } " " (words) } }
}

/// A machine's name as a link to its page.
fn link(segment: Ipv4Addr, machine: &Machine) -> Markup {
    html! { a href=(View::Machine(segment, machine.mac).url()) { (machine.name()) } }
}

/// A field for words or a filter, sent without a script.
fn search(view: &View, label: &str, typed: &str, hint: &str, fault: Option<&FilterError>) -> Markup {
    let path = view.url();
    let path = path.split('?').next().unwrap_or_default();
    html! {
        form.search role="search" method="get" action=(path) {
            label for="q" { (label) }
            input #q name="q" type="search" value=(typed) placeholder=(hint) autocomplete="off" autocapitalize="off" spellcheck="false"
                aria-invalid=[fault.map(|_| "true")] aria-describedby=[fault.map(|_| "fault")];
            button { "Show" }
            @if !typed.is_empty() { a.clear href=(path) { "Show all" } }
        }
        @if let Some(fault) = fault { pre #fault .fault role="alert" tabindex="0" { (fault) } }
    }
}
