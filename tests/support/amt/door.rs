//! Who is let in: Digest as the firmware asks for it (RFC 2617, MD5, `auth`), reckoned by other code than that under test.

use super::{Fault, firmware::LOGIN, http::Request};
use md5::{Digest, Md5};
use std::collections::BTreeMap;

/// The nonces that were given, each with the highest count that was used.
pub struct Door {
    realm: String,
    nonces: BTreeMap<String, u32>,
    given: u64,
}

/// What comes of a request at the door.
pub enum Admission {
    /// It is let in.
    Admitted,
    /// It is not, and is asked this.
    Denied { challenge: String },
}

impl Door {
    pub fn new(seed: &str) -> Door {
        Door { realm: format!("Digest:{}", hash(seed).to_uppercase()), nonces: BTreeMap::new(), given: 0 }
    }

    /// What was given is worth nothing any longer.
    pub fn expire(&mut self) {
        self.nonces.clear();
    }

    pub fn realm(&self) -> &str {
        &self.realm
    }

    pub fn admit(&mut self, request: &Request, fault: &Fault) -> Admission {
        if *fault == Fault::NoDigest {
            return Admission::Denied { challenge: format!("Basic realm=\"{}\"", self.realm) };
        }
        let Some(told) = request.login.as_deref().and_then(|login| login.strip_prefix("Digest ")) else {
            return self.deny(false);
        };
        let told = fields(told);
        let of = |name: &str| told.get(name).map_or("", String::as_str);
        let (user, password) = LOGIN;
        let password = if *fault == Fault::OtherPassword { "another" } else { password };
        let who = hash(&format!("{user}:{}:{password}", self.realm));
        let what = hash(&format!("{}:{}", request.method, request.path));
        let proof = format!("{who}:{}:{}:{}:{}:{what}", of("nonce"), of("nc"), of("cnonce"), of("qop"));
        if of("username") != user || of("uri") != request.path || of("response") != hash(&proof) {
            return self.deny(false);
        }
        let count = u32::from_str_radix(of("nc"), 16).unwrap_or_default();
        match self.nonces.get_mut(of("nonce")) {
            Some(used) if count > *used => {
                *used = count;
                Admission::Admitted
            }
            _ => self.deny(true),
        }
    }

    fn deny(&mut self, stale: bool) -> Admission {
        self.given += 1;
        let nonce = hash(&format!("{}:{}", self.realm, self.given));
        self.nonces.insert(nonce.clone(), 0);
        let realm = &self.realm;
        Admission::Denied {
            challenge: format!("Digest realm=\"{realm}\", nonce=\"{nonce}\",stale=\"{stale}\",qop=\"auth\""),
        }
    }
}

fn hash(text: &str) -> String {
    hex::encode(Md5::digest(text))
}

/// `name="value", name=value`.
fn fields(text: &str) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    let mut rest = text;
    while let Some((name, more)) = rest.split_once('=') {
        let (value, more) = match more.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => more.split_once(',').unwrap_or((more, "")),
        };
        fields.insert(name.trim_matches([' ', ',']).to_owned(), value.trim().to_owned());
        rest = more;
    }
    fields
}
