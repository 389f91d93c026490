//! The token of a boot: what shows that a command comes from the machine that boots, and from this boot of it. Pure.

use crate::net::Mac;
use hmac::{Hmac, KeyInit, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;
use std::{fmt, str::FromStr};

/// A boot's token: 16 hexadecimal digits, fit for a DNS label and a URL.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Token([u8; 8]);

/// What tokens are made with: a secret of this program.
#[derive(Clone, Default)]
pub struct TokenKey(Vec<u8>);

impl TokenKey {
    /// A key of these bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> TokenKey {
        TokenKey(bytes.into())
    }

    /// The token of the boot of this machine that began then: the same whenever it is asked for, so that it outlives a
    /// restart of the program (HMAC-SHA-256, RFC 2104).
    pub fn token(&self, machine: Mac, began: Option<Timestamp>) -> Token {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return Token::default() };
        mac.update(&machine.0);
        mac.update(&began.map_or(0, Timestamp::as_microsecond).to_be_bytes());
        let mut token = Token::default();
        token.0.copy_from_slice(&mac.finalize().into_bytes()[..8]);
        token
    }
}

impl Token {
    /// True if `other` is the same. Takes as long whatever differs.
    pub fn is(self, other: Token) -> bool {
        self.0.iter().zip(other.0).fold(0, |wrong, (a, b)| wrong | (a ^ b)) == 0
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl FromStr for Token {
    type Err = String;
    fn from_str(text: &str) -> Result<Token, String> {
        let mut token = Token::default();
        let read = hex::decode_to_slice(text.to_ascii_lowercase(), &mut token.0);
        read.map(|()| token).map_err(|_| "a token: 16 hexadecimal digits".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_machine_and_boot() {
        let key = TokenKey::new(*b"key");
        let (one, two) = (Mac([2, 0, 0, 0, 0, 1]), Mac([2, 0, 0, 0, 0, 2]));
        let at = |second| Timestamp::from_second(second).ok();
        let token = key.token(one, at(1));
        assert!(token.is(key.token(one, at(1))) && token.to_string().parse() == Ok(token));
        for other in [key.token(two, at(1)), key.token(one, at(2)), TokenKey::new(*b"other").token(one, at(1))] {
            assert!(!token.is(other));
        }
        assert_eq!(token.to_string().len(), 16);
        assert!("0123".parse::<Token>().is_err() && "0123456789abcdeg".parse::<Token>().is_err());
    }
}
