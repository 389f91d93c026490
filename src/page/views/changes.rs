//! What changed on machines: commits of the record, and one of them with its diff. Pure.

use super::{Extra, Places, Scene, rows};
use crate::{
    page::{part::Part, view::View},
    track::Commit,
};
use maud::{Markup, html};

/// Commits that are listed, the newest.
pub const LISTED: usize = 200;
/// Files of a commit that are named in the list.
const NAMED: usize = 5;

/// The parts of the view.
pub fn parts(scene: Scene<'_>) -> Vec<Part> {
    match scene.extra {
        Extra::Commits(Ok(commits)) => {
            let words = match commits.len() {
                0 => "Nothing is kept yet. A machine or a segment with a file `track` is looked at.".to_owned(),
                LISTED => format!("The newest {LISTED} changes"),
                count => format!("{count} changes"),
            };
            vec![Part::whole("count", html! { (words) }), Part::rows("commits", commits.iter().map(row))]
        }
        Extra::Commits(Err(error)) => {
            vec![Part::whole("count", html! { span.bad { (error) } }), Part::rows("commits", [])]
        }
        _ => Vec::new(),
    }
}

/// Where they stand.
pub fn body(places: &Places<'_>, scene: Scene<'_>, host: Option<&str>) -> Markup {
    let names = super::machines(scene).into_iter().filter(|(_, machine)| !machine.tracked.is_empty());
    html! {
        form.search method="get" action=(View::Changes(None).url()) {
            label for="host" { "Machine" }
            input #host name="host" value=(host.unwrap_or_default()) list="hosts" placeholder="all" autocomplete="off" autocapitalize="off";
            datalist #hosts { @for (_, machine) in names { option value=(machine.name()) {} } }
            button { "Show" }
        }
        p #count .count { (places.put("count")) }
        div.scrolls tabindex="0" role="region" aria-label="Changes" {
            table {
                caption.hidden { "Changes of machines' files, the newest first" }
                thead { tr { th scope="col" { "seen" } th scope="col" { "machine" } th scope="col" { "change" } th.wide scope="col" { "files" } } }
                tbody #commits { (places.put("commits")) }
            }
        }
    }
}

fn row(commit: &Commit) -> (String, Markup) {
    let id = format!("c-{}", commit.hash);
    let row = html! {
        tr #(id) {
            td.when { (rows::clock(commit.time)) }
            th scope="row" { (commit.host) }
            td.words { a href=(View::Change(commit.hash.clone()).url()) { (commit.subject) } @if let Some(cause) = &commit.cause { ", by " (cause) } }
            td.wide.words {
                @for (status, path) in commit.files.iter().take(NAMED) { (status.word()) " " code { (path) } br; }
                @if commit.files.len() > NAMED { "and " (commit.files.len() - NAMED) " more" }
            }
        }
    };
    (id, row)
}

/// The parts of one change.
pub fn one(scene: Scene<'_>) -> Vec<Part> {
    let shown = match scene.extra {
        Extra::Commit(Ok((commit, diff))) => html! {
            p { strong { (commit.host) } ", " (rows::clock(commit.time)) ": " (commit.subject) @if let Some(cause) = &commit.cause { ", by " (cause) } }
            @if let Some(before) = commit.before { p.note { "Looked at before: " (rows::clock(before)) "; it changed in between." } }
            ul { @for (status, path) in &commit.files { li { (status.word()) " " code { (path) } } } }
            pre.diff tabindex="0" role="region" aria-label="Difference" { @for line in diff { span class=(kind(line)) { (line) } "\n" } }
        },
        Extra::Commit(Err(error)) => html! { p.bad role="alert" { (error) } },
        _ => html! {},
    };
    vec![Part::whole("change", shown)]
}

/// Where they stand.
pub fn one_body(places: &Places<'_>, _hash: &str) -> Markup {
    html! { div #change { (places.put("change")) } p { a href=(View::Changes(None).url()) { "All changes" } } }
}

/// What a line of a diff is.
fn kind(line: &str) -> &'static str {
    match line.as_bytes() {
        [b'+', b'+', b'+', ..]
        | [b'-', b'-', b'-', ..]
        | [b'd', b'i', b'f', b'f', ..]
        | [b'i', b'n', b'd', b'e', b'x', ..] => "head",
        [b'@', ..] => "at",
        [b'+', ..] => "added",
        [b'-', ..] => "removed",
        _ => "same",
    }
}
