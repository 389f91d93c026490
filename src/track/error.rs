//! What goes wrong with the record, and what helps.

use std::{io, path::PathBuf};

/// Why the record was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum TrackError {
    /// A program that the record needs is not here.
    #[error("{program} is not installed")]
    Missing {
        /// `git`, `age`.
        program: &'static str,
    },
    /// git says no.
    #[error("git {doing}: {error}")]
    Git {
        /// Its first words.
        doing: String,
        /// The last lines that it printed.
        error: String,
    },
    /// The repository is broken.
    #[error("the repository {} is broken: {error}", dir.display())]
    Broken {
        /// `hosts`.
        dir: PathBuf,
        /// What git says.
        error: String,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A file of the record has not the form that this program writes.
    #[error("{what}, line {line}: {expected} was expected")]
    Form {
        /// `web1/.meta`.
        what: String,
        /// From 1.
        line: usize,
        /// What was expected.
        expected: String,
    },
    /// Nothing is kept of it.
    #[error("nothing is kept of {what}")]
    Nothing {
        /// A machine, a path, a commit.
        what: String,
    },
}

impl TrackError {
    /// What helps.
    pub fn next_step(&self) -> String {
        match self {
            TrackError::Missing { program } => format!("install it: apt install {program}"),
            TrackError::Broken { .. } => "pxelator track repair keeps it aside and goes on with a new one".to_owned(),
            TrackError::Git { .. } => "see what it says; pxelator track repair goes through the repository".to_owned(),
            TrackError::File { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                "make room; the next look goes on by itself".to_owned()
            }
            TrackError::File { .. } => "see its rights and its disk".to_owned(),
            TrackError::Form { .. } => "it was changed by hand; the next look writes it anew".to_owned(),
            TrackError::Nothing { .. } => "pxelator track status lists the machines of which something is".to_owned(),
        }
    }
}
