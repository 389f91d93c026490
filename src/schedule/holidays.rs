//! A `holidays` file: days on which schedules rest. Pure.

use super::Expected;
use jiff::civil::Date;

/// Days on which schedules rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holidays {
    /// In the order of the file.
    days: Vec<Holiday>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Holiday {
    when: When,
    name: String,
}

/// First and last day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Once(Date, Date),
    /// Months and days; the last before the first is of the year after.
    Yearly((i8, i8), (i8, i8)),
}

/// A `holidays` file, a line each: `2026-12-25 Christmas`, of every year `12-25 Christmas`, several days
/// `2026-12-24..2027-01-02 winter break`.
pub fn holidays(text: &str) -> Result<Holidays, Expected> {
    let line = |(number, text): (usize, &str)| {
        let (days, name) = text.trim().split_once(char::is_whitespace).unwrap_or((text.trim(), ""));
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        let when = when(days).map_err(|told| format!("a list of holidays: line {number}: {told}"))?;
        Ok(Holiday { when, name })
    };
    (1..).zip(text.lines()).map(line).collect::<Result<_, _>>().map(|days| Holidays { days })
}

fn when(days: &str) -> Result<When, String> {
    let wrong = || format!("{days:?} is no day as 2026-12-25 or 12-25, nor days as 2026-12-24..2027-01-02");
    let (first, last) = days.split_once("..").unwrap_or((days, days));
    if let (Some(first), Some(last)) = (yearly(first), yearly(last)) {
        return Ok(When::Yearly(first, last));
    }
    let (Some(first), Some(last)) = (once(first), once(last)) else { return Err(wrong()) };
    if last < first {
        return Err(format!("{days:?}: the last day is before the first"));
    }
    Ok(When::Once(first, last))
}

fn digits(text: &str, count: usize) -> Option<i16> {
    (text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

fn once(text: &str) -> Option<Date> {
    let (year, day) = text.split_once('-')?;
    let (month, day) = day.split_once('-')?;
    Date::new(digits(year, 4)?, i8::try_from(digits(month, 2)?).ok()?, i8::try_from(digits(day, 2)?).ok()?).ok()
}

fn yearly(text: &str) -> Option<(i8, i8)> {
    // A leap year: the 29th of February is a holiday where there is one.
    let date = once(&format!("2024-{text}"))?;
    Some((date.month(), date.day()))
}

impl Holidays {
    /// What day it is, where it is a holiday: `holiday: Christmas`.
    pub fn on(&self, date: Date) -> Option<String> {
        let day = (date.month(), date.day());
        let holiday = self.days.iter().find(|holiday| match holiday.when {
            When::Once(first, last) => (first..=last).contains(&date),
            When::Yearly(first, last) if first <= last => (first..=last).contains(&day),
            When::Yearly(first, last) => day >= first || day <= last,
        })?;
        Some(if holiday.name.is_empty() { "holiday".to_owned() } else { format!("holiday: {}", holiday.name) })
    }
}
