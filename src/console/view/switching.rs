//! Power in words: the column, how far a change is, scheduled changes, and the questions before what destroys. Pure.

pub use crate::state::words::{power_column as column, power_state as state, switching as underway};
use crate::{event::Action, schedule::Change};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

/// What an action of the menu does.
pub fn action(action: Action) -> &'static str {
    match action {
        Action::On => "power on",
        Action::Off => "power off, gently where that can be",
        Action::Reset => "reset",
        Action::Cycle => "off at once, and on again",
        Action::Pxe => "boot once from the network",
        Action::Setup => "once into the set-up of its firmware",
    }
}

/// What is asked before something is done to a machine that runs, or may run.
pub fn sure(action: Action, known: bool) -> String {
    let runs = if known { "It runs." } else { "It may run: whether it is on is not known." };
    let what = match action {
        Action::On => "Switch it on?",
        Action::Off => "Switch it off? Its system is asked to shut down where it can be; else its power is taken.",
        Action::Reset => "Reset it at once, without its system being asked?",
        Action::Cycle => "Take its power at once, without its system being asked, and give it again?",
        Action::Pxe => "Reset it at once, to boot once from the network?",
        Action::Setup => "Reset it at once, into the set-up of its firmware?",
    };
    format!("{runs} {what}")
}

/// The same of many: how many may run.
pub fn sure_of(action: Action, all: usize, running: usize) -> String {
    let what = match action {
        Action::On => "Switch on",
        Action::Off => "Switch off",
        Action::Reset => "Reset",
        Action::Cycle => "Take the power of, and give it again to,",
        Action::Pxe => "Boot once from the network",
        Action::Setup => "Boot once into the set-up of the firmware",
    };
    let seconds = crate::console::power::STAGGER.as_secs();
    let running = match (action, running) {
        (Action::On, _) | (_, 0) => String::new(),
        (_, 1) => " 1 of them runs, or may.".to_owned(),
        (_, count) => format!(" {count} of them run, or may."),
    };
    format!("{what} {all} machines, one every {seconds} s?{running}")
}

/// A scheduled change: `on 07:30 tomorrow (on 07:30 Mon-Fri)`.
pub fn change(change: &Change, now: Timestamp, zone: &TimeZone) -> String {
    format!("{} {} ({})", change.action.name(), due(change.due, now, zone), change.line)
}

/// The same in a column: `on 07:30` within a day, else `on 07:30 Mon` or `on 12-24`.
pub fn short_change(change: &Change, now: Timestamp, zone: &TimeZone) -> String {
    let then = change.due.to_zoned_datetime(zone.clone());
    let form = match change.due.duration_since(now) {
        ahead if ahead < SignedDuration::from_hours(24) => "%H:%M",
        ahead if ahead < SignedDuration::from_hours(6 * 24) => "%H:%M %a",
        _ => "%m-%d",
    };
    format!("{} {}", change.action.name(), then.strftime(form))
}

/// `07:30 today`, `07:30 tomorrow`, `07:30 Mon`, `07:30 2026-12-24`, where the operator is.
pub fn due(due: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (then, now) = (due.to_zoned_datetime(zone.clone()), now.to_zoned_datetime(zone.clone()));
    let days = now.date().until(then.date()).map_or(i32::MAX, |days| days.get_days());
    match days {
        0 => then.strftime("%H:%M today").to_string(),
        1 => then.strftime("%H:%M tomorrow").to_string(),
        2..=6 => then.strftime("%H:%M %a").to_string(),
        _ => then.strftime("%H:%M %Y-%m-%d").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_say_them() {
        let now: Timestamp = "2026-11-24T09:20:00Z".parse().unwrap();
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        for (at, long, short) in [
            ("2026-11-24T19:30:00Z", "20:30 today", "off 20:30"),
            ("2026-11-25T06:30:00Z", "07:30 tomorrow", "off 07:30"),
            ("2026-11-25T19:30:00Z", "20:30 tomorrow", "off 20:30 Wed"),
            ("2026-11-27T06:30:00Z", "07:30 Fri", "off 07:30 Fri"),
            ("2026-12-24T06:30:00Z", "07:30 2026-12-24", "off 12-24"),
        ] {
            let at: Timestamp = at.parse().unwrap();
            assert_eq!(due(at, now, &zone), long);
            let change = Change { due: at, action: Action::Off, line: "x".into(), late: None, skipped: None };
            assert_eq!(short_change(&change, now, &zone), short);
        }
    }
}
