//! One machine: how it stands, its boot as a waterfall, checks, alerts, graphs, changes, and what was heard of it. Pure.

use super::{Extra, Places, Scene, alerts, badge, class, graphs, rows, waterfall};
use crate::{
    conf,
    event::{Event, Severity},
    net::Mac,
    page::{
        Viewer, forms,
        part::{Part, since},
        view::{Graphs, Span, View, coded},
    },
    sample::Of,
    state::{
        Machine, Measured, Segment, Tracked,
        checked::{CheckResult, Checks},
        words::{Heard, Mood, bytes, ended, heard, power_column, power_state, standing, switching},
    },
};
use maud::{Markup, html};
use std::{collections::VecDeque, net::Ipv4Addr, sync::Arc};

/// Events of the machine that are shown, and messages.
const EVENTS: usize = 25;
/// Families whose graphs are shown, the first that there are.
pub const FAMILIES: [&str; 3] = ["ping", "boot", "load"];

/// The parts of the view.
pub fn parts(scene: Scene<'_>, at: Ipv4Addr, mac: Mac) -> Vec<Part> {
    let Some(segment) = scene.state.segments.get(&at) else { return vec![gone()] };
    let Some(machine) = segment.machines.get(&mac) else { return vec![gone()] };
    vec![
        Part::whole("standing", standing_of(machine)),
        Part::whole("alerts", alerts::of_machine(scene, at, mac)),
        Part::whole("boot", boot(machine)),
        Part::whole("boots", earlier(machine)),
        Part::whole("checks", checks(&machine.checks)),
        Part::whole("graphs", pictures(scene, at, machine)),
        Part::whole("files", files(machine)),
        Part::rows("events", last(scene, machine, &segment.events, false)),
        Part::rows("messages", last(scene, machine, &segment.syslog, true)),
    ]
}

fn gone() -> Part {
    Part::whole("standing", html! { p.bad { "It is gone: neither in conf nor heard of lately." } })
}

