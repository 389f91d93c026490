//! Which view of the page: its address, read and written. Pure.

use crate::{net::Mac, sample::Of};
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::net::Ipv4Addr;

/// Where views are.
pub const ROOT: &str = "/pxelator";
/// Letters that a value of a query keeps.
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b':').remove(b'/');
/// The longest filter.
const LONGEST: usize = 2_000;

/// A view.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum View {
    /// The segments.
    Overview,
    /// All machines that have these words.
    Machines(String),
    /// One machine: its segment's server address and its own hardware address.
    Machine(Ipv4Addr, Mac),
    /// What fires, waits, and is over.
    Alerts,
    /// Messages of machines that a filter wants.
    Syslog(String),
    /// All events that a filter wants.
    Audit(String),
    /// Leases that have these words.
    Leases(String),
    /// What was measured.
    Graphs(Graphs),
    /// Changes of machines' files, of this machine alone where it is named.
    Changes(Option<String>),
    /// One of them, by git's name.
    Change(String),
}

/// Which graphs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Graphs {
    /// Of what; of the first segment where it is not said.
    pub of: Option<Of>,
    /// One family; all of them where none is given.
    pub family: Option<String>,
    /// How long a time.
    pub span: Span,
    /// Until then; the present where it is not said.
    pub to: Option<Timestamp>,
}

/// How long a time a graph shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Span {
    /// An hour.
    #[default]
    Hour,
    /// Six hours.
    Quarter,
    /// A day.
    Day,
    /// A week.
    Week,
    /// 30 days.
    Month,
    /// 365 days.
    Year,
}

impl Span {
    /// All, the shortest first.
    pub const ALL: [Span; 6] = [Span::Hour, Span::Quarter, Span::Day, Span::Week, Span::Month, Span::Year];

    /// As in addresses.
    pub fn name(self) -> &'static str {
        ["1h", "6h", "1d", "1w", "1m", "1y"][self as usize]
    }

    /// As people say it.
    pub fn words(self) -> &'static str {
        ["hour", "six hours", "day", "week", "month", "year"][self as usize]
    }

    /// How long it is.
    pub fn length(self) -> SignedDuration {
        SignedDuration::from_hours([1, 6, 24, 7 * 24, 30 * 24, 365 * 24][self as usize])
    }
}

impl View {
    /// The view at a path below [`ROOT`] with a query; none where there is none.
    pub fn parse(path: &str, query: &str) -> Option<View> {
        let values: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let value = |name: &str| values.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim());
        let words = || value("q").unwrap_or_default().chars().take(LONGEST).collect::<String>();
        let rest = path.strip_prefix(ROOT)?.trim_matches('/');
        let parts: Vec<&str> = rest.split('/').collect();
        Some(match *parts.as_slice() {
            [""] => View::Overview,
            ["machines"] => View::Machines(words()),
            ["machines", segment, mac] => View::Machine(segment.parse().ok()?, mac.replace('-', ":").parse().ok()?),
            ["alerts"] => View::Alerts,
            ["syslog"] => View::Syslog(words()),
            ["audit"] => View::Audit(words()),
            ["leases"] => View::Leases(words()),
            ["graphs"] => View::Graphs(Graphs {
                of: value("of").and_then(of),
                family: value("family").filter(|family| !family.is_empty()).map(str::to_owned),
                span: value("span")
                    .and_then(|name| Span::ALL.into_iter().find(|span| span.name() == name))
                    .unwrap_or_default(),
                to: value("to").and_then(|to| to.parse().ok()),
            }),
            ["changes"] => View::Changes(value("host").filter(|host| !host.is_empty()).map(str::to_owned)),
            ["changes", hash] if hash.len() <= 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
                View::Change(hash.to_owned())
            }
            _ => return None,
        })
    }

    /// Its address: path and query.
    pub fn url(&self) -> String {
        let asked = |path: &str, words: &str| match words {
            "" => format!("{ROOT}/{path}"),
            words => format!("{ROOT}/{path}?q={}", coded(words)),
        };
        match self {
            View::Overview => ROOT.to_owned(),
            View::Machines(words) => asked("machines", words),
            View::Machine(segment, mac) => format!("{ROOT}/machines/{segment}/{}", dashed(*mac)),
            View::Alerts => asked("alerts", ""),
            View::Syslog(words) => asked("syslog", words),
            View::Audit(words) => asked("audit", words),
            View::Leases(words) => asked("leases", words),
            View::Graphs(graphs) => {
                let values = [
                    graphs.of.map(|of| format!("of={}", of_name(of))),
                    graphs.family.as_ref().map(|family| format!("family={}", coded(family))),
                    (graphs.span != Span::default()).then(|| format!("span={}", graphs.span.name())),
                    graphs.to.map(|to| format!("to={}", coded(&format!("{to:.0}")))),
                ];
                let values: Vec<String> = values.into_iter().flatten().collect();
                if values.is_empty() { asked("graphs", "") } else { format!("{ROOT}/graphs?{}", values.join("&")) }
            }
            View::Changes(None) => asked("changes", ""),
            View::Changes(Some(host)) => format!("{ROOT}/changes?host={}", coded(host)),
            View::Change(hash) => format!("{ROOT}/changes/{hash}"),
        }
    }

    /// Its heading, and its tab's.
    pub fn title(&self) -> &'static str {
        match self {
            View::Overview => "Overview",
            View::Machines(_) => "Machines",
            View::Machine(..) => "Machine",
            View::Alerts => "Alerts",
            View::Syslog(_) => "Syslog",
            View::Audit(_) => "Audit",
            View::Leases(_) => "Leases",
            View::Graphs(_) => "Graphs",
            View::Changes(_) => "Changes",
            View::Change(_) => "Change",
        }
    }

    /// It is the same for as long as the program runs: nothing of it is brought up to date.
    pub fn is_still(&self) -> bool {
        match self {
            View::Change(_) => true,
            View::Graphs(graphs) => graphs.to.is_some(),
            _ => false,
        }
    }
}

