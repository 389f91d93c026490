//! The value `checks`: what of a machine, or of a segment's services, is looked at, and how often.

use super::value::{self, Expected};
use std::time::Duration;

/// Twice a minute, unless a line says otherwise.
const EVERY: Duration = Duration::from_secs(30);
/// Whether a machine is there at all: cheap, and the first to be known.
const EVERY_SIGN: Duration = Duration::from_secs(10);
/// What is asked over ssh, and what changes slowly.
const EVERY_LONG: Duration = Duration::from_secs(5 * 60);
/// Pings may be lost.
const PINGS: u32 = 3;

/// One check: a line of `checks`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Check {
    /// What is looked at.
    pub what: What,
    /// `every 1m`; usually 10 s for `ping` and `arp`, 5 min for `disk`, `load` and `certificate`, 30 s for others.
    pub every: Duration,
    /// `times 3`: fails in a row until it counts as failed; 3 for `ping` and `arp`, 2 for others.
    pub times: u32,
}

/// What a check looks at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// `ping`: ICMP echo (RFC 792).
    Ping,
    /// `arp`: who has its address (RFC 826).
    Arp,
    /// `tcp PORT`: a connection comes about.
    Tcp(u16),
    /// `http URL [STATUS] ["TEXT"]`: also https; a URL that begins with `/` or `:` is of the machine, over TLS with `https`.
    Http {
        /// The URL.
        url: String,
        /// The status that is wanted; 200 to 399 unless given.
        status: Option<u16>,
        /// Text that its answer has.
        text: Option<String>,
    },
    /// `dns NAME [ADDRESS]`: asked of the machine.
    Dns {
        /// The name.
        name: String,
        /// What it is to be; any where it is not given.
        address: Option<std::net::Ipv4Addr>,
    },
    /// `ssh [PORT]`: its banner (RFC 4253, section 4.2).
    Ssh(u16),
    /// `certificate PORT [DAYS]`: it is good for so many days more, 14 unless given.
    Certificate {
        /// The port.
        port: u16,
        /// Days left at least.
        days: u32,
    },
    /// `syslog SPAN`: it logged something within that time.
    Syslog(Duration),
    /// `disk [PERCENT]`: over ssh; at most so much of its root is in use, 90 unless given.
    Disk(u8),
    /// `load [PERCENT]`: over ssh; at most so much load a processor, 400 unless given.
    Load(u32),
    /// `pool [PERCENT]`: of a segment; at most so much of its pool is in use, 90 unless given.
    Pool(u8),
}

impl Check {
    /// Stands in URLs for the machine itself.
    pub const ITSELF: &str = "itself";

    /// A check with the usual pace.
    pub fn new(what: What) -> Check {
        let (every, times) = match what {
            What::Ping | What::Arp => (EVERY_SIGN, PINGS),
            What::Disk(_) | What::Load(_) | What::Certificate { .. } => (EVERY_LONG, 2),
            _ => (EVERY, 2),
        };
        Check { what, every, times }
    }

    /// Its name in events, on the screen and in trends: `ping`, `tcp 22`, `http /health`.
    pub fn name(&self) -> String {
        match &self.what {
            What::Ping => "ping".to_owned(),
            What::Arp => "arp".to_owned(),
            What::Tcp(port) => format!("tcp {port}"),
            What::Http { url, .. } => match url.strip_prefix("https://itself") {
                Some(rest) => format!("https {rest}"),
                None => format!("http {url}"),
            },
            What::Dns { name, .. } => format!("dns {name}"),
            What::Ssh(22) => "ssh".to_owned(),
            What::Ssh(port) => format!("ssh {port}"),
            What::Certificate { port, .. } => format!("certificate {port}"),
            What::Syslog(_) => "syslog".to_owned(),
            What::Disk(_) => "disk".to_owned(),
            What::Load(_) => "load".to_owned(),
            What::Pool(_) => "pool".to_owned(),
        }
    }
}

/// What is checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checks {
    /// `off`: nothing is, not even what is sensible.
    pub off: bool,
    /// The lines; where there are none, what is sensible.
    pub checks: Vec<Check>,
}

const EXPECTED: &str = "lines of: ping, arp, tcp PORT, http URL [STATUS] [\"TEXT\"], dns NAME [ADDRESS], ssh [PORT], \
    certificate PORT [DAYS], syslog SPAN, disk [PERCENT], load [PERCENT], pool [PERCENT], each with `every 1m` and `times 3` \
    after it where wanted; or off";

