//! Moments as people write them.

use jiff::{Span, Timestamp, civil, tz::TimeZone};

/// What [`moment`] reads.
pub const MOMENTS: &str = "a moment: -2h, 09:30, 2026-11-24 or 2026-11-24T09:20:05Z";

/// A span before now, a time of today, a date, or both; without a zone it is local.
pub fn moment(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let local = |at: civil::DateTime| Some(at.to_zoned_datetime(zone.clone()).ok()?.timestamp());
    let found = if let Ok(moment) = text.parse::<Timestamp>() {
        Some(moment)
    } else if let Some(ago) = text.strip_prefix('-').and_then(|ago| ago.parse::<Span>().ok()) {
        let then = now.to_zoned_datetime(zone.clone()).checked_sub(ago);
        then.ok().map(|zoned| zoned.timestamp())
    } else if let Ok(at) = text.parse::<civil::DateTime>() {
        // Before the time alone, which would take a date along and forget it.
        local(at)
    } else if let Ok(time) = text.parse::<civil::Time>() {
        local(now.to_zoned_datetime(zone.clone()).date().to_datetime(time))
    } else {
        None
    };
    // As exact as events are.
    found.and_then(|moment| Timestamp::from_microsecond(moment.as_microsecond()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("-2h", "2026-11-24T10:00:00Z"),
            ("-90s", "2026-11-24T11:58:30Z"),
            ("-1 day", "2026-11-23T12:00:00Z"),
            ("09:30", "2026-11-24T09:30:00Z"),
            ("2026-11-23", "2026-11-23T00:00:00Z"),
            ("2026-11-23 08:00", "2026-11-23T08:00:00Z"),
            ("2026-11-24T09:20:05Z", "2026-11-24T09:20:05Z"),
            ("2026-11-24T09:20:05+02:00", "2026-11-24T07:20:05Z"),
        ] {
            assert_eq!(moment(text, now, &TimeZone::UTC), Some(expected.parse().unwrap()), "{text}");
        }
        for text in ["", "soon", "-", "-soon", "25:00", "2026-13-01"] {
            assert_eq!(moment(text, now, &TimeZone::UTC), None, "{text}");
        }
    }
}
