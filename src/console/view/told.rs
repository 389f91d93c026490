//! What has no pane of its own, and what a console of lines shows of the panes: as lines of words. Pure.

use super::{Scene, alerts, power, replica, words};
use crate::{
    console::{
        lines::current,
        model::{Model, Pane},
        order::List,
        rooms::typed::Typed,
    },
    event::{Event, Fact},
    state::{Had, Health, Lease, Machine, Segment},
};
use std::net::Ipv4Addr;

/// What a list is called.
pub fn title(list: List) -> &'static str {
    match list {
        List::Machines => "Machines",
        List::Leases => "Leases",
        List::Syslog => "Syslog",
        List::Audit => "Audit",
        List::Servers => "Servers",
        List::Segments => "Segments",
        List::Replicas => "Replicas",
        List::Power => "Power",
    }
}

/// The lines of a list.
pub fn list(scene: Scene<'_>, list: List) -> Vec<String> {
    let Scene { model, state, .. } = scene;
    let shown = model.segment(state).map(|(_, segment)| segment);
    match list {
        List::Machines => {
            model.machines(state).into_iter().map(|(at, machine)| of_machine(scene, at, machine)).collect()
        }
        List::Leases => model.leases(state).into_iter().map(|lease| of_lease(scene, shown, lease)).collect(),
        List::Syslog => events(scene, model, Pane::Syslog),
        List::Audit => events(scene, model, Pane::Audit),
        List::Servers => servers(scene),
        List::Segments => current(state).map(|(at, segment)| of_segment(scene, at, segment)).collect(),
        List::Power => {
            let switched = model.machines(state).into_iter().filter(|(_, machine)| machine.in_conf);
            switched.map(|(at, machine)| power::words(scene, at, machine)).collect()
        }
        List::Replicas => scene.replicas.values().map(|replica| replica::words(scene, replica, true).0).collect(),
    }
}

/// What is said where a list has no lines.
pub fn nothing(list: List) -> &'static str {
    match list {
        List::Machines | List::Power => "no machine",
        List::Leases => "no address is leased",
        List::Syslog | List::Audit => "no line fits",
        List::Servers | List::Segments => "no segment is served yet",
        List::Replicas => "no database is named in conf",
    }
}

fn of_machine(scene: Scene<'_>, at: Ipv4Addr, machine: &Machine) -> String {
    let standing = words::standing(machine);
    let mut parts = vec![machine.name()];
    if scene.model.fleet {
        parts.push(format!("of {at}"));
    }
    parts.push(machine.address.map_or_else(|| "no address".to_owned(), |address| address.to_string()));
    if machine.hostname.is_some() {
        parts.push(machine.mac.to_string());
    }
    parts.extend(machine.firmware.map(|firmware| firmware.to_string()));
    if !machine.in_conf {
        parts.push("not in conf".to_owned());
    }
    let since = standing.since.map(|since| format!(" since {}", words::span(since, scene.now))).unwrap_or_default();
    parts.push(format!("{}{since}", standing.word));
    if let Some(method) = &machine.power_method {
        parts.push(match machine.power {
            Some(state) => format!("power {}", state.name()),
            None => format!("power by {method}, not known whether on"),
        });
    }
    parts.extend(words::heard(machine).map(|heard| heard.to_string()));
    parts.join(", ")
}

fn of_lease(scene: Scene<'_>, segment: Option<&Segment>, lease: &Lease) -> String {
    let name = words::holder(segment, lease).map(|name| format!(", {name}")).unwrap_or_default();
    let left = words::left(lease, scene.now);
    let left = if left == "ended" { left } else { format!("{left} left") };
    format!("{}, {}{name}, of {}, {left}", lease.address, lease.mac, words::source(lease))
}

fn events(scene: Scene<'_>, model: &Model, pane: Pane) -> Vec<String> {
    let segment = model.segment(scene.state).map(|(_, segment)| segment);
    model.events(scene.state, pane).into_iter().map(|event| of_event(scene, segment, event)).collect()
}