/// Where they stand.
pub fn body(places: &Places<'_>, scene: Scene<'_>, at: Ipv4Addr, mac: Mac, viewer: &Viewer) -> Markup {
    let segment: Option<&Segment> = scene.state.segments.get(&at);
    let machine = segment.and_then(|segment| segment.machines.get(&mac));
    let asked = |path: &str| format!("{}?q={}", path, coded(&format!("mac={mac}")));
    html! {
        div #standing { (places.put("standing")) }
        div #alerts { (places.put("alerts")) }
        @if let Some(machine) = machine {
            (actions(scene, at, machine, viewer))
            section aria-labelledby="h-boot" { h2 #h-boot { "Boot" } div #boot { (places.put("boot")) } div #boots { (places.put("boots")) } }
            div #checks { (places.put("checks")) }
            div #graphs { (places.put("graphs")) }
            div #files { (places.put("files")) }
            section aria-labelledby="h-events" {
                h2 #h-events { "Heard last" }
                (rows::table("events", "What was heard of it last", places.put("events"), false))
                p { a href=(asked(&View::Audit(String::new()).url())) { "All events of it in the audit" } }
            }
            section aria-labelledby="h-messages" {
                h2 #h-messages { "Logged last" }
                (rows::table("messages", "What it logged last", places.put("messages"), true))
                p { a href=(asked(&View::Syslog(String::new()).url())) { "All its messages" } }
            }
        }
    }
}

/// What who looks may do to it.
fn actions(scene: Scene<'_>, at: Ipv4Addr, machine: &Machine, viewer: &Viewer) -> Markup {
    let place = machine.address.map(|address| (at, address));
    let known = place.and_then(|place| Some((place, scene.conf.machine(place)?.1)));
    let profiles: Vec<&str> = scene.conf.profiles.keys().map(String::as_str).collect();
    html! {
        @if !machine.in_conf && viewer.may_act {
            @if let Some(there) = scene.conf.segments.get(&at) { (adopt(scene, there, machine, viewer)) }
        }
        @if let Some((place, of_conf)) = known.filter(|_| viewer.may_act) {
            section.actions aria-labelledby="h-actions" {
                h2 #h-actions { "Actions" }
                @if !of_conf.power.is_empty() { (forms::power(viewer, place)) }
                (forms::profile(viewer, place, &profiles, of_conf.boot.as_deref()))
                @if of_conf.boot_once.is_some() { (forms::disarm(viewer, place)) } @else { (forms::arm(viewer, place, &profiles)) }
                (forms::check(viewer, at, machine.address))
            }
        }
    }
}

fn adopt(scene: Scene<'_>, there: &conf::Segment, machine: &Machine, viewer: &Viewer) -> Markup {
    let leases = scene.state.segments.get(&there.server).map(|segment| &segment.leases);
    let taken = leases.into_iter().flat_map(|leases| leases.iter().map(|lease| lease.address)).collect();
    let suggested = conf::suggest(there, &taken, machine.mac, machine.address, machine.hostname.as_deref());
    let (address, name) = suggested.map(|(address, name)| (address.to_string(), name)).unwrap_or_default();
    html! {
        section.actions aria-labelledby="h-adopt" {
            h2 #h-adopt { "Make it a machine of conf" }
            (forms::adopt(viewer, there.server, machine.mac, &address, &name))
        }
    }
}

fn standing_of(machine: &Machine) -> Markup {
    let standing = standing(machine);
    let (_, power_mood) = power_column(machine);
    let fact = |name: &str, value: Option<String>| html! { @if let Some(value) = value { div { dt { (name) } dd { (value) } } } };
    html! {
        p.standing {
            (badge(standing.mood, &standing.word))
            @if let Some(at) = standing.since { " for " (since(at)) }
            @if !machine.in_conf { " · only seen: adopt it to make it a machine of conf" }
        }
        @if let Some(word) = switching(machine) { p.busy { (word) } }
        @else if let Some(Heard::Verdict(verdict)) = heard(machine) { p.bad { (verdict.cause) ": " (verdict.next_step) "." } }
        dl.facts {
            (fact("Address", machine.address.map(|a| a.to_string())))
            (fact("MAC", Some(machine.mac.to_string())))
            (fact("Made by", machine.vendor.clone()))
            (fact("Firmware", machine.firmware.map(|f| f.to_string())))
            (fact("Boots", Some(machine.profile.clone().unwrap_or_else(|| "no profile".to_owned()))))
            div { dt { "Power" } dd class=(class(power_mood)) { (power_state(machine)) @if let Some(method) = &machine.power_method { " (by " (method) ")" } } }
            @if let Some(arming) = machine.arming.as_ref().filter(|arming| arming.is_open()) {
                div { dt { "Armed with" } dd {
                    (arming.profile) ", " (arming.boots.len()) @if let Some(tries) = arming.tries { " of " (tries) } " boots"
                    @if let Some(then) = &arming.then { ", then " (then) }
                } }
            }
            @if let Some(at) = machine.last_seen { div { dt { "Heard of" } dd { (since(at)) " ago" } } }
        }
    }
}

fn boot(machine: &Machine) -> Markup {
    match machine.boot() {
        Some(boot) => waterfall::table(boot),
        None => html! { p.note { "No boot of it is remembered." } },
    }
}

fn earlier(machine: &Machine) -> Markup {
    html! {
        @if machine.boots.len() > 1 {
            details #earlier {
                summary { "Earlier boots: " (machine.boots.len() - 1) }
                ul { @for boot in machine.boots.iter().rev().skip(1) { li { (rows::clock(boot.began)) ": " (ended(boot)) } } }
            }
        }
    }
}

