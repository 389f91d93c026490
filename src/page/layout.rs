//! What is around every view: head, ways to the other views, foot. Pure.

use super::{Viewer, assets, forms, view::View, views};
use jiff::{Timestamp, tz::TimeZone};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Stands in forms that views share, in the place of what each browser has of its own.
pub const CSRF: &str = "csrf-of-this-browser";

/// Whoever looks at a view that all share: a browser's own words take the place of [`CSRF`], and a style hides forms from who may not act.
pub fn anybody(view: &View) -> Viewer {
    Viewer { name: None, may_act: true, can_login: true, path: view.url(), csrf: CSRF.to_owned() }
}

/// What stands around a view.
pub struct Sheet<'a> {
    /// Which.
    pub view: &'a View,
    /// More exactly what it is of: a machine's name.
    pub of: Option<String>,
    /// Who looks.
    pub viewer: &'a Viewer,
    /// How many alerts fire.
    pub loud: &'a Markup,
    /// Of what the parts are, for the stream.
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

/// A view with all around it.
pub fn view(sheet: &Sheet<'_>, body: &Markup) -> Markup {
    let title = sheet.of.clone().unwrap_or_else(|| sheet.view.title().to_owned());
    let whole = framed(Some(sheet.viewer), &title, Some(sheet), &html! { h1 { (title) } (body) });
    PreEscaped(whole.into_string().replace(CSRF, &sheet.viewer.csrf))
}

/// A page that is no view, of somebody who may read.
pub fn page(viewer: &Viewer, title: &str, body: &Markup) -> Markup {
    framed(Some(viewer), title, None, &html! { h1 { (title) } (body) })
}

/// A page that tells nothing of the segments: a login, a refusal.
pub fn bare(title: &str, body: &Markup) -> Markup {
    framed(None, title, None, &html! { h1 { (title) } (body) })
}

/// Machines are a way to one, too.
fn is_here(way: &View, view: &View) -> bool {
    match view {
        View::Machine(..) => matches!(way, View::Machines(_)),
        View::Change(_) => matches!(way, View::Changes(_)),
        view => way.title() == view.title(),
    }
}

fn framed(viewer: Option<&Viewer>, title: &str, sheet: Option<&Sheet<'_>>, main: &Markup) -> Markup {
    let live = sheet.filter(|sheet| !sheet.view.is_still());
    let may_act = viewer.is_some_and(|viewer| viewer.may_act);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · PXElator" }
                link rel="icon" href=(assets::ICON.url()) type="image/svg+xml";
                link rel="stylesheet" href=(assets::STYLE.url());
                script src=(assets::SCRIPT.url()) defer {}
            }
            body .acts[may_act]
                data-live=[live.map(|sheet| sheet.view.url())]
                data-version=[live.map(|sheet| sheet.version)]
                data-now=[live.map(|sheet| sheet.now.as_millisecond())]
                data-csrf=[viewer.map(|viewer| &viewer.csrf)]
            {
                a.skip href="#main" { "To the content" }
                header.top {
                    a.brand href=(View::Overview.url()) { "PXElator" }
                    @if viewer.is_some() {
                        nav aria-label="Views" {
                            ul { @for (way, key) in &WAYS {
                                @let here = sheet.is_some_and(|sheet| is_here(way, sheet.view));
                                li { a href=(way.url()) data-key=(key) aria-current=[here.then_some("page")] { (way.title()) } }
                            } }
                        }
                    }
                    div.state {
                        @if let Some(sheet) = sheet { span #loud role="status" { (sheet.loud) } }
                        @if live.is_some() { button #live type="button" hidden aria-pressed="true" { "live" } }
                        @if let Some(viewer) = viewer { (forms::account(viewer)) }
                    }
                }
                main #main tabindex="-1" { (main) }
                footer {
                    p {
                        "PXElator " (env!("CARGO_PKG_VERSION"))
                        @if let Some(sheet) = sheet {
                            " · made at " (views::clock(sheet.now)) ", "
                            (TimeZone::system().iana_name().unwrap_or("the time of this host"))
                        }
                        " " button #keys type="button" hidden { "keys" }
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
