//! Alerts: those that fire, wait and are over, and what is silenced. Pure.

use super::{Places, Scene, badge, rows};
use crate::{
    command::AlertKey,
    net::Mac,
    page::{
        forms, layout,
        part::{Part, since, until},
        view::View,
    },
    state::{
        alerts::{Alert, Phase, Silence},
        words::Mood,
    },
};
use maud::{Markup, html};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    net::Ipv4Addr,
};

/// Alerts that are over and shown.
const OVER: usize = 50;

/// How many fire, for the head of every view.
pub fn loud(scene: Scene<'_>) -> Markup {
    let count = scene.state.alerts.loud(scene.now).len();
    html! {
        @match count {
            0 => span.quiet { "no alert" },
            1 => a.loud href=(View::Alerts.url()) { "1 alert" },
            count => a.loud href=(View::Alerts.url()) { (count) " alerts" },
        }
    }
}

/// The parts of the view.
pub fn parts(scene: Scene<'_>) -> Vec<Part> {
    let alerts = &scene.state.alerts;
    let mut open: Vec<_> = alerts.open.iter().collect();
    open.sort_by_key(|(key, alert)| (rank(scene, key, alert), alert.severity, alert.since));
    let over = alerts.over.iter().rev().take(OVER);
    let silences = alerts.silences.iter().filter(|silence| silence.until > scene.now);
    let silences: Vec<_> = silences.map(silenced).collect();
    let none = html! { @if alerts.open.is_empty() { "Nothing is wrong that a rule knows of." } };
    vec![
        Part::whole("none", none),
        Part::rows("open", open.into_iter().map(|(key, alert)| row(scene, key, alert))),
        Part::whole(
            "silences",
            html! { @if !silences.is_empty() { h2 { "Silences" } ul { @for silence in silences { li { (silence) } } } } },
        ),
        Part::rows("over", over.map(|(key, alert)| row(scene, key, alert))),
    ]
}

