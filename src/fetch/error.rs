//! What can go wrong with fetching a file, told apart by what the operator can do.

use crate::{causes::root, conf::Download, event::printable};
use std::{io, time::Duration};
use url::Url;

/// Bytes of another's words that are shown.
const SHOWN: usize = 200;

/// Why a file is not there.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// This host cannot speak HTTP or TLS at all.
    #[error("nothing can be fetched from here: {0}")]
    Client(String),
    /// The name of its server has no address, or nobody takes the connection.
    #[error("{host} cannot be reached: {words}")]
    Unreachable {
        /// The server.
        host: String,
        /// In words.
        words: String,
    },
    /// The server says nothing any more.
    #[error("{host} said nothing for {} s", patience.as_secs_f64())]
    Silent {
        /// The server.
        host: String,
        /// How long was waited.
        patience: Duration,
    },
    /// The connection broke, more than once without a further byte.
    #[error("the connection to {host} broke after {bytes} bytes: {words}")]
    Broken {
        /// The server.
        host: String,
        /// In words.
        words: String,
        /// Bytes of the file that are there.
        bytes: u64,
    },
    /// The server does not give it.
    #[error("{host} answers {status}")]
    Status {
        /// The server, the last one where it sent elsewhere.
        host: String,
        /// HTTP's code with its words.
        status: String,
    },
    /// The server sends from one place to another without end.
    #[error("it is sent from one URL to the next, and never comes")]
    Redirects,
    /// The server's answer makes no sense.
    #[error("the answer of {host} makes no sense: {words}")]
    Garbled {
        /// The server.
        host: String,
        /// In words.
        words: String,
    },
    /// It has another size than `files` says.
    #[error("it has {is} bytes there, and not {expected}")]
    Size {
        /// Of the server's.
        is: u64,
        /// As `files` says.
        expected: u64,
    },
    /// It has another digest than `files` says.
    #[error("its SHA-256 is {is}, and not {expected}")]
    Digest {
        /// Of what came.
        is: String,
        /// As `files` says.
        expected: String,
    },
    /// There is no room.
    #[error("the disk is full: {}", no_room(place, *missing))]
    Full {
        /// Where it was to be.
        place: String,
        /// Bytes that are to come yet; 0 where that is not known.
        missing: u64,
    },
    /// Another is fetching it.
    #[error("another is fetching it at this moment")]
    Taken,
    /// Its place is no place for a file.
    #[error("{place}: {words}")]
    Place {
        /// The path.
        place: String,
        /// In words.
        words: String,
    },
}

fn no_room(place: &str, missing: u64) -> String {
    match missing {
        0 => format!("{place} has no room"),
        missing => format!("{place} needs {missing} bytes more"),
    }
}

impl FetchError {
    /// What an error of reqwest is about, that came of asking `url`, with `bytes` of the file there.
    pub(super) fn of(error: &reqwest::Error, url: &Url, patience: Duration, bytes: u64) -> FetchError {
        // It names the last of several; one in the midst of a file names none.
        let host = error.url().unwrap_or(url).host_str().unwrap_or("the server").to_owned();
        let words = printable(&root(error), SHOWN);
        match () {
            () if error.is_redirect() => FetchError::Redirects,
            () if error.is_timeout() && !error.is_connect() => FetchError::Silent { host, patience },
            () if error.is_connect() || error.is_timeout() => FetchError::Unreachable { host, words },
            () if error.is_builder() => FetchError::Client(words),
            () => FetchError::Broken { host, words, bytes },
        }
    }

