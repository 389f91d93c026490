//! Ten years of real zones: each line once on each of its days, in order, at its local time.

use super::super::*;
use crate::event::Action;
use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Time},
    tz::TimeZone,
};
use proptest::prelude::*;
use std::collections::BTreeSet;

const ZONES: [&str; 20] = [
    "Europe/Berlin",
    "Europe/London",
    "Europe/Dublin",
    "Europe/Istanbul",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Havana",
    "America/Scoresbysund",
    "America/Caracas",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Asia/Gaza",
    "Asia/Pyongyang",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Antarctica/Troll",
];

fn hours(count: i64) -> SignedDuration {
    SignedDuration::from_hours(count)
}

fn midnight(date: Date, zone: &TimeZone) -> Timestamp {
    zone.to_timestamp(date.to_datetime(Time::midnight())).unwrap()
}

fn line(days: u8, minute: i16) -> Line {
    let time = Time::new((minute / 60) as i8, (minute % 60) as i8, 0, 0).unwrap();
    Line { action: Action::Off, time, days, late: None, holidays: true, text: format!("off {time} {days}") }
}

/// Minutes of the day: those at which clocks are changed are as likely as all others together.
fn minutes() -> impl Strategy<Value = i16> {
    prop_oneof![0..240_i16, 0..1440_i16, 1320..1440_i16]
}

/// The days from `first` on that the zone has: those of its clock, looked at every six hours.
fn days(zone: &TimeZone, first: Date) -> BTreeSet<Date> {
    let begin = midnight(first, &TimeZone::UTC);
    let looks = (-8..365 * 40 + 8).map(|at| zone.to_datetime(begin + hours(at * 6)).date());
    looks.filter(|day| *day >= first).collect()
}

/// `due` is when the clock of the zone shows `date` and `time` for the first time, or goes past them.
fn is_right(zone: &TimeZone, due: Timestamp, date: Date, time: Time) -> bool {
    let (wanted, shown) = (date.to_datetime(time), zone.to_datetime(due));
    let just_before = zone.to_datetime(due - SignedDuration::from_nanos(1));
    let earlier =
        [15, 20, 30, 60, 90, 120, 180].map(|minutes| zone.to_datetime(due - SignedDuration::from_mins(minutes)));
    let again = earlier.contains(&wanted);
    shown == wanted && !again || shown > wanted && just_before < wanted
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn each_line_is_due_once_on_each_of_its_days(
        name in prop::sample::select(&ZONES[..]), year in 1995..2040_i16, bits in 1..128_u8, minute in minutes(),
    ) {
        let zone = zone(name).unwrap();
        let first = Date::new(year, 1, 1).unwrap();
        let schedule = Schedule { lines: vec![line(bits, minute)] };
        let begin = midnight(first, &zone.0) - SignedDuration::from_nanos(1);
        let none = Holidays::default();
        let mut changes = schedule.after(begin, Some(&zone), &none, None).peekable();
        // Of the day before, moved over midnight by a gap.
        let before = |change: &Change| zone.0.to_datetime(change.due - SignedDuration::from_nanos(1)).date() < first;
        if !schedule.lines[0].is_on(first) {
            changes.next_if(before);
        }
        let mut last = begin;
        for day in days(&zone.0, first).into_iter().filter(|day| schedule.lines[0].is_on(*day)) {
            let change = changes.next().unwrap();
            prop_assert!(change.due > last, "{name}: {} is not after {last}", change.due);
            prop_assert!(is_right(&zone.0, change.due, day, schedule.lines[0].time), "{name} {day}: {change:?}");
            last = change.due;
        }
    }

    #[test]
    fn a_later_begin_gives_the_rest(
        name in prop::sample::select(&ZONES[..]), year in 1995..2040_i16, hour in 0..365 * 24 * 2_i64,
        lines in prop::collection::vec((1..128_u8, minutes()), 1..6),
    ) {
        let zone = zone(name).unwrap();
        let schedule = Schedule { lines: lines.into_iter().map(|(days, minute)| line(days, minute)).collect() };
        let begin = midnight(Date::new(year, 6, 1).unwrap(), &TimeZone::UTC);
        let none = Holidays::default();
        let all: Vec<_> = schedule
            .after(begin, Some(&zone), &none, None)
            .take_while(|change| change.due < begin + hours(365 * 24 * 3))
            .collect();
        prop_assert!(all.is_sorted_by(|one, next| one.due <= next.due));
        // Also exactly at a change, which is over then.
        let later = begin + hours(hour);
        let exact = all.iter().map(|change| change.due).find(|due| *due >= later).unwrap();
        for from in [later, exact] {
            let rest: Vec<_> = all.iter().filter(|change| change.due > from).take(40).cloned().collect();
            let again: Vec<_> = schedule.after(from, Some(&zone), &none, None).take(rest.len()).collect();
            prop_assert_eq!(rest, again);
        }
    }
}
