//! Requests to one CouchDB database, each answered with JSON or an error in words.

use crate::{causes::root, conf::Database};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use std::{collections::HashMap, time::Duration};

/// What a request gets from connecting to the last byte of its answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// Bytes of a server's words that are shown.
const SHOWN: usize = 200;

/// Why a request came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CouchError {
    /// Nobody is there.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// It took too long.
    #[error("it did not answer within {} s", .0.as_secs())]
    Silent(Duration),
    /// The answer broke off, or is none of CouchDB's.
    #[error("its answer makes no sense: {0}")]
    Garbled(String),
    /// CouchDB said no.
    #[error("it answers {code}: {words}")]
    Status {
        /// HTTP's.
        code: u16,
        /// `error: reason`, as far as it said so.
        words: String,
    },
    /// It took the request and not each document.
    #[error("it refuses the document {id}: {words}")]
    Refused {
        /// Which.
        id: String,
        /// `error: reason`.
        words: String,
    },
    /// What was to be sent cannot be read, or not be noted as sent.
    #[error("the journal: {0}")]
    Journal(String),
}

impl CouchError {
    /// What the operator can do.
    pub fn next_step(&self) -> &'static str {
        match self {
            CouchError::Unreachable(_) => "see that CouchDB runs there and the URL in the file couchdb is right",
            CouchError::Silent(_) => "see whether CouchDB is overloaded, or the way to it broken",
            CouchError::Garbled(_) => "see that the URL in the file couchdb leads to CouchDB, and what is between",
            CouchError::Status { code: 401, .. } => "put user:password into the file couchdb.secret, mode 0600",
            CouchError::Status { code: 403, words } if words.contains("locked") => {
                "the password was wrong too often: correct couchdb.secret, and wait the five minutes that CouchDB locks it"
            }
            CouchError::Status { code: 502..=504, .. } => "see that CouchDB runs there, and what is between",
            CouchError::Status { code: 403, .. } => "let this user read and write the database, or make it as an admin",
            CouchError::Status { code: 404, .. } => "see that the URL in the file couchdb is right",
            CouchError::Status { code: 413, .. } => "raise max_document_size and max_http_request_size of CouchDB",
            CouchError::Status { .. } => "look into CouchDB's log; it is tried again",
            CouchError::Refused { .. } => "see which validate_doc_update of the database refuses it",
            CouchError::Journal(_) => "look at the disk of the journal",
        }
    }

    /// A smaller request may go through.
    pub fn is_of_size(&self) -> bool {
        matches!(self, CouchError::Silent(_) | CouchError::Garbled(_) | CouchError::Status { code: 413, .. })
    }

    /// Who asks is not let in: to try often makes it worse.
    pub fn is_of_login(&self) -> bool {
        matches!(self, CouchError::Status { code: 401 | 403, .. })
    }

    /// HTTP's status, where there was an answer.
    pub fn code(&self) -> Option<u16> {
        match self {
            CouchError::Status { code, .. } => Some(*code),
            _ => None,
        }
    }
}

/// One database.
#[derive(Clone, Debug)]
pub struct Client {
    client: couch_rs::Client,
    /// The path of the database, with what stands before its name.
    path: String,
}

impl Client {
    /// For `database`. Errors are those of making a TLS client.
    pub fn new(database: &Database) -> Result<Client, CouchError> {
        let garbled = |error: &dyn std::error::Error| CouchError::Garbled(error.to_string());
        let path = url::Url::parse(&database.url).map_err(|error| garbled(&error))?.path().to_owned();
        let (user, password) = database.login.as_ref().map(|l| (l.user.as_str(), l.password.as_str())).unzip();
        let client = couch_rs::Client::new_with_timeout(&database.url, user, password, Some(PATIENCE.as_secs()));
        Ok(Client { client: client.map_err(|error| garbled(&error))?, path })
    }

    /// A request to the database (`path` empty) or below it (`/_find`).
    fn request(&self, method: Method, path: &str, options: &[(&str, &str)]) -> RequestBuilder {
        let options: HashMap<String, String> =
            options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        // An empty list would still add a question mark.
        self.client.req(method, &format!("{}{path}", self.path), Some(&options).filter(|options| !options.is_empty()))
    }

    /// Gets what is there.
    pub async fn get(&self, path: &str, options: &[(&str, &str)]) -> Result<Value, CouchError> {
        answer(self.request(Method::GET, path, options), PATIENCE).await
    }

    /// The same, of a feed that may have nothing to say for `patience`.
    pub async fn listen(&self, path: &str, options: &[(&str, &str)], patience: Duration) -> Result<Value, CouchError> {
        answer(self.request(Method::GET, path, options).timeout(patience), patience).await
    }

    /// What the server says of itself.
    pub async fn server(&self) -> Result<Value, CouchError> {
        let begin = self.path.rsplit_once('/').map_or("", |(begin, _)| begin);
        answer(self.client.req(Method::GET, &format!("{begin}/"), None), PATIENCE).await
    }

    /// Makes the database.
    pub async fn make(&self) -> Result<Value, CouchError> {
        answer(self.request(Method::PUT, "", &[]), PATIENCE).await
    }

    /// Puts a value there.
    pub async fn put(&self, path: &str, value: &Value) -> Result<Value, CouchError> {
        answer(self.request(Method::PUT, path, &[]).body(value.to_string()), PATIENCE).await
    }

    /// Posts a question that may take a look at much.
    pub async fn ask(&self, path: &str, body: Vec<u8>, patience: Duration) -> Result<Value, CouchError> {
        answer(self.request(Method::POST, path, &[]).timeout(patience).body(body), patience).await
    }

    /// Posts a body of JSON.
    pub async fn post(&self, path: &str, options: &[(&str, &str)], body: Vec<u8>) -> Result<Value, CouchError> {
        answer(self.request(Method::POST, path, options).body(body), PATIENCE).await
    }
}

async fn answer(request: RequestBuilder, patience: Duration) -> Result<Value, CouchError> {
    let failed = |error: reqwest::Error| {
        if error.is_timeout() {
            CouchError::Silent(patience)
        } else if error.is_connect() || error.is_request() {
            CouchError::Unreachable(root(&error))
        } else {
            CouchError::Garbled(root(&error))
        }
    };
    let response = request.send().await.map_err(failed)?;
    let status = response.status();
    let body = response.bytes().await.map_err(failed)?;
    let parsed: Result<Value, _> = serde_json::from_slice(&body);
    if !status.is_success() {
        let words = match &parsed {
            Ok(json) if json["error"].is_string() => words(json),
            _ => crate::event::printable(&String::from_utf8_lossy(&body), SHOWN),
        };
        return Err(CouchError::Status { code: status.as_u16(), words });
    }
    parsed.map_err(|error| CouchError::Garbled(format!("expected JSON, {error}")))
}

/// `error: reason` of an answer.
pub fn words(json: &Value) -> String {
    let part = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
    crate::event::printable(&format!("{}: {}", part("error"), part("reason")), SHOWN)
}
