//! The words that `rrdtool graph` is called with, so that it draws what the screen and the page show. Pure.

use super::family;
use jiff::{Timestamp, tz::TimeZone};
use std::path::Path;

/// What the picture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Pixels.
    Png,
    /// Lines.
    Svg,
}

/// A picture of a family.
#[derive(Clone, Debug)]
pub struct Picture {
    /// What it is.
    pub format: Format,
    /// Above it.
    pub title: String,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// Of the graph itself, in pixels.
    pub width: u32,
    /// Of the graph itself, in pixels.
    pub height: u32,
    /// Light on dark.
    pub dark: bool,
    /// Only these values; all unless some are named. Lines have the unit of the first.
    pub values: Vec<String>,
}

/// Colours that are told apart also by who sees no red and green (Okabe and Ito), and stand out from white as from black.
const COLOURS: [&str; 8] = ["0072b2", "d55e00", "009e73", "cc79a7", "e69f00", "56b4e9", "8a7f00", "777777"];

impl Picture {
    /// The words, for a file with these values and units.
    pub(super) fn words(&self, file: &Path, of: &str, family: &str, values: &[(String, String)]) -> Vec<String> {
        let format = match self.format {
            Format::Png => "PNG",
            Format::Svg => "SVG",
        };
        let unit = |unit: &str| match unit {
            "ratio" => "%".to_owned(),
            other => other.to_owned(),
        };
        let first = values.first().map_or("", |(_, of)| of.as_str());
        let axis = unit(first);
        let title = if self.title.is_empty() { format!("{of}: {}", family::title(family)) } else { self.title.clone() };
        let mut words: Vec<String> = ["graph", "-"].map(str::to_owned).to_vec();
        let mut option = |name: &str, value: &str| words.extend([name.to_owned(), value.to_owned()]);
        option("--imgformat", format);
        option("--start", &self.from.as_second().to_string());
        option("--end", &self.to.as_second().to_string());
        option("--width", &self.width.to_string());
        option("--height", &self.height.to_string());
        option("--title", &title);
        option("--vertical-label", &axis);
        option("--lower-limit", "0");
        let colours = if self.dark {
            ["BACK#1c1c1c", "CANVAS#111111", "FONT#e4e4e4", "AXIS#e4e4e4", "GRID#55555580", "MGRID#88888880"]
        } else {
            ["BACK#ffffff", "CANVAS#ffffff", "FONT#111111", "AXIS#111111", "GRID#aaaaaa60", "MGRID#88888880"]
        };
        colours.iter().for_each(|colour| option("--color", colour));
        words.push("--slope-mode".to_owned());
        // A colon ends a file's name in a definition (rrdgraph_data(1)).
        let file = file.display().to_string().replace('\\', "\\\\").replace(':', "\\:");
        for (place, (name, of)) in values.iter().enumerate() {
            let colour = COLOURS[place % COLOURS.len()];
            let source = if of == "ratio" { format!("p{place}") } else { format!("v{place}") };
            words.push(format!("DEF:v{place}={file}:{name}:AVERAGE"));
            if of == "ratio" {
                words.push(format!("CDEF:p{place}=v{place},100,*"));
            }
            match (name.as_str(), of == first) {
                (_, true) => words.push(format!("LINE1.5:{source}#{colour}:{name:<12}")),
                // Where it did not answer, the ground is coloured: as a line it would have another axis.
                ("loss" | "up", false) => {
                    let bad = if name == "loss" { "0,GT" } else { "1,LT" };
                    words.push(format!("CDEF:bad{place}=v{place},{bad},INF,UNKN,IF"));
                    words.push(format!("AREA:bad{place}#{colour}40:{name:<12}"));
                }
                // Of another size than the axis: its numbers only. Asked for alone it has an axis of its own.
                _ => words.push(format!("COMMENT:  {name:<12}")),
            }
            let unit = unit(of).replace('%', "%%");
            for (head, which) in [("last", "LAST"), ("mean", "AVERAGE"), ("most", "MAXIMUM")] {
                words.push(format!("VDEF:{source}{head}={source},{which}"));
                let end = if head == "most" { "\\l" } else { "" };
                words.push(format!("GPRINT:{source}{head}:{head} %6.2lf %s{unit}{end}"));
            }
        }
        let zone = TimeZone::system();
        let until = self.to.to_zoned_datetime(zone).strftime("%Y-%m-%d %H\\:%M %Z").to_string();
        words.push(format!("COMMENT:until {until}\\r"));
        words
    }
}
