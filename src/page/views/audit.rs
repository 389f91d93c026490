//! Events that a filter wants, the newest first: the audit, and the messages of machines. Pure.

use super::{Extra, Places, Scene, Wanted, rows, search};
use crate::{
    event::{Event, Fact, Severity},
    filter::{EXAMPLES, FilterError, SYNTAX},
    page::{
        part::Part,
        view::{View, coded},
    },
};
use maud::{Markup, html};
use std::sync::Arc;

/// Events shown, the newest.
pub const SHOWN: usize = 300;

/// The parts of the view.
pub fn parts(scene: Scene<'_>, is_syslog: bool) -> Vec<Part> {
    let Extra::Filter(Ok(wanted)) = scene.extra else {
        return vec![Part::rows("events", [])];
    };
    let events = merged(scene, wanted, is_syslog);
    let count = html! {
        @match events.len() {
            0 if is_syslog => "No message of this kind is kept.",
            0 => "No event of this kind is kept.",
            1 => "1 event",
            SHOWN => { "The newest " (SHOWN) "; a narrower filter, as " code { "until=-1h" } ", shows older ones." },
            count => { (count) " events" },
        }
        @if let Some(trouble) = &wanted.trouble { " " span.bad { (trouble) } }
    };
    vec![
        Part::whole("count", count),
        Part::rows("events", events.iter().map(|event| rows::row(scene, event, is_syslog))),
    ]
}

/// What the journal has, and what came since; the newest first.
fn merged<'a>(scene: Scene<'a>, wanted: &'a Wanted, is_syslog: bool) -> Vec<&'a Arc<Event>> {
    let hides = wanted.filter.is_everything();
    let is_wanted = |event: &&Arc<Event>| {
        let is_detail = event.fact.is_progress() || hides && event.severity() == Severity::Debug;
        !is_detail && (!is_syslog || is_message(event)) && wanted.filter.matches(event)
    };
    let segments = || scene.state.segments.values();
    let messages = segments().flat_map(|segment| segment.syslog.iter());
    let others = segments().flat_map(|segment| segment.events.iter()).chain(&scene.state.program);
    let others = (!is_syslog).then_some(others).into_iter().flatten();
    let mut events: Vec<&Arc<Event>> = messages.chain(others).chain(&wanted.events).filter(is_wanted).collect();
    events.sort_by_key(|event| std::cmp::Reverse(event.time));
    // The journal has what the state has.
    let mut kept: Vec<&Arc<Event>> = Vec::with_capacity(SHOWN);
    for event in events {
        let mut same_time = kept.iter().rev().take_while(|before| before.time == event.time);
        if !same_time.any(|before| *before == event) {
            kept.push(event);
        }
        if kept.len() == SHOWN {
            break;
        }
    }
    kept
}

/// What [`Wanted`] is to keep for the next look: the state forgets what is old.
pub fn kept(scene: Scene<'_>, wanted: &Wanted, is_syslog: bool) -> Vec<Arc<Event>> {
    merged(scene, wanted, is_syslog).into_iter().rev().cloned().collect()
}

/// A message of a machine.
pub fn is_message(event: &Event) -> bool {
    matches!(event.fact, Fact::SyslogReceived { .. })
}

/// Where they stand.
pub fn body(places: &Places<'_>, scene: Scene<'_>, typed: &str, is_syslog: bool) -> Markup {
    let fault: Option<&FilterError> = match scene.extra {
        Extra::Filter(Err(fault)) => Some(fault),
        _ => None,
    };
    let (view, label, hint, of) = match is_syslog {
        true => {
            (View::Syslog(String::new()), "Messages that this filter wants", "machine=web1 severity<=err", "Messages")
        }
        false => (View::Audit(String::new()), "Events that this filter wants", EXAMPLES[0], "Events"),
    };
    html! {
        (search(&view, label, typed, hint, fault))
        details #syntax .syntax {
            summary { "How a filter is written" }
            p { code { (SYNTAX) } ". A bare word is looked for in the event's line. Fields: machine, mac, segment, service, kind, severity, \
                since, until, time, and any of the details." }
            @if !is_syslog {
                ul { @for example in EXAMPLES { li { a href=(format!("{}?q={}", view.url(), coded(example))) { code { (example) } } } } }
            }
        }
        p #count .count { (places.put("count")) }
        (rows::table("events", of, places.put("events"), is_syslog))
    }
}
