//! A `timezone` file. Pure but for the table of all zones.

use super::Expected;
use crate::nearest::nearest;
use jiff::tz::{self, TimeZone};

/// A time zone by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(pub TimeZone);

/// A `timezone` file: a name of the IANA time zone database.
pub fn zone(text: &str) -> Result<Zone, Expected> {
    // The database also takes paths and rules; a name is a name.
    let named = text.chars().all(|c| c.is_ascii_alphanumeric() || "/_+-".contains(c));
    let zone = named.then(|| TimeZone::get(text).ok()).flatten();
    zone.map(Zone).ok_or_else(|| {
        let near = near(text).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        format!("a time zone as Europe/Berlin{near}")
    })
}

/// The name that was most likely meant: also a city alone names its zone.
fn near(text: &str) -> Option<String> {
    // Beside zones its folder has files as `localtime` and `posixrules`.
    let names = tz::db().available().map(|name| name.as_str().to_owned());
    let known: Vec<String> = names.filter(|name| name.starts_with(|c: char| c.is_ascii_uppercase())).collect();
    let word = text.replace(' ', "_").to_ascii_lowercase();
    let lower: Vec<String> = known.iter().map(|name| name.to_ascii_lowercase()).collect();
    let city = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
    let cities: Vec<String> = lower.iter().map(|name| city(name)).collect();
    let whole = word.contains('/').then(|| nearest(&word, lower.iter().map(String::as_str))).flatten();
    let found = match whole {
        Some(near) => lower.iter().position(|name| name == near),
        None => nearest(&city(&word), cities.iter().map(String::as_str))
            .and_then(|near| cities.iter().position(|city| city == near)),
    };
    known.get(found?).cloned()
}
