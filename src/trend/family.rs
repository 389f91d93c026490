//! What families of values there are: their names, units and pace. Pure; whoever measures decides what is in them.

/// A silence of so many seconds is no hole yet.
const SILENCE: i64 = 130;
/// A silence of so many is always one: the files' heartbeat (rrdcreate(1)).
pub const HEARTBEAT: i64 = 7200;

/// The longest silence, in seconds, that is no hole, where the one before was so long: what comes steadily every ten minutes has none.
pub fn silence(family: &str, before: i64) -> i64 {
    // Each boot is a thing of its own.
    if family == "boot" { 10 } else { SILENCE.max(before * 5 / 2).min(HEARTBEAT) }
}

/// A family's name is a file's name: lower case letters, digits and `-`, and not endless.
pub fn is_name(family: &str) -> bool {
    let fits = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    (1..=120).contains(&family.len()) && family.bytes().all(fits) && !family.starts_with('-')
}

/// A value's name, as rrdcreate(1) takes it for a data source: up to 19 letters, digits and `_`.
pub fn is_value(name: &str) -> bool {
    (1..=19).contains(&name.len()) && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
}

/// The family of a check by the check's name: `check-tcp-22`, `check-http-8080-health`.
pub fn of_check(name: &str) -> String {
    format!("check-{}", short(name, 94))
}

/// A name made of any text: `Web Shop` becomes `web-shop`.
pub fn name_of(text: &str) -> String {
    short(text, 48)
}

fn short(text: &str, longest: usize) -> String {
    let mut name = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' => name.push(c),
            _ if name.ends_with('-') || name.is_empty() => {}
            _ => name.push('-'),
        }
    }
    name.truncate(longest);
    name.trim_end_matches('-').to_owned()
}

/// It comes seldom, so that one value makes a long span known.
pub fn is_sparse(family: &str) -> bool {
    family == "boot" || family.starts_with("check-") || family.starts_with("use")
}

/// The unit of one of its values: `ms`, `s`, `bytes`, `bytes/s`, `/s`, `ratio` (parts of 1); empty for a plain count.
pub fn unit(family: &str, value: &str) -> &'static str {
    match (family.split('-').next().unwrap_or_default(), value) {
        ("ping", "rtt") | ("check", "time") => "ms",
        ("check", "up") | ("power", "on") | ("ping", "loss") => "ratio",
        ("boot", _) => "s",
        ("interface", _) | ("vm", "read" | "written") | ("tftp" | "http", "sent") => "bytes/s",
        ("vm" | "use" | "process", "memory") | ("use", "disk") => "bytes",
        ("vm" | "use" | "process", "cpu") => "ratio",
        ("dhcp" | "tftp" | "http" | "dns" | "syslog" | "bus", _) => "/s",
        _ => "",
    }
}

/// What it is, for people: `round trip and loss`; its name where nothing better is known.
pub fn title(family: &str) -> String {
    let (kind, of) = family.split_once('-').map_or((family, ""), |(kind, of)| (kind, of));
    match (kind, of) {
        ("ping", "") => "answers to pings".to_owned(),
        ("boot", "") => "time to boot".to_owned(),
        ("power", "") => "power".to_owned(),
        ("pool", "") => "addresses of the pool".to_owned(),
        ("dhcp", "") => "DHCP".to_owned(),
        ("tftp", "") => "TFTP".to_owned(),
        ("http", "") => "HTTP".to_owned(),
        ("dns", "") => "DNS".to_owned(),
        ("syslog", "") => "syslog by severity".to_owned(),
        ("vm", "") => "the virtual machine's process".to_owned(),
        ("use", "") => "processors, memory and disk in use".to_owned(),
        ("use", container) => format!("container {container}: processors, memory and disk in use"),
        ("interface", name) => format!("interface {name}"),
        ("check", name) => format!("check {}", name.replacen('-', " ", 1)),
        ("bus", "") => "events".to_owned(),
        ("process", "") => "PXElator's own process".to_owned(),
        _ => family.to_owned(),
    }
}

/// A value for people: `1.25 ms`, `12 %`, `3.4 MB/s`.
pub fn words(value: f64, unit: &str) -> String {
    let short = |value: f64| {
        let digits = match value.abs() {
            v if v >= 99.95 || v == 0.0 => 0,
            v if v >= 9.995 => 1,
            v if v >= 0.1 => 2,
            _ => 3,
        };
        let text = format!("{value:.digits$}");
        match text.split_once('.') {
            Some(_) => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
            None => text,
        }
    };
    match unit {
        "ratio" => format!("{} %", short(value * 100.0)),
        "bytes" | "bytes/s" => {
            let steps = ["B", "kB", "MB", "GB", "TB", "PB"];
            let mut step = 0;
            let mut value = value;
            while value.abs() >= 999.5 && step + 1 < steps.len() {
                (value, step) = (value / 1000.0, step + 1);
            }
            format!("{} {}{}", short(value), steps[step], unit.trim_start_matches("bytes"))
        }
        "" => short(value),
        "/s" => format!("{}/s", short(value)),
        unit => format!("{} {unit}", short(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in ["ping", "check-tcp-22", "interface-br0", "use-web"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "../x", "Ping", "a b", "a/b", "-r", &"x".repeat(121)] {
            assert!(!is_name(name), "{name}");
        }
        assert_eq!(name_of("http https://web1/health?x=1"), "http-https-web1-health-x-1");
        assert_eq!(name_of(" ../Ärger "), "rger");
        for (check, family) in [
            ("tcp 22", "check-tcp-22"),
            ("http :8080/Health?a=1", "check-http-8080-health-a-1"),
            ("dns www.lan", "check-dns-www-lan"),
            ("ssh", "check-ssh"),
        ] {
            assert_eq!(of_check(check), family);
        }
        assert!(is_name(&of_check(&"x".repeat(300))));
        assert!(is_value("rtt") && !is_value("r t") && !is_value(&"x".repeat(20)));
    }

    #[test]
    fn silences() {
        for (family, before, longest) in
            [("ping", 10, 130), ("ping", 300, 750), ("ping", 86_400, 7200), ("boot", 300, 10), ("use", 0, 130)]
        {
            assert_eq!(silence(family, before), longest, "{family} {before}");
        }
    }

    #[test]
    fn values_in_words() {
        for (value, unit, said) in [
            (0.123, "ratio", "12.3 %"),
            (1.0, "ratio", "100 %"),
            (0.0, "ms", "0 ms"),
            (1.2549, "ms", "1.25 ms"),
            (0.0421, "ms", "0.042 ms"),
            (1234.0, "bytes/s", "1.23 kB/s"),
            (999_700.0, "bytes", "1 MB"),
            (12.0, "", "12"),
            (0.5, "/s", "0.5/s"),
        ] {
            assert_eq!(words(value, unit), said);
        }
    }
}
