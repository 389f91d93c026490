//! Passwords and tokens, made and checked. Checking takes as long for a user that there is not.

use crate::conf::page::{User, UserSecret};
use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use sha2::{Digest, Sha256};

/// Longer ones are not looked at: what a form may hold.
pub const LONGEST: usize = 1024;

/// What `page.users` has for this password: Argon2id (RFC 9106) with a salt of its own, as PHC string.
pub fn hash(password: &str) -> Result<String, String> {
    let hash = Argon2::default().hash_password(password.as_bytes()).map_err(|error| error.to_string())?;
    Ok(hash.to_string())
}

/// A new token, and what `page.users` has for it.
pub fn token() -> Result<(String, [u8; 32]), getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    let token = format!("pxe_{}", hex::encode(bytes));
    let digest = Sha256::digest(&token).into();
    Ok((token, digest))
}

/// Whose token this is. All are looked at, whichever it is.
pub fn user_of_token<'a>(users: &'a [User], token: &str) -> Option<&'a User> {
    let digest: [u8; 32] = Sha256::digest(token).into();
    users.iter().fold(None, |found, user| if is_token(user, &digest) { Some(user) } else { found })
}

fn is_token(user: &User, digest: &[u8; 32]) -> bool {
    match &user.secret {
        UserSecret::Token(known) => known.iter().zip(digest).fold(0, |other, (a, b)| other | (a ^ b)) == 0,
        UserSecret::Password(_) => false,
    }
}

fn is_password(hash: &str, password: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// The user of this name, where password or token are theirs. Blocks for some hundredths of a second, whatever is wrong.
pub fn user_of<'a>(users: &'a [User], name: &str, password: &str) -> Option<&'a User> {
    let hash_of = |user: &'a User| match &user.secret {
        UserSecret::Password(hash) => Some(hash.as_str()),
        UserSecret::Token(_) => None,
    };
    let user = users.iter().find(|user| user.name == name);
    // Somebody else's, where there is no such user or none with a password: it takes as long.
    let other = users.iter().find_map(hash_of);
    let made = if other.is_none() { hash("").ok() } else { None };
    let own = user.and_then(hash_of);
    let fits = is_password(own.or(other).or(made.as_deref()).unwrap_or_default(), password);
    let digest = Sha256::digest(password).into();
    user.filter(|user| own.is_some() && fits || is_token(user, &digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_it_is() {
        let (token, digest) = token().unwrap();
        let user = |name: &str, secret| User { name: name.into(), secret, read_only: false };
        let hashed = hash("correct horse").unwrap();
        assert!(hashed.starts_with("$argon2id$v=19$"), "{hashed}");
        let users = [user("anna", UserSecret::Password(hashed)), user("robot", UserSecret::Token(digest))];
        for (name, password, is_it) in [
            ("anna", "correct horse", true),
            ("anna", "correct hors", false),
            ("anna", "", false),
            ("anna", &token, false),
            ("robot", &token, true),
            ("robot", "correct horse", false),
            ("ben", "correct horse", false),
            ("ben", &token, false),
            ("", "", false),
        ] {
            assert_eq!(user_of(&users, name, password).map(|user| &*user.name), is_it.then_some(name), "{name}");
        }
        assert!(user_of(&[], "anna", "x").is_none());
        assert!(user_of(&users[1..], "anna", "").is_none());
        assert_eq!(user_of_token(&users, &token).map(|user| &*user.name), Some("robot"));
        assert!(user_of_token(&users, "").is_none() && user_of_token(&users, "correct horse").is_none());
    }
}
