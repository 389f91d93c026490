//! Forms that no other site can make: each has in it what only this page can know of the browser's cookie. Pure.

use axum::http::{HeaderMap, Uri, header};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The key of a run of the program.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl Key {
    /// A key of its own.
    pub fn new() -> Result<Key, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Key(bytes))
    }

    fn mac(&self, cookie: &str) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(b"form of ");
        mac.update(cookie.as_bytes());
        Some(mac)
    }

    /// What forms have in them for the browser with this cookie.
    pub fn token(&self, cookie: &str) -> String {
        self.mac(cookie).map_or(String::new(), |mac| hex::encode(mac.finalize().into_bytes()))
    }

    /// True where the form is one for the browser with this cookie. Takes as long whatever is wrong.
    pub fn is_of(&self, cookie: &str, token: &str) -> bool {
        let bytes = hex::decode(token).unwrap_or_default();
        self.mac(cookie).is_some_and(|mac| mac.verify_slice(&bytes).is_ok())
    }
}

/// The host with its port that was asked, without the port where it is the usual one. In lower case.
pub fn authority(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    // Where the request line has one, it counts (RFC 9112, section 3.2.2).
    let named = uri.authority().map(|authority| authority.as_str().to_owned());
    let asked = named.or_else(|| Some(headers.get(header::HOST)?.to_str().ok()?.to_owned()))?;
    Some(without_usual_port(&asked))
}

fn without_usual_port(authority: &str) -> String {
    let authority = authority.to_ascii_lowercase();
    let bare = authority.strip_suffix(":80").or_else(|| authority.strip_suffix(":443"));
    bare.unwrap_or(&authority).to_owned()
}

/// False for a request that a browser sends for another site. Programs say nothing of where they come from.
pub fn is_same_origin(headers: &HeaderMap, uri: &Uri) -> bool {
    let fetched = headers.get("sec-fetch-site").map(|value| value.as_bytes());
    if fetched.is_some_and(|site| site != b"same-origin" && site != b"none") {
        return false;
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let origin = origin.to_str().unwrap_or_default();
    let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    host.is_some_and(|host| Some(without_usual_port(host)) == authority(headers, uri))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_of_one_browser_and_run() {
        let (key, other) = (Key::new().unwrap(), Key::new().unwrap());
        let token = key.token("a");
        assert!(key.is_of("a", &token));
        for (key, cookie, token) in
            [(&key, "b", token.as_str()), (&other, "a", &token), (&key, "a", ""), (&key, "a", "zz"), (&key, "a", "00")]
        {
            assert!(!key.is_of(cookie, token), "{cookie} {token}");
        }
    }

    #[test]
    fn origins() {
        for (host, origin, fetched, same) in [
            ("10.77.0.1", None, None, true),
            ("10.77.0.1", Some("http://10.77.0.1"), Some("same-origin"), true),
            ("10.77.0.1:80", Some("http://10.77.0.1"), None, true),
            ("10.77.0.1:8443", Some("https://10.77.0.1:8443"), None, true),
            ("10.77.0.1:8443", Some("https://10.77.0.1"), None, false),
            ("10.77.0.1", Some("http://10.77.0.1:8080"), None, false),
            ("10.77.0.1", Some("http://evil.example"), None, false),
            ("10.77.0.1", Some("http://10.77.0.1.evil.example"), None, false),
            ("10.77.0.1", Some("null"), None, false),
            ("10.77.0.1", Some(""), None, false),
            ("10.77.0.1", None, Some("cross-site"), false),
            ("10.77.0.1", None, Some("same-site"), false),
            ("[::1]:8080", Some("http://[::1]:8080"), Some("same-origin"), true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            origin.map(|origin| headers.insert(header::ORIGIN, origin.parse().unwrap()));
            fetched.map(|site| headers.insert("sec-fetch-site", site.parse().unwrap()));
            assert_eq!(is_same_origin(&headers, &Uri::from_static("/x")), same, "{host} {origin:?} {fetched:?}");
        }
    }
}
