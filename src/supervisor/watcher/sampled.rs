//! What a look measured, as trends take it. Pure.

use crate::{
    conf::checks::What,
    sample::{Of, Sample},
    trend::family::of_check,
    watch::{Due, Look},
};
use jiff::Timestamp;

/// `ping` with its time and its loss; others whether it is there, and its time. Milliseconds.
pub fn sample(due: &Due, look: &Look, time: Timestamp) -> Sample {
    let subject = due.key.subject;
    let of = match subject.machine {
        Some((address, _)) => Of::Machine(subject.segment, address),
        None => Of::Segment(subject.segment),
    };
    let is_well = f64::from(u8::from(look.well));
    match due.check.what {
        What::Ping => {
            let values = vec![("rtt", look.millis), ("loss", Some(1.0 - is_well))];
            Sample { time, of, family: "ping".to_owned(), values }
        }
        _ => {
            let values = vec![("up", Some(is_well)), ("time", look.millis)];
            Sample { time, of, family: of_check(&due.key.name), values }
        }
    }
}
