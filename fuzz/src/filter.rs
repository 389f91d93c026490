//! Filters as people type them: whatever comes, an error points into the line, and what is taken can be asked of events
//! and of both stores.

use super::segment::{SERVER, at};
use jiff::tz::TimeZone;
use pxelator::{
    event::{Event, Fact, Severity},
    filter::{Filter, Here, Known, Names, quoted},
    journal::mango,
    net::Mac,
};

/// A filter as UTF-8.
pub fn filter(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let known = Known { hostname: "web1".into(), segment: SERVER, address: Some(SERVER), mac: Mac([2, 0, 0, 0, 0, 1]) };
    let here = Here { now: at(0), zone: &TimeZone::UTC, names: &Names(vec![known]) };
    let event = message(&text);
    match Filter::parse(&text, &here) {
        Ok(filter) => {
            let refused = Filter::parse(&format!("not ({text})"), &here);
            // The longest and the deepest have no room for a `not`.
            if let (Ok(refused), false) = (refused, filter.is_everything()) {
                assert_ne!(refused.matches(&event), filter.matches(&event), "{text:?}");
            }
            assert!(mango::selector(&filter, mango::Dialect::PouchDb).is_object());
        }
        Err(error) => {
            let length = text.chars().count();
            assert!((1..=length + 1).contains(&error.column) && error.length >= 1, "{error:?}");
            assert!(error.column - 1 + error.length <= length.max(error.column), "{error:?}");
            assert!(!error.to_string().replace('\n', "").chars().any(char::is_control), "{error:?}");
        }
    }
    if text.chars().count() < 1000 {
        let literal = Filter::parse(&format!("text={}", quoted(&text)), &here);
        assert!(literal.is_ok_and(|literal| literal.matches(&event)), "{text:?}");
    }
}

fn message(text: &str) -> Event {
    let (severity, text) = (Severity::Err, text.to_owned());
    let fact = Fact::SyslogReceived { severity, facility: None, tag: None, host: None, sent: None, text };
    Event { time: at(0), ..Event::new(Some(SERVER), fact) }
}
