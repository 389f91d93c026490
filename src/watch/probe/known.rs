//! What is known here already and need not be asked: who logs, and how many addresses are left. Pure.

use super::Look;
use crate::{conf::Pool, state::Leases};
use jiff::Timestamp;
use std::time::Duration;

/// Whether a machine logged something within this time; what happened before the program began, it could not hear.
pub fn silence(last: Option<Timestamp>, started: Timestamp, now: Timestamp, span: Duration) -> Look {
    let since = last.map_or(started, |last| last.max(started));
    let silent = now.duration_since(since).unsigned_abs();
    match (last, silent > span) {
        (_, true) => Look::wrong(format!(
            "it logged nothing for {} s; expected something every {} s",
            silent.as_secs(),
            span.as_secs()
        )),
        (Some(last), false) => {
            let ago = now.duration_since(last).as_secs().max(0);
            Look::well(format!("it logged {ago} s ago"), None)
        }
        (None, false) => Look::well("it may still log something", None),
    }
}

/// How much of a pool is leased.
pub fn pool(pool: Option<Pool>, leases: &Leases, now: Timestamp, most: u8) -> Look {
    let Some(pool) = pool else { return Look::well("the segment has no pool", None) };
    let all = u64::from(pool.last.to_bits() - pool.first.to_bits()) + 1;
    let used = leases.iter().filter(|lease| lease.is_active(now) && pool.contains(lease.address)).count() as u64;
    let said = format!("{used} of {all} addresses are leased");
    match used * 100 > all * u64::from(most) {
        true => Look::wrong(format!("{said}; expected {most} % at most")),
        false => Look::well(said, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_silent() {
        let at = |second: i64| Timestamp::from_second(1_000_000 + second).unwrap();
        let span = Duration::from_secs(60);
        for (last, started, now, well) in [
            (Some(0), -1000, 60, true),
            (Some(0), -1000, 61, false),
            // Only since the program began it could hear.
            (Some(-5000), 0, 60, true),
            (None, 0, 59, true),
            (None, 0, 61, false),
        ] {
            let look = silence(last.map(at), at(started), at(now), span);
            assert_eq!(look.well, well, "{last:?} {now}: {look:?}");
        }
    }
}
