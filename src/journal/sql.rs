//! Plain SQL to the journal. Whatever is asked, nothing is written: neither the journal nor any other file.

use super::{Journal, JournalError, told};
use rusqlite::{
    Connection,
    hooks::{AuthAction, AuthContext, Authorization},
    types::Value,
};
use std::path::Path;

/// SQL that gives no answer.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// The journal cannot be opened or read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// SQLite does not understand it, or found no end in it.
    #[error(
        "the SQL: {0}; the table is event, its columns: id, time, segment, machine, mac, service, kind, severity, details"
    )]
    Statement(#[source] rusqlite::Error),
    /// It would write.
    #[error("the SQL would change something; --sql only reads: one SELECT, WITH, VALUES or EXPLAIN")]
    Writes,
}

/// A journal that is open for plain SQL.
pub struct Reader {
    connection: Connection,
}

impl Reader {
    /// Opens an existing journal, also while another program writes.
    pub fn open(path: &Path) -> Result<Reader, JournalError> {
        let mut connection = Journal::read(path)?.connection;
        let narrowed = connection.pragma_update(None, "query_only", true);
        narrowed.and_then(|()| connection.authorizer(Some(may))).map_err(told(path))?;
        Ok(Reader { connection })
    }

    /// Hands each row of the answer to `take` until that says no; returns the names of its columns.
    pub fn ask(&self, sql: &str, mut take: impl FnMut(&[String], Vec<Value>) -> bool) -> Result<Vec<String>, SqlError> {
        let mut statement = self.connection.prepare(sql).map_err(of)?;
        if !statement.readonly() {
            return Err(SqlError::Writes);
        }
        let columns: Vec<String> = statement.column_names().map(ToOwned::to_owned).collect();
        let mut rows = statement.query([]).map_err(of)?;
        while let Some(row) = rows.next().map_err(of)? {
            let values = (0..columns.len()).map(|column| row.get::<_, Value>(column)).collect::<Result<_, _>>();
            if !take(&columns, values.map_err(of)?) {
                break;
            }
        }
        Ok(columns)
    }
}

fn of(error: rusqlite::Error) -> SqlError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::AuthorizationForStatementDenied | rusqlite::ErrorCode::ReadOnly) => SqlError::Writes,
        _ => SqlError::Statement(error),
    }
}

/// Reading alone. SQLite counts ATTACH, transactions and some pragmas among what only reads, and VACUUM INTO writes a
/// file of a journal that is only read.
fn may(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => Authorization::Allow,
        AuthAction::Function { function_name } if !function_name.eq_ignore_ascii_case("load_extension") => {
            Authorization::Allow
        }
        // What a table has in it, and nothing that is set.
        AuthAction::Pragma { pragma_name, .. }
            if ["table_info", "table_xinfo", "table_list", "index_list", "index_info"]
                .iter()
                .any(|name| pragma_name.eq_ignore_ascii_case(name)) =>
        {
            Authorization::Allow
        }
        _ => Authorization::Deny,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.sqlite");
        drop(Journal::open(&path).unwrap());
        let reader = Reader::open(&path).unwrap();
        let other = dir.path().join("other.sqlite").display().to_string();
        for sql in [
            "delete from event",
            "insert into event values (1, 1, null, null, null, 'a', 'b', 1, '{}')",
            "create table t (a)",
            "create temp table t (a)",
            "drop index event_time",
            &format!("vacuum into '{other}'"),
            "vacuum",
            &format!("attach '{other}' as other"),
            "pragma user_version = 7",
            "pragma query_only = 0",
            "pragma journal_mode = delete",
            "pragma wal_checkpoint(truncate)",
            "begin immediate",
            "savepoint a",
            "reindex",
            "analyze",
            "select load_extension('x')",
            "with a as (select 1) update event set time = 1",
            "replace into journal values ('a')",
        ] {
            let error = reader.ask(sql, |_, _| true).unwrap_err();
            assert!(matches!(error, SqlError::Writes | SqlError::Statement(_)), "{sql}: {error}");
            assert!(error.to_string().contains("only reads") || sql.contains("load_extension"), "{sql}: {error}");
        }
        let two = reader.ask("select 1; delete from event", |_, _| true).unwrap_err();
        assert!(matches!(two, SqlError::Writes), "{two}");
        let two = reader.ask("select 1; select 2", |_, _| true).unwrap_err();
        assert!(two.to_string().contains("ultiple"), "{two}");
        for entry in std::fs::read_dir(dir.path()).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(name.starts_with("journal.sqlite"), "{name} was written");
        }
        let version: i32 =
            Connection::open(&path).unwrap().query_row("pragma user_version", [], |row| row.get(0)).unwrap();
        assert_eq!(version, super::super::VERSION);
    }

    #[test]
    fn what_is_asked_is_answered() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.sqlite");
        drop(Journal::open(&path).unwrap());
        let reader = Reader::open(&path).unwrap();
        let mut rows = Vec::new();
        let columns = reader
            .ask(
                "with recursive n(a) as (select 1 union all select a + 1 from n) select a, 'x' || a as b from n",
                |_, row| {
                    rows.push(row);
                    rows.len() < 2
                },
            )
            .unwrap();
        assert_eq!(columns, ["a", "b"]);
        assert_eq!(rows[1], [Value::Integer(2), Value::Text("x2".into())]);
        for sql in
            ["select count(*) from event", "explain query plan select 1", "pragma table_info(event)", "values (1)"]
        {
            reader.ask(sql, |_, _| true).unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
        assert!(reader.ask("selec 1", |_, _| true).unwrap_err().to_string().contains("syntax error"));
    }
}
