//! When a time of day is, on a day of a zone. Pure.

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::{AmbiguousOffset, TimeZone},
};

/// The moment of a local time: of one that comes twice the first, of one that is left out the first after the gap.
/// None beyond the ends of time.
pub fn moment(local: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
            offset.to_timestamp(local).ok()
        }
        AmbiguousOffset::Gap { before, after } => {
            // The clock goes forward between these two.
            let (low, high) = (after.to_timestamp(local).ok()?, before.to_timestamp(local).ok()?);
            let next = high.checked_add(jiff::SignedDuration::from_nanos(1)).ok()?;
            let changes = zone.preceding(next).map(|change| change.timestamp()).take_while(|at| *at > low);
            changes.last().or(Some(high))
        }
    }
}

/// The zone has this day; some left one out when they moved across the date line.
pub fn exists(date: Date, zone: &TimeZone) -> bool {
    let begin = moment(date.to_datetime(Time::midnight()), zone);
    begin.is_some_and(|begin| zone.to_datetime(begin).date() == date)
}
