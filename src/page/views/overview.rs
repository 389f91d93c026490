//! The segments at a glance: what is wrong, how many machines are how far, boots under way, what was heard last. Pure.

use super::{Places, Scene, badge, boots, class, current, machines::id, rows};
use crate::{
    event::{Event, Severity},
    page::{
        part::Part,
        view::{View, coded},
    },
    state::{
        Health, Machine, Segment,
        checked::CheckResult,
        troubles::troubles,
        words::{Mood, standing},
    },
};
use maud::{Markup, html};
use std::{collections::BTreeMap, net::Ipv4Addr, sync::Arc};

/// Events that are shown, the newest.
const HEARD: usize = 15;
/// Troubles that are shown.
const TROUBLES: usize = 12;

/// The parts of the view.
pub fn parts(scene: Scene<'_>) -> Vec<Part> {
    let boots = boots::rows(scene);
    let boots = if boots.is_empty() {
        vec![("no-boot".to_owned(), html! { li #no-boot .note { "No machine boots now." } })]
    } else {
        boots
    };
    vec![
        Part::whole("troubles", troubled(scene)),
        Part::rows("segments", current(scene).map(|(at, segment)| card(scene, at, segment))),
        Part::rows("tiles", super::machines(scene).into_iter().map(|(at, machine)| tile(at, machine))),
        Part::rows("boots", boots),
        Part::rows("heard", heard(scene).into_iter().map(|event| rows::row(scene, event, false))),
    ]
}

/// Where they stand.
pub fn body(places: &Places<'_>) -> Markup {
    html! {
        div #troubles { (places.put("troubles")) }
        div.pair {
            section aria-labelledby="h-segments" {
                h2 #h-segments { "Segments" }
                div #segments .cards { (places.put("segments")) }
            }
            section aria-labelledby="h-boots" {
                h2 #h-boots { "Boots under way" }
                ul #boots .plain { (places.put("boots")) }
            }
        }
        section aria-labelledby="h-machines" {
            h2 #h-machines { "Machines" }
            ul #tiles .tiles { (places.put("tiles")) }
        }
        section aria-labelledby="h-heard" {
            h2 #h-heard { "Heard last" }
            (rows::table("heard", "What was heard last", places.put("heard"), false))
        }
    }
}

fn troubled(scene: Scene<'_>) -> Markup {
    let all = troubles(scene.state, scene.replicas);
    html! {
        @if !all.is_empty() {
            section.troubles aria-labelledby="h-troubles" {
                h2 #h-troubles { (all.len()) @if all.len() == 1 { " trouble" } @else { " troubles" } }
                ul {
                    @for trouble in all.iter().take(TROUBLES) { li { strong { (trouble.what) } ": " (trouble.next_step) } }
                    @if all.len() > TROUBLES { li { "and " (all.len() - TROUBLES) " more" } }
                }
            }
        }
    }
}

fn card(scene: Scene<'_>, at: Ipv4Addr, segment: &Segment) -> (String, Markup) {
    let id = format!("s-{}", at.to_string().replace('.', "-"));
    let mut counts: BTreeMap<&str, (Mood, usize)> = BTreeMap::new();
    for machine in segment.machines.values() {
        let standing = standing(machine);
        let word = match standing.mood {
            Mood::Busy => "booting",
            Mood::Good => "up",
            Mood::Bad => "stalled",
            Mood::Idle if !machine.in_conf => "only seen",
            Mood::Idle => "idle or off",
        };
        counts.entry(word).or_insert((standing.mood, 0)).1 += 1;
    }
    let failed: usize = checks(segment).filter(|result| *result == CheckResult::Failed).count();
    let passed: usize = checks(segment).filter(|result| *result == CheckResult::Passed).count();
    let card = html! {
        article #(id) .card {
            h3 { (at) " " span.note { (segment.domain) ", " (segment.mode) @if segment.remote { ", another server's" } } }
            ul.counts {
                @for (word, (mood, count)) in &counts {
                    li class=(class(*mood)) { a href=(format!("{}?q={}", View::Machines(String::new()).url(), coded(asked(word)))) { strong { (count) } " " (word) } }
                }
                @if counts.is_empty() { li { "No machine yet: one that boots from the network appears here." } }
            }
            @if !segment.services.is_empty() {
                ul.services aria-label="Services" {
                    @for (service, health) in &segment.services {
                        li { @match health {
                            Health::Running { .. } => (badge(Mood::Good, service.name())),
                            Health::Failed { .. } => (badge(Mood::Bad, &format!("{service} failed"))),
                            Health::Stopped => (badge(Mood::Idle, &format!("{service} stopped"))),
                        } }
                    }
                }
            }
            @if let Some((used, size)) = pool(scene, segment) {
                p.line {
                    span #(format!("pool-{id}")) { "Pool: " (used) " of " (size) " in use" } " "
                    meter aria-labelledby=(format!("pool-{id}")) min="0" max=(size) high=(size * 9 / 10) optimum="0" value=(used.min(size)) { (used) " of " (size) }
                }
            }
            @if passed + failed > 0 {
                p.line {
                    @if failed > 0 { (badge(Mood::Bad, &format!("{failed} checks fail"))) " " }
                    (badge(Mood::Good, &format!("{passed} checks come through")))
                }
            }
            @for (link, _) in segment.links.values() {
                p.line { "Cable: at port " (link.port) " of " (link.system) }
            }
            @for (mac, (address, _)) in &segment.rivals {
                p.bad { (badge(Mood::Bad, &format!("another DHCP server answers: {address}, {mac}"))) }
            }
        }
    };
    (id, card)
}

/// Words that find these machines.
fn asked(word: &str) -> &str {
    match word {
        "stalled" | "up" => word,
        "only seen" => "seen",
        _ => "",
    }
}

fn checks(segment: &Segment) -> impl Iterator<Item = CheckResult> {
    let of_machines = segment.machines.values().flat_map(|machine| machine.checks.values());
    segment.checks.values().chain(of_machines).map(|checked| checked.result)
}

/// Addresses of the pool in use, and how many it has.
fn pool(scene: Scene<'_>, segment: &Segment) -> Option<(u64, u64)> {
    let (first, last) = segment.pool?;
    let is_of_it = |address: Ipv4Addr| (first..=last).contains(&address);
    let used = segment.leases.iter().filter(|lease| is_of_it(lease.address) && lease.is_active(scene.now)).count();
    Some((used as u64, u64::from(last.to_bits().saturating_sub(first.to_bits())) + 1))
}

fn tile(at: Ipv4Addr, machine: &Machine) -> (String, Markup) {
    let id = id("t", at, machine);
    let standing = standing(machine);
    let tile = html! {
        li #(id) .tile .(class(standing.mood)) .seen[!machine.in_conf] {
            a href=(View::Machine(at, machine.mac).url()) { (machine.name()) }
            (badge(standing.mood, &standing.word))
        }
    };
    (id, tile)
}

fn heard(scene: Scene<'_>) -> Vec<&Arc<Event>> {
    let segments = current(scene).flat_map(|(_, segment)| segment.events.iter().rev().take(HEARD * 4));
    let program = scene.state.program.iter().rev().take(HEARD);
    let mut events: Vec<_> = segments.chain(program).filter(|event| event.severity() < Severity::Debug).collect();
    events.sort_by_key(|event| std::cmp::Reverse(event.time));
    events.truncate(HEARD);
    events
}
