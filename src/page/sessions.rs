//! Who has logged in, by a cookie. In memory alone: they end with the program.

use crate::conf::page::{Page, User, UserSecret};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// Unused for so long, it ends; and after so long in any case.
const IDLE: Duration = Duration::from_secs(12 * 3600);
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);
/// Logins of one user at the same time; the one longest unused ends for another.
const OF_ONE: usize = 16;

/// All of them.
#[derive(Default)]
pub struct Sessions(Mutex<HashMap<[u8; 32], Session>>);

struct Session {
    user: String,
    /// Of what let them in: with another password they are out.
    secret: [u8; 32],
    began: Instant,
    used: Instant,
}

impl Session {
    fn is_over(&self, now: Instant) -> bool {
        now.duration_since(self.used) > IDLE || now.duration_since(self.began) > LONGEST
    }
}

/// 32 random bytes as text: what a cookie holds.
pub fn random() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(hex::encode(bytes))
}

fn print_of(user: &User) -> [u8; 32] {
    match &user.secret {
        UserSecret::Password(hash) => Sha256::digest(hash).into(),
        UserSecret::Token(hash) => *hash,
    }
}

/// A memory dump or a bug that shows the table shows no cookie.
fn key(cookie: &str) -> [u8; 32] {
    Sha256::digest(cookie).into()
}

impl Sessions {
    /// Somebody logged in who had this secret; the cookie is a new one.
    pub fn begin(&self, user: &User, now: Instant) -> Result<String, getrandom::Error> {
        let cookie = random()?;
        let mut sessions = self.0.lock();
        sessions.retain(|_, session| !session.is_over(now));
        while sessions.values().filter(|session| session.user == user.name).count() >= OF_ONE {
            let own = sessions.iter().filter(|(_, session)| session.user == user.name);
            let Some(oldest) = own.min_by_key(|(_, session)| session.used).map(|(key, _)| *key) else { break };
            sessions.remove(&oldest);
        }
        let session = Session { user: user.name.clone(), secret: print_of(user), began: now, used: now };
        sessions.insert(key(&cookie), session);
        Ok(cookie)
    }

    /// Who this cookie is of, as conf has them now.
    pub fn user<'a>(&self, page: &'a Page, cookie: &str, now: Instant) -> Option<&'a User> {
        let mut sessions = self.0.lock();
        let session = sessions.get_mut(&key(cookie)).filter(|session| !session.is_over(now))?;
        let of_it = |user: &&User| user.name == session.user && print_of(user) == session.secret;
        let user = page.users.iter().find(of_it)?;
        session.used = now;
        Some(user)
    }

    /// They log out.
    pub fn end(&self, cookie: &str) {
        self.0.lock().remove(&key(cookie));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str, hash: &str) -> User {
        User { name: name.into(), secret: UserSecret::Password(hash.into()), read_only: false }
    }

    #[test]
    fn until_its_end() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let page = |hash| Page { users: vec![user("anna", hash)], ..Page::NONE };
        let cookie = sessions.begin(&user("anna", "a"), now).unwrap();
        let is_in = |page: &Page, cookie: &str, now| sessions.user(page, cookie, now).is_some();
        assert!(is_in(&page("a"), &cookie, now));
        assert!(!is_in(&page("a"), "", now) && !is_in(&page("a"), &cookie[1..], now));
        assert!(!is_in(&page("b"), &cookie, now), "another password");
        assert!(!is_in(&Page::NONE, &cookie, now), "no such user");
        let mut at = now;
        while at < now + LONGEST {
            assert!(is_in(&page("a"), &cookie, at), "it is used");
            at += IDLE;
        }
        assert!(!is_in(&page("a"), &cookie, now + LONGEST + IDLE));
        let cookie = sessions.begin(&user("anna", "a"), now).unwrap();
        assert!(!is_in(&page("a"), &cookie, now + IDLE + Duration::from_secs(1)), "unused");
        let cookie = sessions.begin(&user("anna", "a"), now).unwrap();
        sessions.end(&cookie);
        assert!(!is_in(&page("a"), &cookie, now), "logged out");
    }

    #[test]
    fn one_user_has_some() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let page = Page { users: vec![user("anna", "a"), user("ben", "b")], ..Page::NONE };
        let of_ben = sessions.begin(&page.users[1], now).unwrap();
        let at = |n: usize| now + Duration::from_secs(n as u64);
        let all: Vec<_> = (0..OF_ONE + 2).map(|n| sessions.begin(&page.users[0], at(n)).unwrap()).collect();
        let is_in: Vec<_> = all.iter().map(|c| sessions.user(&page, c, at(OF_ONE + 2)).is_some()).collect();
        assert_eq!(is_in, [vec![false; 2], vec![true; OF_ONE]].concat());
        assert!(sessions.user(&page, &of_ben, at(OF_ONE + 2)).is_some());
    }
}
