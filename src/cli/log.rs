//! `pxelator log`: reads the journal, also while the program writes it.

use super::{fleet, line::Style, table};
use crate::{
    conf,
    event::{Event, Service},
    filter::{self, Directory, Filter, FilterError, Glob, Here, Known},
    journal::{Journal, JournalNames, Query},
};
use clap::Args;
use color_eyre::eyre::Result;
use jiff::{Timestamp, tz::TimeZone};
use std::{
    io::{BufWriter, Write, stdout},
    path::Path,
    thread,
    time::Duration,
};

/// How often the journal is looked at for what is new.
const LOOK: Duration = Duration::from_millis(200);
/// The exit code for a filter or SQL that makes no sense, as for any other word that does not.
pub const MISUSED: u8 = 2;

/// Which events, and how.
#[derive(Debug, Args)]
#[command(after_help = help())]
pub struct Log {
    /// Only events that this wants: words, or fields with values; see below
    #[arg(value_name = "FILTER")]
    filter: Vec<String>,
    /// Only those of this machine: its name, address or MAC
    #[arg(long, short, value_name = "MACHINE")]
    machine: Option<String>,
    /// Only those of this service: dhcp, tftp, http, dns, syslog, power, boot …
    #[arg(long, short, value_name = "SERVICE")]
    service: Option<Service>,
    /// Not before: -2h, 09:30, 2026-11-24, 2026-11-24T09:20:05Z
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<String>,
    /// At most so many, the newest
    #[arg(long, short = 'n', value_name = "COUNT")]
    pub limit: Option<usize>,
    /// Each event as a JSON object
    #[arg(long)]
    pub json: bool,
    /// Go on with what comes
    #[arg(long, short)]
    pub follow: bool,
    /// Of all servers: asked from the CouchDB database that conf names
    #[arg(long, conflicts_with = "follow")]
    fleet: bool,
    /// The answer to one SQL statement instead, which reads the table `event`
    #[arg(long, value_name = "SQL", conflicts_with_all = ["filter", "machine", "service", "since", "limit", "follow", "fleet"])]
    sql: Option<String>,
}

fn help() -> String {
    let examples: String = filter::EXAMPLES.iter().map(|example| format!("  pxelator log '{example}'\n")).collect();
    format!(
        "Filter: {}\n  Fields: machine, mac, segment, service, kind, severity, since, until, time, and any of the details \
         (see --json).\n  A bare word is looked for in the event's line. In a shell, put the filter in single quotes.\n{examples}",
        filter::SYNTAX
    )
}

/// Prints the events asked for; the result is the exit code. A reader that has seen enough (`head`) ends it quietly.
pub fn log(log: &Log, journal: &Path, tree: &Path) -> Result<u8> {
    if let Some(sql) = &log.sql {
        return table::print(journal, sql, log.json).map(|asked| if asked { 0 } else { MISUSED });
    }
    if log.fleet {
        return fleet::print(log, tree);
    }
    let journal = Journal::read(journal)?;
    let filter = match log.filter(&Everywhere { journal: journal.names()?, tree }) {
        Ok(filter) => filter,
        Err(error) => {
            eprintln!("{error}");
            return Ok(MISUSED);
        }
    };
    let mut query = Query { filter, after: 0, limit: log.limit };
    let style = Style::of(&stdout(), log.json);
    loop {
        let mut out = BufWriter::new(stdout().lock());
        let mut told = Ok(());
        journal.select_on(&mut query, |event: Event| {
            told = writeln!(out, "{}", style.line(&event));
            told.is_ok()
        })?;
        if told.and_then(|()| out.flush()).is_err() || !log.follow {
            return Ok(0);
        }
        thread::sleep(LOOK);
    }
}

impl Log {
    /// The same as a filter's text, for another host that parses it; none where it asks for more than a filter can say.
    pub fn words(&self) -> Option<String> {
        if self.fleet || self.sql.is_some() {
            return None;
        }
        let option = |field: &str, value: &String| format!("{field}={}", filter::quoted(value));
        let words = self.filter.join(" ");
        let parts = [
            (!words.trim().is_empty()).then(|| format!("({words})")),
            self.machine.as_ref().map(|machine| option("machine", machine)),
            self.service.map(|service| format!("service={service}")),
            self.since.as_ref().map(|since| option("since", since)),
        ];
        Some(parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
    }

    /// What the words and all options want.
    pub fn filter(&self, names: &dyn Directory) -> Result<Filter, FilterError> {
        let here = Here { now: Timestamp::now(), zone: &TimeZone::system(), names };
        let option = |field: &str, value: &String| format!("{field}={}", filter::quoted(value));
        let options = [
            self.machine.as_ref().map(|machine| option("machine", machine)),
            self.service.map(|service| format!("service={service}")),
            self.since.as_ref().map(|since| option("since", since)),
        ];
        let mut wanted = Filter::parse(&self.filter.join(" "), &here)?;
        for text in options.into_iter().flatten() {
            wanted = wanted.and(Filter::parse(&text, &here)?);
        }
        Ok(wanted)
    }
}

/// The names in conf now, and where these have none that is looked for, those of the journal.
pub struct Everywhere<'a> {
    pub journal: JournalNames<'a>,
    pub tree: &'a Path,
}

impl Everywhere<'_> {
    fn now(&self) -> filter::Names {
        let conf = conf::read(self.tree, None).conf;
        let all = conf.segments.values().flat_map(|segment| {
            segment.machines.values().map(|machine| Known {
                hostname: machine.hostname.clone(),
                segment: segment.server,
                address: Some(machine.address),
                mac: machine.mac,
            })
        });
        filter::Names(all.collect())
    }
}

impl Directory for Everywhere<'_> {
    fn named(&self, wanted: &Glob) -> Vec<Known> {
        let found = self.now().named(wanted);
        if found.is_empty() { self.journal.named(wanted) } else { found }
    }

    fn names(&self) -> Vec<String> {
        let names = self.now().names();
        if names.is_empty() { self.journal.names() } else { names }
    }
}
