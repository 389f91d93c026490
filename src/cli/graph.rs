//! `pxelator graph`: what was measured, as a picture or as numbers; also while nothing runs.

use super::{
    Places,
    changes::moment,
    log::MISUSED,
    power::{Among, choose},
};
use crate::{
    conf::{self, Conf},
    sample::Of,
    trend::{Format, Picture, Series, Trends, family, name},
};
use clap::Args;
use color_eyre::eyre::{Result, eyre};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::{
    fs,
    io::{Write, stdout},
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

/// What is shown unless it is said: a day.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Where last values are looked for: in steps of 10 s, so that there is one soon after the first.
const RECENT: SignedDuration = SignedDuration::from_mins(5);
/// Values a line that are printed.
const PRINTED: usize = 1000;

/// What stands below the help.
pub const CODES: &str = "Without a family it is said which there are, with their last values. Times: -2h, -30d, 09:30, 2026-11-24, \
    2026-11-24T09:20:05Z.\n  \
    pxelator graph web1                          what is measured of web1\n  \
    pxelator graph web1 ping                     web1-ping.png, of the last day\n  \
    pxelator graph web1 ping --since -14d -o web1.svg\n  \
    pxelator graph web1 vm --value read --value written\n  \
    pxelator graph 10.77.0.1 dhcp --json         the segment's, as numbers\n\
    The files are RRDtool's own: rrdtool fetch rrd/10.77.0.60/ping.rrd AVERAGE";

/// What is drawn.
#[derive(Debug, Args)]
pub struct Graph {
    /// Host name or address of a machine, a segment's address, or `pxelator` for the program itself; all unless given
    of: Option<String>,
    /// What of it: ping, boot, vm, syslog …
    #[arg(requires = "of")]
    family: Option<String>,
    /// From when; a day ago unless given
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, requires = "family")]
    since: Option<String>,
    /// Until when; now unless given
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, requires = "family")]
    until: Option<String>,
    /// Where it is written: FILE.png or FILE.svg, or - for standard output; NAME-FAMILY.png unless given
    #[arg(long, short, value_name = "FILE", requires = "family")]
    out: Option<PathBuf>,
    /// SVG also where the file's name does not say it
    #[arg(long, requires = "family")]
    svg: bool,
    /// Only this value of it; may be said more than once. Lines have the unit of the first
    #[arg(long, value_name = "NAME", requires = "family")]
    value: Vec<String>,
    /// Light lines on a dark ground
    #[arg(long, requires = "family")]
    dark: bool,
    /// Width of the graph in pixels
    #[arg(long, default_value_t = 800, value_parser = clap::value_parser!(u32).range(100..=8000))]
    width: u32,
    /// Height of the graph in pixels
    #[arg(long, default_value_t = 240, value_parser = clap::value_parser!(u32).range(50..=4000))]
    height: u32,
    /// As JSON: what there is, or the values of the family
    #[arg(long, conflicts_with_all = ["out", "svg", "dark"])]
    json: bool,
}

/// Draws; the result is the exit code.
pub fn graph(asked: &Graph, places: &Places) -> Result<u8> {
    let (trends, conf) = (Trends::new(places.rrd.clone()), conf::read(&places.conf, None).conf);
    let Some(word) = &asked.of else {
        list_all(&trends, &conf, asked.json);
        return Ok(0);
    };
    let of = match whose(word, &conf, &trends) {
        Ok(of) => of,
        Err(why) => return misused(&why),
    };
    let title = called(of, &conf);
    let Some(family) = &asked.family else {
        if trends.families(of).is_empty() {
            return misused(&format!("nothing is measured of {title} yet: values come while the program runs"));
        }
        list(&trends, of, &title, asked.json);
        return Ok(0);
    };
    let time = |text: &Option<String>| text.as_deref().map(moment).transpose();
    let (since, until) = match (time(&asked.since), time(&asked.until)) {
        (Ok(since), Ok(until)) => (since, until),
        (Err(why), _) | (_, Err(why)) => return misused(&why),
    };
    let to = until.unwrap_or_else(Timestamp::now);
    let from = since.unwrap_or_else(|| to.saturating_sub(DAY).unwrap_or(Timestamp::UNIX_EPOCH));
    if from >= to {
        return misused("--since is to be before --until, and before now");
    }
    if asked.json {
        let series = trends.read(of, family, from, to, PRINTED)?;
        say!("{}", numbers(&series));
        return Ok(0);
    }
    draw(asked, &trends, of, family, (from, to), &title)
}

