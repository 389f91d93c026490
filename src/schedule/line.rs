//! A `schedule` file: its lines, and what is wrong with them. Pure.

use super::{Expected, Schedule};
use crate::event::Action;
use jiff::{
    SignedDuration,
    civil::{Date, Time},
};
use std::time::Duration;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What is done.
    pub action: Action,
    /// At this time of day.
    pub time: Time,
    /// On these days of the week: bit 0 is Monday.
    pub days: u8,
    /// It is done late, at most so long after its time, where the program did not run then.
    pub late: Option<Duration>,
    /// It is also done on holidays.
    pub holidays: bool,
    /// As written, with single blanks.
    pub text: String,
}

/// Each day of the week.
const DAILY: u8 = 0b111_1111;
const DAYS: [(&str, &str); 7] = [
    ("mon", "monday"),
    ("tue", "tuesday"),
    ("wed", "wednesday"),
    ("thu", "thursday"),
    ("fri", "friday"),
    ("sat", "saturday"),
    ("sun", "sunday"),
];
/// Who is later than this is not late: by then the line is due again.
const LATEST: Duration = Duration::from_secs(24 * 3600);

impl Line {
    /// It is due on such days of the week.
    pub fn is_on(&self, date: Date) -> bool {
        self.days & (1 << date.weekday().to_monday_zero_offset()) != 0
    }

    /// It is due whenever `other` is.
    fn covers(&self, other: &Line) -> bool {
        self.time == other.time && self.days & other.days == other.days && (self.holidays || !other.holidays)
    }
}

/// A `schedule` file: lines, or `none`.
pub fn parse(text: &str) -> Result<Schedule, Expected> {
    if text.trim() == "none" {
        return Ok(Schedule::default());
    }
    let mut lines: Vec<Line> = Vec::new();
    for (number, text) in (1..).zip(text.lines()) {
        let wrong = |told: String| format!("a schedule: line {number}: {told}");
        let text = text.split_once(" #").map_or(text, |(before, _)| before);
        let line = line(text).map_err(wrong)?;
        if let Some(at) = lines.iter().position(|earlier| line.covers(earlier)) {
            let other = &lines[at].text;
            let why =
                format!("{:?} is due at the same times as {other:?} before it, which would never be done", line.text);
            return Err(wrong(why));
        }
        lines.push(line);
    }
    Ok(Schedule { lines })
}

fn line(text: &str) -> Result<Line, String> {
    let mut words = text.split_whitespace();
    let (action, time) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut line = Line {
        action: self::action(action)?,
        time: self::time(time)?,
        days: DAILY,
        late: None,
        holidays: false,
        text: text.split_whitespace().collect::<Vec<_>>().join(" "),
    };
    let (mut named, mut rest) = (false, words.peekable());
    while let Some(word) = rest.next() {
        match word.to_ascii_lowercase().as_str() {
            "late" if line.late.is_none() => {
                line.late = Some(late(rest.next().unwrap_or_default())?);
            }
            "holidays" if !line.holidays && rest.peek().is_none() => line.holidays = true,
            word if !named && line.late.is_none() => (line.days, named) = (days(word)?, true),
            _ => {
                return Err(format!(
                    "{word:?} stands where nothing can: ACTION HH:MM [DAYS] [late DURATION] [holidays]"
                ));
            }
        }
    }
    // `off` goes on on holidays.
    line.holidays |= line.action == Action::Off;
    Ok(line)
}

fn action(word: &str) -> Result<Action, String> {
    // Nobody sits there to be shown a set-up.
    let action = word.to_ascii_lowercase().parse().ok().filter(|action| *action != Action::Setup);
    action.ok_or_else(|| match word {
        "none" => "none stands alone in its file".to_owned(),
        _ => format!("{word:?} is none of on, off, reset, cycle, pxe"),
    })
}

fn time(word: &str) -> Result<Time, String> {
    let time = || {
        let (hours, minutes) = word.split_once(':')?;
        let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let fits = plain(hours) && plain(minutes) && (1..=2).contains(&hours.len()) && minutes.len() == 2;
        fits.then(|| Time::new(hours.parse().ok()?, minutes.parse().ok()?, 0, 0).ok())?
    };
    time().ok_or_else(|| format!("{word:?} is no time of day as 07:30"))
}

fn late(word: &str) -> Result<Duration, String> {
    let late = word.parse::<SignedDuration>().ok().and_then(|late| Duration::try_from(late).ok());
    let late = late.filter(|late| !late.is_zero() && *late <= LATEST);
    late.ok_or_else(|| format!("{word:?} is no duration of at most a day as 30m, 2h"))
}

/// Days as `mon-fri`, `sat,sun`, `fri-mon`, `daily`.
fn days(word: &str) -> Result<u8, String> {
    if word == "daily" {
        return Ok(DAILY);
    }
    let day = |name: &str| DAYS.iter().position(|(short, long)| *short == name || *long == name);
    let part = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (day(first)?, day(last)?);
        let length = (last + 7 - first) % 7;
        Some((first..=first + length).fold(0, |days, at| days | 1 << (at % 7)))
    };
    let days = word.split(',').map(part).try_fold(0, |all, days: Option<u8>| Some(all | days?));
    days.ok_or_else(|| format!("{word:?} are no days as Mon-Fri, Sat,Sun or daily"))
}
