//! The answer to plain SQL: aligned for a terminal, else tab-separated, or as JSON.

use crate::{
    event::printable,
    journal::sql::{Reader, SqlError},
};
use color_eyre::eyre::Result;
use rusqlite::types::Value;
use std::{
    io::{BufWriter, IsTerminal, Write, stdout},
    path::Path,
};

/// Rows that the widths of columns are made of.
const MEASURED: usize = 1_000;
/// The widest column.
const WIDEST: usize = 100;

/// Prints what `sql` gives; false, with a word on stderr, where it gives nothing because it makes no sense or would write.
pub fn print(journal: &Path, sql: &str, json: bool) -> Result<bool> {
    let mut out = BufWriter::new(stdout().lock());
    let mut table =
        Table { aligned: stdout().is_terminal() && !json, begun: false, first: Vec::new(), widths: Vec::new() };
    // A reader that has seen enough ends it quietly.
    let mut told = Ok(());
    let asked = Reader::open(journal)?.ask(sql, |columns, row| {
        told = match json {
            true => writeln!(out, "{}", object(columns, row)),
            false => table.row(&mut out, columns, row.iter().map(text).collect()),
        };
        told.is_ok()
    });
    match asked {
        Ok(columns) => {
            if told.is_ok() && !json {
                told = table.end(&mut out, &columns);
            }
            let _ = told.and_then(|()| out.flush());
            Ok(true)
        }
        Err(SqlError::Journal(error)) => Err(error.into()),
        Err(error) => {
            let _ = out.flush();
            eprintln!("pxelator: {error}");
            Ok(false)
        }
    }
}

struct Table {
    aligned: bool,
    /// The head is written.
    begun: bool,
    /// Rows that wait for the widths.
    first: Vec<Vec<String>>,
    widths: Vec<usize>,
}

impl Table {
    fn row(&mut self, out: &mut impl Write, columns: &[String], row: Vec<String>) -> std::io::Result<()> {
        if !self.begun && self.aligned && self.first.len() < MEASURED {
            self.first.push(row);
            return Ok(());
        }
        self.begin(out, columns)?;
        self.line(out, &row)
    }

    fn begin(&mut self, out: &mut impl Write, columns: &[String]) -> std::io::Result<()> {
        if self.begun {
            return Ok(());
        }
        self.begun = true;
        let first = std::mem::take(&mut self.first);
        let width = |column: usize| {
            let cells = first.iter().filter_map(|row| row.get(column)).chain(columns.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0).min(WIDEST)
        };
        self.widths = (0..columns.len()).map(width).collect();
        self.line(out, columns)?;
        first.iter().try_for_each(|row| self.line(out, row))
    }

    fn line(&self, out: &mut impl Write, cells: &[String]) -> std::io::Result<()> {
        if !self.aligned {
            return writeln!(out, "{}", cells.join("\t"));
        }
        let padded = cells.iter().zip(&self.widths).map(|(cell, width)| format!("{cell:<width$}"));
        writeln!(out, "{}", padded.collect::<Vec<_>>().join("  ").trim_end())
    }

    fn end(&mut self, out: &mut impl Write, columns: &[String]) -> std::io::Result<()> {
        self.begin(out, columns)
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Integer(whole) => whole.to_string(),
        Value::Real(real) => real.to_string(),
        Value::Text(text) => printable(text, usize::MAX),
        Value::Blob(bytes) => hex::encode(bytes),
    }
}

fn object(columns: &[String], row: Vec<Value>) -> serde_json::Value {
    let value = |value| match value {
        Value::Null => serde_json::Value::Null,
        Value::Integer(whole) => whole.into(),
        Value::Real(real) => real.into(),
        Value::Text(text) => text.into(),
        Value::Blob(bytes) => hex::encode(bytes).into(),
    };
    columns.iter().cloned().zip(row.into_iter().map(value)).collect::<serde_json::Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut out = Vec::new();
        let mut table = Table { aligned: true, begun: false, first: Vec::new(), widths: Vec::new() };
        let columns = ["machine".to_owned(), "n".to_owned()];
        for row in [["10.77.0.60", "1"], ["-", "20"]] {
            table.row(&mut out, &columns, row.map(ToOwned::to_owned).to_vec()).unwrap();
        }
        table.end(&mut out, &columns).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "machine     n\n10.77.0.60  1\n-           20\n");
    }
}
