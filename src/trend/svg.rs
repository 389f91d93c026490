//! A series as SVG, for pages: no colour of its own (`currentColor`, and a class a line), title and description for who listens. Pure.

use super::{
    Line, Series,
    axis::{self, moments},
    family::{self, words},
};
use jiff::{Timestamp, tz::TimeZone};
use std::fmt::Write;

/// How it is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Drawing<'a> {
    /// What it is of: `web1: answers to pings`. Two pictures of a page have not the same title.
    pub title: &'a str,
    /// The whole width, in pixels of the picture's own measure; a page may stretch it.
    pub width: u32,
    /// The height of a panel: a unit has a panel of its own.
    pub height: u32,
    /// The zone of the times below it.
    pub zone: &'a TimeZone,
}

/// Left of the first value, for the words of the axis.
const LEFT: f64 = 64.0;
/// Above a panel, for its names.
const ABOVE: f64 = 20.0;
/// Below the last panel, for times.
const BELOW: f64 = 20.0;
/// How lines are told from each other without colours.
const DASHES: [&str; 8] = ["", "7 3", "2 3", "8 3 2 3", "12 4", "1 4", "4 2", "10 2 2 2 2 2"];

/// The picture: an `svg` element with `role="img"`, `title` and `desc`. Its parts have the classes `trend-line`, `trend-0` …, `trend-grid`,
/// `trend-hole`, `trend-word`.
pub fn svg(series: &Series, drawing: &Drawing) -> String {
    let Drawing { title, width, height, zone } = *drawing;
    let (width, height) = (f64::from(width.max(160)), f64::from(height.max(60)));
    let panels = series.panels();
    let whole = height * panels.len().max(1) as f64 + BELOW;
    let id = family::name_of(&format!("trend {title} {}", series.family));
    let mut out = String::new();
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"trend\" viewBox=\"0 0 {width:.0} {whole:.0}\" role=\"img\" \
         aria-labelledby=\"{id}-title {id}-desc\" font-size=\"11\" font-family=\"inherit\"><title id=\"{id}-title\">{}</title>\
         <desc id=\"{id}-desc\">{}</desc>",
        escaped(title),
        escaped(&described(series, zone)),
    );
    let (from, to) = (series.at(0), series.at(series.len().saturating_sub(1)));
    let right = width - 8.0;
    let x = |at: Timestamp| LEFT + (right - LEFT) * axis::part(at, from, to);
    let marks = moments(from, to, zone, ((width - LEFT) / 80.0) as usize);
    let holes = series.holes();
    for (place, (unit, lines)) in panels.iter().enumerate() {
        let (top, bottom) = (height * place as f64 + ABOVE, height * (place + 1) as f64);
        for (begin, end) in &holes {
            let (left, right) = (x(begin.saturating_sub(series.step).unwrap_or(*begin)).max(LEFT), x(*end));
            let _ = write!(
                out,
                "<rect class=\"trend-hole\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" \
                 fill=\"currentColor\" fill-opacity=\"0.08\"/>",
                (right - left).max(1.0),
                bottom - top
            );
        }
        for (at, _) in &marks {
            grid(&mut out, (x(*at), top), (x(*at), bottom));
        }
        panel(&mut out, series, unit, lines, (top, bottom, right), &x);
    }
    for (at, word) in &marks {
        text(&mut out, (x(*at), whole - 6.0), "middle", word);
    }
    out.push_str("</svg>");
    out
}

/// One unit's lines with their axis and names.
fn panel(
    out: &mut String,
    series: &Series,
    unit: &str,
    lines: &[&Line],
    (top, bottom, right): (f64, f64, f64),
    x: &impl Fn(Timestamp) -> f64,
) {
    let most = lines.iter().filter_map(|line| line.bounds()).map(|(_, most)| most).fold(0.0, f64::max);
    let (end, step) = axis::top(most, unit, ((bottom - top) / 30.0) as u32);
    let y = |value: f64| bottom - (bottom - top) * (value / end).clamp(0.0, 1.0);
    let mut mark = 0.0;
    while mark <= end * 1.001 {
        grid(out, (LEFT, y(mark)), (right, y(mark)));
        text(out, (LEFT - 6.0, y(mark) + 4.0), "end", &words(mark, unit));
        mark += step;
    }
    let mut left = LEFT;
    for (place, line) in lines.iter().enumerate() {
        let dashes = DASHES[place % DASHES.len()];
        let look = format!(
            "class=\"trend-line trend-{place}\" stroke=\"currentColor\" stroke-width=\"1.5\" fill=\"none\"{}",
            if dashes.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dashes}\"") }
        );
        for (first, values) in line.stretches() {
            let at = |place: usize| x(series.at(first + place));
            match values.as_slice() {
                [one] => {
                    let _ = write!(
                        out,
                        "<circle class=\"trend-line trend-{place}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"2\" fill=\"currentColor\"/>",
                        at(0),
                        y(*one)
                    );
                }
                more => {
                    let _ = write!(out, "<polyline {look} points=\"");
                    for (place, value) in more.iter().enumerate() {
                        let _ = write!(out, "{:.1},{:.1} ", at(place), y(*value));
                    }
                    out.push_str("\"/>");
                }
            }
        }
        let name = match line.last() {
            Some(last) => format!("{} {}", line.name, words(last, unit)),
            None => line.name.clone(),
        };
        let _ = write!(out, "<path {look} d=\"M{left:.0} {:.0}h18\"/>", top - 9.0);
        text(out, (left + 22.0, top - 5.0), "start", &name);
        left += 34.0 + 6.5 * name.chars().count() as f64;
    }
}

