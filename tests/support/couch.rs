//! A database server: pouchdb-server of the test's own, and Apache CouchDB where `COUCHDB_URL` names one. Neither is an
//! imitation of ours; `./dev test` installs the first.

use super::{SOON, wait_for};
use reqwest::{Method, blocking::Client};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU16, AtomicU32, Ordering::Relaxed},
    time::Duration,
};

/// For [`super::can_run`].
pub const POUCHDB: &str = "pouchdb-server";
/// Documents read at once.
const PAGE: usize = 1000;
/// What a request of a test may take; more than one to a program's database would.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where `./dev test` installs it: beside what cargo builds.
fn installed() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("couchdb")
}

/// True where [`POUCHDB`] is installed.
pub fn is_installed() -> bool {
    installed().join("package-lock.json").exists() && installed().join("node").exists()
}

/// A database of the test's own on a server.
pub struct Couch {
    /// What the server is called in a test's messages.
    pub name: &'static str,
    /// The server's URL without who asks, as `http://127.0.0.1:5984`.
    server: String,
    /// User and password.
    login: Option<(String, String)>,
    database: String,
    own: Option<Own>,
    client: Client,
}

/// A server that the test started.
struct Own {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Couch {
    /// Starts pouchdb-server with a data folder of its own; it ends with this. Its database is yet to be made.
    pub fn start() -> Couch {
        let own = Own::start();
        let server = format!("http://127.0.0.1:{}", own.port);
        Couch { name: POUCHDB, server, login: None, database: "audit".to_owned(), own: Some(own), client: client() }
    }

    /// The Apache CouchDB that `COUCHDB_URL` (`http://user:password@host:port`) names, with a database name of the test's own.
    pub fn apache() -> Option<Couch> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let url = std::env::var("COUCHDB_URL").ok().filter(|url| !url.is_empty())?;
        let mut url = url::Url::parse(&url).unwrap_or_else(|e| panic!("COUCHDB_URL={url}: {e}"));
        assert!(url.scheme() == "http", "COUCHDB_URL: tests speak http with it");
        let login = (!url.username().is_empty())
            .then(|| (url.username().to_owned(), url.password().unwrap_or_default().to_owned()));
        url.set_username("").and_then(|()| url.set_password(None)).unwrap();
        let server = url.as_str().trim_end_matches('/').to_owned();
        let database = format!("pxelator-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Relaxed));
        let couch = Couch { name: "Apache CouchDB", server, login, database, own: None, client: client() };
        let (status, says) = couch.ask(Method::GET, "/_session", None);
        assert!(status == 200, "COUCHDB_URL: {status} {says}");
        Some(couch)
    }

    /// One of each, for a test to do the same with.
    pub fn all() -> Vec<Couch> {
        std::iter::once(Couch::start()).chain(Couch::apache()).collect()
    }

    /// The database's URL without who asks.
    pub fn url(&self) -> String {
        self.url_at(self.server.replace("http://", ""))
    }

    /// The database's URL where the server is reached at `place`, as `127.0.0.1:5984`: a proxy.
    pub fn url_at(&self, place: impl std::fmt::Display) -> String {
        format!("http://{place}/{}", self.database)
    }

    /// The database's name.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// `user:password`, where the server wants to know who asks.
    pub fn login(&self) -> Option<String> {
        self.login.as_ref().map(|(user, password)| format!("{user}:{password}"))
    }

    /// The server's address.
    pub fn address(&self) -> SocketAddr {
        let place = self.server.replace("http://", "");
        place.to_socket_addrs().unwrap().next().unwrap()
    }

    /// A request to the server; status and answer, which is null where it is no JSON.
    pub fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        self.try_to_ask(method.clone(), path, body).unwrap_or_else(|e| panic!("{method} {path}: {e}"))
    }

    fn try_to_ask(&self, method: Method, path: &str, body: Option<&Value>) -> reqwest::Result<(u16, Value)> {
        let mut request = self.client.request(method, format!("{}{path}", self.server));
        if let Some((user, password)) = &self.login {
            request = request.basic_auth(user, Some(password));
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send()?;
        let status = response.status().as_u16();
        Ok((status, serde_json::from_slice(&response.bytes()?).unwrap_or_default()))
    }

    /// Reads in the database.
    pub fn get(&self, path: &str) -> (u16, Value) {
        self.ask(Method::GET, &format!("/{}/{path}", self.database), None)
    }

    /// Posts to the database.
    pub fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.ask(Method::POST, &format!("/{}/{path}", self.database), Some(body))
    }

    /// Writes a document.
    pub fn put(&self, path: &str, body: &Value) -> (u16, Value) {
        self.ask(Method::PUT, &format!("/{}/{path}", self.database), Some(body))
    }

    /// From now on only this user may do anything.
    pub fn close(&mut self, user: &str, password: &str) {
        let (status, says) = self.ask(Method::PUT, &format!("/_config/admins/{user}"), Some(&password.into()));
        assert_eq!(status, 200, "{says}");
        self.login = Some((user.to_owned(), password.to_owned()));
    }