/// A value of a query.
pub fn coded(value: &str) -> String {
    utf8_percent_encode(value, PLAIN).to_string()
}

/// A hardware address in a path and in an `id`.
pub fn dashed(mac: Mac) -> String {
    mac.to_string().replace(':', "-")
}

/// What graphs are of, in a query: `10.77.0.1/10.77.0.60`, `10.77.0.1`, `pxelator`.
pub fn of_name(of: Of) -> String {
    match of {
        Of::Machine(segment, machine) => format!("{segment}/{machine}"),
        Of::Segment(segment) => segment.to_string(),
        Of::Program => "pxelator".to_owned(),
    }
}

fn of(name: &str) -> Option<Of> {
    Some(match name.split_once('/') {
        Some((segment, machine)) => Of::Machine(segment.parse().ok()?, machine.parse().ok()?),
        None if name == "pxelator" => Of::Program,
        None => Of::Segment(name.parse().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_they_are_written() {
        let (segment, machine) = (Ipv4Addr::new(10, 77, 0, 1), Ipv4Addr::new(10, 77, 0, 60));
        let graphs = Graphs { of: None, family: None, span: Span::Hour, to: None };
        for (view, url) in [
            (View::Overview, "/pxelator"),
            (View::Machines("web db".into()), "/pxelator/machines?q=web%20db"),
            (
                View::Machine(segment, Mac([0x52, 0x54, 0, 0x77, 0, 0x60])),
                "/pxelator/machines/10.77.0.1/52-54-00-77-00-60",
            ),
            (View::Alerts, "/pxelator/alerts"),
            (View::Audit("severity<=err \"ü&\"".into()), "/pxelator/audit?q=severity%3C%3Derr%20%22%C3%BC%26%22"),
            (View::Graphs(graphs.clone()), "/pxelator/graphs"),
            (
                View::Graphs(Graphs {
                    of: Some(Of::Machine(segment, machine)),
                    family: Some("ping".into()),
                    span: Span::Week,
                    to: "2026-11-26T09:00:00Z".parse().ok(),
                }),
                "/pxelator/graphs?of=10.77.0.1/10.77.0.60&family=ping&span=1w&to=2026-11-26T09:00:00Z",
            ),
            (View::Graphs(Graphs { of: Some(Of::Program), ..graphs }), "/pxelator/graphs?of=pxelator"),
            (View::Changes(Some("web1".into())), "/pxelator/changes?host=web1"),
            (View::Change("0a1b".into()), "/pxelator/changes/0a1b"),
        ] {
            assert_eq!(view.url(), url);
            let (path, query) = url.split_once('?').unwrap_or((url, ""));
            assert_eq!(View::parse(path, query), Some(view));
        }
        for path in
            ["/pxelator/nothing", "/pxelator/machines/web1", "/pxelator/changes/..", "/other", "/pxelator/graphs/x"]
        {
            assert_eq!(View::parse(path, ""), None, "{path}");
        }
        assert_eq!(View::parse("/pxelator/", ""), Some(View::Overview));
    }
}
