//! What became of fetching a profile's files, in words.

use super::Fact;
use std::fmt;

/// The sentence of one of those facts.
pub fn sentence(fact: &Fact, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match fact {
        Fact::FetchBegun { file, url, size, bytes, .. } => {
            let verb = if *bytes == 0 { "fetching" } else { "going on with" };
            write!(f, "{verb} {file} from {url}")?;
            match (size, bytes) {
                (None, _) => Ok(()),
                (Some(size), 0) => write!(f, ": {size} bytes"),
                (Some(size), bytes) => write!(f, ": {bytes} of {size} bytes are there"),
            }
        }
        Fact::FetchProgressed { file, size: Some(size), bytes, .. } => {
            write!(f, "fetching {file}: {bytes} of {size} bytes")
        }
        Fact::FetchProgressed { file, bytes, .. } => write!(f, "fetching {file}: {bytes} bytes"),
        Fact::FetchCompleted { file, bytes, millis, .. } => {
            write!(f, "fetched {file}: {bytes} bytes in {millis} ms, its SHA-256 is right")
        }
        Fact::FetchFound { file, .. } => write!(f, "{file} is there, its SHA-256 is right"),
        Fact::FetchFailed { file, url, error, next_step, kept, .. } => {
            write!(f, "{file} could not be fetched from {url}: {error}: {next_step}")?;
            if *kept > 0 { write!(f, " ({kept} bytes are kept)") } else { Ok(()) }
        }
        Fact::FetchRefused { profile, error, next_step } => {
            write!(f, "nothing fetched for {profile}: {error}: {next_step}")
        }
        Fact::FetchEnded { profile, fetched, found, failed } => {
            write!(f, "files of {profile}: {fetched} fetched, {found} there already, {failed} missing")
        }
        _ => Ok(()),
    }
}

impl Fact {
    /// The profile whose files this is about.
    pub fn fetched_for(&self) -> Option<&str> {
        match self {
            Fact::FetchBegun { profile, .. }
            | Fact::FetchProgressed { profile, .. }
            | Fact::FetchCompleted { profile, .. }
            | Fact::FetchFound { profile, .. }
            | Fact::FetchFailed { profile, .. }
            | Fact::FetchRefused { profile, .. }
            | Fact::FetchEnded { profile, .. } => Some(profile),
            _ => None,
        }
    }
}
