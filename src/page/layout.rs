//! What is around every view: head, ways to the other views, foot. Pure.

use super::{assets, view::View, views::Places};
use jiff::{Timestamp, tz::TimeZone};
use maud::{DOCTYPE, Markup, html};

/// Who looks, as far as the layout is concerned.
#[derive(Clone, Debug, Default)]
pub struct Guest {
    /// Who has logged in.
    pub name: Option<String>,
    /// May act.
    pub acts: bool,
}

/// A view with all around it.
pub struct Sheet<'a> {
    /// Which.
    pub view: &'a View,
    /// More exactly what it is of: a machine's name.
    pub of: Option<String>,
    /// Who looks.
    pub guest: &'a Guest,
    /// Login or logout.
    pub login: Markup,
    /// The parts as they are.
    pub places: &'a Places<'a>,
    /// What they are of, for the stream.
    pub version: u64,
    /// The present.
    pub now: Timestamp,
}

/// The ways in the head, with the key after `g` that goes there.
const WAYS: [(View, char); 8] = [
    (View::Overview, 'o'),
    (View::Machines(String::new()), 'm'),
    (View::Alerts, 'a'),
    (View::Syslog(String::new()), 's'),
    (View::Audit(String::new()), 'u'),
    (View::Leases(String::new()), 'l'),
    (GRAPHS, 'g'),
    (View::Changes(None), 'c'),
];
const GRAPHS: View =
    View::Graphs(super::view::Graphs { of: None, family: None, span: super::view::Span::Hour, to: None });

/// The whole document.
pub fn page(sheet: &Sheet<'_>, body: &Markup) -> Markup {
    let Sheet { view, places, .. } = sheet;
    let title = sheet.of.clone().unwrap_or_else(|| view.title().to_owned());
    let main = html! {
        h1 { (title) }
        (body)
    };
    let live = (!view.is_still()).then(|| view.url());
    framed(sheet.guest, &title, Some(view), &places.put("loud"), &sheet.login, live.map(|url| (url, sheet.version)), sheet.now, &main)
}

/// A page that is no view: a login, a refusal, an answer to what was done.
pub fn plain(guest: &Guest, title: &str, now: Timestamp, body: &Markup) -> Markup {
    let none = html! {};
    framed(guest, title, None, &none, &none, None, now, &html! { h1 { (title) } (body) })
}

#[allow(clippy::too_many_arguments)]
fn framed(
    guest: &Guest,
    title: &str,
    view: Option<&View>,
    loud: &Markup,
    login: &Markup,
    live: Option<(String, u64)>,
    now: Timestamp,
    main: &Markup,
) -> Markup {
    let zone = TimeZone::system();
    let is_here = |way: &View| view.is_some_and(|view| view.title() == way.title() || (matches!(way, View::Machines(_)) && matches!(view, View::Machine(..))) || (matches!(way, View::Changes(_)) && matches!(view, View::Change(_))));
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="same-origin";
                title { (title) " · PXElator" }
                link rel="icon" href=(assets::ICON.url()) type="image/svg+xml";
                link rel="stylesheet" href=(assets::STYLE.url());
                script src=(assets::SCRIPT.url()) defer {}
            }
            body .acts[guest.acts] data-live=[live.as_ref().map(|(url, _)| url)] data-version=[live.as_ref().map(|(_, version)| version)] {
                a.skip href="#main" { "To the content" }
                header.top {
                    a.brand href=(View::Overview.url()) { "PXElator" }
                    nav aria-label="Views" {
                        ul { @for (way, key) in &WAYS {
                            li { a href=(way.url()) data-key=(key) aria-current=[is_here(way).then_some("page")] { (way.title()) } }
                        } }
                    }
                    div.state {
                        span #loud role="status" { (loud) }
                        @if live.is_some() { button #live type="button" hidden aria-pressed="true" { "live" } }
                        (login)
                    }
                }
                main #main tabindex="-1" { (main) }
                footer {
                    p {
                        "PXElator " (env!("CARGO_PKG_VERSION")) " · times are of " (zone.iana_name().unwrap_or("this host"))
                        " · made at " (super::views::clock(now)) " "
                        button #keys type="button" hidden { "keys" }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_way_has_a_key_of_its_own() {
        let keys: BTreeSet<char> = WAYS.iter().map(|(_, key)| *key).collect();
        assert_eq!(keys.len(), WAYS.len());
    }
}