    /// What an error of the file at `place` is about; `missing` bytes of it were to come.
    pub(super) fn of_file(error: &io::Error, place: &std::path::Path, missing: u64) -> FetchError {
        let place = place.display().to_string();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                FetchError::Full { place, missing }
            }
            _ => FetchError::Place { place, words: error.to_string() },
        }
    }

    /// It may go well at the next try, without anybody doing anything.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            FetchError::Unreachable { .. } | FetchError::Silent { .. } | FetchError::Broken { .. } => true,
            FetchError::Status { status, .. } => status.starts_with('5') || status.starts_with("429"),
            _ => false,
        }
    }

    /// What the operator can do.
    pub fn next_step(&self, profile: &str, file: &Download) -> String {
        let again = format!("pxelator fetch {profile}");
        let files = format!("conf/boot/{profile}/files");
        match self {
            FetchError::Client(_) => "install the certificates that this host trusts: ca-certificates".to_owned(),
            FetchError::Unreachable { .. } => format!(
                "see that this host reaches it (names, routes, a proxy in HTTPS_PROXY), then: {again}; or put the file at \
                 tftpboot/{} yourself",
                file.path
            ),
            FetchError::Silent { .. } | FetchError::Broken { .. } => {
                format!("what came is kept, and goes on with: {again}")
            }
            FetchError::Status { status, .. } if status.starts_with('4') && !self.may_pass() => {
                format!("it is not there (any more): take its URL and digest of today into {files}")
            }
            FetchError::Status { .. } | FetchError::Garbled { .. } => {
                format!("try again later: {again}; or name another server in {files}")
            }
            FetchError::Redirects => format!("name the place where it is in {files}"),
            FetchError::Size { .. } | FetchError::Digest { .. } => format!(
                "nothing of it was kept; if there is a newer version, take its digest and size from who publishes it into \
                 {files}"
            ),
            FetchError::Full { .. } => format!("make room; what came is kept, and goes on with: {again}"),
            FetchError::Taken => "wait until it is through".to_owned(),
            FetchError::Place { .. } => {
                format!("make it a place where this program can write, or name another in {files}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_tried_again_and_what_is_said() {
        let host = || "files.test".to_owned();
        let status = |status: &str| FetchError::Status { host: host(), status: status.to_owned() };
        let patience = Duration::from_secs(30);
        let url = Url::parse("http://files.test/linux").unwrap();
        let file = Download { path: "a/linux".into(), url, sha256: String::new(), size: None };
        for (error, may_pass, words, next) in [
            (
                FetchError::Unreachable { host: host(), words: "no route".into() },
                true,
                "files.test cannot be reached: no route",
                "a proxy in HTTPS_PROXY), then: pxelator fetch debian; or put the file at tftpboot/a/linux yourself",
            ),
            (
                FetchError::Silent { host: host(), patience },
                true,
                "files.test said nothing for 30 s",
                "what came is kept, and goes on with: pxelator fetch debian",
            ),
            (status("404 Not Found"), false, "files.test answers 404 Not Found", "into conf/boot/debian/files"),
            (status("503 Service Unavailable"), true, "files.test answers 503 Service Unavailable", "try again later"),
            (status("429 Too Many Requests"), true, "files.test answers 429 Too Many Requests", "try again later"),
            (
                FetchError::Digest { is: "b".into(), expected: "a".into() },
                false,
                "its SHA-256 is b, and not a",
                "nothing of it was kept; if there is a newer version",
            ),
            (FetchError::Taken, false, "another is fetching it at this moment", "wait until it is through"),
        ] {
            assert_eq!((error.may_pass(), error.to_string().as_str()), (may_pass, words));
            let step = error.next_step("debian", &file);
            assert!(step.contains(next), "{step}");
        }
    }

    #[test]
    fn a_full_disk_is_told_as_such() {
        let full = io::Error::from_raw_os_error(nix::libc::ENOSPC);
        let error = FetchError::of_file(&full, std::path::Path::new("tftpboot/a"), 7);
        assert_eq!(error.to_string(), "the disk is full: tftpboot/a needs 7 bytes more");
        let denied = io::Error::from_raw_os_error(nix::libc::EACCES);
        let error = FetchError::of_file(&denied, std::path::Path::new("tftpboot/a"), 7);
        assert_eq!(error.to_string(), "tftpboot/a: Permission denied (os error 13)");
    }
}
