//! `pxelator log`: reads the journal, also while the program writes it.

use super::line::Style;
use crate::{
    conf,
    event::{Event, Service},
    journal::{Journal, Query},
    net::Mac,
};
use clap::Args;
use color_eyre::eyre::{Result, eyre};
use jiff::{Span, Timestamp, civil, tz::TimeZone};
use std::{
    io::{BufWriter, Write, stdout},
    net::Ipv4Addr,
    path::Path,
    thread,
    time::Duration,
};

/// How often the journal is looked at for what is new.
const LOOK: Duration = Duration::from_millis(200);

/// Which events, and how.
#[derive(Debug, Args)]
pub struct Log {
    /// Only those of this machine: its name, address or MAC
    #[arg(long, short, value_name = "MACHINE")]
    machine: Option<String>,
    /// Only those of this service: dhcp, tftp, http, dns, syslog, power, boot …
    #[arg(long, short, value_name = "SERVICE")]
    service: Option<Service>,
    /// Not before: -2h, 09:30, 2026-11-24, 2026-11-24T09:20:05Z
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = moment)]
    since: Option<Timestamp>,
    /// At most so many, the newest
    #[arg(long, short = 'n', value_name = "COUNT")]
    limit: Option<usize>,
    /// Each event as a JSON object
    #[arg(long)]
    json: bool,
    /// Go on with what comes
    #[arg(long, short)]
    follow: bool,
}

/// Prints the events asked for. A reader that has seen enough (`head`) ends it quietly.
pub fn log(log: Log, journal: &Path, tree: &Path) -> Result<()> {
    let journal = Journal::read(journal)?;
    let (machines, mac) = match &log.machine {
        Some(name) => who(name, &journal, tree)?,
        None => (Vec::new(), None),
    };
    let mut query = Query { machines, mac, service: log.service, since: log.since, after: 0, limit: log.limit };
    let style = Style::of(&stdout(), log.json);
    loop {
        let mut out = BufWriter::new(stdout().lock());
        let mut told = Ok(());
        let last = journal.select(&query, |event: Event| {
            if told.is_ok() {
                told = writeln!(out, "{}", style.line(&event));
            }
        })?;
        if told.and_then(|()| out.flush()).is_err() || !log.follow {
            return Ok(());
        }
        query = Query { after: last.max(query.after), limit: None, ..query };
        thread::sleep(LOOK);
    }
}

/// The addresses and the MAC that a name stands for, in conf now or in an earlier one.
fn who(name: &str, journal: &Journal, tree: &Path) -> Result<(Vec<Ipv4Addr>, Option<Mac>)> {
    if let Ok(address) = name.parse() {
        return Ok((vec![address], None));
    }
    if let Ok(mac) = name.parse() {
        return Ok((Vec::new(), Some(mac)));
    }
    let short = name.split('.').next().unwrap_or(name).to_ascii_lowercase();
    let conf = conf::read(tree, None).conf;
    let known: Vec<_> = conf.segments.values().flat_map(|segment| segment.machines.values()).collect();
    let of_conf = known.iter().filter(|m| m.hostname == short).map(|m| m.address);
    let mut addresses: Vec<Ipv4Addr> = of_conf.collect();
    if addresses.is_empty() {
        addresses = journal.addresses_of(&short)?;
    }
    if addresses.is_empty() {
        let names: Vec<&str> = known.iter().map(|m| m.hostname.as_str()).collect();
        return Err(eyre!(
            "there is no machine {name:?}, neither in {} nor in the journal; there are: {}",
            tree.display(),
            if names.is_empty() { "none".to_owned() } else { names.join(", ") }
        ));
    }
    Ok((addresses, None))
}

fn moment(text: &str) -> Result<Timestamp, String> {
    since(text, Timestamp::now(), &TimeZone::system())
}

/// A moment as people write it: a span before now, a time of today, a date, or both; without a zone it is local.
fn since(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
    let expected = || format!("{text:?} is no moment: use -2h, 09:30, 2026-11-24 or 2026-11-24T09:20:05Z");
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment);
    }
    let local = |at: civil::DateTime| at.to_zoned_datetime(zone.clone()).map(|zoned| zoned.timestamp());
    let found = if let Some(ago) = text.strip_prefix('-').and_then(|ago| ago.parse::<Span>().ok()) {
        let then = now.to_zoned_datetime(zone.clone()).checked_sub(ago);
        then.map(|zoned| zoned.timestamp())
    } else if let Ok(at) = text.parse::<civil::DateTime>() {
        // Before the time alone, which would take a date along and forget it.
        local(at)
    } else if let Ok(time) = text.parse::<civil::Time>() {
        local(now.to_zoned_datetime(zone.clone()).date().to_datetime(time))
    } else {
        return Err(expected());
    };
    found.map_err(|_| expected())
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
            assert_eq!(since(text, now, &TimeZone::UTC), Ok(expected.parse().unwrap()), "{text}");
        }
        for text in ["", "soon", "-", "-soon", "25:00", "2026-13-01"] {
            assert!(since(text, now, &TimeZone::UTC).unwrap_err().contains("use -2h"), "{text}");
        }
    }
}
