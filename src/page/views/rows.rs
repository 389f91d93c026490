//! Events as rows of a table, which audit, syslog and machines share. Pure.

use super::Scene;
use crate::{
    event::{Event, Fact, Severity},
    page::view::View,
    state::words::who,
};
use jiff::{Timestamp, tz::TimeZone};
use maud::{Markup, html};
use std::hash::{DefaultHasher, Hash, Hasher};

/// The `id` of an event's row: events have none of their own.
pub fn id(event: &Event) -> String {
    let mut hasher = DefaultHasher::new();
    (event.machine, event.mac, event.kind(), event.fact.to_string()).hash(&mut hasher);
    format!("e-{:x}-{:x}", event.time.as_microsecond(), hasher.finish())
}

/// `2026-11-26 09:20:05`, where the program runs.
pub fn clock(at: Timestamp) -> Markup {
    let shown = at.to_zoned_datetime(TimeZone::system());
    html! { time datetime=(format!("{at:.3}")) { span.day { (shown.strftime("%Y-%m-%d")) } " " (shown.strftime("%H:%M:%S")) } }
}

/// How a severity is shown: its class.
pub fn severity_class(severity: Severity) -> &'static str {
    match severity {
        Severity::Emerg | Severity::Alert | Severity::Crit | Severity::Err => "bad",
        Severity::Warning => "busy",
        Severity::Notice => "notice",
        Severity::Info | Severity::Debug => "idle",
    }
}

/// The heads of the rows' columns.
pub fn heads(is_syslog: bool) -> Markup {
    html! {
        thead { tr {
            th scope="col" { "time" }
            th scope="col" { "severity" }
            th scope="col" { "machine" }
            th scope="col" { @if is_syslog { "program" } @else { "kind" } }
            th scope="col" { "what happened" }
        } }
    }
}

/// An event as a row. Of a message of a machine the kind is its program.
pub fn row(scene: Scene<'_>, event: &Event, is_syslog: bool) -> (String, Markup) {
    let id = id(event);
    let severity = event.severity();
    let segment = event.segment.and_then(|segment| scene.state.segments.get(&segment));
    let name = who(segment, event);
    let known = match (event.segment, event.mac) {
        (Some(at), Some(mac)) => segment.filter(|segment| segment.machines.contains_key(&mac)).map(|_| (at, mac)),
        (Some(at), None) => segment
            .and_then(|segment| segment.machines.values().find(|m| m.address.is_some() && m.address == event.machine))
            .map(|machine| (at, machine.mac)),
        _ => None,
    };
    let (kind, words) = match &event.fact {
        Fact::SyslogReceived { tag, text, .. } if is_syslog => (tag.clone().unwrap_or_default(), text.clone()),
        fact => (event.kind().to_owned(), fact.to_string()),
    };
    let row = html! {
        tr #(id) {
            td.when { (clock(event.time)) }
            td { span class={ "severity " (severity_class(severity)) } { (severity) } }
            td.who { @match known { Some((at, mac)) => a href=(View::Machine(at, mac).url()) { (name) }, None => (name) } }
            td.kind { (kind) }
            td.words { (words) }
        }
    };
    (id, row)
}

/// A table of events with rows of their own.
pub fn table(id: &str, caption: &str, rows: Markup, is_syslog: bool) -> Markup {
    html! {
        div.scrolls tabindex="0" role="region" aria-label=(caption) {
            table.events { caption.hidden { (caption) } (heads(is_syslog)) tbody id=(id) { (rows) } }
        }
    }
}
