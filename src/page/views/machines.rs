//! All machines as a table. Pure.

use super::{Places, Scene, badge, class, has_words, link, search};
use crate::{
    page::{
        part::{Part, since},
        view::{View, dashed},
    },
    state::{
        Machine,
        words::{Heard, Mood, heard, power_column, standing},
    },
};
use maud::{Markup, html};
use std::net::Ipv4Addr;

/// The parts of the view.
pub fn parts(scene: Scene<'_>, words: &str) -> Vec<Part> {
    let all = super::machines(scene);
    let shown: Vec<_> = all.iter().filter(|(at, machine)| has_words(words, &described(*at, machine))).collect();
    let count = html! {
        @if shown.len() == all.len() { (all.len()) " machines" } @else { (shown.len()) " of " (all.len()) " machines" }
    };
    vec![Part::whole("count", count), Part::rows("machines", shown.into_iter().map(|(at, machine)| row(*at, machine)))]
}

/// Where they stand.
pub fn body(places: &Places<'_>, words: &str) -> Markup {
    html! {
        (search(&View::Machines(String::new()), "Machines with these words", words, "web stalled", None))
        p #count .count { (places.put("count")) }
        div.scrolls tabindex="0" role="region" aria-label="Machines" {
            table.machines {
                caption.hidden { "Machines, those of conf first" }
                thead { tr {
                    th scope="col" { "name" }
                    th scope="col" { "address" }
                    th.wide scope="col" { "MAC" }
                    th.wide scope="col" { "firmware" }
                    th scope="col" { "stage" }
                    th scope="col" { "since" }
                    th scope="col" { "power" }
                    th.wide scope="col" { "last word" }
                } }
                tbody #machines { (places.put("machines")) }
            }
        }
    }
}

/// The `id` of a machine's element in a list.
pub fn id(kind: &str, segment: Ipv4Addr, machine: &Machine) -> String {
    format!("{kind}-{}-{}", segment.to_string().replace('.', "-"), dashed(machine.mac))
}

fn row(segment: Ipv4Addr, machine: &Machine) -> (String, Markup) {
    let id = id("m", segment, machine);
    let standing = standing(machine);
    let (power, power_mood) = power_column(machine);
    let word = heard(machine);
    let mood = match &word {
        Some(Heard::Asked(_)) => class(Mood::Busy),
        Some(Heard::Verdict(_)) => class(Mood::Bad),
        _ => "",
    };
    let row = html! {
        tr #(id) .seen[!machine.in_conf] {
            th scope="row" { (link(segment, machine)) @if !machine.in_conf { " " span.note { "seen" } } }
            td { @if let Some(address) = machine.address { (address) } }
            td.wide { (machine.mac) }
            td.wide { @if let Some(firmware) = machine.firmware { (firmware) } }
            td { (badge(standing.mood, &standing.word)) }
            td { @if let Some(at) = standing.since { (since(at)) } }
            td { @if !power.is_empty() { span class=(class(power_mood)) { (power) } } }
            td.wide.words { span class=(mood) { @if let Some(word) = word { (word) } } }
        }
    };
    (id, row)
}

fn described(segment: Ipv4Addr, machine: &Machine) -> String {
    let address = machine.address.map(|a| a.to_string()).unwrap_or_default();
    let firmware = machine.firmware.map(|f| f.to_string()).unwrap_or_default();
    format!(
        "{} {address} {segment} {} {firmware} {} {} {}",
        machine.name(),
        machine.mac,
        standing(machine).word,
        power_column(machine).0,
        if machine.in_conf { "" } else { "seen" }
    )
}
