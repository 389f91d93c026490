//! Who asks, as a header says it: Digest (RFC 7616, RFC 2617) with a kept nonce, and Basic. Knows no sockets.

use super::{Ask, WebError};
use crate::conf::Login;
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
    format!("Basic {}", base64(format!("{}:{}", login.user, login.password).as_bytes()))
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for part in bytes.chunks(3) {
        let at = |index: usize| u32::from(part.get(index).copied().unwrap_or_default());
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for letter in 0..4 {
            let index = (bits >> (18 - 6 * letter)) as usize & 63;
            text.push(if letter <= part.len() { LETTERS[index] as char } else { '=' });
        }
    }
    text
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
    fn basic_by_its_examples() {
        // RFC 7617, section 2, and RFC 4648, section 10.
        let login = Login { user: "Aladdin".into(), password: "open sesame".into() };
        assert_eq!(basic(&login), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        for (plain, coded) in [("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("", "")] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