/// A check a line, or `off`.
pub fn checks(text: &str) -> Result<Checks, Expected> {
    if text == "off" {
        return Ok(Checks { off: true, checks: Vec::new() });
    }
    let mut told = Checks::default();
    for line in text.lines() {
        let check = check(line).map_err(|why| format!("{EXPECTED}: {line:?} {why}"))?;
        if told.checks.iter().any(|known| known.name() == check.name()) {
            return Err(format!("{EXPECTED}, each once: {line:?} is there twice"));
        }
        told.checks.push(check);
    }
    Ok(told)
}

fn check(line: &str) -> Result<Check, String> {
    let words = words(line)?;
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (mut every, mut times) = (None, None);
    loop {
        match words[..] {
            [.., "every", span] if every.is_none() => every = Some(span_of(span)?),
            [.., "times", number] if times.is_none() => {
                let number = number.parse().ok().filter(|number| (1..=100).contains(number));
                times = Some(number.ok_or("has no number from 1 to 100 after times")?);
            }
            _ => break,
        }
        words.truncate(words.len() - 2);
    }
    let (first, rest) = words.split_first().ok_or("says nothing")?;
    let what = what(first, rest)?;
    let usual = Check::new(what);
    Ok(Check { every: every.unwrap_or(usual.every), times: times.unwrap_or(usual.times), ..usual })
}

fn what(first: &str, rest: &[&str]) -> Result<What, String> {
    let percent = |text: &str, most: u32| {
        let number = text.trim_end_matches('%').parse().ok().filter(|number| (1..=most).contains(number));
        number.ok_or_else(|| format!("has {text:?} where 1 to {most} percent were expected"))
    };
    let up_to_100 = |text: &str| percent(text, 100).map(|number| u8::try_from(number).unwrap_or(100));
    Ok(match (first, rest) {
        ("ping", []) => What::Ping,
        ("arp", []) => What::Arp,
        ("tcp", [at]) => What::Tcp(port(at)?),
        ("ssh", []) => What::Ssh(22),
        ("ssh", [at]) => What::Ssh(port(at)?),
        ("http" | "https", [at, rest @ ..]) => http(first, at, rest)?,
        ("dns", [name]) => What::Dns { name: host(name)?, address: None },
        ("dns", [name, address]) => What::Dns { name: host(name)?, address: Some(address_of(address)?) },
        ("certificate", [at]) => What::Certificate { port: port(at)?, days: 14 },
        ("certificate", [at, days]) => What::Certificate { port: port(at)?, days: days_of(days)? },
        ("syslog", [span]) => What::Syslog(span_of(span)?),
        ("disk", []) => What::Disk(90),
        ("disk", [most]) => What::Disk(up_to_100(most)?),
        ("load", []) => What::Load(400),
        ("load", [most]) => What::Load(percent(most, 100_000)?),
        ("pool", []) => What::Pool(90),
        ("pool", [most]) => What::Pool(up_to_100(most)?),
        _ => return Err("is none of them".to_owned()),
    })
}

/// `/health`, `:8080/health`, `https://web1.lan/`; with `https` before it the first two are over TLS.
fn http(scheme: &str, at: &str, rest: &[&str]) -> Result<What, String> {
    let url = match (at.starts_with('/') || at.starts_with(':'), scheme) {
        // As `https` of the machine itself: the host is put in when it is asked.
        (true, "https") => format!("https://{}{at}", Check::ITSELF),
        _ => at.to_owned(),
    };
    let whole =
        if at.starts_with('/') || at.starts_with(':') { format!("http://{}{at}", Check::ITSELF) } else { url.clone() };
    let is_url = url::Url::parse(&whole).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if !is_url {
        return Err(format!("has {at:?} where a URL was expected: /health, :8080/health or https://web1.lan/"));
    }
    let (status, rest) = match rest.split_first() {
        Some((word, more)) if word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_digit()) => {
            let status = word.parse().ok().filter(|status| (100..=599).contains(status));
            (Some(status.ok_or_else(|| format!("has {word} where a status of HTTP was expected"))?), more)
        }
        _ => (None, rest),
    };
    let text = match rest {
        [] => None,
        [text] => Some((*text).to_owned()),
        _ => return Err("has too many words: put the text into \"…\"".to_owned()),
    };
    Ok(What::Http { url, status, text })
}

fn port(text: &str) -> Result<u16, String> {
    let port = text.parse().ok().filter(|port| *port > 0);
    port.ok_or_else(|| format!("has {text:?} where a port from 1 to 65535 was expected"))
}

fn address_of(text: &str) -> Result<std::net::Ipv4Addr, String> {
    value::address(text).map_err(|expected| format!("has {text:?} where {expected} was expected"))
}

fn days_of(text: &str) -> Result<u32, String> {
    value::days(text).map_err(|expected| format!("has {text:?} where {expected} was expected"))
}

