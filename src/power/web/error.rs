//! What can go wrong between a request and its answer, told apart by what the operator can do. Knows no protocol above
//! HTTP.

use super::{PATIENCE, Peer};
use crate::{
    causes::{causes, root},
    event::printable,
    net::NotPinned,
    power::PowerError,
};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::error::Error;

/// Bytes of another's words that are shown.
const SHOWN: usize = 200;

/// Why a request came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebError {
    /// Its name has no address.
    #[error("its name is not known: {0}")]
    Name(String),
    /// Nobody takes the connection.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// TLS does not come about.
    #[error("TLS does not come about: {0}")]
    Tls(String),
    /// No certificate is trusted yet.
    #[error("its certificate is not trusted yet: it shows {shown}")]
    Untrusted {
        /// SHA-256 in hexadecimal.
        shown: String,
    },
    /// It shows another certificate than the trusted one.
    #[error("its certificate changed: {trusted} was trusted, it shows {shown}")]
    Changed {
        /// SHA-256 in hexadecimal.
        trusted: String,
        /// SHA-256 in hexadecimal.
        shown: String,
    },
    /// It asks for a password, and there is none.
    #[error("it asks for a password")]
    NoLogin,
    /// It refuses name and password.
    #[error("it refuses the name or the password")]
    Login,
    /// It asks for a password in another way than Digest.
    #[error("it asks for a password, and not by Digest")]
    NoDigest,
    /// It took too long.
    #[error("it did not answer within {} s", PATIENCE.as_secs())]
    Silent,
    /// Its answer ended too early.
    #[error("its answer broke off: {0}")]
    Broken(String),
    /// Its answer has more bytes than are read.
    #[error("its answer is longer than 1 MiB, which no firmware says")]
    TooLong,
    /// It is no answer of HTTP, or not one that makes sense.
    #[error("its answer makes no sense: {0}")]
    Garbled(String),
}

impl WebError {
    /// What an error of reqwest is about.
    pub(super) fn of(error: &reqwest::Error) -> WebError {
        if let Some(told) = causes(error).find_map(typed) {
            return told;
        }
        let words = printable(&root(error), SHOWN);
        match () {
            () if error.is_timeout() && error.is_connect() => {
                WebError::Unreachable(format!("no answer within {} s", super::CONNECT.as_secs()))
            }
            () if error.is_timeout() => WebError::Silent,
            // As tokio-rustls says it; its type is that of any input.
            () if words == "tls handshake eof" => WebError::Tls("it ends the connection as TLS begins".to_owned()),
            () if error.is_connect() => WebError::Unreachable(words),
            // As hyper says of bytes that are no HTTP; its type says no more than that.
            () if words.starts_with("invalid ") => WebError::Garbled(words),
            () => WebError::Broken(words),
        }
    }
}

/// An error that says by its type what it is about.
fn typed(error: &(dyn Error + 'static)) -> Option<WebError> {
    if let Some(NoName(words)) = error.downcast_ref() {
        return Some(WebError::Name(words.clone()));
    }
    match NotPinned::of(error).cloned() {
        Some(NotPinned { trusted: Some(trusted), shown }) => return Some(WebError::Changed { trusted, shown }),
        Some(NotPinned { trusted: None, shown }) => return Some(WebError::Untrusted { shown }),
        None => {}
    }
    match error.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidMessage(_) => Some(WebError::Tls("it does not speak TLS there".to_owned())),
        error => Some(WebError::Tls(printable(&error.to_string(), SHOWN))),
    }
}

/// The error with the names of who was asked, and the next step.
pub(super) fn told(error: &WebError, peer: &Peer) -> PowerError {
    let Peer { method, machine, secret, url, .. } = peer;
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    let is_tls = url.scheme() == "https";
    let at = format!("{host} port {port}");
    let words = match error {
        WebError::Name(words) => format!("the name {host} is not known: {words}"),
        WebError::Unreachable(words) => format!("{at} cannot be reached: {words}"),
        WebError::NoLogin if *method == "amt" => "there is no name and password to ask it with".to_owned(),
        other => other.to_string(),
    };
    let next_step = match error {
        WebError::Name(_) => {
            format!("write a name that is known, or an address, into the machine's `power`: {method} HOST")
        }
        WebError::Unreachable(_) => {
            format!("see that it has current and a network cable, and that {method} is switched on in its firmware")
        }
        WebError::Tls(_) if is_tls => format!("see that it speaks TLS at port {port}; `power` says so"),
        WebError::Tls(_) => "nothing is to be trusted without TLS".to_owned(),
        WebError::Untrusted { .. } => format!("if that is its own: pxelator power trust {machine} {method}"),
        WebError::Changed { .. } => {
            format!("find out who changed it; if that is its own: pxelator power trust {machine} {method}")
        }
        WebError::NoLogin => format!("write user:password into {secret}, mode 600"),
        WebError::Login => format!("correct user:password in {secret}, mode 600"),
        WebError::NoDigest => format!("see that {at} is its {method}"),
        WebError::Silent => {
            format!("try again; where it stays so, take the current from it for 10 s: its {method} hangs")
        }
        WebError::Broken(_) => "try again; where it stays so, see what is between".to_owned(),
        WebError::TooLong => format!("see that {at} is its {method}"),
        WebError::Garbled(_) if is_tls => format!("see that {at} is its {method}"),
        WebError::Garbled(_) => format!("see that {at} is its {method}, and whether it wants TLS"),
    };
    PowerError::new(words, next_step)
}

/// A name that has no address.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct NoName(String);

/// The system's own look-up, with errors that can be told apart.
pub(super) struct Names;

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            match tokio::net::lookup_host((name.as_str(), 0)).await {
                Ok(found) => Ok(Box::new(found.collect::<Vec<_>>().into_iter()) as Addrs),
                Err(error) => Err(Box::new(NoName(error.to_string())) as Box<dyn Error + Send + Sync>),
            }
        })
    }
}
