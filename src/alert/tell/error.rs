//! Why somebody could not be told, and what the operator can do. No secret is in it.

use std::{io, process::ExitStatus, time::Duration};

/// Why somebody could not be told.
#[derive(Debug, thiserror::Error)]
pub enum TellError {
    /// The program cannot be started.
    #[error("cannot run {program}: {source}")]
    Run {
        /// Its name.
        program: String,
        /// The system's answer.
        source: io::Error,
    },
    /// The program says that it failed.
    #[error("{program} ended with {status}{}", if said.is_empty() { String::new() } else { format!(": {said}") })]
    Ended {
        /// Its name.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// What it said, shortened.
        said: String,
    },
    /// It takes too long.
    #[error("{what} did not end within {} s", .patience.as_secs())]
    Slow {
        /// A program, or a server.
        what: String,
        /// How long it had.
        patience: Duration,
    },
    /// The mail cannot be made.
    #[error("the mail cannot be made: {0}")]
    Mail(String),
    /// The mail is not taken.
    #[error("{server} does not take the mail: {said}")]
    Smtp {
        /// Where it was handed over.
        server: String,
        /// What came.
        said: String,
        /// The server itself refused it for good.
        refused: bool,
    },
    /// There is no client of HTTP.
    #[error("no requests can be made: {0}")]
    Client(String),
    /// The request did not come through.
    #[error("{place} cannot be reached: {said}")]
    Unreached {
        /// Host and port.
        place: String,
        /// What came.
        said: String,
    },
    /// The request came through and was not taken.
    #[error("{place} answered {status}{}", if said.is_empty() { String::new() } else { format!(": {said}") })]
    Refused {
        /// Host and port.
        place: String,
        /// Of HTTP.
        status: u16,
        /// The begin of the answer.
        said: String,
    },
}

impl TellError {
    /// What was to be told was looked at and not taken: of several alerts perhaps for the sake of one.
    pub fn is_refusal(&self) -> bool {
        match self {
            TellError::Mail(_) | TellError::Smtp { refused: true, .. } => true,
            // Not: be slower, or come again (RFC 9110, 15.5.9; RFC 6585, section 4).
            TellError::Refused { status, .. } => matches!(status, 400..=499) && !matches!(status, 408 | 429),
            _ => false,
        }
    }

    /// What the operator can do.
    pub fn next_step(&self) -> String {
        match self {
            TellError::Run { program, source }
                if source.kind() == io::ErrorKind::NotFound && program == "notify-send" =>
            {
                "install libnotify-bin".to_owned()
            }
            TellError::Run { program, .. } => format!("see that {program} is there and the operator may run it"),
            TellError::Ended { program, .. } if program == "notify-send" => {
                "see that the operator is logged in at a desktop of this host".to_owned()
            }
            TellError::Ended { program, .. } | TellError::Slow { what: program, .. } => {
                format!("try {program} by hand with an alert as JSON on its standard input")
            }
            TellError::Mail(_) => "see the addresses of this receiver".to_owned(),
            TellError::Smtp { refused: true, .. } => {
                "see what the server wants: addresses, or user:password in NAME.secret".to_owned()
            }
            TellError::Smtp { server, .. } => format!("see that {server} is there and speaks SMTP"),
            TellError::Client(_) => "install the certificates that this host trusts: ca-certificates".to_owned(),
            TellError::Unreached { place, .. } => format!("see that {place} is there and can be reached from here"),
            TellError::Refused { status: 401 | 403, .. } => "see what NAME.secret of this receiver holds".to_owned(),
            TellError::Refused { .. } => "see the receiver's form and URL".to_owned(),
        }
    }
}

/// An error with its causes, in one line.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    crate::event::printable(&crate::causes::chain(error), 200)
}
