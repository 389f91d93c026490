//! What was measured, as graphs of a time that can be chosen. Pure.

use super::{Extra, Places, Scene, current};
use crate::{
    page::{
        part::Part,
        view::{Graphs, Span, View, of_name},
    },
    sample::Of,
    trend::{
        Drawing, Line, Series,
        family::{self, words},
        svg,
    },
};
use jiff::tz::TimeZone;
use maud::{Markup, PreEscaped, html};

/// The measure of pictures; the page stretches them.
const WIDTH: u32 = 560;
const HEIGHT: u32 = 130;

/// The parts of the view.
pub fn parts(scene: Scene<'_>, _graphs: &Graphs) -> Vec<Part> {
    let Extra::Graphs(all) = scene.extra else { return vec![Part::whole("figures", html! {})] };
    let figures = html! {
        @if all.is_empty() { p.note { "Nothing was measured of it yet." } }
        @for series in all { @match series {
            Ok(series) => (figure(series)),
            Err(error) => p.bad { (error) },
        } }
    };
    vec![Part::whole("figures", figures)]
}

/// What graphs are of where nothing is said.
pub fn of_default(scene: Scene<'_>, graphs: &Graphs) -> Of {
    graphs.of.or_else(|| current(scene).next().map(|(at, _)| Of::Segment(at))).unwrap_or(Of::Program)
}

/// Where they stand.
pub fn body(places: &Places<'_>, scene: Scene<'_>, graphs: &Graphs) -> Markup {
    let of = of_default(scene, graphs);
    let other = |span: Span, to| View::Graphs(Graphs { of: Some(of), span, to, ..graphs.clone() }).url();
    let to = graphs.to.unwrap_or(scene.now);
    let half = graphs.span.length() / 2;
    let later = to.checked_add(half).ok().filter(|later| graphs.to.is_some() && *later < scene.now);
    html! {
        form.search method="get" action=(View::Graphs(Graphs { of: None, family: None, span: Span::Hour, to: None }).url()) {
            label for="of" { "Of" }
            select #of name="of" {
                (choice(of, Of::Program, "PXElator itself"))
                @for (at, segment) in current(scene) {
                    optgroup label={ (at) } {
                        (choice(of, Of::Segment(at), &format!("the segment {at}")))
                        @for machine in segment.machines.values().filter(|machine| machine.in_conf) {
                            @if let Some(address) = machine.address { (choice(of, Of::Machine(at, address), &machine.name())) }
                        }
                    }
                }
            }
            input type="hidden" name="span" value=(graphs.span.name());
            button { "Show" }
        }
        nav.spans aria-label="Time shown" {
            @for span in Span::ALL {
                a href=(other(span, graphs.to)) aria-current=[(span == graphs.span).then_some("true")] { (span.words()) }
            }
            @if let Ok(earlier) = to.checked_sub(half) { a href=(other(graphs.span, Some(earlier))) rel="prev" { "← earlier" } }
            @if let Some(later) = later { a href=(other(graphs.span, Some(later))) rel="next" { "later →" } }
            @if graphs.to.is_some() { a href=(other(graphs.span, None)) { "now" } }
        }
        @if let Some(family) = &graphs.family {
            p { "Only " (family) ". " a href=(View::Graphs(Graphs { family: None, ..graphs.clone() }).url()) { "All graphs of it" } }
        }
        div #figures .graphs { (places.put("figures")) }
    }
}

fn choice(chosen: Of, of: Of, words: &str) -> Markup {
    html! { option value=(of_name(of)) selected[of == chosen] { (words) } }
}

/// A family as a picture with what it says in words.
pub fn figure(series: &Series) -> Markup {
    let title = family::title(&series.family);
    let drawing = Drawing { title: &title, width: WIDTH, height: HEIGHT, zone: &TimeZone::system() };
    html! {
        figure.graph {
            figcaption { strong { (title) } }
            (PreEscaped(svg(series, &drawing)))
            ul.note { @for line in &series.lines { li { (summary(line)) } } }
        }
    }
}

/// `rtt: 0.4 ms at last, 0.3 ms to 1.2 ms`
fn summary(line: &Line) -> String {
    let said = |value| words(value, &line.unit);
    match (line.last(), line.bounds()) {
        (Some(last), Some((least, most))) => {
            format!("{}: {} at last, {} to {}", line.name, said(last), said(least), said(most))
        }
        _ => format!("{}: nothing was measured in this time", line.name),
    }
}
