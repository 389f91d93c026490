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

/// What a line of `page` may be.
const LINES: &str = "lines as: listen 0.0.0.0:443 tls, listen unix:/run/pxelator/page, read here (or users, or all), \
    trust loopback (or unix), name pxe.example.org, certificate /etc/ssl/page.pem /etc/ssl/page.key";

/// The lines of `page`; the users are elsewhere.
pub fn page(text: &str) -> Result<Page, Expected> {
    let mut page = Page::NONE;
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [] => {}
            ["listen", place] | ["listen", place, "tls"] => page.listen.push(listen(place, words.len() == 3)?),
            ["read", "here"] => page.read = Readers::Here,
            ["read", "users"] => page.read = Readers::Users,
            ["read", "all"] => page.read = Readers::All,
            ["trust", "loopback"] => page.trust_loopback = true,
            ["trust", "unix"] => page.trust_unix = true,
            ["name", name] => page.names.push(host(name)?),
            ["certificate", file, key] => page.certificate = Some((path(file)?, path(key)?)),
            _ => return Err(LINES.to_owned()),
        }
    }
    Ok(page)
}

fn listen(place: &str, tls: bool) -> Result<Listen, Expected> {
    if let Some(file) = place.strip_prefix("unix:").filter(|_| !tls) {
        return path(file).map(Listen::Unix);
    }
    let address = place.parse().map_err(|_| "an address with a port, as listen 10.77.0.1:443 tls".to_owned())?;
    Ok(Listen::Tcp { address, tls })
}

/// Whole, so that it does not depend on where the program was started.
fn path(file: &str) -> Result<PathBuf, Expected> {
    let path = PathBuf::from(file);
    if path.is_absolute() { Ok(path) } else { Err(format!("a whole path; {file} does not begin with /")) }
}

fn host(name: &str) -> Result<String, Expected> {
    super::value::domain(name).map_err(|_| "the name of a host, as name pxe.example.org".to_owned())
}

/// What a line of `page.users` may be. It stands in mistakes: no line is shown.
const USERS: &str =
    "a user a line, made by pxelator user add: NAME $argon2id$… or NAME sha256:…, perhaps with read-only";

/// The lines of `page.users`.
pub fn users(text: &str) -> Result<Vec<User>, Expected> {
    let mut users: Vec<User> = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (name, secret, read_only) = match words[..] {
            [] => continue,
            [name, secret] => (name, secret, false),
            [name, secret, "read-only"] => (name, secret, true),
            _ => return Err(USERS.to_owned()),
        };
        let user = User { name: user_name(name)?, secret: secret_of(secret).ok_or(USERS)?, read_only };
        if users.iter().any(|known| known.name == user.name) {
            return Err(format!("one line a user; {} has two", user.name));
        }
        users.push(user);
    }
    Ok(users)
}

/// A user's name.
pub fn user_name(text: &str) -> Result<String, Expected> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.@+".contains(c);
    if (1..=64).contains(&text.len()) && text.chars().all(fits) && !text.starts_with('-') {
        Ok(text.to_owned())
    } else {
        Err("a user's name: letters, digits and -_.@+, at most 64".to_owned())
    }
}

fn secret_of(text: &str) -> Option<UserSecret> {
    if let Some(digits) = text.strip_prefix("sha256:") {
        return Some(UserSecret::Token(hex::decode(digits).ok()?.try_into().ok()?));
    }
    // PHC: https://github.com/P-H-C/phc-string-format
    (text.starts_with("$argon2") && text.matches('$').count() >= 5).then(|| UserSecret::Password(text.to_owned()))
}

impl UserSecret {
    /// As in the file.
    pub fn text(&self) -> String {
        match self {
            UserSecret::Password(hash) => hash.clone(),
            UserSecret::Token(digest) => format!("sha256:{}", hex::encode(digest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages() {
        let text = "listen 0.0.0.0:443 tls\nlisten [::1]:8080\nlisten unix:/run/p\nread users\ntrust unix\nname Pxe.Example\n\
            certificate /a.pem /a.key";
        let expected = Page {
            listen: vec![
                Listen::Tcp { address: "0.0.0.0:443".parse().unwrap(), tls: true },
                Listen::Tcp { address: "[::1]:8080".parse().unwrap(), tls: false },
                Listen::Unix("/run/p".into()),
            ],
            read: Readers::Users,
            trust_unix: true,
            names: vec!["pxe.example".into()],
            certificate: Some(("/a.pem".into(), "/a.key".into())),
            ..Page::NONE
        };
        assert_eq!(page(text), Ok(expected));
        assert_eq!(page(""), Ok(Page::NONE));
        for (text, told) in [
            ("listen 80", "with a port"),
            ("listen unix:p", "whole path"),
            ("listen unix:/p tls", "with a port"),
            ("read nobody", "lines as"),
            ("trust all", "lines as"),
            ("certificate /a", "lines as"),
            ("certificate a b", "whole path"),
            ("name a b", "lines as"),
            ("name a/b", "name of a host"),
            ("user anna", "lines as"),
        ] {
            let error = page(text).unwrap_err();
            assert!(error.contains(told), "{text}: {error}");
        }
    }

    #[test]
    fn people() {
        let (hash, digest) = ("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo", "ab".repeat(32));
        let found = users(&format!("anna {hash}\n\nrobot sha256:{digest} read-only\n")).unwrap();
        let shown: Vec<_> = found.iter().map(|user| (&*user.name, user.secret.text(), user.read_only)).collect();
        assert_eq!(shown, [("anna", hash.to_owned(), false), ("robot", format!("sha256:{digest}"), true)]);
        assert_eq!(format!("{:?}", found[0]), "User(anna)", "no secret is shown");
        for text in [
            "anna",
            "anna secret",
            "anna sha256:ab",
            "anna $argon2id$",
            "a:b sha256:00",
            &format!("anna {hash}\nanna {hash}"),
            &format!("anna {hash} admin"),
            &format!("-anna {hash}"),
        ] {
            let error = users(text).unwrap_err();
            assert!(!error.contains("secret\n") && !error.contains(hash), "{error}");
        }
    }
}
