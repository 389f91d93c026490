//! Schedules as tables; over years and zones as properties.

mod properties;

use super::*;
use crate::event::Action;
use jiff::Timestamp;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// `due action skipped` of the changes after `from`, in local time.
fn told(file: &str, from: &str, holidays: &str, skipped: &str, count: usize) -> Vec<String> {
    told_in("Europe/Berlin", file, from, holidays, skipped, count)
}

fn told_in(name: &str, file: &str, from: &str, days: &str, skipped: &str, count: usize) -> Vec<String> {
    let (schedule, zone, days) = (parse(file).unwrap(), zone(name).unwrap(), holidays(days).unwrap());
    let skipped = (!skipped.is_empty()).then(|| skip(skipped).unwrap());
    let changes = schedule.after(at(from), Some(&zone), &days, skipped.as_ref()).take(count);
    let line = |change: Change| {
        let local = zone.0.to_datetime(change.due).strftime("%a %F %H:%M");
        let skipped = change.skipped.map(|why| format!(" ({why})")).unwrap_or_default();
        format!("{local} {}{skipped}", change.action.name())
    };
    changes.map(line).collect()
}

#[test]
fn lines() {
    let one = |text: &str| parse(text).unwrap().lines.remove(0);
    for (text, days) in [
        ("on 07:30", 0b111_1111),
        ("on 7:30 daily", 0b111_1111),
        ("ON  07:30   Mon-Fri", 0b001_1111),
        ("on 07:30 Sat,Sun", 0b110_0000),
        ("on 07:30 wednesday", 0b000_0100),
        ("on 07:30 Fri-Mon", 0b111_0001),
        ("on 07:30 Sun-Sun", 0b100_0000),
        ("on 07:30 Mon-Tue,Sat", 0b010_0011),
    ] {
        assert_eq!(one(text).days, days, "{text}");
    }
    let line = one("reset 03:00 Sun late 1h30m holidays # after the backup");
    assert_eq!((line.action, line.time.to_string().as_str()), (Action::Reset, "03:00:00"));
    assert_eq!((line.late.map(|late| late.as_secs()), line.holidays), (Some(5400), true));
    assert_eq!(line.text, "reset 03:00 Sun late 1h30m holidays");
    assert!(one("off 20:30").holidays && !one("on 07:30").holidays);
    assert_eq!(parse("on 07:30\noff 20:30\noff 07:30 Sun").unwrap().lines.len(), 3);
    assert_eq!(parse("none"), Ok(Schedule::default()));
}

