//! The one HTTP client of what switches machines: Digest and Basic, pinned certificates, bounded answers. Knows neither
//! AMT nor Redfish.
//!
//! A [`Web`] is one server as conf names it, kept as long as conf says the same:
//!
//! ```text
//! let web = Web::of(target, "redfish", &url, Scheme::Basic);
//! let answer = web.send(&Ask::get("/redfish/v1/Systems")).await.map_err(|error| web.told(&error))?;
//! ```
//!
//! A status such as 404 is an [`Answer`]; 401 alone is an error. For an examination there are the steps by themselves:
//! [`Web::name`], [`Web::port`] and [`Web::trusted`]. Proxies of the environment are not used and redirections not
//! followed: either would hand the password on.

mod digest;
mod error;

pub use error::WebError;

use super::{PowerError, Target};
use crate::{
    conf::Login,
    net::{Trust, tls_client},
};
use digest::Digest;
use parking_lot::Mutex;
use reqwest::{
    Client, Method, Response,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, WWW_AUTHENTICATE},
    redirect::Policy,
};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    net::{TcpStream, lookup_host},
    time::Instant,
};
use url::Url;

/// What a server gets to take a connection, TLS included.
pub const CONNECT: Duration = Duration::from_secs(3);
/// What it gets for a whole answer.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read: what firmware says is far less.
pub const MOST: usize = 1 << 20;
/// Between an answer and the next request: firmware is slow, and a connection that is not back in its place yet would be
/// doubled.
const PAUSE: Duration = Duration::from_millis(10);
/// How long a connection is kept for the next request.
const IDLE: Duration = Duration::from_secs(60);

/// How a client says who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Digest (RFC 7616), as AMT asks for.
    Digest,
    /// Basic (RFC 7617), as Redfish has it.
    Basic,
}

/// One server.
pub struct Web {
    peer: Peer,
    scheme: Scheme,
    /// Or what keeps a client from being made.
    client: Result<Client, WebError>,
    /// Held from a request to its answer: firmware wants the counts of a nonce in their order.
    digest: tokio::sync::Mutex<Digest>,
    /// When the last answer ended.
    last: Mutex<Option<Instant>>,
}

/// Who is asked, and as whom.
struct Peer {
    method: &'static str,
    machine: String,
    /// The file of its login.
    secret: String,
    url: Url,
    login: Option<Login>,
    pin: Option<String>,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// HTTP's.
    pub method: Method,
    /// From the first slash on.
    pub path: &'a str,
    /// Names and values beside those of the client itself.
    pub headers: Vec<(&'static str, String)>,
    /// Type and bytes of the body.
    pub body: Option<(&'static str, Vec<u8>)>,
}

impl<'a> Ask<'a> {
    /// Gets what is there.
    pub fn get(path: &'a str) -> Ask<'a> {
        Ask { method: Method::GET, path, headers: Vec::new(), body: None }
    }

    /// Posts a body of this type.
    pub fn post(path: &'a str, kind: &'static str, body: impl Into<Vec<u8>>) -> Ask<'a> {
        Ask { method: Method::POST, path, headers: Vec::new(), body: Some((kind, body.into())) }
    }

    /// Changes what is there by a body of this type.
    pub fn patch(path: &'a str, kind: &'static str, body: impl Into<Vec<u8>>) -> Ask<'a> {
        Ask { method: Method::PATCH, ..Ask::post(path, kind, body) }
    }
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP's; never 401.
    pub status: u16,
    /// As they came.
    pub headers: HeaderMap,
    /// At most [`MOST`] bytes.
    pub body: Vec<u8>,
}

impl Web {
    /// The server at `url` (scheme, host and port count), asked as `method.secret` says and trusted as `method.pin` says.
    pub fn of(target: &Target, method: &'static str, url: &Url, scheme: Scheme) -> Web {
        let (segment, machine) = (&target.segment, &target.machine);
        let peer = Peer {
            method,
            machine: machine.hostname.clone(),
            secret: format!("conf/{}/{}/{method}.secret", segment.server, machine.address),
            url: url.clone(),
            login: segment.login_of(machine, method).cloned(),
            pin: machine.pins.get(method).cloned(),
        };
        Web::new(peer, scheme)
    }

    fn new(peer: Peer, scheme: Scheme) -> Web {
        let client = client(&peer.url, peer.pin.as_deref());
        Web { peer, scheme, client, digest: tokio::sync::Mutex::default(), last: Mutex::default() }
    }

    /// It is asked by TLS.
    pub fn is_tls(&self) -> bool {
        self.peer.url.scheme() == "https"
    }

    /// There is a name and a password to ask with.
    pub fn has_login(&self) -> bool {
        self.peer.login.is_some()
    }

    /// Sends a request and reads its answer. With Digest a kept nonce makes it one request; where the server wants
    /// another nonce, it is asked once more.
    pub async fn send(&self, ask: &Ask<'_>) -> Result<Answer, WebError> {
        match (&self.peer.login, self.scheme) {
            (None, _) => match self.once(ask, None, true).await? {
                response if response.status() == 401 => Err(WebError::NoLogin),
                response => self.read(response).await,
            },
            (Some(login), Scheme::Basic) => match self.once(ask, Some(digest::basic(login)), true).await? {
                response if response.status() == 401 => Err(WebError::Login),
                response => self.read(response).await,
            },
            (Some(login), Scheme::Digest) => self.with_digest(ask, login).await,
        }
    }

