//! Who has which address, and for how long. Pure.

use super::{Places, Scene, current, has_words, search};
use crate::{
    page::{
        part::{Part, until},
        view::View,
    },
    state::{
        Lease, Segment,
        words::{holder, source},
    },
};
use maud::{Markup, html};
use std::net::Ipv4Addr;

/// The parts of the view.
pub fn parts(scene: Scene<'_>, words: &str) -> Vec<Part> {
    let all = || current(scene).flat_map(|(at, segment)| segment.leases.iter().map(move |lease| (at, segment, lease)));
    let wanted = |(at, segment, lease): &(Ipv4Addr, &Segment, &Lease)| {
        let name = holder(Some(segment), lease).unwrap_or_default();
        has_words(words, &format!("{} {} {name} {at} {}", lease.address, lease.mac, source(lease)))
    };
    let active = all().filter(|(_, _, lease)| lease.is_active(scene.now)).count();
    let rows = all().filter(wanted).map(|(at, segment, lease)| row(scene, at, segment, lease));
    vec![
        Part::whole("count", html! { (all().count()) " addresses given, " (active) " of them in use" }),
        Part::rows("leases", rows),
    ]
}

/// Where they stand.
pub fn body(places: &Places<'_>, words: &str) -> Markup {
    html! {
        (search(&View::Leases(String::new()), "Leases with these words", words, "10.77.0.1", None))
        p #count .count { (places.put("count")) }
        div.scrolls tabindex="0" role="region" aria-label="Leases" {
            table {
                caption.hidden { "Leases by address" }
                thead { tr {
                    th scope="col" { "address" }
                    th scope="col" { "MAC" }
                    th scope="col" { "name" }
                    th scope="col" { "from" }
                    th scope="col" { "ends in" }
                } }
                tbody #leases { (places.put("leases")) }
            }
        }
    }
}

fn row(scene: Scene<'_>, at: Ipv4Addr, segment: &Segment, lease: &Lease) -> (String, Markup) {
    let id = format!("l-{at}-{}", lease.address).replace('.', "-");
    let is_active = lease.is_active(scene.now);
    let name = holder(Some(segment), lease).unwrap_or_default();
    let row = html! {
        tr #(id) .seen[!is_active] {
            th scope="row" { (lease.address) }
            td { (lease.mac) }
            td {
                @if segment.machines.contains_key(&lease.mac) {
                    a href=(View::Machine(at, lease.mac).url()) { @if name.is_empty() { "(no name)" } @else { (name) } }
                } @else { (name) }
            }
            td { (source(lease)) }
            td { @if is_active { (until(lease.expires)) } @else { "ended" } }
        }
    };
    (id, row)
}
