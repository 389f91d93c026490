//! What machines are and were called, by the conf that the journal tells of.

use super::{Journal, JournalError, row};
use crate::filter::{Directory, Glob, Known, Names};
use std::{cell::OnceCell, collections::BTreeSet};

/// The names in a journal: those of each segment's newest conf, and where these have none that is looked for, of all before.
pub struct JournalNames<'a> {
    journal: &'a Journal,
    newest: Names,
    /// Read when it is needed.
    all: OnceCell<Names>,
}

impl Journal {
    /// The machines' names.
    pub fn names(&self) -> Result<JournalNames<'_>, JournalError> {
        let newest = "id in (select max(id) from event where kind = 'conf.loaded' group by segment)";
        let newest = self.named(newest)?;
        Ok(JournalNames { journal: self, newest, all: OnceCell::new() })
    }

    fn named(&self, condition: &str) -> Result<Names, JournalError> {
        let sql = format!("select {} from event where kind = 'conf.loaded' and {condition} order by id", row::COLUMNS);
        // A conf that is edited often is told often.
        let mut known = BTreeSet::new();
        self.each(&sql, &[], |event| {
            known.extend(Names::of(&event).0);
            true
        })?;
        Ok(Names(known.into_iter().collect()))
    }
}

impl Directory for JournalNames<'_> {
    fn named(&self, wanted: &Glob) -> Vec<Known> {
        let found = self.newest.named(wanted);
        if !found.is_empty() {
            return found;
        }
        // A journal that cannot be read says so when it is asked for events.
        let all = self.all.get_or_init(|| self.journal.named("true").unwrap_or_default());
        all.named(wanted)
    }

    fn names(&self) -> Vec<String> {
        self.newest.names()
    }
}
