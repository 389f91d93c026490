//! Reads a rule: a word a line with its value. A rule that is there by default may be changed in some of its lines.

use super::Rule;
use crate::{
    conf::value::{self, Expected},
    event::Severity,
    filter::{Directory, Filter, Glob, Here, Known},
    net::Mac,
};
use jiff::{SignedDuration, Span, Timestamp, tz::TimeZone};
use minijinja::Environment;
use std::{net::Ipv4Addr, time::Duration};

const EXPECTED: &str = "lines of: when FILTER, clear FILTER, after 1h, for 2m, unless FILTER, within 10m, count 3, \
    by FIELD, depends MACHINES, severity err, to RECEIVERS, text TEMPLATE, or off";
/// Nothing of a rule may take longer.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);
/// How long `unless` looks back, and `count` counts, unless it is said.
const WITHIN: Duration = Duration::from_secs(10 * 60);

/// A rule's lines. What they leave out is as in `base`, the rule of this name that is there by default; `none` takes a line of it
/// away.
pub fn rule(text: &str, base: Option<Rule>) -> Result<Rule, Expected> {
    let mut rule = base.unwrap_or(Rule {
        off: false,
        when: String::new(),
        clear: None,
        after: None,
        wait: Duration::ZERO,
        unless: None,
        within: WITHIN,
        count: 1,
        by: None,
        depends: Vec::new(),
        severity: Severity::Err,
        to: Vec::new(),
        text: None,
    });
    let mut said: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let wrong = |why: &str| format!("{EXPECTED}: {line:?} {why}");
        if line == "off" {
            rule.off = true;
            continue;
        }
        let (word, given) = line.split_once(char::is_whitespace).ok_or_else(|| wrong("has no value"))?;
        let given = given.trim();
        let is_first = !said.contains(&word);
        said.push(word);
        if !is_first && !matches!(word, "when" | "clear" | "unless") {
            return Err(wrong("is said twice"));
        }
        let some = || Some(given.to_owned()).filter(|given| given != "none");
        let time = || span(given).map_err(|why| wrong(&format!("is not {why}")));
        match word {
            "when" => rule.when = either(Some(&rule.when).filter(|_| !is_first), filter(given).map_err(|e| wrong(&e))?),
            "clear" | "unless" => {
                let place = if word == "clear" { &mut rule.clear } else { &mut rule.unless };
                *place = match some() {
                    None => None,
                    Some(given) => {
                        let given = filter(&given).map_err(|e| wrong(&e))?;
                        Some(either(place.as_ref().filter(|_| !is_first), given))
                    }
                };
            }
            "after" => rule.after = if given == "none" { None } else { Some(time()?) },
            "for" => rule.wait = time()?,
            "within" => rule.within = time()?,
            "count" => {
                let count = given.parse().ok().filter(|count| (1..=1_000).contains(count));
                rule.count = count.ok_or_else(|| wrong("has no number of 1 to 1000"))?;
            }
            "by" => rule.by = some().map(|field| field.trim_start_matches("details.").to_owned()),
            "depends" => rule.depends = list(given).map_err(|e| wrong(&e))?,
            "to" => rule.to = list(given).map_err(|e| wrong(&e))?,
            "severity" => rule.severity = severity(given).map_err(|e| wrong(&e))?,
            "text" => {
                rule.text = some();
                let fault = rule.text.as_ref().and_then(|text| Environment::new().template_from_str(text).err());
                if let Some(fault) = fault {
                    let what = fault.detail().map_or_else(|| fault.kind().to_string(), str::to_owned);
                    return Err(wrong(&format!("is no template: {what}")));
                }
            }
            _ => return Err(wrong("makes no sense")),
        }
    }
    if rule.off {
        return Ok(rule);
    }
    if rule.when.is_empty() {
        return Err(format!("{EXPECTED}: it says nowhere when, and no rule of this name is there by default"));
    }
    if rule.clear.is_none() && rule.after.is_none() {
        return Err(format!("{EXPECTED}: it has no end; say what clears it, or after which time it is over"));
    }
    Ok(rule)
}

/// Lines of one word are alternatives.
fn either(before: Option<&String>, more: String) -> String {
    match before {
        Some(before) => format!("({before}) or ({more})"),
        None => more,
    }
}

fn list(given: &str) -> Result<Vec<String>, String> {
    if given == "none" { Ok(Vec::new()) } else { value::names(given).map_err(|why| format!("is not {why}")) }
}

/// A severity by name, as in the filters.
pub fn severity(text: &str) -> Result<Severity, String> {
    let name = match text.to_ascii_lowercase().as_str() {
        "critical" => "crit".to_owned(),
        "error" => "err".to_owned(),
        "warn" => "warning".to_owned(),
        other => other.to_owned(),
    };
    let found = Severity::ALL.into_iter().find(|severity| severity.name() == name);
    found.ok_or_else(|| format!("has none of {}", Severity::ALL.map(Severity::name).join(", ")))
}

/// A span of time from nothing to a year: `30s`, `2m`, `1h 30m`, `2 days`, or seconds.
pub fn span(text: &str) -> Result<Duration, Expected> {
    let seconds = text.parse::<u32>().ok().map(|seconds| Duration::from_secs(u64::from(seconds)));
    let spelled = || {
        let span: Span = text.parse().ok()?;
        let span = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?;
        (span >= SignedDuration::ZERO).then(|| span.unsigned_abs())
    };
    let found = seconds.or_else(spelled).filter(|span| *span <= LONGEST);
    found.ok_or_else(|| "a span of time as 30s, 2m or 1h".to_owned())
}

/// The filter, if it can be read. Which machines there are is not known here: every name is taken for one.
fn filter(text: &str) -> Result<String, String> {
    let here = Here { now: Timestamp::UNIX_EPOCH, zone: &TimeZone::UTC, names: &Anybody };
    match Filter::parse(text, &here) {
        Ok(filter) if filter.is_everything() => Err("is every event: say which ones are meant".to_owned()),
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!("is no filter: at its character {}, {}", error.column, error.fault)),
    }
}

/// Knows everybody.
struct Anybody;

impl Directory for Anybody {
    fn named(&self, wanted: &Glob) -> Vec<Known> {
        let _ = wanted;
        let (segment, mac) = (Ipv4Addr::UNSPECIFIED, Mac([2, 0, 0, 0, 0, 0]));
        vec![Known { hostname: String::new(), segment, address: None, mac }]
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}