    /// Makes the database.
    pub fn create_database(&self) {
        let (status, says) = self.ask(Method::PUT, &format!("/{}", self.database), None);
        assert!(matches!(status, 201 | 202), "{status} {says}");
    }

    /// Deletes the database.
    pub fn delete_database(&self) {
        let (status, says) = self.ask(Method::DELETE, &format!("/{}", self.database), None);
        assert!(matches!(status, 200 | 202), "{status} {says}");
    }

    /// How many documents there are, design documents included; none without a database.
    pub fn count(&self) -> Option<u64> {
        let (_, says) = self.ask(Method::GET, &format!("/{}", self.database), None);
        says["doc_count"].as_u64()
    }

    /// Every document by its `_id`, design documents left out, read in pages.
    pub fn all_docs(&self) -> BTreeMap<String, Value> {
        let mut found = BTreeMap::new();
        let mut first: Option<String> = None;
        loop {
            let mut query = json!({ "include_docs": true, "conflicts": true, "limit": PAGE });
            if let Some(first) = &first {
                query["start_key"] = json!(first);
            }
            let encode = |(key, value): (&String, &Value)| {
                let value =
                    percent_encoding::utf8_percent_encode(&value.to_string(), percent_encoding::NON_ALPHANUMERIC)
                        .to_string();
                format!("{key}={value}")
            };
            let query: Vec<String> = query.as_object().unwrap().iter().map(encode).collect();
            let (status, mut page) = self.get(&format!("_all_docs?{}", query.join("&")));
            assert_eq!(status, 200, "{page}");
            let rows = page["rows"].as_array_mut().unwrap();
            let full = rows.len() == PAGE;
            first = rows.last().map(|row| row["id"].as_str().unwrap().to_owned());
            for row in rows {
                let id = row["id"].as_str().unwrap().to_owned();
                if !id.starts_with("_design/") {
                    found.insert(id, row["doc"].take());
                }
            }
            // The last of a page comes again as the first of the next.
            if !full {
                return found;
            }
        }
    }

    /// Ends the server at once, as a crash does. For one of the test's own.
    pub fn kill(&mut self) {
        self.own.as_mut().expect("only a server of the test's own is killed").kill();
    }

    /// Starts it again on its port with its data, and waits until it answers.
    pub fn restart(&mut self) {
        let own = self.own.as_mut().expect("only a server of the test's own is restarted");
        own.kill();
        own.child = Own::launch(own.port, own.folder.path());
        own.wait().unwrap_or_else(|says| panic!("{POUCHDB} did not come back:\n{says}"));
    }
}

impl Drop for Couch {
    fn drop(&mut self) {
        if self.own.is_none() {
            // What a test that fails says is better than what this would.
            let _ = self.try_to_ask(Method::DELETE, &format!("/{}", self.database), None);
        }
    }
}

impl Own {
    fn start() -> Own {
        assert!(is_installed(), "tests/couchdb/install puts it into {}", installed().display());
        for _ in 0..5 {
            let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
            let mut own = Own { child: Own::launch(port, folder.path()), port, folder };
            match own.wait() {
                Ok(()) => return own,
                // Somebody else was quicker to take the port.
                Err(says) if says.contains("in use") => continue,
                Err(says) => panic!("{POUCHDB} did not start:\n{says}"),
            }
        }
        panic!("no port is free for {POUCHDB}");
    }

    fn launch(port: u16, folder: &Path) -> Child {
        let said = std::fs::File::create(folder.join("said")).unwrap();
        Command::new(installed().join("node"))
            .arg(installed().join("node_modules/pouchdb-server/bin/pouchdb-server"))
            .args(["--host", "127.0.0.1", "--port", &port.to_string(), "--dir", ".", "-n"])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(said.try_clone().unwrap())
            .stderr(said)
            .spawn()
            .unwrap()
    }

    /// Waits until it answers; what it printed where it ended instead.
    fn wait(&mut self) -> Result<(), String> {
        let (url, client) = (format!("http://127.0.0.1:{}/", self.port), client());
        wait_for("the database server answers", 3 * SOON, || {
            if self.child.try_wait().unwrap().is_some() {
                return Some(Err(std::fs::read_to_string(self.folder.path().join("said")).unwrap_or_default()));
            }
            client.get(&url).send().ok().filter(|answer| answer.status().is_success()).map(|_| Ok(()))
        })
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port below those that the system gives to whoever connects, so that it is still free after a restart.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let number = u32::from(NEXT.fetch_add(1, Relaxed)) * 7 + std::process::id() * 131;
        let port = 20_000 + (number % 12_000) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn client() -> Client {
    // Whatever the environment says about proxies. A server ends connections that rest for some seconds: perhaps just as one is used again.
    Client::builder().no_proxy().timeout(PATIENCE).pool_max_idle_per_host(0).build().unwrap()
}