/// An event in a line: when, who, what kind, and its words.
pub fn of_event(scene: Scene<'_>, segment: Option<&Segment>, event: &Event) -> String {
    let who = Some(words::who(segment, event)).filter(|who| !who.is_empty()).unwrap_or_else(|| "-".to_owned());
    format!("{} {who} {} {}: {}", scene.clock(event.time), event.severity(), event.kind(), event.fact)
}

/// What is open of alerts.
pub fn alerts(scene: Scene<'_>) -> Vec<String> {
    alerts::told(scene)
}

/// Changes of machines' files that are remembered, the oldest first; of one machine, or with these words.
pub fn changes(scene: Scene<'_>, host: Option<&str>, words: &str) -> Vec<String> {
    let words = Typed { text: words.to_owned(), before: None };
    let shown = current(scene.state).flat_map(|(_, segment)| segment.events.iter().map(move |event| (segment, event)));
    let changed = shown.filter(|(_, event)| matches!(event.fact, Fact::TrackChanged { .. }));
    let lines = changed.filter_map(|(segment, event)| {
        let who = words::who(Some(segment), event);
        let line = format!("{} {who}: {}", scene.clock(event.time), event.fact);
        (host.is_none_or(|host| host == who) && words.fits(&line)).then_some((event.time, line))
    });
    let mut lines: Vec<_> = lines.collect();
    lines.sort();
    if lines.is_empty() {
        return vec!["no change is remembered; pxelator changes has all that are kept".to_owned()];
    }
    lines.into_iter().map(|(_, line)| line).collect()
}

/// Whether machines have recipes, as was told last: a line a machine and recipe.
pub fn recipes(scene: Scene<'_>) -> Vec<String> {
    let all = scene.model.machines(scene.state).into_iter().flat_map(|(_, machine)| {
        machine.tracked.iter().flat_map(move |(container, tracked)| {
            let of = container.as_ref().map(|name| format!(", container {name}")).unwrap_or_default();
            let line = move |(recipe, had): (&String, &Had)| {
                format!("{}{of}: {recipe}: {} at {}", machine.name(), had.came, scene.clock(had.at))
            };
            tracked.recipes.iter().map(line)
        })
    });
    let lines: Vec<String> = all.collect();
    if lines.is_empty() {
        return vec!["nothing is known of recipes on machines yet; check RECIPE MACHINE looks".to_owned()];
    }
    lines
}

fn servers(scene: Scene<'_>) -> Vec<String> {
    let shown = current(scene.state);
    let lines = shown.flat_map(|(at, segment)| {
        segment.services.iter().map(move |(service, health)| {
            let how = match health {
                Health::Running { address } => format!("runs: {address}"),
                Health::Failed { error, next_step, since } => {
                    format!("failed since {}: {error}; {next_step}", words::span(*since, scene.now))
                }
                Health::Stopped => "stopped".to_owned(),
            };
            format!("{service} of {at} {how}")
        })
    });
    lines.collect()
}

fn of_segment(scene: Scene<'_>, at: Ipv4Addr, segment: &Segment) -> String {
    let in_conf = segment.machines.values().filter(|machine| machine.in_conf).count();
    let mut parts = vec![format!("{at} {}", segment.domain), format!("mode {}", segment.mode)];
    parts.extend(segment.pool.map(|(first, last)| format!("pool {first} to {last}")));
    parts.push(format!("{in_conf} machines of conf, {} seen", segment.machines.len() - in_conf));
    parts.extend(segment.links.values().map(|(link, _)| format!("cable at port {} of {}", link.port, link.system)));
    if segment.remote {
        let heard =
            segment.heard.map_or_else(|| "never".to_owned(), |at| format!("{} ago", words::span(at, scene.now)));
        parts.push(format!("of another server, heard {heard}"));
    }
    if scene.model.segment(scene.state).is_some_and(|(shown, _)| shown == at) {
        parts.push("shown".to_owned());
    }
    parts.join(", ")
}