/// Where they stand.
pub fn body(places: &Places<'_>) -> Markup {
    let heads = html! {
        thead { tr {
            th scope="col" { "state" }
            th scope="col" { "severity" }
            th scope="col" { "rule" }
            th scope="col" { "machine" }
            th scope="col" { "what" }
            th scope="col" { "since" }
            th scope="col" { "told" }
            td {}
        } }
    };
    html! {
        section aria-labelledby="h-open" {
            h2 #h-open { "Now" }
            p #none { (places.put("none")) }
            div.scrolls tabindex="0" role="region" aria-label="Alerts that are open" {
                table.alerts { caption.hidden { "Alerts that fire or wait" } (heads) tbody #open { (places.put("open")) } }
            }
        }
        div #silences { (places.put("silences")) }
        section aria-labelledby="h-over" {
            h2 #h-over { "Over" }
            div.scrolls tabindex="0" role="region" aria-label="Alerts that are over" {
                table.alerts { caption.hidden { "Alerts that are over" } (heads) tbody #over { (places.put("over")) } }
            }
        }
    }
}

/// Those of a machine, above all else on its page.
pub fn of_machine(scene: Scene<'_>, at: Ipv4Addr, mac: Mac) -> Markup {
    let is_its = |key: &AlertKey| key.segment == Some(at) && key.mac == Some(mac);
    let open: Vec<_> = scene.state.alerts.open.iter().filter(|(key, _)| is_its(key)).collect();
    html! {
        @if !open.is_empty() {
            section.troubles aria-labelledby="h-alerts" {
                h2 #h-alerts { "Alerts" }
                ul { @for (key, alert) in open {
                    li { (phase(scene, key, alert)) " " strong { (name(key)) } ": " (alert.text) ", for " (since(alert.since)) }
                } }
            }
        }
    }
}

/// Loud ones first, then those that somebody looks after, that are silenced, that wait.
fn rank(scene: Scene<'_>, key: &AlertKey, alert: &Alert) -> u8 {
    match alert.phase {
        Phase::Firing if alert.acknowledged.is_some() => 1,
        Phase::Firing if scene.state.alerts.silence_of(key, scene.now).is_some() => 2,
        Phase::Firing => 0,
        Phase::Pending => 3,
        Phase::Resolved => 4,
    }
}

fn phase(scene: Scene<'_>, key: &AlertKey, alert: &Alert) -> Markup {
    match rank(scene, key, alert) {
        0 => badge(Mood::Bad, "fires"),
        1 => badge(Mood::Busy, "acknowledged"),
        2 => badge(Mood::Idle, "silenced"),
        3 => badge(Mood::Busy, "waits"),
        _ => badge(Mood::Good, "over"),
    }
}

/// `down`, `service tcp 22`.
fn name(key: &AlertKey) -> String {
    if key.subject.is_empty() { key.rule.clone() } else { format!("{} {}", key.rule, key.subject) }
}

fn id(key: &AlertKey, alert: &Alert) -> String {
    let mut hasher = DefaultHasher::new();
    (key, alert.resolved).hash(&mut hasher);
    format!("a-{:x}", hasher.finish())
}

fn row(scene: Scene<'_>, key: &AlertKey, alert: &Alert) -> (String, Markup) {
    let id = id(key, alert);
    let known = key.segment.zip(key.mac).and_then(|(at, mac)| Some((at, scene.state.machine(at, mac)?)));
    let row = html! {
        tr #(id) {
            td { (phase(scene, key, alert)) @if alert.damped { " " span.note { "comes and goes" } } }
            td { span class={ "severity " (rows::severity_class(alert.severity)) } { (alert.severity) } }
            th scope="row" { (name(key)) }
            td { @match known {
                Some((at, machine)) => (super::link(at, machine)),
                None => @match (key.mac, key.segment) {
                    (Some(mac), _) => (mac),
                    (None, Some(segment)) => (segment),
                    (None, None) => "PXElator",
                },
            } }
            td.words {
                (alert.text)
                @if let Some((by, _, note)) = &alert.acknowledged {
                    " " span.note { (by) " looks after it" @if let Some(note) = note { ": " (note) } }
                }
            }
            td { @match alert.resolved {
                None => (since(alert.since)),
                Some(at) => { (rows::clock(alert.since)) span.note { " for " (crate::state::words::span(alert.since, at)) } }
            } }
            td { @for (receiver, told) in &alert.told { @match told {
                Ok(_) => span.note { (receiver) " " },
                Err(error) => span.bad title=(error) { (receiver) " not: " (error) " " },
            } } }
            td.does { @if alert.resolved.is_none() { (what_to_do(scene, key, alert, &id)) } }
        }
    };
    (id, row)
}

/// The forms are of whoever looks; see [`layout::CSRF`].
fn what_to_do(scene: Scene<'_>, key: &AlertKey, alert: &Alert, id: &str) -> Markup {
    let viewer = layout::anybody(&View::Alerts);
    html! {
        @if alert.acknowledged.is_none() && alert.phase == Phase::Firing {
            details.act #(format!("{id}-a")) { summary { "Acknowledge" } (forms::acknowledge(&viewer, key)) }
        }
        @match scene.state.alerts.silence_of(key, scene.now) {
            // Only what was said of this one is taken back here.
            Some(silence) if silence.rule.as_ref() == Some(&key.rule) => (forms::unsilence(&viewer, key)),
            _ => details.act #(format!("{id}-s")) { summary { "Silence" } (forms::silence(&viewer, key)) },
        }
    }
}

fn silenced(silence: &Silence) -> Markup {
    html! {
        @match (&silence.rule, &silence.subject) {
            (Some(rule), Some(subject)) => { (rule) " " (subject) },
            (Some(rule), None) => (rule),
            (None, _) => "all alerts",
        }
        @if let Some(mac) = silence.mac { " of " (mac) } @else if let Some(segment) = silence.segment { " of " (segment) }
        ": for " (until(silence.until)) " yet, says " (silence.by)
    }
}
