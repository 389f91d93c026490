//! `pxelator log --fleet`: the same question, asked from the databases that conf names, about all servers that write there.

use super::{
    line::Style,
    log::{Log, MISUSED},
};
use crate::{
    conf::{self, Database},
    filter::{Fault, Filter, FilterError},
    journal::couchdb::{CouchError, Finder},
};
use color_eyre::eyre::{Result, eyre};
use std::{
    collections::BTreeSet,
    io::{BufWriter, Write, stdout},
    path::Path,
};

/// Prints the events asked for; the result is the exit code.
pub fn print(log: &Log, tree: &Path) -> Result<u8> {
    let conf = conf::read(tree, None).conf;
    let databases: BTreeSet<Database> = conf.segments.values().filter_map(|s| s.couchdb.clone()).collect();
    if databases.is_empty() {
        let file = tree.join("SEGMENT").join("couchdb");
        return Err(eyre!(
            "no segment names a database; write its URL into {}, or ask without --fleet",
            file.display()
        ));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for database in databases {
        let asked = runtime.block_on(ask(log, &database));
        match asked.map_err(|error| eyre!("{}: {error}; {}", database.url, error.next_step()))? {
            Ok(()) => {}
            Err(error) => {
                eprintln!("{error}");
                return Ok(MISUSED);
            }
        }
    }
    Ok(0)
}

async fn ask(log: &Log, database: &Database) -> Result<Result<(), FilterError>, CouchError> {
    let finder = Finder::new(database)?;
    finder.reach().await?;
    let filter = match filter(log, &finder).await? {
        Ok(filter) => filter,
        Err(error) => return Ok(Err(error)),
    };
    let style = Style::of(&stdout(), log.json);
    let mut out = BufWriter::new(stdout());
    // A reader that has seen enough (`head`) ends it quietly.
    finder.find(&filter, log.limit, |event| writeln!(out, "{}", style.line(&event)).is_ok()).await?;
    let _ = out.flush();
    Ok(Ok(()))
}

/// The names of now, and where these have not all that are asked for, those there ever were.
async fn filter(log: &Log, finder: &Finder) -> Result<Result<Filter, FilterError>, CouchError> {
    match log.filter(&finder.names(false).await?) {
        Err(error) if matches!(error.fault, Fault::NoMachine { .. }) => Ok(log.filter(&finder.names(true).await?)),
        parsed => Ok(parsed),
    }
}
