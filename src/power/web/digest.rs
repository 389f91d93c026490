//! Who asks, as a header says it: Digest (RFC 7616, RFC 2617) with a kept nonce, and Basic. Knows no sockets.

use super::{Ask, WebError};
use crate::conf::Login;
use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use digest_auth::{AuthContext, HttpMethod, WwwAuthenticateHeader};
use reqwest::header::HeaderValue;

/// What a server last asked to be answered. It counts the uses of its nonce.
#[derive(Default)]
pub struct Digest {
    challenge: Option<WwwAuthenticateHeader>,
}

impl Digest {
    /// The header of the next request; none before there is a nonce.
    pub fn header(&mut self, ask: &Ask, login: &Login) -> Option<String> {
        let body = ask.body.as_ref().map(|(_, body)| body.as_slice());
        let method = HttpMethod(ask.method.as_str().to_owned().into());
        let context = AuthContext::new_with_method(&login.user, &login.password, ask.path, body, method);
        self.challenge.as_mut()?.respond(&context).ok().map(|header| header.to_string())
    }

    /// Takes the first challenge of a 401 that can be answered.
    pub fn learn<'a>(&mut self, challenges: impl IntoIterator<Item = &'a HeaderValue>) -> Result<(), WebError> {
        // `digest_auth` slices by characters, so it gets nothing but ASCII; which `to_str` sees to.
        let mut all = challenges.into_iter().filter_map(|challenge| challenge.to_str().ok());
        let is_digest = |challenge: &str| challenge.get(..7).is_some_and(|begin| begin.eq_ignore_ascii_case("digest "));
        let found = all.find_map(|challenge| {
            let rest = challenge.get(7..).filter(|_| is_digest(challenge))?;
            WwwAuthenticateHeader::parse(rest).ok()
        });
        self.challenge = found;
        if self.challenge.is_some() { Ok(()) } else { Err(WebError::NoDigest) }
    }

    /// Drops the nonce.
    pub fn forget(&mut self) {
        self.challenge = None;
    }
}

/// The header of Basic (RFC 7617).
pub fn basic(login: &Login) -> String {
    format!("Basic {}", BASE64.encode(format!("{}:{}", login.user, login.password)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_kept_and_counted() {
        let login = Login { user: "admin".into(), password: "P@ssw0rd1".into() };
        let ask = Ask::post("/wsman", "text/xml", "x");
        let mut digest = Digest::default();
        assert_eq!(digest.header(&ask, &login), None);
        let challenges = [
            HeaderValue::from_static("Basic realm=\"x\""),
            HeaderValue::from_static("Digest realm=\"Digest:A4\", nonce=\"abc\",stale=\"false\",qop=\"auth\""),
        ];
        digest.learn(&challenges).unwrap();
        for count in ["00000001", "00000002"] {
            let header = digest.header(&ask, &login).unwrap();
            assert!(header.starts_with("Digest ") && header.contains("uri=\"/wsman\""), "{header}");
            assert!(header.contains(&format!("nc={count}")) && header.contains("nonce=\"abc\""), "{header}");
            assert!(!header.contains("P@ssw0rd1"), "{header}");
        }
        for useless in [vec![], vec![challenges[0].clone()], vec![HeaderValue::from_static("Digest nonce=")]] {
            assert_eq!(digest.learn(&useless), Err(WebError::NoDigest), "{useless:?}");
            assert_eq!(digest.header(&ask, &login), None);
        }
    }

    #[test]
    fn basic_by_its_example() {
        // RFC 7617, section 2.
        let login = Login { user: "Aladdin".into(), password: "open sesame".into() };
        assert_eq!(basic(&login), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    }
}
