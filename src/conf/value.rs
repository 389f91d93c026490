//! What a single file of the tree may hold. Each function takes a trimmed value; its error says what was expected.

use super::{Database, Loader, Login, Mode, Once, Pool};
use crate::{event::Architecture, net::Mac};
use jiff::Span;
use std::{net::Ipv4Addr, time::Duration};

/// What was expected, to stand after "is not".
pub type Expected = String;

/// One IPv4 address.
pub fn address(text: &str) -> Result<Ipv4Addr, Expected> {
    text.parse().map_err(|_| "an IPv4 address as 10.77.0.60".to_owned())
}

/// Several addresses, parted by lines, blanks or commas.
pub fn addresses(text: &str) -> Result<Vec<Ipv4Addr>, Expected> {
    let words = text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty());
    words.map(address).collect::<Result<_, _>>().map_err(|_| "IPv4 addresses, one a line".to_owned())
}

/// A unicast hardware address.
pub fn mac(text: &str) -> Result<Mac, Expected> {
    let mac: Mac = text.parse().map_err(|_| "a hardware address as 52:54:00:12:34:56".to_owned())?;
    if mac.is_nobody() {
        Err("the hardware address of one machine (this one is a group's)".to_owned())
    } else {
        Ok(mac)
    }
}

/// A host name of one label (RFC 1123, section 2.1), in lower case.
pub fn hostname(text: &str) -> Result<String, Expected> {
    if is_label(text) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("a host name: letters, digits and inner hyphens, at most 63, without the domain".to_owned())
    }
}

/// A domain of such labels, in lower case.
pub fn domain(text: &str) -> Result<String, Expected> {
    let text = text.trim_end_matches('.');
    if text.len() <= 200 && text.split('.').all(is_label) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("a domain as example.lan".to_owned())
    }
}

fn is_label(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (1..=63).contains(&text.len()) && text.chars().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

/// The length of a network prefix.
pub fn prefix(text: &str) -> Result<u8, Expected> {
    let number = text.trim_start_matches('/').parse().ok().filter(|n| (1..=30).contains(n));
    number.ok_or_else(|| "the length of a network prefix, 1 to 30".to_owned())
}

/// `first-last`, also with a bare last octet: `10.77.0.100-200`.
pub fn pool(text: &str) -> Result<Pool, Expected> {
    let expected = || "a range as 10.77.0.100-10.77.0.200".to_owned();
    let (first, last) = text.split_once('-').ok_or_else(expected)?;
    let first = address(first.trim()).map_err(|_| expected())?;
    let last = match last.trim().parse::<u8>() {
        Ok(octet) => Ipv4Addr::from_bits(first.to_bits() & !0xff | u32::from(octet)),
        Err(_) => address(last.trim()).map_err(|_| expected())?,
    };
    if first <= last {
        Ok(Pool { first, last })
    } else {
        Err(format!("{}: the first address is above the last", expected()))
    }
}

/// Seconds as a number, or `30m`, `1h`, `1 day`.
pub fn lease(text: &str) -> Result<Duration, Expected> {
    let seconds = text.parse::<u32>().ok().map(u64::from).or_else(|| {
        let span: Span = text.parse().ok()?;
        let seconds = span.total((jiff::Unit::Second, jiff::SpanRelativeTo::days_are_24_hours())).ok()?;
        (seconds.is_finite() && seconds >= 0.0).then_some(seconds as u64)
    });
    let in_range = seconds.filter(|s| (60..=u64::from(u32::MAX - 1)).contains(s));
    in_range.map(Duration::from_secs).ok_or_else(|| "a duration of at least a minute, as 30m, 1h or 86400".to_owned())
}

/// `https://user:password@host:port/path/name`; who asks may also be in `couchdb.secret`.
pub fn database(text: &str) -> Result<Database, Expected> {
    let expected = || "the URL of a database, as http://127.0.0.1:5984/pxelator".to_owned();
    let mut url = url::Url::parse(text).map_err(|_| expected())?;
    // CouchDB's rule for names: https://docs.couchdb.org/en/stable/api/database/common.html#put--db
    let name = url.path().rsplit('/').next().unwrap_or_default();
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_$()+-".contains(c);
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(fits) {
        return Err(format!("{}: its name is lower case letters, digits and _$()+-, the first a letter", expected()));
    }
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() || url.query().or(url.fragment()).is_some() {
        return Err(expected());
    }
    let part = |coded: &str| percent_encoding::percent_decode_str(coded).decode_utf8_lossy().into_owned();
    let login = (!url.username().is_empty())
        .then(|| Login { user: part(url.username()), password: part(url.password().unwrap_or_default()) });
    url.set_username("").and_then(|()| url.set_password(None)).map_err(|()| expected())?;
    Ok(Database { url: url.into(), login })
}

/// A number of days.
pub fn days(text: &str) -> Result<u32, Expected> {
    let days = text.parse().ok().filter(|days| (1..=36_500).contains(days));
    days.ok_or_else(|| "a number of days, at least 1".to_owned())
}

/// A number of boots, or `off`.
pub fn record(text: &str) -> Result<usize, Expected> {
    let boots = if text == "off" { Some(0) } else { text.parse().ok().filter(|boots| (1..=1_000).contains(boots)) };
    boots.ok_or_else(|| "a number of boots of each machine, 1 to 1000, or off".to_owned())
}

/// SHA-256 of a certificate in hexadecimal, with or without colons; in lower case without.
pub fn fingerprint(text: &str) -> Result<String, Expected> {
    let digits: String = text.chars().filter(|c| *c != ':').collect::<String>().to_ascii_lowercase();
    match hex::decode(&digits) {
        Ok(bytes) if bytes.len() == 32 => Ok(digits),
        _ => Err("SHA-256 of a certificate: 64 hexadecimal digits".to_owned()),
    }
}

/// `user:password`.
pub fn login(text: &str) -> Result<Login, Expected> {
    let parts = text.split_once(':').filter(|(user, _)| !user.is_empty() && !text.contains('\n'));
    let (user, password) = parts.ok_or_else(|| "one line: user:password".to_owned())?;
    Ok(Login { user: user.to_owned(), password: password.to_owned() })
}

/// A segment's mode.
pub fn mode(text: &str) -> Result<Mode, Expected> {
    let all = [Mode::Authoritative, Mode::Proxy, Mode::Off];
    all.into_iter().find(|m| m.name() == text).ok_or_else(|| "one of authoritative, proxy, off".to_owned())
}

/// A boot loader.
pub fn loader(text: &str) -> Result<Loader, Expected> {
    match text {
        "auto" => Ok(Loader::Auto),
        "ipxe" => Ok(Loader::Ipxe),
        "snponly" => Ok(Loader::Snponly),
        "grub" => Ok(Loader::Grub),
        "pxelinux" => Ok(Loader::Pxelinux),
        _ => Err("one of auto, ipxe, snponly, grub, pxelinux".to_owned()),
    }
}

/// `on` or `off`.
pub fn on_off(text: &str) -> Result<bool, Expected> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("on or off".to_owned()),
    }
}

