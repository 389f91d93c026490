//! Fetches the files that a profile names into `tftpboot`: whole and checked, or not at all. Knows HTTP and files, and
//! not who watches.
//!
//! A file comes into `NAME.part`, is checked against its SHA-256, and only then gets its name: nothing that is served is
//! ever half there, nor what nobody vouched for. What broke off goes on where it was (RFC 9110, section 14, with
//! `If-Range`), at once or the next time; see [`Part`].

mod answer;
mod download;
mod error;
mod part;

pub use error::FetchError;
pub use part::Part;

use crate::{conf::Download, event::Fact};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// How long a server may say nothing, unless it is told otherwise.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A file's URL, fit to be shown: without a user and a password.
fn shown(file: &Download) -> String {
    let mut url = file.url.clone();
    let hidden = url.set_username("").and_then(|()| url.set_password(None));
    hidden.map_or_else(|()| "a URL of another kind".to_owned(), |()| url.into())
}

/// What came of a profile's files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Fetched now.
    pub fetched: usize,
    /// There already, and right.
    pub found: usize,
    /// Neither.
    pub failed: usize,
}

/// Fetches into one folder.
pub struct Fetcher {
    client: reqwest::Client,
    root: PathBuf,
    patience: Duration,
}

impl Fetcher {
    /// Into `root`, from servers that may say nothing for as long as `patience`.
    pub fn new(root: &Path, patience: Duration) -> Result<Fetcher, FetchError> {
        Ok(Fetcher { client: download::client(patience)?, root: root.to_owned(), patience })
    }

    /// Sees that each of `files` is there and right, one after the other, and tells each step. Dropped midway it leaves
    /// what came so far for the next time.
    pub async fn all(&self, profile: &str, files: &[Download], tell: &(dyn Fn(Fact) + Send + Sync)) -> Tally {
        let mut tally = Tally::default();
        for file in files {
            match self.one(profile, file, tell).await {
                Ok(true) => tally.fetched += 1,
                Ok(false) => tally.found += 1,
                Err(error) => {
                    tally.failed += 1;
                    tell(Fact::FetchFailed {
                        profile: profile.to_owned(),
                        file: file.path.clone(),
                        url: shown(file),
                        error: error.to_string(),
                        next_step: error.next_step(profile, file),
                        kept: Part::kept(&self.root.join(&file.path)),
                    });
                }
            }
        }
        let Tally { fetched, found, failed } = tally;
        tell(Fact::FetchEnded { profile: profile.to_owned(), fetched, found, failed });
        tally
    }

    /// True where it was fetched, false where it was there.
    async fn one(
        &self,
        profile: &str,
        file: &Download,
        tell: &(dyn Fn(Fact) + Send + Sync),
    ) -> Result<bool, FetchError> {
        let place = part::place(&self.root, &file.path)?;
        if part::is_right(&place, file).await? {
            Part::sweep(&place);
            tell(Fact::FetchFound { profile: profile.to_owned(), file: file.path.clone() });
            return Ok(false);
        }
        let part = Part::open(&place, file).await?;
        download::Bringing { client: &self.client, patience: self.patience, profile, file, tell }.run(part).await?;
        Ok(true)
    }
}