fn host(text: &str) -> Result<String, String> {
    let name = text.trim_end_matches('.');
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    match name.len() <= 253 && !name.is_empty() && name.chars().all(fits) {
        true => Ok(name.to_ascii_lowercase()),
        false => Err(format!("has {text:?} where a name of DNS was expected")),
    }
}

/// `30s`, `5m`: from a second to some days.
fn span_of(text: &str) -> Result<Duration, String> {
    let span = text.parse::<jiff::SignedDuration>().ok().and_then(|span| Duration::try_from(span).ok());
    let days = |text: &str| value::lease(text).ok();
    let span = span.or_else(|| days(text)).filter(|span| (1..=90 * 86_400).contains(&span.as_secs()));
    span.ok_or_else(|| format!("has {text:?} where a time from a second to 90 days was expected, as 30s or 5m"))
}

/// The words of a line; `"…"` is one word, with `\"` and `\\` in it.
fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut rest = line.chars().peekable();
    while let Some(first) = rest.next() {
        if first.is_whitespace() {
            continue;
        }
        let mut word = String::new();
        if first == '"' {
            loop {
                match rest.next().ok_or("has a \" without its end")? {
                    '"' => break,
                    '\\' => word.extend(rest.next()),
                    other => word.push(other),
                }
            }
        } else {
            word.push(first);
            while let Some(next) = rest.next_if(|next| !next.is_whitespace()) {
                word.push(next);
            }
        }
        words.push(word);
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_line() {
        let http = |url: &str, status, text: Option<&str>| What::Http {
            url: url.into(),
            status,
            text: text.map(str::to_owned),
        };
        let dns =
            |address: Option<&str>| What::Dns { name: "www.lan".into(), address: address.map(|a| a.parse().unwrap()) };
        for (line, what, name) in [
            ("ping", What::Ping, "ping"),
            ("arp", What::Arp, "arp"),
            ("tcp 25", What::Tcp(25), "tcp 25"),
            ("ssh", What::Ssh(22), "ssh"),
            ("ssh 2222", What::Ssh(2222), "ssh 2222"),
            ("http /", http("/", None, None), "http /"),
            ("http :8080/health 204", http(":8080/health", Some(204), None), "http :8080/health"),
            ("http / 200 \"all \\\"well\\\"\"", http("/", Some(200), Some("all \"well\"")), "http /"),
            ("http / well", http("/", None, Some("well")), "http /"),
            ("http https://www.lan/", http("https://www.lan/", None, None), "http https://www.lan/"),
            ("https :8443/", http("https://itself:8443/", None, None), "https :8443/"),
            ("https /x", http("https://itself/x", None, None), "https /x"),
            ("dns WWW.lan.", dns(None), "dns www.lan"),
            ("dns www.lan 10.77.0.60", dns(Some("10.77.0.60")), "dns www.lan"),
            ("certificate 443", What::Certificate { port: 443, days: 14 }, "certificate 443"),
            ("certificate 443 30", What::Certificate { port: 443, days: 30 }, "certificate 443"),
            ("syslog 10m", What::Syslog(Duration::from_secs(600)), "syslog"),
            ("disk", What::Disk(90), "disk"),
            ("disk 80%", What::Disk(80), "disk"),
            ("load 200", What::Load(200), "load"),
            ("pool", What::Pool(90), "pool"),
        ] {
            let told = checks(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert_eq!((told.checks[0].what.clone(), told.checks[0].name().as_str()), (what, name), "{line}");
        }
        let told = checks("ping every 5s\ntcp 22 times 5 every 2m").unwrap();
        assert_eq!((told.checks[0].every.as_secs(), told.checks[0].times), (5, PINGS));
        assert_eq!((told.checks[1].every.as_secs(), told.checks[1].times), (120, 5));
        assert_eq!(checks("off"), Ok(Checks { off: true, checks: Vec::new() }));
    }

    #[test]
    fn what_makes_no_sense_is_told_with_its_line() {
        for (bad, told) in [
            ("on", "is none of them"),
            ("ping\nping every 5s", "twice"),
            ("tcp", "is none of them"),
            ("tcp 0", "a port from 1"),
            ("tcp 70000", "a port from 1"),
            ("http web1", "a URL was expected"),
            ("http ftp://web1/", "a URL was expected"),
            ("http / 999", "a status"),
            ("http / 200 all well", "too many words"),
            ("http / \"well", "without its end"),
            ("dns a,b", "a name of DNS"),
            ("ping every never", "a time from"),
            ("ping every 0s", "a time from"),
            ("ping times 0", "no number from 1"),
            ("disk 101", "1 to 100 percent"),
            ("every 5s", "says nothing"),
            ("off\nping", "is none of them"),
        ] {
            let error = checks(bad).unwrap_err();
            assert!(error.contains(told) && error.starts_with("lines of"), "{bad}: {error}");
        }
    }
}
