//! Requests to the PXElator of another host.

use crate::{
    causes::{causes, chain},
    cli::power::Stopped,
    net::{NotPinned, Trust, tls_client},
};
use reqwest::{Client, Method, Response, redirect::Policy};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;

/// What it gets to take a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// What it gets to say the next word; on a line it says one every 15 s.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of a document that are read at most.
const MOST: usize = 64 << 20;
/// A line at most.
const LONGEST: usize = 16 << 20;

/// Another host's PXElator.
pub struct Remote {
    url: String,
    shown: String,
    client: Client,
    token: Option<String>,
}

impl Remote {
    /// At this URL; its certificate must have this SHA-256 where one is given, else be signed by somebody whom this host trusts.
    pub fn new(url: &str, fingerprint: Option<&str>, token: Option<String>) -> Result<Remote, Stopped> {
        let wrong = |words: String| Stopped::Wrong(crate::cli::power::Wrong::Words(words));
        let mut builder = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .connect_timeout(CONNECT)
            .read_timeout(PATIENCE)
            // What is brought beforehand and what is asked then have a runtime each, and a connection is of one.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("pxelator/", env!("CARGO_PKG_VERSION")));
        if let Some(fingerprint) = fingerprint {
            let digits = fingerprint.replace(':', "").to_ascii_lowercase();
            if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(wrong(format!(
                    "--fingerprint {fingerprint}: SHA-256 in 64 hexadecimal digits was expected"
                )));
            }
            let tls = tls_client(Trust::Pinned(Some(digits))).map_err(|error| Stopped::Broken(error.to_string()))?;
            builder = builder.tls_backend_preconfigured(tls);
        }
        let base = if let Some(socket) = url.strip_prefix("unix:") {
            builder = builder.unix_socket(socket);
            "http://localhost".to_owned()
        } else {
            let parsed = url::Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
            let parsed = parsed.filter(|url| url.has_host() && url.username().is_empty() && url.path() == "/");
            let parsed = parsed.ok_or_else(|| {
                wrong(format!("--server {url}: expected https://HOST[:PORT], http://HOST[:PORT] or unix:/PATH"))
            })?;
            let is_here = matches!(parsed.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
            if parsed.scheme() == "http" && !is_here && token.is_some() {
                eprintln!("pxelator: {url} is not encrypted: who can read along on the network learns the token");
            }
            if fingerprint.is_some() && parsed.scheme() == "https" {
                builder = builder.https_only(true);
            }
            parsed.as_str().trim_end_matches('/').to_owned()
        };
        let client = builder.build().map_err(|error| Stopped::Broken(error.to_string()))?;
        Ok(Remote { url: format!("{base}/api/v1"), shown: url.to_owned(), client, token })
    }

    /// Asks once; a status that is no success is an error with the server's own words.
    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Result<Response, Stopped> {
        let mut url =
            url::Url::parse(&format!("{}/{path}", self.url)).map_err(|error| Stopped::Broken(error.to_string()))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = self.client.request(method, url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        let answer = request.send().await.map_err(|error| self.silent(&error))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let said = self.bytes(answer).await.unwrap_or_default();
        let problem: Value = serde_json::from_slice(&said).unwrap_or_default();
        let word =
            |name: &str| problem.get(name).and_then(Value::as_str).map(|word| crate::event::printable(word, 500));
        Err(Stopped::Nobody(match (word("error"), word("next_step")) {
            (Some(error), Some(next_step)) => format!("{} says: {error}; {next_step}", self.shown),
            _ => format!("{} says {status}; is it a PXElator?", self.shown),
        }))
    }

    fn silent(&self, error: &reqwest::Error) -> Stopped {
        if let Some(NotPinned { shown, .. }) = causes(error).find_map(NotPinned::of) {
            return Stopped::Nobody(format!(
                "{} shows another certificate than --fingerprint names: {shown}; who is asked is perhaps not who it should be",
                self.shown
            ));
        }
        let words = chain(error);
        let hint = if words.contains("certificate") {
            "; where nobody signed its certificate, say --fingerprint HEX, which `pxelator log kind=service.started` tells on its host"
        } else {
            ""
        };
        Stopped::Nobody(format!("{} does not answer: {words}{hint}", self.shown))
    }

    async fn bytes(&self, mut answer: Response) -> Result<Vec<u8>, Stopped> {
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.silent(&error))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MOST {
                return Err(Stopped::Broken(format!("{} says too much", self.shown)));
            }
        }
        Ok(bytes)
    }

    /// A document.
    pub async fn json(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Stopped> {
        let answer = self.ask(Method::GET, path, query, None).await?;
        let bytes = self.bytes(answer).await?;
        serde_json::from_slice(&bytes).map_err(|error| Stopped::Broken(format!("{} says no JSON: {error}", self.shown)))
    }

    /// A document of a known form.
    pub async fn read<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, Stopped> {
        serde_json::from_value(self.json(path, query).await?)
            .map_err(|error| Stopped::Broken(format!("{} is of another version: {error}", self.shown)))
    }

    /// Hands over each line of a document, until `take` says no.
    pub async fn lines(
        &self,
        path: &str,
        query: &[(&str, &str)],
        mut take: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), Stopped> {
        let mut lines =
            Lines { answer: self.ask(Method::GET, path, query, None).await?, rest: Vec::new(), remote: self };
        while let Some(line) = lines.next().await? {
            if !take(&line) {
                break;
            }
        }
        Ok(())
    }

    /// The lines of an answer as they come.
    pub async fn open(&self, path: &str) -> Result<Lines<'_>, Stopped> {
        Ok(Lines { answer: self.ask(Method::GET, path, &[], None).await?, rest: Vec::new(), remote: self })
    }
}

/// Lines of an answer.
pub struct Lines<'a> {
    answer: Response,
    rest: Vec<u8>,
    remote: &'a Remote,
}

impl Lines<'_> {
    /// The next, without its end; none at the end of all. Empty ones, which only show that it is there, are passed over.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Stopped> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let mut line: Vec<u8> = self.rest.drain(..=end).collect();
                line.pop();
                if line.is_empty() {
                    continue;
                }
                return Ok(Some(line));
            }
            if self.rest.len() > LONGEST {
                return Err(Stopped::Broken(format!("{} says a line without end", self.remote.shown)));
            }
            match self.answer.chunk().await.map_err(|error| self.remote.silent(&error))? {
                Some(chunk) => self.rest.extend_from_slice(&chunk),
                None if self.rest.is_empty() => return Ok(None),
                None => return Err(Stopped::Broken(format!("{} broke off", self.remote.shown))),
            }
        }
    }
}