fn grid(out: &mut String, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
    let _ = write!(
        out,
        "<path class=\"trend-grid\" stroke=\"currentColor\" stroke-opacity=\"0.15\" d=\"M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}\"/>"
    );
}

fn text(out: &mut String, (x, y): (f64, f64), anchor: &str, words: &str) {
    let words = escaped(words);
    let _ = write!(
        out,
        "<text class=\"trend-word\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"currentColor\">{words}</text>"
    );
}

/// What can be seen, for who listens: from when to when, each line's bounds and last value, and the holes.
pub fn described(series: &Series, zone: &TimeZone) -> String {
    let at = |at: Timestamp| at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
    let mut said = format!("From {} to {}.", at(series.at(0)), at(series.at(series.len().saturating_sub(1))));
    for line in &series.lines {
        let Line { name, unit, .. } = line;
        match line.bounds() {
            None => said.push_str(&format!(" {name}: nothing is known.")),
            Some((least, most)) => {
                said.push_str(&format!(" {name}: from {} to {}", words(least, unit), words(most, unit)));
                said.push_str(&line.last().map_or(".".to_owned(), |last| format!(", at last {}.", words(last, unit))));
            }
        }
    }
    match series.holes().as_slice() {
        [] => {}
        [(begin, end)] => said.push_str(&format!(" Nothing was measured from {} to {}.", at(*begin), at(*end))),
        more => said.push_str(&format!(" Nothing was measured {} times in between.", more.len())),
    }
    said
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    fn series() -> Series {
        let line = |name: &str, unit: &str, values: &[Option<f64>]| Line {
            name: name.into(),
            unit: unit.into(),
            values: values.to_vec(),
        };
        let (one, two) = (Some(1.0), Some(2.0));
        Series {
            family: "ping".into(),
            from: "2026-11-24T09:00:00Z".parse().unwrap(),
            step: SignedDuration::from_secs(60),
            lines: vec![
                line("rtt", "ms", &[one, two, None, None, one, None]),
                line("loss", "ratio", &[Some(0.0), Some(0.0), one, one, Some(0.0), None]),
            ],
        }
    }

    fn drawn(title: &str) -> String {
        svg(&series(), &Drawing { title, width: 600, height: 120, zone: &TimeZone::UTC })
    }

    #[test]
    fn it_is_xml_and_nothing_in_it_is_markup() {
        let picture = drawn("</title><script>&\"'");
        let mut reader = quick_xml::Reader::from_str(&picture);
        let mut elements = Vec::new();
        loop {
            match reader.read_event().unwrap() {
                quick_xml::events::Event::Start(element) | quick_xml::events::Event::Empty(element) => {
                    elements.push(element.name().into_inner().to_owned());
                }
                quick_xml::events::Event::Eof => break,
                _ => {}
            }
        }
        elements.sort();
        elements.dedup();
        assert_eq!(elements, ["circle", "desc", "path", "polyline", "rect", "svg", "text", "title"]);
    }

    #[test]
    fn a_hole_parts_the_line_and_is_said() {
        let picture = drawn("web1: answers to pings");
        assert_eq!(picture.matches("<polyline").count(), 2, "rtt before the hole, loss; what stands alone is a dot");
        assert_eq!(picture.matches("<circle").count(), 1);
        assert_eq!(picture.matches("trend-hole").count(), 2, "in both panels");
        assert!(picture.contains("Nothing was measured from 2026-11-24 09:02 to 2026-11-24 09:03."), "{picture}");
        assert!(picture.contains("rtt: from 1 ms to 2 ms, at last 1 ms."), "{picture}");
        assert!(!picture.contains("style") && !picture.contains('#'), "colours are the page's");
    }

    #[test]
    fn nothing_at_all() {
        let empty = Series { lines: vec![], ..series() };
        let picture = svg(&empty, &Drawing { title: "web1", width: 600, height: 120, zone: &TimeZone::UTC });
        assert!(picture.starts_with("<svg") && picture.ends_with("</svg>") && !picture.contains("NaN"), "{picture}");
    }
}