/// A firmware: `bios`, `uefi` …
pub fn firmware(text: &str) -> Result<Architecture, Expected> {
    text.parse()
}

/// A folder's or an interface's name.
pub fn name(text: &str) -> Result<String, Expected> {
    let fit = |c: char| c.is_ascii_alphanumeric() || "-_.@:".contains(c);
    if text.len() <= 64 && !text.starts_with('.') && text.chars().all(fit) {
        Ok(text.to_owned())
    } else {
        Err("a name of letters, digits, hyphens and dots".to_owned())
    }
}

/// Names, in lines or separated by spaces.
pub fn names(text: &str) -> Result<Vec<String>, Expected> {
    text.split_whitespace().map(name).collect()
}

/// `PROFILE [then PROFILE]`.
pub fn once(text: &str) -> Result<Once, Expected> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (profile, then) = match words[..] {
        [profile] => (profile, "local"),
        [profile, "then", then] => (profile, then),
        _ => return Err("a profile, or: PROFILE then PROFILE".to_owned()),
    };
    Ok(Once { profile: name(profile)?, then: name(then)? })
}

/// Any single line.
pub fn line(text: &str) -> Result<String, Expected> {
    if text.contains('\n') { Err("a single line".to_owned()) } else { Ok(text.to_owned()) }
}

/// Any lines.
pub fn lines(text: &str) -> Result<Vec<String>, Expected> {
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools() {
        let pool_of = |a: &str, b: &str| Ok(Pool { first: a.parse().unwrap(), last: b.parse().unwrap() });
        assert_eq!(pool("10.77.0.100-10.77.0.200"), pool_of("10.77.0.100", "10.77.0.200"));
        assert_eq!(pool("10.77.0.100 - 200"), pool_of("10.77.0.100", "10.77.0.200"));
        for bad in ["10.77.0.100", "10.77.0.200-10.77.0.100", "10.77.0.1-300", "-"] {
            assert!(pool(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn leases() {
        for (text, seconds) in
            [("3600", 3600), ("1h", 3600), ("30m", 1800), ("1 day", 86400), ("1w", 604_800), ("PT2H", 7200)]
        {
            assert_eq!(lease(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for bad in ["", "soon", "-1h", "5", "5s", "99999999999"] {
            assert!(lease(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn records() {
        for (text, boots) in [("off", 0), ("1", 1), ("10", 10), ("1000", 1000)] {
            assert_eq!(record(text), Ok(boots), "{text}");
        }
        for bad in ["", "on", "0", "-1", "1001", "10 boots"] {
            assert!(record(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names() {
        assert_eq!(hostname("Web1"), Ok("web1".into()));
        for bad in ["", "-a", "a-", "a.b", "a_b", "ä", &"a".repeat(64)] {
            assert!(hostname(bad).is_err(), "{bad}");
        }
        assert_eq!(domain("Example.lan."), Ok("example.lan".into()));
        assert!(domain("a..b").is_err());
        assert!(mac("01:00:5e:00:00:01").is_err());
        assert_eq!(prefix("/24"), Ok(24));
        assert!(prefix("31").is_err());
        assert!(name("../etc").is_err());
    }
}
