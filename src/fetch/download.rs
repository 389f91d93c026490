//! Brings one file in, over as many connections as it takes.

use super::{
    FetchError, Part,
    answer::{self, Brings},
    shown,
};
use crate::{conf::Download, event::Fact};
use reqwest::{
    Client, Response,
    header::{ACCEPT_ENCODING, IF_RANGE, RANGE},
    redirect::Policy,
};
use std::time::{Duration, Instant};

/// Connections without a further byte after which it is given up.
const TRIES: u32 = 3;
/// Between them.
const PAUSE: Duration = Duration::from_millis(500);
/// Progress is told no more often.
const EVERY: Duration = Duration::from_millis(250);
/// Times that a server may send elsewhere.
const REDIRECTS: usize = 10;

/// The client of all downloads. It goes through the proxy that the environment names.
pub fn client(patience: Duration) -> Result<Client, FetchError> {
    let builder = Client::builder()
        .user_agent(concat!("pxelator/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::limited(REDIRECTS))
        .connect_timeout(patience)
        .read_timeout(patience)
        .no_gzip();
    builder.build().map_err(|error| FetchError::Client(error.to_string()))
}

/// A file that is to be brought in.
pub struct Bringing<'a> {
    pub client: &'a Client,
    pub patience: Duration,
    pub profile: &'a str,
    pub file: &'a Download,
    pub tell: &'a (dyn Fn(Fact) + Send + Sync),
}

impl Bringing<'_> {
    /// Until it is there, or cannot be had.
    pub async fn run(&self, mut part: Part) -> Result<(), FetchError> {
        let began = Instant::now();
        // What was there before may be a part of something else, whatever its note says.
        let mut inherited = part.length() > 0;
        let mut tries = 0;
        loop {
            let before = part.length();
            let whole = match self.go_on(&mut part, began).await {
                Ok(()) => true,
                Err(error) if error.may_pass() => {
                    tries = if part.length() > before { 0 } else { tries + 1 };
                    if tries >= TRIES {
                        return Err(error);
                    }
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
                Err(FetchError::Size { .. } | FetchError::Garbled { .. }) if inherited => false,
                Err(error @ FetchError::Size { .. }) => {
                    part.discard();
                    return Err(error);
                }
                Err(error) => return Err(error),
            };
            if whole {
                let is = part.sha256();
                if is == self.file.sha256 {
                    break;
                }
                if !inherited {
                    part.discard();
                    return Err(FetchError::Digest { is, expected: self.file.sha256.clone() });
                }
            }
            inherited = false;
            self.on_disk(part.restart(), &part)?;
        }
        let bytes = part.length();
        part.finish().await?;
        (self.tell)(Fact::FetchCompleted {
            profile: self.profile.to_owned(),
            file: self.file.path.clone(),
            bytes,
            millis: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        });
        Ok(())
    }

    /// One connection, from what is there up to the end of the file.
    async fn go_on(&self, part: &mut Part, began: Instant) -> Result<(), FetchError> {
        let from = part.length();
        if from > 0 && Some(from) == self.file.size {
            return Ok(());
        }
        let mut request = self.client.get(self.file.url.clone()).header(ACCEPT_ENCODING, "identity");
        if from > 0 {
            request = request.header(RANGE, format!("bytes={from}-"));
            if let Some(validator) = part.validator() {
                request = request.header(IF_RANGE, validator);
            }
        }
        let mut response = request.send().await.map_err(|error| self.failed(&error, from))?;
        let host = response.url().host_str().unwrap_or("the server").to_owned();
        let brings = answer::brings(response.status().as_u16(), response.headers(), from);
        let size = match brings.map_err(|words| FetchError::Garbled { host: host.clone(), words })? {
            Brings::From(first, size) => {
                if first != from {
                    self.on_disk(part.restart(), part)?;
                }
                size
            }
            // It is whole, and its digest shows whether it is what was wanted.
            Brings::Beyond(Some(size)) if size == from => return Ok(()),
            Brings::Beyond(size) => return Err(FetchError::Size { is: size.unwrap_or(0), expected: from }),
            Brings::Refused => return Err(FetchError::Status { host, status: response.status().to_string() }),
        };
        if let (Some(is), Some(expected)) = (size, self.file.size)
            && is != expected
        {
            return Err(FetchError::Size { is, expected });
        }
        let size = size.or(self.file.size);
        let missing = size.map_or(0, |size| size.saturating_sub(part.length()));
        if part.room().is_some_and(|room| room < missing) {
            return Err(FetchError::Full { place: format!("tftpboot/{}", self.file.path), missing });
        }
        let noted = part.is_of(self.file, answer::validator(response.headers()));
        self.on_disk(noted, part)?;
        (self.tell)(Fact::FetchBegun {
            profile: self.profile.to_owned(),
            file: self.file.path.clone(),
            url: shown(self.file),
            size,
            bytes: part.length(),
        });
        self.read(&mut response, &host, part, size, began).await
    }

    async fn read(
        &self,
        response: &mut Response,
        host: &str,
        part: &mut Part,
        size: Option<u64>,
        began: Instant,
    ) -> Result<(), FetchError> {
        let mut told = Instant::now();
        while let Some(bytes) = response.chunk().await.map_err(|error| self.failed(&error, part.length()))? {
            let length = part.length() + bytes.len() as u64;
            if let Some(expected) = self.file.size.filter(|size| length > *size) {
                return Err(FetchError::Size { is: length, expected });
            }
            let taken = part.take(&bytes);
            self.on_disk(taken, part)?;
            if told.elapsed() >= EVERY {
                told = Instant::now();
                (self.tell)(Fact::FetchProgressed {
                    profile: self.profile.to_owned(),
                    file: self.file.path.clone(),
                    size,
                    bytes: part.length(),
                    millis: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
                });
            }
        }
        match size {
            Some(size) if part.length() < size => {
                let (host, words) = (host.to_owned(), format!("{} bytes are missing", size - part.length()));
                Err(FetchError::Broken { host, words, bytes: part.length() })
            }
            _ => Ok(()),
        }
    }

    fn failed(&self, error: &reqwest::Error, bytes: u64) -> FetchError {
        FetchError::of(error, &self.file.url, self.patience, bytes)
    }

    fn on_disk(&self, done: std::io::Result<()>, part: &Part) -> Result<(), FetchError> {
        let missing = self.file.size.unwrap_or(0).saturating_sub(part.length());
        done.map_err(|error| {
            FetchError::of_file(&error, std::path::Path::new("tftpboot").join(&self.file.path).as_path(), missing)
        })
    }
}
