//! `pxelator audit`: the replica in CouchDB, looked at and put right by hand.

use crate::{
    conf::{self, Database},
    journal::{
        Journal,
        couchdb::{Finding, Shipper, Step, Verifier},
    },
};
use clap::{Args, Subcommand};
use color_eyre::eyre::{Result, eyre};
use std::{
    collections::BTreeMap,
    io::{IsTerminal, Write, stderr},
    net::Ipv4Addr,
    path::Path,
    time::{Duration, Instant},
};

/// From one line of progress to the next; on a terminal it is the same line.
const TOLD: Duration = Duration::from_secs(1);

/// What to do.
#[derive(Debug, Args)]
pub struct Audit {
    #[command(subcommand)]
    verb: Verb,
    /// Only the database of this segment
    #[arg(long, global = true, value_name = "ADDRESS")]
    segment: Option<Ipv4Addr>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// How far each database is behind the journal; exit code 1 if one does not answer
    Status,
    /// Send what waits, and end; the program need not run
    Ship,
    /// Recompute every document's chain of revisions and compare it with the journal; exit code 1 if anything is wrong
    Verify,
    /// Send the whole journal again: for a database that was restored from an older backup
    Resend,
}

/// Does it; the result is the exit code.
pub fn audit(audit: &Audit, journal: &Path, tree: &Path) -> Result<u8> {
    let databases = databases(audit.segment, journal, tree)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut code = 0;
        for (database, segments) in &databases {
            match audit.verb {
                Verb::Status => code |= u8::from(!status(journal, database, segments).await?),
                Verb::Ship => ship(journal, database, segments).await?,
                Verb::Verify => code |= u8::from(!verify(journal, database).await?),
                Verb::Resend => {
                    Shipper::new(journal, database, segments)?.begin_anew().await?;
                    say!("{}: everything is sent again; what is there stays as it is", database.url);
                }
            }
        }
        Ok(code)
    })
}

/// Those that conf names, each with its segments: a tree may be shared with servers that look after others of them.
fn databases(only: Option<Ipv4Addr>, journal: &Path, tree: &Path) -> Result<BTreeMap<Database, Vec<Ipv4Addr>>> {
    let journal = Journal::read(journal)?;
    let mut databases: BTreeMap<Database, Vec<Ipv4Addr>> = BTreeMap::new();
    let mut named = false;
    for segment in conf::read(tree, None).conf.segments.values() {
        if let Some(database) = segment.couchdb.clone().filter(|_| only.is_none_or(|only| only == segment.server)) {
            named = true;
            if journal.served(segment.server)? {
                databases.entry(database).or_default().push(segment.server);
            }
        }
    }
    if named && databases.is_empty() {
        return Err(eyre!("no segment that names a database was served with this journal: nothing is to be sent"));
    }
    if databases.is_empty() {
        let segment = only.map_or("SEGMENT".to_owned(), |only| only.to_string());
        let file = tree.join(segment).join("couchdb");
        return Err(eyre!(
            "no segment names a database, or not as it must be (see `pxelator check`); write its URL, as \
             http://127.0.0.1:5984/pxelator, into {}",
            file.display()
        ));
    }
    Ok(databases)
}

/// True if the database can be sent to.
async fn status(journal: &Path, database: &Database, segments: &[Ipv4Addr]) -> Result<bool> {
    let mut shipper = Shipper::new(journal, database, segments)?;
    let behind = shipper.behind().await?;
    let since = behind.oldest.map_or(String::new(), |oldest| format!(", the oldest of {oldest:.0}"));
    let (well, answers) = match shipper.reach().await {
        Ok(()) => (true, "it answers".to_owned()),
        Err(error) if error.code() == Some(404) => {
            (true, "it is not there yet, and is made when events are sent".to_owned())
        }
        Err(error) => (false, format!("{error}; {}", error.next_step())),
    };
    say!("{}: {} events wait{since}; {answers}", database.url, behind.events);
    Ok(well)
}

async fn ship(journal: &Path, database: &Database, segments: &[Ipv4Addr]) -> Result<()> {
    let mut shipper = Shipper::new(journal, database, segments)?;
    let all = shipper.behind().await?.events;
    let (began, mut told) = (Instant::now(), Instant::now());
    let (mut events, mut documents) = (0, 0);
    loop {
        match shipper.step().await {
            Ok(Step::Idle) => break,
            Ok(Step::Begun) => {}
            Ok(Step::Sent { events: e, documents: d, .. }) => (events, documents) = (events + e, documents + d),
            Err(error) if shipper.can_shrink(&error) => {}
            Err(error) => return Err(eyre!("{}: {error}; {}", database.url, error.next_step())),
        }
        if told.elapsed() > TOLD {
            told = Instant::now();
            progress(&format!("{events} of {} events", all.max(events as u64)));
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    let rate = events as f64 / seconds.max(0.001);
    progress("");
    say!("{}: sent {events} events in {documents} documents, {seconds:.1} s, {rate:.0} events/s", database.url);
    Ok(())
}

async fn verify(journal: &Path, database: &Database) -> Result<bool> {
    let mut verifier = Verifier::new(journal, database)?;
    let (mut told, mut wrong) = (Instant::now(), 0_u64);
    while let Some(findings) = verifier.page().await.map_err(|e| eyre!("{}: {e}; {}", database.url, e.next_step()))? {
        for Finding { id, words } in findings {
            wrong += 1;
            say!("{id}: {words}");
        }
        if told.elapsed() > TOLD {
            told = Instant::now();
            progress(&format!("{} documents, {} events", verifier.documents, verifier.events));
        }
    }
    progress("");
    let verdict = if wrong == 0 { "nothing is wrong".to_owned() } else { format!("{wrong} wrong") };
    let (documents, events) = (verifier.documents, verifier.events);
    say!("{}: {documents} documents with {events} events: {verdict}", database.url);
    Ok(wrong == 0)
}

/// On a terminal the same line again.
fn progress(words: &str) {
    let mut out = stderr();
    let written = match (out.is_terminal(), words.is_empty()) {
        (true, _) => write!(out, "\r\x1b[K{words}"),
        (false, true) => Ok(()),
        (false, false) => writeln!(out, "{words}"),
    };
    let _ = written.and_then(|()| out.flush());
}
