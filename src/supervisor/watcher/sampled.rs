//! What a look measured, as trends take it. Pure.

use crate::{
    conf::checks::What,
    sample::{Of, Sample},
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
            Sample { time, of, family: family(&due.key.name), values }
        }
    }
}

/// `check-tcp-22`, `check-http-8080-health`.
fn family(name: &str) -> String {
    let mut family = "check".to_owned();
    for part in name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()) {
        family.push('-');
        family.push_str(&part.to_ascii_lowercase());
    }
    family.truncate(100);
    family
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families() {
        for (name, wanted) in [
            ("tcp 22", "check-tcp-22"),
            ("http :8080/Health?a=1", "check-http-8080-health-a-1"),
            ("dns www.lan", "check-dns-www-lan"),
            ("ssh", "check-ssh"),
        ] {
            assert_eq!(family(name), wanted);
        }
    }
}