    async fn with_digest(&self, ask: &Ask<'_>, login: &Login) -> Result<Answer, WebError> {
        let mut digest = self.digest.lock().await;
        let known = digest.header(ask, login);
        // Without a nonce it is but asked for one, so that the body goes over once.
        let mut response = self.once(ask, known.clone(), known.is_some()).await?;
        if response.status() == 401 {
            digest.learn(response.headers().get_all(WWW_AUTHENTICATE))?;
            // Its body is read, so that the connection can be used again.
            self.read(response).await?;
            response = self.once(ask, digest.header(ask, login), true).await?;
        } else if known.is_none() {
            // It asks nobody for a password.
            response = self.once(ask, None, true).await?;
        }
        if response.status() == 401 {
            digest.forget();
            return Err(WebError::Login);
        }
        self.read(response).await
    }

    async fn read(&self, response: Response) -> Result<Answer, WebError> {
        let answer = answer(response).await;
        *self.last.lock() = Some(Instant::now());
        answer
    }

    async fn once(&self, ask: &Ask<'_>, login: Option<String>, whole: bool) -> Result<Response, WebError> {
        let client = self.client.as_ref().map_err(Clone::clone)?;
        let url = self.peer.url.join(ask.path).ok().filter(|url| url.origin() == self.peer.url.origin());
        let url = url.ok_or_else(|| WebError::Garbled(format!("the path {:?} leads elsewhere", ask.path)))?;
        let mut request = client.request(ask.method.clone(), url);
        for (name, value) in &ask.headers {
            request = request.header(*name, value);
        }
        if let Some(login) = login {
            request = request.header(AUTHORIZATION, login);
        }
        if let Some((kind, body)) = &ask.body {
            request = request.header(CONTENT_TYPE, *kind).body(if whole { body.clone() } else { Vec::new() });
        }
        let last = *self.last.lock();
        if let Some(last) = last {
            tokio::time::sleep_until(last + PAUSE).await;
        }
        request.send().await.map_err(|error| WebError::of(&error))
    }

    /// The addresses of its name, or of the address that it is.
    pub async fn name(&self) -> Result<Vec<SocketAddr>, WebError> {
        let url = &self.peer.url;
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = url.port_or_known_default().unwrap_or_default();
        let looked = tokio::time::timeout(CONNECT, lookup_host((host.as_str(), port))).await;
        let looked = looked.unwrap_or_else(|_| Err(std::io::Error::other("no name server answered")));
        match looked.map(|found| found.collect::<Vec<_>>()) {
            Ok(found) if !found.is_empty() => Ok(found),
            Ok(_) => Err(WebError::Name("it has no address".to_owned())),
            Err(error) => Err(WebError::Name(error.to_string())),
        }
    }

    /// That of the addresses which takes a connection.
    pub async fn port(&self, addresses: &[SocketAddr]) -> Result<SocketAddr, WebError> {
        let mut failed = WebError::Name("it has no address".to_owned());
        for address in addresses {
            match tokio::time::timeout(CONNECT, TcpStream::connect(address)).await {
                Ok(Ok(_)) => return Ok(*address),
                Ok(Err(error)) => failed = WebError::Unreachable(error.to_string()),
                Err(_) => failed = WebError::Unreachable(format!("no answer within {} s", CONNECT.as_secs())),
            }
        }
        Err(failed)
    }

    /// The certificate that it shows, trusted or not: SHA-256 in hexadecimal.
    pub async fn certificate(&self) -> Result<String, WebError> {
        // With no pin each certificate is refused, and named in the refusal.
        let curious = client(&self.peer.url, None)?;
        match curious.head(self.peer.url.clone()).send().await.map_err(|error| WebError::of(&error)) {
            Err(WebError::Untrusted { shown } | WebError::Changed { shown, .. }) => Ok(shown),
            Err(error) => Err(error),
            Ok(_) => Err(WebError::Tls("it is not asked by TLS, so it shows no certificate".to_owned())),
        }
    }

    /// The certificate that it shows, if it is the trusted one.
    pub async fn trusted(&self) -> Result<String, WebError> {
        let shown = self.certificate().await?;
        match &self.peer.pin {
            Some(pin) if *pin == shown => Ok(shown),
            Some(pin) => Err(WebError::Changed { trusted: pin.clone(), shown }),
            None => Err(WebError::Untrusted { shown }),
        }
    }

    /// An error for the operator: with the names of this server, and the next step.
    pub fn told(&self, error: &WebError) -> PowerError {
        error::told(error, &self.peer)
    }
}

/// Reads an answer, and no more of it than is sensible.
async fn answer(mut response: Response) -> Result<Answer, WebError> {
    if response.content_length().is_some_and(|length| length > MOST as u64) {
        return Err(WebError::TooLong);
    }
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|error| WebError::of(&error))? {
        if body.len() + part.len() > MOST {
            return Err(WebError::TooLong);
        }
        body.extend_from_slice(&part);
    }
    Ok(Answer { status, headers, body })
}

fn client(url: &Url, pin: Option<&str>) -> Result<Client, WebError> {
    // Also where TLS is not spoken: reqwest would read the system's certificates for each client otherwise.
    let tls = tls_client(Trust::Pinned(pin.map(str::to_owned))).map_err(|error| WebError::Tls(error.to_string()))?;
    let builder = Client::builder()
        .tls_backend_preconfigured(tls)
        .https_only(url.scheme() == "https")
        .no_proxy()
        .no_gzip()
        .redirect(Policy::none())
        // Some firmware reads the names of headers by their letters.
        .http1_title_case_headers()
        .dns_resolver(error::Names)
        .connect_timeout(CONNECT)
        .timeout(PATIENCE)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(1);
    builder.build().map_err(|error| WebError::of(&error))
}