#[test]
fn wrong_lines_are_named() {
    for (text, expected) in [
        ("hibernate 07:30", "line 1: \"hibernate\" is none of on, off, reset, cycle, pxe"),
        ("setup 07:30", "\"setup\" is none of on"),
        ("on 07:30\noff", "line 2: \"\" is no time of day as 07:30"),
        ("on 24:00", "\"24:00\" is no time"),
        ("on 7.30", "\"7.30\" is no time"),
        ("on +7:30", "\"+7:30\" is no time"),
        ("on 07:30:00", "\"07:30:00\" is no time"),
        ("on 07:30 Mo-Fr", "\"mo-fr\" are no days as Mon-Fri, Sat,Sun or daily"),
        ("on 07:30 Mon Tue", "\"Tue\" stands where nothing can"),
        ("on 07:30 late", "\"\" is no duration of at most a day as 30m, 2h"),
        ("on 07:30 late 2", "\"2\" is no duration"),
        ("on 07:30 late -2h", "\"-2h\" is no duration"),
        ("on 07:30 late 25h", "\"25h\" is no duration"),
        ("on 07:30 holidays Mon", "\"holidays\" are no days"),
        ("on 07:30\nnone", "line 2: none stands alone in its file"),
        ("on 07:30 Mon\noff 07:30", "line 2: \"off 07:30\" is due at the same times as \"on 07:30 Mon\" before it"),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.starts_with("a schedule: line ") && error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn a_week_of_a_kiosk() {
    // The 27th of November 2026 is a Friday.
    let file = "on 07:30 Mon-Fri\non 09:00 Sat\noff 20:30";
    assert_eq!(
        told(file, "2026-11-27T06:30:00Z", "2026-11-30 Fair", "", 6),
        [
            "Fri 2026-11-27 20:30 off",
            "Sat 2026-11-28 09:00 on",
            "Sat 2026-11-28 20:30 off",
            "Sun 2026-11-29 20:30 off",
            "Mon 2026-11-30 07:30 on (holiday: Fair)",
            "Mon 2026-11-30 20:30 off",
        ]
    );
    assert_eq!(told("none", "2026-11-27T06:30:00Z", "2026-11-30", "", 6), [""; 0]);
}

#[test]
fn holidays_and_what_goes_on_on_them() {
    let file = "on 07:30\nreset 12:00 holidays";
    let days = "12-24..01-01  winter   break\n2027-01-06";
    let told = told(file, "2026-12-23T12:00:00Z", days, "", 40);
    let of = |day: &str| told.iter().filter(|line| line.contains(day)).cloned().collect::<Vec<_>>();
    assert_eq!(of("12-24"), ["Thu 2026-12-24 07:30 on (holiday: winter break)", "Thu 2026-12-24 12:00 reset"]);
    assert_eq!(of("01-01")[0], "Fri 2027-01-01 07:30 on (holiday: winter break)");
    assert_eq!(of("01-02")[0], "Sat 2027-01-02 07:30 on");
    assert_eq!(of("01-06")[0], "Wed 2027-01-06 07:30 on (holiday)");
    for (text, expected) in [
        ("Christmas", "line 1: \"Christmas\" is no day as 2026-12-25 or 12-25"),
        ("12-25\n2026-02-30 x", "line 2: \"2026-02-30\" is no day"),
        ("2026-12-24..01-02", "is no day as"),
        ("2027-01-02..2026-12-24 x", "the last day is before the first"),
    ] {
        let error = super::holidays(text).unwrap_err();
        assert!(error.starts_with("a list of holidays: line ") && error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn skipped_changes() {
    let file = "on 07:30\noff 20:30";
    for skipped in ["2026-11-28 07:30", "2026-11-28T07:30:00+01:00", "2020-01-01 00:00\n2026-11-28T06:30:00Z"] {
        assert_eq!(
            told(file, "2026-11-27T12:00:00Z", "2026-12-01", skipped, 3),
            ["Fri 2026-11-27 20:30 off", "Sat 2026-11-28 07:30 on (skip)", "Sat 2026-11-28 20:30 off"],
            "{skipped}"
        );
    }
    assert!(skip("tomorrow").unwrap_err().contains("line 1: \"tomorrow\" is no such moment"));
    let berlin = zone("Europe/Berlin").unwrap();
    let before = skip("2026-11-01 07:30\n2026-11-29 20:30").unwrap();
    let (due, now) = (at("2026-11-28T06:30:00Z"), at("2026-11-27T12:00:00Z"));
    let written = Skip::with(Some(&before), due, now, Some(&berlin));
    assert_eq!(written, "2026-11-29T20:30:00+01:00\n2026-11-28T07:30:00+01:00\n");
    assert!(skip(written.trim()).unwrap().is_at(due, &berlin.0));
}

#[test]
fn of_two_at_one_moment_the_last_is_done() {
    assert_eq!(
        told("on 07:30\noff 07:30 Sun", "2026-11-28T12:00:00Z", "2026-12-06", "", 3),
        [
            "Sun 2026-11-29 07:30 on (off 07:30 Sun is due at the same time)",
            "Sun 2026-11-29 07:30 off",
            "Mon 2026-11-30 07:30 on"
        ]
    );
    // One that rests for a holiday beats none.
    assert_eq!(
        told("off 07:30\non 07:30 Sun", "2026-11-28T12:00:00Z", "2026-11-29 Fair", "", 2),
        ["Sun 2026-11-29 07:30 off", "Sun 2026-11-29 07:30 on (holiday: Fair)"]
    );
}

#[test]
fn daylight_saving() {
    let cases: [(&str, &str, &str, &[&str]); 7] = [
        (
            "Europe/Berlin",
            "off 02:30 Sun",
            "2026-03-28T12:00:00Z",
            &["Sun 2026-03-29 03:00 off", "Sun 2026-04-05 02:30 off"],
        ),
        (
            "Europe/Berlin",
            "off 02:30 Sun",
            "2026-10-24T12:00:00Z",
            &["Sun 2026-10-25 02:30 off", "Sun 2026-11-01 02:30 off"],
        ),
        // Both at the first moment after the gap: what is written later holds.
        (
            "Europe/Berlin",
            "off 02:15\non 02:45",
            "2026-03-28T12:00:00Z",
            &[
                "Sun 2026-03-29 03:00 off (on 02:45 is due at the same time)",
                "Sun 2026-03-29 03:00 on",
                "Mon 2026-03-30 02:15 off",
            ],
        ),
        // Half an hour.
        ("Australia/Lord_Howe", "on 02:10 Sun", "2026-10-03T00:00:00Z", &["Sun 2026-10-04 02:30 on"]),
        // The gap is at midnight.
        (
            "America/Sao_Paulo",
            "on 00:20",
            "2018-11-03T12:00:00Z",
            &["Sun 2018-11-04 01:00 on", "Mon 2018-11-05 00:20 on"],
        ),
        // The gap reaches midnight: late on Saturday is on Sunday.
        (
            "America/Scoresbysund",
            "off 23:30 Sat",
            "2025-03-29T00:00:00Z",
            &["Sun 2025-03-30 00:00 off", "Sat 2025-04-05 23:30 off"],
        ),
        // There was no 30th.
        ("Pacific/Apia", "on 12:00", "2011-12-29T12:00:00Z", &["Thu 2011-12-29 12:00 on", "Sat 2011-12-31 12:00 on"]),
    ];
    for (zone, file, from, expected) in cases {
        assert_eq!(told_in(zone, file, from, "2000-01-01", "", expected.len()), expected, "{zone} {file}");
    }
    // The first of both.
    let (schedule, berlin) = (parse("off 02:30 Sun").unwrap(), zone("Europe/Berlin").unwrap());
    let change = schedule.after(at("2026-10-24T12:00:00Z"), Some(&berlin), &Holidays::default(), None).next();
    assert_eq!(change.map(|change| change.due), Some(at("2026-10-25T00:30:00Z")));
}

#[test]
fn zones() {
    assert_eq!(zone("europe/berlin"), zone("Europe/Berlin"));
    for (text, near) in [
        ("Europe/Berln", "; did you mean Europe/Berlin?"),
        ("Berlin", "; did you mean Europe/Berlin?"),
        ("new york", "; did you mean America/New_York?"),
        ("Mars/Olympus_Mons", ""),
        ("/etc/localtime", ""),
        ("../x", ""),
    ] {
        assert_eq!(zone(text), Err(format!("a time zone as Europe/Berlin{near}")), "{text}");
    }
}
