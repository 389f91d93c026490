//! The files `page` and `page.users` of the tree: where the page in the browser is to be had, and by whom.

use super::value::Expected;
use std::{net::SocketAddr, path::PathBuf};

/// What `conf/page` says. The default is a page on port 80 of each segment, read by this host alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// `listen ADDRESS:PORT [tls]` and `listen unix:PATH`, beside port 80 of each segment.
    pub listen: Vec<Listen>,
    /// `read here`, `read users` (who has logged in, and this host) or `read all`.
    pub read: Readers,
    /// `trust loopback`: who comes from this host needs no login to act.
    pub trust_loopback: bool,
    /// `trust unix`: who can open the socket needs none.
    pub trust_unix: bool,
    /// `name HOST`: further names that browsers ask it by. Its addresses and the names of this host are known.
    pub names: Vec<String>,
    /// `certificate FILE KEY`, PEM; without it a certificate is made in the run folder.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// Who may act: `page.users`.
    pub users: Vec<User>,
}

/// A place where the page is to be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A TCP port.
    Tcp {
        /// Where.
        address: SocketAddr,
        /// With TLS.
        tls: bool,
    },
    /// A Unix socket.
    Unix(PathBuf),
}

/// Who may read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Readers {
    /// This host alone.
    #[default]
    Here,
    /// This host, and who has logged in.
    Users,
    /// All.
    All,
}

/// Somebody who may act: a line of `page.users`. Its `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: String,
    /// `NAME $argon2id$…` is a password's hash; `NAME sha256:HEX` is a token's.
    pub secret: UserSecret,
    /// `read-only` after it.
    pub read_only: bool,
}

/// What shows that somebody is who they say.
#[derive(Clone, PartialEq, Eq)]
pub enum UserSecret {
    /// A password, as PHC string.
    Password(String),
    /// A token of random bytes, as SHA-256.
    Token([u8; 32]),
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "User({})", self.name)
    }
}

impl Page {
    /// What there is where conf says nothing.
    pub const NONE: Page = Page {
        listen: Vec::new(),
        read: Readers::Here,
        trust_loopback: false,
        trust_unix: false,
        names: Vec::new(),
        certificate: None,
        users: Vec::new(),
    };
}

impl Default for Page {
    fn default() -> Page {
        Page::NONE
    }
}

/// The lines of `page`; the users are elsewhere.
pub fn page(_text: &str) -> Result<Page, Expected> {
    Err("not read yet".to_owned())
}

/// The lines of `page.users`.
pub fn users(_text: &str) -> Result<Vec<User>, Expected> {
    Err("not read yet".to_owned())
}