fn draw(
    asked: &Graph,
    trends: &Trends,
    of: Of,
    family: &str,
    (from, to): (Timestamp, Timestamp),
    title: &str,
) -> Result<u8> {
    let ending = |path: &Path| path.extension().map(|end| end.to_string_lossy().to_lowercase());
    let format = match asked.out.as_deref().and_then(ending).as_deref() {
        _ if asked.svg => Format::Svg,
        Some("svg") => Format::Svg,
        Some("png") | None => Format::Png,
        Some(other) => return misused(&format!(".{other} is not known; name the file FILE.png or FILE.svg")),
    };
    let picture = Picture {
        format,
        title: format!("{title}: {}", family::title(family)),
        from,
        to,
        width: asked.width,
        height: asked.height,
        dark: asked.dark,
        values: asked.value.clone(),
    };
    let drawn = trends.draw(of, family, &picture)?;
    let end = if format == Format::Svg { "svg" } else { "png" };
    let file = asked.out.clone().unwrap_or_else(|| PathBuf::from(format!("{title}-{family}.{end}")));
    if file.as_os_str() == "-" {
        stdout().write_all(&drawn)?;
        return Ok(0);
    }
    fs::write(&file, &drawn).map_err(|error| {
        eyre!("{}: {error}; name another place with --out, or - for standard output", file.display())
    })?;
    say!("{}", file.display());
    Ok(0)
}

fn misused(why: &str) -> Result<u8> {
    eprintln!("pxelator graph: {why}");
    Ok(MISUSED)
}

/// Who is meant: also one that conf has no longer, by its address.
fn whose(word: &str, conf: &Conf, trends: &Trends) -> Result<Of, String> {
    if word == "pxelator" {
        return Ok(Of::Program);
    }
    if let Ok(address) = word.parse::<Ipv4Addr>() {
        if conf.segments.contains_key(&address) {
            return Ok(Of::Segment(address));
        }
        let of = Of::Machine(Ipv4Addr::UNSPECIFIED, address);
        if trends.folder(of).is_dir() {
            return Ok(of);
        }
    }
    let found = choose(conf, &[word.to_owned()], Among::All, None).map_err(|wrong| wrong.to_string())?;
    match found.as_slice() {
        [one] => Ok(Of::Machine(one.place.0, one.place.1)),
        _ => Err(format!("{word} is more than one machine; name one")),
    }
}

/// A machine's host name, else what its folder is called.
fn called(of: Of, conf: &Conf) -> String {
    let Of::Machine(_, address) = of else { return name(of) };
    let mut machines = conf.segments.values().filter_map(|segment| segment.machines.get(&address));
    machines.next().map_or_else(|| name(of), |machine| machine.hostname.clone())
}

/// Everything that is measured of everything.
fn list_all(trends: &Trends, conf: &Conf, json: bool) {
    let segments = conf.segments.values().flat_map(|segment| {
        let machines = segment.machines.keys().map(|machine| Of::Machine(segment.server, *machine));
        std::iter::once(Of::Segment(segment.server)).chain(machines)
    });
    let all: Vec<Of> = std::iter::once(Of::Program).chain(segments).collect();
    let mut some = false;
    for of in all {
        let families = trends.families(of);
        if families.is_empty() {
            continue;
        }
        some = true;
        match json {
            true => say!("{}", json!({ "of": name(of), "name": called(of, conf), "families": families })),
            false => say!("{:<16} {}", called(of, conf), families.join(" ")),
        }
    }
    if !some && !json {
        say!("nothing is measured yet in {}: values come while the program runs", trends.root().display());
    }
}

/// Each family with its last values.
fn list(trends: &Trends, of: Of, title: &str, json: bool) {
    let now = Timestamp::now();
    for family in trends.families(of) {
        let span = if family::is_sparse(&family) { DAY } else { RECENT };
        let from = now.saturating_sub(span).unwrap_or(Timestamp::UNIX_EPOCH);
        // Its values may be broken, and the others not.
        let last = match trends.read(of, &family, from, now, PRINTED) {
            Ok(series) => series.lines.iter().map(|line| (line.name.clone(), last(&series, line))).collect(),
            Err(error) => vec![(error.to_string(), None)],
        };
        if json {
            let values: serde_json::Map<_, _> = last.iter().map(|(name, last)| (name.clone(), json!(last))).collect();
            say!("{}", json!({ "of": name(of), "name": title, "family": family, "last": values }));
            continue;
        }
        let word = |(name, last): &(String, Option<f64>)| match last {
            Some(last) => format!("{name} {}", family::words(*last, family::unit(&family, name))),
            None => format!("{name} -"),
        };
        let words = last.iter().map(word).collect::<Vec<_>>().join(", ");
        say!("{family:<20} {words}    ({})", family::title(&family));
    }
}

/// What comes seldom is of its last time, all else of now.
fn last(series: &Series, line: &crate::trend::Line) -> Option<f64> {
    match family::is_sparse(&series.family) {
        true => line.values.iter().rev().flatten().next().copied(),
        false => line.last(),
    }
}

fn numbers(series: &Series) -> serde_json::Value {
    let lines = series.lines.iter().map(|line| json!({ "name": line.name, "unit": line.unit, "values": line.values }));
    json!({
        "family": series.family,
        "from": series.from,
        "step": series.step.as_secs(),
        "lines": lines.collect::<Vec<_>>(),
    })
}