/// Checks as a section; nothing where there are none.
pub fn checks(checks: &Checks) -> Markup {
    html! {
        @if !checks.is_empty() {
            section aria-labelledby="h-checks" {
                h2 #h-checks { "Checks" }
                div.scrolls tabindex="0" role="region" aria-label="Results of checks" {
                    table {
                        thead { tr { th scope="col" { "check" } th scope="col" { "result" } th scope="col" { "since" } th scope="col" { "found" } } }
                        tbody {
                            @for (name, checked) in checks {
                                tr {
                                    th scope="row" { (name) }
                                    td { @match checked.result {
                                        CheckResult::Passed => (badge(Mood::Good, "passes")),
                                        CheckResult::Failed => (badge(Mood::Bad, "fails")),
                                        CheckResult::Paused => (badge(Mood::Idle, "paused")),
                                    } }
                                    td { (since(checked.since)) }
                                    td { (checked.said) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn pictures(scene: Scene<'_>, at: Ipv4Addr, machine: &Machine) -> Markup {
    let Some(address) = machine.address else { return html! {} };
    let Extra::Graphs(all) = scene.extra else { return html! {} };
    let shown: Vec<_> = all.iter().filter_map(|series| series.as_ref().ok()).collect();
    let all = View::Graphs(Graphs { of: Some(Of::Machine(at, address)), family: None, span: Span::Hour, to: None });
    html! {
        @if !shown.is_empty() {
            section aria-labelledby="h-graphs" {
                h2 #h-graphs { "Graphs" }
                div.graphs { @for series in shown { (graphs::figure(series)) } }
                p { a href=(all.url()) { "All its graphs" } }
            }
        }
    }
}

fn files(machine: &Machine) -> Markup {
    html! {
        @if !machine.tracked.is_empty() {
            section aria-labelledby="h-files" {
                h2 #h-files { "Files and recipes" }
                dl.facts { @for (container, tracked) in &machine.tracked { (kept(machine, container.as_deref(), tracked)) } }
                p { a href=(View::Changes(Some(machine.name())).url()) { "All changes of its files" } }
            }
        }
    }
}

fn kept(machine: &Machine, container: Option<&str>, tracked: &Tracked) -> Markup {
    let name = container.map_or_else(|| machine.name(), |name| format!("container {name}"));
    html! {
        div {
            dt { (name) }
            dd {
                @if let Some((what, next_step)) = &tracked.trouble { p.bad { (what) "; " (next_step) } }
                @else if let Some(looked) = tracked.looked {
                    p { "looked at " (since(looked)) " ago" @if let Some(files) = tracked.files { ", " (files) " files are kept" } }
                }
                @if let Some(change) = &tracked.change {
                    p { (rows::clock(change.at)) " " a href=(View::Change(change.commit.clone()).url()) { (change.subject) }
                        @if let Some(cause) = &change.cause { ", by " (cause) } }
                }
                @if let Some(measured) = &tracked.measured { p { (used(measured)) } }
                @for (recipe, had) in &tracked.recipes { p { "recipe " (recipe) ": " (had.came) } }
            }
        }
    }
}

/// `load 0.10 of 4, memory 35 % of 8.0 GiB, disk 70 % of 100 GiB`
fn used(measured: &Measured) -> String {
    let part = |(all, used): (u64, u64)| {
        format!("{} % of {}", used.saturating_mul(100).checked_div(all).unwrap_or(0), bytes(all))
    };
    let Measured { cpus, load, memory, disk } = *measured;
    format!("load {}.{:02} of {cpus}, memory {}, disk {}", load / 100, load % 100, part(memory), part(disk))
}

fn last(scene: Scene<'_>, machine: &Machine, events: &VecDeque<Arc<Event>>, is_syslog: bool) -> Vec<(String, Markup)> {
    let is_its = |event: &&Arc<Event>| match event.mac {
        Some(mac) => mac == machine.mac,
        None => event.machine.is_some() && event.machine == machine.address,
    };
    let shown = |event: &&Arc<Event>| is_syslog || event.severity() < Severity::Debug;
    let last = events.iter().rev().filter(is_its).filter(shown).take(EVENTS);
    last.map(|event| rows::row(scene, event, is_syslog)).collect()
}
